//! Encryption of connections, as `sslmode` asks for it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The two ways to encrypt.
pub(super) struct Tls {
    verified: MakeRustlsConnect,
    unverified: MakeRustlsConnect,
}

/// Takes any certificate, as `sslmode=require` is defined: nobody can listen, but anybody can be
/// the server.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

// === impl Tls ===

impl Tls {
    /// `config` is how servers are verified.
    pub(super) fn new(config: &ClientConfig) -> Tls {
        let any = AnyCertificate(config.crypto_provider().clone());
        let mut unverified = config.clone();
        unverified
            .dangerous()
            .set_certificate_verifier(Arc::new(any));
        Tls {
            verified: MakeRustlsConnect::new(config.clone()),
            unverified: MakeRustlsConnect::new(unverified),
        }
    }

    /// For one connection.
    pub(super) fn connect(&self, verify: bool) -> MakeRustlsConnect {
        match verify {
            true => self.verified.clone(),
            false => self.unverified.clone(),
        }
    }
}

// === impl AnyCertificate ===

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
