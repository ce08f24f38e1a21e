//! What tools become.

use serde_json::{Value, json};

use super::*;

fn commands(tools: Value) -> (Commands, Vec<String>) {
    let listed = Listed {
        about: About {
            name: "probe 1".to_owned(),
            instructions: None,
            version: String::new(),
        },
        tools: serde_json::from_value(tools).unwrap(),
        notes: Vec::new(),
    };
    let own = Idempotent::Commands(vec!["put".to_owned()]);
    listed.commands("probe", Fields::default(), &own)
}

fn command(tool: Value) -> Command {
    let command = commands(json!([tool])).0.manifest.commands.remove(0);
    Command::clone(&command)
}

#[test]
fn a_tool_is_a_command_with_its_parameters() {
    let command = command(json!({
        "name": "find", "title": "Find", "description": "Finds things.",
        "inputSchema": {
            "type": "object", "required": ["what", "token"],
            "properties": {
                "limit": {"type": "integer", "default": 5, "description": "How many."},
                "what": {"type": "string"},
                "kind": {"enum": ["a", "b"], "type": "string"},
                "token": {"type": "string"},
            },
            "additionalProperties": false,
        },
        "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        "annotations": {"readOnlyHint": true},
    }));
    let seen: Vec<_> = command
        .parameters
        .iter()
        .map(|p| (p.name.as_str(), p.spiff_type(), p.required, p.secret))
        .collect();
    assert_eq!(
        seen,
        [
            ("what", "str", true, false),
            ("token", "str", true, true),
            ("limit", "int", false, false),
            ("kind", "str", false, false),
        ]
    );
    assert_eq!(command.parameters[2].default(), Some(&json!(5)));
    assert_eq!(command.description, "Finds things.");
    assert!(command.safety == Safety::ReadOnly && !command.open && !command.coerce);
    assert_eq!(
        command.result.as_ref().unwrap().read::<Value>().unwrap()["properties"]["n"]["type"],
        "integer"
    );
}

#[test]
fn what_a_tool_says_about_repeating_counts_and_then_the_configuration() {
    let safety = |name: &str, annotations: Value| {
        command(json!({"name": name, "inputSchema": {}, "annotations": annotations})).safety
    };
    assert_eq!(
        safety("a", json!({"idempotentHint": true})),
        Safety::Idempotent
    );
    assert_eq!(
        safety("a", json!({"readOnlyHint": false})),
        Safety::Effectful
    );
    assert_eq!(safety("put", json!(null)), Safety::Idempotent);
    assert_eq!(safety("a", json!(null)), Safety::Effectful);
}

#[test]
fn a_schema_that_cannot_be_read_takes_anything() {
    let open = |schema: Value| command(json!({"name": "a", "inputSchema": schema})).open;
    assert!(open(json!({"additionalProperties": true})));
    assert!(open(json!({"additionalProperties": {"type": "string"}})));
    assert!(open(json!({"oneOf": [{"properties": {"a": {}}}, {}]})));
    assert!(open(json!({"$ref": "#"})));
    assert!(!open(json!({"type": "object"})));
    let endless = json!({"properties": {"p": {"$ref": "#", "description": "d"}, "q": 1}});
    let endless = command(json!({"name": "a", "inputSchema": endless}));
    let seen: Vec<_> = endless
        .parameters
        .iter()
        .map(|p| (p.spiff_type(), p.description.as_str()))
        .collect();
    assert_eq!(seen, [("any", "d"), ("any", "")]);
}

#[test]
fn a_tool_that_cannot_be_called_by_its_name_says_so() {
    let (commands, notes) = commands(json!([
        {"name": "files.read", "description": "Reads.", "inputSchema": {}},
        {"name": "files.read", "inputSchema": {}},
    ]));
    assert_eq!(commands.tool("files_read"), Some("files.read"));
    assert_eq!(commands.tool("files.read"), None);
    let description = &commands.manifest.commands[0].description;
    assert_eq!(
        description,
        "Reads.\n\nThe server calls this tool 'files.read'."
    );
    assert_eq!(
        notes,
        ["there are two tools 'files.read': the first counts"]
    );
}
