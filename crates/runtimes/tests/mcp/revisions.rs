//! The revisions of the protocol, and ways of speaking them that servers in the field have.

use crosspoint_core::Mount;
use serde_json::json;

use crate::support::*;

async fn echoes(mode: &str) {
    let mount = Probe::new(mode).mount().await;
    let connector = connector(&mount);
    let arguments = json!({"text": mode});
    assert_eq!(
        body(call(&connector, "echo", arguments.clone()).await),
        arguments,
        "{mode}"
    );
    mount.close().await;
}

#[tokio::test]
async fn servers_of_the_first_revision_are_called() {
    echoes("old").await;
}

#[tokio::test]
async fn servers_that_do_one_thing_at_a_time_are_called() {
    echoes("single").await;
}

#[tokio::test]
async fn servers_that_spell_ids_as_text_or_answer_in_lists_are_called() {
    echoes("Texts").await;
    echoes("Batches").await;
}

#[tokio::test]
async fn a_server_of_the_revision_without_a_greeting_is_called_and_tells_of_changes() {
    let mount = Probe::new("Modern").mount().await;
    let before = connector(&mount);
    let arguments = json!({"text": "modern"});
    assert_eq!(
        body(call(&before, "echo", arguments.clone()).await),
        arguments
    );
    call(&before, "grow", json!({})).await.unwrap();
    until("it is there", || {
        commands(&mount)
            .iter()
            .any(|name| name.starts_with("grown"))
    })
    .await;
    let failure = call(&before, "fail", json!({"text": "no"}))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "ToolError");
    mount.close().await;
}
