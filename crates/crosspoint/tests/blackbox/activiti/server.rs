//! A real RabbitMQ on 127.0.0.1, in a directory of its own.
//!
//! It ends with the program that started it, however that ends: a small shell waits for the end of its
//! input, which comes when nobody holds the other end any more.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

/// A server takes some ten seconds to start, and more when others start as well.
const PATIENCE: Duration = Duration::from_secs(180);

/// Runs the server and the daemon that Erlang's nodes find each other by, until its own input ends.
const SUPERVISOR: &str = r#"
    directory=$1; names=$2; shift 2
    start() { setsid "$@" >>"$directory/out" 2>&1 </dev/null & server=$!; }
    # What has just begun may not be a group yet.
    end() { kill -KILL -$server || kill -KILL $server; wait $server; }
    setsid epmd -port "$names" >/dev/null 2>&1 </dev/null &
    daemon=$!
    start "$@"
    while read -r order; do
        case $order in
            stop) end ;;
            start) start "$@" ;;
        esac
    done
    end
    kill -KILL -$daemon || kill -KILL $daemon
    wait
    rm -rf -- "$directory"
"#;

/// A running server. Ended when dropped.
pub struct Rabbit {
    port: u16,
    tls_port: u16,
    names: u16,
    directory: std::path::PathBuf,
    input: Option<ChildStdin>,
    supervisor: Child,
}

// === impl Rabbit ===

impl Rabbit {
    pub async fn start() -> Rabbit {
        Rabbit::start_as(None).await
    }

    /// One that listens with TLS as well, by this certificate and its key, in PEM.
    pub async fn start_secure(certificate: String, key: String) -> Rabbit {
        Rabbit::start_as(Some((certificate, key))).await
    }

    async fn start_as(certified: Option<(String, String)>) -> Rabbit {
        let rabbit = spawn_blocking(|| Rabbit::spawn(certified)).await.unwrap();
        rabbit.is_up().await;
        rabbit
    }

