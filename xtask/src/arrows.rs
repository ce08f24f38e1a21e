//! Who may depend on whom among our crates.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Each crate with those of ours that it may depend on, in whatever way: for its code, its tests
/// or its build. Arrows point one way, and siblings never meet.
const PICTURE: &[(&str, &[&str])] = &[
    ("crosspoint-core", &[]),
    ("crosspoint-net", &["crosspoint-core"]),
    ("crosspoint-broker", &["crosspoint-core", "crosspoint-net"]),
    (
        "crosspoint-connectors",
        &["crosspoint-core", "crosspoint-net"],
    ),
    (
        "crosspoint-runtimes",
        &["crosspoint-core", "crosspoint-net"],
    ),
    (
        "crosspoint-store",
        &["crosspoint-core", "crosspoint-broker"],
    ),
    (
        "crosspoint-ingress",
        &["crosspoint-core", "crosspoint-broker"],
    ),
    (
        "crosspoint",
        &[
            "crosspoint-core",
            "crosspoint-net",
            "crosspoint-broker",
            "crosspoint-connectors",
            "crosspoint-runtimes",
            "crosspoint-store",
            "crosspoint-ingress",
        ],
    ),
    ("crosspoint-bench", &[]),
    // What a stranger's connector looks like: it sees what a stranger sees.
    ("crosspoint-gopher", &["crosspoint-core", "crosspoint-net"]),
    ("xtask", &[]),
];

/// Compares the dependencies in `cargo metadata` with the picture; all deviations are one error.
pub(crate) fn check(metadata: &Value) -> Result<()> {
    let packages = metadata["packages"]
        .as_array()
        .context("the metadata has no packages")?;
    let ours: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has no name")?;
        let Some((_, allowed)) = PICTURE.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!(
                "{name} is new: say in xtask/src/arrows.rs what it may depend on"
            ));
            continue;
        };
        let dependencies = package["dependencies"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for dependency in dependencies.iter().filter_map(|one| one["name"].as_str()) {
            if ours.contains(&dependency) && !allowed.contains(&dependency) {
                wrong.push(format!("{name} must not depend on {dependency}"));
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        bail!("{}", wrong.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(packages: &[(&str, &[&str])]) -> Value {
        let package = |(name, dependencies): &(&str, &[&str])| {
            let dependencies: Vec<_> = dependencies
                .iter()
                .map(|name| json!({"name": name, "kind": "dev"}))
                .collect();
            json!({"name": name, "dependencies": dependencies})
        };
        json!({"packages": packages.iter().map(package).collect::<Vec<_>>()})
    }

    #[test]
    fn the_picture_itself_is_allowed_and_points_one_way() {
        check(&metadata(PICTURE)).unwrap();
        for (position, (name, allowed)) in PICTURE.iter().enumerate() {
            let earlier: Vec<_> = PICTURE[..position].iter().map(|(name, _)| name).collect();
            assert!(
                allowed.iter().all(|one| earlier.contains(&one)),
                "{name} points backwards"
            );
        }
    }

    #[test]
    fn siblings_that_meet_and_arrows_that_turn_back_are_all_named() {
        let error = check(&metadata(&[
            ("crosspoint-core", &["serde", "crosspoint-net"]),
            ("crosspoint-net", &["crosspoint-core"]),
            ("crosspoint-connectors", &["crosspoint-ingress"]),
            ("crosspoint-ingress", &[]),
        ]));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("crosspoint-core must not depend on crosspoint-net"),
            "{error}"
        );
        assert!(
            error.contains("connectors must not depend on crosspoint-ingress"),
            "{error}"
        );
    }

    #[test]
    fn libraries_from_elsewhere_do_not_matter() {
        check(&metadata(&[("crosspoint-core", &["serde", "tokio"])])).unwrap();
    }

    #[test]
    fn a_crate_outside_the_picture_is_asked_to_join_it() {
        let error = check(&metadata(&[("crosspoint-extra", &[])]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("crosspoint-extra is new"), "{error}");
    }
}
