use crosspoint_core::{Effect, Invalid};
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn breaker() -> Breaker {
    let settings = CircuitBreaker {
        failures: 3,
        within: 30 * SECOND,
        pause: 10 * SECOND,
    };
    Breaker::new(settings, Scope::new("crm", None), Counter::default())
}

fn through(breaker: &Breaker) -> Watched<'_> {
    layer(Some(breaker)).unwrap()
}

fn refused(breaker: &Breaker) -> Failure {
    let Err(failure) = layer(Some(breaker)) else {
        panic!("the call went through")
    };
    assert_eq!(failure.code, "circuit_open");
    assert_eq!(failure.effect, Effect::None);
    failure
}

fn well() -> Result<Outcome, Failure> {
    Ok(Outcome::text("well"))
}

fn broke_off() -> Result<Outcome, Failure> {
    Err(Failure::transport("ReadTimeout", "slow"))
}

fn answered(status: u16) -> Result<Outcome, Failure> {
    let failure = Failure::reported(format!("HttpError{status}"), "no");
    Err(failure.with_outcome(Outcome::text("").with_status(status)))
}

fn fail(breaker: &Breaker, times: usize) {
    for _ in 0..times {
        through(breaker).judge(&broke_off());
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_failures_open_it_and_the_refusal_says_for_how_long() {
    let breaker = breaker();
    fail(&breaker, 2);
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
    fail(&breaker, 1);
    assert_eq!(breaker.phase(), BreakerPhase::Open);
    advance(4 * SECOND).await;
    assert_eq!(refused(&breaker).retry_after, Some(6 * SECOND));
    assert_eq!(breaker.left(), 6 * SECOND);
    assert_eq!(breaker.refused.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_old_or_fewer_than_half_do_not_open_it() {
    let old = breaker();
    fail(&old, 2);
    advance(30 * SECOND).await;
    fail(&old, 2);
    assert_eq!(old.phase(), BreakerPhase::Closed);
    let few = breaker();
    for _ in 0..4 {
        through(&few).judge(&well());
    }
    fail(&few, 3);
    assert_eq!(few.phase(), BreakerPhase::Closed);
    fail(&few, 1);
    assert_eq!(few.phase(), BreakerPhase::Open);
}

#[test]
fn only_what_shows_that_the_system_is_in_trouble_is_a_failure() {
    let refused = |refusal| Err(Failure::refused(refusal, "no"));
    let invalid = Kind::Invalid(Invalid::Arguments);
    for (result, wanted) in [
        (well(), Says::Well),
        (broke_off(), Says::Failed),
        (refused(Refusal::DeadlineExceeded), Says::Failed),
        (Err(Failure::new(Kind::Crashed, "died", "")), Says::Failed),
        (answered(429), Says::Failed),
        (answered(500), Says::Failed),
        (answered(503), Says::Failed),
        (answered(400), Says::Well),
        (answered(404), Says::Well),
        (Err(Failure::reported("Denied", "no")), Says::Well),
        (Err(Failure::new(invalid, "TypeError", "")), Says::Well),
        (Err(Failure::new(Kind::Raised, "KeyError", "")), Says::Well),
        (refused(Refusal::Egress), Says::Nothing),
    ] {
        assert_eq!(says(&result), wanted, "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_pause_one_call_decides_and_a_success_closes_it() {
    let breaker = breaker();
    fail(&breaker, 3);
    advance(10 * SECOND).await;
    let on_probation = through(&breaker);
    assert_eq!(breaker.phase(), BreakerPhase::Probation);
    assert_eq!(refused(&breaker).retry_after, Some(WAIT));
    on_probation.judge(&answered(404));
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
    // What failed before is forgotten.
    fail(&breaker, 2);
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
}

#[tokio::test(start_paused = true)]
async fn each_failure_on_probation_doubles_the_pause_up_to_five_minutes() {
    let breaker = breaker();
    fail(&breaker, 3);
    for pause in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(refused(&breaker).retry_after, Some(pause * SECOND));
        advance(pause * SECOND).await;
        fail(&breaker, 1);
    }
    advance(300 * SECOND).await;
    through(&breaker).judge(&well());
    fail(&breaker, 3);
    assert_eq!(refused(&breaker).retry_after, Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_on_probation_decides_nothing_and_the_next_one_is() {
    let breaker = breaker();
    fail(&breaker, 3);
    advance(10 * SECOND).await;
    drop(through(&breaker));
    let egress = Err(Failure::refused(Refusal::Egress, "no"));
    through(&breaker).judge(&egress);
    let next = through(&breaker);
    refused(&breaker);
    next.judge(&broke_off());
    // Neither of the two has doubled the pause.
    assert_eq!(refused(&breaker).retry_after, Some(20 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_on_probation_holds_up_the_others_for_one_pause_only() {
    let breaker = breaker();
    fail(&breaker, 3);
    advance(10 * SECOND).await;
    let hangs = through(&breaker);
    advance(10 * SECOND).await;
    let next = through(&breaker);
    refused(&breaker);
    hangs.judge(&broke_off());
    next.judge(&well());
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_do_not_open_it() {
    let breaker = breaker();
    for _ in 0..10 {
        drop(through(&breaker));
    }
    fail(&breaker, 2);
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_began_before_it_opened_has_no_say_in_what_comes_after() {
    let breaker = breaker();
    let (early, late) = (through(&breaker), through(&breaker));
    fail(&breaker, 3);
    early.judge(&well());
    assert_eq!(breaker.phase(), BreakerPhase::Open);
    advance(10 * SECOND).await;
    let on_probation = through(&breaker);
    late.judge(&broke_off());
    assert_eq!(breaker.phase(), BreakerPhase::Probation);
    on_probation.judge(&well());
    assert_eq!(breaker.phase(), BreakerPhase::Closed);
}
