//! Places, values and syntax errors of a file.

use super::*;

fn parse(text: &str) -> Node {
    Node::parse(&"c.toml".into(), text).unwrap_or_else(|p| panic!("{p:?}"))
}

fn place(node: Option<&Node>) -> String {
    node.map(|node| node.place.to_string()).unwrap_or_default()
}

#[test]
fn everything_knows_its_place() {
    let tree = parse("'ä' = 'ö'\n[b]\n  c = [1, 'x']\n[b.d.e]\nf.g = true\n");
    assert_eq!(place(tree.get("ä")), "c.toml:1:7");
    assert_eq!(place(tree.get("b.c")), "c.toml:3:7");
    assert_eq!(place(tree.get("b.d.e.f.g")), "c.toml:5:7");
    assert!(tree.get("b.x").is_none() && tree.get("ä.x").is_none());
    let origins: Vec<_> = tree
        .origins()
        .iter()
        .map(|(k, p)| format!("{k} {p}"))
        .collect();
    let expected = [
        "b.c c.toml:3:3",
        "b.c[0] c.toml:3:8",
        "b.c[1] c.toml:3:11",
        "b.d.e.f.g c.toml:5:3",
        "ä c.toml:1:1",
    ];
    assert_eq!(origins, expected);
}

#[test]
fn a_value_is_set_where_tables_lead_to_it() {
    let mut tree = parse("a = 1\n[b]\nc = 2\n");
    let here = Place::Environment("X".to_owned());
    for key in ["b.c", "b.d.e", "a.f"] {
        tree.set(key, Node::text("new", &here));
    }
    let json = tree.to_json().to_string();
    assert_eq!(json, r#"{"a":1,"b":{"c":"new","d":{"e":"new"}}}"#);
    assert_eq!(place(tree.get("b.d")), "environment X");
}

#[test]
fn every_syntax_error_is_reported() {
    let text = "log = warn\nlisten = 127.0.0.1:7004\n[access\n";
    let problems = Node::parse(&"c.toml".into(), text).err().unwrap();
    let problems = super::super::Problems::sorted(problems).to_string();
    assert_eq!(
        problems,
        "c.toml:1:7: not TOML: string values must be quoted, expected literal string\n    \
         1 | log = warn\n      |       ^^^^\n  \
         help: put quotes around the value, unless it is a number or a boolean\n\
         c.toml:2:15: not TOML: invalid float\n    \
         2 | listen = 127.0.0.1:7004\n      |               ^^^^^^^^^\n  \
         help: put quotes around the value, unless it is a number or a boolean\n\
         c.toml:3:8: not TOML: unclosed table, expected `]`\n    \
         3 | [access\n      |        ^\n\
         \n3 mistakes in the configuration"
    );
}
