//! A certificate authority that only those trust who are told to.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

pub struct Authority {
    folder: TempDir,
}

// === impl Authority ===

impl Authority {
    /// An authority with a certificate for a server called `name`.
    pub fn with_server(name: &str) -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        let write = |file: &str, text: String| std::fs::write(folder.path().join(file), text);
        write("ca.pem", issuer.pem()).unwrap();
        write("cert.pem", server.pem()).unwrap();
        write("key.pem", key.serialize_pem()).unwrap();
        Authority { folder }
    }

    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub fn cert(&self) -> PathBuf {
        self.path("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.path("key.pem")
    }

    fn path(&self, file: &str) -> PathBuf {
        Path::new(self.folder.path()).join(file)
    }
}
