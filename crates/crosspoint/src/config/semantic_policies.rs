//! Checks of policies: limits that contradict each other, and commands that are not there.

use std::collections::BTreeSet;
use std::time::Duration;

use crosspoint_core::nearest;

use super::super::connector_tables::built_in_names;
use super::super::durations::{Delay, Span};
use super::super::policy::{Commands, Policy};
use super::*;

/// What pauses and times may be. The types allow anything up to a day.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_BREAKER_PAUSE: Duration = Duration::from_secs(300);
const SHORTEST_WITHIN: Duration = Duration::from_millis(100);
const LONGEST_WITHIN: Duration = Duration::from_secs(3600);

/// A policy as it stands in its table, and what it goes before.
struct Written<'p> {
    /// The table's name.
    table: String,
    own: &'p Policy,
    /// That of the connector, where this is a command's.
    connector: Option<(&'p str, &'p Policy)>,
}

// === impl Semantic ===

impl Semantic<'_> {
    /// All policies, those of connectors and those of commands.
    pub(super) fn policies(&mut self) {
        let config = self.config;
        let mounted = config.connectors.mounted.keys().map(String::as_str);
        let mut names: BTreeSet<&str> = built_in_names().collect();
        names.extend(mounted);
        for name in names {
            let table = format!("connectors.{name}.policy");
            let connector = config.connectors.common(name).1;
            let commands = config.connectors.commands(name);
            let retries = commands.values().any(|command| command.policy.retries());
            let written = Written {
                table: table.clone(),
                own: &connector,
                connector: None,
            };
            self.policy(&written);
            self.retries_at_all(&written, connector.retries() || retries);
            for (command, own) in &commands {
                let written = Written {
                    table: format!("connectors.{name}.commands.{command}.policy"),
                    own: &own.policy,
                    connector: Some((&table, &connector)),
                };
                self.policy(&written);
                self.retries_at_all(&written, written.whole().retries());
            }
            if !config.connectors.mounted.contains_key(name) {
                self.commands_are_there(name, &commands);
            }
        }
    }

    fn policy(&mut self, written: &Written<'_>) {
        self.needs_the_ledger(&written.table, written.own);
        self.becomes_long_in_time(written);
        self.attempts_end_in_time(written);
        self.pauses_have_bounds(written);
        let key = written.key("queue");
        let concurrency = written.own.concurrency.is_some() || self.was(written, "concurrency");
        if written.own.queue.is_some() && !concurrency {
            let message = format!("`{key}` has no effect without `concurrency` beside it");
            self.problem(&key, message, "add `concurrency = …`, or take it out");
        }
    }

    /// The deadline that ends a call comes after the moment when it would become a long one.
    fn becomes_long_in_time(&mut self, written: &Written<'_>) {
        let (spiff, policy) = (&self.config.spiff, written.whole());
        let Some(after) = policy.async_after else {
            return;
        };
        if written.own.async_after.is_none() && written.own.deadline.is_none() {
            return;
        }
        let own = policy.deadline.map(|own| (written.source("deadline"), own));
        let long = own.unwrap_or(("spiff.long_deadline".to_owned(), spiff.long_deadline));
        let limits = [("spiff.deadline".to_owned(), spiff.deadline), long];
        let sooner = limits.into_iter().find(|(_, limit)| limit.0 <= after.0);
        if let Some((limit, time)) = sooner {
            let key = written.source("async_after");
            let message = format!("`{key}` is `{after}`, but `{limit}` ends the call at `{time}`");
            match written.own.async_after {
                Some(_) => self.problem(&key, message, format!("write less than `{time}`")),
                None => {
                    let help = format!("write more than `{after}`");
                    self.problem(&written.key("deadline"), message, help);
                }
            }
        }
    }

    /// No attempt and no pause is longer than the whole call.
    fn attempts_end_in_time(&mut self, written: &Written<'_>) {
        let policy = written.whole();
        let Some(deadline) = policy.deadline else {
            return;
        };
        let limit = written.source("deadline");
        let mut check =
            |key: &str, time: Option<Span>, own: bool, wrong: fn(Span, Span) -> bool| {
                let Some(time) = time.filter(|time| wrong(*time, deadline)) else {
                    return;
                };
                if !own && written.own.deadline.is_none() {
                    return;
                }
                let name = written.source(key);
                let message =
                    format!("`{name}` is `{time}`, but `{limit}` ends the call at `{deadline}`");
                match own {
                    true => self.problem(&name, message, format!("write less than `{deadline}`")),
                    false => {
                        let help = format!("write more than `{time}`");
                        self.problem(&written.key("deadline"), message, help);
                    }
                }
            };
        let own = written.own;
        check("timeout", policy.timeout, own.timeout.is_some(), |a, b| {
            a.0 > b.0
        });
        check(
            "retry_pause",
            policy.retry_pause,
            own.retry_pause.is_some(),
            |a, b| a.0 >= b.0,
        );
    }

    fn pauses_have_bounds(&mut self, written: &Written<'_>) {
        let breaker = written.own.breaker.as_ref();
        let none = Duration::ZERO;
        let pause = breaker.map(|breaker| breaker.pause);
        let within = breaker.map(|breaker| breaker.within);
        for (key, time, least, most) in [
            (
                "retry_pause",
                written.own.retry_pause,
                none,
                LONGEST_RETRY_PAUSE,
            ),
            ("breaker.within", within, SHORTEST_WITHIN, LONGEST_WITHIN),
            ("breaker.pause", pause, none, LONGEST_BREAKER_PAUSE),
        ] {
            let Some(time) = time else {
                continue;
            };
            let key = written.key(key);
            let (fault, bound) = match time.0 {
                time if time < least => ("shorter", least),
                time if time > most => ("longer", most),
                _ => continue,
            };
            let message = format!("`{key}`: `{time}` is {fault} than `{}`", Delay(bound));
            let help = match least.is_zero() {
                true => format!("expected a duration of at most `{}`", Delay(most)),
                false => format!(
                    "expected a duration from `{}` to `{}`",
                    Delay(least),
                    Delay(most)
                ),
            };
            self.problem(&key, message, help);
        }
    }

    /// What is said about retries counts for some call.
    fn retries_at_all(&mut self, written: &Written<'_>, retries: bool) {
        let own = written.own;
        let retries = retries || self.was(written, "retries");
        let said = [
            ("retry_pause", own.retry_pause.is_some()),
            ("retry_budget", own.retry_budget.is_some()),
        ];
        for (key, _) in said.into_iter().filter(|(_, said)| *said && !retries) {
            let key = written.key(key);
            let message = format!("`{key}` has no effect without `retries`");
            self.problem(&key, message, "add `retries = 1` or more, or take it out");
        }
    }

    /// Whether a key was there, but wrong: one mistake, not two.
    fn was(&self, written: &Written<'_>, key: &str) -> bool {
        let key = written.key(key);
        self.problems.iter().any(|problem| problem.key == key)
    }

    /// Those of a connector that a runtime brings are known when that has loaded; then they are told.
    fn commands_are_there(&mut self, name: &str, commands: &Commands) {
        if commands.is_empty() || !self.config.builtin.iter().any(|known| known == name) {
            return;
        }
        let there = crosspoint_connectors::commands_of(name);
        for command in commands.keys().filter(|command| !there.contains(command)) {
            let table = format!("connectors.{name}.commands.{command}");
            let message = format!("`{table}`: `{name}` has no such command");
            let help = match nearest(command, there.iter().map(String::as_str)) {
                near if near.is_empty() => {
                    format!("`crosspoint commands` lists those of `{name}`")
                }
                near => format!("did you mean {}?", listed(near)),
            };
            let place = self.table_place(&table);
            self.problems
                .push(Problem::new(&table, place.as_ref(), message, help));
        }
    }
}

// === impl Written ===

impl Written<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.table)
    }

    /// What counts in the end.
    fn whole(&self) -> Policy {
        match self.connector {
            Some((_, connector)) => self.own.over(connector),
            None => self.own.clone(),
        }
    }

    /// Where a time that counts was written: here, or in the connector's table.
    fn source(&self, key: &str) -> String {
        let here = match key {
            "timeout" => self.own.timeout.is_some(),
            "deadline" => self.own.deadline.is_some(),
            "retry_pause" => self.own.retry_pause.is_some(),
            _ => self.own.async_after.is_some(),
        };
        match self.connector {
            Some((table, _)) if !here => format!("{table}.{key}"),
            _ => self.key(key),
        }
    }
}
