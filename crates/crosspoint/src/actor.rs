//! Who runs the command line, for the record of what administrators did.

use crosspoint_broker::cabinet::{Act, Cabinet};
use crosspoint_broker::ledger::StoreError;
use jiff::Timestamp;

/// Records what this user did, and waits for the commit. `detail` holds no secret.
pub async fn record(
    cabinet: &dyn Cabinet,
    act: &str,
    subject: &str,
    detail: Option<String>,
) -> Result<(), StoreError> {
    let act = Act {
        // The cabinet gives one.
        id: String::new(),
        at: Timestamp::now().as_millisecond(),
        actor: user(),
        ingress: "cli".to_owned(),
        act: act.to_owned(),
        subject: subject.to_owned(),
        detail,
    };
    cabinet.record(act).await
}

/// The name of the user. By what the system says: variables such as `USER` say what anybody wants.
pub fn user() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, id).map_or_else(|| format!("uid {id}"), str::to_owned)
}

fn named(users: &str, id: u32) -> Option<&str> {
    let id = id.to_string();
    users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, uid) = (parts.next()?, parts.nth(1)?);
        (uid == id && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbad line\nada:x:1000:1000::/home/ada:\n";
        assert_eq!(named(users, 0), Some("root"));
        assert_eq!(named(users, 1000), Some("ada"));
        assert_eq!(named(users, 5), None);
        assert!(!user().is_empty());
    }
}
