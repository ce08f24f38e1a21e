//! The RabbitMQ that all tests share who do not end it. It listens with TLS as well: by a certificate
//! for `localhost` alone, from an authority that nobody knows.

use std::sync::LazyLock;

use tokio::sync::OnceCell;

pub use super::server::Rabbit;
use crate::harness::Authority;

static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

pub async fn shared() -> &'static Rabbit {
    static SHARED: OnceCell<Rabbit> = OnceCell::const_new();
    let start = || async {
        let (certificate, key) = authority().certify("localhost");
        Rabbit::start_secure(certificate.pem(), key.serialize_pem()).await
    };
    SHARED.get_or_init(start).await
}

/// Who has certified it.
pub fn authority() -> &'static Authority {
    &AUTHORITY
}
