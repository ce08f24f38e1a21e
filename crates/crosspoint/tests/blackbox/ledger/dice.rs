//! Randomness that can be had again.

use std::io::Write;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// Sets the seed of the next run to that of one that failed.
const SEED: &str = "CROSSPOINT_TEST_SEED";

/// Numbers from a seed, which it tells when the test fails.
pub struct Dice {
    seed: u64,
    state: Mutex<u64>,
}

// === impl Dice ===

impl Dice {
    pub fn new() -> Dice {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
        let seed = given.unwrap_or(now.as_nanos() as u64 | 1);
        Dice {
            seed,
            state: Mutex::new(seed),
        }
    }

    /// A number below `limit`.
    pub fn roll(&self, limit: u64) -> u64 {
        let mut state = self.state.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 16) % limit
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let line = format!("the seed was {SEED}={}\n", self.seed);
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }
}
