//! Names of things in a manifest: which spellings Spin accepts, and the nearest known name to a
//! misspelt one.

/// The known name that a misspelt one most likely stands for.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // A third of the letters may be wrong: fewer miss plain typing mistakes, more suggest nonsense.
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || (name.len() >= 3 && candidate.starts_with(name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names in backquotes, with commas.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Checks a component id as Spin does: words of letters and digits, parted by `-`, each word all
/// lower or all upper case. The error is a reason that can follow "is not a valid …: ".
pub(super) fn check_kebab(name: &str) -> Result<(), String> {
    check_words(name, '-')
}

/// Checks the label of a store or a database: kebab-case or snake_case.
pub(super) fn check_label(name: &str) -> Result<(), String> {
    check_words(name, '-').or_else(|_| check_words(name, '_'))
}

/// Checks the name of a variable as Spin does: `lower_snake_case`.
pub(super) fn check_variable(name: &str) -> Result<(), String> {
    let reason = if name.is_empty() {
        "it is empty".to_owned()
    } else if let Some(wrong) = name
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_'))
    {
        format!("`{wrong}` is not a lower-case letter, a digit or `_`")
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "it does not begin with a lower-case letter".to_owned()
    } else if name.ends_with('_') || name.contains("__") {
        "`_` may only stand once between two words".to_owned()
    } else {
        return Ok(());
    };
    Err(reason)
}

/// A valid component id close to an invalid one, if there is one.
pub(super) fn mended_kebab(name: &str) -> Option<String> {
    let mut mended = String::new();
    let mut after_lower = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && after_lower {
            mended.push('-');
        }
        after_lower = character.is_ascii_lowercase();
        let kept = character.is_ascii_alphanumeric();
        mended.push(if kept {
            character.to_ascii_lowercase()
        } else {
            '-'
        });
    }
    let words: Vec<&str> = mended.split('-').filter(|word| !word.is_empty()).collect();
    let mended = words.join("-");
    check_kebab(&mended).is_ok().then_some(mended)
}

/// A valid variable name close to an invalid one, if there is one.
pub(super) fn mended_variable(name: &str) -> Option<String> {
    mended_kebab(name)
        .map(|name| name.replace('-', "_"))
        .filter(|n| check_variable(n).is_ok())
}

fn check_words(name: &str, delimiter: char) -> Result<(), String> {
    for (index, word) in name.split(delimiter).enumerate() {
        let Some(first) = word.chars().next() else {
            return Err(format!("a word between `{delimiter}` is empty"));
        };
        if !(first.is_ascii_alphabetic() || (index > 0 && first.is_ascii_digit())) {
            return Err(format!("`{first}` cannot begin a word"));
        }
        for character in word.chars() {
            if !(character.is_ascii_alphanumeric() || character == ':') {
                return Err(format!("`{character}` cannot stand in a word"));
            }
            let letter = character.is_ascii_alphabetic();
            if letter && character.is_ascii_uppercase() != first.is_ascii_uppercase() {
                return Err(format!("`{word}` mixes upper and lower case"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_those_of_spin() {
        for good in ["cart", "cart-2", "my-CART", "a1", "CART", "a:b", "a-1b"] {
            assert_eq!(check_kebab(good), Ok(()), "{good}");
        }
        for bad in [
            "", "-", "a-", "a--b", "1a", "my_cart", "myCart", "a b", "ä", ":a",
        ] {
            assert!(check_kebab(bad).is_err(), "{bad}");
        }
        for good in ["a", "api_key", "a1", "a_1"] {
            assert_eq!(check_variable(good), Ok(()), "{good}");
        }
        for bad in ["", "A", "a-b", "_a", "a_", "a__b", "1a", "a.b"] {
            assert!(check_variable(bad).is_err(), "{bad}");
        }
        for good in ["default", "my-store", "my_store", "MY_STORE"] {
            assert_eq!(check_label(good), Ok(()), "{good}");
        }
        assert!(check_label("my-other_store").is_err());
    }

    #[test]
    fn a_misspelt_name_finds_its_nearest() {
        let known = ["source", "description", "variables"];
        assert_eq!(nearest("sourc", known), Some("source"));
        assert_eq!(nearest("soruce", known), Some("source"));
        assert_eq!(nearest("desc", known), Some("description"));
        assert_eq!(nearest("memory", known), None);
    }

    #[test]
    fn an_invalid_name_gets_a_valid_one_close_to_it() {
        assert_eq!(mended_kebab("my_Cart").as_deref(), Some("my-cart"));
        assert_eq!(mended_kebab("myCart").as_deref(), Some("my-cart"));
        assert_eq!(mended_kebab("___"), None);
        assert_eq!(mended_variable("API-Key").as_deref(), Some("api_key"));
    }
}
