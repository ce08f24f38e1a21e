//! The profile of a call: when it is looked at, what it adds, and what happens when it does not work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crosspoint_core::{Arguments, Call, Effect, Failure, Outcome, Secret};
use futures_util::future::{BoxFuture, join_all};
use tokio::time::{Instant, sleep};

use super::bench::*;
use crate::BreakerPhase;
use crate::cabinet::{Cabinet, Drawer, Expected, Memory};
use crate::policy::PolicyTable;
use crate::profiles::{Connections, Definition, ProfileId, Source, Token, Tokens, Vault, Written};

/// A vault that counts how often it is asked, and may take its time.
#[derive(Default)]
struct Slow {
    asked: AtomicUsize,
    takes: Duration,
}

impl Vault for Arc<Slow> {
    fn read<'a>(
        &'a self,
        _: &'a str,
        field: &'a str,
    ) -> BoxFuture<'a, Result<Secret<String>, String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            sleep(self.takes).await;
            match field {
                "absent" => Err("is not there".to_owned()),
                field => Ok(Secret::new(format!("canary-{field}"))),
            }
        })
    }

    fn ttl(&self) -> Duration {
        Duration::ZERO
    }
}

/// Hands out one token after the other, and says what it was asked.
#[derive(Default)]
struct Fresh(Mutex<Vec<Option<i64>>>);

impl Tokens for Arc<Fresh> {
    fn field(&self, _: &ProfileId, _: &str) -> String {
        "token".to_owned()
    }

    fn token<'a>(
        &'a self,
        _: &'a ProfileId,
        _: &'a str,
        stale: Option<i64>,
    ) -> BoxFuture<'a, Result<Token, Failure>> {
        self.0.lock().unwrap().push(stale);
        let revision = stale.unwrap_or_default() + 1;
        Box::pin(std::future::ready(Ok(Token {
            field: "token".to_owned(),
            value: Secret::new(format!("canary-{revision}")),
            revision,
        })))
    }

    fn is_expiry(&self, _: &ProfileId, _: &str, result: &Result<Outcome, Failure>) -> bool {
        result
            .as_ref()
            .is_err_and(|failure| failure.code == "HttpError401")
    }
}

fn profile(name: &str, secret: Source) -> Definition {
    let mut profile = Definition::new(ProfileId::new("odd", name), Written::File);
    profile
        .settings
        .insert("url".into(), format!("url-{name}").into());
    profile.secrets.insert("token".into(), secret);
    profile
}

fn vault(field: &str) -> Source {
    Source::of_reference(&format!("vault:a/b#{field}")).unwrap()
}

fn slow(takes: Duration) -> Arc<Slow> {
    Arc::new(Slow {
        takes,
        ..Slow::default()
    })
}

fn bench(policy: PolicyTable, vault: &Arc<Slow>, profiles: Vec<Definition>) -> Bench {
    let connections = Connections::new(None, Some(Arc::new(vault.clone())), None);
    Bench::with_connections(policy, connections.with_file(profiles))
}

