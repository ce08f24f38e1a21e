//! The command and its parameters, in the order of the original package, with ours after them.

use crosspoint_core::{Context, Execute, Failure, Outcome, Safety, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

use super::attachments::Attachment;
use super::letter::Letter;
use super::{Connector, answer, send};

/// Sends an e-mail through a mail server.
///
/// Several recipients are separated by commas or semicolons, each an address or a name with an
/// address in angle brackets.
#[derive(Deserialize, JsonSchema)]
pub(super) struct SendEmail {
    /// The mail server's name or address.
    pub smtp_host: String,
    /// Its port: usually 587 or 25, and 465 with `smtp_tls`.
    #[schemars(range(min = 1, max = 65535))]
    pub smtp_port: i64,
    /// The subject, one line.
    pub email_subject: String,
    /// The text.
    pub email_body: String,
    /// The recipients.
    pub email_to: String,
    /// The sender, one address.
    pub email_from: String,
    /// Whom to log in as. There is a login only when the password is there, too.
    pub smtp_user: Option<String>,
    /// The password that goes with `smtp_user`.
    pub smtp_password: Option<Secret<String>>,
    /// Whether the connection is secured by STARTTLS before anything else is said.
    pub smtp_starttls: Option<bool>,
    /// Recipients of a copy.
    pub cc: Option<String>,
    /// Recipients of a copy whom the others do not see.
    pub bcc: Option<String>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<String>,
    /// The same as `email_body`, in HTML.
    pub html_body: Option<String>,
    /// Files: a list of objects with `name`, `content` (base64) and, optionally, `mimetype`.
    pub attachments: Option<Vec<Attachment>>,
    /// Whether the connection is secured by TLS from its beginning.
    pub smtp_tls: Option<bool>,
}

impl Execute<Connector> for SendEmail {
    const NAME: &'static str = "SendEmail";
    const SAFETY: Safety = Safety::Effectful;

    async fn execute(self, smtp: &Connector, cx: &Context) -> Result<Outcome, Failure> {
        let letter = Letter::write(&self, cx.call_id)?;
        let sent = send::run(&self, &letter, &smtp.dialer, cx).await;
        answer::of(sent, smtp.answers, cx)
    }
}
