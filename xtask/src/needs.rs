//! What the tests need from the system, and getting it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::cargo::visibly;
use crate::{node, python};

/// One thing that must be there.
struct Need {
    what: &'static str,
    why: &'static str,
    /// The Debian and Ubuntu package that has it.
    package: &'static str,
    present: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler and its headers",
        why: "rustls' cryptography (ring) is partly C",
        package: "build-essential",
        present: c_compiler,
    },
    Need {
        what: "certificate authorities",
        why: "the HTTP client trusts those of the system",
        package: "ca-certificates",
        present: certificates,
    },
    Need {
        what: "Python 3.9 or newer with venv and pip",
        why: "examples/spiffworkflow and the mail server of the tests",
        package: "python3-venv",
        present: || python::find().is_some(),
    },
    Need {
        what: "git",
        why: "Python connectors may come from a git address",
        package: "git",
        present: || quietly("git", &["--version"]),
    },
    Need {
        what: "the PostgreSQL server",
        why: "the tests of postgres_v2 and of the ledger's store start their own",
        package: "postgresql",
        present: postgres,
    },
    Need {
        what: "the RabbitMQ server",
        why: "the tests of Activiti's service tasks start their own",
        package: "rabbitmq-server",
        present: rabbitmq,
    },
    Need {
        what: "libfaketime",
        why: "a test of the ledger lets the clock of the proxy jump",
        package: "libfaketime",
        present: faketime,
    },
    Need {
        what: "Node.js 18 or newer with npm",
        why: "the tests mount MCP servers that others wrote, and build the example in TypeScript",
        package: "npm",
        present: node::is_there,
    },
    Need {
        what: "a JDK of Java 17 or newer",
        why: "examples/mcp/java",
        package: "default-jdk-headless",
        present: || quietly("javac", &["--version"]) && quietly("java", &["--version"]),
    },
    Need {
        what: "Apache Commons Validator",
        why: "examples/mcp/java",
        package: "libcommons-validator-java",
        present: || Path::new("/usr/share/java/commons-validator.jar").exists(),
    },
    Need {
        what: "Gson",
        why: "examples/mcp/java",
        package: "libgoogle-gson-java",
        present: || Path::new("/usr/share/java/gson.jar").exists(),
    },
    Need {
        what: "jansson",
        why: "examples/mcp/c",
        package: "libjansson-dev",
        present: || has_header("jansson.h"),
    },
    Need {
        what: "zlib",
        why: "examples/mcp/c",
        package: "zlib1g-dev",
        present: || has_header("zlib.h"),
    },
    Need {
        what: "unshare and mount",
        why: "a test of the ledger fills a small disk that only it sees",
        package: "mount",
        present: || quietly("unshare", &["--version"]) && quietly("mount", &["--version"]),
    },
];

/// How packages can be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Root,
    Sudo,
    None,
}

/// Installs what is missing, where that is allowed without asking. Otherwise returns the command
/// that a person has to run first.
pub(crate) fn provide() -> Result<Option<String>> {
    let missing = missing();
    if missing.is_empty() {
        for need in NEEDS {
            eprintln!("  found {}", need.what);
        }
        return Ok(None);
    }
    for need in &missing {
        eprintln!(
            "  missing: {} ({}), package {}",
            need.what, need.why, need.package
        );
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    let right = right();
    if right == Right::None {
        return Ok(Some(command_for_people(&packages)));
    }
    for arguments in [vec!["update", "--quiet"], install(&packages)] {
        let mut command = apt_get(right, &arguments);
        eprintln!("  running apt-get {}", arguments.join(" "));
        visibly(command.stdin(Stdio::null())).context("installing packages")?;
    }
    let still: Vec<_> = self::missing().iter().map(|need| need.what).collect();
    ensure!(
        still.is_empty(),
        "installed, and still not found: {}",
        still.join(", ")
    );
    Ok(None)
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.present)()).collect()
}

fn install<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    arguments
}

fn command_for_people(packages: &[&str]) -> String {
    let packages = packages.join(" ");
    format!("sudo apt-get update && sudo apt-get install --yes --no-install-recommends {packages}")
}

fn apt_get(right: Right, arguments: &[&str]) -> Command {
    let mut command = match right {
        Right::Sudo => {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "env"]);
            sudo
        }
        _ => Command::new("env"),
    };
    command
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
        .args(arguments);
    command
}

fn right() -> Right {
    if !quietly("apt-get", &["--version"]) {
        Right::None
    } else if output("id", &["-u"]).as_deref() == Some("0") {
        Right::Root
    } else if quietly("sudo", &["-n", "true"]) {
        Right::Sudo
    } else {
        Right::None
    }
}

/// The linker alone is not enough: compiling needs the headers of the C library.
fn c_compiler() -> bool {
    has_header("stdlib.h")
}

fn has_header(name: &str) -> bool {
    let script = format!("echo '#include <{name}>' | cc -x c -fsyntax-only -");
    quietly("sh", &["-c", &script])
}

/// Debian keeps the server's programs out of PATH, in a folder for each version.
fn postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders = versions.flatten().map(|version| version.path().join("bin"));
    folders.any(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

/// Debian's program in PATH only lets root and its own user in; this is the one behind it.
fn rabbitmq() -> bool {
    Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()
        && quietly("sh", &["-c", "command -v epmd"])
}

/// Debian keeps the library in a folder for each architecture.
fn faketime() -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let mut files = folders.flatten().map(|folder| folder.path());
    files.any(|folder| folder.join("faketime/libfaketimeMT.so.1").exists())
}

fn certificates() -> bool {
    const BUNDLES: &[&str] = &[
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
        "/etc/ssl/ca-bundle.pem",
    ];
    !cfg!(target_os = "linux")
        || std::env::var_os("SSL_CERT_FILE").is_some()
        || BUNDLES.iter().any(|bundle| Path::new(bundle).exists())
}

/// Whether the program exists and ends well. It neither reads nor prints anything.
pub(crate) fn quietly(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        let program = std::iter::once(command.get_program());
        program
            .chain(command.get_args())
            .map(|w| w.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn root_needs_no_sudo_and_sudo_never_asks() {
        let line = words(&apt_get(Right::Root, &["update"])).join(" ");
        assert_eq!(line, "env DEBIAN_FRONTEND=noninteractive apt-get update");
        let line = words(&apt_get(Right::Sudo, &install(&["p"]))).join(" ");
        assert!(
            line.starts_with("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"),
            "{line}"
        );
        assert!(line.ends_with("--yes --no-install-recommends p"), "{line}");
    }

    #[test]
    fn people_get_one_command_with_all_that_is_missing() {
        let command = command_for_people(&["a", "b"]);
        assert!(command.starts_with("sudo apt-get update && ") && command.ends_with(" a b"));
    }

    #[test]
    fn a_program_that_is_not_there_or_fails_counts_as_missing() {
        assert!(quietly("sh", &["-c", "true"]));
        assert!(!quietly("sh", &["-c", "false"]));
        assert!(!quietly("a-program-that-nobody-has", &[]));
    }
}
