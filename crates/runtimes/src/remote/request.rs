//! A call as another proxy gets it.

use bytes::Bytes;
use crosspoint_core::Call;

use crate::object::Object;

/// The body of `/v1/do`: the arguments as they were sent, and what SpiffArena sends beside them
/// (`spiff-openapi.json`, `CommandInvocation`).
pub(super) fn body(call: &Call) -> Bytes {
    let arguments = call.arguments.iter();
    let size: usize = arguments
        .map(|(name, json)| name.len() + json.as_bytes().len() + 8)
        .sum();
    let data = call
        .task_data
        .as_ref()
        .map_or(0, |data| data.as_bytes().len());
    let mut body = Object::with_capacity(size + data + 512);
    for (name, json) in call.arguments.iter() {
        body.add(name, json.as_bytes());
    }
    let origin = &call.origin;
    if let Some(instance) = &origin.instance {
        match instance.parse::<i64>() {
            Ok(_) => body.add("spiff__process_instance_id", instance.as_bytes()),
            Err(_) => body.text("spiff__process_instance_id", instance),
        }
    }
    let texts = [
        ("spiff__process_model_identifier", &origin.model),
        ("spiff__task_id", &origin.task),
        ("spiff__callback_url", &call.callback),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body.text(name, text);
        }
    }
    if let Some(data) = &call.task_data {
        body.add("spiff__task_data", data.as_bytes());
    }
    body.end()
}

#[cfg(test)]
mod tests {
    use crosspoint_core::{Arguments, CommandId, Ingress, Json, Origin};

    use super::*;

    #[test]
    fn arguments_go_as_they_came_and_context_beside_them() {
        let sent = Bytes::from_static(br#"{"n": 1.50, "a\"b": [ 1 ]}"#);
        let mut origin = Origin::of(Ingress::Spiff);
        origin.instance = Some("7".to_owned());
        origin.task = Some("t-1".to_owned());
        let command = CommandId::new("x", "Y");
        let mut call = Call::new(command.clone(), Arguments::parse(sent).unwrap(), origin);
        call.callback = Some("http://engine/cb".to_owned());
        call.task_data = Some(Json::parse("{\"d\": 2.0}").unwrap());
        assert_eq!(
            body(&call),
            "{\"n\":1.50,\"a\\\"b\":[ 1 ],\"spiff__process_instance_id\":7,\
             \"spiff__task_id\":\"t-1\",\"spiff__callback_url\":\"http://engine/cb\",\
             \"spiff__task_data\":{\"d\": 2.0}}"
        );
        let call = Call::new(command, Arguments::default(), Origin::of(Ingress::Cli));
        assert_eq!(body(&call), "{}");
    }
}
