//! What a guest's SQL may do: everything within its own database, nothing that names another file,
//! loads code, or changes how the host keeps the file durable and bounded.

use rusqlite::hooks::{AuthAction, Authorization};

/// PRAGMAs that stay within the database and may be given a value.
const HARMLESS: [&str; 32] = [
    "analysis_limit",
    "auto_vacuum",
    "automatic_index",
    "case_sensitive_like",
    "collation_list",
    "compile_options",
    "data_version",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "ignore_check_constraints",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "legacy_alter_table",
    "module_list",
    "optimize",
    "page_count",
    "pragma_list",
    "quick_check",
    "recursive_triggers",
    "reverse_unordered_selects",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// PRAGMAs that may be read but not set: the host's settings.
const READABLE: [&str; 12] = [
    "application_id",
    "busy_timeout",
    "cache_size",
    "journal_mode",
    "locking_mode",
    "max_page_count",
    "page_size",
    "query_only",
    "schema_version",
    "secure_delete",
    "synchronous",
    "temp_store",
];

/// PRAGMAs that a program may set without effect: the host decides how long to wait and how much
/// to keep in memory, and the program need not know.
const IGNORED: [&str; 2] = ["busy_timeout", "cache_size"];

/// Judges one action of a statement that is being prepared. VACUUM INTO is an ATTACH to SQLite, and
/// so is a plain VACUUM, with the empty name.
pub(super) fn authorize(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Attach {
            filename: "" | ":memory:",
        } => Authorization::Allow,
        AuthAction::Attach { .. } => Authorization::Deny,
        AuthAction::Function { function_name } => {
            let is_unsafe = ["load_extension", "fts3_tokenizer"]
                .iter()
                .any(|name| function_name.eq_ignore_ascii_case(name));
            if is_unsafe {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => pragma(pragma_name, *pragma_value),
        // An ATTACH of anything but a literal name is among these.
        AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::AlterTable { .. }
        | AuthAction::Analyze { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Delete { .. }
        | AuthAction::Detach { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempTrigger { .. }
        | AuthAction::DropTempView { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropVtable { .. }
        | AuthAction::Insert { .. }
        | AuthAction::Read { .. }
        | AuthAction::Recursive
        | AuthAction::Reindex { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Select
        | AuthAction::Transaction { .. }
        | AuthAction::Update { .. } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

fn pragma(name: &str, value: Option<&str>) -> Authorization {
    let is_in = |list: &[&str]| list.iter().any(|known| name.eq_ignore_ascii_case(known));
    let keeps_wal = name.eq_ignore_ascii_case("journal_mode")
        && value.is_some_and(|value| value.eq_ignore_ascii_case("wal"));
    if is_in(&HARMLESS) || keeps_wal || (value.is_none() && is_in(&READABLE)) {
        Authorization::Allow
    } else if is_in(&IGNORED) {
        Authorization::Ignore
    } else {
        Authorization::Deny
    }
}

/// Whether an action may make the database larger. Below the reserve only others pass.
pub(super) fn grows(action: &AuthAction<'_>) -> bool {
    match action {
        // SQLite's own tables also change where something is dropped.
        AuthAction::Insert { table_name } | AuthAction::Update { table_name, .. } => {
            !table_name.starts_with("sqlite_")
        }
        AuthAction::AlterTable { .. }
        | AuthAction::Attach { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Reindex { .. } => true,
        _ => false,
    }
}
