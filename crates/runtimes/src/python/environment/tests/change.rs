//! What changes an environment, and what does not.

use super::*;

#[tokio::test]
async fn code_changes_the_fingerprint_and_not_the_environment() {
    let bench = Bench::with(uv);
    write(
        bench.path(),
        &[
            ("p/connector_p/__init__.py", ""),
            ("p/pyproject.toml", "[project]\nname = \"p\"\n"),
        ],
    );
    let before = bench.get("./p").await.expect("an environment");
    assert_eq!(before.current_fingerprint(), before.fingerprint);
    write(bench.path(), &[("p/connector_p/commands/new.py", "")]);
    assert_ne!(before.current_fingerprint(), before.fingerprint);
    let after = bench.get("./p").await.expect("an environment");
    assert_eq!(after.fingerprint, before.current_fingerprint());
    assert_eq!(after.python, before.python);
}

#[tokio::test]
async fn dependencies_change_the_environment() {
    let bench = Bench::with(uv);
    bench.library("liba", "1.0");
    write(bench.path(), &[("p/connector_p/__init__.py", "")]);
    let before = bench.get("./p").await.expect("an environment");
    write(bench.path(), &[("p/requirements.txt", "liba\n")]);
    assert_ne!(before.current_fingerprint(), before.fingerprint);
    let after = bench.get("./p").await.expect("an environment");
    assert_ne!(after.python, before.python);
    assert_eq!(says(&after, "import liba; print(liba.VERSION)"), "1.0");
}

#[tokio::test]
async fn a_wheel_with_other_content_is_another_environment() {
    let bench = Bench::with(uv);
    let path = bench.connector("crm", "1.0", &[]);
    let source = path.to_string_lossy();
    let before = bench.get(&source).await.expect("an environment");
    wheel(
        &bench.wheels(),
        "connector_crm",
        "1.0",
        &[],
        &[("connector_crm/__init__.py", "NEW = 1\n")],
    );
    let after = bench.get(&source).await.expect("an environment");
    assert_ne!(after.fingerprint, before.fingerprint);
    assert_eq!(
        says(&after, "import connector_crm; print(connector_crm.NEW)"),
        "1"
    );
}

#[tokio::test]
async fn recipes_that_need_the_same_share_an_environment() {
    let bench = Bench::with(uv);
    write(bench.path(), &[("one.py", ""), ("two.py", "")]);
    let one = bench.get("one.py").await.expect("an environment");
    let two = bench.get("two.py").await.expect("an environment");
    assert_eq!(one.python, two.python);
    assert_ne!(one.fingerprint, two.fingerprint);
    assert_eq!((names(&one), names(&two)), (vec!["one"], vec!["two"]));
}

#[tokio::test]
async fn an_upgrade_makes_a_new_generation_only_when_there_is_something_newer() {
    for bench in Bench::both() {
        bench.library("liba", "1.0");
        bench.connector("crm", "1.0", &["liba"]);
        let recipe = bench.recipe("connector-crm");
        let first = bench
            .environments
            .sync(&recipe, false, &Quiet)
            .await
            .expect("built");
        assert!(first.built && first.changes.is_empty());
        let same = bench
            .environments
            .sync(&recipe, true, &Quiet)
            .await
            .expect("the same");
        assert!(!same.built && same.changes.is_empty());
        assert_eq!(same.environment.fingerprint, first.environment.fingerprint);
        bench.library("liba", "1.1");
        let stays = bench
            .environments
            .sync(&recipe, false, &Quiet)
            .await
            .expect("the same");
        assert!(!stays.built);
        let newer = bench
            .environments
            .sync(&recipe, true, &Quiet)
            .await
            .expect("upgraded");
        assert!(newer.built);
        assert_eq!(
            newer.changes,
            [Change {
                name: "liba".to_owned(),
                from: Some("1.0".to_owned()),
                to: Some("1.1".to_owned()),
            }]
        );
        assert_ne!(newer.environment.fingerprint, first.environment.fingerprint);
        // Workers that run go on with theirs, until nobody does.
        let version = "import liba; print(liba.VERSION)";
        assert_eq!(says(&first.environment, version), "1.0");
        let current = bench
            .environments
            .get(&recipe, &Quiet)
            .await
            .expect("the newer");
        assert_eq!(says(&current, version), "1.1");
        drop((first, same, stays));
        let pruned = bench
            .environments
            .prune(std::slice::from_ref(&recipe))
            .await
            .expect("pruned");
        assert_eq!(
            pruned
                .removed
                .iter()
                .map(|kept| kept.generation)
                .collect::<Vec<_>>(),
            [1]
        );
        assert_eq!(says(&current, version), "1.1");
    }
}
