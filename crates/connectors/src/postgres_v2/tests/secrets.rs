//! What must not be in any log.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::util::SubscriberInitExt;

use super::kit::{Bench, unique};
use crate::postgres_v2::testing::{PASSWORD, server};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn passwords_and_values_are_in_no_log_however_much_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    // Takes in what libraries log by other means, too.
    let _guard = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .set_default();
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (a text)"));
    let insert = json!({"table_name": table, "schema": {
        "columns": ["a"], "values": [["v4lue-canary"]]}});
    bench.call("InsertValuesV2", insert).await.unwrap();
    bench
        .failure("select %s::int", json!(["v4lue-canary"]))
        .await;
    let wrong = Bench::new().at(server().dsn_as("postgres", "wr0ng-canary"));
    wrong.failure("select 1", json!([])).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("tokio_postgres"), "nothing was logged:\n{log}");
    for secret in [PASSWORD, "wr0ng-canary", "v4lue-canary"] {
        assert!(!log.contains(secret), "{secret}:\n{log}");
    }
}
