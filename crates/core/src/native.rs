//! The SDK: a connector in Rust is a value, and each of its commands a struct.
//!
//! ```
//! use crosspoint_core::{Context, Execute, Failure, Native, Outcome, Safety};
//!
//! struct Greeter { greeting: String }
//!
//! /// Greets somebody.
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Greet {
//!     /// Whom to greet.
//!     name: String,
//! }
//!
//! impl Execute<Greeter> for Greet {
//!     const NAME: &'static str = "Greet";
//!     const SAFETY: Safety = Safety::ReadOnly;
//!
//!     async fn execute(self, greeter: &Greeter, _: &Context) -> Result<Outcome, Failure> {
//!         Ok(Outcome::text(format!("{}, {}!", greeter.greeting, self.name)))
//!     }
//! }
//!
//! let connector = Native::new("greeter", "Greets.", Greeter { greeting: "Hello".into() })
//!     .command::<Greet>();
//! ```

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Arguments, Call, Command, Connector, Context, Failure, Fields, Manifest, Outcome, Safety,
};

/// A command of a connector `C`: its fields are the parameters.
pub trait Execute<C>: DeserializeOwned + JsonSchema + Send + 'static {
    /// The command's name.
    const NAME: &'static str;
    /// How it behaves when it is repeated.
    const SAFETY: Safety;

    /// Runs it. See [`Connector::call`] for deadline and cancellation.
    fn execute(
        self,
        connector: &C,
        cx: &Context,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send;
}

/// A connector made of a value and its commands.
pub struct Native<C> {
    manifest: Manifest,
    connector: C,
    runners: HashMap<String, Runner<C>>,
    check: Option<Check<C>>,
}

type Running<'a> = BoxFuture<'a, Result<Outcome, Failure>>;
type Runner<C> = for<'a> fn(&Arguments, &'a C, &'a Context) -> Running<'a>;
type Check<C> = for<'a> fn(&'a C, &'a Context) -> BoxFuture<'a, Result<(), Failure>>;

// === impl Native ===

impl<C: Send + Sync + 'static> Native<C> {
    /// A connector without commands.
    pub fn new(name: &str, description: &str, connector: C) -> Native<C> {
        let manifest = Manifest {
            name: name.to_owned(),
            description: description.to_owned(),
            commands: Vec::new(),
            auths: Vec::new(),
            fields: Fields::default(),
        };
        Native {
            manifest,
            connector,
            check: None,
            runners: HashMap::new(),
        }
    }

    /// Adds a command. One of the same name is replaced.
    pub fn command<E: Execute<C>>(self) -> Native<C> {
        self.command_named::<E>(E::NAME)
    }

    /// Adds a command under a name of its own: one struct may serve several generations.
    pub fn command_named<E: Execute<C>>(mut self, name: &str) -> Native<C> {
        self.manifest
            .commands
            .retain(|command| command.name != name);
        self.manifest
            .commands
            .push(Command::of::<E>(name, E::SAFETY).into());
        self.runners.insert(name.to_owned(), run::<C, E>);
        self
    }

    /// Says that its profiles hold the fields of `F`: doc comments are their descriptions, `Option`
    /// means optional, [`crate::Secret`] secret. A field that is called as a parameter of a command
    /// stands in for it in calls that do not give it; the others are in [`Context::profile`].
    pub fn profile<F: JsonSchema>(mut self) -> Native<C> {
        self.manifest.fields.declared = Command::of::<F>("", Safety::ReadOnly).parameters;
        self
    }

    /// The same for fields that the connector reads by itself: none of them stands in for a
    /// parameter, whatever it is called.
    pub fn profile_apart<F: JsonSchema>(self) -> Native<C> {
        let mut native = self.profile::<F>();
        native.manifest.fields.apart = true;
        native
    }

    /// Says which field of its profiles names the system that the others belong to: see
    /// [`Fields::origin`].
    pub fn origin(mut self, field: &str) -> Native<C> {
        self.manifest.fields.origin = Some(field.to_owned());
        self
    }

    /// Says how to try whether the system can be reached: see [`Connector::check`].
    pub fn check(mut self, check: Check<C>) -> Native<C> {
        self.check = Some(check);
        self
    }
}

fn run<'a, C: Sync, E: Execute<C>>(
    arguments: &Arguments,
    connector: &'a C,
    cx: &'a Context,
) -> Running<'a> {
    match arguments.read::<E>() {
        Ok(command) => Box::pin(command.execute(connector, cx)),
        Err(failure) => Box::pin(std::future::ready(Err(failure))),
    }
}

impl<C: Send + Sync + 'static> Connector for Native<C> {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> Running<'a> {
        match self.runners.get(&*call.command.command) {
            Some(run) => run(&call.arguments, &self.connector, cx),
            None => {
                let message = format!("{} has no command of that name", self.manifest.name);
                Box::pin(std::future::ready(Err(Failure::unknown_command(message))))
            }
        }
    }

    fn check<'a>(&'a self, cx: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        self.check.map(|check| check(&self.connector, cx))
    }
}
