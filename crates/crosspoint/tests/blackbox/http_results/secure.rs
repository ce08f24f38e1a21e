//! TLS to upstreams.

use serde_json::json;

use crate::harness::{Authority, Reply, Setup, Upstream, shared};

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_configured() {
    let authority = Authority::new();
    let upstream = Upstream::start_tls(authority.acceptor("127.0.0.1"), Reply::echo).await;
    let setup = Setup::new().file("private.pem", &authority.pem());
    let proxy = setup
        .config("[egress]\nca_files = [\"private.pem\"]\n")
        .serve()
        .await;
    let url = json!({"url": upstream.url("/secure")});
    assert_eq!(
        proxy.call("http/GetRequestV2", url.clone()).await.success()["target"],
        "/secure"
    );
    // Everybody else sees a certificate that nobody vouches for.
    let answer = shared().await.call("http/GetRequestV2", url).await;
    assert_eq!(answer.failure(), (200, 500, "SSLError".to_owned()));
}

#[tokio::test]
async fn a_certificate_for_somebody_else_is_refused() {
    let authority = Authority::new();
    let upstream = Upstream::start_tls(authority.acceptor("other.example"), Reply::echo).await;
    let setup = Setup::new().file("private.pem", &authority.pem());
    let proxy = setup
        .config("[egress]\nca_files = [\"private.pem\"]\n")
        .serve()
        .await;
    let answer = proxy
        .call("http/GetRequestV2", json!({"url": upstream.url("/")}))
        .await;
    assert_eq!(answer.failure(), (200, 500, "SSLError".to_owned()));
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_port_without_tls_has_no_secure_connection_to_offer() {
    let upstream = Upstream::echo().await;
    let url = format!("https://{}/", upstream.address);
    let answer = shared()
        .await
        .call("http/GetRequestV2", json!({"url": url}))
        .await;
    assert_eq!(answer.failure(), (200, 500, "SSLError".to_owned()));
}
