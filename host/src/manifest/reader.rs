//! Reads a parsed TOML tree key by key and collects every mistake, so that one run reports all.
//!
//! A key is known because someone asked for it: what nobody asked for is reported by
//! [`Table::finish`], with the nearest key that was. Meaning is left to the callers.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::diagnostics::{Diagnostics, Severity, Text};
use super::names;

/// Whether a mistake is about something that stands in the file or about something that does not.
/// The second kind is not believed where a syntax error may have hidden the thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    Present,
    Absent,
}

struct Finding {
    severity: Severity,
    nature: Nature,
    span: Range<usize>,
    key: String,
    message: String,
    help: String,
}

/// A file under reading: its text and what was found in it so far.
pub(super) struct Document<'t> {
    text: &'t str,
    findings: RefCell<Vec<Finding>>,
    secrets: RefCell<Vec<Range<usize>>>,
}

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            findings: RefCell::default(),
            secrets: RefCell::default(),
        }
    }

    /// The whole file as a table.
    pub(super) fn root<'r>(&'r self, root: &'r DeTable<'r>) -> Table<'r> {
        Table {
            document: self,
            path: String::new(),
            span: 0..0,
            table: root,
            asked: Vec::new(),
        }
    }

    /// Says that the file as a whole lacks something.
    pub(super) fn lacks(&self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.add(
            Severity::Mistake,
            Nature::Absent,
            0..0,
            key.to_owned(),
            message,
            help,
        );
    }

    fn add(
        &self,
        severity: Severity,
        nature: Nature,
        span: Range<usize>,
        key: String,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (message, help) = (message.into(), help.into());
        self.findings.borrow_mut().push(Finding {
            severity,
            nature,
            span,
            key,
            message,
            help,
        });
    }

    /// Everything found, the syntax errors of the parser included, in the order of the file.
    pub(super) fn into_diagnostics(self, file: &str, syntax: &[toml::de::Error]) -> Diagnostics {
        let text = Text::new(self.text, self.secrets.into_inner());
        let mut diagnostics = Diagnostics::new(file);
        let mut broken_lines = Vec::new();
        for error in syntax {
            let span = error.span().unwrap_or(0..0);
            let message = format!("syntax error: {}", error.message().trim());
            let help = "a key or a table can stand only once; join the two";
            let help = message.ends_with("duplicate key").then(|| help.to_owned());
            let finding = text.finding(Severity::Mistake, &span, String::new(), message, help);
            // What follows on a broken line is mostly an echo of the first mistake there.
            let line = finding.position.map_or(0, |position| position.line);
            if !broken_lines.contains(&line) {
                broken_lines.push(line);
                diagnostics.push(finding);
            }
        }
        for finding in self.findings.into_inner() {
            let Finding {
                severity,
                nature,
                span,
                key,
                message,
                help,
            } = finding;
            let finding = text.finding(severity, &span, key, message, Some(help));
            // Of a file that could not be read in full, only what stands on whole lines is judged.
            let line = finding.position.map_or(0, |position| position.line);
            let doubtful = nature == Nature::Absent || broken_lines.contains(&line);
            if syntax.is_empty() || !doubtful {
                diagnostics.push(finding);
            }
        }
        diagnostics.sort();
        diagnostics
    }
}

