//! An HTTP/1.1 client at the level of bytes: requests whole, in parts or malformed, and answers
//! whole or as they come. It is the tests' own, because a good client library refuses to send most
//! of what the tests must send.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};

use crate::wait::PATIENCE;

/// An answer that has been read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {self:?}"),
        }
    }

    /// The text of an answer of this status.
    ///
    /// # Panics
    /// With the whole answer when the status is another.
    pub fn expect(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.text()
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.as_str())
}

/// One whole exchange on a connection of its own.
///
/// # Panics
/// When the host does not answer.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut connection = Connection::open(address);
    // A host may answer before it has read all; then the answer counts, not the broken write.
    let _answered_early = connection.send(method, path, headers, body);
    match connection.answer(method) {
        Ok(answer) => answer,
        Err(error) => panic!("{method} {path}: no answer: {error}"),
    }
}

/// A connection to the host.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects. Reads and writes on it end after [`PATIENCE`].
    pub fn open(address: SocketAddr) -> Self {
        Self::try_open(address).expect("the host accepts connections")
    }

    /// Connects, unless nobody listens.
    pub fn try_open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Some(Self { stream, reader })
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When the host has closed the connection.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a whole request with a `content-length`.
    ///
    /// # Errors
    /// When the host has closed the connection.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head.push_str(&format!("host: {}\r\n", self.stream.peer_addr()?));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.write(head)?;
        self.write(body)
    }

    /// Writes one chunk of a chunked body; an empty one ends the body without trailers.
    ///
    /// # Errors
    /// When the host has closed the connection.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(format!("{:x}\r\n", bytes.len()))?;
        self.write(bytes)?;
        self.write("\r\n")
    }

    /// A second handle for writing while this one reads.
    pub fn writer(&self) -> Self {
        let stream = self.stream.try_clone().unwrap();
        Self {
            reader: BufReader::new(stream.try_clone().unwrap()),
            stream,
        }
    }

    /// Closes both directions.
    pub fn close(self) {
        let _already_closed = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Reads the answer to a request of this method to its end.
    ///
    /// # Errors
    /// When the connection ends or pauses for too long before the answer is whole.
    pub fn answer(&mut self, method: &str) -> Result<Answer> {
        let (status, headers) = self.head()?;
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
            trailers: Vec::new(),
        };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Ok(answer);
        }
        if find(&answer.headers, "transfer-encoding").is_some() {
            while let Some(chunk) = self.next_chunk()? {
                answer.body.extend(chunk);
            }
            answer.trailers = self.fields()?;
        } else if let Some(length) = find(&answer.headers, "content-length") {
            answer.body = vec![0; length.parse().map_err(invalid)?];
            self.reader.read_exact(&mut answer.body)?;
        } else {
            self.reader.read_to_end(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Reads status and headers, past any interim answers.
    ///
    /// # Errors
    /// When the connection ends before them.
    pub fn head(&mut self) -> Result<(u16, Vec<(String, String)>)> {
        loop {
            let line = self.line()?;
            let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
            let status: u16 = status.ok_or_else(|| invalid(format!("status line `{line}`")))?;
            let headers = self.fields()?;
            if status >= 200 {
                return Ok((status, headers));
            }
        }
    }

    /// Reads the next chunk of a chunked body; nothing at its end, after which trailers may follow.
    ///
    /// # Errors
    /// When the connection ends within the body.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let length = usize::from_str_radix(&line, 16).map_err(invalid)?;
        if length == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; length];
        self.reader.read_exact(&mut chunk)?;
        let mut end = [0; 2];
        self.reader.read_exact(&mut end)?;
        Ok(Some(chunk))
    }

    /// Reads until the host closes the connection.
    ///
    /// # Errors
    /// When it does not within [`PATIENCE`].
    pub fn rest(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error),
            _ => Ok(bytes),
        }
    }

    /// Reads header lines or trailers, names in small letters, past the empty line that ends them.
    ///
    /// # Errors
    /// When the connection ends before it.
    pub fn fields(&mut self) -> Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| invalid(line.clone()))?;
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.reader.read_until(b'\n', &mut bytes)?;
        if bytes.pop() != Some(b'\n') {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text.trim_end_matches('\r').to_owned())
    }
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, cause)
}
