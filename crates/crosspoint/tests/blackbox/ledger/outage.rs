//! PostgreSQL that goes away and comes back while calls are made.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::join;
use tokio::task::spawn_blocking;

use super::load::Load;
use super::long::config;
use super::place::Place;
use super::postgres::Server;
use crate::harness::until;

const RESTARTS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_may_be_restarted_under_load() {
    let load = Load::new().await;
    let mut server = spawn_blocking(Server::start).await.unwrap();
    let address = format!("127.0.0.1:{}/postgres", server.port);
    let place = Place::at(&address, &config(&load.engine, "0s"));
    let proxy = place.setup.serve().await;
    let done = AtomicBool::new(false);
    let restarts = async {
        for _ in 0..RESTARTS {
            let (answered, _) = load.so_far();
            until("calls are answered", async || {
                load.so_far().0 > answered + 20
            })
            .await;
            server = spawn_blocking(move || {
                server.stop();
                server
            })
            .await
            .unwrap();
            let (_, refused) = load.so_far();
            until("calls are refused", async || load.so_far().1 > refused).await;
            until("the loss is told", async || {
                proxy
                    .problems()
                    .await
                    .contains("the ledger is not available")
            })
            .await;
            proxy.counts("crosspoint_ledger_available", 0.0).await;
            server = spawn_blocking(move || {
                server.start_again();
                server
            })
            .await
            .unwrap();
            let (answered, _) = load.so_far();
            until("calls are answered again", async || {
                load.so_far().0 > answered + 20
            })
            .await;
        }
        done.store(true, Ordering::SeqCst);
        // It has to be there to the end.
        server
    };
    let working = load.work(&proxy, || !done.load(Ordering::SeqCst));
    let ((), _server) = join!(working, restarts);
    load.end(&proxy).await;
    until("all is well", async || proxy.problems().await == "[]").await;
    proxy.counts("crosspoint_ledger_available", 1.0).await;
    assert_eq!(proxy.stop().await.code, Some(0));
}

#[test]
fn the_server_of_the_tests_comes_back_with_its_data() {
    let mut server = Server::start();
    server.psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)");
    for _ in 0..2 {
        server.stop();
        server.start_again();
        assert_eq!(server.psql("SELECT n FROM kept"), "7");
    }
}
