//! Results that cannot be sent: the error says that the command did run.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::support::{bare, connector, serve, zoo};
use crate::harness::{Proxy, outlive_nobody};

async fn wild() -> &'static Proxy {
    static SHARED: OnceCell<(Proxy, std::process::Child)> = OnceCell::const_new();
    let start = || async {
        let proxy = serve(&connector("wild", zoo("connector-wild"))).await;
        let watch = outlive_nobody(&proxy);
        (proxy, watch)
    };
    &SHARED.get_or_init(start).await.0
}

/// Code and message of a call that ran in vain; the connector goes on.
async fn invalid(command: &str, arguments: Value) -> String {
    let proxy = wild().await;
    let answer = proxy.call(command, arguments.clone()).await;
    // The command ran: not the outer 500, which engines answer by calling once more.
    assert_eq!(answer.status, 200, "{command} {arguments}: {}", answer.text);
    assert_eq!(answer.code(), "InvalidResult", "{command} {arguments}");
    let message = answer.message();
    assert!(message.contains("did run"), "{message}");
    bare(proxy, "wild/Fine", json!({})).await;
    message
}

#[tokio::test]
async fn what_json_cannot_hold_is_named_with_its_place() {
    for (what, named) in [
        ("datetime", "datetime"),
        ("decimal", "Decimal"),
        ("set", "set"),
        ("nan", "NaN"),
        ("infinity", "is inf"),
        ("bytes", "bytes"),
        ("circle", "contains itself"),
        ("object", "object"),
    ] {
        for version in [1, 2] {
            let message = invalid("wild/Holds", json!({"what": what, "version": version})).await;
            assert!(
                message.to_lowercase().contains(&named.to_lowercase()),
                "{what}: {message}"
            );
            assert!(message.contains("deep"), "{what} {version}: {message}");
        }
    }
}

#[tokio::test]
async fn a_result_that_is_no_dict_is_named() {
    let message = invalid("wild/NoDict", json!({})).await;
    assert!(
        message.contains("list") && message.contains("dict"),
        "{message}"
    );
    let message = invalid("wild/Nothing", json!({})).await;
    assert!(
        message.contains("None") && message.contains("dict"),
        "{message}"
    );
}

#[tokio::test]
async fn a_result_without_response_is_named() {
    let message = invalid("wild/NoResponse", json!({})).await;
    assert!(message.contains("response"), "{message}");
}

#[tokio::test]
async fn a_status_that_is_none_is_named() {
    for status in [
        json!(0),
        json!(99),
        json!(1000),
        json!("soon"),
        json!([200]),
    ] {
        let message = invalid("wild/OddStatus", json!({"status": status})).await;
        assert!(message.contains("status"), "{message}");
    }
}

#[tokio::test]
async fn a_result_nested_beyond_all_measure_is_named() {
    let message = invalid("wild/Nest", json!({})).await;
    assert!(
        message.contains("nested") || message.contains("deep"),
        "{message}"
    );
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_named_with_both_sizes() {
    let table = connector("wild", zoo("connector-wild")) + "max_answer = \"64KiB\"\n";
    let proxy = serve(&table).await;
    let answer = proxy.call("wild/Large", json!({"size": 65_537})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (200, "AnswerTooLarge".to_owned())
    );
    let message = answer.message();
    for part in ["65537", "65536", "max_answer"] {
        assert!(message.contains(part), "{message}");
    }
    let fits = bare(&proxy, "wild/Large", json!({"size": 65_536})).await;
    assert_eq!(fits.len(), 65_536);
}
