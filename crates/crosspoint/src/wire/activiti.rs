//! The service of Activiti's service tasks, as the configuration wants it.

use std::sync::Arc;

use crosspoint_broker::Broker;
use crosspoint_ingress::activiti::{
    Destination, Expressions, Identity, Naming, Settings, Tasks, Transformer, is_secure,
};

use crate::config::Loaded;
use crate::config::activiti::{self, Activiti};

/// Starts it, where an address is configured.
pub fn start(loaded: &Loaded, broker: &Broker) -> Arc<Tasks> {
    let tasks = Tasks::new(broker.clone());
    if let Some(settings) = settings(loaded) {
        for warning in warnings(loaded, broker) {
            tracing::warn!("{warning}");
        }
        tasks.start(settings);
    }
    Arc::new(tasks)
}

/// What may not be meant.
pub fn warnings(loaded: &Loaded, broker: &Broker) -> Vec<String> {
    let mut warnings = Vec::new();
    if loaded.config.activiti.serve.is_empty() && loaded.bound.is_empty() {
        let nothing = "activiti.amqp is set, and no service task is served: write which commands \
                       may be called under [activiti], for example serve = [\"http.*\"].";
        warnings.push(nothing.to_owned());
    }
    if broker.ledger().is_none() {
        let twice = "Without the ledger (store.url = \"none\") a service task whose message comes \
                     twice runs twice.";
        warnings.push(twice.to_owned());
    }
    warnings
}

/// How service tasks are served. None: they are not.
pub fn settings(loaded: &Loaded) -> Option<Settings> {
    let config = &loaded.config.activiti;
    let amqp = loaded.amqp.clone()?;
    // Of no use, and no change, where the connection is a plain one.
    let secure = is_secure(amqp.expose());
    let files = loaded.config.egress.ca_files.iter();
    // Each was read when the configuration was checked.
    let authorities: Vec<_> = files
        .filter(|_| secure)
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    Some(Settings {
        amqp,
        authorities: (!authorities.is_empty()).then(|| authorities.join("\n")),
        group: config.group.clone(),
        serve: config.serve.clone(),
        bound: loaded.bound.clone(),
        naming: naming(config),
        identity: Identity {
            service: config
                .service_name
                .as_ref()
                .unwrap_or(&config.group)
                .clone(),
            app_name: config.app_name.clone(),
            app_version: config.app_version.clone(),
            result_override: some(&config.result_destination),
            error_override: some(&config.error_destination),
        },
        prefetch: config.prefetch,
        concurrency: config.concurrency as usize,
        deadline: config.deadline.0,
        attempts: config.attempts.into(),
        retry_pause: config.retry_pause.0,
        patience: config.answer_patience.0,
        expressions: match config.expressions {
            activiti::Expressions::Refuse => Expressions::Refuse,
            activiti::Expressions::Escape => Expressions::Escape,
        },
        min_app_version: config.min_app_version.map(i64::from),
        max_app_version: config.max_app_version.map(i64::from),
    })
}

fn naming(config: &Activiti) -> Naming {
    let first = |text: &String| text.chars().next();
    let destination = |(name, rule): (&String, &activiti::Destination)| {
        let rule = Destination {
            prefix: rule.prefix.clone(),
            separator: rule.separator.as_ref().and_then(first),
            name: rule.name.clone(),
            scope: rule.scope.clone(),
        };
        (name.to_lowercase(), rule)
    };
    let transformers = config.destination_transformers.iter();
    let transformers = transformers.filter(|_| config.destination_transformers_enabled);
    Naming {
        prefix: config.destination_prefix.clone(),
        separator: first(&config.destination_separator).unwrap_or('_'),
        transformers: transformers
            .map(|transformer| match transformer {
                activiti::Transformer::ToLowerCase => Transformer::LowerCase,
                activiti::Transformer::EscapeIllegalChars => Transformer::EscapeIllegal,
            })
            .collect(),
        replacement: config.destination_replacement.clone(),
        destinations: config.destinations.iter().map(destination).collect(),
    }
}

fn some(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}
