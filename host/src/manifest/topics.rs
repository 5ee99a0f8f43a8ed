//! Topics and the patterns of them that subscriptions name: how both are written, and which topics
//! a pattern means. Who publishes and who subscribes is left to others.

/// Bytes of a topic or a pattern.
const BYTES_MAX: usize = 128;
/// Names of a topic or a pattern.
const NAMES_MAX: usize = 16;

/// Why a text is no topic or no pattern. The texts can follow "… is no topic: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error("it is empty")]
    Empty,
    #[error("it has {0} bytes, of at most {BYTES_MAX}")]
    TooLong(usize),
    #[error("it has {0} names, of at most {NAMES_MAX}")]
    TooManyNames(usize),
    #[error("there is no name before, after or between dots")]
    EmptyName,
    #[error("`{0}` is no lower-case letter, digit, `-` or `_`")]
    Character(char),
    #[error("`{0}` stands for names, and an event has one topic")]
    Wildcard(char),
    #[error("`{0}` stands for whole names, so it stands alone between dots")]
    WildcardInName(char),
    #[error("`#` may only stand at the end")]
    HashNotLast,
}

/// Checks the topic of an event: 1 to 16 names with dots between them.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_topic(topic: &str) -> Result<(), TopicError> {
    check_size(topic)?;
    let wildcard = topic.chars().find(|character| "*#".contains(*character));
    if let Some(wildcard) = wildcard {
        return Err(TopicError::Wildcard(wildcard));
    }
    topic.split('.').try_for_each(check_name)
}

/// Checks the pattern of a subscription: a topic whose names may be `*` for any one name, and the
/// last one `#` for any number of names.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_pattern(pattern: &str) -> Result<(), TopicError> {
    check_size(pattern)?;
    let mut names = pattern.split('.').peekable();
    while let Some(name) = names.next() {
        match name {
            "*" => {}
            "#" if names.peek().is_none() => {}
            "#" => return Err(TopicError::HashNotLast),
            name => check_name(name)?,
        }
    }
    Ok(())
}

/// Whether a pattern means a topic; both are checked. As in RabbitMQ, `#` is also no name at all:
/// `order.#` means `order`, `order.placed` and `order.a.b`.
pub fn matches(pattern: &str, topic: &str) -> bool {
    let mut names = topic.split('.');
    for wanted in pattern.split('.') {
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

fn check_size(text: &str) -> Result<(), TopicError> {
    let names = text.split('.').count();
    if text.is_empty() {
        Err(TopicError::Empty)
    } else if text.len() > BYTES_MAX {
        Err(TopicError::TooLong(text.len()))
    } else if names > NAMES_MAX {
        Err(TopicError::TooManyNames(names))
    } else {
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), TopicError> {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    if name.is_empty() {
        return Err(TopicError::EmptyName);
    }
    if name.bytes().all(is_plain) {
        return Ok(());
    }
    let wrong = |character: &char| u8::try_from(*character).map_or(true, |byte| !is_plain(byte));
    match name.chars().find(wrong) {
        Some(wildcard @ ('*' | '#')) => Err(TopicError::WildcardInName(wildcard)),
        Some(character) => Err(TopicError::Character(character)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topics_are_names_with_dots_between_them() {
        let longest = vec!["a"; 16].join(".");
        for good in ["a", "order.placed", "9-_.x", longest.as_str()] {
            assert_eq!(check_topic(good), Ok(()), "{good}");
            assert_eq!(check_pattern(good), Ok(()), "{good}");
        }
        let long = "a".repeat(129);
        let many = vec!["a"; 17].join(".");
        for (bad, why) in [
            ("", TopicError::Empty),
            (&long, TopicError::TooLong(129)),
            (&many, TopicError::TooManyNames(17)),
            (".", TopicError::EmptyName),
            ("a..b", TopicError::EmptyName),
            ("a.", TopicError::EmptyName),
            ("Order", TopicError::Character('O')),
            ("a/b", TopicError::Character('/')),
            ("ä", TopicError::Character('ä')),
        ] {
            assert_eq!(check_topic(bad), Err(why.clone()), "{bad}");
            assert_eq!(check_pattern(bad), Err(why), "{bad}");
        }
        assert_eq!(check_topic("a.*"), Err(TopicError::Wildcard('*')));
        assert_eq!(check_topic("#"), Err(TopicError::Wildcard('#')));
    }

    #[test]
    fn wildcards_stand_for_whole_names() {
        for good in ["*", "#", "*.*", "a.*.c", "a.#", "*.#"] {
            assert_eq!(check_pattern(good), Ok(()), "{good}");
        }
        assert_eq!(check_pattern("#.a"), Err(TopicError::HashNotLast));
        assert_eq!(check_pattern("a*"), Err(TopicError::WildcardInName('*')));
        assert_eq!(check_pattern("a.b#"), Err(TopicError::WildcardInName('#')));
    }

    #[test]
    fn patterns_mean_what_they_mean_in_rabbitmq() {
        for (pattern, topic, expected) in [
            ("order.placed", "order.placed", true),
            ("order.placed", "order", false),
            ("order", "order.placed", false),
            ("order.*", "order.placed", true),
            ("order.*", "order", false),
            ("order.*", "order.a.b", false),
            ("*.placed", "order.placed", true),
            ("*.placed", "order.gone", false),
            ("order.#", "order", true),
            ("order.#", "order.a.b", true),
            ("order.#", "orders", false),
            ("#", "a", true),
            ("#", "a.b.c", true),
            ("*.#", "a", true),
            ("*.*.#", "a", false),
        ] {
            assert_eq!(matches(pattern, topic), expected, "{pattern} {topic}");
        }
    }

    /// What `matches` says, over lists of names.
    fn model(pattern: &[&str], topic: &[&str]) -> bool {
        match (pattern, topic) {
            ([], []) => true,
            (["#"], _) => true,
            (["*", pattern @ ..], [_, topic @ ..]) => model(pattern, topic),
            ([wanted, pattern @ ..], [name, topic @ ..]) => wanted == name && model(pattern, topic),
            ([], _) | (_, []) => false,
        }
    }

    proptest! {
        #[test]
        fn any_pattern_matches_as_its_names_do(
            pattern in "[ab*]{1}(\\.[ab*]{1}){0,3}(\\.#)?",
            topic in "[ab]{1}(\\.[ab]{1}){0,4}",
        ) {
            prop_assert_eq!(check_pattern(&pattern), Ok(()));
            prop_assert_eq!(check_topic(&topic), Ok(()));
            let (names, wanted): (Vec<_>, Vec<_>) =
                (topic.split('.').collect(), pattern.split('.').collect());
            prop_assert_eq!(matches(&pattern, &topic), model(&wanted, &names));
        }

        #[test]
        fn every_topic_is_a_pattern_of_itself(text in "\\PC{0,8}|[a-c.*#]{0,8}") {
            if check_topic(&text).is_ok() {
                prop_assert_eq!(check_pattern(&text), Ok(()));
                prop_assert!(matches(&text, &text));
            }
        }
    }
}