fn named(command: &str, profile: &str, arguments: &'static str) -> Call {
    let mut call = call(command);
    call.profile = Some(profile.to_owned());
    call.arguments = Arguments::parse(arguments.into()).unwrap();
    call
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_not_there_is_told_before_anything_is_asked() {
    let vault = slow(SECOND);
    let bench = bench(none(), &vault, vec![profile("prod", self::vault("v"))]);
    let failure = bench.broker.submit(named("Use", "prdo", "{}"), LIMIT).await;
    let failure = failure.unwrap_err();
    assert_eq!(
        (&*failure.code, failure.effect),
        ("profile_not_found", Effect::None)
    );
    assert_eq!((bench.asked(), vault.asked.load(Ordering::SeqCst)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn secrets_are_followed_within_every_limit_and_at_each_attempt() {
    let vault = slow(Duration::ZERO);
    let policy = PolicyTable {
        breaker: breaker(1),
        rate: rate(3, 3600 * SECOND),
        ..retries(1)
    };
    let bench = bench(policy, &vault, vec![profile("prod", self::vault("v"))]);
    let asked = || vault.asked.load(Ordering::SeqCst);
    bench.next([answers(503)]);
    bench.call("Read").await.unwrap();
    assert_eq!(asked(), 2);
    bench.next([breaks_off()]);
    // Not tried again: it might do harm. The breaker is open then, and the rate used up.
    bench.fails("Write").await;
    assert_eq!(asked(), 3);
    assert_eq!(bench.fails("Write").await.code, "rate_limited");
    assert_eq!(asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_had_says_nothing_about_the_system() {
    for (field, takes, attempt) in [("absent", 0, None), ("late", 60, Some(2 * SECOND))] {
        let vault = slow(takes * SECOND);
        let policy = PolicyTable {
            breaker: breaker(1),
            timeout: attempt,
            ..none()
        };
        let bench = bench(policy, &vault, vec![profile("prod", self::vault(field))]);
        let begun = Instant::now();
        let failure = bench.fails("Write").await;
        assert_eq!(
            (&*failure.code, failure.effect),
            ("secret_unavailable", Effect::None)
        );
        assert!(
            failure.message.starts_with("profile odd/prod: "),
            "{failure}"
        );
        assert_eq!(begun.elapsed(), attempt.unwrap_or_default());
        assert_eq!((bench.asked(), bench.breaker()), (0, BreakerPhase::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn values_stand_in_where_the_call_gives_nothing_and_are_masked() {
    let vault = slow(Duration::ZERO);
    let bench = bench(none(), &vault, vec![profile("prod", self::vault("v"))]);
    let own = Some("own".to_owned());
    let (url, token) = (Some("url-prod".to_owned()), Some("canary-v".to_owned()));
    for (arguments, seen) in [
        ("{}", [url.clone(), token.clone()]),
        (
            r#"{"url": "", "token": null}"#,
            [url.clone(), token.clone()],
        ),
        (r#"{"url": "own"}"#, [own.clone(), token]),
        (r#"{"token": "own"}"#, [url, own]),
    ] {
        bench.next([Does::Fails(Failure::reported("No", "canary-v is odd"))]);
        let failure = bench
            .broker
            .submit(named("Use", "prod", arguments), LIMIT)
            .await;
        assert_eq!(failure.unwrap_err().message, "*** is odd");
        let saw = bench.system.saw.lock().unwrap().pop().unwrap();
        assert_eq!(saw.1, seen, "{arguments}");
        assert!(saw.0.chosen);
    }
    // Other commands get it as the profile alone.
    bench.call("Read").await.unwrap();
    let (profile, arguments) = bench.system.saw.lock().unwrap().pop().unwrap();
    assert_eq!(arguments, [None, None]);
    assert_eq!(profile.get("token").unwrap(), "canary-v");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_system_takes_no_more_is_replaced_once() {
    let tokens = Arc::new(Fresh::default());
    let mut profile = Definition::new(ProfileId::new("odd", "prod"), Written::File);
    profile.settings.insert("url".into(), "u".into());
    profile.auth = Some("main".to_owned());
    let connections = Connections::new(None, None, Some(Arc::new(tokens.clone())));
    let bench = Bench::with_connections(
        PolicyTable {
            breaker: breaker(1),
            ..none()
        },
        connections.with_file(vec![profile]),
    );
    bench.next([answers(401)]);
    let logs = bench.call("Use").await.unwrap().logs;
    let line = "The system did not take the token; asking once more with a fresh one";
    assert_eq!(logs, ["asked (1)", line, "asked (2)"]);
    let last = |n: usize| bench.system.saw.lock().unwrap()[n].1[1].clone();
    assert_eq!(
        [last(0), last(1)],
        ["canary-1", "canary-2"].map(|t| Some(t.to_owned()))
    );
    bench.next([answers(401), answers(401)]);
    assert_eq!(bench.fails("Use").await.code, "HttpError401");
    assert_eq!(bench.asked(), 4);
    bench.next([answers(404)]);
    bench.fails("Use").await;
    assert_eq!(bench.asked(), 5);
    assert_eq!(
        *tokens.0.lock().unwrap(),
        [None, Some(1), None, Some(1), None]
    );
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_get_each_their_own_profile() {
    let vault = slow(Duration::ZERO);
    let profiles = ["one", "two"].map(|name| profile(name, self::vault(name)));
    let bench = bench(none(), &vault, profiles.into());
    let calls = (0..400).map(|n| {
        let profile = ["one", "two"][n % 2];
        bench.broker.submit(named("Use", profile, "{}"), LIMIT)
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let saw = bench.system.saw.lock().unwrap();
    for (profile, [url, token]) in saw.iter() {
        let name = profile.name.as_deref().unwrap();
        assert_eq!(url.as_deref(), Some(&*format!("url-{name}")));
        assert_eq!(token.as_deref(), Some(&*format!("canary-{name}")));
    }
    assert_eq!(
        saw.iter()
            .filter(|(p, _)| p.name.as_deref() == Some("one"))
            .count(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_counts_after_a_moment_and_the_connector_is_told() {
    let memory = Arc::new(Memory::default());
    let secret = async |value: &'static str| {
        let put = memory.put(Drawer::Secret, "T", value.into(), None, Expected::Any);
        put.await.unwrap();
    };
    let connections = Connections::new(Some(memory.clone()), None, None);
    let kept = profile("prod", Source::of_reference("secret:T").unwrap());
    let bench = Bench::with_connections(none(), connections.with_file(vec![kept]));
    secret("v1").await;
    bench.broker.attend_profiles();
    let used = async || {
        bench.call("Use").await.unwrap();
        bench.system.saw.lock().unwrap().pop().unwrap().1[1]
            .clone()
            .unwrap()
    };
    assert_eq!(used().await, "v1");
    sleep(5 * SECOND).await;
    assert_eq!(bench.system.renewed.load(Ordering::SeqCst), 0);
    secret("v2").await;
    sleep(5 * SECOND).await;
    assert_eq!(used().await, "v2");
    assert_eq!(bench.system.renewed.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_tells_whether_a_profile_works_and_the_last_one_shows_in_the_health() {
    let vault = slow(Duration::ZERO);
    let profiles = [("prod", "v"), ("gone", "absent")];
    let profiles = profiles.map(|(name, field)| profile(name, self::vault(field)));
    let bench = bench(none(), &vault, profiles.into());
    let check = async |name: &str| {
        let id = ProfileId::new("odd", name);
        bench.broker.check_profile(&id, SECOND).await
    };
    assert_eq!(check("prod").await.unwrap().error, None);
    assert!(bench.broker.health().profiles.is_empty());
    let failure = Failure::reported("HttpError401", "canary-v is not known");
    bench.system.checks.lock().unwrap().push_back(failure);
    let error = check("prod").await.unwrap().error.unwrap();
    assert_eq!(error.message, "*** is not known");
    let told = "profile odd/prod failed its last check: HttpError401: *** is not known";
    assert_eq!(bench.broker.health().profiles, [told]);
    check("prod").await.unwrap();
    assert!(bench.broker.health().profiles.is_empty());
    let error = check("gone").await.unwrap().error.unwrap();
    assert_eq!(error.code, "secret_unavailable");
    assert_eq!(check("nobody").await.unwrap_err().code, "profile_not_found");
    assert_eq!(bench.system.checked.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn profiles_are_checked_as_often_as_they_say_and_once_among_several_processes() {
    let memory = Arc::new(Memory::default());
    let bench = || {
        let connections = Connections::new(Some(memory.clone()), None, None);
        let token = Source::Value(Secret::new("t".to_owned()));
        let mut often = profile("often", token.clone());
        often.check_every = Some(60 * SECOND);
        let profiles = vec![often, profile("never", token)];
        Bench::with_connections(none(), connections.with_file(profiles))
    };
    let checked = |bench: &Bench| bench.system.checked.load(Ordering::SeqCst);
    let first = bench();
    first.broker.attend_profiles();
    sleep(30 * SECOND).await;
    assert_eq!(checked(&first), 1);
    // Its clock is that of the world, by which no time has passed.
    let second = bench();
    second.broker.attend_profiles();
    sleep(10 * SECOND).await;
    assert_eq!(checked(&second), 0);
    let last = second.broker.connections();
    assert!(
        last.last_check(&ProfileId::new("odd", "often"))
            .await
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_wants_it_is_checked_by_itself_with_its_profiles_or_without_any() {
    let failure = || Failure::transport("connect_failed", "it is down");
    let told = |bench: &Bench| bench.broker.health().profiles.clone();
    let bare = Bench::new(none());
    *bare.system.often.lock().unwrap() = Some(60 * SECOND);
    bare.system.checks.lock().unwrap().push_back(failure());
    bare.broker.attend_profiles();
    sleep(30 * SECOND).await;
    let problem = "connector odd failed its last check: connect_failed: it is down";
    assert_eq!(told(&bare), [problem]);
    sleep(60 * SECOND).await;
    assert_eq!(bare.system.checked.load(Ordering::SeqCst), 2);
    assert!(told(&bare).is_empty());

    let token = Source::Value(Secret::new("canary-t".to_owned()));
    let connections = Connections::default().with_file(vec![profile("prod", token)]);
    let bench = Bench::with_connections(none(), connections);
    *bench.system.often.lock().unwrap() = Some(60 * SECOND);
    bench.system.checks.lock().unwrap().push_back(failure());
    bench.broker.attend_profiles();
    sleep(30 * SECOND).await;
    let problem = "profile odd/prod failed its last check: connect_failed: it is down";
    assert_eq!(told(&bench), [problem]);
}
