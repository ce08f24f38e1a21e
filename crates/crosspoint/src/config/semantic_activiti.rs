//! Checks of `[activiti]`: its address and its names.

use crosspoint_ingress::activiti::uri;

use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// `[activiti]`.
    pub(super) fn activiti(&mut self) {
        let config = &self.config.activiti;
        if let Some(amqp) = &config.amqp {
            match amqp.resolve(self.env) {
                Err(wrong) => {
                    let message = format!("`activiti.amqp`: {}", wrong.why);
                    self.problem("activiti.amqp", message, wrong.help);
                }
                Ok(value) => self.amqp(value),
            }
        }
        self.names();
        if let (Some(min), Some(max)) = (config.min_app_version, config.max_app_version)
            && min > max
        {
            let message = "`activiti.min_app_version` is above `activiti.max_app_version`";
            let help = "no request would ever be served: swap them, or take one out";
            self.problem("activiti.min_app_version", message.to_owned(), help);
        }
        for (at, pattern) in config.serve.iter().enumerate() {
            if pattern.trim().is_empty() || pattern.contains('/') {
                let key = format!("activiti.serve[{at}]");
                let message = format!("`activiti.serve`: `{}` fits no command", shorten(pattern));
                self.problem(&key, message, "write `connector.Command`, such as `http.*`");
            }
        }
        self.definitions();
    }

    fn amqp(&mut self, value: Secret<String>) {
        match uri(value.expose()) {
            Err(_) => {
                let message = "`activiti.amqp` is not the address of a message broker".to_owned();
                let help = "write `amqp://user:password@host:5672`, or `amqps://…`, or a reference \
                            such as `env:AMQP_URL`";
                self.problem("activiti.amqp", message, help);
            }
            Ok(uri) => {
                let password = uri.authority.userinfo.password;
                // `guest` is everybody's: it would mask the word everywhere.
                if password != "guest" && password.len() >= 4 {
                    self.secrets.push(Secret::new(password));
                }
                self.amqp = Some(value);
            }
        }
    }

    /// Names that the protocol can carry.
    fn names(&mut self) {
        let config = &self.config.activiti;
        if config.group.trim().is_empty() || config.group.len() > 100 {
            let message = "`activiti.group` is empty, or longer than 100 bytes".to_owned();
            self.problem(
                "activiti.group",
                message,
                "write a name such as `crosspoint`",
            );
        }
        let one = |text: &str| text.chars().count() == 1;
        if !one(&config.destination_separator) {
            let message = "`activiti.destination_separator` is not one character".to_owned();
            self.problem(
                "activiti.destination_separator",
                message,
                "write `_` or `.`",
            );
        }
        for (name, rule) in &config.destinations {
            if rule.separator.as_ref().is_some_and(|text| !one(text)) {
                let key = format!("activiti.destinations.{name}.separator");
                let message = format!("`{key}` is not one character");
                self.problem(&key, message, "write `_` or `.`");
            }
        }
    }
}
