//! A payment provider for tests, with the protocol and the book of the demo's (docs/STORE.md), on a
//! port of its own. A test says which questions it declines, does not answer, or answers only when
//! nobody waits any more, and reads afterwards where all the money is.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::SystemTime;

use payment_provider::authorization::{Action, Authorization, Refusal, Status};
use payment_provider::card;
use payment_provider::signature::sign;
use serde_json::{Value, json};

use crate::http::{self, Answer};
use crate::wait;

/// What a shop asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    Authorize,
    Capture,
    Void,
    Refund,
}

/// How the provider treats a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It says no: 402.
    Refuse,
    /// 503, and nothing is done.
    Fail,
    /// It does nothing, and answers nothing, before it is [released](Provider::release).
    HoldBefore,
    /// It is done at once, and answered when it is released: never, or when the shop has given up.
    HoldAfter,
}

/// A provider that answers as tokens say until it is told otherwise.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    released: Condvar,
}

#[derive(Default)]
struct Book {
    authorizations: BTreeMap<String, Authorization>,
    behaviours: BTreeMap<Question, Behaviour>,
    asked: BTreeMap<(Question, String), u32>,
    /// How often those who are held were released.
    releases: u32,
    held: u32,
    keys: Vec<String>,
}

impl Provider {
    pub fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || serve(&shared, stream));
            }
        });
        Provider { address, shared }
    }

    /// Scheme and host.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Treats this question so from now on.
    pub fn behave(&self, question: Question, behaviour: Behaviour) {
        self.book().behaviours.insert(question, behaviour);
    }

    /// Answers as tokens say again; who is held stays so.
    pub fn recover(&self) {
        self.book().behaviours.clear();
    }

    /// Lets go on all who are held.
    pub fn release(&self) {
        self.book().releases += 1;
        self.shared.released.notify_all();
    }

    /// Waits until so many questions in all have been held.
    pub fn wait_for_held(&self, count: u32) {
        wait::until(&format!("{count} questions to the provider"), || {
            (self.book().held >= count).then_some(())
        });
    }

    /// How often this was asked of a reference.
    pub fn asked(&self, question: Question, reference: &str) -> u32 {
        let key = (question, reference.to_owned());
        self.book().asked.get(&key).copied().unwrap_or_default()
    }

    /// What stands under a reference.
    pub fn status(&self, reference: &str) -> Option<Status> {
        let book = self.book();
        let found = book.authorizations.get(reference);
        found.map(|authorization| authorization.status)
    }

    /// All that was ever asked to be set aside.
    pub fn authorizations(&self) -> Vec<Authorization> {
        self.book().authorizations.values().cloned().collect()
    }

    /// Number and sum of what has this status.
    pub fn sum(&self, status: Status) -> (usize, u64) {
        let all = self.authorizations();
        let found = all.iter().filter(|one| one.status == status);
        (
            found.clone().count(),
            found.map(|one| one.amount_minor).sum(),
        )
    }

    /// The `authorization` headers that came, each once.
    pub fn keys(&self) -> Vec<String> {
        self.book().keys.clone()
    }

    /// Tells a shop of something, signed now.
    pub fn tell(&self, shop: SocketAddr, secret: &str, event: &str, reference: &str) -> Answer {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let body = json!({ "event": event, "reference": reference }).to_string();
        let signature = sign(secret, now.unwrap().as_secs(), body.as_bytes()).unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("provider-signature", &signature),
        ];
        let path = "/api/payments/webhooks/provider";
        http::request(shop, "POST", path, &headers, body.as_bytes())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap()
    }
}

/// One exchange.
fn serve(shared: &Shared, stream: TcpStream) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut head).is_ok_and(|length| length > 0) {
            return;
        }
    }
    let Some(body) = read_body(&head, &mut reader) else {
        return;
    };
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, answer) = answer(shared, path, &head, &body);
    let answer = answer.to_string();
    let length = answer.len();
    // Who asked may be gone.
    let _gone = write!(
        writer,
        "HTTP/1.1 {status} Any\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{answer}"
    );
}

