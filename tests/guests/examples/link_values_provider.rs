//! Gives back what it is given, for every kind of value in `test:values/values`.

use bindings::exports::test::values::values::{
    Colour, Guest, Nested, Point, Scalars, Shape, Switches,
};

mod bindings {
    wit_bindgen::generate!({
        path: "wit/values",
        world: "provider",
        generate_all,
    });
}

struct Linked;

bindings::export!(Linked with_types_in bindings);

/// Functions that give back their one parameter.
macro_rules! echo {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name(value: $type) -> $type { value })*
    };
}

impl Guest for Linked {
    echo! {
        echo_bool: bool,
        echo_s8: i8,
        echo_u8: u8,
        echo_s16: i16,
        echo_u16: u16,
        echo_s32: i32,
        echo_u32: u32,
        echo_s64: i64,
        echo_u64: u64,
        echo_f32: f32,
        echo_f64: f64,
        echo_char: char,
        echo_string: String,
        echo_bytes: Vec<u8>,
        echo_numbers: Vec<i64>,
        echo_texts: Vec<String>,
        echo_points: Vec<Point>,
        echo_grid: Vec<Vec<Vec<u16>>>,
        echo_record: Point,
        echo_scalars: Scalars,
        echo_nested: Nested,
        echo_tuple: (u8, String, Point),
        echo_variant: Shape,
        echo_enum: Colour,
        echo_option: Option<String>,
        echo_options: Option<Option<u32>>,
        echo_result_bare: Result<(), ()>,
        echo_result_ok: Result<u64, ()>,
        echo_result_error: Result<(), String>,
        echo_result_both: Result<Point, Shape>,
        echo_flags: Switches,
    }

    fn nothing() {}

    fn swallow(value: Nested) {
        let (found, expected) = (format!("{value:?}"), format!("{:?}", Self::constant()));
        assert_eq!(found, expected);
    }

    fn constant() -> Nested {
        kumiki_guests::nested!(bindings::test::values::types)
    }

    #[allow(clippy::too_many_arguments)]
    fn many(
        a: bool,
        b: i8,
        c: u8,
        d: i16,
        e: u16,
        f: i32,
        g: u32,
        h: i64,
        i: u64,
        j: f32,
        k: f64,
        l: char,
        m: String,
        n: Vec<u8>,
        o: Option<u32>,
        p: Colour,
        q: Switches,
        r: Point,
    ) -> Scalars {
        let last = (m.as_str(), n.as_slice(), o, p, q, r.x);
        let expected = (
            "many",
            &[1, 2][..],
            Some(3),
            Colour::Blue,
            Switches::B31,
            -5,
        );
        assert_eq!(last, expected);
        Scalars {
            truth: a,
            s8: b,
            u8: c,
            s16: d,
            u16: e,
            s32: f,
            u32: g,
            s64: h,
            u64: i,
            f32: j,
            f64: k,
            letter: l,
        }
    }
}
