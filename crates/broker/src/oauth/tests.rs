//! Grants against a provider that misbehaves on demand.

#[path = "tests/keeping.rs"]
mod keeping;
#[path = "tests/provider.rs"]
mod provider;
#[path = "tests/refreshing.rs"]
mod refreshing;
#[path = "tests/round_trip.rs"]
mod round_trip;
#[path = "tests/shaky.rs"]
mod shaky;
#[path = "tests/statements.rs"]
mod statements;
