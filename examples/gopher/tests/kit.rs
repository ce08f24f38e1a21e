//! The connector passes the behaviour suite, against a Gopher server of its own.

use std::sync::Arc;

use crosspoint_core::testing::{InProcess, Samples, Settings, Verdict, judge};
use crosspoint_net::Http;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

const SAMPLES: &str = r#"{
    "gopher/Read": [
        {
            "arguments": {"host": "127.0.0.1", "port": "{{env:PORT}}"},
            "result_schema": {
                "const": [
                    {"type": "0", "name": "About", "selector": "/about", "host": "example.com", "port": "70"},
                    {"type": "1", "name": "Mehr", "selector": "/mehr", "host": "example.com", "port": "7070"}
                ]
            }
        },
        {
            "arguments": {"host": "127.0.0.1", "port": "{{env:PORT}}", "selector": "/about"},
            "result_schema": {"const": ["A text.", "Of two lines."]}
        },
        {
            "arguments": {"host": "127.0.0.1", "port": "{{env:PORT}}", "selector": "/echo {{unique}}"},
            "result_schema": {"type": "array", "items": {"type": "string", "pattern": "^you said /echo u"}}
        },
        {
            "arguments": {"host": "127.0.0.1", "port": "{{env:PORT}}", "selector": "/endless"},
            "expect": {"error_code": "AnswerTooLarge"}
        },
        {
            "arguments": {"host": "127.0.0.1", "port": "{{env:PORT}}", "selector": "/silence"},
            "expect": {"error_code": "TimeoutError"},
            "deadline_ms": 100
        },
        {"arguments": {"host": "169.254.169.254"}, "expect": {"error_code": "EgressRefused"}},
        {"arguments": {"host": "no-such-host.invalid"}, "expect": {"error_code": "gaierror"}}
    ]
}"#;

#[tokio::test]
async fn the_connector_passes_the_suite() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    let lookup = |name: &str| (name == "PORT").then(|| port.clone());
    let samples = Samples::parse(SAMPLES, lookup).unwrap();
    let http = Http::new(crosspoint_net::Settings::default()).unwrap();
    let subject = InProcess::new(Arc::new(crosspoint_gopher::connector(&http)));
    let report = judge(&subject, samples, Settings::default()).await;
    assert!(
        report.passed() && report.count(Verdict::Warning) == 0,
        "{report}"
    );
    assert_eq!(report.left_out(), []);
}

/// A Gopher server, which hangs up after one answer.
async fn serve(stream: TcpStream) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok()?;
    let selector = String::from_utf8_lossy(&line).trim_end().to_owned();
    let answer = match selector.as_str() {
        "" => {
            "0About\t/about\texample.com\t70\r\n1Mehr\t/mehr\texample.com\t7070\r\n.\r\n".to_owned()
        }
        "/about" => "A text.\r\nOf two lines.\r\n.\r\n".to_owned(),
        "/endless" => "and so on ".repeat(200_000),
        // Until the other side hangs up.
        "/silence" => {
            stream.read_until(0, &mut line).await.ok()?;
            return None;
        }
        other => format!("you said {other}\r\n.\r\n"),
    };
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    stream.shutdown().await.ok()
}
