//! Reaching databases: passwords, encryption, the pool, egress.

use std::time::Duration;

use crosspoint_core::{Effect, Kind, Refusal};
use crosspoint_net::{Authorities, Settings};
use futures_util::future::join_all;
use serde_json::json;
use tokio::net::TcpListener;

use super::kit::{Bench, unique};
use crate::postgres_v2::Config;
use crate::postgres_v2::testing::{PASSWORD, Server, server};

const WHO: &str = "select pg_backend_pid()";

fn bench(dsn: String) -> Bench {
    Bench::new().at(dsn)
}

/// A connection string with `sslmode`, by name, since the certificate is for a name.
fn secure(mode: &str) -> String {
    let dsn = server().dsn().replace("127.0.0.1", "localhost");
    format!("{dsn} sslmode={mode}")
}

#[tokio::test]
async fn both_notations_reach_the_database() {
    let port = server().port;
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres");
    let options = format!(
        "{} options='-c work_mem=5MB' connect_timeout=9",
        server().dsn()
    );
    assert_eq!(bench(url).rows("select 1", json!([])).await, json!([[1]]));
    let shown = bench(options).rows("show work_mem", json!([])).await;
    assert_eq!(shown, json!([["5MB"]]));
}

#[tokio::test]
async fn whoever_is_turned_away_is_told_why_without_the_password() {
    let port = server().port;
    for (dsn, kind, words) in [
        (
            server().dsn_as("postgres", "wr0ng-canary"),
            Kind::Reported,
            "authentication failed",
        ),
        (
            server().dsn_as("nobody", "wr0ng-canary"),
            Kind::Reported,
            "authentication failed",
        ),
        (
            server().dsn().replace("dbname=postgres", "dbname=nope"),
            Kind::Reported,
            "\"nope\" does not exist",
        ),
        (
            format!("host=127.0.0.1 port={port} user=postgres"),
            Kind::Transport,
            "password",
        ),
        (
            format!("postgres://postgres:wr0ng-canary@no-such-host.invalid/{port}"),
            Kind::Transport,
            "no-such-host.invalid is not known",
        ),
    ] {
        let failure = bench(dsn).failure("select 1", json!([])).await;
        assert_eq!(failure.code, "OperationalError", "{failure}");
        assert_eq!(
            (failure.kind, failure.effect),
            (kind, Effect::None),
            "{failure}"
        );
        assert!(failure.message.contains(words), "{failure}");
        let shown = format!("{failure} {:?}", failure.detail);
        assert!(!shown.contains("wr0ng-canary"), "{shown}");
    }
}

#[tokio::test]
async fn nobody_listens_and_no_database_are_told() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let failure = bench(format!("host=127.0.0.1 port={port} user=x"));
    let failure = failure.failure("select 1", json!([])).await;
    assert_eq!(
        (&*failure.code, failure.kind),
        ("OperationalError", Kind::Transport)
    );

    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = web.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = web.accept().await {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    for mode in ["prefer", "require", "disable"] {
        let failure = bench(format!("host=127.0.0.1 port={port} user=x sslmode={mode}"));
        let failure = failure.failure("select 1", json!([])).await;
        assert_eq!(
            (&*failure.code, failure.effect),
            ("OperationalError", Effect::None),
            "{mode}"
        );
    }
}

#[tokio::test]
async fn the_first_server_that_answers_is_taken() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    let port = server().port;
    let several = format!(
        "host=127.0.0.1,localhost port={closed_port},{port} user=postgres password={PASSWORD}"
    );
    let writable = bench(format!("{several} target_session_attrs=read-write"));
    assert_eq!(writable.rows("select 1", json!([])).await, json!([[1]]));
    let standby = bench(format!("{several} target_session_attrs=read-only"));
    let failure = standby.failure("select 1", json!([])).await;
    assert!(
        failure.message.contains("target_session_attrs"),
        "{failure}"
    );
}

#[tokio::test]
async fn connections_are_encrypted_as_asked() {
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    for (mode, encrypted) in [("disable", false), ("prefer", true), ("require", true)] {
        let rows = bench(secure(mode)).rows(sql, json!([])).await;
        assert_eq!(rows, json!([[encrypted]]), "{mode}");
    }
    let by_default = bench(server().dsn()).rows(sql, json!([])).await;
    assert_eq!(by_default, json!([[true]]));
}

#[tokio::test]
async fn certificates_are_verified_where_the_string_asks_for_it() {
    let trusting = |dsn: String| {
        let settings = Settings {
            authorities: Authorities::of(vec![server().ca_file.clone()]),
            ..Settings::default()
        };
        Bench::on(Config::default(), settings).at(dsn)
    };
    for mode in ["verify-ca", "verify-full"] {
        let rows = trusting(secure(mode)).rows("select 1", json!([])).await;
        assert_eq!(rows, json!([[1]]), "{mode}");
        let stranger = bench(secure(mode)).failure("select 1", json!([])).await;
        assert_eq!(
            (&*stranger.code, stranger.effect),
            ("OperationalError", Effect::None)
        );
        assert!(stranger.message.contains("certificate"), "{stranger}");
        let other_name = format!("{} sslmode={mode}", server().dsn());
        let other_name = trusting(other_name).failure("select 1", json!([])).await;
        assert!(other_name.message.contains("certificate"), "{other_name}");
    }
}

