//! One grant at several replicas: whoever refreshes it does so for all of them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{join, spawn};

use crate::connections::rotating::{Rotating, asked, authorise, profile};
use crate::harness::{Proxy, Upstream, until};
use crate::ledger::place::Place;

/// How many calls each replica has at the moment of expiry.
const CALLS: usize = 100;

/// Claims on grants that have not ended.
const CLAIMS: &str = "SELECT id FROM crosspoint_items WHERE drawer = 'grant' \
                      AND claimed > extract(epoch FROM clock_timestamp()) * 1000";

/// Ends them, as their leases would.
const END_CLAIMS: &str = "UPDATE crosspoint_items SET claimed = 1 WHERE drawer = 'grant'";

/// Two replicas with a token that both have used.
async fn two(system: &Rotating) -> (Place, Upstream, [Proxy; 2]) {
    let upstream = system.start().await;
    let settings = format!("settings = {{ origin = \"{}\" }}\n", upstream.url(""));
    let place = Place::postgres(&profile("http", &upstream, &settings)).await;
    let setups = [place.setup.clone(), place.replica()];
    let [first, second] = setups.map(|setup| setup.env("CROSSPOINT_LOG", "debug").serve());
    let replicas: [Proxy; 2] = join!(first, second).into();
    authorise(&replicas[0], "http").await;
    for replica in &replicas {
        assert_eq!(
            fetch(replica, &upstream).await,
            (200, "for access-1".into())
        );
    }
    assert_eq!(asked(&upstream), 1);
    (place, upstream, replicas)
}

/// Reads from the system with the account: the status that came from there, and the text.
async fn fetch(replica: &Proxy, upstream: &Upstream) -> (u64, Value) {
    let arguments = json!({"url": upstream.url("/thing")});
    let answer = replica.call("http/GetRequestV2", arguments).await;
    (answer.inner(), answer.body()["raw_response"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_at_two_of_them_whose_token_ends_share_one_refresh() {
    let system = Rotating::default();
    let (_place, upstream, replicas) = two(&system).await;
    system.state().expired = true;
    let calls = (0..2 * CALLS).map(|n| fetch(&replicas[n % 2], &upstream));
    let answers = join_all(calls).await;
    let fresh = (200, Value::from("for access-2"));
    assert!(answers.iter().all(|a| *a == fresh), "{answers:?}");
    assert_eq!(asked(&upstream), 2, "the code, and one refresh");
    // And once more, by whichever is first now.
    system.state().expired = true;
    let calls = (0..2 * CALLS).map(|n| fetch(&replicas[n % 2], &upstream));
    let fresh = (200, Value::from("for access-3"));
    assert!(join_all(calls).await.iter().all(|a| *a == fresh));
    assert_eq!(asked(&upstream), 3);
    assert!(!system.state().revoked);
    for replica in &replicas {
        assert_eq!(replica.problems().await, "[]");
    }
}

#[tokio::test]
async fn one_that_is_killed_while_the_provider_hangs_leaves_the_refresh_to_the_other() {
    let system = Rotating::default();
    let (place, upstream, [first, second]) = two(&system).await;
    system.state().expired = true;
    system.state().hangs = true;
    let arguments = json!({"url": upstream.url("/thing")});
    let lost = spawn(first.do_("http/GetRequestV2").json(&arguments).try_send());
    until("the first asks the provider", async || {
        asked(&upstream) == 2
    })
    .await;
    assert_eq!(place.database.sql(CLAIMS).await, ["http/prod"]);
    drop(first.kill().await);
    assert!(lost.await.unwrap().is_err());
    // The other one has the old token refused, and does not ask while the claim lasts.
    system.state().hangs = false;
    let waiting = spawn(second.do_("http/GetRequestV2").json(&arguments).try_send());
    second
        .log_line(&["Another process refreshes the token.", "http/prod"])
        .await;
    assert_eq!(asked(&upstream), 2);
    place.database.sql(END_CLAIMS).await;
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.success()["raw_response"], "for access-2");
    assert_eq!(asked(&upstream), 3);
    assert!(!system.state().revoked);
    assert!(place.database.sql(CLAIMS).await.is_empty());
    let listed = second.run(&["auth", "list"]).await.text(0);
    assert!(!listed.contains("DEAD"), "{listed}");
    assert_eq!(second.problems().await, "[]");
}
