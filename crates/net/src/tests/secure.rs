use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use crosspoint_core::Effect;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::NetErrorKind::*;
use crate::testing::{Names, Server, get, http, ok, send};
use crate::{Authorities, CaFileError, Http, NetError, Settings, SetupError};

/// A certificate authority of our own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Authority {
        let folder = TempDir::new().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Two authorities of one name would be taken for each other.
        let name = folder.path().to_str().unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority {
            issuer,
            folder: TempDir::new().unwrap(),
        }
    }

    /// Its certificate as a file that lives as long as it.
    pub fn file(&self) -> PathBuf {
        self.write("ca.pem", &self.issuer.pem())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// A server with a certificate for `host`.
pub fn server_config(authority: &Authority, host: &str) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// Asks a server that has a certificate for `certified` as `called`.
async fn ask(
    authority: &Authority,
    certified: &str,
    called: &str,
    ca_files: Vec<PathBuf>,
) -> Result<String, NetError> {
    let server = Server::start_tls(server_config(authority, certified), |_| ok("secure")).await;
    let lookup = Names::of(&[
        ("one.example", &[&["127.0.0.1"]]),
        ("two.example", &[&["127.0.0.1"]]),
    ]);
    let client = http(Settings {
        authorities: Authorities::of(ca_files),
        lookup,
        ..Settings::default()
    });
    let url = format!("https://{called}:{}/", server.address.port());
    client
        .send(get(&url))
        .await
        .map(|answer| answer.text().into_owned())
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let (ours, other) = (Authority::new(), Authority::new());
    let both = ours.write(
        "both.pem",
        &format!("{}\n{}", other.issuer.pem(), ours.issuer.pem()),
    );
    for file in [ours.file(), both] {
        let answer = ask(&ours, "one.example", "one.example", vec![file]).await;
        assert_eq!(answer.unwrap(), "secure");
    }
    let answer = ask(&ours, "127.0.0.1", "127.0.0.1", vec![ours.file()]).await;
    assert_eq!(answer.unwrap(), "secure");
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_an_ssl_error() {
    let (ours, other) = (Authority::new(), Authority::new());
    for (called, ca_files, why) in [
        ("one.example", vec![], "UnknownIssuer"),
        ("one.example", vec![other.file()], "UnknownIssuer"),
        ("two.example", vec![ours.file()], "not valid for name"),
    ] {
        let error = ask(&ours, "one.example", called, ca_files)
            .await
            .unwrap_err();
        assert_eq!((error.kind, error.effect), (Tls, Effect::None), "{error:?}");
        assert!(error.message.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_failed_handshake_is_an_ssl_error() {
    // A server without TLS answers in the clear.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clear = format!("https://{}/", plain.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = plain.accept().await.unwrap();
        stream.readable().await.unwrap();
        stream
            .try_write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        std::future::pending::<()>().await;
    });
    let error = send(get(&clear)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (Tls, Effect::None), "{error:?}");
    // Another hangs up.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("https://{}/", silent.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = silent.accept().await.unwrap();
        // Everything that came is read first, or the close would be a reset.
        let mut hello = [0; 16384];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await;
    });
    let error = send(get(&gone)).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (Tls, Effect::None), "{error:?}");
}

/// A server that speaks HTTP/2, tells which version it was asked in, and breaks off the answer
/// to `/broken`.
async fn http2(mut config: ServerConfig) -> u16 {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let answer = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let version = Ok(Frame::data(Bytes::from(format!("{:?}", request.version()))));
                let mut frames = vec![version];
                if request.uri().path() == "/broken" {
                    frames.push(Err(io::Error::other("broken")));
                }
                let body = StreamBody::new(futures_util::stream::iter(frames));
                Ok::<_, Infallible>(http::Response::new(body))
            });
            let server = auto::Builder::new(TokioExecutor::new());
            tokio::spawn(
                async move { server.serve_connection(stream, answer).await.map_err(drop) },
            );
        }
    });
    port
}

#[tokio::test]
async fn servers_that_speak_http2_are_asked_in_it() {
    let authority = Authority::new();
    let port = http2(server_config(&authority, "127.0.0.1")).await;
    let client = http(Settings {
        authorities: Authorities::of(vec![authority.file()]),
        ..Settings::default()
    });
    let answer = client
        .send(get(&format!("https://127.0.0.1:{port}/")))
        .await
        .unwrap();
    assert_eq!(answer.text(), "HTTP/2.0");
    let error = client
        .send(get(&format!("https://127.0.0.1:{port}/broken")))
        .await
        .unwrap_err();
    // The reset may overtake the head of the answer.
    let broke_off = [(BrokenBody, Effect::Done), (Connection, Effect::Maybe)];
    assert!(broke_off.contains(&(error.kind, error.effect)), "{error:?}");
}

#[test]
fn a_file_that_holds_no_certificates_is_named() {
    let authority = Authority::new();
    let absent = authority.folder.path().join("absent.pem");
    let empty = authority.write("empty.pem", "");
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let broken = authority.write("broken.pem", broken);
    let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let wrong = authority.write("wrong.pem", wrong);
    for path in [absent, empty, broken, wrong] {
        let ca_files = vec![authority.file(), path.clone()];
        let error = Http::new(Settings {
            authorities: Authorities::of(ca_files),
            ..Settings::default()
        })
        .unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        assert!(matches!(
            error,
            SetupError::CaFile(CaFileError::Unreadable { .. } | CaFileError::Malformed { .. })
        ));
    }
}

/// Set in the process that [`a_machine_without_authorities_can_do_plain_http`] starts.
const INSIDE: &str = "CROSSPOINT_NET_TEST_WITHOUT_AUTHORITIES";

/// The environment belongs to the process, so this test starts itself in one of its own.
#[tokio::test]
async fn a_machine_without_authorities_can_do_plain_http() {
    if std::env::var_os(INSIDE).is_some() {
        return without_authorities().await;
    }
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::secure::a_machine_without_authorities_can_do_plain_http",
        ])
        .env("SSL_CERT_FILE", &empty)
        .env("SSL_CERT_DIR", folder.path().join("nothing"))
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

async fn without_authorities() {
    let server = Server::start(|_| ok("plain")).await;
    assert_eq!(send(get(&server.url("/"))).await.unwrap().text(), "plain");
    let authority = Authority::new();
    let error = ask(&authority, "one.example", "one.example", vec![])
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (Tls, Effect::None));
    assert!(
        error
            .message
            .contains("there are no CA certificates on this machine"),
        "{error}"
    );
    let answer = ask(
        &authority,
        "one.example",
        "one.example",
        vec![authority.file()],
    )
    .await;
    assert_eq!(answer.unwrap(), "secure");
}
