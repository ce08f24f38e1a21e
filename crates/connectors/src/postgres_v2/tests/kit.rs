//! How the tests call the connector.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{
    Arguments, Body, Call, CallId, CommandId, Connector, Context, Failure, Ingress, Mask, Origin,
    Outcome,
};
use crosspoint_net::{Http, Settings};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::postgres_v2::testing::{PASSWORD, server};
use crate::postgres_v2::{Config, connector};

/// How long a call may take unless a test says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// The connector with settings and a database.
pub struct Bench {
    connector: Box<dyn Connector>,
    dsn: String,
}

// === impl Bench ===

impl Bench {
    /// With the usual settings, on the shared server.
    pub fn new() -> Bench {
        Bench::with(Config::default())
    }

    pub fn with(config: Config) -> Bench {
        Bench::on(config, Settings::default())
    }

    pub fn on(config: Config, settings: Settings) -> Bench {
        let client = Http::new(settings).unwrap();
        Bench {
            connector: Box::new(connector(&config, client)),
            dsn: server().dsn(),
        }
    }

    /// The same with another database.
    pub fn at(self, dsn: String) -> Bench {
        Bench { dsn, ..self }
    }

    /// Runs a command; the connection string is added to the arguments.
    pub async fn call(&self, command: &str, arguments: Value) -> Result<Outcome, Failure> {
        self.call_in(PATIENCE, command, arguments).await
    }

    pub async fn call_in(
        &self,
        time: Duration,
        command: &str,
        arguments: Value,
    ) -> Result<Outcome, Failure> {
        let cx = context(time);
        let result = self
            .connector
            .call(self.request(command, arguments), &cx)
            .await;
        spared(result)
    }

    /// Runs a command whose caller goes away when `gone` is ready.
    pub async fn call_until(
        &self,
        gone: impl Future<Output = ()>,
        command: &str,
        arguments: Value,
    ) -> Result<Outcome, Failure> {
        let cx = context(PATIENCE);
        let call = self.connector.call(self.request(command, arguments), &cx);
        let leaving = async {
            gone.await;
            cx.cancelled.cancel();
            std::future::pending::<()>().await
        };
        tokio::select! {
            result = call => spared(result),
            () = leaving => unreachable!("nobody waits for ever"),
        }
    }

    /// Runs `DoSQL` and answers with the rows.
    pub async fn rows(&self, sql: &str, values: Value) -> Value {
        let schema = json!({"sql": sql, "values": values, "fetch_results": true});
        let result = self.call("DoSQL", json!({ "schema": schema })).await;
        body(&result.unwrap_or_else(|failure| panic!("{sql}: {failure}")))
    }

    /// Runs `DoSQL`, which must fail.
    pub async fn failure(&self, sql: &str, values: Value) -> Failure {
        let schema = json!({"sql": sql, "values": values, "fetch_results": true});
        let result = self.call("DoSQL", json!({ "schema": schema })).await;
        result.expect_err(sql)
    }

    /// Checks a profile that leads to the database.
    pub async fn check(&self) -> Result<(), Failure> {
        let mut profile = crosspoint_core::Profile::named(Some("prod".into()), false);
        profile.set("database_connection_str", json!(self.dsn), true);
        let cx = context(PATIENCE).with_profile(profile.into());
        self.connector.check(&cx).unwrap().await
    }

    fn request(&self, command: &str, mut arguments: Value) -> Call {
        arguments["database_connection_str"] = json!(self.dsn);
        let arguments = Arguments::parse(Bytes::from(arguments.to_string())).unwrap();
        let origin = Origin::of(Ingress::Cli);
        Call::new(CommandId::new("postgres_v2", command), arguments, origin)
    }
}

fn context(time: Duration) -> Context {
    Context::new(CallId::generate(), Instant::now() + time, Mask::default())
}

/// No failure of any test may show the password, masked by nobody yet.
fn spared(result: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    if let Err(failure) = &result {
        let shown = format!("{failure} {failure:?} {:?}", failure.detail);
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
    result
}

/// The body of an outcome as JSON.
pub fn body(outcome: &Outcome) -> Value {
    serde_json::from_str(&text(outcome)).unwrap()
}

/// The body of an outcome as it is spelled.
pub fn text(outcome: &Outcome) -> String {
    let Body::Json(json) = &outcome.body else {
        panic!("not JSON: {outcome:?}")
    };
    String::from_utf8(json.as_bytes().to_vec()).unwrap()
}

/// A name that no other test uses.
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{stem}_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
