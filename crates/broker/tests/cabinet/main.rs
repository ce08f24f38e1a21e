//! The behaviour of a cabinet, here of the one in memory. Those on databases have the same tests.

mod suite;

use std::sync::Arc;

use crosspoint_broker::cabinet::{Cabinet, Memory};

macro_rules! in_memory {
    ($($test:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            let memory: Arc<dyn Cabinet> = Arc::new(Memory::default());
            suite::$test(memory.clone(), memory).await;
        })*
    };
}

in_memory!(
    what_is_put_is_there_for_everybody_with_a_greater_revision,
    a_change_is_made_only_where_what_is_there_was_expected,
    an_item_is_taken_by_one_of_many,
    a_claim_is_had_by_one_of_many_until_it_ends,
    an_item_that_has_expired_is_as_if_it_were_not_there,
    the_version_changes_with_what_others_must_hear_of_and_only_then,
    of_many_changes_at_once_each_has_a_revision_of_its_own,
    acts_are_listed_from_the_newest_to_the_oldest,
    hostile_names_and_large_bodies_come_back_as_they_were,
);
