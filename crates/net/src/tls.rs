//! Which certificates are trusted.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Who is trusted: the platform's authorities and those of some files. Read when the first client needs
/// them; clones share what was read, which takes longer than all else of building a client.
#[derive(Clone, Default)]
pub struct Authorities(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// In PEM form.
    files: Vec<PathBuf>,
    read: Mutex<Option<Trust>>,
}

/// How servers are verified.
#[derive(Clone)]
pub(crate) struct Trust {
    pub config: ClientConfig,
    /// Whether there is no authority at all to trust, so that every `https` request will fail.
    pub nobody: bool,
}

// === impl Authorities ===

impl Authorities {
    /// Those of the platform and of these files, in PEM form.
    pub fn of(files: Vec<PathBuf>) -> Authorities {
        Authorities(Arc::new(Shared {
            files,
            read: Mutex::default(),
        }))
    }

    /// Nobody: every `https` request fails. Reads nothing.
    pub fn none() -> Authorities {
        Authorities(Arc::new(Shared {
            files: Vec::new(),
            read: Mutex::new(Some(Trust::verified_by(None))),
        }))
    }

    /// What follows from them. A machine without any has `nobody`: it can still do plain HTTP, so that is no
    /// error here.
    pub(crate) fn trust(&self) -> Result<Trust, CaFileError> {
        let mut read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trust) = &*read {
            return Ok(trust.clone());
        }
        let trust = Trust::of(&self.0.files)?;
        *read = Some(trust.clone());
        Ok(trust)
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorities").field(&self.0.files).finish()
    }
}

// === impl Trust ===

impl Trust {
    fn of(files: &[PathBuf]) -> Result<Trust, CaFileError> {
        let mut extra = Vec::new();
        for path in files {
            extra.extend(read(path)?);
        }
        // Fails only when it ends up without any authority; `read` has tried the extra ones.
        let verifier = Verifier::new_with_extra_roots(extra, provider());
        if let Err(error) = &verifier {
            tracing::warn!(%error, "there are no CA certificates, so https requests will fail");
        }
        Ok(Trust::verified_by(verifier.ok()))
    }

    fn verified_by(verifier: Option<Verifier>) -> Trust {
        let nobody = verifier.is_none();
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions");
        let mut config = match verifier {
            Some(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth(),
            None => builder
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Trust { config, nobody }
    }
}

fn provider() -> Arc<CryptoProvider> {
    // Other libraries in this process look for a default. A second installation fails and
    // changes nothing.
    let _ = ring::default_provider().install_default();
    Arc::new(ring::default_provider())
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