/// One value in the file, with the key it stands under.
#[derive(Clone)]
pub(super) struct Field<'t> {
    document: &'t Document<'t>,
    path: String,
    key_span: Range<usize>,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Field<'t> {
    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    /// The dotted key.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Says that the value is wrong.
    pub(super) fn refuse(&self, message: impl Into<String>, help: impl Into<String>) {
        let (span, path) = (self.value.span(), self.path.clone());
        self.document.add(
            Severity::Mistake,
            Nature::Present,
            span,
            path,
            message,
            help,
        );
    }

    /// Says that the key itself is wrong.
    pub(super) fn refuse_key(&self, message: impl Into<String>, help: impl Into<String>) {
        let (span, path) = (self.key_span.clone(), self.path.clone());
        self.document.add(
            Severity::Mistake,
            Nature::Present,
            span,
            path,
            message,
            help,
        );
    }

    /// Says that the value names something that does not stand in the file.
    pub(super) fn refuse_dangling(&self, message: impl Into<String>, help: impl Into<String>) {
        let (span, path) = (self.value.span(), self.path.clone());
        self.document
            .add(Severity::Mistake, Nature::Absent, span, path, message, help);
    }

    /// Says something about a part of a text value: `bytes` of the text that it stands for.
    pub(super) fn refuse_part(
        &self,
        bytes: Range<usize>,
        dangling: bool,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = self.span_of_part(bytes);
        let nature = if dangling {
            Nature::Absent
        } else {
            Nature::Present
        };
        let path = self.path.clone();
        self.document
            .add(Severity::Mistake, nature, span, path, message, help);
    }

    /// Says something that does not stop the file from being used.
    pub(super) fn note(&self, message: impl Into<String>, help: impl Into<String>) {
        let (span, path) = (self.value.span(), self.path.clone());
        self.document
            .add(Severity::Note, Nature::Present, span, path, message, help);
    }

    /// Keeps the value out of every excerpt.
    pub(super) fn hide(&self) {
        self.document.secrets.borrow_mut().push(self.value.span());
    }

    /// Where a part of a text value stands in the file. A text with escapes or with its delimiters
    /// on other lines is not spelt in the file as it reads, then the whole value is meant.
    fn span_of_part(&self, bytes: Range<usize>) -> Range<usize> {
        let whole = self.value.span();
        let raw = self.document.text.get(whole.clone()).unwrap_or_default();
        let start = self.value().as_str().and_then(|text| raw.find(text));
        match start {
            Some(start) => {
                whole.start + start + bytes.start..whole.start + start + bytes.end.max(bytes.start)
            }
            None => whole,
        }
    }

    fn wrong_kind(&self, wanted: &str, example: &str) {
        let kind = match self.value() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(
            format!("{wanted} is wanted, this is {kind}"),
            format!("write {example}"),
        );
    }

    pub(super) fn string(&self) -> Option<&'t str> {
        let text = self.value().as_str();
        if text.is_none() {
            self.wrong_kind("a text", "it in quotes: `\"…\"`");
        }
        text
    }

    /// A text of at least one character.
    pub(super) fn filled_string(&self) -> Option<&'t str> {
        let text = self.string()?;
        if text.is_empty() {
            self.refuse("it is empty", "write a value between the quotes");
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let value = self.value().as_bool();
        if value.is_none() {
            self.wrong_kind("true or false", "`true` or `false`, without quotes");
        }
        value
    }

    /// A whole number within a range.
    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let (least, most) = (range.start(), range.end());
        let allowed = format!("write a whole number from {least} to {most}");
        let Some(written) = self.value().as_integer() else {
            self.wrong_kind("a whole number", &format!("one from {least} to {most}"));
            return None;
        };
        let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(format!("{} is out of range", written.as_str()), allowed);
        }
        number
    }

    /// A number within a range, whole or with a fraction.
    pub(super) fn fraction(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let (least, most) = (range.start(), range.end());
        let value = self.value();
        let whole = value.as_integer().filter(|number| number.radix() == 10);
        let written = whole.map(DeInteger::as_str);
        let Some(written) = written.or_else(|| value.as_float().map(DeFloat::as_str)) else {
            self.wrong_kind("a number", &format!("one from {least} to {most}"));
            return None;
        };
        let number = written.parse().ok().filter(|it| range.contains(it));
        if number.is_none() {
            self.refuse(
                format!("{written} is out of range"),
                format!("write a number from {least} to {most}"),
            );
        }
        number
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        let Some(list) = self.value().as_array() else {
            self.wrong_kind("a list", "it in brackets: `[ … ]`");
            return None;
        };
        Some(self.enumerate(list))
    }

    /// The elements of a list, or the value alone where there is no list.
    pub(super) fn one_or_many(&self) -> Vec<Self> {
        self.value()
            .as_array()
            .map_or_else(|| vec![self.clone()], |list| self.enumerate(list))
    }

    fn enumerate(&self, list: &'t [Spanned<DeValue<'t>>]) -> Vec<Self> {
        let element = |(index, value): (usize, &'t Spanned<DeValue<'t>>)| Self {
            document: self.document,
            path: format!("{}[{index}]", self.path),
            key_span: value.span(),
            value,
        };
        list.iter().enumerate().map(element).collect()
    }

    /// The elements of a list of texts; what is no text is reported and left out.
    pub(super) fn strings(&self) -> Vec<(Self, &'t str)> {
        let elements = self.elements().unwrap_or_default();
        elements
            .into_iter()
            .filter_map(|field| Some((field.clone(), field.string()?)))
            .collect()
    }

    pub(super) fn table(&self) -> Option<Table<'t>> {
        let Some(table) = self.value().as_table() else {
            self.wrong_kind(
                "a table",
                "`{ key = … }`, or its keys below a header of their own",
            );
            return None;
        };
        let span = self.value.span();
        // A table that is only implied by a longer header has no place of its own.
        let span = if span.is_empty() {
            self.key_span.clone()
        } else {
            span
        };
        let path = self.path.clone();
        Some(Table {
            document: self.document,
            path,
            span,
            table,
            asked: Vec::new(),
        })
    }
}

