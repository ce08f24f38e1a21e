//! The list of tests.

use futures_util::future::BoxFuture;

use super::findings::Findings;
use super::groups::{
    answers, concurrency, discovery, endpoints, errors, noise, repeat, schemas, secrets, texts,
    time, unreadable, validation,
};
use super::kit::Kit;

/// One test of the suite.
pub struct Test {
    /// What it belongs to.
    pub group: &'static str,
    /// What holds when it passes, as a sentence.
    pub name: &'static str,
    /// What to do when it does not.
    pub advice: &'static str,
    /// What it means when it does not.
    pub weight: Weight,
    pub(super) run: for<'a> fn(&'a Kit<'_>) -> BoxFuture<'a, Findings>,
}

/// What it means that a test does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Engines or other calls suffer.
    Failure,
    /// People could be served better.
    Warning,
}

macro_rules! tests {
    ($($group:literal: { $($weight:ident $test:path, $name:literal, $advice:literal;)* })*) => {
        &[$($(Test {
            group: $group,
            name: $name,
            advice: $advice,
            weight: Weight::$weight,
            run: |kit| Box::pin($test(kit)),
        },)*)*]
    };
}

/// All tests, in the order in which they run.
pub const TESTS: &[Test] = tests! {
    "discovery": {
        Failure discovery::lists_commands,
            "the list of commands can be read and is not empty",
            "Make the list readable first; nothing else can be judged without it.";
        Failure discovery::entries_are_whole,
            "every entry has what an entry must have",
            "Give each command an id and parameters, and each parameter id, type and required.";
        Failure discovery::ids_are_unique,
            "no id is listed twice",
            "Rename or remove one of them: a call reaches only one.";
        Failure discovery::ids_are_legal,
            "every id is connector/Command in plain characters",
            "Use letters, digits, '_', '-' and in commands '.', with exactly one '/'.";
        Failure discovery::parameters_are_unique,
            "no command lists a parameter twice",
            "List it once.";
        Failure discovery::types_are_known,
            "every type is one that engines know",
            "Use str, int, bool or any.";
        Failure schemas::are_valid,
            "every schema is valid JSON Schema",
            "Correct the schema; the draft is 2020-12.";
        Failure schemas::stand_alone,
            "every schema stands on its own",
            "Put what it refers to into it: who reads one parameter has nothing else.";
        Failure schemas::defaults_fit,
            "every default is a value that its parameter takes",
            "Correct the default or the schema.";
        Failure discovery::is_stable,
            "the list is the same when it is read again",
            "Offer a new connector when something changes, instead of changing one.";
        Warning discovery::is_described,
            "commands and parameters say what they are for",
            "Describe them: people see it where they choose and fill in.";
        Warning discovery::required_come_first,
            "required parameters come first",
            "List them first: forms keep the order.";
        Warning discovery::secrets_are_declared,
            "what is named like a secret is declared as one",
            "Declare it secret (Secret<T> in Rust): forms, logs and the mask go by that.";
    }
    "validation": {
        Failure validation::missing_is_refused,
            "a call without a required parameter is refused by its name",
            "Check arguments before acting, and name what is missing.";
        Failure validation::unknown_is_refused,
            "a parameter that is not listed is refused by its name",
            "Refuse it, or declare the command open if it takes more than it lists.";
        Failure validation::wrong_type_is_refused,
            "a value of another type is refused by its parameter",
            "Check types before acting, or do not declare that values are converted.";
        Failure validation::all_at_once,
            "all mistakes are named at once",
            "Gather the mistakes before answering: people mend them one call at a time otherwise.";
        Failure validation::no_value_is_repeated,
            "a refusal repeats no value",
            "Name the parameter, not what was in it: it may be a secret.";
        Failure validation::same_answer_twice,
            "the same mistake gets the same answer",
            "Keep nothing of one call for the next, and list mistakes in a fixed order.";
        Failure unreadable::not_an_object,
            "what is no JSON object is refused",
            "Answer 400 with a structured error.";
        Failure unreadable::too_deep,
            "nesting without end is refused",
            "Limit the depth before parsing.";
    }
    "answers": {
        Failure answers::samples_end_as_they_say,
            "each sample ends as it says",
            "See whether the connector or the sample is wrong.";
        Failure answers::shape,
            "every answer has the right shape",
            "Give each answer the form its protocol asks for.";
        Failure answers::result_schema,
            "results match the schema of their sample",
            "See whether the result or the schema is wrong.";
    }
    "errors": {
        Failure errors::unknown_command,
            "an unknown command is answered command_not_found",
            "Answer with that code; over HTTP with status 404.";
        Failure errors::code_and_message,
            "every failure has one code and a message",
            "Give it both: diagrams catch the code, people read the message.";
        Failure errors::refusals_changed_nothing,
            "what was refused has changed nothing",
            "Give such a failure the effect none, and check before acting.";
    }
    "time": {
        Failure time::deadline,
            "a call ends soon after its deadline",
            "Give up by yourself when Context::deadline has come.";
        Failure time::cancellation,
            "a call that is dropped leaves the next one alone",
            "Keep no state that needs repair when a call is dropped half-way.";
    }
    "texts": {
        Failure texts::large,
            "a text of 1 MiB goes through or fails in good order",
            "Bear it, or refuse it with a failure that says how long it may be.";
        Failure texts::unicode,
            "any Unicode goes through or fails in good order",
            "Do not cut texts between bytes, and do not expect ASCII.";
    }
    "concurrency": {
        Failure concurrency::alike,
            "sixteen calls at once answer as one does",
            "Share nothing that one call changes and another reads.";
        Failure concurrency::apart,
            "calls at once do not see each other",
            "Keep what belongs to a call in the call: results, log lines, messages.";
    }
    "secrets": {
        Failure secrets::stay_secret,
            "no secret shows in a message or a log line",
            "Declare the parameter secret, call Context::protect, or do not quote it.";
    }
    "repeat": {
        Failure repeat::same_end,
            "what is safe to repeat ends the same way twice",
            "Make the second time harmless, or declare the command effectful.";
    }
    "noise": {
        Failure noise::single_lines,
            "a log line is one line",
            "Write one entry a line: line breaks forge others in the engine's log.";
        Failure noise::nothing_beside,
            "an answer has nothing beside it that an engine acts on",
            "Put results into the body; api_response, auth and refreshed_token_set have a meaning.";
        Failure noise::no_web_pages,
            "no error is a web page",
            "Answer errors as JSON; see to it that no framework answers for you.";
    }
    "endpoints": {
        Failure endpoints::answer,
            "liveness and the rest of the protocol answer",
            "Serve them: engines and orchestrators ask there.";
    }
};
