//! Limits as the API tells them.

use serde_json::{Value, json};

use crate::harness::{Effects, Gate, Proxy, Reply, Setup, Upstream, until};

/// What is listed of `http`.
async fn http(proxy: &Proxy) -> Value {
    let list = proxy.get("/api/v1/connectors").await.json();
    let found = list.as_array().unwrap().iter();
    found
        .clone()
        .find(|one| one["name"] == "http")
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_limit_refuses_with_the_time_to_come_again() {
    let upstream = Upstream::echo().await;
    let config = "[connectors.http.commands.GetRequestV2.policy]\nrate = \"1/h\"\n";
    let proxy = Setup::new().config(config).serve().await;
    let arguments = json!({"url": upstream.url("/")});
    proxy
        .api("http/GetRequestV2", arguments.clone())
        .await
        .brought();
    let refused = proxy.api("http/GetRequestV2", arguments.clone()).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1);
    let problem = refused.json();
    assert_eq!(problem["effect"], "none");
    let id = problem["call"].as_str().unwrap();
    assert_eq!(
        proxy.recorded_in(id, "failed").await["code"],
        "rate_limited"
    );
    // For who does not wait it is the end of the call.
    let later = super::not_waiting("http/GetRequestV2", &arguments);
    let later = proxy.asks(&later).send().await;
    assert_eq!(later.status, 202);
    let row = proxy.recorded_in(&later.id(), "failed").await;
    assert_eq!(
        (&row["error"]["kind"], &row["error"]["code"]),
        (&json!("refused"), &json!("rate_limited"))
    );
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn connectors_say_what_runs_and_waits() {
    let gate = Gate::new();
    let shut = gate.clone();
    let effects = Effects::with(move |seen, id, n| Effects::usual(seen, id, n).behind(&shut)).await;
    let config = "[connectors.http.policy]\nconcurrency = 1\nqueue = 1\n\
                  [connectors.http.commands.PutRequestV2.policy]\nconcurrency = 3\n";
    let proxy = Setup::new().config(config).serve().await;
    let idle = http(&proxy).await;
    let places = |limit, running, queue, waiting| {
        json!({
            "limit": limit, "running": running, "queue": queue, "waiting": waiting,
        })
    };
    assert_eq!(idle["limits"]["concurrency"], places(1, 0, 1, 0));
    assert_eq!(
        (&idle["limits"]["breaker"], &idle["in_flight"]),
        (&Value::Null, &json!(0))
    );
    let own = idle["limits_of_commands"].as_object().unwrap();
    assert_eq!(own.keys().collect::<Vec<_>>(), ["PutRequestV2"]);
    assert_eq!(own["PutRequestV2"]["concurrency"]["limit"], 3);
    for id in ["one", "two"] {
        let call = super::not_waiting("http/PostRequestV2", &effects.arguments(id));
        assert_eq!(proxy.asks(&call).send().await.status, 202);
    }
    until("one runs and one waits", async || {
        let now = http(&proxy).await;
        now["limits"]["concurrency"] == places(1, 1, 1, 1) && now["in_flight"] == 2
    })
    .await;
    let third = proxy
        .api("http/PostRequestV2", effects.arguments("three"))
        .await;
    assert_eq!(third.problem(), (503, "overloaded".to_owned()));
    assert_ne!(third.header("retry-after"), "");
    gate.open();
    until("nothing runs any more", async || {
        http(&proxy).await["in_flight"] == 0
    })
    .await;
}

#[tokio::test]
async fn connectors_say_how_their_breakers_are() {
    let upstream = Upstream::start(|_| Reply::status(503)).await;
    let config = "[connectors.http.policy]\n\
                  breaker = { failures = 2, within = \"30s\", pause = \"5m\" }\n";
    let proxy = Setup::new().config(config).serve().await;
    let breaker = async || http(&proxy).await["limits"]["breaker"].clone();
    assert_eq!(
        breaker().await,
        json!({"state": "closed", "seconds_left": 0.0})
    );
    let arguments = json!({"url": upstream.url("/")});
    for _ in 0..2 {
        let answer = proxy.api("http/GetRequestV2", arguments.clone()).await;
        assert_eq!(answer.json()["error"]["code"], "HttpError503");
    }
    let open = breaker().await;
    assert_eq!(open["state"], "open");
    assert!(open["seconds_left"].as_f64() > Some(60.0), "{open}");
    let refused = proxy.api("http/GetRequestV2", arguments).await;
    assert_eq!(refused.problem(), (503, "circuit_open".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 60);
    assert_eq!(upstream.seen().len(), 2);
}
