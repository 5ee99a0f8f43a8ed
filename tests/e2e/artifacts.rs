//! Where artifacts come from, and the cache of what they were compiled to: downloads are checked
//! and kept, and what is damaged or not ours alone is never run.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kumiki_tests::app::{App, Service};
use kumiki_tests::host::Host;
use kumiki_tests::{guests, peers};
use sha2::{Digest, Sha256};

const TWO: &str = "hello from 0.2\n";
const THREE: &str = "hello from 0.3\n";

fn bytes_of(guest: &str) -> Vec<u8> {
    std::fs::read(guests::path(guest)).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An HTTP answer of these bytes.
fn answer(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

/// An app of one service whose artifact is at a url with this digest.
fn from_url(url: &str, digest: &str) -> App {
    let source = format!("{{ url = {url:?}, digest = \"sha256:{digest}\" }}");
    let service = Service::new("fetched", "hello_two").source(source);
    App::new([service.route("/...")])
}

#[test]
fn a_download_with_the_right_digest_runs_and_is_kept() {
    let bytes = bytes_of("hello_two");
    let (address, server) = peers::serve_once(answer(&bytes));
    let url = format!("http://{address}/hello.wasm");
    let mut host = from_url(&url, &sha256(&bytes)).start();
    assert_eq!(host.get("/").expect(200), TWO);
    server.join().unwrap();
    host.kill9();
    // Nobody listens at the url any more.
    let mut host = host.restart();
    assert_eq!(host.get("/").expect(200), TWO);
    host.kill9();
    // Neither is a kept copy run that is not what the digest says.
    let kept = files_in(&host.folder().join(".kumiki/cache/downloads"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    std::fs::write(&kept[0], bytes_of("hello_three")).unwrap();
    let refusal = host.start_again().err().expect("the copy is refused");
    assert!(refusal.stderr.contains(&url), "{refusal}");
}

#[test]
fn a_download_with_another_digest_is_refused_with_both() {
    let bytes = bytes_of("hello_two");
    let (address, server) = peers::serve_once(answer(&bytes));
    let stated = "0123456789abcdef".repeat(4);
    let url = format!("http://{address}/hello.wasm");
    let refusal = from_url(&url, &stated).refused();
    server.join().unwrap();
    for text in [url.as_str(), &stated, &sha256(&bytes), "`fetched`"] {
        assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
    }
}

#[test]
fn a_download_that_fails_is_named() {
    let bytes = bytes_of("hello_two");
    let mut half = answer(&bytes);
    half.truncate(bytes.len() / 2);
    let failures = [
        half,
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        b"no HTTP at all\r\n\r\n".to_vec(),
        Vec::new(),
    ];
    for failure in failures {
        let (address, server) = peers::serve_once(failure);
        let url = format!("http://{address}/hello.wasm");
        let refusal = from_url(&url, &sha256(&bytes)).refused();
        server.join().unwrap();
        assert!(refusal.stderr.contains(&url), "{refusal}");
        assert!(refusal.stderr.contains("`fetched`"), "{refusal}");
    }
}

#[test]
fn a_source_of_our_own_table_can_be_a_download() {
    let bytes = bytes_of("hello_three");
    let (address, server) = peers::serve_once(answer(&bytes));
    let digest = sha256(&bytes);
    let source = format!("url = \"http://{address}/a.wasm\", digest = \"sha256:{digest}\"");
    let service = Service::new("both", "hello_two").route("/...");
    let host = App::new([service.setting(format!("source = {{ {source} }}"))]).start();
    server.join().unwrap();
    assert_eq!(host.get("/").expect(200), THREE);
}

#[test]
fn a_source_in_a_registry_is_refused_with_the_mend() {
    let source =
        "{ registry = \"registry.example\", package = \"shop:cart\", version = \"1.2.3\" }";
    let service = Service::new("cart", "hello_two").source(source);
    let refusal = App::new([service.route("/...")]).refused();
    for text in ["`cart`", "shop:cart", "1.2.3", "wkg get", "digest"] {
        assert!(refusal.stderr.contains(text), "no `{text}` in {refusal}");
    }
}

/// Two services that answer differently, whose components the same engine compiles.
fn pair() -> App {
    let hello = Service::new("hello", "hello_two").route("/hello");
    let status = Service::new("status", "status").route("/status");
    App::new([hello, status])
}

fn check_pair(host: &Host) {
    assert_eq!(host.get("/hello").expect(200), TWO);
    assert_eq!(host.get("/status?body=told").expect(200), "told");
}

/// The pair's compiled artifacts, after a run that has ended.
fn compiled_pair() -> (Host, [PathBuf; 2]) {
    let mut host = pair().start();
    check_pair(&host);
    host.kill9();
    let entries = files_in(&host.folder().join(".kumiki/cache/artifacts"));
    let entries = entries.try_into().expect("one entry for each component");
    (host, entries)
}

/// The files in a folder, by name.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Replaces a file by one of these bytes, as the host does.
fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Gives each entry the machine code of the other: whoever runs it answers as the wrong service.
fn swap(entries: &[PathBuf; 2]) {
    let contents = entries.each_ref().map(|path| std::fs::read(path).unwrap());
    replace(&entries[0], &contents[1]);
    replace(&entries[1], &contents[0]);
}

#[test]
fn a_damaged_entry_is_compiled_again() {
    let damages: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(8),
        Vec::clear,
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        |bytes| *bytes.last_mut().unwrap() ^= 0x80,
    ];
    let (mut host, entries) = compiled_pair();
    let good = entries.each_ref().map(|path| std::fs::read(path).unwrap());
    for damage in damages {
        for (path, good) in entries.iter().zip(&good) {
            let mut bytes = good.clone();
            damage(&mut bytes);
            replace(path, &bytes);
        }
        host = host.restart();
        check_pair(&host);
        assert!(host.stderr().contains("damaged"), "{}", host.output());
        host.kill9();
        for (path, good) in entries.iter().zip(&good) {
            assert_eq!(&std::fs::read(path).unwrap(), good, "it was repaired");
        }
    }
}

#[test]
fn a_damaged_note_of_a_digest_costs_only_time() {
    let (host, _) = compiled_pair();
    let notes = files_in(&host.folder().join(".kumiki/cache/sources"));
    assert_eq!(notes.len(), 2);
    replace(&notes[0], b"{\"digest\":");
    replace(&notes[1], b"");
    check_pair(&host.restart());
}

#[test]
fn a_damaged_note_of_a_contract_costs_only_time() {
    let (mut host, _) = compiled_pair();
    for folder in ["contracts", "interfaces"] {
        for note in files_in(&host.folder().join(".kumiki/cache").join(folder)) {
            replace(&note, b"{\"digest\":");
        }
        host = host.restart();
        check_pair(&host);
        assert!(host.stderr().contains("damaged"), "{}", host.output());
        host.kill9();
    }
}

#[test]
fn entries_that_others_may_write_are_not_used() {
    let (host, entries) = compiled_pair();
    swap(&entries);
    for path in &entries {
        std::fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    }
    let mut host = host.restart();
    check_pair(&host);
    host.kill9();
    for path in entries {
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it was written anew");
    }
    check_pair(&host.restart());
}

#[test]
fn a_cache_that_others_may_write_is_not_used_and_one_warning_says_so() {
    let folders = ["artifacts", "contracts", "interfaces", "sources"];
    for folder in ["cache".to_owned()]
        .into_iter()
        .chain(folders.map(|folder| format!("cache/{folder}")))
    {
        let (host, entries) = compiled_pair();
        swap(&entries);
        let folder = host.folder().join(".kumiki").join(folder);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let host = host.restart();
        check_pair(&host);
        let name = folder.display().to_string();
        let stderr = host.stderr();
        let warnings: Vec<_> = stderr
            .lines()
            .filter(|line| line.contains("WARN"))
            .collect();
        let [warning] = warnings[..] else {
            panic!("not one warning: {stderr}");
        };
        assert!(warning.contains(&name), "{warning}");
        assert!(warning.contains("chmod 700"), "{warning}");
    }
}

#[test]
fn a_start_with_a_full_cache_reads_no_wasm() {
    let service = Service::new("hello", "hello_two").source("\"hello.wasm\"");
    let app = App::new([service.route("/...")]).file("hello.wasm", bytes_of("hello_two"));
    let mut host = app.start();
    host.kill9();
    // Another content behind the same path, size, time and inode: who reads it cannot start.
    let path = host.folder().join("hello.wasm");
    let before = path.metadata().unwrap();
    let length = usize::try_from(before.len()).unwrap();
    std::fs::write(&path, vec![b'x'; length]).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let mut host = host.restart();
    assert_eq!(host.get("/").expect(200), TWO);
    host.kill9();
    // A file that was touched is read, and found to be no component.
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let refusal = host.start_again().err().expect("the file is read");
    assert!(refusal.stderr.contains("hello.wasm"), "{refusal}");
}

#[test]
fn without_the_cache_nothing_is_kept() {
    let mut host = pair().arguments(&["--disable-cache"]).start();
    check_pair(&host);
    host.kill9();
    let folder = host.folder().join(".kumiki/cache/artifacts");
    assert!(!folder.exists() || files_in(&folder).is_empty());
}
