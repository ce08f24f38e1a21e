//! How other commands speak to a running server: a unix socket in its data directory, which only
//! its user can open. One line of JSON asks, one line answers.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// The longest request. A real one is a few bytes.
const LONGEST: u64 = 64 * 1024;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Read the configuration and the connectors again.
    Reload,
    /// Run a call of the ledger again, as another attempt of the same call, and wait for its end.
    RunAgain {
        /// The call.
        id: String,
    },
    /// Begin to authorise a profile. The text of the answer is the address to open in a browser.
    Authorise {
        /// The profile: `connector/name`.
        profile: String,
        /// By which auth; the only one when there is none.
        auth: Option<String>,
        /// Who wants it.
        by: String,
    },
    /// What is authorised. The text of the answer is a JSON list.
    Grants,
    /// Forget what was granted for a profile.
    ForgetGrant {
        /// The profile: `connector/name`.
        profile: String,
        /// Who wants it.
        by: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub done: bool,
    /// What was done, or why not; several lines.
    pub text: String,
    /// What a call that did run again has failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The server's end of the socket. The file goes away with it.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

// === impl Control ===

impl Control {
    /// Opens the socket. The lock of the data directory must be held: a file that is there is left
    /// over from a process that was killed.
    pub fn open(data_dir: &Path) -> io::Result<Control> {
        let path = socket(data_dir);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        Ok(Control { listener, path })
    }

    /// Answers requests, several at a time, until it is dropped.
    pub async fn serve(
        self,
        handle: impl Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) {
        let handle = Arc::new(handle);
        let mut asked = JoinSet::new();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let handle = handle.clone();
                    asked.spawn(async move {
                        if let Err(error) = answer(stream, &*handle).await {
                            tracing::debug!(%error, "A request on the control socket broke off.");
                        }
                    });
                    while asked.try_join_next().is_some() {}
                }
                Err(error) => {
                    tracing::warn!(%error, "Accepting on the control socket failed.");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

// === impl Answer ===

impl Answer {
    /// It was done.
    pub fn done(text: String) -> Answer {
        Answer {
            done: true,
            text,
            failure: None,
        }
    }

    /// It was not.
    pub fn refused(text: String) -> Answer {
        Answer {
            done: false,
            text,
            failure: None,
        }
    }
}

async fn answer(
    stream: UnixStream,
    handle: &(impl Fn(Request) -> BoxFuture<'static, Answer> + Sync),
) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST));
    let asking = read.read_line(&mut line);
    tokio::time::timeout(Duration::from_secs(10), asking)
        .await
        .context("nothing was asked")??;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => handle(request).await,
        Err(error) => Answer::refused(format!("this server does not know the request: {error}")),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    Ok(write.write_all(&text).await?)
}

/// Asks the server that runs with this data directory.
pub async fn ask(data_dir: &Path, request: Request) -> Result<Answer> {
    let path = socket(data_dir);
    match UnixStream::connect(&path).await {
        Ok(stream) => ask_over(stream, &request).await,
        Err(error) => bail!(
            "no server answers at {} ({error}): is `crosspoint serve` running with this data_dir?",
            path.display()
        ),
    }
}

/// Asks the server that runs with this data directory. None when there is none.
pub async fn ask_if_there(data_dir: &Path, request: Request) -> Result<Option<Answer>> {
    let path = socket(data_dir);
    match UnixStream::connect(&path).await {
        Ok(stream) => ask_over(stream, &request).await.map(Some),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error).with_context(|| format!("asking the server at {}", path.display())),
        },
    }
}

async fn ask_over(stream: UnixStream, request: &Request) -> Result<Answer> {
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    write.write_all(&line).await.context("asking the server")?;
    let mut text = String::new();
    let mut read = BufReader::new(read);
    let reading = read.read_line(&mut text).await;
    reading.context("reading the server's answer")?;
    serde_json::from_str(&text).context("the server went away before it answered")
}

fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_answered_over_a_socket_for_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::open(folder.path()).unwrap();
        let mode = std::fs::metadata(socket(folder.path())).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        let serving = tokio::spawn(control.serve(|request| {
            assert_eq!(request, Request::Reload);
            let text = "two\nlines".to_owned();
            Box::pin(std::future::ready(Answer::done(text)))
        }));
        let answer = ask(folder.path(), Request::Reload).await.unwrap();
        assert_eq!((answer.done, &*answer.text), (true, "two\nlines"));

        let mut stream = UnixStream::connect(socket(folder.path())).await.unwrap();
        stream.write_all(b"{\"dance\": 1}\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("does not know"), "{text}");
        serving.abort();
        let _ = serving.await;
        let error = ask(folder.path(), Request::Reload).await.unwrap_err();
        assert!(error.to_string().contains("crosspoint serve"), "{error}");
    }

    #[tokio::test]
    async fn a_request_that_takes_long_keeps_no_other_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::open(folder.path()).unwrap();
        let (open, gate) = tokio::sync::watch::channel(());
        tokio::spawn(control.serve(move |request| {
            let mut gate = gate.clone();
            Box::pin(async move {
                if let Request::RunAgain { id } = request {
                    let _ = gate.changed().await;
                    return Answer::done(id);
                }
                Answer::refused(String::new())
            })
        }));
        let id = "a-call".to_owned();
        let long = ask(folder.path(), Request::RunAgain { id });
        let quick = async {
            let answer = ask(folder.path(), Request::Reload).await.unwrap();
            open.send(()).unwrap();
            answer
        };
        let (long, quick) = tokio::join!(long, quick);
        assert_eq!((&*long.unwrap().text, quick.done), ("a-call", false));
    }

    #[tokio::test]
    async fn no_server_is_not_an_error_where_there_may_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let answer = ask_if_there(folder.path(), Request::Reload).await;
        assert_eq!(answer.unwrap(), None);
        // A socket that a killed server has left.
        drop(UnixListener::bind(socket(folder.path())).unwrap());
        let answer = ask_if_there(folder.path(), Request::Reload).await;
        assert_eq!(answer.unwrap(), None);
    }
}
