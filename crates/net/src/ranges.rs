//! Which addresses are what: the ranges behind the presets, and the addresses inside addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::IpNet;

/// A range with the words for it in a refusal.
struct Range {
    net: IpNet,
    what: &'static str,
}

/// Refused by both presets: nothing that a process has business with lives there.
static NEVER: LazyLock<Vec<Range>> = LazyLock::new(|| {
    ranges(&[
        // Metadata addresses stand first, so that a refusal calls them what they are.
        ("169.254.169.254/32", "a cloud metadata address"),
        ("169.254.170.2/32", "a cloud metadata address"),
        ("169.254.170.23/32", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("192.0.0.192/32", "a cloud metadata address"),
        ("fd00:ec2::/32", "a cloud metadata address"),
        ("fd20:ce::254/128", "a cloud metadata address"),
        ("fd00:42::42/128", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("fe80::/10", "a link-local address"),
        ("0.0.0.0/8", "an unspecified address"),
        ("::/128", "an unspecified address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    ])
});

/// Refused by the preset `public` besides.
static NOT_PUBLIC: LazyLock<Vec<Range>> = LazyLock::new(|| {
    ranges(&[
        ("127.0.0.0/8", "a loopback address"),
        ("::1/128", "a loopback address"),
        ("10.0.0.0/8", "a private address"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("fc00::/7", "a private address"),
        ("fec0::/10", "a private address"),
        ("100.64.0.0/10", "a shared address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("2001:2::/48", "a benchmarking address"),
        ("192.0.2.0/24", "a documentation address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("2001:db8::/32", "a documentation address"),
        ("3fff::/20", "a documentation address"),
        ("192.0.0.0/24", "an address for protocol assignments"),
        ("100::/64", "a discard address"),
    ])
});

fn ranges(list: &[(&str, &'static str)]) -> Vec<Range> {
    let range = |&(net, what): &(&str, &'static str)| Range {
        net: net.parse().expect("the lists above are well-formed"),
        what,
    };
    list.iter().map(range).collect()
}

/// What the address is, when no preset lets it through.
pub(crate) fn never(address: IpAddr) -> Option<&'static str> {
    find(&NEVER, address)
}

/// What the address is, when only the preset `public` refuses it.
pub(crate) fn not_public(address: IpAddr) -> Option<&'static str> {
    find(&NOT_PUBLIC, address)
}

fn find(ranges: &[Range], address: IpAddr) -> Option<&'static str> {
    ranges
        .iter()
        .find(|range| range.net.contains(&address))
        .map(|range| range.what)
}

/// The address itself and the IPv4 addresses that a gateway or the kernel would take out of it.
/// A rule that forbids one of them forbids the address. The first is the one connected to: an
/// IPv4-mapped address is plain IPv4.
pub(crate) fn faces(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return vec![address.to_canonical()];
    };
    let mut faces = vec![IpAddr::V6(v6)];
    faces.extend(embedded(v6).into_iter().map(IpAddr::V4));
    faces
}

fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // `::` and `::1` have names of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![],
        // IPv4-compatible, and IPv4-translated.
        [0, 0, 0, 0, 0, 0, a, b] | [0, 0, 0, 0, 0xffff, 0, a, b] => vec![v4(a, b)],
        // NAT64: the well-known prefix and the one for local use.
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x64, 0xff9b, 1, _, _, _, a, b] => vec![v4(a, b)],
        // 6to4.
        [0x2002, a, b, ..] => vec![v4(a, b)],
        // Teredo: the server, and the client in disguise.
        [0x2001, 0, a, b, _, _, c, d] => vec![v4(a, b), v4(!c, !d)],
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, a, b] => vec![v4(a, b)],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_is_found_in_every_wrapping() {
        for (text, inner) in [
            ("::a9fe:a9fe", "169.254.169.254"),
            ("::ffff:0:169.254.169.254", "169.254.169.254"),
            ("64:ff9b::169.254.169.254", "169.254.169.254"),
            ("64:ff9b:1::10.0.0.1", "10.0.0.1"),
            ("2002:a9fe:a9fe::1", "169.254.169.254"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
            ("2a00::5efe:127.0.0.1", "127.0.0.1"),
        ] {
            let found = faces(text.parse().unwrap());
            assert!(found.contains(&inner.parse().unwrap()), "{text}: {found:?}");
        }
        let mapped = faces("::ffff:127.0.0.1".parse().unwrap());
        assert_eq!(mapped, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(faces("::1".parse().unwrap()).len(), 1);
    }

    #[test]
    fn the_lists_parse_and_name_what_they_refuse() {
        let never = |text: &str| never(text.parse().unwrap());
        assert_eq!(never("169.254.169.254"), Some("a cloud metadata address"));
        assert_eq!(never("169.254.1.1"), Some("a link-local address"));
        assert_eq!(never("10.0.0.1"), None);
        assert_eq!(
            not_public("10.0.0.1".parse().unwrap()),
            Some("a private address")
        );
        assert_eq!(not_public("9.9.9.9".parse().unwrap()), None);
    }
}