fn read_body(head: &str, reader: &mut impl BufRead) -> Option<Value> {
    let mut body = Vec::new();
    if field(head, "transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let length = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend(&chunk[..length]);
            if length == 0 {
                break;
            }
        }
    } else if let Some(length) = field(head, "content-length") {
        body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
    }
    Some(serde_json::from_slice(&body).unwrap_or_default())
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

fn answer(shared: &Shared, path: &str, head: &str, body: &Value) -> (u16, Value) {
    let path = path.strip_prefix("/payment-provider/authorizations");
    let parts: Vec<&str> = path.unwrap_or("?").split('/').collect();
    let (question, reference) = match parts.as_slice() {
        [""] => (
            Question::Authorize,
            body["reference"].as_str().unwrap_or_default(),
        ),
        ["", reference, "captures"] => (Question::Capture, *reference),
        ["", reference, "voids"] => (Question::Void, *reference),
        ["", reference, "refunds"] => (Question::Refund, *reference),
        _ => return (404, json!({})),
    };
    let mut book = shared.book.lock().unwrap();
    let key = field(head, "authorization").unwrap_or_default().to_owned();
    if !book.keys.contains(&key) {
        book.keys.push(key);
    }
    let asked = (question, reference.to_owned());
    *book.asked.entry(asked).or_default() += 1;
    match book.behaviours.get(&question) {
        None => act(&mut book, question, reference, body),
        Some(Behaviour::Refuse) => no("The test refuses it."),
        Some(Behaviour::Fail) => (503, json!({})),
        Some(Behaviour::HoldBefore) => {
            let mut book = hold(shared, book);
            act(&mut book, question, reference, body)
        }
        Some(Behaviour::HoldAfter) => {
            let answer = act(&mut book, question, reference, body);
            drop(hold(shared, book));
            answer
        }
    }
}

fn hold<'b>(shared: &'b Shared, mut book: MutexGuard<'b, Book>) -> MutexGuard<'b, Book> {
    book.held += 1;
    let before = book.releases;
    let is_held = |book: &mut Book| book.releases == before;
    shared.released.wait_while(book, is_held).unwrap()
}

fn act(book: &mut Book, question: Question, reference: &str, body: &Value) -> (u16, Value) {
    let action = match question {
        Question::Authorize => return authorize(book, reference, body),
        Question::Capture => Action::Capture,
        Question::Void => Action::Void,
        Question::Refund => Action::Refund,
    };
    let Some(authorization) = book.authorizations.get_mut(reference) else {
        return (404, json!({}));
    };
    match authorization.after(action) {
        Ok(status) => {
            authorization.status = status;
            (201, json!({ "status": status.name() }))
        }
        Err(Refusal::Unknown) => (404, json!({})),
        Err(Refusal::Unpaid) => no("The card's bank does not pay."),
        Err(Refusal::Past(status)) => (409, json!({ "reason": status.name() })),
    }
}

fn authorize(book: &mut Book, reference: &str, body: &Value) -> (u16, Value) {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let Some(card) = card::behaviour(text("token")) else {
        return no("The card is not known.");
    };
    let amount_minor = body["amount_minor"].as_u64().unwrap_or_default();
    let new = || Authorization::new(reference, amount_minor, text("currency"), card);
    let known = book.authorizations.entry(reference.to_owned());
    let known = known.or_insert_with(new);
    let is_same = known.amount_minor == amount_minor;
    match known.status {
        Status::Authorized | Status::Captured if is_same => (
            201,
            json!({ "authorization": reference, "status": "authorized" }),
        ),
        _ => no("The card was declined."),
    }
}

fn no(reason: &str) -> (u16, Value) {
    (402, json!({ "reason": reason }))
}