#[tokio::test]
async fn an_address_that_egress_forbids_is_not_reached() {
    let settings = Settings {
        listener: Some(([127, 0, 0, 1], server().port).into()),
        ..Settings::default()
    };
    let bench = Bench::on(Config::default(), settings);
    let failure = bench.failure("select 1", json!([])).await;
    assert_eq!(failure.kind, Kind::Refused(Refusal::Egress));
    let failure = Bench::new().at("host=169.254.169.254 user=x".into());
    let failure = failure.failure("select 1", json!([])).await;
    assert_eq!(failure.code, "EgressRefused");
}

#[tokio::test]
async fn a_connection_string_that_cannot_be_used_is_an_argument_error() {
    let failure = bench("host=/run/postgresql user=x".into());
    let failure = failure.failure("select 1", json!([])).await;
    assert!(matches!(failure.kind, Kind::Invalid(_)), "{failure:?}");
    assert!(failure.message.contains("Unix domain sockets"), "{failure}");
}

#[tokio::test]
async fn a_connection_is_used_again_and_nothing_is_left_in_it() {
    let bench = Bench::new();
    let pid = bench.rows(WHO, json!([])).await;
    bench
        .rows(
            "select set_config('search_path', 'nowhere', false)",
            json!([]),
        )
        .await;
    bench
        .rows("select pg_advisory_lock(815)::text", json!([]))
        .await;
    assert_eq!(bench.rows(WHO, json!([])).await, pid);
    let path = bench.rows("show search_path", json!([])).await;
    assert_ne!(path, json!([["nowhere"]]));
    let locks = "select count(*) from pg_locks where locktype = 'advisory' and objid = 815";
    assert_eq!(bench.rows(locks, json!([])).await, json!([[0]]));
}

#[tokio::test]
async fn a_connection_that_was_changed_is_not_used_again() {
    let bench = Bench::new();
    for sql in [
        "set search_path to nowhere",
        "listen x",
        "prepare q as select 1",
    ] {
        let pid = bench.rows(WHO, json!([])).await;
        bench
            .call("DoSQL", json!({"schema": {"sql": sql}}))
            .await
            .unwrap();
        assert_ne!(bench.rows(WHO, json!([])).await, pid, "{sql}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_before_it_is_used() {
    let bench = Bench::new();
    let table = unique("t");
    server().psql(&format!("create table {table} (a int)"));
    let pid = bench.rows(WHO, json!([])).await;
    server().psql(&format!("select pg_terminate_backend({})", pid[0][0]));
    let insert = json!({"table_name": table, "schema": {"columns": ["a"], "values": [[1]]}});
    bench.call("InsertValuesV2", insert).await.unwrap();
    assert_ne!(bench.rows(WHO, json!([])).await, pid);
    assert_eq!(server().psql(&format!("select count(*) from {table}")), "1");
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let name = unique("idler");
    let config = Config {
        idle_time: Duration::from_millis(50),
        ..Config::default()
    };
    let bench = Bench::with(config).at(format!("{} application_name={name}", server().dsn()));
    bench.rows(WHO, json!([])).await;
    let question =
        format!("select count(*) from pg_stat_activity where application_name = '{name}'");
    while server().psql(&question) != "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn many_calls_share_a_few_connections() {
    let name = unique("sharer");
    let config = Config {
        max_connections: 3,
        ..Config::default()
    };
    let bench = Bench::with(config).at(format!("{} application_name={name}", server().dsn()));
    let table = unique("t");
    server().psql(&format!("create table {table} (a int)"));
    let count = "select count(*)::int from pg_stat_activity where application_name = %s";
    let calls = (0..60).map(|n| {
        let (bench, table, name) = (&bench, &table, &name);
        async move {
            let insert = json!({"table_name": table, "schema": {
                "columns": ["a"], "values": [[n]]}});
            bench.call("InsertValuesV2", insert).await.unwrap();
            bench.rows(count, json!([name])).await[0][0]
                .as_i64()
                .unwrap()
        }
    });
    let seen = join_all(calls).await;
    assert!(seen.iter().all(|open| (1..=3).contains(open)), "{seen:?}");
    assert_eq!(
        server().psql(&format!("select count(distinct a) from {table}")),
        "60"
    );
}

#[tokio::test]
async fn a_server_that_dies_during_a_call_is_told_and_its_successor_is_found() {
    let mut own = Server::start();
    let bench = bench(own.dsn());
    assert_eq!(bench.rows("select 1", json!([])).await, json!([[1]]));
    let (sender, killed) = tokio::sync::oneshot::channel();
    let kill = std::thread::spawn(move || {
        while own.psql("select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == "0"
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        own.kill();
        let _ = sender.send(());
    });
    let failure = bench.failure("select pg_sleep(3600)", json!([])).await;
    assert_eq!(
        (failure.kind, failure.effect),
        (Kind::Transport, Effect::None),
        "{failure}"
    );
    killed.await.unwrap();
    kill.join().unwrap();
    let failure = bench.failure("select 1", json!([])).await;
    assert_eq!(
        (&*failure.code, failure.kind),
        ("OperationalError", Kind::Transport)
    );
    let successor = bench.at(server().dsn());
    assert_eq!(successor.rows("select 1", json!([])).await, json!([[1]]));
}

#[tokio::test]
async fn a_check_connects_and_asks_for_nothing() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.check().await.unwrap();
    }
    bench.rows("select 1", json!([])).await;
    bench.check().await.unwrap();
    let wrong = Bench::new().at(server().dsn_as("postgres", "wr0ng-canary"));
    let failure = wrong.check().await.unwrap_err();
    assert_eq!(failure.code, "OperationalError");
    assert!(!failure.message.contains("canary"), "{failure}");
}
