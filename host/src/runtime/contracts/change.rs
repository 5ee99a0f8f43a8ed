//! How a function differs from what it is held against, in as few words as a table has room for.

use super::mismatch::{Difference, about_the_difference};
use super::{Function, Obstacle};

/// A function up to this length is shown whole.
const WHOLE_CHARACTERS_MAX: usize = 60;

/// So much is shown of a type that differs.
const TYPE_CHARACTERS_MAX: usize = 48;

/// A type up to this length is shown also where it is the same on both sides.
const SAME_CHARACTERS_MAX: usize = 8;

/// What stands in the place of a type that is long and the same on both sides.
const SAME: &str = "…";

/// One thing that differs.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) place: String,
    pub(super) was: String,
    pub(super) is: String,
}

/// Both functions as texts. Of long ones the types that are equal are left out.
pub(super) fn shown(one: &Function, other: &Function) -> (String, String) {
    let whole = (text(one), text(other));
    if !is_longer(&whole.0, WHOLE_CHARACTERS_MAX) && !is_longer(&whole.1, WHOLE_CHARACTERS_MAX) {
        return whole;
    }
    if !has_same_form(one, other) {
        return about_the_difference(&whole.0, &whole.1, WHOLE_CHARACTERS_MAX);
    }
    let (mut one, mut other) = (one.clone(), other.clone());
    for (one, other) in one.parameters.iter_mut().zip(&mut other.parameters) {
        (one.ty, other.ty) = shown_types(&one.ty, &other.ty);
    }
    if let (Some(one), Some(other)) = (&mut one.result, &mut other.result) {
        (*one, *other) = shown_types(one, other);
    }
    (text(&one), text(&other))
}

/// Everything in which two functions differ.
pub(super) fn changes(one: &Function, other: &Function) -> Vec<Change> {
    let change = |place: &str, was: String, is: String| Change {
        place: place.to_owned(),
        was,
        is,
    };
    let mut changes = Vec::new();
    if one.is_async != other.is_async {
        let kind = |function: &Function| match function.is_async {
            true => "async func".to_owned(),
            false => "func".to_owned(),
        };
        changes.push(change("the function", kind(one), kind(other)));
    }
    if !names(one).eq(names(other)) {
        changes.push(change("parameters", listed(one), listed(other)));
    }
    let types = Difference::types(one, other);
    changes.extend(types.iter().map(|ty| {
        let (was, is) = about_the_difference(&ty.importer, &ty.provider, TYPE_CHARACTERS_MAX);
        change(&ty.place(), was, is)
    }));
    changes
}

fn shown_types(one: &str, other: &str) -> (String, String) {
    if one != other {
        return about_the_difference(one, other, TYPE_CHARACTERS_MAX);
    }
    let shown = match is_longer(one, SAME_CHARACTERS_MAX) {
        true => SAME,
        false => one,
    };
    (shown.to_owned(), shown.to_owned())
}

/// A function's text; of one whose types were not kept, only that it is one.
fn text(function: &Function) -> String {
    match function.obstacles.contains(&Obstacle::TooLong) {
        true => format!("func({SAME})"),
        false => function.to_string(),
    }
}

fn has_same_form(one: &Function, other: &Function) -> bool {
    one.is_async == other.is_async && names(one).eq(names(other))
}

fn names(function: &Function) -> impl Iterator<Item = &str> {
    function.parameters.iter().map(|it| it.name.as_str())
}

fn listed(function: &Function) -> String {
    let names: Vec<&str> = names(function).collect();
    format!("({})", names.join(", "))
}

fn is_longer(text: &str, characters: usize) -> bool {
    text.chars().nth(characters).is_some()
}
