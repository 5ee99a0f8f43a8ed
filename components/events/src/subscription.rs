//! Who takes which topics, as the variable `subscriptions` says it.

/// One line of the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// A topic; `*` stands for one name, `#` at the end for any number of names.
    pub pattern: String,
    /// Where events go: `http://shipping.spin.internal/events/order`.
    pub url: String,
}

/// Reads the variable; empty lines say nothing.
///
/// # Errors
/// The first line that is none.
pub fn read(variable: &str) -> Result<Vec<Subscription>, String> {
    let lines = variable.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(read_line).collect()
}

fn read_line(line: &str) -> Result<Subscription, String> {
    let example = "write `order.*=http://shipping.spin.internal/events/order`";
    let (pattern, url) = line
        .split_once('=')
        .map(|(pattern, url)| (pattern.trim(), url.trim()))
        .ok_or_else(|| format!("`{line}` has no `=`; {example}"))?;
    if !is_pattern(pattern) {
        return Err(format!("`{pattern}` is no topic; {example}"));
    }
    let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
    if !rest.is_some_and(|rest| {
        rest.split_once('/')
            .is_some_and(|(host, _)| !host.is_empty())
    }) {
        return Err(format!("`{url}` is no url with a path; {example}"));
    }
    Ok(Subscription {
        pattern: pattern.to_owned(),
        url: url.to_owned(),
    })
}

/// Whether a text is the topic of an event.
pub fn is_topic(text: &str) -> bool {
    is_pattern(text) && !text.contains(['*', '#'])
}

fn is_pattern(text: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    let mut names = text.split('.').peekable();
    let mut are_names = true;
    while let Some(name) = names.next() {
        let is_last = names.peek().is_none();
        are_names &= name == "*"
            || (name == "#" && is_last)
            || (!name.is_empty() && name.bytes().all(is_plain));
    }
    are_names && text.len() <= 128 && text.split('.').count() <= 16
}

impl Subscription {
    /// Whether it takes events of this topic.
    pub fn takes(&self, topic: &str) -> bool {
        let mut names = topic.split('.');
        for wanted in self.pattern.split('.') {
            if wanted == "#" {
                return true;
            }
            match names.next() {
                Some(name) if wanted == "*" || wanted == name => {}
                Some(_) | None => return false,
            }
        }
        names.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::{is_topic, read};

    #[test]
    fn lines_say_who_takes_what() {
        let read = read("\n order.* = http://a.spin.internal/x \n#=https://b/\n").unwrap();
        let pairs: Vec<_> = read.iter().map(|one| (&*one.pattern, &*one.url)).collect();
        assert_eq!(
            pairs,
            [("order.*", "http://a.spin.internal/x"), ("#", "https://b/")]
        );
        assert!(read[0].takes("order.a") && !read[0].takes("order") && !read[0].takes("order.a.b"));
        assert!(read[1].takes("anything.at.all"));
    }

    #[test]
    fn other_lines_are_named() {
        for line in [
            "order",
            "Order=http://a/",
            "#.a=http://a/",
            "a=ftp://a/",
            "a=http://a",
            "a=",
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains("write `order.*=http://"), "{error}");
        }
    }

    #[test]
    fn topics_are_those_of_the_bus() {
        let (long, many) = ("a".repeat(129), ["a"; 17].join("."));
        for topic in ["a", "order.placed", "a-b_c.9"] {
            assert!(is_topic(topic), "{topic}");
        }
        for topic in ["", ".", "a.", "A", "a.*", "#", "a/b", &long, &many] {
            assert!(!is_topic(topic), "{topic}");
        }
    }
}
