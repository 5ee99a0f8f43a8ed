//! Answers with the guest's environment, one `name=value` per line, and its arguments.

use kumiki_guests::incoming::Request;
use kumiki_guests::wasip2::cli::environment::{get_arguments, get_environment};

kumiki_guests::guest!(handle);

fn handle(_request: Request) -> String {
    let mut lines: Vec<String> = get_environment()
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.sort();
    lines.extend(
        get_arguments()
            .into_iter()
            .map(|argument| format!("argument {argument}")),
    );
    lines.join("\n")
}
