//! Prices as people read and type them. Amounts are in minor units throughout.

/// An amount as it stands beside goods: `€1,299.00`.
pub fn price(amount_minor: u64, currency: &str) -> String {
    let (whole, cents) = (amount_minor / 100, amount_minor % 100);
    let digits = whole.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match currency {
        "EUR" => format!("€{grouped}.{cents:02}"),
        "USD" => format!("${grouped}.{cents:02}"),
        "GBP" => format!("£{grouped}.{cents:02}"),
        other => format!("{other} {grouped}.{cents:02}"),
    }
}

/// An amount for a field that it can be changed in: `1299.00`.
pub fn editable(amount_minor: u64) -> String {
    format!("{}.{:02}", amount_minor / 100, amount_minor % 100)
}

/// Reads what [`editable`] writes, and what people type instead: `1299`, `1,299.5`, `€12`.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim().trim_start_matches('€').trim();
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.replace(',', "");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(&whole) || !is_number(cents) || cents.len() > 2 {
        return None;
    }
    let cents: u64 = match cents {
        "" => 0,
        _ => format!("{cents:0<2}").parse().ok()?,
    };
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(cents)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{editable, parse, price};

    #[test]
    fn prices_are_grouped_and_have_two_decimals() {
        for (amount_minor, text) in [
            (0, "€0.00"),
            (5, "€0.05"),
            (99_999, "€999.99"),
            (129_900, "€1,299.00"),
            (123_456_789, "€1,234,567.89"),
        ] {
            assert_eq!(price(amount_minor, "EUR"), text);
        }
        assert_eq!(price(129_900, "CHF"), "CHF 1,299.00");
    }

    #[test]
    fn what_is_typed_is_read() {
        for (text, amount_minor) in [
            ("12", Some(1200)),
            (" €12.5 ", Some(1250)),
            ("1,299.00", Some(129_900)),
            ("", None),
            ("-1", None),
            ("1.234", None),
            ("12 €", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(text), amount_minor, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_for_editing_is_read_back(amount_minor in any::<u64>()) {
            assert_eq!(parse(&editable(amount_minor)), Some(amount_minor));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
