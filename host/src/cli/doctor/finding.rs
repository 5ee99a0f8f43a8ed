//! What `kumiki doctor` finds, and how it is printed.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// The app runs, but less well than it could.
    Warning,
    /// The app does not run.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// What was looked at, like `manifest` or `component cart`.
    pub subject: String,
    pub message: String,
    /// What to do about it; `None` where the message says so itself, or nothing has to be done.
    pub mend: Option<String>,
}

impl Finding {
    pub fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, message)
    }

    pub fn warning(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, subject, message)
    }

    pub fn error(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Error, subject, message)
    }

    /// Adds what to do about it.
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    fn new(level: Level, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level,
            subject: subject.into(),
            message: message.into(),
            mend: None,
        }
    }
}

/// The text that the user sees: each finding with its mend, then a summary.
pub fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let level = match finding.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "error  ",
        };
        let message = indented(&finding.message);
        text.push_str(&format!("{level}  {}: {message}\n", finding.subject));
        if let Some(mend) = &finding.mend {
            text.push_str(&format!("         mend: {}\n", indented(mend)));
        }
    }
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let summary = match (count(Level::Error), count(Level::Warning)) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (0, warnings) => format!("The app can run; warnings: {warnings}."),
        (errors, warnings) => {
            format!("The app cannot run; errors: {errors}, warnings: {warnings}.")
        }
    };
    text.push_str(&summary);
    text.push('\n');
    text
}

/// Further lines stand below the first one.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n         ")
}
