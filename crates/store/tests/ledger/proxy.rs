//! A way to a server that can be closed and opened again.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on while it is open.
pub struct Proxy {
    pub port: u16,
    way: Arc<watch::Sender<Way>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Open,
    Closed,
    Held,
}

impl Proxy {
    pub async fn start(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Arc::new(watch::Sender::new(Way::Open));
        let sender = way.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut way = sender.subscribe();
                if *way.borrow_and_update() == Way::Closed {
                    continue;
                }
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                    while *way.borrow_and_update() != Way::Closed {
                        if *way.borrow() == Way::Held {
                            let _ = way.changed().await;
                            continue;
                        }
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => return,
                            _ = way.changed() => {}
                        }
                    }
                });
            }
        });
        Proxy { port, way }
    }

    /// Breaks all connections, and every new one until it is opened again.
    pub fn close(&self) {
        self.way.send_replace(Way::Closed);
    }

    /// Passes nothing on any more, and breaks nothing.
    pub async fn hold(&self) {
        self.way.send_replace(Way::Held);
        // For those who pass something on at this very moment.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    pub fn open(&self) {
        self.way.send_replace(Way::Open);
    }
}
