//! The grammar of `crosspoint secret`.

use clap::{Args, Subcommand};

use super::JsonArgs;

#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Keep a secret, or change one
    Set(SetSecretArgs),
    /// List the names of the secrets, when they were changed and who uses them
    List(JsonArgs),
    /// Remove a secret
    Remove(RemoveSecretArgs),
    /// Make a new master key, and seal everything with it
    #[command(after_help = "\
Stop the server first. What is kept sealed is opened with the old key and sealed with the new one.
However it ends, run it again and it goes on where it was; until it is done, the file of the master key
holds both keys, the new one first, and everything works with it.

Exit codes: 0 done, 1 not possible now, 2 the command line, the configuration or the store is wrong.")]
    RotateKey,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The value is asked for, and not shown, or read from standard input without the line break at its end.
It is never an argument: others can read those.

Examples:
  crosspoint secret set CRM_TOKEN
  pass show crm | crosspoint secret set CRM_TOKEN
  crosspoint secret set PRIVATE_KEY < key.pem

Then write secret:CRM_TOKEN wherever the configuration takes a reference. A running server uses a
changed secret within seconds.")]
pub struct SetSecretArgs {
    /// What it is called: letters, digits, '_', '.' and '-'
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  crosspoint secret remove CRM_TOKEN
  crosspoint secret remove CRM_TOKEN --force    although profiles or the configuration name it

Exit codes: 0 removed, 1 there is none or it is still named, 2 the command line, the configuration
or the store is wrong.")]
pub struct RemoveSecretArgs {
    /// Which secret
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Remove it although it is still named
    #[arg(long)]
    pub force: bool,
}
