//! One value of `test:values` that holds every kind of value, for the guest that makes it and the
//! one that expects it. What is done with it is theirs.

/// A `nested` in the generated types of a module.
#[macro_export]
macro_rules! nested {
    ($($types:ident)::+) => {{
        use $($types)::+::{Colour, Nested, Point, Shape, Switches};
        Nested {
            text: "grüße, 世界 🦀 \u{0}\u{10ffff}".into(),
            bytes: (0..=255).collect(),
            grid: vec![vec![], vec![1], vec![2, u16::MAX]],
            shapes: vec![
                Shape::Nothing,
                Shape::Circle(-0.0),
                Shape::Polygon(vec![Point { x: i32::MIN, y: f64::MIN_POSITIVE }]),
                Shape::Polygon(vec![]),
                Shape::Named(String::new()),
                Shape::Coloured(Colour::Green),
            ],
            perhaps: Some(None),
            pair: ("left".into(), vec![(0, '\u{0}'), (255, '\u{10ffff}')]),
            outcome: Err(Shape::Named("error".into())),
            switches: vec![Switches::empty(), Switches::B00 | Switches::B31, Switches::all()],
        }
    }};
}
