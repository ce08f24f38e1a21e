//! What is sent for the kinds of parameters and bodies that documents have.

use serde_json::json;

use super::{listed, parameters, problems, serve, server, wanted};
use crate::harness::{Reply, Upstream};

const DOCUMENT: &str = r##"
openapi: 3.0.3
info: {title: Things., version: "1"}
paths:
  /things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    get:
      operationId: things/read
      parameters:
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: filter, in: query, style: deepObject, schema: {type: object}}
        - {name: raw, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: X-Trace-Me, in: header, schema: {type: boolean}}
        - {name: taste, in: cookie, schema: {type: string}}
        - {name: page, in: query, required: true, schema: {type: integer, default: 1}}
        - {name: order, in: query, schema: {type: string, enum: [up, down], default: up}}
        - {name: Authorization, in: header, schema: {type: string}}
      responses: {"200": {content: {application/vnd.thing+json: {}}}}
    patch:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              allOf:
                - {$ref: "#/components/schemas/Base"}
                - type: object
                  required: [name]
                  properties: {name: {type: string}, id: {type: string}, made: {type: string, readOnly: true}}
      responses: {"200": {description: x}}
    put:
      requestBody:
        content: {application/json: {schema: {type: array, items: {type: integer}}}}
      responses: {"200": {description: x}}
    delete:
      responses: {"204": {description: x}}
  /files:
    post:
      operationId: upload
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [file]
              properties:
                file: {type: string, format: binary}
                note: {type: string}
                meta: {type: object}
            encoding: {file: {contentType: image/png}}
      responses: {"200": {description: x}}
  /text:
    post:
      operationId: text
      requestBody: {required: true, content: {text/csv: {schema: {type: string}}}}
      responses: {"200": {description: x}}
  /any:
    head: {operationId: any_head, responses: {}}
    post:
      operationId: any
      requestBody: {content: {application/json: {schema: {oneOf: [{type: string}, {type: object}]}}}}
      responses: {}
components:
  schemas:
    Base: {type: object, properties: {size: {type: number, nullable: true}}}
"##;

#[tokio::test]
async fn parameters_go_to_their_places_in_their_styles() {
    let upstream = Upstream::echo().await;
    let proxy = serve(DOCUMENT, &server(&upstream)).await;
    assert_eq!(problems(&proxy).await, "[]");
    let arguments = json!({"id": "7", "tags": ["a", "b&c"], "filter": {"a": {"b": 1}, "c": true},
        "raw": {"x": [1]}, "X-Trace-Me": "yes", "taste": "sweet sour"});
    let answer = proxy.call("api/things_read", arguments).await;
    let sent = answer.success();
    assert_eq!(
        sent["target"],
        "/things/7?tags=a&tags=b%26c&filter%5Ba%5D%5Bb%5D=1&filter%5Bc%5D=true\
         &raw=%7B%22x%22%3A%5B1%5D%7D&page=1"
    );
    assert_eq!(sent["headers"]["x-trace-me"], "true");
    assert_eq!(sent["headers"]["cookie"], "taste=sweet%20sour");
    assert_eq!(sent["headers"]["accept"], "application/vnd.thing+json");
    assert_eq!(
        parameters(&proxy, "api/things_read").await,
        wanted(&[
            ("id", "int", true),
            ("tags", "any", false),
            ("filter", "any", false),
            ("raw", "any", false),
            ("X-Trace-Me", "bool", false),
            ("taste", "str", false),
            ("page", "int", false),
            ("order", "str", false),
        ])
    );
    let wrong = proxy
        .call("api/things_read", json!({"id": "x", "order": "sideways"}))
        .await;
    assert_eq!(wrong.status, 400);
    for mistake in [
        "'id' must be an integer",
        "'order' must be one of \"up\", \"down\"",
    ] {
        assert!(wrong.message().contains(mistake), "{}", wrong.message());
    }
}

