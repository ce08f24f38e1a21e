use super::*;

fn parse(text: &str) -> Dsn {
    Dsn::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn host(name: &str, port: u16) -> Host {
    Host {
        name: name.to_owned(),
        address: None,
        port,
    }
}

#[test]
fn both_notations_say_the_same() {
    for text in [
        "host=db port=5433 dbname=dev user=me password='p w\\'d' connect_timeout=3",
        "  user = me host = db  password=p\\ w\\'d port=5433 connect_timeout=3 dbname = dev ",
        "postgres://me:p%20w'd@db:5433/dev?connect_timeout=3",
        "postgresql://db:5433/dev?user=me&password=p%20w'd&connect_timeout=3",
    ] {
        let dsn = parse(text);
        assert_eq!(dsn.hosts, [host("db", 5433)], "{text}");
        assert_eq!(dsn.config.get_user(), Some("me"), "{text}");
        assert_eq!(dsn.config.get_password(), Some(&b"p w'd"[..]), "{text}");
        assert_eq!(dsn.config.get_dbname(), Some("dev"), "{text}");
        assert_eq!(dsn.connect_timeout, Some(Duration::from_secs(3)), "{text}");
    }
}

#[test]
fn several_hosts_have_their_ports_or_share_one() {
    let two = [host("a", 1), host("b", 5432)];
    assert_eq!(parse("user=x host=a,b port=1,").hosts, two);
    assert_eq!(parse("postgres://x@a:1,b/").hosts, two);
    assert_eq!(
        parse("user=x host=a,b port=7").hosts,
        [host("a", 7), host("b", 7)]
    );
    assert_eq!(parse("postgres://x@[::1]:7/d").hosts, [host("::1", 7)]);
}

#[test]
fn an_address_goes_before_the_name() {
    let dsn = parse("user=x host=db hostaddr=10.0.0.1");
    assert_eq!(dsn.hosts[0].name, "db");
    assert_eq!(dsn.hosts[0].address, Some("10.0.0.1".parse().unwrap()));
    assert_eq!(parse("user=x hostaddr=10.0.0.1").hosts[0].name, "10.0.0.1");
}

#[test]
fn modes_of_encryption_are_those_of_libpq() {
    for (mode, wanted, verify) in [
        ("", SslMode::Prefer, false),
        ("sslmode=disable", SslMode::Disable, false),
        ("sslmode=allow", SslMode::Prefer, false),
        ("sslmode=prefer", SslMode::Prefer, false),
        ("sslmode=require", SslMode::Require, false),
        ("sslmode=verify-ca", SslMode::Require, true),
        ("sslmode=verify-full", SslMode::Require, true),
    ] {
        let dsn = parse(&format!("user=x host=a {mode}"));
        assert_eq!(
            (dsn.config.get_ssl_mode(), dsn.verify),
            (wanted, verify),
            "{mode}"
        );
    }
}

#[test]
fn a_question_mark_may_stand_in_the_password() {
    let dsn = parse("postgres://x:p?w@a/d?sslmode=disable");
    assert_eq!(dsn.config.get_password(), Some(&b"p?w"[..]));
    assert_eq!(dsn.config.get_dbname(), Some("d"));
}

#[test]
fn options_without_effect_are_passed_over() {
    let text = "user=x host=a keepalives=1 client_encoding=utf8 gssencmode=disable";
    assert_eq!(parse(text).hosts.len(), 1);
}

#[test]
fn what_cannot_be_used_is_refused_under_the_names_of_python() {
    for (text, code) in [
        ("", "OperationalError"),
        ("host=a", "OperationalError"),
        ("user=x", "OperationalError"),
        ("host=/run/postgresql user=x", "OperationalError"),
        ("postgres://x:p@w@a/d", "OperationalError"),
        ("postgres://x@%2Frun%2Fpostgresql/d", "OperationalError"),
        ("host=a user=x port=abc", "OperationalError"),
        ("host=a user=x port=0", "OperationalError"),
        ("host=a,b user=x port=1,2,3", "OperationalError"),
        ("host=a user=x sslmode=bad", "OperationalError"),
        ("host=a user=x sslrootcert=/etc/passwd", "OperationalError"),
        ("host=a user=x passfile=/etc/passwd", "OperationalError"),
        (
            "host=a user=x target_session_attrs=maybe",
            "OperationalError",
        ),
        ("hostx", "ProgrammingError"),
        ("=a", "ProgrammingError"),
        ("host=a user=x password='open", "ProgrammingError"),
        ("host=a user=x foo=bar", "ProgrammingError"),
        ("postgres://x@a/d?b", "ProgrammingError"),
        ("postgres://%ff@a/d", "ProgrammingError"),
        ("postgres://x@[::1/d", "ProgrammingError"),
        ("host=a user=x\0", "ProgrammingError"),
        ("postgres://x:a%00b@h/", "ProgrammingError"),
    ] {
        let refused = Dsn::parse(text)
            .err()
            .unwrap_or_else(|| panic!("{text} passes"));
        assert_eq!(refused.code, code, "{text}");
    }
}

#[test]
fn no_message_repeats_a_part_of_the_string() {
    for text in [
        "host=a user=x password=two hunter2",
        "host=a user=x password=two hunter2=",
        "host=a user=x sslmode=hunter2",
        "host=a user=x password='hunter2",
        "postgres://x:hun%ffhunter2@a/",
        "hunter2",
        "hunter2=",
        "postgres://x:p@hunter2@a/",
        "postgres://x:p/hunter2@a/d",
    ] {
        let refused = Dsn::parse(text)
            .err()
            .unwrap_or_else(|| panic!("{text} passes"));
        assert!(!refused.message.contains("hunter2"), "{}", refused.message);
    }
}
