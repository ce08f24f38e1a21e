//! Connecting to the message broker once.

use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::settings::Settings;
use super::trouble;

/// How long one attempt may take.
pub(crate) const CONNECTING: Duration = Duration::from_secs(20);

/// Connects. The error says where to, and which setting says so.
pub(crate) async fn connect_or_say(settings: &Settings) -> Result<Connection, String> {
    let connected = connect(settings).await;
    connected.map_err(|why| {
        let place = place(settings);
        format!("activiti: connecting to {place} failed: {why} (activiti.amqp)")
    })
}

/// Connects. The error is one for people, without the password.
async fn connect(settings: &Settings) -> Result<Connection, String> {
    let uri = uri(settings.amqp.expose())?;
    let properties = ConnectionProperties::default().with_connection_name("crosspoint".into());
    let tls = OwnedTLSConfig {
        identity: None,
        cert_chain: settings.authorities.clone(),
    };
    let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
    let connecting = Connection::connect_uri_with_config(uri.clone(), properties, tls, runtime);
    match timeout(CONNECTING, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(trouble::why(&error, &uri)),
        Err(_) => Err(format!("no answer within {} s", CONNECTING.as_secs())),
    }
}

/// The address of a message broker. A path of `/` alone is the default virtual host, as people mean
/// it, and not the one with the empty name.
pub fn uri(text: &str) -> Result<AMQPUri, String> {
    let mut uri: AMQPUri = text.trim().parse()?;
    if uri.vhost.is_empty() {
        uri.vhost = "/".to_owned();
    }
    Ok(uri)
}

/// Whether an address is one with TLS.
pub fn is_secure(text: &str) -> bool {
    uri(text).is_ok_and(|uri| uri.scheme == AMQPScheme::AMQPS)
}

/// The address without user and password.
pub(crate) fn place(settings: &Settings) -> String {
    match uri(settings.amqp.expose()) {
        Ok(uri) => {
            let (host, port) = (&uri.authority.host, uri.authority.port);
            format!("{}://{host}:{port}", uri.scheme)
        }
        Err(_) => "the message broker".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_slash_is_the_default_virtual_host() {
        for text in ["amqp://h", "amqp://h/", "amqp://u:p@h:5672/%2f"] {
            assert_eq!(uri(text).unwrap().vhost, "/", "{text}");
        }
        assert_eq!(uri("amqps://h/a").unwrap().vhost, "a");
        assert!(uri("http://h").is_err() && uri("").is_err());
    }
}
