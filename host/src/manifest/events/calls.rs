//! The calls that the host makes of its own accord: subscriptions and schedules, with the paths
//! that are kept for them.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use percent_encoding::percent_decode_str;

use super::bus;
use crate::manifest::model::events::{From, Retry, Schedule, Subscription};
use crate::manifest::names;
use crate::manifest::reader::{Field, Table};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const CONCURRENCY: usize = 8;
const BACKOFF_KEYS: [&str; 2] = ["backoff_ms", "backoff_max_ms"];

/// Reads `subscriptions`.
pub(super) fn subscriptions(field: &Field<'_>) -> Vec<Subscription> {
    let mut found: Vec<Subscription> = Vec::new();
    for element in field.elements().unwrap_or_default() {
        let Some((path_field, subscription)) = read_subscription(&element) else {
            continue;
        };
        let Subscription { topic, path, .. } = &subscription;
        let is_known = |known: &Subscription| known.topic == *topic && is_same(&known.path, path);
        if found.iter().any(is_known) {
            path_field.refuse(
                format!("`{topic}` has a subscription with this path already"),
                "remove one of the two, or give it a path of its own",
            );
        }
        found.push(subscription);
    }
    found
}

fn read_subscription<'t>(element: &Field<'t>) -> Option<(Field<'t>, Subscription)> {
    let mut table = element.table()?;
    let topic = table.required("topic", "topic = \"order.*\"");
    let path = table.required("path", "path = \"/events/order\"");
    let concurrency = table.number("concurrency", 1..=10_000, CONCURRENCY);
    let from = table.optional("from");
    let retry = read_retry(&mut table);
    table.finish();
    let topic = topic.and_then(|field| bus::pattern(&field));
    let from = from.map_or(Some(From::default()), |field| read_from(&field));
    let path = path?;
    let subscription = Subscription {
        topic: topic?,
        path: read_path(&path)?,
        concurrency,
        retry,
        from: from?,
    };
    Some((path, subscription))
}

fn read_from(field: &Field<'_>) -> Option<From> {
    match field.string()? {
        "now" => Some(From::Now),
        "beginning" => Some(From::Beginning),
        other => {
            let message = match names::nearest(other, ["now", "beginning"]) {
                Some(meant) => format!("`{other}` is no beginning; did you mean `{meant}`?"),
                None => format!("`{other}` is no beginning"),
            };
            field.refuse(message, "write `\"now\"` or `\"beginning\"`");
            None
        }
    }
}

/// Reads `schedules`; `subscriptions` of the same component have paths that these cannot have.
pub(super) fn schedules(field: &Field<'_>, subscriptions: Option<&Field<'_>>) -> Vec<Schedule> {
    let taken: Vec<Cow<'_, str>> = subscriptions.map(paths).unwrap_or_default();
    let mut found: Vec<Schedule> = Vec::new();
    for element in field.elements().unwrap_or_default() {
        let Some((path_field, schedule)) = read_schedule(&element) else {
            continue;
        };
        let path = &schedule.path;
        if taken.iter().any(|known| is_same(known, path)) {
            path_field.refuse(
                format!("`{path}` is the path of a subscription as well"),
                "give the schedule a path of its own",
            );
        }
        if found.iter().any(|known| is_same(&known.path, path)) {
            path_field.refuse(
                format!("`{path}` is the path of another schedule"),
                "give each schedule a path of its own",
            );
        }
        found.push(schedule);
    }
    found
}

/// The paths of a list of tables, as far as they are texts.
fn paths<'t>(field: &Field<'t>) -> Vec<Cow<'t, str>> {
    let elements = field.value().as_array();
    let tables = elements.into_iter().flatten();
    let path = |table: &'t toml::Spanned<toml::de::DeValue<'t>>| {
        let path = table.get_ref().as_table()?.get("path")?;
        Some(Cow::Borrowed(path.get_ref().as_str()?))
    };
    tables.filter_map(path).collect()
}

fn read_schedule<'t>(element: &Field<'t>) -> Option<(Field<'t>, Schedule)> {
    let mut table = element.table()?;
    let cron = table.required("cron", "cron = \"0 3 * * *\"");
    let path = table.required("path", "path = \"/nightly\"");
    let timezone = table.optional("timezone");
    let catch_up = table.boolean("catch_up").unwrap_or(false);
    let retry = read_retry(&mut table);
    table.finish();
    let cron = cron.and_then(|field| read_cron(&field));
    let timezone = timezone.map_or(Some("UTC".to_owned()), |field| read_timezone(&field));
    let path = path?;
    let schedule = Schedule {
        path: read_path(&path)?,
        cron: cron?,
        timezone: timezone?,
        catch_up,
        retry,
    };
    Some((path, schedule))
}

