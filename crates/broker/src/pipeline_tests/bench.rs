//! A system that does as it is told, and the broker in front of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{
    Arguments, Call, Command, Connector, Context, Effect, Failure, Fields, Ingress, Manifest,
    Origin, Outcome, Parameter, Profile, Safety, Secret,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, poll};
use tokio::time::{Instant, sleep};

use crate::policy::{CircuitBreaker, Concurrency, Policies, PolicyTable, RateLimit};
use crate::profiles::Connections;
use crate::{BreakerPhase, Broker, ConnectorState, Naming, Registration, Settings, Static};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const LIMIT: Duration = Duration::from_secs(40);

/// A system that does as it is told, and otherwise answers well.
#[derive(Default)]
pub(super) struct System {
    next: Mutex<VecDeque<Does>>,
    /// When it was asked.
    asked: Mutex<Vec<Instant>>,
    /// With which profile, and which `url` and `token` among the arguments.
    pub(super) saw: Mutex<Vec<Saw>>,
    /// How the next checks go; otherwise well.
    pub(super) checks: Mutex<VecDeque<Failure>>,
    /// How often it wants to be checked by itself.
    pub(super) often: Mutex<Option<Duration>>,
    /// How often it was checked.
    pub(super) checked: AtomicUsize,
    /// How often it was told that its profiles have changed.
    pub(super) renewed: AtomicUsize,
}

/// A profile, and two of the arguments.
type Saw = (Arc<Profile>, [Option<String>; 2]);

/// What commands and profiles of the system may have.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema counts")]
struct Own {
    url: String,
    token: Option<Secret<String>>,
}

pub(super) enum Does {
    Answers,
    Fails(Failure),
    AnswersAfter(Duration),
    Hangs,
}

pub(super) struct Odd {
    manifest: Manifest,
    system: Arc<System>,
}

impl Connector for Odd {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn check<'a>(&'a self, _: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        self.system.checked.fetch_add(1, Ordering::SeqCst);
        let next = self.system.checks.lock().unwrap().pop_front();
        Some(std::future::ready(next.map_or(Ok(()), Err)).boxed())
    }

    fn check_every(&self) -> Option<Duration> {
        *self.system.often.lock().unwrap()
    }

    fn renew(&self) {
        self.system.renewed.fetch_add(1, Ordering::SeqCst);
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        let seen = ["url", "token"].map(|name| call.arguments.get(name)?.as_text());
        let mut saw = self.system.saw.lock().unwrap();
        saw.push((cx.profile.clone(), seen));
        drop(saw);
        async {
            let number = {
                let mut asked = self.system.asked.lock().unwrap();
                asked.push(Instant::now());
                asked.len()
            };
            cx.log(format!("asked ({number})"));
            let next = self.system.next.lock().unwrap().pop_front();
            match next.unwrap_or(Does::Answers) {
                Does::Answers => {}
                Does::Fails(failure) => return Err(failure),
                Does::AnswersAfter(time) => sleep(time).await,
                Does::Hangs => std::future::pending().await,
            }
            Ok(Outcome::text("well"))
        }
        .boxed()
    }
}

/// A system, and the broker in front of it.
pub(super) struct Bench {
    pub(super) system: Arc<System>,
    pub(super) broker: Broker,
}

impl Bench {
    pub(super) fn new(connector: PolicyTable) -> Bench {
        Bench::with(connector, [])
    }

    pub(super) fn with<const N: usize>(
        connector: PolicyTable,
        own: [(&str, PolicyTable); N],
    ) -> Bench {
        let system = Arc::new(System::default());
        let broker = Broker::new(settings(connector, own), vec![mount(&system)], None);
        Bench {
            system,
            broker: broker.unwrap(),
        }
    }

    /// One with these accounts.
    pub(super) fn with_connections(connector: PolicyTable, connections: Connections) -> Bench {
        let system = Arc::new(System::default());
        let settings = Settings {
            connections: Arc::new(connections),
            ..settings(connector, [])
        };
        Bench {
            broker: Broker::new(settings, vec![mount(&system)], None).unwrap(),
            system,
        }
    }

    pub(super) fn next(&self, next: impl IntoIterator<Item = Does>) {
        self.system.next.lock().unwrap().extend(next);
    }

    pub(super) async fn call(&self, command: &str) -> Result<Outcome, Failure> {
        self.broker.submit(call(command), LIMIT).await
    }

