//! Times as people read them, from RFC 3339 in UTC.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `2026-11-22T09:05:00.000Z` becomes `22 Nov 2026, 09:05 UTC`; anything else stays as it is.
pub fn readable(time: &str) -> String {
    match parts(time) {
        Some((day, hour_minute)) => format!("{day}, {hour_minute} UTC"),
        None => time.to_owned(),
    }
}

/// The day alone: `22 Nov 2026`.
pub fn day(time: &str) -> String {
    parts(time).map_or_else(|| time.to_owned(), |(day, _)| day)
}

fn parts(time: &str) -> Option<(String, &str)> {
    let (date, clock) = time.split_once('T')?;
    let mut numbers = date.splitn(3, '-');
    let (year, month, day) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let month = month.parse::<usize>().ok()?.checked_sub(1)?;
    let day: u8 = day.parse().ok()?;
    Some((
        format!("{day} {} {year}", MONTHS.get(month)?),
        clock.get(..5)?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{day, readable};

    #[test]
    fn times_are_written_for_people() {
        let time = "2026-11-02T09:05:00.000Z";
        assert_eq!(readable(time), "2 Nov 2026, 09:05 UTC");
        assert_eq!(day(time), "2 Nov 2026");
        for odd in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-00-01T00:00Z"] {
            assert_eq!(readable(odd), odd);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = readable(&text);
        }
    }
}