    fn spawn(certified: Option<(String, String)>) -> Rabbit {
        let directory = TempDir::new().unwrap().keep();
        let [port, tls_port, names, nodes] = free_ports();
        let at = |name: &str| directory.join(name);
        std::fs::write(at("plugins"), "[].").unwrap();
        // A small machine is not short of disk or memory only because tests run on it.
        let mut config = "disk_free_limit.absolute = 1MB\nloopback_users = none\n".to_owned();
        if let Some((certificate, key)) = certified {
            std::fs::write(at("certificate.pem"), certificate).unwrap();
            std::fs::write(at("key.pem"), key).unwrap();
            config += &format!(
                "listeners.ssl.1 = 127.0.0.1:{tls_port}\n\
                 ssl_options.certfile = {}\nssl_options.keyfile = {}\n",
                at("certificate.pem").display(),
                at("key.pem").display()
            );
        }
        std::fs::write(at("rabbit.conf"), config).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISOR, "rabbit"])
            .arg(&directory)
            .arg(names.to_string())
            .arg("/usr/lib/rabbitmq/bin/rabbitmq-server")
            .env("HOME", &directory)
            .env("ERL_EPMD_PORT", names.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("crosspoint-{port}@localhost"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", nodes.to_string())
            .env("RABBITMQ_MNESIA_BASE", at("data"))
            .env("RABBITMQ_LOG_BASE", at("log"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
            .env("RABBITMQ_CONFIG_FILE", at("rabbit.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut supervisor = command.spawn().unwrap();
        Rabbit {
            port,
            tls_port,
            names,
            input: supervisor.stdin.take(),
            directory,
            supervisor,
        }
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// The same with TLS, by a name or an address of the server, which must be a secure one.
    pub fn tls_url(&self, host: &str) -> String {
        format!("amqps://guest:guest@{host}:{}", self.tls_port)
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> Connection {
        let url = self.url();
        let connecting = Connection::connect(&url, ConnectionProperties::default());
        let connected = timeout(PATIENCE, connecting).await;
        connected.expect("the server does not greet").unwrap()
    }

    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = self.connect().await;
        let channel = timeout(PATIENCE, connection.create_channel()).await;
        (connection, channel.expect("no channel comes").unwrap())
    }

    /// How many messages wait in a queue, and how many consumers it has. None: it is not there.
    pub async fn queue(&self, name: &str) -> Option<(u32, u32)> {
        let (connection, channel) = self.channel().await;
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let queue = channel
            .queue_declare(name.into(), options, FieldTable::default())
            .await
            .ok();
        let _ = connection.close(200, "done".into()).await;
        queue.map(|queue| (queue.message_count(), queue.consumer_count()))
    }

    pub async fn delete_queue(&self, name: &str) {
        let (connection, channel) = self.channel().await;
        channel
            .queue_delete(name.into(), QueueDeleteOptions::default())
            .await
            .unwrap();
        let _ = connection.close(200, "done".into()).await;
    }

    pub async fn delete_exchange(&self, name: &str) {
        let (connection, channel) = self.channel().await;
        channel
            .exchange_delete(name.into(), ExchangeDeleteOptions::default())
            .await
            .unwrap();
        let _ = connection.close(200, "done".into()).await;
    }

    /// Makes a durable queue of this name that gets what is published to the exchange of the same name,
    /// which must be there.
    pub async fn bind_queue(&self, name: &str) {
        let (connection, channel) = self.channel().await;
        let durable = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let none = FieldTable::default;
        channel
            .queue_declare(name.into(), durable, none())
            .await
            .unwrap();
        let bind = QueueBindOptions::default();
        channel
            .queue_bind(name.into(), name.into(), "#".into(), bind, none())
            .await
            .unwrap();
        let _ = connection.close(200, "done".into()).await;
    }

    /// Makes a durable topic exchange.
    pub async fn make_exchange(&self, name: &str) {
        let (connection, channel) = self.channel().await;
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default();
        let made = channel.exchange_declare(name.into(), ExchangeKind::Topic, options, none);
        made.await.unwrap();
        let _ = connection.close(200, "done".into()).await;
    }

    /// Whether there is an exchange of this name.
    pub async fn has_exchange(&self, name: &str) -> bool {
        let (connection, channel) = self.channel().await;
        let options = ExchangeDeclareOptions {
            passive: true,
            ..ExchangeDeclareOptions::default()
        };
        let none = FieldTable::default();
        let found = channel.exchange_declare(name.into(), ExchangeKind::Topic, options, none);
        let found = found.await.is_ok();
        let _ = connection.close(200, "done".into()).await;
        found
    }

    /// Lets the server be short of memory, so that it takes no messages; or not any more.
    pub async fn alarm(&self, on: bool) {
        let share = if on { "0.0000001" } else { "0.6" };
        let mut command = tokio::process::Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl");
        command
            .args(["--node", &format!("crosspoint-{}@localhost", self.port)])
            .args(["set_vm_memory_high_watermark", share])
            .env("HOME", &self.directory)
            .env("ERL_EPMD_PORT", self.names.to_string())
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .stdin(Stdio::null());
        let ended = timeout(PATIENCE, command.output()).await;
        let ended = ended.expect("rabbitmqctl does not end").unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }

    /// Ends the server as a power failure of it would.
    pub fn stop(&mut self) {
        self.order("stop");
    }

    /// Starts it again, with what it had, and waits until it is there.
    pub async fn start_again(&mut self) {
        self.order("start");
        self.is_up().await;
    }

    fn order(&mut self, order: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{order}").unwrap();
    }

    async fn is_up(&self) {
        let (end, url) = (Instant::now() + PATIENCE, self.url());
        loop {
            let connecting = Connection::connect(&url, ConnectionProperties::default());
            match timeout(Duration::from_secs(10), connecting).await {
                Ok(Ok(connection)) => return drop(connection.close(200, "up".into()).await),
                _ if Instant::now() < end => sleep(Duration::from_millis(200)).await,
                _ => {
                    let out = std::fs::read_to_string(self.directory.join("out"));
                    panic!("RabbitMQ does not start: {}", out.unwrap_or_default());
                }
            }
        }
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.supervisor.wait();
    }
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 4] {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listeners = [listen(), listen(), listen(), listen()];
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
