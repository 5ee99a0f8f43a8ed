//! Asks a running host on this machine, with the token in its state directory or another one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use tokio::net::{TcpStream, UnixStream};

use super::address::{Address, DEFAULT};
use super::announcement;
use super::listener::Stream;
use super::tokens::{self, ADMIN_TOKEN, TokenError};

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The variable of the environment that a token may stand in.
pub const TOKEN_VARIABLE: &str = "KUMIKI_TOKEN";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(
        "no host answers for the state directory {0}: start one with `kumiki up`, or name the \
         directory of one that runs with --state-dir; one that runs with --admin off cannot be \
         asked"
    )]
    NoHost(PathBuf),
    #[error(
        "there is no token for {address}: {path} does not exist; name the state directory of that \
         host with --state-dir or its app with -f, or put a token into {TOKEN_VARIABLE}"
    )]
    NoToken { address: Address, path: PathBuf },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("nothing listens on {address}: {source}; is the host still running?")]
    Connect {
        address: Address,
        source: std::io::Error,
    },
    #[error("{0} did not answer as an admin API does: {1}")]
    Http(Address, hyper::Error),
    #[error("{address} gave no answer within {} seconds", time.as_secs())]
    TimedOut { address: Address, time: Duration },
    /// A value that JSON cannot say, such as a path that is no text.
    #[error("the request cannot be written: {0}")]
    Unwritten(serde_json::Error),
    /// The host's own words, or the status where there are none.
    #[error("{address} refused: {detail}")]
    Refused {
        address: Address,
        detail: String,
        /// The whole problem.
        body: Bytes,
    },
}

/// A request's body; without a kind there is none.
#[derive(Default)]
struct Content {
    kind: &'static str,
    body: Bytes,
}

/// The way to one host.
pub struct Client {
    address: Address,
    token: String,
}

impl Client {
    /// The host that works in a state directory. `address` and `token` are given where the operator
    /// knows better than the directory.
    pub fn find(
        state: &Path,
        address: Option<Address>,
        token: Option<String>,
    ) -> Result<Self, ClientError> {
        let address = address
            .or_else(|| announcement::read(state))
            .ok_or_else(|| ClientError::NoHost(state.to_owned()))?;
        let token = match token {
            Some(token) => token,
            None => token_in(state, &address)?,
        };
        Ok(Self { address, token })
    }

    /// A host of which no state directory is known. The token of a directory is never sent to the
    /// preset address: who stands there may be somebody else.
    pub fn at(address: Option<Address>, token: String) -> Self {
        let address = address.unwrap_or(Address::Tcp(DEFAULT));
        Self { address, token }
    }

    /// Where the host answers.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The body of a page.
    pub async fn get(&self, path: &str) -> Result<Bytes, ClientError> {
        self.ask(Method::GET, path, Content::default(), TIMEOUT)
            .await
    }

    /// Has something deleted.
    pub async fn delete(&self, path: &str) -> Result<Bytes, ClientError> {
        self.ask(Method::DELETE, path, Content::default(), TIMEOUT)
            .await
    }

    /// The answer to a body of JSON, which may take its time.
    pub async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
        time: Duration,
    ) -> Result<Bytes, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Unwritten)?;
        let content = Content {
            kind: "application/json",
            body: body.into(),
        };
        self.ask(Method::POST, path, content, time).await
    }

    /// The answer to a body of another kind.
    pub async fn post_as(
        &self,
        path: &str,
        kind: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, ClientError> {
        let content = Content {
            kind,
            body: body.into(),
        };
        self.ask(Method::POST, path, content, TIMEOUT).await
    }

    /// The answer to a component, which takes as long as it is compiled and what ran before ends.
    pub async fn upload(
        &self,
        path: &str,
        component: Vec<u8>,
        time: Duration,
    ) -> Result<Bytes, ClientError> {
        let content = Content {
            kind: "application/wasm",
            body: component.into(),
        };
        self.ask(Method::POST, path, content, time).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        content: Content,
        time: Duration,
    ) -> Result<Bytes, ClientError> {
        let stream: Box<dyn Stream> = match &self.address {
            Address::Tcp(address) => Box::new(self.connected(TcpStream::connect(address).await)?),
            Address::Unix(path) => Box::new(self.connected(UnixStream::connect(path).await)?),
        };
        let exchange = self.exchange(stream, method, path, content);
        match tokio::time::timeout(time, exchange).await {
            Ok(Ok((status, body))) if status.is_success() => Ok(body),
            Ok(Ok((status, body))) => Err(ClientError::Refused {
                address: self.address.clone(),
                detail: detail(&body).unwrap_or_else(|| status.to_string()),
                body,
            }),
            Ok(Err(error)) => Err(ClientError::Http(self.address.clone(), error)),
            Err(_) => Err(ClientError::TimedOut {
                address: self.address.clone(),
                time,
            }),
        }
    }

    fn connected<S>(&self, stream: std::io::Result<S>) -> Result<S, ClientError> {
        stream.map_err(|source| ClientError::Connect {
            address: self.address.clone(),
            source,
        })
    }

    async fn exchange(
        &self,
        stream: Box<dyn Stream>,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<(StatusCode, Bytes), hyper::Error> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = Request::new(Full::new(content.body));
        *request.method_mut() = method;
        // A path of ours and a token of the host's are valid; what is not is left out, and
        // the host says so.
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
        let headers = request.headers_mut();
        if !content.kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content.kind));
        }
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        if let Ok(value) = format!("Bearer {}", self.token).parse() {
            headers.insert(AUTHORIZATION, value);
        }
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        connection.abort();
        Ok((status, body))
    }
}

/// A text as one step of a path or one value of a query.
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn token_in(state: &Path, address: &Address) -> Result<String, ClientError> {
    let path = state.join(ADMIN_TOKEN);
    match tokens::read_token(&path) {
        Err(TokenError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let address = address.clone();
            Err(ClientError::NoToken { address, path })
        }
        outcome => Ok(outcome?),
    }
}

fn detail(problem: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(problem).ok()?;
    Some(problem.get("detail")?.as_str()?.to_owned())
}
