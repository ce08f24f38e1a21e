//! Hosts by their names.

use std::net::IpAddr;

/// Whether a host means this machine: a loopback address, in brackets or not, or a name that
/// resolves to one by definition (RFC 6761, section 6.3).
pub fn is_loopback_host(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address: Option<IpAddr> = bare.unwrap_or(&host).parse().ok();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_machine_are_known() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "app.localhost",
            "127.9.9.9",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "10.0.0.1",
            "localhost.evil",
            "127.0.0.1.nip.io",
            "[::2]",
            "[localhost]",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
