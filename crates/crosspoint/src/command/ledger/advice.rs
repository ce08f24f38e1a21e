//! What a state means, and what can be done about it.

use crosspoint_broker::ledger::{Row, State};

use crate::show::plain;

/// Why sealed parts cannot be opened.
#[derive(Debug, Default)]
pub struct Broken {
    /// The result.
    pub result: Option<String>,
    /// What is needed to run the call again.
    pub replay: Option<String>,
}

/// What a state means, in a few words.
pub fn meaning(state: State) -> &'static str {
    match state {
        State::Received => "it waits for its turn",
        State::Accepted => "a long call that waits for its turn",
        State::Running => "the connector was asked and has not answered yet",
        State::Succeeded => "it has happened",
        State::Failed => "it ended with a failure",
        State::Unknown => "nobody knows whether it has happened",
        State::HandedOver => "the connector answers the engine by itself",
        State::Finished => "it has its result, which is on its way to the engine",
        State::Delivered => "the engine has its result",
        State::Undeliverable => "it has its result, which the engine did not take",
    }
}

/// What can be done, as commands to copy.
pub fn next(row: &Row, broken: &Broken) -> String {
    let id = &row.id;
    let runs = row.kept.replay && broken.replay.is_none();
    let settle = |what: &str| format!("crosspoint ledger settle {id} {what}");
    let replay = format!("crosspoint ledger replay {id}");
    let why_not = match &broken.replay {
        Some(error) => format!("It cannot run again: {}.", plain(error)),
        None => "It cannot run again: its arguments were not kept.".to_owned(),
    };
    let failed = row
        .ending
        .as_ref()
        .is_some_and(|ending| ending.code.is_some());
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    match row.state {
        State::Unknown => {
            notes.push("Look at the system that it was sent to, and say what is true:".to_owned());
            steps.push((settle("--succeeded"), "it has happened"));
            steps.push((settle("--failed CODE"), "it has not, and will not"));
            match runs {
                true => steps.push((settle("--run-again"), "it has not, and shall")),
                false => steps.push((why_not, "")),
            }
        }
        State::Failed | State::Delivered if failed && runs => {
            notes.push("To run it again, as another attempt of the same call:".to_owned());
            steps.push((replay, ""));
        }
        State::Failed => notes.push(why_not),
        State::Undeliverable => {
            notes.push("When the engine takes it, deliver it again:".to_owned());
            steps.push((replay, ""));
        }
        _ => return String::new(),
    }
    let width = steps.iter().map(|(step, _)| step.len()).max().unwrap_or(0);
    let steps = steps
        .iter()
        .map(|(step, what)| format!("  {step:<width$}  {what}").trim_end().to_owned() + "\n");
    format!("\n{}\n{}", notes.join("\n"), steps.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::full;
    use super::*;

    #[test]
    fn every_state_says_what_it_means_and_what_can_be_done() {
        for state in State::ALL {
            let mut row = full();
            row.state = state;
            let shown = next(&row, &Broken::default());
            let offered = |step| shown.contains(&format!("crosspoint ledger {step} {}", row.id));
            let repeats = [State::Failed, State::Delivered, State::Undeliverable];
            assert_eq!(offered("replay"), repeats.contains(&state), "{shown}");
            assert_eq!(offered("settle"), state == State::Unknown, "{shown}");
            row.kept.replay = false;
            let shown = next(&row, &Broken::default());
            let kept = [State::Failed, State::Unknown].contains(&state);
            assert_eq!(shown.contains("arguments were not kept"), kept, "{shown}");
        }
    }
}
