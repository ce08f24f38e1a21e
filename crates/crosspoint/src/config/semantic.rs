//! What the types cannot say: checks of the configuration as a whole.

#[path = "semantic_activiti.rs"]
mod activiti;
#[path = "semantic_auths.rs"]
mod auths;
#[path = "semantic_automate.rs"]
mod automate;
#[path = "semantic_definitions.rs"]
mod definitions;
#[path = "semantic_ledger.rs"]
mod ledger;
#[path = "semantic_mounted.rs"]
mod mounted;
#[path = "semantic_parameters.rs"]
mod parameters;
#[path = "semantic_policies.rs"]
mod policies;
#[path = "semantic_profiles.rs"]
mod profiles;
#[path = "semantic_remote.rs"]
mod remote;
#[path = "semantic_tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crosspoint_broker::access::Scopes;
use crosspoint_broker::oauth::AuthSettings;
use crosspoint_broker::profiles::{Definition, HashiCorp, Variant};
use crosspoint_core::{Secret, nearest, shorten};
use crosspoint_ingress::activiti::{Bound, Published};

use super::environment::Environment;
use super::load::ApiKeySecret;
use super::problem::{Place, Problem, listed};
use super::reference::reason;
use super::store_url::StoreTarget;
use super::tree::{Node, Value};
use super::types::{ApiKey, Config};
use super::worker::Resolved;

/// Keys of fewer characters are easily guessed.
const SHORT: usize = 8;

/// More than any collection of certificates has.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// What the checks look at, and what they find.
pub struct Semantic<'a> {
    /// What is left of the configuration after the bad values were taken out.
    config: &'a Config,
    /// The same, with places.
    tree: &'a Node,
    /// Where `env:` references lead.
    env: &'a Environment,
    /// The names of the connectors that are built in.
    builtin: &'a [&'a str],
    /// Mistakes, those that were found before included.
    pub problems: Vec<Problem>,
    /// What works but is probably not meant.
    pub warnings: Vec<Problem>,
    /// The API keys that could be resolved.
    pub keys: Vec<ApiKeySecret>,
    /// Where the ledger is, as far as that could be resolved.
    pub store: StoreTarget,
    /// Where Vault is, if there is one.
    pub vault: Option<HashiCorp>,
    /// `spiff.callback_token`, resolved.
    pub callback_token: Option<Secret<String>>,
    /// `api.callback_token`, resolved.
    pub api_callback_token: Option<Secret<String>>,
    /// `activiti.amqp`, resolved.
    pub amqp: Option<Secret<String>>,
    /// The definitions that are served, read.
    pub bound: Vec<Bound>,
    /// These definitions themselves.
    pub definitions: Vec<Published>,
    /// The connectors that these call with configuration parameters of their own.
    pub variants: Vec<Variant>,
    /// `python.env`, resolved.
    pub python_env: BTreeMap<String, Secret<String>>,
    /// `automate.env`, resolved.
    pub automate_env: BTreeMap<String, Secret<String>>,
    /// The values of each table of a connector that is not built in, resolved.
    pub mounted: BTreeMap<String, Resolved>,
    /// The profiles of all connectors, references that lead out of the file followed.
    pub profiles: Vec<Definition>,
    /// How to authorise, as far as that could be resolved.
    pub auths: Vec<AuthSettings>,
    /// Secrets among those values, in the names of packages and in the URL of the store.
    pub secrets: Vec<Secret<String>>,
}

// === impl Semantic ===

