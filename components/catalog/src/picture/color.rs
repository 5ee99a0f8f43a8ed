//! A colour of a picture: read, mixed and written. Which colours a thing has is left to others.

use std::fmt;

/// Red, green and blue, as in `#rrggbb`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    pub const fn new(red: u8, green: u8, blue: u8) -> Color {
        Color { red, green, blue }
    }

    /// `None`: not `#` and six hexadecimal digits.
    pub fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#')?;
        // Checked here because the number's own reading would take a sign too.
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Color::new(red, green, blue))
    }

    /// This colour with so many hundredths of another one in it; more than 100 count as 100.
    pub fn mix(self, other: Color, percent: u8) -> Color {
        Color::new(
            mix(self.red, other.red, percent),
            mix(self.green, other.green, percent),
            mix(self.blue, other.blue, percent),
        )
    }

    /// The same hue as bright as it can be; black has none and stays black.
    pub fn brightest(self) -> Color {
        let Color { red, green, blue } = self;
        let strongest = red.max(green).max(blue);
        Color::new(
            stretch(red, strongest),
            stretch(green, strongest),
            stretch(blue, strongest),
        )
    }
}

/// What is left of a channel when the strongest one is raised to the full.
fn stretch(channel: u8, strongest: u8) -> u8 {
    let raised = (u32::from(channel) * 255).checked_div(u32::from(strongest));
    // Never more than 255, because no channel is stronger than the strongest.
    raised
        .and_then(|raised| u8::try_from(raised).ok())
        .unwrap_or_default()
}

fn mix(from: u8, to: u8, percent: u8) -> u8 {
    let percent = u32::from(percent.min(100));
    let sum = u32::from(from) * (100 - percent) + u32::from(to) * percent;
    // A hundredth of such a sum is never more than 255.
    u8::try_from(sum / 100).unwrap_or(u8::MAX)
}

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Color { red, green, blue } = self;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Color;

    #[test]
    fn only_six_digits_are_a_colour() {
        for text in [
            "", "#", "#fff", "123456", "#12345g", "#+12345", "#1234567", "#12345é", "red",
        ] {
            assert_eq!(Color::parse(text), None, "{text:?}");
        }
        assert_eq!(Color::parse("#0aF1c2"), Some(Color::new(0x0a, 0xf1, 0xc2)));
    }

    #[test]
    fn a_mix_lies_between_its_colours() {
        let (black, white) = (Color::new(0, 0, 0), Color::new(255, 255, 255));
        assert_eq!(black.mix(white, 0), black);
        assert_eq!(black.mix(white, 50), Color::new(127, 127, 127));
        assert_eq!(black.mix(white, 100), white);
        assert_eq!(black.mix(white, 200), white);
    }

    #[test]
    fn the_brightest_keeps_the_hue() {
        let brown = Color::new(0x40, 0x20, 0x10);
        assert_eq!(brown.brightest(), Color::new(255, 127, 63));
        assert_eq!(brown.brightest().brightest(), brown.brightest());
        let black = Color::new(0, 0, 0);
        assert_eq!(black.brightest(), black);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(red in any::<u8>(), green in any::<u8>(), blue in any::<u8>()) {
            let color = Color::new(red, green, blue);
            assert_eq!(Color::parse(&color.to_string()), Some(color));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "#?\\PC{0,8}") {
            let _ = Color::parse(&text);
        }
    }
}
