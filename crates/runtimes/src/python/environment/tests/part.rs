//! Sources that cannot be had beside others that can.

use super::*;

/// A recipe of several sources.
fn recipe(bench: &Bench, sources: &[&str]) -> Recipe {
    let none: [&str; 0] = [];
    Recipe::parse(sources, &none, None, bench.path()).expect("a recipe")
}

async fn got(bench: &Bench, recipe: &Recipe) -> Environment {
    let environment = bench.environments.get(recipe, &Quiet).await;
    environment.expect("an environment")
}

#[tokio::test]
async fn what_cannot_be_installed_is_named_and_tried_again_and_the_rest_is_installed() {
    for bench in Bench::both() {
        bench.connector("crm", "1.0", &[]);
        bench.connector("shop", "1.0", &["connector-crm"]);
        let all = ["connector-crm", "connector-late", "connector-shop"];
        let recipe = recipe(&bench, &all);
        let part = got(&bench, &recipe).await;
        assert_eq!(names(&part), ["crm", "shop"]);
        let [problem] = &part.problems[..] else {
            panic!("{:?}", part.problems)
        };
        assert!(
            problem.contains("could not install connector-late."),
            "{problem}"
        );
        assert!(!problem.contains("connector-shop."), "{problem}");
        says(&part, "import connector_crm, connector_shop");
        // It is as it was, and no further one is kept.
        let again = got(&bench, &recipe).await;
        assert_eq!(again.python, part.python);
        assert_eq!(again.problems.len(), 1);
        bench.connector("late", "1.0", &[]);
        let whole = got(&bench, &recipe).await;
        assert_eq!(names(&whole), ["crm", "late", "shop"]);
        assert!(whole.problems.is_empty(), "{:?}", whole.problems);
        assert_ne!(whole.fingerprint, part.fingerprint);
    }
}

#[tokio::test]
async fn of_two_that_do_not_go_together_the_first_is_installed() {
    for bench in Bench::both() {
        bench.library("liba", "1.0");
        bench.library("liba", "2.0");
        bench.connector("old", "1.0", &["liba<2"]);
        bench.connector("new", "1.0", &["liba>=2"]);
        let part = got(&bench, &recipe(&bench, &["connector-old", "connector-new"])).await;
        assert_eq!(names(&part), ["old"]);
        assert!(
            part.problems[0].contains("could not install connector-new."),
            "{:?}",
            part.problems
        );
        assert_eq!(says(&part, "import liba; print(liba.VERSION)"), "1.0");
    }
}

#[tokio::test]
async fn a_part_that_was_there_stays_when_less_can_be_had() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    let shop = bench.connector("shop", "1.0", &[]);
    let all = ["connector-crm", "connector-late", "connector-shop"];
    let recipe = recipe(&bench, &all);
    let part = got(&bench, &recipe).await;
    fs::remove_file(shop).expect("removed");
    let less = got(&bench, &recipe).await;
    assert_eq!((names(&less), &less.python), (names(&part), &part.python));
    fs::remove_dir_all(bench.wheels()).expect("removed");
    let nothing = got(&bench, &recipe).await;
    assert_eq!(nothing.python, part.python);
}

#[tokio::test]
async fn a_directory_that_is_not_there_and_one_without_connectors_are_named() {
    let bench = Bench::with(pip);
    bench.connector("crm", "1.0", &[]);
    bench.library("liba", "1.0");
    let part = got(&bench, &recipe(&bench, &["./no", "connector-crm", "liba"])).await;
    assert_eq!(names(&part), ["crm"]);
    let [missing, empty] = &part.problems[..] else {
        panic!("{:?}", part.problems)
    };
    assert!(missing.starts_with("there is no directory at"), "{missing}");
    assert!(empty.starts_with("liba offers no connector"), "{empty}");
}

#[tokio::test]
async fn where_nothing_can_be_installed_and_where_an_upgrade_would_lose_something_it_fails() {
    let bench = Bench::with(pip);
    let nothing = recipe(&bench, &["connector-a", "connector-b"]);
    let error = bench.environments.get(&nothing, &Quiet).await;
    let text = error.expect_err("no environment").to_string();
    assert!(
        text.contains("could not install connector-a, connector-b."),
        "{text}"
    );
    bench.connector("a", "1.0", &[]);
    let b = bench.connector("b", "1.0", &[]);
    let whole = got(&bench, &nothing).await;
    fs::remove_file(b).expect("removed");
    let upgraded = bench.environments.sync(&nothing, true, &Quiet).await;
    upgraded.expect_err("no upgrade");
    assert_eq!(got(&bench, &nothing).await.python, whole.python);
}
