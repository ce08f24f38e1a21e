//! Crosspoint as a connector of Crosspoint: what one serves as tools is commands of the other. The client
//! is the official Rust SDK's.

use serde_json::json;

use crate::harness::{Reply, Setup, Upstream};
use crate::python::support::serve;

#[tokio::test]
async fn commands_of_one_are_called_through_another_by_address_and_by_command() {
    let upstream = Upstream::start(|_| Reply::json("{\"n\": 1.5}")).await;
    let inner = Setup::new().serve().await;
    let program = env!("CARGO_BIN_EXE_crosspoint");
    let config = format!(
        "[connectors.there]\nmcp = {:?}\n[connectors.beside]\nmcp = [{program:?}, \"mcp\"]\n",
        inner.url("/mcp")
    );
    let outer = serve(&config).await;
    let commands = outer.get("/api/v1/commands").await.json();
    for connector in ["there", "beside"] {
        let id = format!("{connector}/http_GetRequestV2");
        let listed = commands.as_array().unwrap().iter().find(|c| c["id"] == *id);
        let listed = listed.unwrap_or_else(|| panic!("no {id}"));
        assert_eq!(listed["safety"], "read-only", "{listed}");
        let answer = outer.api(&id, json!({"url": upstream.url("/")})).await;
        let outcome = &answer.brought();
        assert_eq!(outcome["body"], json!({"n": 1.5}), "{connector}: {outcome}");
        let wrong = outer
            .api(&id, json!({"ur": "x", "url": upstream.url("/")}))
            .await;
        assert!(wrong.text.contains("ur"), "{}", wrong.text);
    }
    let rows = inner.rows(&[]).await;
    assert!(rows.iter().all(|row| row.ingress == "mcp") && !rows.is_empty());
}
