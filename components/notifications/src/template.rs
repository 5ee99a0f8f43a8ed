//! The words of messages: `templates.txt`, read and filled in.

const TEMPLATES: &str = include_str!("templates.txt");
/// Longer values are cut: an inbox keeps many messages in one value of the store.
const VALUE_CHARACTERS_MAX: usize = 600;

/// A template that has been filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub title: String,
    pub text: String,
}

/// Fills in the template of this name; none when there is no such template.
pub fn fill(name: &str, values: &[(&str, &str)]) -> Option<Filled> {
    let header = format!("[{name}]");
    let mut lines = TEMPLATES.lines();
    lines.find(|line| *line == header)?;
    let is_of_it = |line: &&str| !line.starts_with('[') && !line.starts_with('#');
    let mut lines = lines
        .take_while(is_of_it)
        .filter_map(|line| fill_line(line, values));
    Some(Filled {
        title: lines.next()?,
        text: lines.collect::<Vec<_>>().join("\n").trim().to_owned(),
    })
}

/// A line with its values; none when one of them is empty. What a value says is not read again, so
/// nobody's name is a placeholder.
fn fill_line(line: &str, values: &[(&str, &str)]) -> Option<String> {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let (_, value) = values.iter().find(|(known, _)| *known == name)?;
        if value.is_empty() {
            return None;
        }
        filled.push_str(before);
        filled.extend(value.chars().take(VALUE_CHARACTERS_MAX));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// An amount in minor units, of a currency with two decimals as the store's is.
pub fn price(minor: u64, currency: &str) -> String {
    format!("{}.{:02} {currency}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{TEMPLATES, fill, price};

    const VALUES: [(&str, &str); 7] = [
        ("order", "o-1"),
        ("tracking", "t-1"),
        ("reason", "sold out"),
        ("text", "wait"),
        ("title", "Lamp"),
        ("price", "9.00 EUR"),
        ("name", "Ada"),
    ];

    #[test]
    fn every_template_is_filled_in_whole() {
        let names = TEMPLATES
            .lines()
            .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        let names: Vec<&str> = names.collect();
        assert_eq!(names.len(), 10, "{names:?}");
        for name in names {
            let header = format!("[{name}]\n");
            let (_, section) = TEMPLATES.split_once(&header).unwrap();
            let section = section.split("\n\n[").next().unwrap();
            let section = section.split("\n\n#").next().unwrap();
            let filled = fill(name, &VALUES).unwrap();
            let lines = format!("{}\n{}", filled.title, filled.text);
            assert_eq!(
                lines.lines().count(),
                section.trim().lines().count(),
                "{name}"
            );
            assert!(!lines.contains(['{', '}', '[', '#']), "{lines}");
        }
        assert_eq!(fill("order.lost", &VALUES), None);
    }

    #[test]
    fn a_line_without_its_value_is_left_out() {
        let values = [("order", "o-1"), ("tracking", "")];
        let filled = fill("order.shipped", &values).unwrap();
        assert_eq!(filled.title, "Your order is on its way");
        assert_eq!(filled.text, "Your order o-1 has left our warehouse.");
    }

    #[test]
    fn a_value_is_no_template() {
        let filled = fill("order.placed", &[("order", "{reason}"), ("reason", "x")]).unwrap();
        assert_eq!(filled.text, "We have received your order {reason}.");
    }

    #[test]
    fn prices_have_two_decimals() {
        assert_eq!(price(129_905, "EUR"), "1299.05 EUR");
        assert_eq!(price(7, "EUR"), "0.07 EUR");
    }

    proptest! {
        #[test]
        fn any_value_stands_as_it_is(value in "[^\n]{1,600}", title in any::<String>()) {
            let filled = fill("order.paid", &[("order", &value), ("title", &title)]).unwrap();
            assert!(filled.text.contains(&value));
        }
    }
}
