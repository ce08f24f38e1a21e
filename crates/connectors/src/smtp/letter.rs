//! Checks the parameters and writes the message.

use crosspoint_core::{CallId, Failure};
use lettre::address::{Address, Envelope};
use lettre::message::header::{Cc, From, MessageId, ReplyTo, Subject, To};
use lettre::message::{Mailbox, Mailboxes, Message, MessageBuilder, MultiPart, SinglePart};

use super::commands::SendEmail;
use super::{addresses, attachments};

/// A message that is ready to be sent.
pub(super) struct Letter {
    /// The server's port.
    pub port: u16,
    /// The sender.
    pub from: Address,
    /// Everybody who gets it, each once.
    pub to: Vec<Address>,
    /// The message as it goes over the wire, but for the dots.
    pub text: Vec<u8>,
    /// Whether an address has characters that only newer servers take (`SMTPUTF8`).
    pub international: bool,
}

/// What is wrong with the parameters, collected so that all of it is told at once.
#[derive(Default)]
pub(super) struct Mistakes(Vec<String>);

// === impl Mistakes ===

impl Mistakes {
    pub fn add(&mut self, mistake: impl Into<String>) {
        self.0.push(mistake.into());
    }

    fn into_result(self) -> Result<(), Failure> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Failure::arguments(format!(
                "SendEmail: {}",
                self.0.join("; ")
            ))),
        }
    }

    /// The mailboxes of a parameter. No value is shown: it may be anything.
    fn mailboxes(&mut self, name: &str, text: &str) -> Vec<Mailbox> {
        if !self.line(name, text) {
            return Vec::new();
        }
        addresses::list(text).unwrap_or_else(|at| {
            self.add(format!(
                "parameter '{name}': address {at} is not valid (write name@host or \
                 Name <name@host>)"
            ));
            Vec::new()
        })
    }

    /// Whether the text fits into a header, which would otherwise begin another one.
    fn line(&mut self, name: &str, text: &str) -> bool {
        let fits = !has_controls(text);
        if !fits {
            self.add(format!(
                "parameter '{name}' must be one line without control characters"
            ));
        }
        fits
    }
}

// === impl Letter ===

impl Letter {
    /// The message with its envelope, or a failure that names every mistake.
    ///
    /// The message's id is made of the call's, so that two copies of one call are known as such.
    pub fn write(mail: &SendEmail, id: CallId) -> Result<Letter, Failure> {
        let mut mistakes = Mistakes::default();
        let port = server(mail, &mut mistakes);
        mistakes.line("email_subject", &mail.email_subject);
        let already = mistakes.0.len();
        let from = mistakes.mailboxes("email_from", &mail.email_from);
        if mistakes.0.len() == already && from.len() != 1 {
            mistakes.add("parameter 'email_from' must be one address");
        }
        let already = mistakes.0.len();
        let to = mistakes.mailboxes("email_to", &mail.email_to);
        if mistakes.0.len() == already && to.is_empty() {
            mistakes.add("parameter 'email_to' must name somebody");
        }
        let mut optional = |name, text: &Option<String>| {
            mistakes.mailboxes(name, text.as_deref().unwrap_or_default())
        };
        let cc = optional("cc", &mail.cc);
        let bcc = optional("bcc", &mail.bcc);
        let reply_to = optional("reply_to", &mail.reply_to);
        let files = mail.attachments.as_deref().unwrap_or_default();
        let files = attachments::parts(files, &mut mistakes);
        mistakes.into_result()?;

        let sender = from[0].email.clone();
        let everybody = everybody([&to, &cc, &bcc]);
        let mut builder = Message::builder()
            .header(From::from(Mailboxes::from(from)))
            .header(To::from(Mailboxes::from(to)));
        if !cc.is_empty() {
            builder = builder.header(Cc::from(Mailboxes::from(cc)));
        }
        if !reply_to.is_empty() {
            builder = builder.header(ReplyTo::from(Mailboxes::from(reply_to)));
        }
        let builder = builder
            .header(Subject::from(mail.email_subject.clone()))
            .header(MessageId::from(format!("<{id}@{}>", sender.domain())));
        let text = content(builder, &sender, &everybody, mail, files)?;
        let international = !text.is_ascii() || everybody.iter().any(|a| !is_ascii(a));
        Ok(Letter {
            port,
            from: sender,
            to: everybody,
            text,
            international,
        })
    }
}

/// Checks what says where the server is and how it is talked to.
fn server(mail: &SendEmail, mistakes: &mut Mistakes) -> u16 {
    if mail.smtp_host.is_empty() || mail.smtp_host.contains(|c: char| c.is_whitespace()) {
        mistakes.add("parameter 'smtp_host' must be the name or address of a mail server");
    } else {
        mistakes.line("smtp_host", &mail.smtp_host);
    }
    let port = u16::try_from(mail.smtp_port).ok().filter(|port| *port > 0);
    if port.is_none() {
        mistakes.add("parameter 'smtp_port' must be between 1 and 65535");
    }
    if mail.smtp_tls == Some(true) && mail.smtp_starttls == Some(true) {
        mistakes.add(
            "parameters 'smtp_tls' and 'smtp_starttls' exclude each other: the one is for port \
             465, the other for 587 and 25",
        );
    }
    port.unwrap_or_default()
}

/// Whether a text has characters that no header takes: a line break would begin another header.
pub(super) fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\t')
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

fn everybody(lists: [&Vec<Mailbox>; 3]) -> Vec<Address> {
    let mut all: Vec<Address> = Vec::new();
    for mailbox in lists.into_iter().flatten() {
        if !all.contains(&mailbox.email) {
            all.push(mailbox.email.clone());
        }
    }
    all
}

fn content(
    builder: MessageBuilder,
    sender: &Address,
    everybody: &[Address],
    mail: &SendEmail,
    files: Vec<SinglePart>,
) -> Result<Vec<u8>, Failure> {
    // Given here, or the library would read it back from the headers.
    let envelope = Envelope::new(Some(sender.clone()), everybody.to_vec());
    let plain = || SinglePart::plain(mail.email_body.clone());
    let both = mail.html_body.clone().map(|html| {
        MultiPart::alternative()
            .singlepart(plain())
            .singlepart(SinglePart::html(html))
    });
    let message = envelope.and_then(|envelope| {
        let builder = builder.envelope(envelope);
        match (both, files.is_empty()) {
            (None, true) => Ok(builder.singlepart(plain())),
            (Some(both), true) => Ok(builder.multipart(both)),
            (both, false) => {
                let mixed = match both {
                    None => MultiPart::mixed().singlepart(plain()),
                    Some(both) => MultiPart::mixed().multipart(both),
                };
                Ok(builder.multipart(files.into_iter().fold(mixed, MultiPart::singlepart)))
            }
        }
    });
    match message {
        Ok(Ok(message)) => Ok(message.formatted()),
        Ok(Err(error)) | Err(error) => Err(Failure::arguments(format!(
            "SendEmail: writing the message: {error}"
        ))),
    }
}
