//! Reads the tables of a runtime config into its typed shape, and refuses by name what Spin can do
//! and this host cannot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::super::names;
use super::super::reader::{Field, Table};
use super::{
    ClientTls, DirectorySetting, KeyValueStore, OutboundHttp, OutboundLimit, OutboundNetworking,
    RuntimeConfig, SqliteDatabase, VariablesProvider,
};

const CONNECTIONS: std::ops::RangeInclusive<u64> = 0..=1_000_000;

/// The folder that relative paths start from.
struct Folder<'p>(&'p Path);

impl Folder<'_> {
    fn path(&self, field: &Field<'_>) -> Option<PathBuf> {
        Some(self.0.join(field.filled_string()?))
    }

    fn optional(&self, table: &mut Table<'_>, key: &'static str) -> Option<PathBuf> {
        table.optional(key).and_then(|field| self.path(&field))
    }
}

/// Reads the whole file. What is wrong is reported, and left at its preset.
pub(super) fn read(mut root: Table<'_>, path: &Path) -> RuntimeConfig {
    let folder = Folder(path.parent().unwrap_or(path));
    let memory = root.optional("max_instance_memory");
    let mut files = Vec::new();
    let config = RuntimeConfig {
        path: Some(path.to_owned()),
        state_dir: read_directory(&folder, &mut root, "state_dir"),
        log_dir: read_directory(&folder, &mut root, "log_dir"),
        max_instance_memory: memory.and_then(|field| field.integer(1..=u64::MAX)),
        key_value_stores: labelled(&mut root, "key_value_store", |field| {
            read_key_value(&folder, field, &mut files)
        }),
        sqlite_databases: labelled(&mut root, "sqlite_database", |field| {
            read_sqlite(&folder, field, &mut files)
        }),
        variables_providers: read_providers(&folder, &mut root),
        outbound_http: read_http(&mut root),
        outbound_pg: read_limit(&mut root, "outbound_pg"),
        outbound_mysql: read_limit(&mut root, "outbound_mysql"),
        outbound_redis: read_limit(&mut root, "outbound_redis"),
        outbound_mqtt: read_limit(&mut root, "outbound_mqtt"),
        outbound_networking: read_networking(&mut root),
        client_tls: read_client_tls(&folder, &mut root),
    };
    if let Some(field) = root.optional("llm_compute") {
        field.refuse_key("AI models are not supported", "remove the table");
    }
    root.finish();
    config
}

fn read_directory(
    folder: &Folder<'_>,
    table: &mut Table<'_>,
    key: &'static str,
) -> DirectorySetting {
    let text = table.optional(key).and_then(|field| field.string());
    match text {
        None => DirectorySetting::Preset,
        Some("") => DirectorySetting::Unset,
        Some(text) => DirectorySetting::Path(folder.0.join(text)),
    }
}

/// Reads a table whose keys are labels.
fn labelled<'t, T>(
    root: &mut Table<'t>,
    key: &'static str,
    mut read: impl FnMut(&Field<'t>) -> Option<T>,
) -> BTreeMap<String, T> {
    let table = root.optional(key).and_then(|field| field.table());
    let mut found = BTreeMap::new();
    for (label, field) in table.map(|table| table.entries()).unwrap_or_default() {
        if let Err(reason) = names::check_label(label) {
            field.refuse_key(
                format!("`{label}` cannot be a label: {reason}"),
                "write it in `kebab-case` or `snake_case`",
            );
        }
        if let Some(value) = read(&field) {
            found.insert(label.to_owned(), value);
        }
    }
    found
}

/// The `type` of a table, if it is one of those that are supported. Of any other type the keys are
/// not judged.
fn read_type<'t>(
    table: &mut Table<'t>,
    supported: &[&'static str],
    unsupported: &[&str],
) -> Option<&'static str> {
    let example = format!("type = \"{}\"", supported.first().unwrap_or(&""));
    let field = table.required("type", &example)?;
    let text = field.string()?;
    if let Some(known) = supported.iter().find(|known| **known == text) {
        return Some(known);
    }
    let help = format!("the types are {}", names::listed(supported.iter().copied()));
    if unsupported.contains(&text) {
        field.refuse(format!("type `{text}` is not supported by kumiki"), help);
        return None;
    }
    let message = match names::nearest(text, supported.iter().copied()) {
        Some(meant) => format!("there is no type `{text}`; did you mean `{meant}`?"),
        None => format!("there is no type `{text}`"),
    };
    field.refuse(message, help);
    None
}

