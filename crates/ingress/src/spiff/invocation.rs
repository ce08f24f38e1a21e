//! Turns a request's JSON into a call.

use bytes::Bytes;
use crosspoint_core::{Arguments, Call, CommandId, Ingress, Json, JsonError, Origin};

/// Every key that begins so is context, never an argument.
const CONTEXT: &str = "spiff__";

/// The argument that names the profile to use: one of ours, which no command gets.
const PROFILE: &str = "crosspoint__profile";

/// Reads the body of `/v1/do`. An empty one counts as `{}`: some commands take nothing.
///
/// The context is taken as the backend sends it and never refused: an engine of another version
/// may send more or other things there, and none of them changes what a command does.
pub(super) fn decode(command: CommandId, body: Bytes) -> Result<Call, JsonError> {
    let mut arguments = match body.trim_ascii().is_empty() {
        true => Arguments::default(),
        false => Arguments::parse(body)?,
    };
    let mut context = arguments.split(|name| name.starts_with(CONTEXT));
    let mut origin = Origin::of(Ingress::Spiff);
    let plain = |json: &Json| match json.first() {
        b'"' => json.as_text(),
        b'-' | b'0'..=b'9' => Some(String::from_utf8_lossy(json.as_bytes()).trim().to_owned()),
        _ => None,
    };
    origin.instance = context.get("spiff__process_instance_id").and_then(plain);
    origin.model = context
        .get("spiff__process_model_identifier")
        .and_then(plain);
    origin.task = context.get("spiff__task_id").and_then(plain);
    let profile = arguments.remove(PROFILE).filter(|json| !json.is_blank());
    let mut call = Call::new(command, arguments, origin);
    // Whatever it is: what names no profile is refused by the broker.
    call.profile = profile.map(|json| {
        let spelled = || String::from_utf8_lossy(json.as_bytes()).trim().to_owned();
        json.as_text().unwrap_or_else(spelled)
    });
    call.callback = context.get("spiff__callback_url").and_then(plain);
    call.task_data = context.remove("spiff__task_data");
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &'static str) -> Result<Call, JsonError> {
        decode(
            CommandId::new("http", "GetRequest"),
            Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn context_is_never_an_argument() {
        let call = decoded(
            r#"{"url": "x", "spiff__process_instance_id": 7, "spiff__task_id": "t-1",
                "spiff__process_model_identifier": "a/b", "spiff__task_data": {"n": 1.0},
                "spiff__callback_url": "http://engine/cb", "spiff__unheard_of": []}"#,
        )
        .unwrap();
        assert_eq!(
            call.arguments
                .iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>(),
            ["url"]
        );
        assert_eq!(call.origin.instance.as_deref(), Some("7"));
        assert_eq!(call.origin.task.as_deref(), Some("t-1"));
        assert_eq!(call.origin.model.as_deref(), Some("a/b"));
        assert_eq!(call.callback.as_deref(), Some("http://engine/cb"));
        assert_eq!(call.task_data.unwrap().as_bytes(), br#"{"n": 1.0}"#);
    }

    #[test]
    fn the_name_of_a_profile_is_taken_out_of_the_arguments() {
        for (sent, profile) in [
            (r#""prod""#, Some("prod")),
            (r#""""#, None),
            ("null", None),
            ("[1]", Some("[1]")),
        ] {
            let body = format!(r#"{{"crosspoint__profile": {sent}, "url": "x"}}"#);
            let call = decode(CommandId::new("http", "GetRequest"), body.into()).unwrap();
            assert_eq!(call.profile.as_deref(), profile, "{sent}");
            assert_eq!(call.arguments.iter().count(), 1);
        }
    }

    #[test]
    fn odd_context_is_passed_over() {
        let body = r#"{"spiff__process_instance_id": null, "spiff__task_id": {"a": 1}}"#;
        let call = decoded(body).unwrap();
        assert_eq!((call.origin.instance, call.origin.task), (None, None));
    }

    #[test]
    fn an_empty_body_has_no_arguments() {
        assert_eq!(decoded(" ").unwrap().arguments, Arguments::default());
        assert_eq!(decoded("[]").unwrap_err(), JsonError::NotAnObject);
    }
}
