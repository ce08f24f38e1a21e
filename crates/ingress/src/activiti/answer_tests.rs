use bytes::Bytes;
use crosspoint_core::Refusal;
use serde_json::json;

use super::*;

const REQUEST: &str = include_str!("golden/request.json");

fn request() -> Request {
    Request::read(Bytes::from_static(REQUEST.as_bytes()), None).unwrap()
}

fn identity() -> Identity {
    Identity {
        service: "example-connector".to_owned(),
        app_name: None,
        app_version: String::new(),
        result_override: None,
        error_override: None,
    }
}

fn value(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[test]
fn a_result_is_the_golden_one() {
    let variables = json!({
        "movieDescription": {"type": "string", "value": "Epic high fantasy novel"},
        "rating": {"type": "integer", "value": "9"},
        "raw": {"type": "json", "value": "{\"ok\":true}"},
    });
    let variables = variables.as_object().unwrap();
    let naming = Naming::default();
    let answer = Answer::result(&request(), &identity(), &naming, variables).unwrap();
    assert_eq!(
        value(&answer.body),
        value(include_bytes!("golden/result.json"))
    );
    assert_eq!(answer.destination, "integrationResult_rb");
    assert_eq!(answer.target_app.as_deref(), Some("default-app"));
    assert_eq!(answer.target_service.as_deref(), Some("rb"));
}

#[test]
fn an_error_is_the_golden_one() {
    let told = Told::of(&Failure::reported("CLOUD_BPMN_ERROR", ""));
    let command = CommandId::new("movies", "get_desc");
    let naming = Naming::default();
    let answer = Answer::error(&request(), &identity(), &naming, &told, Some(&command)).unwrap();
    assert_eq!(
        value(&answer.body),
        value(include_bytes!("golden/error.json"))
    );
    assert_eq!(answer.destination, "integrationError_rb");
    assert_eq!(answer.verdict, Verdict::BpmnError);
}

#[test]
fn only_what_was_reported_is_a_bpmn_error() {
    let told = Told::of(&Failure::reported("HttpError404", "not found"));
    assert_eq!(
        (told.code.as_deref(), &*told.message),
        (Some("HttpError404"), "not found")
    );
    assert_eq!(told.class, BPMN_ERROR);
    for failure in [
        Failure::transport("ConnectTimeout", "too slow"),
        Failure::arguments("missing"),
        Failure::refused(Refusal::RateLimited, "later"),
        Failure::new(Kind::Raised, "KeyError", "x"),
        Failure::new(Kind::Crashed, "worker_died", "x"),
        Failure::new(Kind::Unknown, "outcome_unknown", "x"),
        Failure::reported("", "no code that could be caught"),
    ] {
        let told = Told::of(&failure);
        assert_eq!(told.code, None, "{failure:?}");
        assert!(told.class.starts_with("crosspoint.") && told.class.len() < 255);
        assert!(told.message.contains(&*failure.code), "{told:?}");
    }
}

#[test]
fn a_technical_error_has_a_message_and_a_list_and_no_code() {
    let told = Told::technical("invalid", "unknown", "x");
    let naming = Naming::default();
    let answer = Answer::error(&request(), &identity(), &naming, &told, None).unwrap();
    let body = value(&answer.body);
    assert_eq!(body["stackTraceElements"], json!([]));
    assert_eq!(body["errorMessage"], json!("unknown: x"));
    let absent = |name: &str| body.get(name).is_none();
    assert!(absent("errorCode") && absent("appName"), "{body}");
}

#[test]
fn an_answer_goes_where_we_are_told_then_where_the_request_says_then_by_name() {
    let naming = Naming {
        separator: '.',
        // Neither is touched: what the request says is final already.
        prefix: "p".to_owned(),
        transformers: vec![super::super::Transformer::LowerCase],
        ..Naming::default()
    };
    let goes = |request: &Request, identity: &Identity| {
        let answer = Answer::result(request, identity, &naming, &Map::new());
        answer.map(|answer| answer.destination)
    };
    let mut request = request();
    let mut identity = identity();
    let fails = |request: &Request, identity: &Identity, naming: &Naming| {
        let told = Told::technical("invalid", "c", "m");
        let answer = Answer::error(request, identity, naming, &told, None);
        answer.map(|answer| answer.destination)
    };
    request.service = Some("myServiceName".to_owned());
    assert_eq!(
        goes(&request, &identity).as_deref(),
        Some("integrationResult_rb")
    );
    assert_eq!(
        fails(&request, &identity, &naming).as_deref(),
        Some("integrationError_rb")
    );
    (request.result_destination, request.error_destination) = (None, None);
    assert_eq!(
        fails(&request, &identity, &naming).as_deref(),
        Some("integrationError.myServiceName")
    );
    assert_eq!(
        fails(&request, &identity, &Naming::default()).as_deref(),
        Some("integrationError_myServiceName")
    );
    identity.error_override = Some("bar".to_owned());
    assert_eq!(fails(&request, &identity, &naming).as_deref(), Some("bar"));
    assert_eq!(
        goes(&request, &identity).as_deref(),
        Some("integrationResult.myServiceName")
    );
    identity.result_override = Some("foo".to_owned());
    assert_eq!(goes(&request, &identity).as_deref(), Some("foo"));
    identity.result_override = None;
    request.service = None;
    assert_eq!(goes(&request, &identity), None);
}

#[test]
fn the_context_is_echoed_as_it_is_spelled() {
    let text = REQUEST.replace(
        "\"processDefinitionVersion\":1",
        "\"processDefinitionVersion\":1.50",
    );
    let request = Request::read(Bytes::from(text), None).unwrap();
    let answer = Answer::result(&request, &identity(), &Naming::default(), &Map::new()).unwrap();
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(text.matches("1.50").count(), 2);
    assert!(text.contains(r#""outBoundVariables":{}"#));
}
