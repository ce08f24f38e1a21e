//! `GET /api/v1/calls/events`: each call as it comes in and changes, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use crosspoint_broker::Broker;
use crosspoint_broker::ledger::{Row, Watch, row_json};
use crosspoint_core::CallId;
use futures_util::{Stream, StreamExt, stream};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::ledger::{store, within};
use super::problem::Mistake;
use super::{Problem, query};
use crate::request::Seen;
use crate::router::Shared;

/// The event that a client has seen last (HTML, 9.2.4).
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How many may follow at once: each looks at the ledger by itself.
pub(crate) const FOLLOWERS: usize = 32;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(500);

/// How often something is sent at the least, so that nobody on the way takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// Tells proxies not to keep anything back.
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// One who follows.
struct Follower {
    broker: Broker,
    watch: Watch,
    /// News that were not sent yet, oldest first.
    news: VecDeque<Row>,
    _place: OwnedSemaphorePermit,
}

/// Follows the ledger until the client or the process goes away.
pub(crate) async fn events(
    State(shared): State<Shared>,
    Extension(seen): Extension<Seen>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match follow(&shared, &seen, uri.query(), &headers).await {
        Ok(follower) => {
            let stopping = shared.broker.stopping();
            let events = events_of(follower).take_until(Box::pin(stopping));
            let alive = KeepAlive::new().interval(ALIVE).text("alive");
            let mut response = Sse::new(events).keep_alive(alive).into_response();
            let no = HeaderValue::from_static("no");
            response.headers_mut().insert(&BUFFERING, no);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

async fn follow(
    shared: &Shared,
    seen: &Seen,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Follower, Problem> {
    let mut filter = query::filter(query)?;
    within(seen, &mut filter)?;
    let last = last_seen(headers)?;
    let store = store(shared)?;
    let Ok(place) = shared.followers.clone().try_acquire_owned() else {
        let detail = format!("{FOLLOWERS} clients follow the ledger already");
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        return Err(problem.again_after(Some(ALIVE)));
    };
    let mut watch = Watch::new(filter);
    let news = match last {
        Some(last) => watch.resume(store, &last).await?,
        None => watch.begin(store, 0).await?,
    };
    Ok(Follower {
        broker: shared.broker.clone(),
        watch,
        news: news.into(),
        _place: place,
    })
}

fn last_seen(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(last) = headers.get(&LAST_EVENT_ID) else {
        return Ok(None);
    };
    let last = last.to_str().ok().map(str::trim);
    // What a client sends that has seen none.
    if last == Some("") {
        return Ok(None);
    }
    let id = last.and_then(|last| last.parse::<CallId>().ok());
    let mistake = || {
        let detail = "the header Last-Event-ID must be the id of an event";
        Problem::mistakes(vec![Mistake::in_header("Last-Event-ID", detail)])
    };
    id.map(|id| Some(id.to_string())).ok_or_else(mistake)
}

fn events_of(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    // The client learns at once that it follows.
    let first = stream::iter([Ok(Event::default().comment("following"))]);
    let calls = stream::unfold(follower, |mut follower| async {
        let row = follower.next().await;
        Some((Ok(event(&row)), follower))
    });
    first.chain(calls)
}

fn event(row: &Row) -> Event {
    let event = Event::default().event("call").id(&row.id);
    event.data(row_json(row).to_string())
}

// === impl Follower ===

impl Follower {
    async fn next(&mut self) -> Row {
        loop {
            if let Some(row) = self.news.pop_front() {
                return row;
            }
            sleep(LOOK).await;
            // A ledger that does not answer at the moment is asked again.
            if let Some(store) = self.broker.ledger()
                && let Ok(news) = self.watch.look(store).await
            {
                self.news = news.into();
            }
        }
    }
}
