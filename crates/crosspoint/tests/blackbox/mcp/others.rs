//! Servers that no one here wrote.

use serde_json::json;

use super::support::*;
use crate::harness::Setup;

#[tokio::test]
async fn the_reference_server_is_mounted_with_everything_that_a_command_can_be() {
    let script = node("others/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let proxy = serve(&server("everything", &["node", &script])).await;
    let sum = proxy
        .call("everything/get-sum", json!({"a": 1.5, "b": 2}))
        .await;
    assert_eq!(sum.success(), "The sum of 1.5 and 2 is 3.5.");
    let weather = proxy.call(
        "everything/get-structured-content",
        json!({"location": "Chicago"}),
    );
    assert!(weather.await.success()["temperature"].is_number());
    let steps = json!({"duration": 1, "steps": 2});
    let long = proxy
        .call("everything/trigger-long-running-operation", steps)
        .await;
    assert!(long.logs().contains("progress 2 of 2"), "{}", long.logs());
    let image = proxy
        .call("everything/get-tiny-image", json!({}))
        .await
        .success();
    assert_eq!(image[1]["mimeType"], "image/png");
    let wrong = proxy
        .call("everything/get-sum", json!({"a": "x", "b": 2}))
        .await;
    assert_ne!(wrong.code(), "", "{}", wrong.text);
    let missing = proxy.call("everything/get-sum", json!({"a": 1})).await;
    assert_eq!(
        (missing.status, missing.code()),
        (400, "TypeError".to_owned())
    );
}

#[tokio::test]
async fn the_server_of_files_reads_what_it_may_and_reports_what_it_may_not() {
    let script = node("others/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    let setup = Setup::new();
    std::fs::create_dir(setup.path().join("shared")).unwrap();
    std::fs::write(setup.path().join("shared/note.txt"), "hello").unwrap();
    let folder = setup.path().join("shared").canonicalize().unwrap();
    let config = server("files", &["node", &script, &folder.display().to_string()]);
    let proxy = serve_setup(setup.config(&config)).await;
    let note = json!({"path": folder.join("note.txt")});
    let read = proxy.call("files/read_text_file", note).await.success();
    assert_eq!(read["content"], "hello");
    let elsewhere = proxy
        .call("files/read_text_file", json!({"path": "/etc/hostname"}))
        .await;
    assert_eq!(elsewhere.failure(), (200, 400, "ToolError".to_owned()));
    assert!(
        elsewhere.message().contains("Access denied"),
        "{}",
        elsewhere.message()
    );
    let new = json!({"path": folder.join("new.txt"), "content": "x"});
    proxy.call("files/write_file", new).await.success();
    assert_eq!(
        std::fs::read_to_string(folder.join("new.txt")).unwrap(),
        "x"
    );
}

#[tokio::test]
async fn a_server_from_the_python_package_index_is_mounted() {
    let config = server("time", &[&test_python(), "-m", "mcp_server_time"]);
    let proxy = serve(&config).await;
    let zone = json!({"timezone": "Asia/Tokyo"});
    let time = proxy.call("time/get_current_time", zone).await.success();
    assert_eq!(time["timezone"], "Asia/Tokyo");
    let none = proxy
        .call("time/get_current_time", json!({"timezone": "No/Where"}))
        .await;
    assert_eq!(none.failure().2, "ToolError");
}
