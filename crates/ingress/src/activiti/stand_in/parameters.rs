//! The configuration parameters of connectors that are stood in for, as they are documented.

use std::collections::HashMap;

use crosspoint_core::Secret;

/// Values of configuration parameters, by the names of the documentation.
pub type Parameters = HashMap<String, Secret<String>>;

/// A configuration parameter of a connector that is stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documented {
    /// Its name.
    pub name: &'static str,
    /// The field that it is in the profiles of the connector that stands in. None: its value is needed
    /// to make the call.
    pub field: Option<&'static str>,
    /// Its value where nobody gives one.
    pub default: Option<&'static str>,
    /// Whether there must be one.
    pub required: bool,
    /// Whether it is hidden.
    pub secret: bool,
}

/// Those of `restConnector`.
pub(super) const REST: [Documented; 5] = [
    Documented::text("REST_HOST", None),
    Documented::text("REST_HTTP_PORT", Some("80")),
    Documented::text("REST_HTTPS_PORT", Some("443")),
    Documented::text("REST_AUTH_TOKEN", None).hidden(),
    Documented::text("REST_AUTH_USER", None),
];

/// Those of `emailConnector`.
pub(super) const EMAIL: [Documented; 6] = [
    Documented::of("EMAIL_HOST", "smtp_host").needed(),
    Documented {
        default: Some("25"),
        ..Documented::of("EMAIL_PORT", "smtp_port")
    },
    Documented::of("EMAIL_USERNAME", "smtp_user"),
    Documented::of("EMAIL_PASSWORD", "smtp_password").hidden(),
    Documented::text(EMAIL_AUTH, None),
    Documented::of("EMAIL_SMTP_STARTTLS", "smtp_starttls"),
];

/// With `false` nobody logs in at the mail server.
const EMAIL_AUTH: &str = "EMAIL_SMTP_AUTH";

/// Those of `slackConnector`.
pub(super) const SLACK: [Documented; 1] = [Documented::of("SLACK_XOXB", "token").needed().hidden()];

// === impl Documented ===

impl Documented {
    const fn text(name: &'static str, default: Option<&'static str>) -> Documented {
        Documented {
            name,
            field: None,
            default,
            required: false,
            secret: false,
        }
    }

    const fn of(name: &'static str, field: &'static str) -> Documented {
        Documented {
            field: Some(field),
            ..Documented::text(name, None)
        }
    }

    const fn needed(self) -> Documented {
        Documented {
            required: true,
            ..self
        }
    }

    const fn hidden(self) -> Documented {
        Documented {
            secret: true,
            ..self
        }
    }

    /// Whether it counts beside these others.
    pub fn counts(&self, others: &Parameters) -> bool {
        let account = matches!(self.field, Some("smtp_user" | "smtp_password"));
        let off = |auth: &Secret<String>| auth.expose().eq_ignore_ascii_case("false");
        !(account && others.get(EMAIL_AUTH).is_some_and(off))
    }
}
