//! What the tests of adapters have in common.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Answer, Proxy, Setup};
use crate::python::support::{serve_setup, zoo};

/// A table of the configuration that mounts the adapter at a path.
pub fn adapter(name: &str, path: impl AsRef<Path>) -> String {
    format!("[connectors.{name}]\nautomate = {:?}\n", path.as_ref())
}

/// The adapter that does what it is told, with a folder in which tests tell it how to connect.
pub fn odd(setup: &Setup) -> String {
    let env = format!("env = {{ CONTROL = {:?} }}\n", setup.path());
    adapter("odd", zoo("adapters/odd.py")) + &env
}

/// A proxy with that adapter, and more in its table and after it.
pub async fn serve_odd(more: &str) -> Proxy {
    let setup = Setup::new();
    let table = odd(&setup);
    serve_setup(setup.config(&(table + more))).await
}

/// Has the odd adapter run code.
pub async fn run(proxy: &Proxy, code: &str) -> Answer {
    proxy.call("odd/run", json!({"code": code})).await
}

/// What the odd adapter sees.
pub async fn seen(proxy: &Proxy, profile: Option<&str>) -> Value {
    let mut call = json!({"command": "odd/seen", "arguments": {"a": 1}});
    if let Some(profile) = profile {
        call["profile"] = profile.into();
    }
    proxy.asks(&call).send().await.brought()
}

/// Tells the odd adapter something, or takes it back.
pub fn tell(proxy: &Proxy, name: &str, text: &str) {
    fs::write(proxy.path().join(name), text).unwrap();
}

/// The blocks of the guide, as they are.
pub fn block(name: &str) -> String {
    let folder = "../../python/automate-connectors/tests/from_the_guide";
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(name);
    fs::read_to_string(path).unwrap()
}
