//! Checks the parameters and writes the message.

use crosspoint_core::{CallId, Failure};
use lettre::address::Address;
use lettre::message::header::{
    Cc, Date, From, Headers, MIME_VERSION_1_0, MessageId, ReplyTo, Subject, To,
};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};

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

/// The parameters that had to be read first.
struct Parts {
    port: u16,
    from: Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    bcc: Vec<Mailbox>,
    reply_to: Vec<Mailbox>,
    files: Vec<SinglePart>,
}

/// What is wrong with the parameters, collected so that all of it is told at once.
#[derive(Default)]
pub(super) struct Mistakes(Vec<String>);

// === impl Mistakes ===

impl Mistakes {
    pub fn add(&mut self, mistake: impl Into<String>) {
        self.0.push(mistake.into());
    }

    fn into_failure(self) -> Failure {
        Failure::arguments(format!("SendEmail: {}", self.0.join("; ")))
    }

    /// The mailboxes of a parameter, if it can be read. No value is shown: it may be anything.
    fn mailboxes(&mut self, name: &str, text: Option<&str>) -> Option<Vec<Mailbox>> {
        let text = text.unwrap_or_default();
        if !self.line(name, text) {
            return None;
        }
        let list = addresses::list(text);
        if let Err(at) = list {
            self.add(format!(
                "parameter '{name}': address {at} is not valid (write name@host or \
                 Name <name@host>)"
            ));
        }
        list.ok()
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
        let parts = Parts::read(mail)?;
        let from = parts.from.email.clone();
        let to = everybody([&parts.to, &parts.cc, &parts.bcc]);
        let mut headers = Headers::new();
        headers.set(Date::now());
        headers.set(MessageId::from(format!("<{id}@{}>", from.domain())));
        headers.set(Subject::from(mail.email_subject.clone()));
        headers.set(From::from(Mailboxes::from(parts.from)));
        headers.set(To::from(Mailboxes::from(parts.to)));
        if !parts.cc.is_empty() {
            headers.set(Cc::from(Mailboxes::from(parts.cc)));
        }
        if !parts.reply_to.is_empty() {
            headers.set(ReplyTo::from(Mailboxes::from(parts.reply_to)));
        }
        headers.set(MIME_VERSION_1_0);
        let mut text = headers.to_string().into_bytes();
        text.extend(content(mail, parts.files));
        let international = !text.is_ascii() || to.iter().any(|a| !is_ascii(a));
        Ok(Letter {
            port: parts.port,
            from,
            to,
            text,
            international,
        })
    }
}

// === impl Parts ===

impl Parts {
    fn read(mail: &SendEmail) -> Result<Parts, Failure> {
        let mut mistakes = Mistakes::default();
        let port = server(mail, &mut mistakes);
        mistakes.line("email_subject", &mail.email_subject);
        let from = mistakes.mailboxes("email_from", Some(&mail.email_from));
        let to = mistakes.mailboxes("email_to", Some(&mail.email_to));
        let cc = mistakes.mailboxes("cc", mail.cc.as_deref());
        let bcc = mistakes.mailboxes("bcc", mail.bcc.as_deref());
        let reply_to = mistakes.mailboxes("reply_to", mail.reply_to.as_deref());
        let files = mail.attachments.as_deref().unwrap_or_default();
        let files = attachments::parts(files, &mut mistakes);
        // Lists that could not be read are named already.
        let from = from.and_then(|from| {
            let only = <[Mailbox; 1]>::try_from(from).ok();
            if only.is_none() {
                mistakes.add("parameter 'email_from' must be one address");
            }
            only.map(|[from]| from)
        });
        if to.as_ref().is_some_and(Vec::is_empty) {
            mistakes.add("parameter 'email_to' must name somebody");
        }
        match (from, to, cc, bcc, reply_to) {
            (Some(from), Some(to), Some(cc), Some(bcc), Some(reply_to))
                if mistakes.0.is_empty() =>
            {
                Ok(Parts {
                    port,
                    from,
                    to,
                    cc,
                    bcc,
                    reply_to,
                    files,
                })
            }
            _ => Err(mistakes.into_failure()),
        }
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

/// The body with the headers that describe it.
fn content(mail: &SendEmail, files: Vec<SinglePart>) -> Vec<u8> {
    let plain = SinglePart::plain(mail.email_body.clone());
    let both = |plain, html: &String| {
        let html = SinglePart::html(html.clone());
        MultiPart::alternative().singlepart(plain).singlepart(html)
    };
    let mixed = MultiPart::mixed();
    match (&mail.html_body, files.is_empty()) {
        (None, true) => plain.formatted(),
        (Some(html), true) => both(plain, html).formatted(),
        (html, false) => {
            let mixed = match html {
                None => mixed.singlepart(plain),
                Some(html) => mixed.multipart(both(plain, html)),
            };
            let whole = files.into_iter().fold(mixed, MultiPart::singlepart);
            whole.formatted()
        }
    }
}
