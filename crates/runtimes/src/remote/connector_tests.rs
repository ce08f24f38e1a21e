use std::sync::Mutex;
use std::time::Duration;

use crosspoint_core::{Arguments, CallId, CommandId, Ingress, Mask, Origin};
use crosspoint_net::{Http, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::super::catalogue;
use super::*;

const CATALOGUE: &str = r#"[{"id": "crm/Find", "parameters": []}]"#;
const PAGE: (u16, &str, &str) = (200, "text/html", "<html>login</html>");

/// Calls `crm/Find` of a proxy that answers the question for its catalogue, and the call, like this.
/// Also tells what it was asked, in order.
async fn call(
    lists: (u16, &'static str, &'static str),
    does: (u16, &'static str, &'static str),
) -> (Result<Outcome, Failure>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let asked = seen.clone();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            while !text.windows(4).any(|end| end == b"\r\n\r\n") {
                stream.read_buf(&mut text).await.unwrap();
            }
            let text = String::from_utf8(text).unwrap();
            let line = text.lines().next().unwrap().replace(" HTTP/1.1", "");
            let (status, mimetype, body) = match line.starts_with("GET") {
                true => lists,
                false => does,
            };
            asked.lock().unwrap().push(line);
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: {mimetype}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let http = Http::new(Settings::default()).unwrap();
    let proxy = Proxy::new("branch", &format!("http://{address}"), None, http).unwrap();
    let offered = catalogue::read(CATALOGUE.as_bytes(), None, &proxy).unwrap();
    let offered = offered.connectors.into_iter().next().unwrap();
    let connector = RemoteConnector::new(offered, Arc::new(proxy), Arc::default());
    let deadline = Instant::now() + Duration::from_secs(60);
    let cx = Context::new(CallId::generate(), deadline, Mask::default());
    let id = CommandId::new("crm", "Find");
    let call = Call::new(id, Arguments::default(), Origin::of(Ingress::Cli));
    let result = connector.call(call, &cx).await;
    serving.abort();
    let seen = seen.lock().unwrap().clone();
    (result, seen)
}

#[tokio::test]
async fn a_refusal_that_may_be_the_upstreams_is_passed_on_while_the_proxy_takes_the_key() {
    let refusal = (401, "application/json", r#"{"error": "Unauthorized"}"#);
    let listed = (200, "application/json", CATALOGUE);
    let (result, seen) = call(listed, refusal).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.code, "HttpError401");
    assert_eq!(failure.outcome.unwrap().verbatim.unwrap().body, refusal.2);
    assert_eq!(seen, ["POST /v1/do/crm/Find", "GET /v1/commands"]);

    let (result, _) = call(refusal, refusal).await;
    assert_eq!(result.unwrap_err().code, "ProxyUnauthorized");
}

#[tokio::test]
async fn a_page_is_a_failure_where_everything_is_one() {
    let (result, _) = call(PAGE, PAGE).await;
    assert_eq!(result.unwrap_err().code, "ProxyError");
    let (result, _) = call((200, "application/json", CATALOGUE), PAGE).await;
    assert_eq!(result.unwrap().verbatim.unwrap().body, PAGE.2);
}

#[tokio::test]
async fn an_answer_that_leaves_nothing_open_costs_one_request() {
    for does in [
        (200, "application/json", "1"),
        (503, "application/json", "{}"),
    ] {
        let (_, seen) = call((200, "application/json", CATALOGUE), does).await;
        assert_eq!(seen, ["POST /v1/do/crm/Find"]);
    }
}
