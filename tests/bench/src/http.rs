//! One HTTP/1.1 connection that blocks: enough to ask a server for its first answer, and to ask a
//! service to measure itself. Load is left to wrk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// The body of an answer with status 200.
    ///
    /// # Errors
    /// With status and body of any other answer.
    pub fn ok(self) -> Result<String> {
        if self.status != 200 {
            bail!("status {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

/// A connection that is kept alive between requests.
pub struct Connection {
    reader: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Connection {
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            reader: BufReader::new(stream),
            address,
        })
    }

    /// Sends a GET and reads the whole answer.
    ///
    /// # Errors
    /// When the answer is not whole within a minute.
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.get_with(path, &[])
    }

    /// The same with further lines in the head, such as `name: value`.
    ///
    /// # Errors
    /// When the answer is not whole within a minute.
    pub fn get_with(&mut self, path: &str, lines: &[&str]) -> Result<Answer> {
        self.ask("GET", path, lines, "")
    }

    /// The same by any method and with a body.
    ///
    /// # Errors
    /// When the answer is not whole within a minute.
    pub fn ask(&mut self, method: &str, path: &str, lines: &[&str], body: &str) -> Result<Answer> {
        let host = format!("host: {}", self.address);
        let length = format!("content-length: {}", body.len());
        let own = [host.as_str(), length.as_str()];
        // A GET without a body does not announce one.
        let own = own
            .get(..if method == "GET" { 1 } else { 2 })
            .unwrap_or_default();
        let lines = [own, lines].concat().join("\r\n");
        let request = format!("{method} {path} HTTP/1.1\r\n{lines}\r\n\r\n{body}");
        self.reader.get_mut().write_all(request.as_bytes())?;
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|text| text.parse().ok());
        let status = status.with_context(|| format!("status line `{status_line}`"))?;
        let mut length = None;
        let mut is_chunked = false;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<usize>()?);
            }
            is_chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
        }
        let mut body = Vec::new();
        if is_chunked {
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
            }
        } else {
            body = self.exactly(length.context("the answer has neither length nor chunks")?)?;
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, body })
    }

    fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(self.line()?.trim(), 16)?;
        let chunk = self.exactly(length)?;
        self.line()?;
        Ok((length > 0).then_some(chunk))
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("the connection ended within an answer");
        }
        Ok(line.trim_end().to_owned())
    }
}
