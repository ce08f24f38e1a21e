//! The Python that tests run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// The interpreter itself: what is found by its name may be a script that chooses one.
pub fn python() -> PathBuf {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
        let arguments = ["-c", "import sys; print(sys.executable, end='')"];
        let output = Command::new("python3").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().into()
    });
    PYTHON.clone()
}