impl<'a> Semantic<'a> {
    /// Goes on from the problems that were found so far.
    pub fn new(
        config: &'a Config,
        tree: &'a Node,
        env: &'a Environment,
        builtin: &'a [&'a str],
        problems: Vec<Problem>,
    ) -> Semantic<'a> {
        Semantic {
            config,
            tree,
            env,
            builtin,
            problems,
            warnings: Vec::new(),
            keys: Vec::new(),
            store: StoreTarget::within(&config.data_dir.0),
            vault: None,
            callback_token: None,
            api_callback_token: None,
            amqp: None,
            bound: Vec::new(),
            definitions: Vec::new(),
            variants: Vec::new(),
            python_env: BTreeMap::new(),
            automate_env: BTreeMap::new(),
            mounted: BTreeMap::new(),
            profiles: Vec::new(),
            auths: Vec::new(),
            secrets: Vec::new(),
        }
    }

    /// Runs all checks.
    pub fn run(&mut self) {
        self.builtin_connectors();
        self.connector_tables();
        self.api_keys();
        self.who_can_reach_it();
        self.ca_files();
        self.ledger();
        self.vault();
        self.policies();
        self.callbacks();
        self.activiti();
        self.tools();
        self.python();
        self.automate();
        self.mounted_connectors();
        self.all_profiles();
        self.auths();
    }

    fn builtin_connectors(&mut self) {
        for (at, name) in self.config.builtin.iter().enumerate() {
            let key = format!("builtin[{at}]");
            if !self.builtin.contains(&name.as_str()) {
                let message = format!("`builtin`: there is no connector `{}`", shorten(name));
                let near = nearest(name, self.builtin.iter().copied());
                let help = match near.is_empty() {
                    true => format!("there are {}", listed(self.builtin.iter().copied())),
                    false => format!("did you mean {}?", listed(near)),
                };
                self.problem(&key, message, help);
            } else if self.config.builtin[..at].contains(name) {
                self.problem(
                    &key,
                    format!("`builtin` names `{name}` twice"),
                    "take one out",
                );
            }
        }
    }

    fn connector_tables(&mut self) {
        // A misspelled name in the list is one mistake, not two.
        if self
            .problems
            .iter()
            .any(|problem| problem.key.starts_with("builtin"))
        {
            return;
        }
        let Some(Value::Table(tables)) = self.tree.get("connectors").map(|node| &node.value) else {
            return;
        };
        let mounted = &self.config.connectors.mounted;
        for (key, _) in tables {
            if !self.config.builtin.contains(&key.name) && !mounted.contains_key(&key.name) {
                let table = format!("connectors.{}", key.name);
                let message = format!(
                    "`{table}` is configured, but `{}` is not in `builtin`",
                    key.name
                );
                let help = format!("add `{}` to `builtin`, or take the table out", key.name);
                self.problems
                    .push(Problem::new(&table, Some(&key.place), message, help));
            }
        }
    }

    fn api_keys(&mut self) {
        for (at, entry) in self.config.access.api_keys.iter().enumerate() {
            let place = format!("access.api_keys[{at}]");
            let name = entry.name(at + 1);
            if name.trim().is_empty() {
                self.problem(
                    &place,
                    "an API key has an empty name".to_owned(),
                    "give it a name",
                );
            }
            if self.keys.iter().any(|key| key.name == name) {
                let message = format!("two API keys are named `{}`", shorten(&name));
                self.problem(&place, message, "give each a name of its own");
            }
            if entry.key().looks_like_a_reference() {
                let message = format!("the API key `{}` looks like a reference", shorten(&name));
                let help = "it is taken as the key itself; references begin with `env:`, `file:` \
                            or `exec:`";
                self.warning(&place, message, help);
            }
            match entry.key().resolve(self.env) {
                Err(wrong) => {
                    let message = format!("`access.api_keys`: {}", wrong.why);
                    self.problem(&place, message, wrong.help);
                }
                Ok(value) => self.api_key(&place, name, value, entry),
            }
        }
    }

    fn api_key(&mut self, place: &str, name: String, value: Secret<String>, entry: &ApiKey) {
        // The key that a client sends is one that the server of the same folder takes.
        let same = self.keys.iter().find(|key| key.value == value);
        if let Some(other) = same.filter(|_| self.env.serves()) {
            let message = format!(
                "the API keys `{}` and `{}` are the same",
                shorten(&other.name),
                shorten(&name)
            );
            self.problem(place, message, "take one out");
        }
        if value.expose().chars().count() < SHORT {
            let message = format!(
                "the API key `{}` has fewer than {SHORT} characters",
                shorten(&name)
            );
            self.warning(
                place,
                message,
                "use a longer one; short keys are easily guessed",
            );
        }
        let expires = entry.expires();
        if expires.is_some_and(|ms| ms <= jiff::Timestamp::now().as_millisecond()) {
            let message = format!("the API key `{}` has expired", shorten(&name));
            self.warning(place, message, "nobody comes in by it: take it out");
        }
        self.keys.push(ApiKeySecret {
            name,
            value,
            // Each was checked as the text that it is.
            scopes: Scopes::read(entry.scopes().iter().map(|scope| &*scope.0)).unwrap_or_default(),
            expires,
        });
    }

    fn who_can_reach_it(&mut self) {
        let access = &self.config.access;
        // A key that is there but wrong is a mistake of its own, not a missing key.
        let about_keys = |p: &Problem| p.key.split('.').next() == Some("access");
        let has_keys = !access.api_keys.is_empty()
            || access.require_key
            || self.problems.iter().any(about_keys);
        let any_page = access.cors_origins.iter().any(|origin| origin.0 == "*");
        if !has_keys && !access.anonymous && !self.config.listen.is_loopback() {
            let message = format!(
                "listening on `{}` without an API key lets anyone in the network call",
                self.config.listen
            );
            let help = "either set a key: `access.api_keys`, or the variable \
                        CONNECTOR_PROXY_API_KEY,\nor keep keys in the store: `crosspoint key \
                        create NAME`, with `access.require_key = true`,\nor say that anyone may \
                        call: `access.anonymous = true`";
            self.problem("listen", message, help);
        }
        if !has_keys && any_page {
            let message = "any web page in a browser that reaches the proxy may call it".to_owned();
            self.warning(
                "access.cors_origins",
                message,
                "name the origins, or set an API key",
            );
        }
        if !access.api_keys.is_empty() && access.anonymous {
            let message = "`access.anonymous` has no effect, since there are API keys".to_owned();
            self.warning("access.anonymous", message, "take it out");
        }
    }

    fn ca_files(&mut self) {
        for (at, path) in self.config.egress.ca_files.iter().enumerate() {
            if let Err((fault, help)) = check_ca_file(path) {
                let path = shorten(&path.display().to_string());
                let message = format!("`egress.ca_files`: `{path}` {fault}");
                self.problem(&format!("egress.ca_files[{at}]"), message, help);
            }
        }
    }

    fn problem(&mut self, key: &str, message: String, help: impl Into<String>) {
        self.problems
            .push(Problem::new(key, self.place(key).as_ref(), message, help));
    }

    fn warning(&mut self, key: &str, message: String, help: impl Into<String>) {
        self.warnings
            .push(Problem::new(key, self.place(key).as_ref(), message, help));
    }

    /// Where the value of `key` or of the element `key[0]` was written.
    fn place(&self, key: &str) -> Option<Place> {
        let (list, at) = key
            .trim_end_matches(']')
            .split_once('[')
            .unwrap_or((key, ""));
        let node = self.tree.get(list)?;
        let element = match &node.value {
            Value::List(nodes) => at.parse::<usize>().ok().and_then(|at| nodes.get(at)),
            _ => None,
        };
        Some(element.unwrap_or(node).place.clone())
    }
}

fn check_ca_file(path: &Path) -> Result<(), (String, &'static str)> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_CA_FILE).read_to_end(&mut bytes))
        .map_err(|e| (format!("cannot be read: {}", reason(&e)), ""))?;
    let pem = b"-----BEGIN CERTIFICATE-----";
    if bytes.windows(pem.len()).any(|window| window == pem) {
        return Ok(());
    }
    Err((
        "holds no certificate".to_owned(),
        "expected a PEM file with `BEGIN CERTIFICATE` in it",
    ))
}
