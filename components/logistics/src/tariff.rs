//! Where things are sent, and what that costs: a price per zone and started kilogram. The figures
//! are those of a made-up carrier.

use serde_json::{Value, json};

/// The one currency of the shop (ISO 4217).
pub const CURRENCY: &str = "EUR";
/// No parcel is heavier.
pub const WEIGHT_G_MAX: u64 = 60_000;
/// How much heavier than this is no parcel for an aeroplane.
const EXPRESS_WEIGHT_G_MAX: u64 = 31_500;

/// A way of shipping, with its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub service: &'static str,
    /// For people.
    pub label: &'static str,
    pub price_minor: u64,
    /// Working days.
    pub days: u32,
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TariffError {
    /// Not there, or not so heavy; the text says which.
    NotServed(String),
    /// The question is wrong; the text says in what.
    Invalid(String),
}

struct Zone {
    countries: &'static [&'static str],
    /// For the first kilogram, in cents.
    base_minor: u64,
    /// For each further started kilogram.
    kilogram_minor: u64,
    days: u32,
}

/// From near to far. The store sends from Germany.
const ZONES: [Zone; 4] = [
    Zone {
        countries: &["DE"],
        base_minor: 490,
        kilogram_minor: 30,
        days: 2,
    },
    Zone {
        countries: &["AT", "BE", "CZ", "DK", "FR", "LU", "NL", "PL"],
        base_minor: 990,
        kilogram_minor: 70,
        days: 4,
    },
    Zone {
        countries: &[
            "BG", "CY", "EE", "ES", "FI", "GR", "HR", "HU", "IE", "IT", "LT", "LV", "MT", "PT",
            "RO", "SE", "SI", "SK",
        ],
        base_minor: 1490,
        kilogram_minor: 120,
        days: 6,
    },
    Zone {
        countries: &["CH", "GB", "IS", "LI", "NO", "US", "CA", "AU", "JP", "NZ"],
        base_minor: 2490,
        kilogram_minor: 450,
        days: 10,
    },
];

/// All ways of sending so much there, the cheapest first; never empty.
///
/// # Errors
/// When there is none.
pub fn quotes(country: &str, postcode: &str, weight_g: u64) -> Result<Vec<Quote>, TariffError> {
    let is_country = country.len() == 2 && country.bytes().all(|one| one.is_ascii_uppercase());
    if !is_country {
        let text = "the country must be two capital letters (ISO 3166-1)";
        return Err(TariffError::Invalid(text.to_owned()));
    }
    check_postcode(country, postcode)?;
    let zone = ZONES.iter().find(|zone| zone.countries.contains(&country));
    let zone =
        zone.ok_or_else(|| TariffError::NotServed(format!("Nothing is sent to {country} yet.")))?;
    if weight_g > WEIGHT_G_MAX {
        let kilograms = WEIGHT_G_MAX / 1000;
        let text = format!("Nothing heavier than {kilograms} kg is sent. Order in two parts.");
        return Err(TariffError::NotServed(text));
    }
    let further = weight_g.saturating_sub(1) / 1000;
    let price_minor = zone.base_minor + further * zone.kilogram_minor;
    let mut quotes = vec![Quote {
        service: "standard",
        label: "Standard",
        price_minor,
        days: zone.days,
    }];
    if weight_g <= EXPRESS_WEIGHT_G_MAX {
        quotes.push(Quote {
            service: "express",
            label: "Express",
            price_minor: price_minor * 5 / 2,
            days: zone.days.div_ceil(2),
        });
    }
    Ok(quotes)
}

/// Five digits in Germany; elsewhere only that there is something that can be printed.
fn check_postcode(country: &str, postcode: &str) -> Result<(), TariffError> {
    let postcode = postcode.trim();
    let is_good = match country {
        "DE" => postcode.len() == 5 && postcode.bytes().all(|one| one.is_ascii_digit()),
        _ => (2..=12).contains(&postcode.chars().count()),
    };
    match is_good {
        true => Ok(()),
        false => Err(TariffError::Invalid(format!(
            "`{}` is no postcode of {country}",
            postcode.escape_debug()
        ))),
    }
}

impl Quote {
    pub fn to_json(&self) -> Value {
        json!({
            "service": self.service,
            "label": self.label,
            "price_minor": self.price_minor,
            "currency": CURRENCY,
            "days": self.days,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{TariffError, WEIGHT_G_MAX, quotes};

    #[test]
    fn the_farther_and_heavier_the_dearer() {
        let price =
            |country: &str, weight_g| quotes(country, "10115", weight_g).unwrap()[0].price_minor;
        assert_eq!(
            (price("DE", 1), price("DE", 1000), price("DE", 1001)),
            (490, 490, 520)
        );
        assert!(price("DE", 500) < price("FR", 500));
        assert!(price("FR", 500) < price("IT", 500));
        assert!(price("IT", 500) < price("US", 500));
    }

    #[test]
    fn what_is_not_sent_is_said() {
        for (country, postcode, weight_g) in [("XX", "1000", 1), ("DE", "10115", WEIGHT_G_MAX + 1)]
        {
            let refused = quotes(country, postcode, weight_g).unwrap_err();
            assert!(matches!(refused, TariffError::NotServed(_)), "{refused:?}");
        }
        for (country, postcode) in [("de", "10115"), ("DE", "1011"), ("DE", "ABCDE"), ("FR", "")] {
            let refused = quotes(country, postcode, 1).unwrap_err();
            assert!(matches!(refused, TariffError::Invalid(_)), "{refused:?}");
        }
        assert_eq!(quotes("DE", "10115", 40_000).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn any_question_has_an_answer(
            country in "[A-Z]{2}|\\PC{0,4}", postcode in any::<String>(), weight_g in any::<u64>()
        ) {
            if let Ok(quotes) = quotes(&country, &postcode, weight_g) {
                assert!(!quotes.is_empty());
                assert!(quotes.is_sorted_by_key(|quote| quote.price_minor));
            }
        }
    }
}
