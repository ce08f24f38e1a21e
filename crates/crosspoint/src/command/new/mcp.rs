//! `crosspoint new mcp`: the beginning of an MCP server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::{File, check_name, shown, write_all};
use crate::cli::{Language, NewMcpArgs};
use crate::config::in_toml;

/// What there is for each language.
struct Template {
    /// Beside the page that all have.
    files: &'static [File],
    /// Where the tools are.
    main: &'static str,
    /// What is to be done once.
    build: &'static str,
    /// What starts it, from where the project's folder is.
    run: fn(&str, &str) -> Vec<String>,
}

const README: &str = include_str!("mcp/README.md");

const PYTHON: Template = Template {
    files: &[
        ("server.py", include_str!("mcp/python/server.py")),
        (
            "requirements.txt",
            include_str!("mcp/python/requirements.txt"),
        ),
    ],
    main: "server.py",
    build: "(cd {{path}} && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt)",
    run: |path, _| {
        vec![
            format!("{path}/.venv/bin/python"),
            format!("{path}/server.py"),
        ]
    },
};

const TYPESCRIPT: Template = Template {
    files: &[
        ("server.ts", include_str!("mcp/typescript/server.ts")),
        ("package.json", include_str!("mcp/typescript/package.json")),
        (
            "tsconfig.json",
            include_str!("mcp/typescript/tsconfig.json"),
        ),
    ],
    main: "server.ts",
    build: "(cd {{path}} && npm install && npm run build)",
    run: |path, _| vec!["node".to_owned(), format!("{path}/dist/server.js")],
};

const RUST: Template = Template {
    files: &[
        ("Cargo.toml", include_str!("mcp/rust/Cargo.toml.txt")),
        ("src/main.rs", include_str!("mcp/rust/src/main.rs")),
    ],
    main: "src/main.rs",
    build: "(cd {{path}} && cargo build --release)",
    run: |path, name| vec![format!("{path}/target/release/{name}")],
};

/// Writes an MCP server that runs.
pub fn mcp(args: NewMcpArgs) -> Result<ExitCode> {
    let name = &args.name;
    check_name(name)?;
    let template = match args.lang {
        Language::Python => PYTHON,
        Language::Typescript => TYPESCRIPT,
        Language::Rust => RUST,
    };
    let folder = args.path.unwrap_or_else(|| PathBuf::from(name));
    let path = shown(&folder);
    let run = (template.run)(&path, name);
    let command = in_toml(&run.clone().into());
    let build = template.build.replace("{{path}}", &path);
    let fill = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{path}}", &path)
            .replace("{{main}}", template.main)
            .replace("{{build}}", &build)
            .replace("{{run}}", &run.join(" "))
            .replace("{{command}}", &command)
    };
    let readme = ("README.md", README);
    write_all(&folder, template.files.iter().chain([&readme]), fill)?;
    println!("Wrote {path}. Next:\n");
    println!("  {build}");
    println!("  crosspoint check -- {}\n", run.join(" "));
    println!("and, to serve it, two lines in crosspoint.toml:\n");
    println!("  [connectors.{name}]\n  mcp = {command}\n");
    println!("then: crosspoint call {name}/Greet name=Ada");
    Ok(ExitCode::SUCCESS)
}
