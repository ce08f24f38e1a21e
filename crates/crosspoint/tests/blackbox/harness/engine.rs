//! A stand-in for SpiffArena's backend, where it takes results of long calls.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::TcpSocket;

use super::{Gate, Reply, Seen, Upstream, check, closed_port, until};

/// Takes one result at each of its callback URLs, as the backend does: what comes later is 400.
pub struct Engine {
    address: SocketAddr,
    closed: Mutex<Option<TcpSocket>>,
    state: Arc<Mutex<State>>,
}

/// What happens to one delivery.
#[derive(Clone)]
pub enum Turn {
    /// What the backend does.
    Usual,
    /// It is refused with this status.
    Status(u16),
    /// It is sent elsewhere.
    Redirect(String),
    /// The connection breaks off before anybody looks at it.
    HangUp,
    /// It is taken, and the connection breaks off before the answer.
    Lose,
    /// It is taken, and answered when the gate opens.
    Behind(Gate),
}

#[derive(Default)]
struct State {
    /// What is to happen at a target; when that is over, or there is nothing, `rest` does.
    turns: BTreeMap<String, VecDeque<Turn>>,
    rest: Option<Turn>,
    /// How many URLs were given out.
    names: usize,
    puts: Vec<Put>,
}

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub struct Put {
    /// The request.
    pub seen: Seen,
    /// Whether the engine has the result from it.
    pub taken: bool,
}

// === impl Engine ===

impl Engine {
    /// One that runs.
    pub async fn start() -> Engine {
        let engine = Engine::down();
        engine.open();
        engine
    }

    /// One that refuses connections until it is opened.
    pub fn down() -> Engine {
        let (socket, address) = closed_port();
        Engine {
            address,
            closed: Mutex::new(Some(socket)),
            state: Arc::default(),
        }
    }

    /// Takes connections from now on.
    pub fn open(&self) {
        let socket = self.closed.lock().unwrap().take();
        let state = self.state.clone();
        let socket = socket.expect("the engine is open already");
        drop(Upstream::open(socket, move |seen| {
            state.lock().unwrap().answer(seen)
        }));
    }

    /// The origin, for the configuration.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new callback URL, where these things happen first.
    pub fn callback(&self, turns: impl IntoIterator<Item = Turn>) -> String {
        let mut state = self.state.lock().unwrap();
        state.names += 1;
        let target = format!("/v1.0/tasks/{}/call%2Fback?one=a%20b&two=", state.names);
        state
            .turns
            .insert(target.clone(), turns.into_iter().collect());
        self.origin() + &target
    }

    /// What happens to every delivery for which nothing else was said.
    pub fn rest(&self, turn: Turn) {
        self.state.lock().unwrap().rest = Some(turn);
    }

    /// All deliveries to a URL so far.
    pub fn puts(&self, url: &str) -> Vec<Put> {
        let target = url.strip_prefix(&self.origin()).expect("a URL of this one");
        let state = self.state.lock().unwrap();
        let puts = state.puts.iter().filter(|put| put.seen.target == target);
        puts.cloned().collect()
    }

    /// How many deliveries there were to whatever URL.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().puts.len()
    }

    /// Waits until so many deliveries to a URL have arrived, and gives them.
    pub async fn arrived(&self, url: &str, count: usize) -> Vec<Put> {
        let what = format!("{count} deliveries to {url} have arrived");
        until(&what, async || self.puts(url).len() >= count).await;
        self.puts(url)
    }

    /// How often the engine has taken a result at a URL.
    pub fn taken(&self, url: &str) -> usize {
        self.puts(url).iter().filter(|put| put.taken).count()
    }

    /// Waits until the engine has the result of a URL, and gives it.
    pub async fn result(&self, url: &str) -> Put {
        let what = format!("the engine has the result of {url}");
        until(&what, async || self.taken(url) > 0).await;
        let taken = self.puts(url).into_iter().find(|put| put.taken);
        taken.unwrap()
    }
}

// === impl State ===

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        let turn = self
            .turns
            .get_mut(&seen.target)
            .and_then(VecDeque::pop_front);
        let turn = turn.or_else(|| self.rest.clone()).unwrap_or(Turn::Usual);
        let looked_at = matches!(turn, Turn::Usual | Turn::Lose | Turn::Behind(_));
        let before = |put: &Put| put.taken && put.seen.target == seen.target;
        let taken = looked_at && !self.puts.iter().any(before);
        self.puts.push(Put {
            seen: seen.clone(),
            taken,
        });
        let usual = match taken {
            true => Reply::json(r#"{"ok": true}"#),
            false => Reply::status(400).body("no longer waiting"),
        };
        match turn {
            Turn::Usual => usual,
            Turn::Status(status) => Reply::status(status).body("not now"),
            Turn::Redirect(location) => Reply::redirect(302, &location),
            Turn::HangUp | Turn::Lose => Reply::raw(""),
            Turn::Behind(gate) => usual.behind(&gate),
        }
    }
}

// === impl Put ===

impl Put {
    /// The envelope, which the protocol's schema finds no fault with.
    pub fn envelope(&self) -> Value {
        assert_eq!(self.seen.method, "PUT", "{self:?}");
        check("/v1/do/by/callback", 200, &self.seen.text());
        self.seen.json()
    }

    /// The body of a result that is no failure.
    pub fn success(&self) -> Value {
        let envelope = self.envelope();
        assert_eq!(envelope["error"], Value::Null, "{envelope}");
        envelope["command_response"]["body"].clone()
    }

    /// The code of a failure.
    pub fn code(&self) -> String {
        let envelope = self.envelope();
        let code = envelope["error"]["error_code"].as_str();
        code.unwrap_or_else(|| panic!("{envelope}")).to_owned()
    }
}

#[tokio::test]
async fn the_engine_takes_one_result_at_each_url_and_does_what_it_is_told_before() {
    let engine = Engine::down();
    let gate = Gate::new();
    gate.open();
    let url = engine.callback([
        Turn::Status(500),
        Turn::Redirect("http://127.0.0.1:1/".to_owned()),
        Turn::HangUp,
        Turn::Lose,
        Turn::Behind(gate),
    ]);
    let put = async |url: &str| {
        let answer = super::client::put(url, "{}").await;
        answer.map(|answer| answer.status().as_u16()).ok()
    };
    assert_eq!(put(&url).await, None);
    engine.open();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(put(&url).await);
    }
    let expected = [Some(500), Some(302), None, None, Some(400), Some(400)];
    assert_eq!(statuses, expected);
    assert_eq!((engine.taken(&url), engine.puts(&url).len()), (1, 6));
    let other = engine.callback([]);
    assert_eq!(put(&other).await, Some(200));
    assert_eq!(engine.taken(&other), 1);
}
