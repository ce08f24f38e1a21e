//! The arguments of `crosspoint new openapi`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint new openapi coins coingecko.yaml
  crosspoint new openapi crm https://crm.example/openapi.json --server https://crm.example/api
  crosspoint new openapi coins coingecko.yaml --try SimplePrice ids='[\"bitcoin\"]' vs_currencies='[\"usd\"]'")]
pub struct NewOpenApiArgs {
    /// What the connector is called: letters, digits, '_' and '-'
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The document: a path, or an address
    #[arg(value_name = "FILE")]
    pub document: String,

    /// Where the system is, in place of the document's servers
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,

    /// Call this command of it, which must be read-only, with the arguments that follow
    #[arg(long = "try", value_name = "COMMAND")]
    pub command: Option<String>,

    /// Arguments of the command: name=value, as in `crosspoint call`
    #[arg(value_name = "NAME=VALUE", requires = "command")]
    pub arguments: Vec<String>,
}
