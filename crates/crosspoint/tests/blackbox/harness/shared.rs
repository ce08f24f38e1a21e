//! One proxy for all tests that neither configure it nor look at its log.

use std::process::{Child, Command, Stdio};

use tokio::sync::OnceCell;

use super::{Proxy, Setup};

/// A proxy with nothing configured.
pub async fn shared() -> &'static Proxy {
    static SHARED: OnceCell<(Proxy, Child)> = OnceCell::const_new();
    let start = || async {
        let proxy = Setup::new().serve().await;
        let watch = outlive_nobody(&proxy);
        (proxy, watch)
    };
    &SHARED.get_or_init(start).await.0
}

/// Nothing drops what is static: this ends the proxy when the tests have ended, however they did.
/// The pipe to the shell closes with the process that holds its other end.
pub fn outlive_nobody(proxy: &Proxy) -> Child {
    let script = format!("read never; kill -KILL {}", proxy.id());
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
