//! Sends every kind of value through its link and answers `ok`, or what came back different. Values
//! are compared as their debug text, in which numbers are exact and NaN equals itself.

use bindings::test::values::types::{Colour, Point, Scalars, Shape, Switches};
use bindings::test::values::values as far;
use kumiki_guests::incoming::Request;

mod bindings {
    wit_bindgen::generate!({
        path: "wit/values",
        world: "caller",
        generate_all,
    });
}

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    let mut differences = Vec::new();
    numbers(&mut differences);
    texts_and_lists(&mut differences);
    compounds(&mut differences);
    results(&mut differences);
    functions(&mut differences);
    match differences.len() {
        0 => "ok".into(),
        _ => differences.join("\n"),
    }
}

/// Calls `far::$name` with each value in turn, and notes those that come back different.
macro_rules! same {
    ($differences:ident, $name:ident, [$($value:expr),* $(,)?]) => {
        $({
            let value = $value;
            let sent = format!("{value:?}");
            let found = format!("{:?}", far::$name(value));
            if sent != found {
                let name = stringify!($name);
                $differences.push(format!("{name}: sent {sent}, found {found}"));
            }
        })*
    };
}

fn numbers(differences: &mut Vec<String>) {
    same!(differences, echo_bool, [false, true]);
    same!(differences, echo_s8, [i8::MIN, -1, 0, i8::MAX]);
    same!(differences, echo_u8, [0, u8::MAX]);
    same!(differences, echo_s16, [i16::MIN, -1, 0, i16::MAX]);
    same!(differences, echo_u16, [0, u16::MAX]);
    same!(differences, echo_s32, [i32::MIN, -1, 0, i32::MAX]);
    same!(differences, echo_u32, [0, u32::MAX]);
    same!(differences, echo_s64, [i64::MIN, -1, 0, i64::MAX]);
    same!(differences, echo_u64, [0, u64::MAX]);
    same!(
        differences,
        echo_f32,
        [
            0.0,
            -0.0,
            1.5,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
        ]
    );
    same!(
        differences,
        echo_f64,
        [
            0.0,
            -0.0,
            1.5,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ]
    );
    let letters = [
        '\u{0}',
        'a',
        'ß',
        '\u{d7ff}',
        '\u{e000}',
        '🦀',
        '\u{10ffff}',
    ];
    for letter in letters {
        same!(differences, echo_char, [letter]);
    }
}

fn texts_and_lists(differences: &mut Vec<String>) {
    same!(
        differences,
        echo_string,
        ["", "plain", "grüße, 世界 🦀", "a\u{0}b"]
    );
    same!(differences, echo_string, [&"long ß ".repeat(4000)]);
    same!(differences, echo_bytes, [&[], &[0], &[0, 127, 128, 255]]);
    same!(differences, echo_numbers, [&[], &[i64::MIN, 0, i64::MAX]]);
    let texts = ["", "one", "zwölf"].map(String::from);
    same!(differences, echo_texts, [&[], &texts]);
    let points: Vec<Point> = (0..100)
        .map(|x| Point {
            x,
            y: f64::from(x) / 3.0,
        })
        .collect();
    same!(differences, echo_points, [&[], &points]);
    let grid = [
        vec![],
        vec![vec![], vec![1, 2], vec![u16::MAX]],
        vec![vec![3]],
    ];
    same!(differences, echo_grid, [&[], &grid]);
}

fn compounds(differences: &mut Vec<String>) {
    same!(differences, echo_record, [Point { x: -7, y: 0.1 }]);
    same!(
        differences,
        echo_scalars,
        [
            scalars(),
            Scalars {
                f64: f64::NAN,
                ..scalars()
            }
        ]
    );
    same!(differences, echo_nested, [&nested()]);
    same!(
        differences,
        echo_tuple,
        [(9, "nine", &Point { x: 9, y: 9.9 })]
    );
    for shape in nested().shapes {
        same!(differences, echo_variant, [&shape]);
    }
    same!(
        differences,
        echo_enum,
        [Colour::Red, Colour::Green, Colour::Blue]
    );
    same!(differences, echo_option, [None, Some(""), Some("some")]);
    same!(differences, echo_options, [None, Some(None), Some(Some(0))]);
    same!(
        differences,
        echo_flags,
        [
            Switches::empty(),
            Switches::B00,
            Switches::B07 | Switches::B08 | Switches::B31,
            Switches::all(),
        ]
    );
}

fn results(differences: &mut Vec<String>) {
    same!(differences, echo_result_bare, [Ok(()), Err(())]);
    same!(differences, echo_result_ok, [Ok(u64::MAX), Err(())]);
    same!(
        differences,
        echo_result_error,
        [Ok(()), Err(""), Err("because")]
    );
    let (point, shape) = (Point { x: 1, y: 2.0 }, Shape::Named("n".into()));
    same!(differences, echo_result_both, [Ok(&point), Err(&shape)]);
}

fn functions(differences: &mut Vec<String>) {
    far::nothing();
    far::swallow(&nested());
    let mut expect = |name: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{name}: expected {expected}, found {found}"));
        }
    };
    let constant = format!("{:?}", far::constant());
    expect("constant", constant, format!("{:?}", nested()));
    let Scalars {
        truth,
        s8,
        u8,
        s16,
        u16,
        s32,
        u32,
        s64,
        u64,
        f32,
        f64,
        letter,
    } = scalars();
    let many = far::many(
        truth,
        s8,
        u8,
        s16,
        u16,
        s32,
        u32,
        s64,
        u64,
        f32,
        f64,
        letter,
        "many",
        &[1, 2],
        Some(3),
        Colour::Blue,
        Switches::B31,
        Point { x: -5, y: 0.0 },
    );
    expect("many", format!("{many:?}"), format!("{:?}", scalars()));
}

fn scalars() -> Scalars {
    Scalars {
        truth: true,
        s8: -8,
        u8: 8,
        s16: -16,
        u16: 16,
        s32: -32,
        u32: 32,
        s64: -64,
        u64: 64,
        f32: 0.32,
        f64: 0.64,
        letter: '\u{e9}',
    }
}

fn nested() -> bindings::test::values::types::Nested {
    kumiki_guests::nested!(bindings::test::values::types)
}