/// Reads the path of a SQLite file; no two labels may share one, or each would lock the other out.
fn read_file<'t>(
    folder: &Folder<'_>,
    table: &mut Table<'t>,
    files: &mut Vec<(PathBuf, String)>,
) -> Option<PathBuf> {
    let field = table.optional("path")?;
    let path = folder.path(&field)?;
    if let Some((_, other)) = files.iter().find(|(file, _)| *file == path) {
        field.refuse(
            format!("`{other}` is the same file"),
            "give each label a file of its own",
        );
    }
    files.push((path.clone(), field.path().to_owned()));
    Some(path)
}

fn read_key_value(
    folder: &Folder<'_>,
    field: &Field<'_>,
    files: &mut Vec<(PathBuf, String)>,
) -> Option<KeyValueStore> {
    let mut table = field.table()?;
    let kind = read_type(
        &mut table,
        &["spin", "redis"],
        &["azure_cosmos", "aws_dynamo"],
    )?;
    let store = if kind == "spin" {
        Some(KeyValueStore::Spin {
            path: read_file(folder, &mut table, files),
        })
    } else {
        let url = table.required("url", "url = \"redis://localhost:6379\"");
        url.and_then(|url| {
            url.hide();
            Some(KeyValueStore::Redis {
                url: checked_redis(&url)?,
            })
        })
    };
    table.finish();
    store
}

/// The message leaves the address out: it may hold a password.
fn checked_redis(field: &Field<'_>) -> Option<String> {
    let text = field.string()?;
    let valid = url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss" | "redis+unix" | "unix"));
    if !valid {
        field.refuse("this is no address of Redis", "write `redis://host:port`");
        return None;
    }
    Some(text.to_owned())
}

fn read_sqlite(
    folder: &Folder<'_>,
    field: &Field<'_>,
    files: &mut Vec<(PathBuf, String)>,
) -> Option<SqliteDatabase> {
    let mut table = field.table()?;
    read_type(&mut table, &["spin"], &["libsql"])?;
    let path = read_file(folder, &mut table, files);
    table.finish();
    Some(SqliteDatabase::Spin { path })
}

fn read_providers(folder: &Folder<'_>, root: &mut Table<'_>) -> Vec<VariablesProvider> {
    // The second name is an old one, which Spin still reads.
    let current = root.optional("variables_provider");
    let old = root.optional("config_provider");
    let list = current
        .or(old)
        .and_then(|field| field.elements())
        .unwrap_or_default();
    list.iter()
        .filter_map(|field| read_provider(folder, field))
        .collect()
}

fn read_provider(folder: &Folder<'_>, field: &Field<'_>) -> Option<VariablesProvider> {
    let mut table = field.table()?;
    let unsupported = ["vault", "open_bao", "azure_key_vault"];
    let kind = read_type(&mut table, &["static", "env"], &unsupported)?;
    let provider = if kind == "env" {
        let prefix = table.string("prefix");
        let dotenv_path = folder.optional(&mut table, "dotenv_path");
        Some(VariablesProvider::Env {
            prefix,
            dotenv_path,
        })
    } else {
        let values = table.required("values", "values = { name = \"value\" }");
        values.map(|values| VariablesProvider::Static {
            values: read_values(&values),
        })
    };
    table.finish();
    provider
}

fn read_values(field: &Field<'_>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, field) in field
        .table()
        .map(|table| table.entries())
        .unwrap_or_default()
    {
        // Which variables are secret stands in the manifest, which this file does not know.
        field.hide();
        if let Some(text) = field.string() {
            values.insert(name.to_owned(), text.to_owned());
        }
    }
    values
}

