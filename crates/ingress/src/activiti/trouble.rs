//! Why there is no connection to a message broker, and what to do about it, in words.

use std::error::Error;
use std::io;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::uri::{AMQPScheme, AMQPUri};
use rustls::CertificateError;

/// A clause that says why connecting failed, and what to do. It holds neither user nor password.
pub(crate) fn why(error: &lapin::Error, uri: &AMQPUri) -> String {
    match error.kind() {
        ErrorKind::IOError(error) => io_trouble(error, uri),
        // What is no AMQP came back, such as the alert of a server that waits for TLS.
        ErrorKind::ParsingError(_) | ErrorKind::InvalidProtocolVersion(_) => {
            let help = match uri.scheme {
                AMQPScheme::AMQP => "if it expects TLS at this port, write amqps://",
                AMQPScheme::AMQPS => "is it the right port?",
            };
            format!("what answers there does not speak AMQP 0-9-1: {help}")
        }
        ErrorKind::ProtocolError(told) => match told.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                "it does not accept the user and the password".to_owned()
            }
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => format!(
                "it does not let this user into the virtual host '{}': {}",
                uri.vhost,
                told.get_message()
            ),
            _ => error.to_string(),
        },
        _ => error.to_string(),
    }
}

fn io_trouble(error: &io::Error, uri: &AMQPUri) -> String {
    if let Some(error) = tls_error(error) {
        return tls_trouble(error, &uri.authority.host);
    }
    let broke_off = matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
    );
    match (error.kind(), &uri.scheme) {
        (io::ErrorKind::ConnectionRefused, _) => format!("{error}: is it running there?"),
        (_, AMQPScheme::AMQP) if broke_off => {
            "it hung up at once: if it expects TLS at this port, write amqps://".to_owned()
        }
        (_, AMQPScheme::AMQPS) if broke_off => {
            "it hung up during the TLS handshake: if it has no TLS at this port, write amqp://, or \
             the port that has (5671 mostly)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// The TLS error in a chain of causes.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    let mut next = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = match cause.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => cause.source(),
        };
    }
    None
}

fn tls_trouble(error: &rustls::Error, host: &str) -> String {
    use rustls::Error::{InvalidCertificate, InvalidMessage};
    match error {
        // An authority of the same name that is another one has signed otherwise.
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is from an authority that is not trusted: name the file with the \
             authority's certificate in egress.ca_files"
                .to_owned()
        }
        InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "its certificate is not for {host}: write the name that it is for in activiti.amqp \
             ({error})"
        ),
        InvalidCertificate(_) => format!("its certificate is not accepted: {error}"),
        InvalidMessage(_) => {
            "it answers without TLS at this port: write amqp://, or the port that \
                              has TLS (5671 mostly)"
                .to_owned()
        }
        _ => format!("there is no TLS connection: {error}"),
    }
}
