//! The names of exchanges and queues, made as Activiti Cloud makes them.

use std::collections::HashMap;

/// How the names of destinations are made: the settings `activiti.cloud.messaging.*`. Both sides must
/// have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// Stands before each name, with the separator.
    pub prefix: String,
    /// Between the parts of a name.
    pub separator: char,
    /// What is done to each whole name, in this order.
    pub transformers: Vec<Transformer>,
    /// What stands for a character that is not allowed.
    pub replacement: String,
    /// Rules for single destinations, by their names in lower case.
    pub destinations: HashMap<String, Destination>,
}

/// What may be done to the name of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transformer {
    /// `toLowerCase`.
    LowerCase,
    /// `escapeIllegalChars`.
    EscapeIllegal,
}

/// The rule for one destination; what is absent is as for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// What stands before it.
    pub prefix: Option<String>,
    /// Between its parts.
    pub separator: Option<char>,
    /// Its name instead of its own.
    pub name: Option<String>,
    /// What stands after it.
    pub scope: Option<String>,
}

// === impl Transformer ===

impl Transformer {
    /// The transformer of that name.
    pub fn named(name: &str) -> Option<Transformer> {
        match name.trim() {
            "toLowerCase" => Some(Transformer::LowerCase),
            "escapeIllegalChars" => Some(Transformer::EscapeIllegal),
            _ => None,
        }
    }
}

// === impl Naming ===

impl Default for Naming {
    fn default() -> Naming {
        Naming {
            prefix: String::new(),
            separator: '_',
            transformers: Vec::new(),
            replacement: "-".to_owned(),
            destinations: HashMap::new(),
        }
    }
}

impl Naming {
    /// The exchange of a destination: of a service task's `implementation`, or of a channel such as
    /// `commandConsumer`.
    pub fn exchange(&self, source: &str) -> String {
        self.scoped(source, None)
    }

    /// The same with the scope that the destination has unless its rule says otherwise.
    pub fn scoped(&self, source: &str, scope: Option<&str>) -> String {
        let none = Destination::default();
        let own = self.destinations.get(&source.to_lowercase());
        let own = own.unwrap_or(&none);
        let separator = own.separator.unwrap_or(self.separator);
        let prefix = own.prefix.as_deref().unwrap_or(&self.prefix);
        let name = own.name.as_deref().filter(|name| !name.trim().is_empty());
        let scope = own
            .scope
            .as_deref()
            .or(scope)
            .filter(|scope| !scope.trim().is_empty());
        let mut target = String::new();
        if !prefix.trim().is_empty() {
            target.push_str(prefix);
            target.push(separator);
        }
        target.push_str(name.unwrap_or(source));
        if let Some(scope) = scope {
            target.push(separator);
            target.push_str(scope);
        }
        let transformers = self.transformers.iter();
        transformers.fold(target, |target, transformer| {
            self.transform(*transformer, &target)
        })
    }

    /// The queue of a group of consumers at an exchange.
    pub fn queue(exchange: &str, group: &str) -> String {
        format!("{exchange}.{group}")
    }

    fn transform(&self, transformer: Transformer, target: &str) -> String {
        match transformer {
            Transformer::LowerCase => target.to_lowercase(),
            Transformer::EscapeIllegal => {
                let illegal = |c: char| matches!(c, '\t'..='\r' | ' ' | '*' | '#' | ':');
                let mut escaped = String::with_capacity(target.len());
                for c in target.chars() {
                    match illegal(c) {
                        true => escaped.push_str(&self.replacement),
                        false => escaped.push(c),
                    }
                }
                escaped
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(prefix: &str, separator: char, transform: bool) -> Naming {
        Naming {
            prefix: prefix.to_owned(),
            separator,
            transformers: match transform {
                true => vec![Transformer::LowerCase, Transformer::EscapeIllegal],
                false => Vec::new(),
            },
            ..Naming::default()
        }
    }

    /// The vectors of Activiti's own tests.
    #[test]
    fn names_are_those_that_activiti_makes() {
        let plain = Naming::default();
        assert_eq!(plain.exchange("rest.GET"), "rest.GET");
        assert_eq!(
            plain.exchange("Variable Mapping Connector.variableMappingActionName"),
            "Variable Mapping Connector.variableMappingActionName"
        );
        assert_eq!(
            plain.scoped("commandConsumer", Some("foo")),
            "commandConsumer_foo"
        );

        let mut tested = naming("MQServiceTaskDestinationsIT", '.', true);
        tested.destinations.insert(
            "constants connector.constantsactionname".to_owned(),
            Destination {
                name: Some("constants_connector.constants_action_name".to_owned()),
                ..Destination::default()
            },
        );
        for (source, target) in [
            ("rest.GET", "mqservicetaskdestinationsit.rest.get"),
            (
                "Variable Mapping Connector.variableMappingActionName",
                "mqservicetaskdestinationsit.variable-mapping-connector.variablemappingactionname",
            ),
            (
                "Constants Connector.constantsActionName",
                "mqservicetaskdestinationsit.constants_connector.constants_action_name",
            ),
        ] {
            assert_eq!(tested.exchange(source), target);
        }

        let mut scoped = naming("quix.baz", '.', true);
        assert_eq!(
            scoped.scoped("commandConsumer", Some("foo")),
            "quix.baz.commandconsumer.foo"
        );
        scoped.destinations.insert(
            "commandresults".to_owned(),
            Destination {
                prefix: Some("bar".to_owned()),
                separator: Some('_'),
                name: Some("command-results".to_owned()),
                scope: None,
            },
        );
        assert_eq!(
            scoped.scoped("commandResults", Some("foo")),
            "bar_command-results_foo"
        );
    }

    #[test]
    fn a_rule_for_one_destination_goes_before_the_rules_for_all() {
        let mut naming = naming("all", '_', false);
        let own = Destination {
            prefix: Some(" ".to_owned()),
            separator: Some('+'),
            name: Some(" ".to_owned()),
            scope: Some("s".to_owned()),
        };
        naming.destinations.insert("a.b".to_owned(), own);
        assert_eq!(naming.scoped("A.B", Some("other")), "A.B+s");
        assert_eq!(naming.exchange("c.d"), "all_c.d");
    }

    #[test]
    fn a_queue_belongs_to_an_exchange_and_a_group() {
        let queue = Naming::queue("Movies.getMovieDesc", "example-connector");
        assert_eq!(queue, "Movies.getMovieDesc.example-connector");
    }

    #[test]
    fn only_what_is_illegal_is_replaced() {
        let naming = naming("", '_', true);
        assert_eq!(naming.exchange("A\tb *c#d:e.F_ü"), "a-b--c-d-e.f_ü");
    }
}
