use super::*;

fn entries(list: &[&str]) -> Vec<Entry> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

fn rules(preset: Preset, allow: &[&str], deny: &[&str]) -> Rules {
    Rules {
        preset,
        allow: entries(allow),
        deny: entries(deny),
    }
}

fn ok(rules: &Rules, name: Option<&str>, address: &str, port: u16) -> bool {
    rules.judge(name, address.parse().unwrap(), port).is_ok()
}

#[test]
fn entries_print_as_they_are_written() {
    for text in [
        "*",
        "*:443",
        "api.example.com",
        "api.example.com:8443",
        "*.example.com",
        "*.example.com:80",
        "10.0.0.1",
        "10.0.0.1:80",
        "10.0.0.0/8",
        "10.0.0.0/8:443",
        "::1",
        "fd00::/8",
        "[fd00::/8]:443",
        "[::1]:80",
    ] {
        assert_eq!(text.parse::<Entry>().unwrap().to_string(), text);
    }
    assert_eq!(
        "API.Example.com.".parse::<Entry>().unwrap().to_string(),
        "api.example.com"
    );
    assert_eq!("0x7f.1".parse::<Entry>().unwrap().to_string(), "127.0.0.1");
    assert_eq!(
        "::ffff:10.0.0.1".parse::<Entry>().unwrap().to_string(),
        "10.0.0.1"
    );
    assert_eq!(
        "10.1.2.3/8".parse::<Entry>().unwrap().to_string(),
        "10.0.0.0/8"
    );
}

#[test]
fn what_is_not_an_entry_is_refused_by_name() {
    for text in [
        "",
        "https://example.com",
        "example.com/path",
        "user@example.com",
        "example.com:0",
        "example.com:http",
        "ex*mple.com",
        "10.0.0.0/33",
        "*.10.0.0.1",
        "[::1]80",
        "[example.com]",
    ] {
        let error = text.parse::<Entry>().unwrap_err();
        assert!(error.to_string().contains(&format!("'{text}'")), "{error}");
    }
}

#[test]
fn presets_parse_and_print() {
    for preset in [Preset::Internal, Preset::Public] {
        assert_eq!(preset.to_string().parse(), Ok(preset));
    }
    assert!(
        "open"
            .parse::<Preset>()
            .unwrap_err()
            .to_string()
            .contains("internal or public")
    );
}

#[test]
fn the_internal_preset_refuses_what_is_never_meant() {
    let rules = Rules::default();
    for address in [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "240.0.0.1",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
    ] {
        assert!(!ok(&rules, None, address, 80), "{address}");
    }
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "fd12::1",
        "93.184.216.34",
        "2606:2800::1",
    ] {
        assert!(ok(&rules, None, address, 80), "{address}");
    }
}

#[test]
fn the_public_preset_refuses_what_is_not_the_internet() {
    let rules = rules(Preset::Public, &[], &[]);
    for address in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "172.31.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "fc00::1",
        "198.18.0.1",
        "192.0.2.1",
        "2001:db8::1",
        "169.254.169.254",
        "64:ff9b::10.0.0.1",
    ] {
        assert!(!ok(&rules, None, address, 80), "{address}");
    }
    for address in [
        "93.184.216.34",
        "2606:2800::1",
        "172.32.0.1",
        "64:ff9b::93.184.216.34",
    ] {
        assert!(ok(&rules, None, address, 80), "{address}");
    }
}

#[test]
fn allow_with_deny_star_is_an_allow_list() {
    let rules = rules(
        Preset::Internal,
        &["api.example.com", "*.corp.example:443"],
        &["*"],
    );
    assert!(ok(&rules, Some("api.example.com"), "10.0.0.1", 80));
    assert!(ok(&rules, Some("API.example.com."), "10.0.0.1", 80));
    assert!(ok(&rules, Some("a.b.corp.example"), "10.0.0.1", 443));
    assert!(!ok(&rules, Some("a.b.corp.example"), "10.0.0.1", 80));
    assert!(!ok(&rules, Some("corp.example"), "10.0.0.1", 443));
    assert!(!ok(&rules, Some("evilcorp.example"), "10.0.0.1", 443));
    assert!(!ok(&rules, Some("other.example"), "10.0.0.1", 443));
    assert!(!ok(&rules, None, "10.0.0.1", 443));
}

#[test]
fn a_name_lifts_the_public_preset_but_never_the_internal_one() {
    let rules = rules(Preset::Public, &["db.corp", "*"], &[]);
    assert!(ok(&rules, Some("db.corp"), "10.0.0.1", 80));
    assert!(!ok(&rules, Some("db.corp"), "169.254.169.254", 80));
    assert!(!ok(&rules, Some("db.corp"), "64:ff9b::169.254.169.254", 80));
}

#[test]
fn an_address_lifts_everything_it_covers() {
    let rules = rules(
        Preset::Public,
        &["169.254.169.254:80", "64:ff9b::/96"],
        &["*"],
    );
    assert!(ok(&rules, None, "169.254.169.254", 80));
    assert!(ok(&rules, None, "::ffff:169.254.169.254", 80));
    assert!(!ok(&rules, None, "169.254.169.254", 8080));
    assert!(ok(&rules, None, "64:ff9b::10.0.0.1", 1));
}

#[test]
fn a_denied_network_is_found_behind_gateways() {
    let rules = rules(Preset::Internal, &[], &["10.0.0.0/8"]);
    for address in [
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "64:ff9b::10.1.2.3",
        "2002:a01:203::",
    ] {
        assert!(!ok(&rules, Some("x.example"), address, 80), "{address}");
    }
    assert!(ok(&rules, Some("x.example"), "11.1.2.3", 80));
}

#[test]
fn a_name_that_only_the_proxy_knows_is_judged_by_its_name() {
    let unresolved = |rules: &Rules| rules.judge_unresolved("x.example", 443).is_ok();
    assert!(unresolved(&Rules::default()));
    assert!(!unresolved(&rules(Preset::Public, &[], &[])));
    assert!(unresolved(&rules(Preset::Public, &["*.example"], &["*"])));
    assert!(!unresolved(&rules(Preset::Internal, &[], &["*"])));
    assert!(!unresolved(&rules(Preset::Internal, &[], &["10.0.0.0/8"])));
    assert!(unresolved(&rules(
        Preset::Internal,
        &[],
        &["y.example", "10.0.0.0/8:80"]
    )));
}
