use super::*;

fn parse(text: &str) -> Result<Source, NotASource> {
    Source::parse(text, Path::new("/base"))
}

#[test]
fn each_form_is_told_from_the_others() {
    for (text, shown) in [
        ("connector-crm", "Requirement(connector-crm)"),
        ("connector-crm==1.4", "Requirement(connector-crm==1.4)"),
        (
            "connector-crm[a,b] >= 1 ; python_version > '3.9'",
            "Requirement(connector-crm[a,b] >= 1 ; python_version > '3.9')",
        ),
        (
            "crm @ https://h/a.whl",
            "Requirement(crm @ https://h/a.whl)",
        ),
        ("crm@git+https://h/a", "Requirement(crm@git+https://h/a)"),
        ("./crm", "Directory(/base/crm)"),
        ("../crm", "Directory(/base/../crm)"),
        ("plugins/crm", "Directory(/base/plugins/crm)"),
        ("_plugins/crm", "Directory(/base/_plugins/crm)"),
        (".", "Directory(/base)"),
        ("/srv/crm/", "Directory(/srv/crm)"),
        ("crm.py", "File(/base/crm.py)"),
        ("/x/crm.py", "File(/x/crm.py)"),
        ("c-1-py3-none-any.whl", "Wheel(/base/c-1-py3-none-any.whl)"),
        ("c-1.tar.gz", "Archive(/base/c-1.tar.gz)"),
        ("c-1.zip", "Archive(/base/c-1.zip)"),
        ("git+https://h/a.git@v1", "Url(git+https://h/a.git@v1)"),
        ("git+ssh://git@h/a", "Url(git+ssh://git@h/a)"),
        ("git+file:///a", "Url(git+file:///a)"),
        ("https://h/a.whl#sha256=1", "Url(https://h/a.whl#sha256=1)"),
        ("file:///a/b%20c.whl", "Wheel(/a/b c.whl)"),
    ] {
        assert_eq!(format!("{:?}", parse(text).expect(text)), shown, "{text}");
    }
}

#[test]
fn what_is_none_of_them_is_explained() {
    for (text, reason) in [
        ("", "empty"),
        ("--index-url=x", "option"),
        ("git@host:a/b", "git+ssh"),
        ("crm=1.4", "=="),
        ("https://h/a/b", "git+https"),
        ("svn+https://h/a", "not known"),
        ("crm 1.4", "not a version"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("a single file (crm.py)"), "{error}");
    }
}

#[test]
fn a_token_in_an_address_is_shown_nowhere() {
    let source = parse("git+https://s3cret@h/a.git").expect("an address");
    assert!(!format!("{source} {source:?}").contains("s3cret"));
    let error = parse("https://u:s3cret@h/a").expect_err("no archive");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[test]
fn a_directory_is_one_whatever_its_name_ends_in() {
    let base = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(base.path().join("crm.py")).expect("a directory");
    let source = Source::parse("crm.py", base.path()).expect("a path");
    assert_eq!(source, Source::Directory(base.path().join("crm.py")));
}

#[test]
fn the_home_directory_may_be_written_short() {
    let home = std::env::home_dir().expect("a home");
    assert_eq!(parse("~/crm"), Ok(Source::Directory(home.join("crm"))));
}
