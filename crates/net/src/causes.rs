//! Reading chains of causes: the library tells what happened only through them.

use std::error::Error;
use std::io;

use crate::connect::ConnectTimedOut;
use crate::guard::Refused;

/// What stands in a chain of causes.
#[derive(Default)]
pub(crate) struct Causes<'a> {
    pub refused: Option<&'a Refused>,
    pub connect_timed_out: bool,
    tls: Option<&'a rustls::Error>,
    io: Option<io::ErrorKind>,
    /// The connection, not what came over it.
    pub broke_off: bool,
    /// The innermost cause in words.
    pub last: String,
    /// All causes in words.
    pub text: String,
}

// === impl Causes ===

impl<'a> Causes<'a> {
    pub fn of(error: &'a reqwest::Error) -> Causes<'a> {
        let mut causes = Causes::default();
        // The outermost words hold the whole URL.
        let mut next = error.source();
        while let Some(cause) = next {
            causes.add(cause);
            next = match cause.downcast_ref::<io::Error>() {
                // The source of an I/O error that wraps another is the source of the other.
                Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
                None => cause.source(),
            };
        }
        causes
    }

    fn add(&mut self, cause: &'a (dyn Error + 'static)) {
        self.refused = self.refused.or(cause.downcast_ref());
        self.connect_timed_out |= cause.is::<ConnectTimedOut>();
        self.tls = self.tls.or(cause.downcast_ref());
        self.io = cause.downcast_ref().map(io::Error::kind).or(self.io);
        self.broke_off |= cause.is::<hyper::Error>();
        self.last = match cause.downcast_ref::<reqwest::Error>() {
            Some(_) => "sending the request".to_owned(),
            None => cause.to_string(),
        };
        // Errors that wrap others often print them, too.
        if !self.text.ends_with(&self.last) {
            let separator = if self.text.is_empty() { "" } else { ": " };
            self.text = format!("{}{separator}{}", self.text, self.last);
        }
    }

    pub fn io(&self, kind: io::ErrorKind) -> bool {
        self.io == Some(kind)
    }

    /// Why there is no secure connection, if that is it. A server that hangs up in the middle of
    /// a handshake is none, either.
    pub fn tls(&self, in_handshake: bool) -> Option<String> {
        match self.tls {
            Some(error) => Some(error.to_string()),
            None if in_handshake && self.io(io::ErrorKind::UnexpectedEof) => {
                Some("it hung up during the handshake".to_owned())
            }
            None => None,
        }
    }
}
