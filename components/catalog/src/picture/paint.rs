//! What every drawing paints with: the product's colours and their shades, the colours of common
//! materials, and the few shapes that many things share.
//!
//! Drawings are SVG text. They quote attributes with `'`, so that they can be written as ordinary
//! strings whose line ends cost nothing, and they use no ids, so that many may stand in one page.

use super::color::Color;

/// Lines, screws, and the darkest parts.
pub const INK: Color = Color::new(0x2b, 0x30, 0x40);
/// Glass that is switched off, rubber, lenses.
pub const GLASS: Color = Color::new(0x1f, 0x25, 0x34);
pub const STEEL: Color = Color::new(0xcd, 0xd5, 0xdf);
pub const STEEL_DARK: Color = Color::new(0x96, 0xa2, 0xb3);
pub const PAPER: Color = Color::new(0xfd, 0xfb, 0xf5);
pub const WOOD: Color = Color::new(0xd6, 0xab, 0x79);
pub const WOOD_DARK: Color = Color::new(0xb2, 0x85, 0x50);
pub const LEAF: Color = Color::new(0x6f, 0xa8, 0x6b);

/// What walls are made of before they are tinted: a little grey, so that no tint is glaring.
const PLASTER: Color = Color::new(0xf0, 0xee, 0xe9);
const BLACK: Color = Color::new(0x14, 0x18, 0x28);
const WHITE: Color = Color::new(0xff, 0xff, 0xff);

/// The colours of one picture, and which of its kind's shapes is wanted.
pub struct Paint {
    color: Color,
    accent: Color,
    variant: usize,
}

impl Paint {
    pub fn new(color: Color, accent: Color, variant: u32) -> Paint {
        Paint {
            color,
            accent,
            variant: usize::try_from(variant).unwrap_or_default(),
        }
    }

    /// The colour, darker, lighter; the accent, darker, and much lighter.
    pub fn shades(&self) -> [Color; 6] {
        let Paint { color, accent, .. } = self;
        [
            *color,
            color.mix(BLACK, 24),
            color.mix(WHITE, 34),
            *accent,
            accent.mix(BLACK, 24),
            accent.mix(WHITE, 55),
        ]
    }

    /// The wall behind the thing, and the disc of light on it; friendly even if the accent is dark.
    pub fn backdrop(&self) -> [Color; 2] {
        let hue = self.accent.brightest();
        [hue.mix(PLASTER, 76), hue.mix(PAPER, 88)]
    }

    /// The one of these that the variant stands for; they repeat without end.
    pub fn pick<T: Default, const COUNT: usize>(&self, choices: [T; COUNT]) -> T {
        let place = self.variant.checked_rem(COUNT).unwrap_or_default();
        choices.into_iter().nth(place).unwrap_or_default()
    }

    /// The shadow of a thing that stands on the ground.
    pub fn shadow(&self, x: i32, y: i32, radius: i32) -> String {
        let height = radius / 11;
        format!(
            "<ellipse cx='{x}' cy='{y}' rx='{radius}' ry='{height}' fill='{INK}' opacity='.16'/>"
        )
    }

    /// What a switched-on screen shows, cut to the given rectangle.
    pub fn screen(&self, x: i32, y: i32, width: i32, height: i32) -> String {
        let art = self.pick([hills(self), code(self), mountains(self), chart(self)]);
        cut(&art, x, y, width, height)
    }

    /// What a photograph or a painting shows, cut to the given rectangle.
    pub fn landscape(&self, x: i32, y: i32, width: i32, height: i32) -> String {
        let art = self.pick([hills(self), mountains(self)]);
        cut(&art, x, y, width, height)
    }
}

/// Shows art of 160 × 100 points in a rectangle of any shape: cut, but never stretched.
fn cut(art: &str, x: i32, y: i32, width: i32, height: i32) -> String {
    format!(
        "<svg x='{x}' y='{y}' width='{width}' height='{height}' viewBox='0 0 160 100' \
         preserveAspectRatio='xMidYMid slice'>{art}</svg>"
    )
}

fn hills(paint: &Paint) -> String {
    let [_, _, _, accent, accent_dark, accent_light] = paint.shades();
    format!(
        "<path d='M0 0h160v100H0z' fill='{accent_light}'/>\
         <circle cx='112' cy='34' r='15' fill='{PAPER}'/>\
         <path d='M0 74Q34 40 78 66T160 52v48H0z' fill='{accent}'/>\
         <path d='M0 90Q48 62 92 82T160 74v26H0z' fill='{accent_dark}'/>"
    )
}

fn code(paint: &Paint) -> String {
    let [_, _, light, accent, ..] = paint.shades();
    format!(
        "<path d='M0 0h160v100H0z' fill='{GLASS}'/><g stroke-width='5' stroke-linecap='round'>\
         <path d='M26 20h30M38 34h22M38 62h34M26 76h16' stroke='{accent}'/>\
         <path d='M68 20h46M72 34h18M84 62h14M54 76h38' stroke='{PAPER}' opacity='.75'/>\
         <path d='M50 48h54M104 34h22' stroke='{light}'/></g>"
    )
}

fn mountains(paint: &Paint) -> String {
    let [_, _, _, accent, accent_dark, accent_light] = paint.shades();
    format!(
        "<path d='M0 0h160v100H0z' fill='{accent}'/>\
         <circle cx='50' cy='30' r='12' fill='{accent_light}'/>\
         <path d='M0 100L56 42l30 30 24 -34 50 62z' fill='{accent_dark}'/>\
         <path d='M56 42l16 16 -15 -3 -12 7zM110 38l15 20 -13 -6 -12 2z' fill='{PAPER}'/>"
    )
}

fn chart(paint: &Paint) -> String {
    let [color, _, _, accent, accent_dark, _] = paint.shades();
    format!(
        "<path d='M0 0h160v100H0z' fill='{PAPER}'/>\
         <path d='M30 80v-22h14v22zM54 80v-38h14v38zM78 80v-28h14v28z' fill='{accent}'/>\
         <path d='M102 80v-54h14v54z' fill='{accent_dark}'/>\
         <path d='M24 84h112' stroke='{STEEL_DARK}' stroke-width='2'/>\
         <path d='M28 14h44M28 23h26' stroke='{color}' stroke-width='4'/>"
    )
}
