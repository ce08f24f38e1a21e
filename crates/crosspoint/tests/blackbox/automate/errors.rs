//! What adapters raise.

use serde_json::{Value, json};

use super::support::{adapter, block, run, serve_odd};
use crate::harness::{Canaries, Setup};
use crate::python::support::{serve, serve_setup, zoo};

#[tokio::test]
async fn case_19_each_of_the_ten_codes_has_its_kind_of_failure_and_keeps_its_members() {
    let proxy = serve_odd("").await;
    for (code, outer, inner) in [
        ("AUTH_FAILED", 200, 401),
        ("FORBIDDEN", 200, 403),
        ("NOT_FOUND", 200, 404),
        ("RATE_LIMITED", 200, 429),
        ("TIMEOUT", 200, 504),
        ("UPSTREAM_5XX", 200, 502),
        ("TRANSIENT_NETWORK", 200, 502),
        ("INVALID_INPUT", 400, 0),
        ("CONFIG_INVALID", 400, 0),
        ("INTERNAL_ERROR", 500, 0),
    ] {
        let raise = format!(
            "raise ConnectorError(ConnectorErrorCode.{code}, 'in words', details_safe={{'n': 1}}, connector_code='odd')"
        );
        let answer = run(&proxy, &raise).await;
        assert_eq!(
            (answer.status, answer.code()),
            (outer, code.to_owned()),
            "{}",
            answer.text
        );
        assert_eq!(answer.message(), "in words");
        if outer == 200 {
            assert_eq!(answer.inner(), inner, "{code}");
            let told = json!({
                "code": code, "message": "in words", "retryable": false, "details": {"n": 1}, "connector": "odd",
            });
            assert_eq!(answer.body(), told);
        }
    }
}

#[tokio::test]
async fn case_19_a_code_is_the_same_on_every_way_in() {
    let proxy = serve_odd("").await;
    for (code, status) in [
        ("INVALID_INPUT", 400),
        ("CONFIG_INVALID", 400),
        ("INTERNAL_ERROR", 502),
    ] {
        let raise = format!("raise ConnectorError('{code}', 'no', details_safe={{'n': 1}})");
        let arguments = json!({"code": raise});
        assert_eq!(run(&proxy, &raise).await.code(), code);
        let answer = proxy.api("odd/run", arguments.clone()).await;
        assert_eq!(answer.problem(), (status, code.to_owned()));
        assert_eq!(answer.json()["body"]["details"], json!({"n": 1}));
        let argument = format!("code={raise}");
        let here = proxy.run(&["call", "odd/run", &argument]).await;
        let there = ["call", "odd/run", &argument, "--server", &proxy.url("")];
        let there = proxy.run(&there).await;
        assert!(
            here.stderr.contains(&format!("failed: {code}: no")),
            "{}",
            here.stderr
        );
        assert!(
            there.stderr.contains(&format!("failed: {code}: no")),
            "{}",
            there.stderr
        );
        assert_eq!(here.code, there.code);
    }
    // What our own check refuses is ours.
    let answer = proxy.api("odd/execute", json!({})).await;
    assert_eq!(answer.problem(), (400, "invalid_arguments".to_owned()));
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    let setup = Setup::new().file("guide.py", &block("adapter.py"));
    let proxy = serve_setup(setup.config(&adapter("mine", "./guide.py"))).await;
    let call = async |payload: Value| {
        let arguments = json!({"action": "send_message", "payload": payload});
        proxy.call("mine/execute", arguments).await
    };
    for payload in [json!([]), json!(false), json!(0), json!(""), json!([1])] {
        let answer = call(payload.clone()).await;
        assert_eq!(answer.status, 400, "{payload}: {}", answer.text);
    }
    for payload in [json!({}), Value::Null] {
        assert_eq!(call(payload).await.success(), json!({"status": "sent"}));
    }
}

#[tokio::test]
async fn case_19_when_to_come_again_is_told() {
    let proxy = serve_odd("").await;
    let raise = "raise ConnectorError('RATE_LIMITED', 'slowly', retryable=True, details_safe={'retry_after_ms': 7000})";
    let answer = run(&proxy, raise).await;
    assert_eq!(
        (answer.code(), answer.header("retry-after")),
        ("RATE_LIMITED".into(), "7")
    );
}

#[tokio::test]
async fn case_20_subclasses_and_both_forms_are_understood() {
    let proxy = serve_odd("").await;
    let answer = run(&proxy, "raise ConnectorError('only words', retryable=True)").await;
    assert_eq!(
        (answer.code(), answer.message()),
        ("INTERNAL_ERROR".into(), "only words".into())
    );
    let answer = run(&proxy, "raise Refused(message_safe='no money')").await;
    assert_eq!(
        (answer.code(), answer.message()),
        ("PAYMENT_REFUSED".into(), "no money".into())
    );
    assert_eq!((answer.status, answer.inner()), (200, 400));
    // What the adapter makes of other exceptions counts, unless it fails at that, too.
    let proxy = serve(&adapter("billing", zoo("adapters/source.py"))).await;
    let charge = async |note: &str| {
        let arguments = json!({"amount": 1, "note": note});
        proxy.call("billing/charge", arguments).await
    };
    let answer = charge("break").await;
    assert_eq!(
        (answer.code(), answer.message()),
        ("UPSTREAM_5XX".into(), "it broke: the wire".into())
    );
    let answer = charge("key").await;
    assert_eq!((answer.status, answer.code()), (500, "KeyError".into()));
}

#[tokio::test]
async fn a_value_error_of_bad_data_in_a_known_action_is_no_unknown_action() {
    let proxy = serve_odd("").await;
    let answer = proxy.call("odd/parse", json!({"text": "seven"})).await;
    assert_eq!((answer.status, answer.code()), (500, "ValueError".into()));
    assert!(answer.message().contains("seven"), "{}", answer.text);
    let answer = proxy.call("odd/parse", json!({"text": "7"})).await;
    assert_eq!(answer.success(), json!({"number": 7}));
}

#[tokio::test]
async fn case_21_no_secret_shows_in_messages_errors_and_logs_at_any_depth() {
    let mut canaries = Canaries::default();
    let token = canaries.plant_plain("the token of the profile");
    let profile = format!("[connectors.odd.profiles.p]\nsecrets = {{ token = \"{token}\" }}\n");
    let proxy = serve_odd(&profile).await;
    let secret = "t = self.profile.encrypted_secrets['token']\n";
    for code in [
        "print('it is', t)",
        "logging.error('it is %s', {'deep': [t]})",
        "raise RuntimeError(t)",
        "raise ConnectorError('UPSTREAM_5XX', 'it said ' + t, details_safe={'deep': [{'x': t}]})",
        "raise ConnectorError(t)",
    ] {
        let answer = run(&proxy, &format!("{secret}{code}")).await;
        canaries.look_in(code, &answer.text);
    }
    let answer = run(
        &proxy,
        &format!("{secret}raise ConnectorError('FORBIDDEN', t, details_safe={{'x': [t]}})"),
    )
    .await;
    assert_eq!(answer.message(), "***");
    assert_eq!(answer.body()["details"], json!({"x": ["***"]}));
    // Neither is an error told as the text of its arguments.
    let answer = run(&proxy, "raise ConnectorError('NOT_FOUND', 'gone')").await;
    assert!(
        !answer.text.contains("ConnectorErrorCode") && !answer.text.contains("('"),
        "{}",
        answer.text
    );
    proxy.log_line(&["it is ***", "stdout"]).await;
    let ended = proxy.stop().await;
    canaries.look_in("the log", &(ended.stdout + &ended.stderr));
}
