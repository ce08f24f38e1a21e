//! For the tests of environments: wheels from text, projects, and a real uv.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::{Progress, Tools};

/// Writes a shell script that can be run. Another process writes it: as long as this one has it
/// open for writing, also in a child that was forked meanwhile, it could not be started.
pub(super) fn program(directory: &Path, name: &str, script: &str) {
    let path = directory.join(name);
    let mut shell = Command::new("/bin/sh");
    shell.args([
        "-c",
        "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 755 \"$0\"",
    ]);
    let status = shell.arg(&path).arg(script).status().expect("a shell");
    assert!(status.success());
}

/// Writes files below a directory.
pub(super) fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
}

/// Makes a wheel by hand: no index and no build tool is needed for it.
pub(super) fn wheel(
    directory: &Path,
    name: &str,
    version: &str,
    requires: &[&str],
    files: &[(&str, &str)],
) -> PathBuf {
    let path = directory.join(format!("{name}-{version}-py3-none-any.whl"));
    let info = format!("{name}-{version}.dist-info");
    let mut metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    for requirement in requires {
        metadata.push_str(&format!("Requires-Dist: {requirement}\n"));
    }
    let tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut all: Vec<(String, String)> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    all.push((format!("{info}/METADATA"), metadata));
    all.push((format!("{info}/WHEEL"), tag.to_owned()));
    let record: String = all.iter().map(|(name, _)| format!("{name},,\n")).collect();
    all.push((
        format!("{info}/RECORD"),
        format!("{record}{info}/RECORD,,\n"),
    ));
    let zip = "import json, sys, zipfile\n\
               with zipfile.ZipFile(sys.argv[1], 'w') as archive:\n\
               \x20   for name, text in json.loads(sys.argv[2]):\n\
               \x20       archive.writestr(name, text)\n";
    let listed = serde_json::to_string(&all).expect("JSON");
    python(&["-c", zip, &path.to_string_lossy(), &listed]);
    path
}

/// Runs the machine's Python and gives its output.
pub(super) fn python(arguments: &[&str]) -> String {
    run(Command::new("python3").args(arguments))
}

/// Runs a program that has to succeed and gives its output.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// This machine's tools without uv. No index is asked; requirements are found in `wheels`.
pub(super) fn pip(wheels: &Path) -> Tools {
    let mut variables: Vec<_> = std::env::vars_os().collect();
    variables.retain(|(name, _)| {
        let name = name.to_string_lossy();
        !name.starts_with("PIP_") && !name.starts_with("UV_")
    });
    variables.push(("PIP_NO_INDEX".into(), "1".into()));
    variables.push(("PIP_FIND_LINKS".into(), wheels.into()));
    // The user's files of pip name links and indexes too.
    variables.push(("PIP_CONFIG_FILE".into(), "/dev/null".into()));
    Tools::with_variables(variables)
}

/// The same with uv.
pub(super) fn uv(wheels: &Path) -> Tools {
    let path = Tools::of_this_process(None).uv().map(Path::to_owned);
    pip(wheels).with_uv(Some(path.unwrap_or_else(installed_uv)))
}

/// uv from the index that pip uses, kept beside what cargo builds.
fn installed_uv() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let target = test
        .ancestors()
        .nth(2)
        .expect("target/debug/deps")
        .to_owned();
    let home = target.join("test-uv");
    let program = home.join("bin/uv");
    fs::create_dir_all(&target).expect("a directory");
    let lock = fs::File::create(target.join("test-uv.lock")).expect("a file");
    lock.lock().expect("a lock");
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        run(Command::new(home.join("bin/python")).args(["-m", "pip", "install", "-q", "uv"]));
    }
    program
}

/// Remembers what it is told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) steps: Mutex<Vec<String>>,
    pub(super) lines: Mutex<Vec<String>>,
}

impl Heard {
    /// Whether a step contains the text.
    pub(super) fn step(&self, text: &str) -> bool {
        self.steps
            .lock()
            .expect("no panic")
            .iter()
            .any(|step| step.contains(text))
    }
}

impl Progress for Heard {
    fn step(&self, text: &str) {
        self.steps.lock().expect("no panic").push(text.to_owned());
    }

    fn output(&self, line: &str) {
        self.lines.lock().expect("no panic").push(line.to_owned());
    }
}
