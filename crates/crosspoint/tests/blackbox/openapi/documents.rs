//! Documents that are fetched, large, broken, or do not mean well.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{listed, problems, serve, server, started};
use crate::harness::{Reply, Setup, Upstream, closed_port, until};

fn minimal(servers: &str) -> String {
    format!(
        "{{\"openapi\": \"3.1.0\", {servers} \"paths\": {{\"/x\": {{\"get\": {{\"operationId\": \"x\", \"responses\": {{}}}}}}}}}}"
    )
}

#[tokio::test]
async fn a_document_is_fetched_and_its_system_is_where_it_was() {
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/docs/openapi.json?key=canary" => {
            Reply::json(&minimal("\"servers\": [{\"url\": \"/v2/\"}],"))
        }
        target => Reply::json(&json!({"asked": target}).to_string()),
    })
    .await;
    let config = format!(
        "[connectors.api]\nopenapi = \"{}\"",
        upstream.url("/docs/openapi.json?key=canary")
    );
    let proxy = started(Setup::new(), &config).await;
    assert_eq!(problems(&proxy).await, "[]");
    assert_eq!(
        proxy.call("api/x", json!({})).await.success(),
        json!({"asked": "/v2/x"})
    );
    assert!(!proxy.log().contains("canary"), "{}", proxy.log());
}

#[tokio::test]
async fn what_is_fetched_leads_to_no_other_system() {
    let thief = Upstream::echo().await;
    let away = minimal(&format!(
        "\"servers\": [{{\"url\": \"{}\"}}],",
        thief.url("")
    ));
    let moved = thief.url("/openapi.json");
    let upstream = Upstream::start(move |seen| match &*seen.target {
        "/moved" => Reply::redirect(302, &moved),
        "/variable" => Reply::json(&minimal("\"servers\": [{\"url\": \"http://{h}\", \"variables\": {\"h\": {\"default\": \"h\"}}}],")),
        _ => Reply::json(&away),
    })
    .await;
    let proxy = started(
        Setup::new(),
        &format!(
            "[connectors.away]\nopenapi = \"{0}/away\"\n[connectors.moved]\nopenapi = \"{0}/moved\"\n\
             [connectors.variable]\nopenapi = \"{0}/variable\"\n\
             [connectors.meant]\nopenapi = \"{0}/away\"\nserver = \"{1}\"\n\
             [connectors.inside]\nopenapi = \"http://169.254.169.254/openapi.json\"\n",
            upstream.url(""),
            thief.url("/meant")
        ),
    )
    .await;
    let told = problems(&proxy).await;
    for text in [
        "its server is elsewhere: say where the system is by `server`",
        "RedirectRefused",
        "EgressRefused",
    ] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
    assert_eq!(told.matches("its server is elsewhere").count(), 2, "{told}");
    assert!(thief.seen().is_empty());
    let meant = proxy.call("meant/x", json!({})).await.success();
    assert_eq!(meant["target"], "/meant/x");
}

#[tokio::test]
async fn a_document_that_cannot_be_had_yet_is_asked_for_again() {
    let (socket, address) = closed_port();
    let proxy = started(
        Setup::new(),
        &format!("[connectors.api]\nopenapi = \"http://{address}/d\""),
    )
    .await;
    assert!(
        problems(&proxy)
            .await
            .contains("cannot be fetched: ConnectionError")
    );
    let _late = Upstream::open(socket, |_| Reply::json(&minimal("")));
    until("it is mounted", async || problems(&proxy).await == "[]").await;
    listed(&proxy, "api/x").await;
}

