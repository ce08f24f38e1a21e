use crosspoint_core::Secret;
use serde_json::json;

use super::*;

fn run(
    stand_in: StandIn,
    command: &str,
    variables: Value,
    parameters: &[(&str, &str)],
) -> Result<Value, String> {
    let variables = Arguments::parse(variables.to_string().into()).unwrap();
    let parameters = parameters.iter();
    let parameters = parameters
        .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
        .collect();
    let command = CommandId::new("x", command);
    let arguments = stand_in.arguments(&variables, &command, &parameters)?;
    Ok(arguments
        .iter()
        .map(|(name, json)| (name.to_owned(), json.read::<Value>().unwrap()))
        .collect())
}

#[test]
fn the_inputs_of_the_rest_connector_become_a_request() {
    let variables = json!({
        "restUrl": "http://${host}:${rest-http-port}/a?x=1", "restUrlParams": "{\"q\": \"a b\", \"n\": 5}",
        "requestHeaders": {"authorization": "Bearer ${rest-auth-token}"}, "requestPayload": {"a": 1},
        "circuitBreaker": true, "timeout": 5, "unknown": 1});
    let parameters = [
        ("REST_HOST", "h"),
        ("REST_HTTP_PORT", "81"),
        ("REST_AUTH_TOKEN", "t"),
    ];
    let made = run(
        StandIn::Rest,
        "PostRequestV2",
        variables.clone(),
        &parameters,
    )
    .unwrap();
    assert_eq!(
        made,
        json!({"url": "http://h:81/a?x=1&q=a+b&n=5", "headers": {"authorization": "Bearer t"},
               "data": {"a": 1}})
    );
    let made = run(StandIn::Rest, "GetRequestV2", variables, &parameters).unwrap();
    assert!(made.get("data").is_none());
    let told = run(StandIn::Rest, "GetRequestV2", json!({}), &[]).unwrap_err();
    assert!(told.contains("restUrl"), "{told}");
}

#[test]
fn a_configuration_parameter_that_an_input_names_and_nobody_has_set_is_named() {
    for (variables, input, parameter) in [
        (
            json!({"restUrl": "http://${host}/x"}),
            "restUrl",
            "REST_HOST",
        ),
        (
            json!({"restUrl": "http://x", "restUrlParams": {"u": "${rest-auth-user}"}}),
            "restUrlParams",
            "REST_AUTH_USER",
        ),
        (
            json!({"restUrl": "http://x", "requestHeaders": {"a": "${rest-auth-token}"}}),
            "requestHeaders",
            "REST_AUTH_TOKEN",
        ),
    ] {
        let told = run(
            StandIn::Rest,
            "GetRequestV2",
            variables,
            &[("REST_HOST", "")],
        )
        .unwrap_err();
        assert!(told.contains(input) && told.contains(parameter), "{told}");
    }
    // Of any other text in such signs nobody knows what it means.
    let other = json!({"restUrl": "http://x/${other}"});
    assert!(run(StandIn::Rest, "GetRequestV2", other, &[]).is_ok());
}

#[test]
fn a_status_that_the_connector_made_up_is_no_answer() {
    let failure = |code: &'static str, status| {
        Failure::reported(code, "no").with_outcome(Outcome::empty(status))
    };
    for (failure, answered) in [
        (failure("InvalidURL", 500), false),
        (failure("ConnectTimeout", 500), false),
        (failure("HttpError500", 500), true),
        (failure("HttpError404", 404), true),
        (failure("JSONDecodeError", 200), true),
        (Failure::reported("InvalidURL", "no"), false),
        (Failure::transport("HttpError500", "no"), false),
    ] {
        assert_eq!(StandIn::answered(&failure), answered, "{failure:?}");
    }
}

#[test]
fn the_inputs_of_the_email_connector_become_a_mail() {
    let variables = json!({"to": ["a@x", "b@x"], "from": "c@x", "cc": "[\"d@x\"]", "subject": "S",
                           "text": "T", "html": "<b>T</b>", "charset": "utf-8"});
    let made = run(StandIn::Email, "SendEmail", variables, &[]).unwrap();
    assert_eq!(
        made,
        json!({"email_from": "c@x", "email_subject": "S", "email_body": "T", "email_to": "a@x,b@x",
               "cc": "d@x", "html_body": "<b>T</b>"})
    );
    let told = run(StandIn::Email, "SendEmail", json!({"files": {}}), &[]).unwrap_err();
    assert!(told.contains("files"), "{told}");
}

#[test]
fn the_inputs_of_the_slack_connector_become_a_message() {
    let slack = |variables| run(StandIn::Slack, "PostMessage", variables, &[]);
    for (channel, is) in [
        (json!({"channelId": "C1", "userId": "U1"}), "C1"),
        (json!({"userId": "U1"}), "U1"),
        (json!({"channelName": "general"}), "#general"),
        (json!({"channelName": "#general"}), "#general"),
    ] {
        let mut variables = channel;
        variables["text"] = json!("hi");
        variables["requestResponse"] = json!("no");
        let made = slack(variables).unwrap();
        assert_eq!(made, json!({"channel": is, "message": "hi"}));
    }
    for (variables, part) in [
        (json!({"text": "hi"}), "channelId"),
        (json!({"channelId": "C1"}), "text"),
        (
            json!({"channelId": "C1", "text": "hi", "requestResponse": "any"}),
            "'any'",
        ),
    ] {
        let told = slack(variables).unwrap_err();
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_went_wrong_is_an_output_in_which_no_engine_finds_an_expression() {
    let mut variables = Map::new();
    variables.insert(
        "restStatus".to_owned(),
        json!({"type": "integer", "value": "404"}),
    );
    StandIn::Rest.tell(&mut variables, true, "a ${b}");
    assert_eq!(
        variables["restError"],
        json!({"type": "string", "value": "a $ {b}"})
    );
    assert_eq!(variables.len(), 2);
    StandIn::Rest.tell(&mut variables, false, "x");
    assert_eq!(variables.len(), 1);
}

#[test]
fn without_a_login_the_account_of_the_mail_server_does_not_count() {
    let auth = |value: &str| {
        Parameters::from([("EMAIL_SMTP_AUTH".to_owned(), Secret::new(value.to_owned()))])
    };
    let counting = |others: &Parameters| -> Vec<_> {
        let all = StandIn::Email.parameters().iter();
        all.filter(|one| one.counts(others))
            .map(|one| one.name)
            .collect()
    };
    assert_eq!(
        counting(&auth("false")),
        [
            "EMAIL_HOST",
            "EMAIL_PORT",
            "EMAIL_SMTP_AUTH",
            "EMAIL_SMTP_STARTTLS"
        ]
    );
    for others in [auth("true"), Parameters::default()] {
        assert_eq!(counting(&others).len(), 6);
    }
}
