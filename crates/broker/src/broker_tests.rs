use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosspoint_core::{
    Arguments, CommandId, Connector, Context, Effect, Execute, Ingress, Kind, Mount, Mounted,
    Native, Origin, Refusal, Safety,
};
use tokio::sync::{Notify, watch};

use super::*;
use crate::life::NotReplaced;
use crate::mounts::{Naming, Static};
use crate::policy::{Policies, PolicyTable};

const LIMIT: Duration = Duration::from_secs(40);

/// A connector whose commands do what their names say.
#[derive(Default)]
struct Odd {
    finished: AtomicUsize,
    release: Notify,
}

macro_rules! command {
    ($name:ident, $safety:ident, |$self:ident, $odd:ident, $cx:ident| $body:expr) => {
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        struct $name {
            // Only one of the commands looks at it.
            #[allow(dead_code)]
            token: Option<crosspoint_core::Secret<String>>,
        }
        impl Execute<Arc<Odd>> for $name {
            const NAME: &'static str = stringify!($name);
            const SAFETY: Safety = Safety::$safety;
            async fn execute($self, $odd: &Arc<Odd>, $cx: &Context) -> Result<Outcome, Failure> {
                $body
            }
        }
    };
}

command!(Panic, Effectful, |self, _odd, _cx| panic!("on purpose"));
command!(Hang, Effectful, |self, _odd, _cx| std::future::pending()
    .await);
command!(Read, ReadOnly, |self, odd, _cx| wait(odd).await);
command!(Write, Effectful, |self, odd, _cx| wait(odd).await);
command!(Quote, Effectful, |self, _odd, cx| {
    let token = self.token.map(|t| t.expose().clone()).unwrap_or_default();
    cx.log(format!("using {token}"));
    Err(Failure::reported(
        "Denied",
        format!("the system did not like {token}"),
    ))
});

async fn wait(odd: &Odd) -> Result<Outcome, Failure> {
    odd.release.notified().await;
    odd.finished.fetch_add(1, Ordering::SeqCst);
    Ok(Outcome::text("done"))
}

fn connector(name: &str, odd: &Arc<Odd>) -> Arc<dyn Connector> {
    let native = Native::new(name, "Does odd things.", odd.clone());
    let native = native
        .command::<Panic>()
        .command::<Hang>()
        .command::<Quote>();
    Arc::new(native.command::<Read>().command::<Write>())
}

fn broker(odd: &Arc<Odd>) -> Broker {
    let mount = Arc::new(Static::new(vec![connector("odd", odd)]));
    let mounts = vec![Registration {
        naming: Naming::BuiltIn,
        mount,
    }];
    Broker::new(Settings::default(), mounts, None).unwrap()
}

fn under_way(broker: &Broker) -> usize {
    let mounting = broker.0.mounting();
    mounting.members.iter().map(|m| m.calls.len()).sum()
}

fn call(command: &str, arguments: &'static str) -> Call {
    let arguments = Arguments::parse(arguments.into()).unwrap();
    Call::new(
        command.parse().unwrap(),
        arguments,
        Origin::of(Ingress::Cli),
    )
}

