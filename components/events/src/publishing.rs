//! From a request to its answer: read, forward to everyone who takes the topic, and say the ids.
//! How a request is sent is left to the caller.

use serde_json::json;

use crate::event::{self, Event};
use crate::subscription::{self, Subscription};

/// Bytes of a body.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A request, read whole.
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `None`: it has more than [`BODY_BYTES_MAX`] bytes.
    pub body: Option<Vec<u8>>,
}

/// An answer; all its headers are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: String,
}

/// Sends events on.
pub trait Forward {
    /// Sends an event to a subscriber, once.
    fn forward(&self, url: &str, event: &Event) -> Result<(), String>;
}

/// Answers a request. `subscriptions` is the variable; `log` gets what an operator should know.
pub fn answer(
    request: Request,
    subscriptions: &str,
    forward: &dyn Forward,
    log: &mut dyn FnMut(String),
) -> Answer {
    let topic = request.path.strip_prefix('/').unwrap_or_default();
    if topic.is_empty() || topic.contains('/') {
        return problem(404, "events are published to `/TOPIC`");
    }
    if request.method != "POST" {
        let mut answer = problem(405, "events are published with POST");
        answer.headers.push(("allow", "POST"));
        return answer;
    }
    if !subscription::is_topic(topic) {
        return problem(400, &format!("`{topic}` is no topic"));
    }
    let Some(body) = request.body else {
        return problem(
            413,
            &format!("the body has more than {BODY_BYTES_MAX} bytes"),
        );
    };
    let events = match event::read(&request.headers, body) {
        Ok(events) => events,
        Err(error) => return problem(400, &error),
    };
    let subscriptions = match subscription::read(subscriptions) {
        Ok(subscriptions) => subscriptions,
        Err(error) => {
            log(format!("the variable `subscriptions`: {error}"));
            return problem(500, "the subscriptions cannot be read");
        }
    };
    for event in &events {
        forward_to_all(topic, event, &subscriptions, forward, log);
    }
    let ids: Vec<&str> = events.iter().map(|event| &*event.id).collect();
    Answer {
        status: 202,
        headers: vec![BEST_EFFORT, ("content-type", "application/json")],
        body: json!({ "ids": ids }).to_string(),
    }
}

const BEST_EFFORT: (&str, &str) = ("kumiki-delivery", "best-effort");

fn forward_to_all(
    topic: &str,
    event: &Event,
    subscriptions: &[Subscription],
    forward: &dyn Forward,
    log: &mut dyn FnMut(String),
) {
    for Subscription { url, .. } in subscriptions.iter().filter(|known| known.takes(topic)) {
        if let Err(error) = forward.forward(url, event) {
            log(format!(
                "event `{}` of `{topic}` is lost to {url}: {error}",
                event.id
            ));
        }
    }
}

fn problem(status: u16, detail: &str) -> Answer {
    let body = json!({ "type": "about:blank", "status": status, "detail": detail });
    Answer {
        status,
        headers: vec![BEST_EFFORT, ("content-type", "application/problem+json")],
        body: body.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Answer, Event, Forward, Request, answer};

    /// Remembers what goes where; `http://down/` takes nothing.
    #[derive(Default)]
    struct Recorder(RefCell<Vec<(String, String)>>);

    impl Forward for Recorder {
        fn forward(&self, url: &str, event: &Event) -> Result<(), String> {
            self.0.borrow_mut().push((url.to_owned(), event.id.clone()));
            match url {
                "http://down/" => Err("status 500".to_owned()),
                _ => Ok(()),
            }
        }
    }

    const SUBSCRIPTIONS: &str = "order.*=http://down/\n#=http://up/all\nother=http://up/other";

    fn request(method: &str, path: &str) -> Request {
        let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", "t")];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.iter().map(owned).collect(),
            body: Some(Vec::new()),
        }
    }

    fn send(request: Request, subscriptions: &str) -> (Answer, Vec<(String, String)>, Vec<String>) {
        let (recorder, mut lines) = (Recorder::default(), Vec::new());
        let answer = answer(request, subscriptions, &recorder, &mut |line| {
            lines.push(line)
        });
        (answer, recorder.0.into_inner(), lines)
    }

    #[test]
    fn an_event_goes_to_all_who_take_it_whatever_becomes_of_it() {
        let (answer, sent, lines) = send(request("POST", "/order.placed"), SUBSCRIPTIONS);
        assert_eq!((answer.status, &*answer.body), (202, r#"{"ids":["1"]}"#));
        assert!(answer.headers.contains(&("kumiki-delivery", "best-effort")));
        let urls: Vec<&str> = sent.iter().map(|(url, _)| url.as_str()).collect();
        assert_eq!(urls, ["http://down/", "http://up/all"]);
        assert_eq!(
            lines,
            ["event `1` of `order.placed` is lost to http://down/: status 500"]
        );
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let status = |request| {
            let (answer, sent, _) = send(request, SUBSCRIPTIONS);
            assert_eq!(sent, []);
            answer.status
        };
        assert_eq!(status(request("POST", "/")), 404);
        assert_eq!(status(request("POST", "/a/b")), 404);
        assert_eq!(status(request("GET", "/a")), 405);
        assert_eq!(status(request("POST", "/A")), 400);
        let mut no_id = request("POST", "/a");
        no_id.headers.remove(1);
        assert_eq!(status(no_id), 400);
        let mut large = request("POST", "/a");
        large.body = None;
        assert_eq!(status(large), 413);
        let (answer, _, lines) = send(request("POST", "/a"), "nonsense");
        assert_eq!(answer.status, 500);
        assert!(lines[0].contains("`nonsense` has no `=`"), "{lines:?}");
    }
}
