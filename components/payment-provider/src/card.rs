//! The cards of the demo, and the tokens that stand for them. A number is looked at and forgotten:
//! the token says alone how its card behaves.

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Good,
    /// The provider says no.
    Declined,
    /// It is authorized, but the answer comes too late.
    Late,
    /// It is authorized, and cannot be captured.
    Uncapturable,
}

const CARDS: [(&str, &str, Behaviour); 4] = [
    ("4242424242424242", "tok_ok_", Behaviour::Good),
    ("4000000000000002", "tok_declined_", Behaviour::Declined),
    ("4000000000000119", "tok_timeout_", Behaviour::Late),
    (
        "4000000000000259",
        "tok_uncapturable_",
        Behaviour::Uncapturable,
    ),
];

/// What a token of a card begins with.
///
/// # Errors
/// What is wrong with the number, without the number.
pub fn token_prefix(card_number: &str) -> Result<&'static str, &'static str> {
    let groups = card_number.chars().filter(|letter| !" -".contains(*letter));
    let number: String = groups.collect();
    if !(12..=19).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("must have 12 to 19 digits");
    }
    if !is_luhn(&number) {
        return Err("is mistyped");
    }
    let mut known = CARDS.iter().filter(|(card, _, _)| *card == number);
    let prefix = known.next().map(|(_, prefix, _)| *prefix);
    prefix.ok_or("is not a card of this demo; 4242 4242 4242 4242 is a good one")
}

/// What the card does that a token stands for.
pub fn behaviour(token: &str) -> Option<Behaviour> {
    let mut known = CARDS.iter();
    let found = known.find(|(_, prefix, _)| token.starts_with(prefix));
    found.map(|(_, _, behaviour)| *behaviour)
}

/// Whether the last digit fits the others (ISO/IEC 7812-1, Annex B).
fn is_luhn(number: &str) -> bool {
    let digits = number.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether `MM/YY` or `MM/YYYY` is the month of `today` (RFC 3339) or a later one.
///
/// # Errors
/// What is wrong with it.
pub fn check_expiry(expiry: &str, today: &str) -> Result<(), &'static str> {
    let unreadable = "must be MM/YY";
    let (month, year) = expiry.split_once('/').ok_or(unreadable)?;
    let (month, year) = (month.trim(), year.trim());
    let month: u32 = month.parse().map_err(|_| unreadable)?;
    let year: u32 = match year.len() {
        2 => year.parse::<u32>().map(|year| 2000 + year),
        4 => year.parse(),
        _ => return Err(unreadable),
    }
    .map_err(|_| unreadable)?;
    if !(1..=12).contains(&month) {
        return Err(unreadable);
    }
    match format!("{year:04}-{month:02}").as_str() >= today.get(..7).unwrap_or_default() {
        true => Ok(()),
        false => Err("is past"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Behaviour, CARDS, behaviour, check_expiry, is_luhn, token_prefix};

    #[test]
    fn each_card_has_a_token_of_its_behaviour() {
        for (card, prefix, expected) in CARDS {
            assert!(is_luhn(card), "{card}");
            assert_eq!(token_prefix(card), Ok(prefix));
            assert_eq!(behaviour(&format!("{prefix}abc")), Some(expected));
        }
        let grouped = token_prefix("4242 4242 4242 4242");
        assert_eq!(grouped.map(behaviour), Ok(Some(Behaviour::Good)));
        assert_eq!(behaviour("tok_x"), None);
    }

    #[test]
    fn what_is_wrong_with_a_number_is_said_without_it() {
        for (card, text) in [
            ("4242424242424241", "is mistyped"),
            ("424242", "must have 12 to 19 digits"),
            ("4242x24242424242", "must have 12 to 19 digits"),
            (
                "4111111111111111",
                "is not a card of this demo; 4242 4242 4242 4242 is a good one",
            ),
        ] {
            assert_eq!(token_prefix(card), Err(text));
        }
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        let today = "2026-11-21T23:19:00.000Z";
        for expiry in ["11/26", "12/26", "01/27", "11/2026", " 12 / 30 "] {
            assert_eq!(check_expiry(expiry, today), Ok(()), "{expiry}");
        }
        for expiry in ["10/26", "12/25", "10/2026"] {
            assert_eq!(check_expiry(expiry, today), Err("is past"), "{expiry}");
        }
        for expiry in ["", "1126", "13/26", "0/26", "11/026", "a/b"] {
            assert_eq!(
                check_expiry(expiry, today),
                Err("must be MM/YY"),
                "{expiry}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(text in any::<String>()) {
            prop_assert!(token_prefix(&text).is_err());
            let _ = check_expiry(&text, &text);
        }

        /// Every single mistyped digit is found.
        #[test]
        fn a_mistyped_digit_is_found(place in 0usize..16, digit in 0u8..10) {
            let mut card = CARDS[0].0.as_bytes().to_owned();
            let is_same = card[place] == b'0' + digit;
            card[place] = b'0' + digit;
            let card = String::from_utf8(card).unwrap();
            prop_assert!(is_luhn(&card) == is_same);
        }
    }
}
