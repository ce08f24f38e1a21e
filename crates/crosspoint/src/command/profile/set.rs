//! Makes a profile, or changes some of it.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result, bail};
use crosspoint_broker::cabinet::Drawer;
use crosspoint_broker::profiles::{self, About, Change, Definition, Source, is_secret_name};
use crosspoint_core::{Fields, Secret, shorten};

use super::show;
use crate::arguments;
use crate::cli::SetProfileArgs;
use crate::command::input;
use crate::command::kept::Desk;

pub async fn run(desk: &Desk, args: SetProfileArgs) -> Result<()> {
    let (id, cabinet) = (&args.id, desk.cabinet());
    let change = change(desk, &args).await?;
    let fields = fields_of(desk, &id.connector);
    let about = About {
        fields: Some(&fields),
        auths: auths_of(desk, &id.connector),
        file: &desk.loaded.profiles,
    };
    let kept = profiles::keep(cabinet, &about, id, change).await?;
    let definition = &kept.definition;
    let fields = definition.settings.keys().chain(definition.secrets.keys());
    let fields: Vec<_> = fields.map(String::as_str).collect();
    let detail = format!("fields: {}", fields.join(" "));
    desk.record("profile.set", &id.to_string(), Some(detail))
        .await?;
    match args.json {
        true => println!("{:#}", show::json(definition, kept.counts)),
        false => print!("{}", show::whole(definition, kept.counts)),
    }
    if !kept.counts {
        eprintln!("It does not count as long as the configuration file has a profile {id}.");
    }
    tell_what_is_missing(desk, definition).await
}

/// What may come later, or is a slip.
async fn tell_what_is_missing(desk: &Desk, definition: &Definition) -> Result<()> {
    let connector = &definition.id.connector;
    if !is_known(desk, connector) {
        eprintln!("The configuration has no connector {connector}: nobody uses the profile yet.");
    }
    for source in definition.secrets.values() {
        if let Source::Kept(name) = source
            && desk.cabinet().get(Drawer::Secret, name).await?.is_none()
        {
            eprintln!("secret:{name} is not there yet: crosspoint secret set {name}");
        }
    }
    Ok(())
}

/// Whether there may be such a connector: an environment of Python has those that it has.
fn is_known(desk: &Desk, connector: &str) -> bool {
    let config = &desk.loaded.config;
    config.python.venv.is_some()
        || config.connectors.mounted.contains_key(connector)
        || config.builtin.iter().any(|name| name == connector)
}

async fn change(desk: &Desk, args: &SetProfileArgs) -> Result<Change> {
    let mut change = Change::default();
    let (known, _) = profiles::all(desk.cabinet()).await?;
    let before = known.iter().find(|profile| profile.id == args.id);
    for name in &args.unset {
        let has = |profile: &&Definition| {
            profile.settings.contains_key(name) || profile.secrets.contains_key(name)
        };
        if before.filter(has).is_none() {
            let (id, name) = (&args.id, shorten(name));
            bail!("profile {id} has no field '{name}' to take out");
        }
        change.settings.insert(name.clone(), None);
        change.secrets.insert(name.clone(), None);
    }
    for (name, json) in arguments::gather(None, &args.settings)?.iter() {
        let value = json.read();
        let value = value.with_context(|| format!("reading the value of {}", shorten(name)))?;
        change.settings.insert(name.to_owned(), Some(value));
    }
    let given = args.secrets.iter().cloned().zip(values(&args.secrets)?);
    let given = given.map(|(name, value)| (name, Source::Value(value)));
    let referred = args.from.iter().map(|text| reference(text));
    let referred = referred.collect::<Result<Vec<_>>>()?;
    for (name, source) in given.chain(referred) {
        change.secrets.insert(name, Some(source));
    }
    change.default = (args.default || args.no_default).then_some(args.default);
    change.enabled = (args.enabled || args.disabled).then_some(args.enabled);
    change.auth = match (&args.auth, args.no_auth) {
        (Some(auth), _) => Some(Some(auth.clone())),
        (None, true) => Some(None),
        (None, false) => None,
    };
    change.check_every = match (args.check_every, args.no_check) {
        (Some(every), _) => Some(Some(every.0)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    Ok(change)
}

/// The values of secrets: asked for on a terminal; else of standard input, all of it for one, a line
/// each for several.
fn values(names: &[String]) -> Result<Vec<Secret<String>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if io::stdin().is_terminal() || names.len() == 1 {
        return names.iter().map(|name| input::value(name)).collect();
    }
    let text = input::value(&names.join(", "))?;
    let values: Vec<&str> = text.expose().split('\n').collect();
    if values.len() != names.len() || values.iter().any(|value| value.is_empty()) {
        bail!(
            "standard input must have a value for each of {}, a line each; nothing was changed",
            names.join(", ")
        );
    }
    let secrets = values.into_iter().map(str::to_owned).map(Secret::new);
    Ok(secrets.collect())
}

/// `field=secret:NAME` or `field=vault:PATH#FIELD`. No other kind counts outside of the file.
fn reference(text: &str) -> Result<(String, Source)> {
    let known = text.split_once('=').and_then(|(name, reference)| {
        let source = Source::of_reference(reference)?;
        let fits = match &source {
            Source::Kept(name) => is_secret_name(name),
            Source::Vault { path, field } => !path.is_empty() && !field.is_empty(),
            Source::Value(_) => false,
        };
        (fits && !name.is_empty()).then(|| (name.to_owned(), source))
    });
    let field = shorten(text.split('=').next().unwrap_or_default());
    known.with_context(|| {
        format!("--from {field}: write {field}=secret:NAME or {field}=vault:PATH#FIELD")
    })
}

/// The names of the auths of a connector, as far as they are known without loading it.
fn auths_of(desk: &Desk, connector: &str) -> Option<Vec<String>> {
    let configured = desk
        .loaded
        .auths
        .iter()
        .filter(|auth| *auth.id.connector == *connector);
    let names = configured.map(|auth| auth.id.auth.to_string()).collect();
    is_built_in(desk, connector).then_some(names)
}

fn is_built_in(desk: &Desk, connector: &str) -> bool {
    let mounted = &desk.loaded.config.connectors.mounted;
    crosspoint_connectors::BUILT_IN.contains(&connector) && !mounted.contains_key(connector)
}

/// What its connector takes, as far as that is known without loading it.
fn fields_of(desk: &Desk, connector: &str) -> Fields {
    match is_built_in(desk, connector) {
        true => crosspoint_connectors::fields_of(connector),
        false => Fields {
            open: true,
            ..Fields::default()
        },
    }
}
