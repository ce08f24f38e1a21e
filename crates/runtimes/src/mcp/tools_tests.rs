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

/// A tool whose twelve parameters lead 400 times each to a schema of 150 KB.
fn growing(name: &str) -> Value {
    let parameter = |n: usize| {
        let references = vec![json!({"$ref": "#/$defs/large"}); 400];
        (
            format!("p{n}"),
            json!({"description": "mine", "anyOf": references}),
        )
    };
    let properties: Map<_, _> = (0..12).map(parameter).collect();
    let large = json!({"type": "string", "default": "x".repeat(150_000)});
    json!({"name": name, "inputSchema": {
        "type": "object", "properties": properties, "$defs": {"large": large},
    }})
}

/// Two parameters that lead to one schema of 150 KB, which is as much as may be.
fn fitting(name: &str) -> Value {
    let large = json!({"type": "string", "default": "x".repeat(150_000)});
    let reference = json!({"$ref": "#/$defs/large"});
    json!({"name": name, "inputSchema": {
        "type": "object", "properties": {"a": reference, "b": reference}, "$defs": {"large": large},
    }})
}

/// How long the schemas of all parameters are.
fn size(commands: &Commands) -> usize {
    let commands = commands.manifest.commands.iter();
    let parameters = commands.flat_map(|command| command.parameters.iter());
    parameters.map(|one| one.schema.as_bytes().len()).sum()
}

#[test]
fn references_that_repeat_a_large_schema_are_bounded_by_tool_and_the_next_tool_is_whole() {
    let small = json!({"name": "small", "inputSchema": {
        "type": "object", "properties": {"n": {"type": "integer"}},
    }});
    let (commands, notes) = commands(json!([growing("t0"), growing("t1"), fitting("t2"), small]));
    assert!(size(&commands) < 400_000, "{}", size(&commands));
    let all = &commands.manifest.commands;
    for parameter in &all[0].parameters {
        let schema: Value = parameter.schema.read().unwrap();
        assert_eq!(schema, json!({"description": "mine"}));
    }
    assert_eq!(all[2].parameters[1].spiff_type(), "str");
    assert_eq!(all[3].parameters[0].spiff_type(), "int");
    assert_eq!(
        notes,
        [
            "the schemas of tool 't0' and 1 more are too large once their references are followed: \
          parameters beyond that take any JSON"
        ]
    );
}

#[test]
fn the_schemas_of_a_whole_list_are_bounded_too() {
    let mut tools: Vec<_> = (0..150).map(|n| fitting(&format!("t{n}"))).collect();
    tools.push(json!({"name": "last", "inputSchema": {
        "type": "object", "properties": {"n": {"type": "integer"}},
    }}));
    let (commands, notes) = commands(tools.into());
    assert!(size(&commands) <= 32 * 1024 * 1024, "{}", size(&commands));
    let all = &commands.manifest.commands;
    assert_eq!(all.len(), 151);
    assert_eq!(all[0].parameters[0].spiff_type(), "str");
    // It is there and can be called, though its parameters are not described any more.
    assert_eq!(all[150].parameters[0].spiff_type(), "any");
    assert!(
        notes[0].contains("too large once their references"),
        "{notes:?}"
    );
}