#[tokio::test]
async fn a_panic_in_a_connector_is_answered_and_the_next_call_works() {
    let odd = Arc::new(Odd::default());
    let broker = broker(&odd);
    let failure = broker
        .submit(call("odd/Panic", "{}"), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (Kind::Raised, "connector_panicked")
    );
    assert!(!failure.message.contains("on purpose"));
    let counted = r#"crosspoint_calls_total{connector="odd",command="Panic",outcome="raised"} 1"#;
    assert!(broker.metrics().contains(counted));
    odd.release.notify_one();
    assert!(broker.submit(call("odd/Write", "{}"), LIMIT).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_ignores_its_deadline_is_cut_off() {
    let broker = broker(&Arc::default());
    let failure = broker
        .submit(call("odd/Hang", "{}"), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::DeadlineExceeded));
    assert_eq!(failure.effect, Effect::Maybe);
}

#[tokio::test(start_paused = true)]
async fn a_policy_shortens_the_deadline() {
    let mount = Arc::new(Static::new(vec![connector("odd", &Arc::default())]));
    let mounts = vec![Registration {
        naming: Naming::BuiltIn,
        mount,
    }];
    let timeout = Some(Duration::from_secs(2));
    let policies = HashMap::from([(
        "odd".to_owned(),
        Policies {
            connector: PolicyTable {
                timeout,
                ..PolicyTable::default()
            },
            ..Policies::default()
        },
    )]);
    let broker = Broker::new(
        Settings {
            policies,
            ..Settings::default()
        },
        mounts,
        None,
    )
    .unwrap();
    let begun = tokio::time::Instant::now();
    broker
        .submit(call("odd/Hang", "{}"), LIMIT)
        .await
        .unwrap_err();
    // The clock is paused: this is the time that was waited for, not the time that it took.
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn secret_arguments_are_masked_in_messages_and_logs() {
    let broker = broker(&Arc::default());
    let call = call("odd/Quote", r#"{"token": "hunter2"}"#);
    let failure = broker.submit(call, LIMIT).await.unwrap_err();
    assert_eq!(failure.message, "the system did not like ***");
    assert_eq!(failure.outcome.unwrap().logs, ["using ***"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_ends_a_read_but_not_a_write() {
    let odd = Arc::new(Odd::default());
    let broker = broker(&odd);
    for command in ["odd/Read", "odd/Write"] {
        let waiting = broker.submit(call(command, "{}"), LIMIT);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), waiting)
                .await
                .is_err()
        );
    }
    assert_eq!(under_way(&broker), 1);
    odd.release.notify_waiters();
    assert_eq!(broker.drain(LIMIT).await, 0);
    assert_eq!(odd.finished.load(Ordering::SeqCst), 1);
    for (command, outcome) in [("Read", "abandoned"), ("Write", "succeeded")] {
        let labels = format!(r#"connector="odd",command="{command}""#);
        let counted = format!(r#"crosspoint_calls_total{{{labels},outcome="{outcome}"}} 1"#);
        assert!(broker.metrics().contains(&counted), "{counted}");
    }
}

#[tokio::test]
async fn a_draining_broker_refuses_new_calls_and_is_not_ready() {
    let broker = broker(&Arc::default());
    assert!(broker.health().ready);
    broker.drain(Duration::ZERO).await;
    let failure = broker
        .submit(call("odd/Read", "{}"), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, Kind::Refused(Refusal::ShuttingDown));
    assert!(!broker.health().ready);
}

#[tokio::test]
async fn draining_gives_up_after_its_patience_and_says_what_was_left() {
    let broker = broker(&Arc::default());
    let other = broker.clone();
    let task = tokio::spawn(async move { other.submit(call("odd/Hang", "{}"), LIMIT).await });
    while under_way(&broker) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(broker.drain(Duration::ZERO).await, 1);
    task.abort();
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest_ones() {
    let broker = broker(&Arc::default());
    for (wanted, near) in [("odd/Reed", "odd/Read"), ("old/Read", "there is odd")] {
        let failure = broker.submit(call(wanted, "{}"), LIMIT).await.unwrap_err();
        assert_eq!(failure.code, "command_not_found");
        assert!(failure.message.contains(near), "{}", failure.message);
    }
    assert!(
        broker
            .metrics()
            .contains("crosspoint_calls_not_found_total 2")
    );
}

#[tokio::test]
async fn two_mounts_of_one_name_are_an_error_that_names_both() {
    let mount = |naming| Registration {
        naming,
        mount: Arc::new(Static::new(vec![connector("odd", &Arc::default())])),
    };
    let mounts = vec![mount(Naming::Entry("odd".into())), mount(Naming::Own)];
    let Err(clash) = Broker::new(Settings::default(), mounts, None) else {
        panic!("no clash")
    };
    let message = clash.to_string();
    assert!(
        message.contains("[connectors.odd]") && message.contains("environment"),
        "{message}"
    );
}

#[tokio::test]
async fn a_mounted_connector_replaces_the_built_in_whatever_came_first() {
    for built_in_first in [true, false] {
        let mut mounts = vec![
            Registration {
                naming: Naming::BuiltIn,
                mount: Arc::new(Static::new(vec![connector("odd", &Arc::default())])),
            },
            Registration {
                naming: Naming::Entry("odd".into()),
                mount: Arc::new(Static::new(vec![Arc::new(Native::new("mine", "", ()))])),
            },
        ];
        if !built_in_first {
            mounts.reverse();
        }
        let broker = Broker::new(Settings::default(), mounts, None).unwrap();
        assert!(
            broker.catalogue().entries().is_empty(),
            "the mounted one has no commands"
        );
    }
}

/// A mount that changes.
struct Changing(watch::Sender<Mounted>);

impl Mount for Changing {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.0.subscribe()
    }
}

#[tokio::test]
async fn what_a_mount_finds_later_is_callable_and_readiness_waits_for_it() {
    let starting = Mounted {
        connectors: Arc::new([]),
        settled: false,
        problems: Arc::new([]),
        last_words: None,
    };
    let mount = Arc::new(Changing(watch::Sender::new(starting)));
    let naming = Naming::Prefix {
        entry: "entry".into(),
        prefix: "branch".into(),
    };
    let mounts = vec![Registration {
        naming,
        mount: mount.clone(),
    }];
    // What is said of the entry holds for everything that it mounts.
    let of_the_entry = Policies {
        connector: PolicyTable {
            timeout: Some(Duration::from_secs(7)),
            ..PolicyTable::default()
        },
        ..Policies::default()
    };
    let settings = Settings {
        policies: HashMap::from([("entry".to_owned(), of_the_entry)]),
        ..Settings::default()
    };
    let broker = Broker::new(settings, mounts, None).unwrap();
    assert!(!broker.health().ready);

    mount
        .0
        .send_replace(Mounted::settled(vec![connector("odd", &Arc::default())]));
    let wanted = CommandId::new("branch_odd", "Read");
    while broker.catalogue().find(&wanted).is_err() {
        tokio::task::yield_now().await;
    }
    let entry = broker.catalogue().find(&wanted).unwrap();
    assert_eq!(entry.policy.timeout, Some(Duration::from_secs(7)));
    assert!(broker.health().ready);
}

#[tokio::test]
async fn what_is_loading_or_failed_to_load_is_no_wrong_name() {
    let loading = || Arc::new(Changing(watch::Sender::new(Mounted::loading())));
    let (entry, environment) = (loading(), loading());
    let registration = |naming, mount: &Arc<Changing>| Registration {
        naming,
        mount: mount.clone(),
    };
    let mounts = vec![
        registration(Naming::Entry("odd".into()), &entry),
        registration(Naming::Own, &environment),
    ];
    let broker = Broker::new(Settings::default(), mounts, None).unwrap();
    let failure = async |command| broker.submit(call(command, "{}"), LIMIT).await.unwrap_err();
    // Whatever the environment is going to bring, nobody knows yet.
    for command in ["odd/Read", "other/Read"] {
        let failure = failure(command).await;
        assert_eq!(failure.kind, Kind::Refused(Refusal::NotReady), "{command}");
        assert!(failure.retry_after.is_some());
    }
    environment.0.send_replace(Mounted::settled(Vec::new()));
    entry.0.send_modify(|mounted| {
        mounted.settled = true;
        mounted.problems = Arc::new(["it does not start".to_owned()]);
    });
    while failure("odd/Read").await.code != "worker_unavailable" {
        tokio::task::yield_now().await;
    }
    let failed = failure("odd/Read").await;
    assert_eq!((failed.kind, failed.effect), (Kind::Crashed, Effect::None));
    assert_eq!(failure("other/Read").await.code, "command_not_found");
    entry
        .0
        .send_replace(Mounted::settled(vec![connector("odd", &Arc::default())]));
    while broker
        .catalogue()
        .find(&CommandId::new("odd", "Read"))
        .is_err()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(failure("odd/Reed").await.code, "command_not_found");
}

/// A mount that tells when it is closed, and that may have problems instead of connectors.
struct Closing {
    mounted: watch::Sender<Mounted>,
    closed: Arc<Notify>,
}

impl Mount for Closing {
    fn connectors(&self) -> watch::Receiver<Mounted> {
        self.mounted.subscribe()
    }

    fn close(&self) -> futures_util::future::BoxFuture<'_, ()> {
        self.closed.notify_one();
        Box::pin(std::future::ready(()))
    }
}

fn closing(name: &str, odd: &Arc<Odd>, problems: &[&str]) -> (Registration, Arc<Notify>) {
    let closed = Arc::new(Notify::new());
    let connectors = match problems {
        [] => vec![connector(name, odd)],
        _ => Vec::new(),
    };
    let mounted = Mounted {
        problems: problems.iter().map(|p| (*p).to_owned()).collect(),
        ..Mounted::settled(connectors)
    };
    let mount = Arc::new(Closing {
        mounted: watch::Sender::new(mounted),
        closed: closed.clone(),
    });
    let naming = Naming::Own;
    (Registration { naming, mount }, closed)
}

#[tokio::test]
async fn a_replaced_mount_ends_its_calls_before_it_is_closed() {
    let (old, new) = (Arc::new(Odd::default()), Arc::new(Odd::default()));
    let (registration, closed) = closing("odd", &old, &[]);
    let broker = Broker::new(Settings::default(), vec![registration], None).unwrap();
    let mut first = Box::pin(broker.submit(call("odd/Write", "{}"), LIMIT));
    assert!(futures_util::poll!(&mut first).is_pending());

    let (registration, _) = closing("odd", &new, &[]);
    let replaced = broker.replace(Settings::default(), vec![registration]);
    replaced.await.unwrap();
    assert!(futures_util::poll!(Box::pin(closed.notified())).is_pending());
    new.release.notify_one();
    broker.submit(call("odd/Write", "{}"), LIMIT).await.unwrap();
    assert_eq!(new.finished.load(Ordering::SeqCst), 1);

    old.release.notify_one();
    first.await.unwrap();
    closed.notified().await;
    assert_eq!(old.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_mount_that_is_kept_is_not_closed_and_goes_on_counting_its_calls() {
    let odd = Arc::new(Odd::default());
    let (registration, closed) = closing("odd", &odd, &[]);
    let mount = registration.mount.clone();
    let broker = Broker::new(Settings::default(), vec![registration], None).unwrap();
    let mut first = Box::pin(broker.submit(call("odd/Write", "{}"), LIMIT));
    assert!(futures_util::poll!(&mut first).is_pending());
    let naming = Naming::Entry("renamed".to_owned());
    let again = Registration { naming, mount };
    let replaced = broker.replace(Settings::default(), vec![again]);
    replaced.await.unwrap();
    assert!(broker.submit(call("odd/Write", "{}"), LIMIT).await.is_err());
    odd.release.notify_one();
    first.await.unwrap();
    odd.release.notify_one();
    let renamed = broker.submit(call("renamed/Write", "{}"), LIMIT);
    renamed.await.unwrap();
    assert!(futures_util::poll!(Box::pin(closed.notified())).is_pending());
}

#[tokio::test]
async fn new_mounts_with_problems_or_clashes_change_nothing() {
    let odd = Arc::new(Odd::default());
    let broker = broker(&odd);
    let (broken, closed) = closing("new", &odd, &["connector new: no such package"]);
    let failure = broker.replace(Settings::default(), vec![broken]).await;
    let problems = vec!["connector new: no such package".to_owned()];
    assert_eq!(failure, Err(NotReplaced::Problems(problems)));
    closed.notified().await;
    let (one, two) = (closing("new", &odd, &[]).0, closing("new", &odd, &[]).0);
    let failure = broker.replace(Settings::default(), vec![one, two]).await;
    assert!(matches!(failure, Err(NotReplaced::Clash(_))), "{failure:?}");
    odd.release.notify_one();
    broker.submit(call("odd/Write", "{}"), LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_mount_that_had_nothing_is_replaced_by_one_that_has_nothing_either() {
    let odd = Arc::new(Odd::default());
    let (first, closed) = closing("odd", &odd, &["odd: no such package"]);
    let broker = Broker::new(Settings::default(), vec![first], None).unwrap();
    let (second, _) = closing("odd", &odd, &["odd: a mistake in line 1"]);
    let replaced = broker.replace(Settings::default(), vec![second]).await;
    assert_eq!(replaced, Ok(()));
    closed.notified().await;
    assert_eq!(broker.health().problems, ["odd: a mistake in line 1"]);
}

#[tokio::test]
async fn what_is_kept_back_is_in_the_health_until_the_next_reload() {
    let odd = Arc::new(Odd::default());
    let (registration, _) = closing("odd", &odd, &[]);
    let (naming, mount) = (registration.naming.clone(), registration.mount.clone());
    let broker = Broker::new(Settings::default(), vec![registration], None).unwrap();
    let settings = Settings {
        kept_back: vec!["odd goes on as it was".to_owned()],
        ..Settings::default()
    };
    let again = || Registration {
        naming: naming.clone(),
        mount: mount.clone(),
    };
    broker.replace(settings, vec![again()]).await.unwrap();
    assert_eq!(broker.health().problems, ["odd goes on as it was"]);
    let replaced = broker.replace(Settings::default(), vec![again()]);
    replaced.await.unwrap();
    assert!(broker.health().problems.is_empty());
}

#[tokio::test]
async fn a_clash_that_comes_later_leaves_the_second_one_out_and_serves_the_rest() {
    let odd = Arc::new(Odd::default());
    let (first, _) = closing("odd", &odd, &[]);
    let nothing = Mounted {
        settled: false,
        ..Mounted::settled(vec![])
    };
    let late = Arc::new(Closing {
        mounted: watch::Sender::new(nothing),
        closed: Arc::default(),
    });
    let second = Registration {
        naming: Naming::From("[connectors.second]".to_owned()),
        mount: late.clone(),
    };
    let broker = Broker::new(Settings::default(), vec![first, second], None).unwrap();
    assert!(!broker.health().ready);
    let other = Arc::new(Odd::default());
    let found = vec![connector("odd", &other), connector("well", &other)];
    late.mounted.send_replace(Mounted::settled(found));
    broker.settled().await;
    let health = broker.health();
    assert!(health.ready && health.problems.len() == 1, "{health:?}");
    assert!(health.problems[0].contains("[connectors.second]"));
    other.release.notify_one();
    broker
        .submit(call("well/Write", "{}"), LIMIT)
        .await
        .unwrap();
    odd.release.notify_one();
    broker.submit(call("odd/Write", "{}"), LIMIT).await.unwrap();
    assert_eq!(odd.finished.load(Ordering::SeqCst), 1);
    let failure = broker
        .submit(call("gone/X", "{}"), LIMIT)
        .await
        .unwrap_err();
    assert!(failure.message.contains("/readyz"), "{failure}");
}
