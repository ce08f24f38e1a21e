//! Which certificates are trusted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// It cannot be read.
    #[error("reading the certificate file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not PEM, or what it holds is not a certificate.
    #[error(
        "reading the certificate file {}: {reason}; it must hold certificates in PEM form",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// How servers are verified.
pub(crate) struct Trust {
    pub config: ClientConfig,
    /// Whether there is no authority at all to trust, so that every `https` request will fail.
    pub nobody: bool,
}

/// Trusts the platform's authorities and those of the files. A machine without any has `nobody`:
/// it can still do plain HTTP, so that is no error here.
pub(crate) fn trust(ca_files: &[PathBuf]) -> Result<Trust, CaFileError> {
    // Other libraries in this process look for a default. A second installation fails and
    // changes nothing.
    let _ = ring::default_provider().install_default();
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let mut extra = Vec::new();
    for path in ca_files {
        extra.extend(read(path)?);
    }
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    // Fails only when it ends up without any authority; `read` has tried the extra ones.
    let (mut config, nobody) = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => {
            let builder = builder.dangerous();
            let builder = builder.with_custom_certificate_verifier(Arc::new(verifier));
            (builder.with_no_client_auth(), false)
        }
        Err(error) => {
            tracing::warn!(%error, "there are no CA certificates, so https requests will fail");
            let builder = builder.with_root_certificates(RootCertStore::empty());
            (builder.with_no_client_auth(), true)
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Trust { config, nobody })
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, CaFileError> {
    let malformed = |reason: String| CaFileError::Malformed {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read(path).map_err(|source| CaFileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| malformed(error.to_string()))?;
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| malformed(error.to_string()))?;
        certificates.push(certificate);
    }
    match certificates.is_empty() {
        true => Err(malformed("no certificate in it".to_owned())),
        false => Ok(certificates),
    }
}