fn read_http(root: &mut Table<'_>) -> OutboundHttp {
    let Some(mut table) = root
        .optional("outbound_http")
        .and_then(|field| field.table())
    else {
        return OutboundHttp::default();
    };
    let connection_pooling = table.boolean("connection_pooling");
    let max_connections = read_connections(&mut table, "max_connections");
    let old = table.optional("max_concurrent_requests");
    if let (Some(_), Some(old)) = (max_connections, &old) {
        old.refuse_key(
            "`max_connections` is set as well",
            "remove `max_concurrent_requests`",
        );
    }
    // The old key allowed one connection more than it said.
    let old = old
        .and_then(|field| field.integer(CONNECTIONS))
        .map(|number| number + 1);
    table.finish();
    OutboundHttp {
        connection_pooling,
        max_connections: max_connections.or(old),
    }
}

fn read_connections(table: &mut Table<'_>, key: &'static str) -> Option<u64> {
    table
        .optional(key)
        .and_then(|field| field.integer(CONNECTIONS))
}

fn read_limit(root: &mut Table<'_>, key: &'static str) -> OutboundLimit {
    let Some(mut table) = root.optional(key).and_then(|field| field.table()) else {
        return OutboundLimit::default();
    };
    let max_connections = read_connections(&mut table, "max_connections");
    table.finish();
    OutboundLimit { max_connections }
}

fn read_networking(root: &mut Table<'_>) -> OutboundNetworking {
    let Some(mut table) = root
        .optional("outbound_networking")
        .and_then(|field| field.table())
    else {
        return OutboundNetworking::default();
    };
    let mut networking = OutboundNetworking {
        max_socket_connections: read_connections(&mut table, "max_socket_connections"),
        max_total_connections: read_connections(&mut table, "max_total_connections"),
        ..OutboundNetworking::default()
    };
    for (field, text) in table.strings("block_networks") {
        if text == "private" {
            networking.block_private_networks = true;
        } else if let Ok(network) = text.parse::<IpNet>() {
            networking.block_networks.push(network.trunc());
        } else if let Ok(address) = text.parse::<std::net::IpAddr>() {
            networking.block_networks.push(IpNet::from(address));
        } else {
            field.refuse(
                format!("`{text}` is no network"),
                "write a block such as `10.0.0.0/8`, or `private`",
            );
        }
    }
    table.finish();
    networking
}

fn read_client_tls(folder: &Folder<'_>, root: &mut Table<'_>) -> Vec<ClientTls> {
    let list = root
        .optional("client_tls")
        .and_then(|field| field.elements())
        .unwrap_or_default();
    list.iter()
        .filter_map(|field| read_tls(folder, field))
        .collect()
}

fn read_tls(folder: &Folder<'_>, field: &Field<'_>) -> Option<ClientTls> {
    let mut table = field.table()?;
    let component_ids = filled_list(&mut table, "component_ids", "component_ids = [\"…\"]");
    let hosts = filled_list(&mut table, "hosts", "hosts = [\"example.com\"]");
    let tls = ClientTls {
        component_ids,
        hosts,
        ca_use_platform_roots: table.boolean("ca_use_platform_roots"),
        ca_use_webpki_roots: table.boolean("ca_use_webpki_roots"),
        ca_roots_file: folder.optional(&mut table, "ca_roots_file"),
        client_cert_file: folder.optional(&mut table, "client_cert_file"),
        client_private_key_file: folder.optional(&mut table, "client_private_key_file"),
    };
    if tls.client_cert_file.is_some() != tls.client_private_key_file.is_some() {
        field.refuse(
            "a client certificate needs its private key, and the key its certificate",
            "set both `client_cert_file` and `client_private_key_file`, or neither",
        );
    }
    table.finish();
    Some(tls)
}

fn filled_list(table: &mut Table<'_>, key: &'static str, example: &str) -> Vec<String> {
    let Some(field) = table.required(key, example) else {
        return Vec::new();
    };
    if field.value().as_array().is_some_and(|list| list.is_empty()) {
        field.refuse("the list is empty", format!("write `{example}`"));
    }
    field
        .strings()
        .into_iter()
        .map(|(_, text)| text.to_owned())
        .collect()
}
