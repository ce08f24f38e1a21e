//! Makes a profile, or changes some of it.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context, Result, bail};
use crosspoint_broker::cabinet::{Drawer, Expected};
use crosspoint_broker::profiles::{Definition, From, Source, fields, is_secret_name};
use crosspoint_core::{Fields, Secret, is_connector_name, shorten};

use super::{kept, show};
use crate::arguments;
use crate::cli::SetProfileArgs;
use crate::command::kept::Desk;

/// More than any secrets need; keeps a wrong file from filling the memory.
const LONGEST: u64 = 64 * 1024;

pub async fn run(desk: &Desk, args: SetProfileArgs) -> Result<()> {
    let (id, cabinet) = (&args.id, desk.cabinet());
    let item = cabinet.get(Drawer::Profile, &id.to_string()).await;
    let item = item.context("reading the profile")?;
    let (mut definition, expected) = match &item {
        Some(item) => (
            Definition::from_kept(id.clone(), &item.body)?,
            Expected::Revision(item.revision),
        ),
        None => (Definition::new(id.clone(), From::Store), Expected::Absent),
    };
    change(&mut definition, &args)?;
    let mistakes = mistakes(&definition, &fields_of(desk, &id.connector));
    if !mistakes.is_empty() {
        bail!("profile {id}: {}; nothing was changed", mistakes.join("; "));
    }
    only_default(desk, &definition).await?;
    let body = definition.to_kept().to_string().into();
    let put = cabinet
        .put(Drawer::Profile, &id.to_string(), body, None, expected)
        .await;
    if put.context("keeping the profile")?.is_none() {
        bail!(
            "somebody else changed the profile {id} at the same time; nothing was changed: try again"
        );
    }
    let changed: Vec<_> = definition
        .settings
        .keys()
        .chain(definition.secrets.keys())
        .collect();
    let changed = changed.into_iter().cloned().collect::<Vec<_>>().join(" ");
    desk.record(
        "profile.set",
        &id.to_string(),
        Some(format!("fields: {changed}")),
    )
    .await?;
    let counts = !desk.loaded.profiles.iter().any(|profile| profile.id == *id);
    match args.json {
        true => println!("{:#}", show::json(&definition, counts)),
        false => print!("{}", show::whole(&definition, counts)),
    }
    if !counts {
        eprintln!("It does not count as long as the configuration file has a profile {id}.");
    }
    Ok(())
}

fn change(definition: &mut Definition, args: &SetProfileArgs) -> Result<()> {
    for name in &args.unset {
        let setting = definition.settings.shift_remove(name).is_some();
        if !setting && definition.secrets.remove(name).is_none() {
            bail!(
                "profile {} has no field '{}' to take out",
                args.id,
                shorten(name)
            );
        }
    }
    for (name, json) in arguments::gather(None, &args.settings)?.iter() {
        let value = json
            .read()
            .with_context(|| format!("reading the value of {}", shorten(name)))?;
        definition.secrets.remove(name);
        definition.settings.insert(name.to_owned(), value);
    }
    let given = args.secrets.iter().cloned().zip(values(&args.secrets)?);
    let given = given.map(|(name, value)| (name, Source::Value(value)));
    let referred = args.from.iter().map(|text| reference(text));
    for (name, source) in given.map(Ok).chain(referred).collect::<Result<Vec<_>>>()? {
        definition.settings.shift_remove(&name);
        definition.secrets.insert(name, source);
    }
    definition.default = (definition.default || args.default) && !args.no_default;
    definition.enabled = (definition.enabled || args.enabled) && !args.disabled;
    if let Some(auth) = &args.auth {
        if !is_connector_name(auth) {
            bail!(
                "'{}' is not the name of an auth: letters, digits, '_' and '-'",
                shorten(auth)
            );
        }
        definition.auth = Some(auth.clone());
    }
    definition.check_every = args
        .check_every
        .map(|every| every.0)
        .or(definition.check_every);
    Ok(())
}

/// The values of secrets from standard input: all of it for one, a line each for several.
fn values(names: &[String]) -> Result<Vec<Secret<String>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if io::stdin().is_terminal() {
        bail!("a secret is read from standard input: … | crosspoint profile set … --secret FIELD");
    }
    let mut text = String::new();
    let read = io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_string(&mut text);
    read.context("reading the values from standard input")?;
    if text.len() as u64 > LONGEST {
        bail!("what came from standard input is longer than 64 KiB; nothing was changed");
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let values: Vec<&str> = match names.len() {
        1 => vec![text],
        _ => text.split('\n').collect(),
    };
    if values.len() != names.len() || values.iter().any(|value| value.is_empty()) {
        bail!(
            "standard input must have a value for each of {}, a line each; nothing was changed",
            names.join(", ")
        );
    }
    Ok(values
        .into_iter()
        .map(|value| Secret::new(value.to_owned()))
        .collect())
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

/// What its connector takes, as far as that is known without loading it.
fn fields_of(desk: &Desk, connector: &str) -> Fields {
    let built_in = crosspoint_connectors::BUILT_IN.contains(&connector);
    match built_in
        && !desk
            .loaded
            .config
            .connectors
            .mounted
            .contains_key(connector)
    {
        true => crosspoint_connectors::fields_of(connector),
        false => Fields {
            open: true,
            ..Fields::default()
        },
    }
}

fn mistakes(definition: &Definition, known: &Fields) -> Vec<String> {
    let settings = definition.settings.iter().map(|(name, value)| {
        let clause = match value == "" {
            true => Some("is empty".to_owned()),
            false => fields::setting(known, name, value).err(),
        };
        (name, clause)
    });
    let secrets = definition.secrets.iter().map(|(name, source)| {
        let declared = fields::secret(known, name);
        let clause = match (declared, source) {
            (Err(clause), _) => Some(clause),
            (Ok(field), Source::Value(value)) => fields::secret_value(field, value.expose()).err(),
            (Ok(_), _) => None,
        };
        (name, clause)
    });
    let found = settings.chain(secrets);
    found
        .filter_map(|(name, clause)| Some(format!("field '{}' {}", shorten(name), clause?)))
        .collect()
}

async fn only_default(desk: &Desk, definition: &Definition) -> Result<()> {
    if !definition.default {
        return Ok(());
    }
    let id = &definition.id;
    let all = kept(desk).await?;
    let mut all = all.iter().chain(&desk.loaded.profiles);
    let other = all.find(|p| p.default && p.id != *id && p.id.connector == id.connector);
    match other {
        None => Ok(()),
        Some(other) => bail!(
            "the default profile of {} is {} already; first: crosspoint profile set {} --no-default",
            id.connector,
            other.id,
            other.id
        ),
    }
}