#[tokio::test]
async fn a_body_is_made_of_its_properties_or_given_as_a_whole() {
    let upstream = Upstream::echo().await;
    let proxy = serve(DOCUMENT, &server(&upstream)).await;
    let id = "api/patch_things_id";
    assert_eq!(
        parameters(&proxy, id).await,
        wanted(&[
            ("id", "int", true),
            ("name", "str", true),
            ("size", "any", false),
            ("body_id", "str", false)
        ])
    );
    let arguments = json!({"id": 7, "name": "n", "size": 1.5, "body_id": 8});
    let sent = proxy.call(id, arguments).await.success();
    assert_eq!(sent["body"], r#"{"size":1.5,"name":"n","id":"8"}"#);
    let sent = proxy
        .call("api/put_things_id", json!({"id": 7, "body": "[1, 2]"}))
        .await
        .success();
    assert_eq!(
        (&sent["method"], &sent["body"]),
        (&json!("PUT"), &json!("[1, 2]"))
    );
    let sent = proxy
        .call("api/put_things_id", json!({"id": 7}))
        .await
        .success();
    assert_eq!(sent["body"], "");
    let sent = proxy
        .call("api/any", json!({"body": {"free": 1.0}}))
        .await
        .success();
    assert_eq!(sent["body"], r#"{"free":1.0}"#);
    let sent = proxy
        .call("api/text", json!({"body": "a;b\n"}))
        .await
        .success();
    assert_eq!(
        (&sent["body"], &sent["headers"]["content-type"]),
        (&json!("a;b\n"), &json!("text/csv"))
    );
    let safety = [
        ("patch_things_id", "effectful"),
        ("put_things_id", "idempotent"),
        ("delete_things_id", "idempotent"),
        ("things_read", "read-only"),
        ("any_head", "read-only"),
    ];
    for (name, wanted) in safety {
        assert_eq!(
            listed(&proxy, &format!("api/{name}")).await["safety"],
            wanted,
            "{name}"
        );
    }
}

#[tokio::test]
async fn files_go_in_forms_of_several_parts() {
    let upstream = Upstream::start(|_| Reply::json("{}")).await;
    let proxy = serve(DOCUMENT, &server(&upstream)).await;
    let arguments = json!({"file": "base64:AP8B", "note": "Grüße", "meta": {"a": 1}});
    proxy.call("api/upload", arguments).await.success();
    let sent = upstream.last();
    let boundary = sent
        .header("content-type")
        .split("boundary=")
        .nth(1)
        .unwrap()
        .to_owned();
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
         content-type: image/png\r\n\r\n"
    );
    let mut wanted = head.into_bytes();
    wanted.extend_from_slice(b"\x00\xff\x01\r\n");
    wanted.extend_from_slice(
        format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nGrüße\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"meta\"\r\n\
             content-type: application/json\r\n\r\n{{\"a\":1}}\r\n--{boundary}--\r\n"
        )
        .as_bytes(),
    );
    assert_eq!(
        String::from_utf8_lossy(&sent.body),
        String::from_utf8_lossy(&wanted)
    );
    assert_eq!(sent.body, wanted);
    let wrong = proxy.call("api/upload", json!({"file": "base64:%%"})).await;
    assert_eq!(
        (
            wrong.status,
            wrong.message().contains("'file' is no base64")
        ),
        (400, true)
    );
}

#[tokio::test]
async fn answers_and_errors_are_those_of_http() {
    let upstream = Upstream::start(|seen| match &*seen.target {
        "/things/1?page=1" => Reply::ok("application/vnd.thing+json", "{\"n\": 1.50}"),
        "/things/2?page=1" => Reply::ok("text/plain", "hello"),
        "/things/3?page=1" => Reply::status(429)
            .header("retry-after", "7")
            .body("slow down"),
        "/things/4?page=1" => Reply::json("{broken"),
        "/things/5?page=1" => Reply::ok("application/xml", "<a><b>1</b></a>"),
        _ => Reply::raw(""),
    })
    .await;
    let proxy = serve(DOCUMENT, &server(&upstream)).await;
    let call = |id: u8| proxy.call("api/things_read", json!({"id": id}));
    let first = call(1).await;
    assert!(first.text.contains("{\"n\": 1.50}"), "{}", first.text);
    assert_eq!(call(2).await.success(), json!({"raw_response": "hello"}));
    let third = call(3).await;
    assert_eq!(third.failure(), (200, 429, "HttpError429".to_owned()));
    assert_eq!(third.header("retry-after"), "7");
    assert_eq!(call(4).await.code(), "JSONDecodeError");
    assert_eq!(call(5).await.success(), json!({"a": {"b": "1"}}));
    assert_eq!(
        call(6).await.failure(),
        (200, 500, "ConnectionError".to_owned())
    );
    assert!(
        first.logs().contains("/things/1: answered 200"),
        "{}",
        first.logs()
    );
}

#[tokio::test]
async fn operations_are_chosen_and_renamed() {
    let upstream = Upstream::echo().await;
    let lines = format!(
        "{}\ninclude = [\"things*\", \"* /files\", \"DELETE *\"]\nexclude = [\"GET *\"]\n\
         rename = {{ upload = \"SendFile\", \"DELETE /things/{{id}}\" = \"Remove\", gone = \"X\" }}\n\
         idempotent = [\"SendFile\"]",
        server(&upstream)
    );
    let proxy = serve(DOCUMENT, &lines).await;
    let list = proxy.get("/v1/commands").await.json();
    let ids = list.as_array().unwrap().iter();
    let ids = ids
        .filter_map(|one| one["id"].as_str())
        .filter(|id| id.starts_with("api/"));
    assert_eq!(ids.collect::<Vec<_>>(), ["api/Remove", "api/SendFile"]);
    assert_eq!(listed(&proxy, "api/SendFile").await["safety"], "idempotent");
    let told = problems(&proxy).await;
    assert!(
        told.contains("`rename` names operations that are not there (gone)"),
        "{told}"
    );
}