#[tokio::test]
async fn what_cannot_be_a_connector_is_said_and_everything_else_serves() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
        let _ = writeln!(bomb, "a{n}: &a{n} [{aliases}]");
    }
    let cases = [
        ("bomb", bomb.as_str(), "is no YAML that can be read"),
        ("page", "<html>", "is a web page"),
        ("old", "swagger: '2.0'", "is of Swagger 2.0"),
        ("other", "title: x", "does not say `openapi: 3.0.x`"),
        ("json", "{\"openapi\": ", "is no valid JSON"),
        ("bare", "openapi: 3.1.0", "has no `paths`"),
        ("relative", &minimal(""), "has a relative server (/)"),
        (
            "scheme",
            &minimal("\"servers\": [{\"url\": \"ftp://h\"}],"),
            "no address of http or https",
        ),
    ];
    let mut setup = Setup::new();
    let mut config = "[connectors.none]\nopenapi = \"none.yaml\"\n".to_owned();
    for (name, text, _) in &cases {
        setup = setup.file(&format!("{name}.yaml"), text);
        let server = if *name == "bare" {
            "server = \"http://h\""
        } else {
            ""
        };
        let _ = writeln!(
            config,
            "[connectors.{name}]\nopenapi = \"{name}.yaml\"\n{server}"
        );
    }
    setup = setup.file(
        "large.yaml",
        &format!("openapi: 3.1.0\nx: {}\n", "y".repeat(70_000)),
    );
    config.push_str("[connectors.large]\nopenapi = \"large.yaml\"\nmax_document = \"64KiB\"\n");
    let proxy = started(setup, &config).await;
    let told = problems(&proxy).await;
    for (name, _, clause) in &cases {
        assert!(
            told.contains(&format!("{name} (")) && told.contains(clause),
            "{clause} is not in {told}"
        );
    }
    assert!(
        told.contains("is larger than 65536 bytes: see `max_document`"),
        "{told}"
    );
    assert!(told.contains("No such file"), "{told}");
    let upstream = Upstream::echo().await;
    let answer = proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn operations_that_cannot_be_commands_are_left_out_with_the_reason() {
    let upstream = Upstream::echo().await;
    let document = r##"
openapi: 3.0.0
paths:
  no-slash: {get: {}}
  /a/{gone}: {get: {operationId: missing}}
  /b: {get: {operationId: same}, post: {operationId: same}}
  /c: {get: {operationId: elsewhere, parameters: [{$ref: "http://169.254.169.254/p.yaml"}]}}
  /d: {get: {operationId: nowhere, parameters: [{$ref: "#/components/parameters/none"}]}}
  /e: {post: {operationId: parts, requestBody: {content: {multipart/mixed: {}}}}}
  /f: {$ref: "other.yaml#/f"}
  /g: {get: {operationId: circle, parameters: [{$ref: "#/components/parameters/circle"}]}}
  /h: {get: {operationId: fine, parameters: [{name: deep, in: query, schema: {$ref: "#/components/schemas/Node"}}]}}
components:
  parameters: {circle: {$ref: "#/components/parameters/circle"}}
  schemas: {Node: {type: object, properties: {next: {$ref: "#/components/schemas/Node"}, all: {allOf: [{$ref: "#/components/schemas/Node"}]}}}}
"##;
    let proxy = serve(document, &server(&upstream)).await;
    let told = problems(&proxy).await;
    for text in [
        "paths that do not begin with / are left out (no-slash)",
        "its path has {gone}, which is no parameter of it (GET /a/{gone})",
        "operations whose id is another's are called by method and path (post_b)",
        "it refers to another document, which is not read (GET /c)",
        "it refers to #/components/parameters/none, which is not there (GET /d)",
        "it has a body of no media type that can be written (POST /e)",
        "paths that refer to elsewhere are left out (/f)",
        "its references lead in a circle (GET /g)",
    ] {
        assert!(told.contains(text), "{text} is not in {told}");
    }
    for id in ["api/same", "api/post_b", "api/fine"] {
        listed(&proxy, id).await;
    }
    let sent = proxy
        .call("api/fine", json!({"deep": {"x": 1}}))
        .await
        .success();
    assert_eq!(sent["target"], "/h?x=1");
}

#[tokio::test]
async fn a_document_of_many_operations_is_mounted() {
    let upstream = Upstream::echo().await;
    let mut paths = serde_json::Map::new();
    for n in 0..700 {
        let operation = json!({"operationId": format!("op{n}"), "summary": "Does it.", "parameters": [
            {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
            {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/Big"}}]});
        paths.insert(format!("/r{n}/{{id}}"), json!({"get": operation}));
    }
    let property = |n: usize| {
        (
            format!("p{n}"),
            json!({"type": "string", "description": "x".repeat(50)}),
        )
    };
    let properties: serde_json::Map<String, Value> = (0..40).map(property).collect();
    let document = json!({"openapi": "3.1.0", "paths": paths,
        "components": {"schemas": {"Big": {"type": "object", "properties": properties}}}});
    let proxy = serve(&document.to_string(), &server(&upstream)).await;
    assert_eq!(problems(&proxy).await, "[]");
    let sent = proxy.call("api/op699", json!({"id": 1})).await.success();
    assert_eq!(sent["target"], "/r699/1");
}

#[tokio::test]
async fn a_changed_document_counts_after_a_reload_and_a_broken_one_does_not() {
    let upstream = Upstream::echo().await;
    let proxy = serve(&minimal(""), &server(&upstream)).await;
    let more = minimal("").replace(
        "\"/x\"",
        "\"/y\": {\"get\": {\"operationId\": \"y\"}}, \"/x\"",
    );
    proxy.setup().file("api.yaml", &more);
    assert_eq!(proxy.run(&["reload"]).await.code, Some(0));
    listed(&proxy, "api/y").await;
    proxy.setup().file("api.yaml", "<html>");
    let reload = proxy.run(&["reload"]).await;
    assert!(
        format!("{}{}", reload.stdout, reload.stderr).contains("is a web page"),
        "{}{}",
        reload.stdout,
        reload.stderr
    );
    assert_eq!(
        proxy.call("api/y", json!({})).await.success()["target"],
        "/y"
    );
}

#[tokio::test]
async fn mistakes_of_a_table_are_told_before_anything_is_read() {
    let setup = Setup::new().config(
        "[connectors.a]\nopenapi = \"ftp://h/x\"\n[connectors.b]\nopenapi = \"b.yaml\"\n\
         server = \"api.example\"\nrename = { x = \"a b\", y = \"z\", w = \"z\" }\nmax_document = \"2GiB\"\n",
    );
    let checked = setup.run(&["config", "check"]).await;
    assert_eq!(checked.code, Some(2));
    for text in [
        "`connectors.a.openapi`: it is no address of http or https",
        "`connectors.b.server` is not the address of a system",
        "`connectors.b.rename.x`: `a b` cannot name a command",
        "`connectors.b.rename` gives the name `z` twice",
        "`connectors.b.max_document`: `2GiB` is more than `1GiB`",
    ] {
        assert!(
            checked.stderr.contains(text),
            "{text} is not in\n{}",
            checked.stderr
        );
    }
}