/// Reads five fields, or six with seconds first.
///
/// # Errors
/// What is wrong with the text.
pub fn cron(text: &str) -> Result<Cron, CronError> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed)
        .build();
    parser.parse(text)
}

/// A time that comes true at some moment.
fn read_cron(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    let help = "write minute, hour, day of month, month and day of week, with the second before \
                them if need be: `\"0 3 * * *\"` is three o'clock each night";
    let fields = text.split_whitespace().count();
    if !(5..=6).contains(&fields) {
        field.refuse(
            format!("this has {fields} fields; a time has five, or six with seconds"),
            help,
        );
        return None;
    }
    let cron = match cron(text) {
        Ok(cron) => cron,
        Err(error) => {
            field.refuse(format!("this is no time: {error}"), help);
            return None;
        }
    };
    // Any moment will do: what comes true once in the calendar comes true again.
    let start = DateTime::<Utc>::UNIX_EPOCH;
    if cron.find_next_occurrence(&start, true).is_err() {
        field.refuse("this time never comes", "check the day and the month");
        return None;
    }
    Some(text.to_owned())
}

fn read_timezone(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    if Tz::from_str(text).is_ok() {
        return Some(text.to_owned());
    }
    let known = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let meant = known()
        .find(|name| name.eq_ignore_ascii_case(text))
        .or_else(|| names::nearest(text, known()));
    let message = match meant {
        Some(meant) => format!("there is no timezone `{text}`; did you mean `{meant}`?"),
        None => format!("there is no timezone `{text}`"),
    };
    field.refuse(
        message,
        "write a name of the IANA database, such as `\"Europe/Berlin\"` or `\"UTC\"`",
    );
    None
}

fn read_retry(table: &mut Table<'_>) -> Retry {
    let preset = Retry::default();
    let retry = Retry {
        attempts_max: table.number("attempts_max", 1..=1_000_000, preset.attempts_max),
        backoff_ms: table.number("backoff_ms", 1..=DAY_MS, preset.backoff_ms),
        backoff_max_ms: table.number("backoff_max_ms", 1..=DAY_MS, preset.backoff_max_ms),
    };
    if retry.backoff_ms > retry.backoff_max_ms {
        // One of the two is given, or the presets would be the other way about.
        let field = BACKOFF_KEYS.into_iter().find_map(|key| table.optional(key));
        if let Some(field) = field {
            let Retry {
                backoff_ms,
                backoff_max_ms,
                ..
            } = retry;
            field.refuse(
                format!(
                    "the first pause, {backoff_ms} ms, is longer than the longest, \
                         {backoff_max_ms} ms"
                ),
                format!("write `backoff_max_ms = {backoff_ms}` or more"),
            );
        }
    }
    retry
}

fn read_path(field: &Field<'_>) -> Option<String> {
    let path = field.string()?;
    check_path(field, path).then(|| path.to_owned())
}

/// Whether a text can be the path of a request; says what is wrong if not.
pub(super) fn check_path(field: &Field<'_>, path: &str) -> bool {
    let mistake = path_mistake(path);
    if let Some((message, help)) = &mistake {
        field.refuse(message, help);
    }
    mistake.is_none()
}

/// What is wrong with a path, by RFC 3986, section 3.3, and how to mend it.
fn path_mistake(path: &str) -> Option<(String, String)> {
    let mistake = |message: String, help: String| Some((message, help));
    if !path.starts_with('/') {
        return mistake(
            "a path begins with `/`".to_owned(),
            format!("write `\"/{path}\"`"),
        );
    }
    if let Some((before, _)) = path.split_once(['?', '#']) {
        return mistake(
            "a path has no query and no fragment".to_owned(),
            format!("write `\"{before}\"`"),
        );
    }
    if path.contains("//") {
        return mistake(
            "there is nothing between two slashes".to_owned(),
            "write one slash there".to_owned(),
        );
    }
    let mut rest = path.chars();
    while let Some(character) = rest.next() {
        let is_encoded = || {
            let digits = rest.as_str().as_bytes();
            digits.len() >= 2 && digits.iter().take(2).all(u8::is_ascii_hexdigit)
        };
        if character == '%' && !is_encoded() {
            return mistake(
                "a `%` stands before two hexadecimal digits".to_owned(),
                "write `%25` where a `%` is meant".to_owned(),
            );
        }
        if !(character.is_ascii_alphanumeric() || "/%-._~!$&'()*+,;=:@".contains(character)) {
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).bytes();
            let encoded: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
            return mistake(
                format!("{character:?} cannot stand in the path of a request"),
                format!("write `{encoded}` in its place"),
            );
        }
    }
    None
}

/// Whether two paths are one, however they are encoded.
fn is_same(one: &str, other: &str) -> bool {
    percent_decode_str(one).eq(percent_decode_str(other))
}
