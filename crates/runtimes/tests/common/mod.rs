//! What the tests of the runtimes that run processes have in common.

pub mod interpreter;
pub mod log;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosspoint_core::{
    Arguments, Body, Call, CommandId, Connector, Context, Failure, Ingress, Mask, Origin, Outcome,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tokio::time::Instant;

pub type Answer = Result<Outcome, Failure>;

pub fn new_call(command: &str, arguments: &str) -> Call {
    let arguments = Arguments::parse(Bytes::copy_from_slice(arguments.as_bytes())).unwrap();
    let id = CommandId::new("probe", command);
    Call::new(id, arguments, Origin::of(Ingress::Spiff))
}

pub fn context(call: &Call, deadline: Duration) -> Context {
    Context::new(call.id, Instant::now() + deadline, Mask::default())
}

/// Calls as the broker does, with time enough for any machine.
pub async fn call(connector: &Arc<dyn Connector>, command: &str, arguments: Value) -> Answer {
    call_within(connector, command, arguments, Duration::from_secs(120)).await
}

pub async fn call_within(
    connector: &Arc<dyn Connector>,
    command: &str,
    arguments: Value,
    deadline: Duration,
) -> Answer {
    let call = new_call(command, &arguments.to_string());
    let cx = context(&call, deadline);
    let result = connector.call(call, &cx).await;
    cx.finish(result)
}

/// The body of an answer that went well, as JSON.
pub fn body(answer: Answer) -> Value {
    match answer.unwrap().body {
        Body::Json(json) => json.read().unwrap(),
        Body::Text(text) => text.into(),
        Body::Bytes(bytes) => json!(bytes.to_vec()),
    }
}

pub fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Whether a process is there and not a zombie.
pub fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    match stat {
        Ok(stat) => !stat.contains(") Z "),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => test_kill_process(Pid::from_raw(pid).unwrap()).is_ok(),
    }
}

/// Waits until something is so. The tests take no time for granted; this is only where a failure
/// ends a test that would wait for ever.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn until_there(path: &Path) {
    until(&format!("{} is there", path.display()), || path.exists()).await;
}

pub fn touch(path: &Path) {
    std::fs::write(path, "").unwrap();
}
