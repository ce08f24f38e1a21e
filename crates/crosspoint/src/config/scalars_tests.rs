//! What each kind of text takes and refuses.

use super::*;

fn why<T: FromStr<Err = Wrong> + fmt::Debug>(text: &str) -> String {
    text.parse::<T>().expect_err(text).to_string()
}

fn shown<T: FromStr<Err = Wrong> + fmt::Display>(text: &str) -> String {
    text.parse::<T>()
        .unwrap_or_else(|wrong| panic!("{wrong}"))
        .to_string()
}

#[test]
fn an_address_is_an_ip_address_or_localhost_with_a_port() {
    for (text, address) in [
        ("127.0.0.1:7004", "127.0.0.1:7004"),
        ("localhost:0", "127.0.0.1:0"),
        ("[::1]:80", "[::1]:80"),
        ("0.0.0.0:1", "0.0.0.0:1"),
    ] {
        assert_eq!(shown::<Listen>(text), address);
    }
    assert_eq!(
        why::<Listen>(":7004"),
        "`:7004` does not say on which network to listen; write `127.0.0.1:7004` for this machine \
         alone, `0.0.0.0:7004` for every network"
    );
    for text in ["7004", "example.org:80", "127.0.0.1", "127.0.0.1:70040", ""] {
        assert!(
            why::<Listen>(text).contains("such as `127.0.0.1:7004`"),
            "{text}"
        );
    }
}

#[test]
fn loopback_is_seen_in_every_spelling() {
    for text in ["127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert!(text.parse::<Listen>().unwrap().is_loopback(), "{text}");
    }
    for text in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1"] {
        assert!(!text.parse::<Listen>().unwrap().is_loopback(), "{text}");
    }
}

#[test]
fn a_misspelled_log_level_is_not_taken_for_a_module() {
    for text in [
        "info",
        "WARN",
        "off",
        "warn,crosspoint=debug",
        "crosspoint_net",
        "hyper,info",
    ] {
        assert_eq!(shown::<LogFilter>(text), text);
    }
    assert_eq!(
        why::<LogFilter>("warn,debgu"),
        "`debgu` is not a level; did you mean `debug`? A module is written `name=level`"
    );
    for text in ["", "a=b=c", "crosspoint=loud"] {
        assert!(
            why::<LogFilter>(text).contains("is not a log filter"),
            "{text}"
        );
    }
}

#[test]
fn a_host_is_bare() {
    for (text, normal) in [
        ("Proxy.Example", "proxy.example"),
        ("a:8080", "a:8080"),
        ("[::1]:80", "[::1]:80"),
    ] {
        assert_eq!(shown::<HostName>(text), normal);
    }
    for text in ["", "http://a", "a/b", "a b", "*.example", "u@a", " a"] {
        assert!(
            why::<HostName>(text).contains("such as `proxy.example`"),
            "{text}"
        );
    }
}

#[test]
fn a_web_origin_has_no_path() {
    for (text, normal) in [
        ("https://A.example/", "https://a.example"),
        ("http://a:8080", "http://a:8080"),
        ("*", "*"),
    ] {
        assert_eq!(shown::<WebOrigin>(text), normal);
    }
    // The default port is one that browsers leave out, so that `http://a:80` would never match.
    for text in [
        "",
        "a.example",
        "https://a/b",
        "ftp://a",
        "https://u@a",
        "http://a:80",
    ] {
        assert!(
            why::<WebOrigin>(text).contains("such as `https://console.example`"),
            "{text}"
        );
    }
}

#[test]
fn a_path_is_not_empty_and_stays_on_one_line() {
    let path = "../a folder".parse::<FilePath>().unwrap();
    assert_eq!(path.to_string(), "../a folder");
    assert_eq!(" ".parse::<FilePath>().unwrap_err().why, "it is empty");
    assert!("a\nb".parse::<FilePath>().is_err());
}

#[test]
fn an_engine_is_named_by_its_origin() {
    for (text, normal) in [
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://Spiff.example/", "https://spiff.example"),
        ("https://spiff.example:443", "https://spiff.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ] {
        assert_eq!(shown::<EngineUrl>(text), normal);
    }
    for (text, surplus) in [
        ("https://h.example/api", "a path"),
        ("https://h.example?a=b", "a query"),
        ("https://h.example/#a", "a fragment"),
        ("https://u@h.example", "a user"),
        ("https://u:canary@h.example/api", "a user"),
    ] {
        assert_eq!(
            why::<EngineUrl>(text),
            format!("{surplus} does not belong there; write only the origin: `https://h.example`")
        );
    }
    for text in ["", "localhost:8000", "h.example", "ftp://h", "http://"] {
        let why = why::<EngineUrl>(text);
        let expected = "` is not the address of an engine; expected an origin such as `http://";
        assert!(why.contains(expected), "{why}");
    }
    assert!(!why::<EngineUrl>("u:canary@h").contains("canary"));
}

#[test]
fn only_what_leaves_the_machine_without_tls_is_in_clear() {
    let in_clear = |text: &str| text.parse::<EngineUrl>().unwrap().is_in_clear();
    for text in [
        "http://h.example",
        "http://10.0.0.1:8000",
        "http://localhost.example",
    ] {
        assert!(in_clear(text), "{text}");
    }
    for text in [
        "https://h.example",
        "http://localhost",
        "http://a.localhost:1",
        "http://127.8.8.8",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
    ] {
        assert!(!in_clear(text), "{text}");
    }
}
