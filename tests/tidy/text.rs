//! Rules about a file as text: its length, its lines, its first line and its name.

use crate::Violation;
use crate::tree::SourceFile;

pub const FILE_LENGTH: &str = "file length";
pub const LINE_LENGTH: &str = "line length";
pub const OPENING: &str = "opening";
pub const NAME: &str = "name";

const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 800;
const MAIN_LINES_MAX: usize = 80;
const COLUMNS_MAX: usize = 100;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 3] = ["utils", "manager", "common"];

pub fn check(file: &SourceFile) -> Vec<Violation> {
    let violation = |rule, subject: &str, detail: String| Violation {
        rule,
        path: file.path.clone(),
        subject: subject.to_owned(),
        detail,
    };
    let mut violations = Vec::new();
    let lines = file.text.lines().count();
    let lines_max = match file.path.as_str() {
        "host/src/main.rs" => MAIN_LINES_MAX,
        _ if file.is_test() => TEST_LINES_MAX,
        _ => LINES_MAX,
    };
    if lines > lines_max {
        let detail = format!("{lines} lines, of at most {lines_max}; part the file");
        violations.push(violation(FILE_LENGTH, "the file", detail));
    }
    for (index, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            let detail = format!("{columns} columns, of at most {COLUMNS_MAX}");
            violations.push(violation(
                LINE_LENGTH,
                &format!("line {}", index + 1),
                detail,
            ));
        }
    }
    if !file.text.starts_with("//!") {
        let detail = "the file opens with `//!`: what it does, and what it leaves to others";
        violations.push(violation(OPENING, "the first line", detail.to_owned()));
    }
    let steps = file.path.trim_end_matches(".rs").split('/');
    for step in steps.filter(|step| EMPTY_NAMES.contains(step)) {
        let detail = "the name says nothing about what is inside";
        violations.push(violation(NAME, step, detail.to_owned()));
    }
    if file.path.ends_with("/mod.rs") {
        let detail = "a module's file is named like the module, beside its folder";
        violations.push(violation(NAME, "mod.rs", detail.to_owned()));
    }
    violations
}
