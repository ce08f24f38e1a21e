//! From the file and the environment to a configuration that can be relied on.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use crosspoint_broker::access::Scopes;
use crosspoint_broker::oauth::AuthSettings;
use crosspoint_broker::profiles::{Definition, HashiCorp, Source, Variant};
use crosspoint_core::Secret;
use crosspoint_ingress::activiti::{Bound, Published};
use crosspoint_net::Authorities;

use super::check_schema;
use super::env;
use super::environment::Environment;
use super::follow;
use super::problem::{Place, Problem, Problems};
use super::reference::reason;
use super::semantic::Semantic;
use super::store_url::StoreTarget;
use super::tree::Node;
use super::types::Config;
use super::worker::Resolved;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "crosspoint.toml";

/// A configuration without mistakes, and where it comes from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration, defaults filled in.
    pub config: Config,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// Where each key was set that was: `listen`, `access.api_keys`, and each element of a list as
    /// `access.api_keys[0]`.
    pub origins: BTreeMap<String, Place>,
    /// The API keys in the order of `access.api_keys`, references resolved.
    pub api_keys: Vec<ApiKeySecret>,
    /// Where the ledger is, the reference resolved; when nothing is configured, in `data_dir`.
    pub store: StoreTarget,
    /// The file of the master key; when none is configured, in `data_dir`.
    pub master_key: PathBuf,
    /// Where Vault is, if there is one, its token resolved.
    pub vault: Option<HashiCorp>,
    /// The token for callbacks to SpiffArena, the reference resolved.
    pub callback_token: Option<Secret<String>>,
    /// The token for callbacks of the API, the reference resolved.
    pub api_callback_token: Option<Secret<String>>,
    /// The message broker of Activiti, the reference resolved.
    pub amqp: Option<Secret<String>>,
    /// The actions of the definitions that are served.
    pub bound: Vec<Bound>,
    /// These definitions themselves.
    pub definitions: Vec<Published>,
    /// The connectors that these call with configuration parameters of their own.
    pub variants: Vec<Variant>,
    /// The variables of `python.env`, references resolved.
    pub python_env: BTreeMap<String, Secret<String>>,
    /// The variables of `automate.env`, references resolved.
    pub automate_env: BTreeMap<String, Secret<String>>,
    /// The values of each table of a connector that is not built in, references resolved.
    pub mounted: BTreeMap<String, Resolved>,
    /// The profiles of all connectors, references that lead out of the file followed.
    pub profiles: Vec<Definition>,
    /// How to authorise by OAuth, references of the file resolved.
    pub auths: Vec<AuthSettings>,
    /// The virtual environment to mount because the variable `VIRTUAL_ENV` names it and `[python]`
    /// names none.
    pub virtual_env: Option<PathBuf>,
    /// Who is trusted, as `egress.ca_files` says; read when something asks for it.
    pub authorities: Authorities,
    /// Secrets among the values of connectors, and in the URLs of their packages and of the store.
    pub secrets: Vec<Secret<String>>,
    /// The references that lead into the store or to a vault, with the key where each stands: where
    /// there are some, a change there is a change of the configuration.
    pub references: Vec<(String, Source)>,
    /// What works but is probably not meant, ordered by place.
    pub warnings: Vec<Problem>,
}

/// An API key, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    /// What may be shown.
    pub name: String,
    /// What may not.
    pub value: Secret<String>,
    /// What it is good for.
    pub scopes: Scopes,
    /// From when on it is not taken any more, in milliseconds since 1970.
    pub expires: Option<i64>,
}

/// Reads the configuration.
///
/// The file is `file`, else the one that `CROSSPOINT_CONFIG` names, else `crosspoint.toml` in the
/// working directory, which may be absent. `env` goes over it. `builtin` are the names of the
/// connectors that are built in.
///
/// Fails with all mistakes that can be found. In a file that is not TOML only the syntax errors
/// are, and the mistakes of the environment.
pub fn load(file: Option<&Path>, env: &Environment, builtin: &[&str]) -> Result<Loaded, Problems> {
    load_in(Path::new(""), file, env, builtin)
}

/// Where the file is, its text, and how it is called in messages.
struct File {
    file: Option<PathBuf>,
    text: String,
    name: Arc<str>,
}

