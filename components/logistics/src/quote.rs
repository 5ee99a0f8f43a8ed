//! Where is shipped to, and for how much. The prices are those of a shop in Germany that sends
//! parcels of up to 31.5 kg; what is heavier goes in several.

/// ISO 4217.
pub const CURRENCY: &str = "EUR";
const PARCEL_G_MAX: u64 = 31_500;
const PARCELS_MAX: u64 = 8;

/// Countries that cost the same.
struct Zone {
    /// ISO 3166-1 alpha-2.
    countries: &'static [&'static str],
    /// What a parcel costs in cents, by the steps of [`STEPS_G`].
    prices_minor: [u64; 6],
    standard_days: u32,
    express_days: u32,
}

/// The heaviest parcel of each step.
const STEPS_G: [u64; 6] = [1000, 2000, 5000, 10_000, 20_000, PARCEL_G_MAX];

const ZONES: [Zone; 5] = [
    Zone {
        countries: &["DE"],
        prices_minor: [449, 549, 699, 1049, 1699, 2199],
        standard_days: 2,
        express_days: 1,
    },
    // Neighbours in the European Union.
    Zone {
        countries: &["AT", "BE", "CZ", "DK", "FR", "LU", "NL", "PL"],
        prices_minor: [899, 1099, 1399, 1899, 2899, 3899],
        standard_days: 4,
        express_days: 2,
    },
    // The rest of it.
    Zone {
        countries: &[
            "BG", "CY", "EE", "ES", "FI", "GR", "HR", "HU", "IE", "IT", "LT", "LV", "MT", "PT",
            "RO", "SE", "SI", "SK",
        ],
        prices_minor: [1299, 1499, 1899, 2599, 3999, 5299],
        standard_days: 6,
        express_days: 3,
    },
    // Europe beyond it.
    Zone {
        countries: &["CH", "GB", "IS", "LI", "NO"],
        prices_minor: [1899, 2199, 2799, 3999, 5999, 7999],
        standard_days: 8,
        express_days: 4,
    },
    // The world, as far as it goes.
    Zone {
        countries: &["AU", "CA", "JP", "KR", "NZ", "SG", "US"],
        prices_minor: [2899, 3499, 4999, 7999, 12_999, 17_999],
        standard_days: 14,
        express_days: 5,
    },
];

/// One way to ship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub service: &'static str,
    pub label: &'static str,
    pub price_minor: u64,
    /// Working days.
    pub days: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuoteError {
    /// Nothing is shipped there, or nothing so heavy.
    NotServed(String),
    /// The request is wrong.
    Invalid(String),
}

/// All services, the cheapest first.
///
/// # Errors
/// When there is none, or the request is wrong.
pub fn quotes(country: &str, postcode: &str, weight_g: u64) -> Result<Vec<Quote>, QuoteError> {
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let text = "`country` must be two capitals, as ISO 3166-1 has them";
        return Err(QuoteError::Invalid(text.to_owned()));
    }
    if !(1..=16).contains(&postcode.chars().count()) {
        let text = "`postcode` must have 1 to 16 characters";
        return Err(QuoteError::Invalid(text.to_owned()));
    }
    let mut zones = ZONES.iter();
    let zone = zones.find(|zone| zone.countries.contains(&country));
    let zone = zone.ok_or_else(|| {
        QuoteError::NotServed(format!("Nothing is shipped to the country {country} yet."))
    })?;
    let price_minor = price_minor(zone, weight_g).ok_or_else(|| {
        let heaviest_kg = PARCELS_MAX * PARCEL_G_MAX / 1000;
        QuoteError::NotServed(format!("One order may weigh at most {heaviest_kg} kg."))
    })?;
    Ok(vec![
        Quote {
            service: "standard",
            label: "Standard",
            price_minor,
            days: zone.standard_days,
        },
        Quote {
            service: "express",
            label: "Express",
            price_minor: price_minor * 2 + 500,
            days: zone.express_days,
        },
    ])
}

/// Full parcels, and one with the rest; nothing when there are too many.
fn price_minor(zone: &Zone, weight_g: u64) -> Option<u64> {
    if weight_g > PARCELS_MAX * PARCEL_G_MAX {
        return None;
    }
    let full = weight_g.saturating_sub(1) / PARCEL_G_MAX;
    let rest_g = weight_g - full * PARCEL_G_MAX;
    let mut steps = STEPS_G.iter().zip(zone.prices_minor);
    let (_, rest_minor) = steps.find(|(step_g, _)| rest_g <= **step_g)?;
    let [.., full_minor] = zone.prices_minor;
    Some(full * full_minor + rest_minor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};
    use proptest::sample::select;

    use super::{PARCEL_G_MAX, PARCELS_MAX, QuoteError, ZONES, quotes};

    fn standard_minor(country: &str, weight_g: u64) -> u64 {
        quotes(country, "1", weight_g).unwrap()[0].price_minor
    }

    #[test]
    fn prices_rise_with_weight_and_distance() {
        for (weight_g, price_minor) in [
            (0, 449),
            (1, 449),
            (1000, 449),
            (1001, 549),
            (31_500, 2199),
            (31_501, 2199 + 449),
            (63_000, 2 * 2199),
            (252_000, 8 * 2199),
        ] {
            assert_eq!(standard_minor("DE", weight_g), price_minor, "{weight_g}");
        }
        let far = ["DE", "FR", "ES", "CH", "US"].map(|country| standard_minor(country, 1500));
        assert!(far.is_sorted(), "{far:?}");
    }

    #[test]
    fn what_is_not_served_is_said() {
        let heavy = QuoteError::NotServed("One order may weigh at most 252 kg.".to_owned());
        assert_eq!(quotes("DE", "10115", 252_001), Err(heavy));
        assert!(matches!(
            quotes("AQ", "1", 1),
            Err(QuoteError::NotServed(_))
        ));
        for (country, postcode) in [
            ("de", "1"),
            ("DEU", "1"),
            ("Ü", "1"),
            ("DE", ""),
            ("DE", "12345678901234567"),
        ] {
            let answer = quotes(country, postcode, 1);
            assert!(
                matches!(answer, Err(QuoteError::Invalid(_))),
                "{country} {postcode}"
            );
        }
    }

    #[test]
    fn a_country_lies_in_one_zone() {
        let mut all: Vec<_> = ZONES.iter().flat_map(|zone| zone.countries).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    fn country() -> impl proptest::strategy::Strategy<Value = &'static str> {
        let all: Vec<_> = ZONES
            .iter()
            .flat_map(|zone| zone.countries.iter().copied())
            .collect();
        select(all)
    }

    proptest! {
        #[test]
        fn a_heavier_order_never_costs_less(
            country in country(),
            weights in proptest::array::uniform2(0..=PARCELS_MAX * PARCEL_G_MAX),
        ) {
            let [one, other] = weights;
            let (light, heavy) = (one.min(other), one.max(other));
            let (light, heavy) = (quotes(country, "1", light), quotes(country, "1", heavy));
            let (light, heavy) = (light.unwrap(), heavy.unwrap());
            prop_assert!(light[0].price_minor <= heavy[0].price_minor);
            for quotes in [light, heavy] {
                prop_assert!(quotes.len() == 2);
                prop_assert!(quotes[0].price_minor < quotes[1].price_minor);
                prop_assert!(quotes[0].days > quotes[1].days);
            }
        }

        #[test]
        fn anything_is_answered(country: String, postcode: String, weight_g in any::<u64>()) {
            let _ = quotes(&country, &postcode, weight_g);
            let _ = quotes("DE", &postcode, weight_g);
        }
    }
}
