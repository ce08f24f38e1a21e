//! The commands as one page of plain HTML.

use crosspoint_broker::{Catalogue, Entry};
use crosspoint_core::Parameter;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sample;

const STYLE: &str = include_str!("page.css");

/// Writes the page.
pub(super) fn write(catalogue: &Catalogue, keyed: bool) -> String {
    let entries = catalogue.entries();
    let connectors = entries.chunk_by(|a, b| a.id.connector == b.id.connector);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Crosspoint: commands" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Crosspoint" }
                    p {
                        (entries.len()) " commands. The same for programs: "
                        a href="/openapi.json" { "/openapi.json" } " (OpenAPI 3.1), "
                        a href="/v1/commands" { "/v1/commands" } " (SpiffArena), "
                        a href="/api/v1/commands" { "/api/v1/commands" } " (any program)."
                    }
                    @if keyed {
                        p {
                            "Each request needs a key, as " code { "Spiff-Connector-Proxy-Api-Key" }
                            " or " code { "Authorization: Bearer" } "."
                        }
                    }
                }
                main {
                    @for connector in connectors { (section(connector)) }
                }
            }
        }
    }
    .into_string()
}

fn section(entries: &[std::sync::Arc<Entry>]) -> Markup {
    let Some(first) = entries.first() else {
        return Markup::default();
    };
    html! {
        section {
            h2 { (first.id.connector) }
            p { (first.connector.manifest().description) }
            @for entry in entries { (command(entry)) }
        }
    }
}

fn command(entry: &Entry) -> Markup {
    let command = &entry.command;
    html! {
        details id=(entry.id) {
            summary {
                code { (entry.id) } " "
                span class=(command.safety.name()) { (command.safety.name()) }
            }
            @for paragraph in command.description.split("\n\n") { p { (paragraph) } }
            @if !command.parameters.is_empty() {
                table {
                    thead { tr { th { "Parameter" } th { "Type" } th { "Meaning" } } }
                    tbody { @for p in &command.parameters { (parameter(p)) } }
                }
            }
            @if command.open { p { "Takes further parameters that are not listed." } }
            pre { (example(entry)) }
        }
    }
}

fn parameter(parameter: &Parameter) -> Markup {
    html! {
        tr {
            td {
                code { (parameter.name) }
                @if parameter.required { " " b { "required" } }
                @if parameter.secret { " " i { "secret" } }
            }
            td { code { (parameter.spiff_type()) } }
            td {
                (parameter.description)
                @if let Some(choices) = parameter.choices() {
                    " One of: "
                    @for (i, choice) in choices.iter().enumerate() {
                        @if i > 0 { ", " } code { (choice) }
                    }
                    "."
                }
            }
        }
    }
}

/// A request to begin from.
fn example(entry: &Entry) -> String {
    let arguments = sample(entry);
    format!(
        "POST /v1/do/{}\ncontent-type: application/json\n\n{arguments:#}",
        entry.id
    )
}