fn load_in(
    folder: &Path,
    file: Option<&Path>,
    env: &Environment,
    builtin: &[&str],
) -> Result<Loaded, Problems> {
    let mut problems = Vec::new();
    let source = read(folder, file, env)?;
    let parsed = Node::parse(&source.name, &source.text);
    let readable = parsed.is_ok();
    let mut tree = parsed.unwrap_or_else(|errors| {
        problems.extend(errors);
        Node::empty(&source.name)
    });
    // Before the environment covers anything, so that mistakes under it are seen too.
    problems.extend(check_schema::check(&mut tree));
    problems.extend(env::overlay(&mut tree, env));
    problems.extend(check_schema::check(&mut tree));
    if !readable {
        return Err(Problems::sorted(problems));
    }
    let config = match serde_path_to_error::deserialize(tree.to_json()) {
        Ok(config) => config,
        Err(error) => return Err(Problems::sorted(with_refused(problems, &tree, &error))),
    };
    let references = follow::references(&config);
    let env = &follow::follow(&config, env, &references);
    let mut semantic = Semantic::new(&config, &tree, env, builtin, problems);
    semantic.run();
    let Semantic {
        problems,
        warnings,
        keys: api_keys,
        store,
        vault,
        callback_token,
        api_callback_token,
        amqp,
        bound,
        definitions,
        variants,
        python_env,
        automate_env,
        mounted,
        profiles,
        auths,
        secrets,
        ..
    } = semantic;
    if !problems.is_empty() {
        return Err(Problems::sorted(problems));
    }
    let Problems(warnings) = Problems::sorted(warnings);
    // Whoever says which environment of adapters counts has activated it for that.
    let has_environment = config.python.has_environment() || config.automate.has_environment();
    Ok(Loaded {
        master_key: config.store.key_file(&config.data_dir.0),
        authorities: Authorities::of(config.egress.ca_files.clone()),
        config,
        file: source.file,
        origins: tree.origins(),
        api_keys,
        store,
        vault,
        callback_token,
        api_callback_token,
        amqp,
        bound,
        definitions,
        variants,
        python_env,
        automate_env,
        mounted,
        profiles,
        auths,
        virtual_env: env.virtual_env().filter(|_| !has_environment),
        secrets,
        references,
        warnings,
    })
}

/// All secrets that the configuration leads to, for a mask.
pub fn all_secrets(loaded: &Loaded) -> impl Iterator<Item = &str> {
    let keys = loaded.api_keys.iter().map(|key| &key.value);
    keys.chain(&loaded.callback_token)
        .chain(&loaded.api_callback_token)
        .chain(&loaded.secrets)
        .map(|secret| secret.expose().as_str())
}

fn read(folder: &Path, file: Option<&Path>, env: &Environment) -> Result<File, Problems> {
    let variable = env.get(env::CONFIG).map(Option::unwrap_or_default);
    let by_variable = file.is_none() && variable.is_some();
    let named = file.or(variable.map(Path::new));
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let shown: String = path.display().to_string().escape_debug().collect();
    let name: Arc<str> = shown.into();
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|e| not_utf8(&name, &e))?;
            Ok(File {
                file: Some(path.to_owned()),
                text,
                name,
            })
        }
        Err(e) if named.is_none() && e.kind() == ErrorKind::NotFound => Ok(File {
            file: None,
            text: String::new(),
            name,
        }),
        Err(e) => {
            let message = format!("reading the configuration file `{name}`: {}", reason(&e));
            let place = match by_variable {
                true => Place::Environment(env::CONFIG.to_owned()),
                false => Place::WholeFile(name),
            };
            Err(Problems::one(
                place,
                message,
                "name a file that can be read",
            ))
        }
    }
}

fn not_utf8(file: &Arc<str>, error: &FromUtf8Error) -> Problems {
    let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let place = Place::File {
        file: file.clone(),
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1,
    };
    Problems::one(place, "not UTF-8 text".to_owned(), "save the file as UTF-8")
}

/// The check leaves nothing that the types refuse; should they all the same, the text of their
/// error may quote a value, so only its place is told.
fn with_refused(
    mut problems: Vec<Problem>,
    tree: &Node,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> Vec<Problem> {
    let key = error.path().to_string();
    let place = tree.get(&key).map(|node| node.place.clone());
    let message = format!("`{key}` has a value that cannot be used");
    problems.push(Problem::new(
        &key,
        place.as_ref(),
        message,
        "see the configuration reference",
    ));
    problems
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod ledger_tests;

#[cfg(test)]
#[path = "policy_tests.rs"]
mod policy_tests;

#[cfg(test)]
#[path = "mounted_tests.rs"]
mod mounted_tests;

#[cfg(test)]
#[path = "profile_tests.rs"]
mod profile_tests;

#[cfg(test)]
#[path = "api_tests.rs"]
mod api_tests;

#[cfg(test)]
#[path = "activiti_tests.rs"]
mod activiti_tests;

#[cfg(test)]
#[path = "auths_tests.rs"]
mod auths_tests;
