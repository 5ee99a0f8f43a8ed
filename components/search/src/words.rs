//! The words of a text, and how far two of them are apart. How FTS5 reads words is its own affair:
//! these are for its queries, and for telling what a mistyped one was meant to be.

/// Splits a text into its words, in lower case.
pub fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !is_part_of_word(letter))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(str::to_lowercase)
}

/// Letters and digits, and the marks that some keyboards put behind a letter.
fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&letter)
}

/// How many mistakes a word of so many letters may have.
pub fn mistakes_max(letters: usize) -> usize {
    match letters {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// How many letters have to be inserted, removed, replaced or swapped with their neighbour to make
/// one word of the other (Damerau and Levenshtein, where no letter is touched twice).
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // The row before the last one, the last one, and the letter before.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, letter) in one.chars().enumerate() {
        let at =
            |values: &[usize], column: usize| values.get(column).copied().unwrap_or(usize::MAX);
        let mut current = vec![row + 1];
        for (column, target) in other.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(letter != *target);
            let inserted = at(&current, column) + 1;
            let removed = at(&last, column + 1) + 1;
            let mut least = replaced.min(inserted).min(removed);
            let is_swapped =
                column > 0 && previous == Some(*target) && other.get(column - 1) == Some(&letter);
            if is_swapped {
                least = least.min(at(&before, column - 1) + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{distance, split};

    #[test]
    fn a_text_has_these_words() {
        let words: Vec<String> = split("USB-C \"Café\" re\u{301}sume\u{301} – 42%!").collect();
        assert_eq!(words, ["usb", "c", "café", "re\u{301}sume\u{301}", "42"]);
    }

    #[test]
    fn mistakes_are_counted() {
        for (one, other, expected) in [
            ("laptop", "laptop", 0),
            ("lpatop", "laptop", 1),
            ("latop", "laptop", 1),
            ("lapptop", "laptop", 1),
            ("labtop", "laptop", 1),
            ("keybaord", "keyboard", 1),
            ("haedphnes", "headphones", 2),
            ("", "abc", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_distance_has_bounds_and_no_direction(one in ".{0,12}", other in ".{0,12}") {
            let (long, short) = (one.chars().count(), other.chars().count());
            let found = distance(&one, &other);
            prop_assert_eq!(found, distance(&other, &one));
            prop_assert!(found >= long.abs_diff(short) && found <= long.max(short));
            prop_assert_eq!(found == 0, one == other);
        }

        #[test]
        fn words_have_nothing_that_fts5_reads_as_syntax(text in any::<String>()) {
            for word in split(&text) {
                prop_assert!(!word.contains(['"', '*', '(', ')', ':', '^', '+', '-', '\0', ' ']));
            }
        }
    }
}