    pub(super) async fn fails(&self, command: &str) -> Failure {
        self.call(command).await.unwrap_err()
    }

    /// A call that is under way, in the system or before it.
    pub(super) async fn begin(
        &self,
        command: &str,
    ) -> BoxFuture<'static, Result<Outcome, Failure>> {
        let mut calling = self.broker.submit(call(command), LIMIT).boxed();
        assert!(poll!(&mut calling).is_pending());
        calling
    }

    pub(super) fn asked(&self) -> usize {
        self.system.asked.lock().unwrap().len()
    }

    /// When the system was asked, in seconds.
    pub(super) fn asked_at(&self, begun: Instant) -> Vec<f64> {
        let asked = self.system.asked.lock().unwrap();
        asked.iter().map(|at| (*at - begun).as_secs_f64()).collect()
    }

    pub(super) fn state(&self) -> ConnectorState {
        self.broker.connectors().remove(0)
    }

    pub(super) fn breaker(&self) -> BreakerPhase {
        self.state().limits.breaker.unwrap().phase
    }

    pub(super) fn counts(&self, line: &str) {
        let metrics = self.broker.metrics();
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
}

pub(super) fn settings<const N: usize>(
    connector: PolicyTable,
    own: [(&str, PolicyTable); N],
) -> Settings {
    let own = own.map(|(name, table)| (name.to_owned(), table));
    let policies = Policies {
        connector,
        commands: BTreeMap::from(own),
    };
    Settings {
        policies: HashMap::from([("odd".to_owned(), policies)]),
        ..Settings::default()
    }
}

pub(super) fn mount(system: &Arc<System>) -> Registration {
    let own = Command::of::<Own>("", Safety::ReadOnly).parameters;
    let command = |(name, safety): (&str, Safety)| Command {
        name: name.to_owned(),
        description: String::new(),
        parameters: match name {
            "Use" => own.clone(),
            _ => Vec::new(),
        },
        open: false,
        coerce: true,
        safety,
        passes_key: name == "WriteWithKey",
        result: None,
    };
    let commands = [
        ("Read", Safety::ReadOnly),
        ("Repeat", Safety::Idempotent),
        ("Write", Safety::Effectful),
        ("WriteWithKey", Safety::Effectful),
        ("Use", Safety::Effectful),
    ];
    let manifest = Manifest {
        name: "odd".to_owned(),
        description: "Does odd things.".to_owned(),
        commands: commands.map(command).map(Arc::new).to_vec(),
        auths: Vec::new(),
        fields: Fields {
            declared: own.iter().map(Parameter::optional).collect(),
            ..Fields::default()
        },
    };
    let system = system.clone();
    let connector: Arc<dyn Connector> = Arc::new(Odd { manifest, system });
    Registration {
        naming: Naming::Entry("odd".to_owned()),
        mount: Arc::new(Static::new(vec![connector])),
    }
}

pub(super) fn call(command: &str) -> Call {
    Call::new(
        format!("odd/{command}").parse().unwrap(),
        Arguments::parse("{}".into()).unwrap(),
        Origin::of(Ingress::Cli),
    )
}

pub(super) fn none() -> PolicyTable {
    PolicyTable::default()
}

pub(super) fn retries(times: u32) -> PolicyTable {
    PolicyTable {
        retries: Some(times),
        retry_pause: Some(SECOND),
        ..none()
    }
}

pub(super) fn rate(calls: u32, per: Duration) -> Option<RateLimit> {
    Some(RateLimit { calls, per })
}

pub(super) fn concurrency(calls: usize, queue: usize) -> Option<Concurrency> {
    Some(Concurrency { calls, queue })
}

pub(super) fn breaker(failures: u32) -> Option<CircuitBreaker> {
    Some(CircuitBreaker {
        failures,
        within: 30 * SECOND,
        pause: 10 * SECOND,
    })
}

pub(super) fn breaks_off() -> Does {
    Does::Fails(Failure::transport("ReadTimeout", "slow"))
}

pub(super) fn is_not_there() -> Does {
    Does::Fails(Failure::transport("ConnectionError", "no").with_effect(Effect::None))
}

pub(super) fn answers(status: u16) -> Does {
    let failure = Failure::reported(format!("HttpError{status}"), "no");
    Does::Fails(failure.with_outcome(Outcome::text("").with_status(status)))
}
