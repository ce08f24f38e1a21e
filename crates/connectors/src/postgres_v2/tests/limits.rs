//! Too many rows, too large values, too long statements.

use std::time::Duration;

use crosspoint_core::{Effect, Kind};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::kit::{Bench, body, unique};
use crate::postgres_v2::Config;
use crate::postgres_v2::testing::server;

/// The most memory this program has had so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<usize>().unwrap() * 1024
}

/// A connector whose connections bear a name of their own.
fn named(name: &str) -> Bench {
    Bench::new().at(format!("{} application_name={name}", server().dsn()))
}

/// Waits until so many statements of connections of this name run.
async fn until_running(name: &str, count: usize) {
    let question = format!(
        "select count(*) from pg_stat_activity \
         where application_name = '{name}' and wait_event = 'PgSleep'"
    );
    while server().psql(&question) != count.to_string() {
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn ten_million_rows_are_refused_and_take_no_memory() {
    let bench = Bench::new();
    let before = peak();
    let sql = "select n, 'some text to make the row longer' from generate_series(1, 10000000) n";
    let failure = bench.failure(sql, json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("TooManyRows", Effect::None)
    );
    assert_eq!(failure.kind, Kind::Reported);
    assert!(failure.message.contains("10000"), "{failure}");
    let grown = peak() - before;
    assert!(grown < 100 * 1024 * 1024, "{grown} bytes");
    assert_eq!(bench.rows("select 1", json!([])).await, json!([[1]]));
}

#[tokio::test]
async fn rows_that_nobody_asked_for_are_counted_where_they_are() {
    let bench = Bench::with(Config {
        max_answer: 10_000,
        ..Config::default()
    });
    let schema = json!({"sql": "select repeat('x', 1000) from generate_series(1, 20000)"});
    let result = bench
        .call("DoSQL", json!({ "schema": schema }))
        .await
        .unwrap();
    assert_eq!(body(&result), json!({"result": "20000 rows affected"}));
}

#[tokio::test]
async fn as_many_rows_as_the_limit_pass_and_what_goes_beyond_is_undone() {
    let bench = Bench::with(Config {
        row_limit: 3,
        ..Config::default()
    });
    let table = unique("t");
    server().psql(&format!("create table {table} (a int)"));
    let insert =
        |n: i32| format!("insert into {table} select * from generate_series(1, {n}) returning a");
    assert_eq!(
        bench.rows(&insert(3), json!([])).await,
        json!([[1], [2], [3]])
    );
    let failure = bench.failure(&insert(4), json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("TooManyRows", Effect::None)
    );
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "3");
}

#[tokio::test]
async fn a_huge_value_is_refused_before_it_is_in_memory() {
    let bench = Bench::new();
    let before = peak();
    let table = unique("t");
    server().psql(&format!("create table {table} (a text)"));
    let sql = format!("insert into {table} select repeat('x', 300000000) returning a");
    let failure = bench.failure(&sql, json!([])).await;
    assert_eq!(
        (&*failure.code, failure.effect),
        ("AnswerTooLarge", Effect::None)
    );
    let grown = peak() - before;
    assert!(grown < 100 * 1024 * 1024, "{grown} bytes");
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "0");
    assert_eq!(bench.rows("select 1", json!([])).await, json!([[1]]));
}

#[tokio::test]
async fn a_statement_that_hangs_is_ended_by_the_server_before_the_deadline() {
    let name = unique("sleeper");
    let arguments = json!({"schema": {"sql": "select pg_sleep(3600)"}});
    let seconds = Duration::from_secs(5);
    let failure = named(&name)
        .call_in(seconds, "DoSQL", arguments)
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("QueryCanceled", Effect::None),
        "{failure}"
    );
    until_running(&name, 0).await;
}

#[tokio::test]
async fn a_statement_may_run_no_longer_than_configured() {
    let bench = Bench::with(Config {
        statement_timeout: Some(Duration::from_secs(1)),
        ..Config::default()
    });
    assert_eq!(
        bench.failure("select pg_sleep(3600)", json!([])).await.code,
        "QueryCanceled"
    );
    assert_eq!(bench.rows("select 1", json!([])).await, json!([[1]]));
}

#[tokio::test]
async fn a_shorter_limit_of_the_database_is_kept() {
    let dsn = format!("{} options='-c statement_timeout=1s'", server().dsn());
    let bench = Bench::new().at(dsn);
    assert_eq!(
        bench.failure("select pg_sleep(3600)", json!([])).await.code,
        "QueryCanceled"
    );
    assert_eq!(
        bench.rows("show statement_timeout", json!([])).await,
        json!([["1s"]])
    );
}

#[tokio::test]
async fn a_statement_whose_caller_left_is_ended() {
    let name = unique("leaver");
    let arguments = json!({"schema": {"sql": "select pg_sleep(3600)"}});
    let gone = until_running(&name, 1);
    let failure = named(&name)
        .call_until(gone, "DoSQL", arguments)
        .await
        .unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("OperationalError", Effect::None)
    );
    until_running(&name, 0).await;
}

#[tokio::test]
async fn a_statement_whose_call_is_dropped_is_ended() {
    let name = unique("dropper");
    let bench = named(&name);
    let arguments = json!({"schema": {"sql": "select pg_sleep(3600)"}});
    tokio::select! {
        _ = bench.call("DoSQL", arguments) => panic!("it sleeps for an hour"),
        () = until_running(&name, 1) => {}
    }
    until_running(&name, 0).await;
}

#[tokio::test]
async fn a_database_that_says_nothing_is_given_up_at_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let bench = Bench::new().at(format!("host=127.0.0.1 port={port} user=x dbname=x"));
    let time = Duration::from_millis(300);
    let arguments = json!({"schema": {"sql": "select 1"}});
    let failure = bench.call_in(time, "DoSQL", arguments).await.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("OperationalError", Effect::None)
    );
    assert_eq!(failure.kind, Kind::Transport);
}