/// One table in the file, and which of its keys were asked for.
pub(super) struct Table<'t> {
    document: &'t Document<'t>,
    path: String,
    span: Range<usize>,
    table: &'t DeTable<'t>,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    fn join(&self, name: &str) -> String {
        let bare = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let name = if bare {
            name.to_owned()
        } else {
            format!("{name:?}")
        };
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn field(&self, name: &str) -> Option<Field<'t>> {
        let (key, value) = self.table.get_key_value(name)?;
        let path = self.join(name);
        Some(Field {
            document: self.document,
            path,
            key_span: key.span(),
            value,
        })
    }

    /// Says something about the table as a whole.
    pub(super) fn refuse(&self, message: impl Into<String>, help: impl Into<String>) {
        let (span, path) = (self.span.clone(), self.path.clone());
        self.document
            .add(Severity::Mistake, Nature::Absent, span, path, message, help);
    }

    pub(super) fn optional(&mut self, name: &'static str) -> Option<Field<'t>> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.field(name)
    }

    /// A key that must be there; `example` is the line to add.
    pub(super) fn required(&mut self, name: &'static str, example: &str) -> Option<Field<'t>> {
        let field = self.optional(name);
        if field.is_none() {
            let (span, key) = (self.span.clone(), self.join(name));
            let help = format!("add `{example}`");
            self.document.add(
                Severity::Mistake,
                Nature::Absent,
                span,
                key,
                "missing key",
                help,
            );
        }
        field
    }

    pub(super) fn string(&mut self, name: &'static str) -> Option<String> {
        self.optional(name)?.string().map(str::to_owned)
    }

    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.optional(name)?.boolean()
    }

    pub(super) fn strings(&mut self, name: &'static str) -> Vec<(Field<'t>, &'t str)> {
        self.optional(name)
            .map(|field| field.strings())
            .unwrap_or_default()
    }

    /// A whole number, or `preset` where it is not given or wrong.
    pub(super) fn number<N: TryFrom<u64>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        preset: N,
    ) -> N {
        let number = self.optional(name).and_then(|field| field.integer(range));
        number
            .and_then(|number| N::try_from(number).ok())
            .unwrap_or(preset)
    }

    /// Every key of a table whose keys are names that the user chose, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'t str, Field<'t>)> {
        let names = self.table.keys().map(|key| key.get_ref().as_ref());
        let mut entries: Vec<(&'t str, Field<'t>)> = names
            .filter_map(|name| Some((name, self.field(name)?)))
            .collect();
        entries.sort_by_key(|(_, field)| field.key_span.start);
        entries
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (name, field) in self.entries() {
            if self.asked.contains(&name) {
                continue;
            }
            let known = names::listed(self.asked.iter().copied());
            match names::nearest(name, self.asked.iter().copied()) {
                Some(meant) => field.refuse_key(
                    format!("unknown key; did you mean `{meant}`?"),
                    format!("rename it to `{meant}`, or remove it"),
                ),
                None => field.refuse_key("unknown key", format!("known keys here: {known}")),
            }
        }
    }
}
