//! Where a browser may be sent with the tokens that a provider gave: nowhere but to the engine.

use crosspoint_core::is_loopback_host;
use url::Url;

/// The longest address that is taken.
const LONGEST: usize = 8 * 1024;

/// Where browsers may be sent with tokens.
#[derive(Debug, Clone, Default)]
pub struct Redirects {
    /// Hosts, each with `:port` when it means one port only. With none, loopback names and addresses
    /// alone.
    pub hosts: Vec<String>,
}

// === impl Redirects ===

impl Redirects {
    /// The address as it is sent to the browser, if that may be. Fails with a clause that says why
    /// not; it shows no more of the address than its host.
    ///
    /// What browsers and this parser could read differently is refused rather than understood.
    pub(super) fn judge(&self, text: &str) -> Result<Url, String> {
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
        if text.len() > LONGEST {
            return Err("is too long".to_owned());
        }
        if text.contains(odd) {
            return Err("has characters that do not belong into an address".to_owned());
        }
        let lower = text.to_ascii_lowercase();
        let scheme = ["http://", "https://"]
            .into_iter()
            .find(|s| lower.starts_with(s));
        let Some(scheme) = scheme else {
            return Err("has to begin with http:// or https://".to_owned());
        };
        if text[scheme.len()..].starts_with('/') {
            return Err("has no host".to_owned());
        }
        let url = Url::parse(text).map_err(|_| "is no address".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() || has_user(&text[scheme.len()..])
        {
            return Err("has a user before its host".to_owned());
        }
        let host = url.host_str().unwrap_or_default();
        match self.allows(host, url.port_or_known_default()) {
            true => Ok(url),
            false => Err(format!(
                "leads to {host}, which is not among spiff.redirect_hosts (nor the host of \
                 spiff.engine_url)"
            )),
        }
    }

    fn allows(&self, host: &str, port: Option<u16>) -> bool {
        if self.hosts.is_empty() {
            return is_loopback_host(host.trim_start_matches('[').trim_end_matches(']'));
        }
        self.hosts.iter().any(|entry| {
            let Ok(entry) = Url::parse(&format!("http://{entry}/")) else {
                return false;
            };
            let same = entry
                .host_str()
                .is_some_and(|e| e.eq_ignore_ascii_case(host));
            same && entry.port().is_none_or(|entry| Some(entry) == port)
        })
    }
}

/// Whether there is an `@` before the path: also `http://@host`, which a parser passes over.
fn has_user(rest: &str) -> bool {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest[..end].contains('@')
}

/// The address with a parameter added to its query.
pub(super) fn with_parameter(url: &Url, name: &str, value: &str) -> String {
    let mut url = url.clone();
    let fragment = url.fragment().map(str::to_owned);
    url.set_fragment(None);
    let mut text = String::from(url);
    text.push(if text.contains('?') { '&' } else { '?' });
    text.push_str(name);
    text.push('=');
    text.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    if let Some(fragment) = fragment {
        text.push('#');
        text.push_str(&fragment);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(hosts: &[&str], text: &str) -> Result<String, String> {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Redirects { hosts }.judge(text).map(String::from)
    }

    #[test]
    fn without_hosts_only_this_machine_is_fine() {
        for text in [
            "http://localhost:8000/v1.0/x?token=a",
            "http://127.0.0.1/",
            "https://[::1]:8000/x",
            "HTTP://LOCALHOST/x",
        ] {
            assert!(judge(&[], text).is_ok(), "{text}");
        }
        for text in [
            "http://evil.example/",
            "http://localhost.evil.example/",
            "http://10.0.0.1/",
        ] {
            assert!(judge(&[], text).is_err(), "{text}");
        }
    }

    #[test]
    fn listed_hosts_alone_are_fine_with_their_port_where_one_is_listed() {
        let hosts = ["arena.example", "other.example:8000", "bücher.example"];
        for text in [
            "https://arena.example/x",
            "http://arena.example:8001/",
            "https://ARENA.Example/",
            "http://other.example:8000/",
            "https://bücher.example/",
            "https://xn--bcher-kva.example/",
        ] {
            assert!(judge(&hosts, text).is_ok(), "{text}");
        }
        for text in [
            "http://localhost/",
            "https://sub.arena.example/",
            "https://arena.example.evil.example/",
            "http://other.example/",
            "https://other.example:8001/",
            "https://bucher.example/",
            // A Cyrillic a.
            "https://аrena.example/",
        ] {
            assert!(judge(&hosts, text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "/relative",
            "//arena.example/",
            "///arena.example/",
            "https:arena.example",
            "https:/arena.example/",
            "https:///arena.example/",
            "javascript:alert(1)//arena.example",
            "data:text/html,x",
            "ftp://arena.example/",
            "https://arena.example@evil.example/",
            "https://user:pass@arena.example/",
            "https://@arena.example/",
            "https://evil.example\\@arena.example/",
            "https://evil.example\\.arena.example/",
            "https:\\\\arena.example/",
            "https://arena.example\t/",
            "https://arena.example/\r\nset-cookie: a=b",
            " https://arena.example/",
            "https://arena.example%2eevil.example/",
            "https://evil.example#@arena.example/",
            "https://evil.example?@arena.example/",
        ] {
            assert!(judge(&["arena.example"], text).is_err(), "{text:?}");
        }
        let why = judge(&["arena.example"], "https://evil.example/?token=canary").unwrap_err();
        assert!(
            why.contains("evil.example") && !why.contains("canary"),
            "{why}"
        );
    }

    #[test]
    fn a_parameter_is_added_with_the_right_sign_and_before_a_fragment() {
        let add = |text: &str| with_parameter(&text.parse().unwrap(), "response", r#"{"a": "&"}"#);
        let added = "response=%7B%22a%22%3A+%22%26%22%7D";
        assert_eq!(add("http://h/x"), format!("http://h/x?{added}"));
        assert_eq!(add("http://h/x?a=b"), format!("http://h/x?a=b&{added}"));
        assert_eq!(add("http://h/x?a=b#f"), format!("http://h/x?a=b&{added}#f"));
    }
}
