//! What the databases make of the statements: nothing looks through the whole ledger.

use std::sync::Arc;

use crosspoint_broker::ledger::{Filter, State};

use crate::ledger::Ledger;
use crate::open::{Options, open};
use crate::sql::{self, Dialect};
use crate::value::{Statement, Value};

async fn ledger(folder: &tempfile::TempDir) -> Arc<Ledger> {
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let options = Options::new(folder.path().join("master.key"));
    open(&url, &options).await.unwrap()
}

async fn plan(ledger: &Ledger, statement: Statement) -> String {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    let steps = ledger.read(Statement::new(sql, statement.values)).await;
    let steps = steps.unwrap();
    let steps = steps.iter().map(|step| step.text(3).unwrap().unwrap());
    steps.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn lists_go_along_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(&folder).await;
    let some = || Some("x".to_owned());
    let none = Filter::default;
    for (filter, index) in [
        (none(), "sqlite_autoindex_crosspoint_calls_1"),
        (
            Filter {
                connector: some(),
                since: Some(5),
                until: Some(9),
                ..none()
            },
            "crosspoint_calls_connector (connector=? AND id>? AND id<?)",
        ),
        (
            Filter {
                state: Some(State::Failed),
                ..none()
            },
            "crosspoint_calls_state (state=? AND id<?)",
        ),
        (
            Filter {
                task: some(),
                ..none()
            },
            "crosspoint_calls_task (task=? AND id<?)",
        ),
        (
            Filter {
                instance: some(),
                ..none()
            },
            "crosspoint_calls_instance (instance=? AND id<?)",
        ),
        (
            Filter {
                request_id: some(),
                ..none()
            },
            "MULTI-INDEX OR",
        ),
    ] {
        let plan = plan(&ledger, sql::list(&filter, 50, Some("y"))).await;
        assert!(plan.contains(index), "{filter:?}: {plan}");
        assert!(!plan.contains("SCAN"), "{filter:?}: {plan}");
    }
}

#[tokio::test]
async fn rows_are_changed_and_taken_along_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger(&folder).await;
    let dialect: &Dialect = ledger.dialect();
    let values = |count: usize| vec![Value::Int(Some(1)); count];
    for (sql, count, index) in [
        (
            dialect.change(2),
            2 * (3 + sql::CHANGED_COLUMNS),
            "SEARCH crosspoint_calls USING INDEX sqlite_autoindex_crosspoint_calls_1 (id=?)",
        ),
        (dialect.recover(), 3, "crosspoint_calls_state (state=?)"),
        (dialect.due(), 4, "crosspoint_calls_state (state=?)"),
        (
            sql::select_key().into_owned(),
            1,
            "sqlite_autoindex_crosspoint_calls_2 (key_hash=?)",
        ),
    ] {
        let plan = plan(&ledger, Statement::new(sql, values(count))).await;
        assert!(plan.contains(index), "{plan}");
        assert!(!plan.contains("SCAN crosspoint_calls"), "{plan}");
    }
}
