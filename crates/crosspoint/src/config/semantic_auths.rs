//! Checks of auths, and what the broker gets of them.

use std::collections::BTreeSet;

use crosspoint_broker::oauth::{self, AuthId, AuthSettings, Pattern};
use crosspoint_broker::profiles::Source;

use super::super::auths::{Auth, Grant, ProviderUrl};
use super::super::connector_tables::built_in_names;
use super::super::profiles::SecretText;
use super::*;

// === impl Semantic ===

impl Semantic<'_> {
    /// Every auth of every connector.
    pub(super) fn auths(&mut self) {
        let config = self.config;
        let mounted = config.connectors.mounted.keys().map(String::as_str);
        let mut names: BTreeSet<&str> = built_in_names().collect();
        names.extend(mounted);
        for connector in names {
            for (name, auth) in config.connectors.auths(connector) {
                let table = format!("connectors.{connector}.auths.{name}");
                self.auth_fits(&table, auth);
                let id = AuthId::new(connector, name.as_str());
                let settings = self.auth_settings(&table, id, auth);
                self.auths.extend(settings);
            }
        }
        self.callbacks_arrive();
    }

    /// What is there for its grant, and nothing for another one.
    fn auth_fits(&mut self, table: &str, auth: &Auth) {
        let (code, jwt, refresh) = (
            auth.grant == Grant::AuthorizationCode,
            auth.grant == Grant::JwtBearer,
            auth.grant == Grant::RefreshToken,
        );
        let key = auth.assertion.as_ref().is_some_and(|a| a.key.is_some());
        let needed = [
            ("token_url", true, auth.token_url.is_some()),
            ("authorize_url", code, auth.authorize_url.is_some()),
            ("client_id", !jwt, auth.client_id.is_some()),
            ("refresh_token", refresh, auth.refresh_token.is_some()),
            ("assertion.key", jwt, key),
        ];
        for (key, needed, there) in needed {
            // What was there and has been taken out is reported already.
            if needed && !there && !self.is_reported(&format!("{table}.{key}")) {
                let message = format!("`{table}` has no `{key}`");
                let help = format!("add `{key} = \"…\"`: its grant needs it");
                self.auth_problem(table, table, message, help);
            }
        }
        let assertion = auth.assertion.as_ref();
        let stated = assertion.is_some_and(|a| a.issuer.is_some()) || auth.client_id.is_some();
        if jwt && key && !stated {
            let message = format!("`{table}.assertion` does not say who states it");
            let help = "add `issuer = \"…\"` to it, or `client_id` to the auth";
            self.auth_problem(table, table, message, help.to_owned());
        }
        let surplus = [
            ("authorize_url", code, auth.authorize_url.is_some()),
            (
                "authorize_parameters",
                code,
                !auth.authorize_parameters.is_empty(),
            ),
            ("issuer", code, auth.issuer.is_some()),
            ("refresh_token", refresh, auth.refresh_token.is_some()),
            ("assertion", jwt, auth.assertion.is_some()),
        ];
        for (key, fits, there) in surplus {
            if there && !fits {
                let key = format!("{table}.{key}");
                let message = format!("`{key}` has no effect with this `grant`");
                self.warning(&key, message, "take it out, or see to `grant`");
            }
        }
    }

    /// As the broker has it. None when something is missing.
    fn auth_settings(&mut self, table: &str, id: AuthId, auth: &Auth) -> Option<AuthSettings> {
        let urls = [
            ("authorize_url", &auth.authorize_url),
            ("token_url", &auth.token_url),
            ("refresh_url", &auth.refresh_url),
        ];
        for (key, url) in urls {
            if url.as_ref().is_some_and(ProviderUrl::is_in_clear) {
                let key = format!("{table}.{key}");
                let message = format!("`{key}` sends secrets in clear");
                self.warning(&key, message, "write https://");
            }
        }
        let secret = self.secret_of(&format!("{table}.client_secret"), &auth.client_secret);
        let seed = self.secret_of(&format!("{table}.refresh_token"), &auth.refresh_token);
        let assertion = auth.assertion.clone().unwrap_or_default();
        let key = self.secret_of(&format!("{table}.assertion.key"), &assertion.key);
        let body = self.pattern(&format!("{table}.expired.body"), auth);
        let token_url = auth.token_url.as_ref()?.to_string();
        let client_id = auth.client_id.clone().unwrap_or_default();
        let grant = match auth.grant {
            Grant::AuthorizationCode => oauth::Grant::AuthorizationCode {
                authorize_url: auth.authorize_url.as_ref()?.to_string(),
                parameters: auth.authorize_parameters.clone(),
                pkce: auth.pkce,
            },
            Grant::ClientCredentials => oauth::Grant::ClientCredentials,
            Grant::RefreshToken => oauth::Grant::RefreshToken(seed?),
            Grant::JwtBearer => {
                let issuer = assertion.issuer.unwrap_or_else(|| client_id.clone());
                oauth::Grant::JwtBearer(oauth::Assertion {
                    key: key?,
                    key_id: assertion.key_id,
                    subject: assertion.subject.unwrap_or_else(|| issuer.clone()),
                    issuer,
                    audience: assertion.audience.unwrap_or_else(|| token_url.clone()),
                    claims: assertion.claims,
                })
            }
        };
        Some(AuthSettings {
            description: auth.description.clone(),
            refresh_url: auth.refresh_url.as_ref().map(ToString::to_string),
            client_secret: secret,
            client_auth: auth.client_auth.proved(),
            scopes: auth.scopes.clone(),
            scope_separator: auth.scope_separator.clone(),
            parameters: auth.parameters.clone(),
            issuer: auth.issuer.clone(),
            token_field: auth.token_field.clone(),
            refresh_before: auth.refresh_before.0,
            expired: oauth::Expired {
                status: auth.expired.status.clone(),
                body,
            },
            ..AuthSettings::new(id, grant, token_url, client_id)
        })
    }

    fn secret_of(&mut self, key: &str, text: &Option<SecretText>) -> Option<Source> {
        match text.as_ref()?.source(self.env) {
            Ok(source) => {
                if let Source::Value(value) = &source {
                    self.secrets.push(value.clone());
                }
                Some(source)
            }
            Err(wrong) => {
                self.problem(key, format!("`{key}`: {}", wrong.why), wrong.help);
                None
            }
        }
    }

    fn pattern(&mut self, key: &str, auth: &Auth) -> Option<Pattern> {
        let text = auth.expired.body.as_ref()?;
        match Pattern::parse(text) {
            Ok(_) if text.is_empty() => {
                let message = format!("`{key}` is empty: every answer would have it");
                self.problem(key, message, "write a text, or take it out");
                None
            }
            Ok(pattern) => Some(pattern),
            Err(_) => {
                let message = format!("`{key}` is not a regular expression");
                let help = "see to what is between the slashes, or take them off";
                self.problem(key, message, help);
                None
            }
        }
    }

    /// Browsers have to find the way back.
    fn callbacks_arrive(&mut self) {
        let listen = self.config.listen.0.ip();
        let by_browser = self.auths.iter().any(|auth| auth.grant.needs_consent());
        if by_browser && listen.is_unspecified() && self.config.public_url.is_none() {
            let message = "browsers that come back from a provider do not find this proxy";
            let help = "say where they reach it: `public_url = \"https://…\"`";
            self.warning("public_url", message.to_owned(), help);
        }
    }

    fn is_reported(&self, key: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.key.starts_with(key))
    }

    fn auth_problem(&mut self, table: &str, key: &str, message: String, help: String) {
        let place = self.table_place(table);
        let problem = Problem::new(key, place.as_ref(), message, help);
        self.problems.push(problem);
    }
}
