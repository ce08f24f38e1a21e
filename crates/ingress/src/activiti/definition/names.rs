//! How connectors of ours are called in Activiti, and the ids of what is in their definitions.

use sha2::{Digest, Sha256};

/// The name in definitions and destinations of a connector of ours. The modelling service takes no
/// `_`, so that it becomes `-`.
pub fn connector_name(own: &str) -> String {
    own.replace('_', "-")
}

/// What a service task writes to run a command of ours.
pub fn action_id(connector: &str, command: &str) -> String {
    format!("{}.{command}", connector_name(connector))
}

/// The id of a part of a definition: the same whenever and wherever it is exported, so that a
/// modeller sees the same parts again. In the form of a UUID (version 8: made by rules of our own).
pub(super) fn stable_id(path: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in path {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_underscore_becomes_a_hyphen_in_the_connector_alone() {
        assert_eq!(
            action_id("postgres_v2", "DoSQL_now"),
            "postgres-v2.DoSQL_now"
        );
    }

    #[test]
    fn ids_depend_on_every_part_and_on_nothing_else() {
        let id = stable_id(&["http", "GetRequest"]);
        assert_eq!(id, stable_id(&["http", "GetRequest"]));
        assert_ne!(id, stable_id(&["httpGet", "Request"]));
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
    }
}
