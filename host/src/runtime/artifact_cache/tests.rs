//! What is written, found again, refused and evicted, on real files and components.

use std::fs::{File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::entries::evict;
use super::{Artifact, ArtifactCache, ArtifactError};
use crate::runtime::engine::{EngineKind, Engines};

const CATALOG: &str = r#"(component
    (import "store:base/clock@1.0.0" (instance (export "now" (func (result u64)))))
    (core module $m (func (export "count") (result i32) (i32.const 7)))
    (core instance $i (instantiate $m))
    (func $count (result u32) (canon lift (core func $i "count")))
    (instance $products (export "count" (func $count)))
    (export "store:catalog/products@1.0.0" (instance $products)))"#;

/// A table of more elements than the pool gives.
const LARGE: &str = "(component (core module $m (table 300000 funcref))
    (core instance (instantiate $m)))";

/// A folder with a component in it and a cache beside it.
struct Setting {
    folder: tempfile::TempDir,
    engines: Arc<Engines>,
}

impl Setting {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setting = Self {
            folder,
            engines: Engines::start(true).unwrap(),
        };
        setting.write_source(&wat::parse_str(text).unwrap());
        setting
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("catalog.wasm")
    }

    /// Writes the source as if it had been built long ago.
    fn write_source(&self, bytes: &[u8]) {
        std::fs::write(self.source(), bytes).unwrap();
        set_modified(&self.source(), SystemTime::UNIX_EPOCH);
    }

    /// The cache as a host finds it that starts now.
    fn cache(&self) -> ArtifactCache {
        ArtifactCache::open(&self.folder.path().join("cache"))
    }

    fn inspect(&self, cache: &ArtifactCache) -> Artifact {
        cache.inspect(&self.engines, &self.source()).unwrap()
    }

    fn runs(&self, cache: &ArtifactCache, artifact: &Artifact) {
        let component = cache.code(&self.engines, artifact).unwrap();
        let exports = component.get_export_index(None, "store:catalog/products@1.0.0");
        assert!(exports.is_some());
    }

    fn entries(&self, folder: &str) -> Vec<PathBuf> {
        let folder = self.folder.path().join("cache").join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    }

    fn only_entry(&self, folder: &str) -> PathBuf {
        let [entry] = self.entries(folder).try_into().unwrap();
        entry
    }
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

#[test]
fn a_second_start_reads_no_wasm_and_maps_what_the_first_compiled() {
    let setting = Setting::new(CATALOG);
    let first = setting.inspect(&setting.cache());
    assert!(first.build.kept.is_none(), "the cache holds its code");
    // Another content behind the same path, size, time and inode: nobody reads it.
    let length = setting.source().metadata().unwrap().len();
    setting.write_source(&vec![b'x'; usize::try_from(length).unwrap()]);

    let cache = setting.cache();
    let second = setting.inspect(&cache);
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.contract(), second.contract());
    assert_eq!(second.kind(), EngineKind::Plain);
    setting.runs(&cache, &second);
}

#[test]
fn the_same_component_at_two_paths_is_known_once() {
    let setting = Setting::new(CATALOG);
    let copy = setting.folder.path().join("copy.wasm");
    std::fs::copy(setting.source(), &copy).unwrap();
    for _ in 0..2 {
        let cache = setting.cache();
        let one = setting.inspect(&cache);
        let other = cache.inspect(&setting.engines, &copy).unwrap();
        assert!(Arc::ptr_eq(one.contract(), other.contract()));
        assert_eq!(one.path(), setting.source());
        assert_eq!(other.path(), copy);
    }
    setting.only_entry("artifacts");
}

#[test]
fn components_share_the_interfaces_that_they_have_in_common() {
    let setting = Setting::new(CATALOG);
    let other = CATALOG.replace("(i32.const 7)", "(i32.const 8)");
    let copy = setting.folder.path().join("other.wasm");
    std::fs::write(&copy, wat::parse_str(other).unwrap()).unwrap();
    for _ in 0..2 {
        let cache = setting.cache();
        let one = setting.inspect(&cache);
        let other = cache.inspect(&setting.engines, &copy).unwrap();
        assert_ne!(one.digest(), other.digest());
        let interface = |artifact: &Artifact| {
            let contract = artifact.contract();
            std::ptr::from_ref(contract.imports[0].interface().unwrap())
        };
        assert_eq!(interface(&one), interface(&other));
    }
    assert_eq!(setting.entries("interfaces").len(), 2);
}

#[test]
fn a_damaged_entry_is_made_again() {
    let setting = Setting::new(CATALOG);
    let contract = setting.inspect(&setting.cache()).contract().clone();
    for folder in ["sources", "contracts", "interfaces", "artifacts"] {
        let entry = setting.entries(folder).remove(0);
        let good = std::fs::read(&entry).unwrap();
        let mut changed = good.clone();
        changed[good.len() / 2] ^= 1;
        for damaged in [&good[..good.len() / 2], b"", b"\x7fELF", &changed] {
            std::fs::remove_file(&entry).unwrap();
            std::fs::write(&entry, damaged).unwrap();
            let cache = setting.cache();
            let artifact = setting.inspect(&cache);
            assert_eq!(artifact.contract(), &contract);
            setting.runs(&cache, &artifact);
            assert_eq!(std::fs::read(&entry).unwrap(), good, "{folder}");
        }
    }
}

#[test]
fn entries_that_others_may_write_are_made_again() {
    let setting = Setting::new(CATALOG);
    setting.inspect(&setting.cache());
    for folder in ["sources", "contracts", "interfaces", "artifacts"] {
        let entry = setting.entries(folder).remove(0);
        std::fs::set_permissions(&entry, Permissions::from_mode(0o666)).unwrap();
        let cache = setting.cache();
        let artifact = setting.inspect(&cache);
        setting.runs(&cache, &artifact);
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{folder}");
    }
}

#[test]
fn evicted_code_is_compiled_again_from_the_same_file_only() {
    let setting = Setting::new(CATALOG);
    let cache = setting.cache();
    let artifact = setting.inspect(&cache);
    let entry = setting.only_entry("artifacts");
    std::fs::remove_file(&entry).unwrap();
    let cached = cache.cached_code(&setting.engines, &artifact).unwrap();
    assert!(cached.is_none());
    setting.runs(&cache, &artifact);
    assert!(entry.exists(), "it is cached again");

    std::fs::remove_file(&entry).unwrap();
    setting.write_source(b"\0asm\x0d\0\x01\0");
    let error = cache.code(&setting.engines, &artifact).err().unwrap();
    assert!(matches!(error, ArtifactError::Changed { .. }), "{error}");
    for text in ["catalog.wasm", "restart", artifact.digest()] {
        assert!(error.to_string().contains(text), "{error}");
    }
    std::fs::remove_file(setting.source()).unwrap();
    let error = cache.code(&setting.engines, &artifact).err().unwrap();
    assert!(matches!(error, ArtifactError::Read { .. }), "{error}");
}

#[test]
fn a_cache_that_is_deleted_below_the_host_is_made_again() {
    let setting = Setting::new(CATALOG);
    let cache = setting.cache();
    let artifact = setting.inspect(&cache);
    std::fs::remove_dir_all(setting.folder.path().join("cache")).unwrap();
    setting.runs(&cache, &artifact);
    setting.only_entry("artifacts");
}

#[test]
fn without_a_cache_code_stays_in_memory() {
    let setting = Setting::new(CATALOG);
    let cache = ArtifactCache::none();
    let artifact = setting.inspect(&cache);
    std::fs::remove_file(setting.source()).unwrap();
    setting.runs(&cache, &artifact);
    assert!(!setting.folder.path().join("cache").exists());
}

#[test]
fn code_that_cannot_be_written_stays_in_memory() {
    let setting = Setting::new(CATALOG);
    let cache = setting.cache();
    let folder = setting.folder.path().join("cache/artifacts");
    std::fs::remove_dir(&folder).unwrap();
    std::fs::write(&folder, b"no folder").unwrap();
    let artifact = setting.inspect(&cache);
    std::fs::remove_file(setting.source()).unwrap();
    setting.runs(&cache, &artifact);
}

#[test]
fn what_does_not_fit_the_pool_is_known_at_the_next_start() {
    let setting = Setting::new(LARGE);
    for _ in 0..2 {
        let cache = setting.cache();
        let artifact = setting.inspect(&cache);
        let reason = artifact.build.pool_refusal.as_deref().unwrap();
        assert!(reason.contains("300000"), "{reason}");
        let before = setting.only_entry("artifacts").metadata().unwrap();
        let code = cache.code(&setting.engines, &artifact).unwrap();
        let on_demand = setting.engines.get_on_demand(EngineKind::Plain).unwrap();
        assert!(wasmtime::Engine::same(code.engine(), on_demand));
        let after = setting.only_entry("artifacts").metadata().unwrap();
        assert_eq!(before.ino(), after.ino(), "it was not compiled again");
    }
}

#[test]
fn a_file_from_the_future_is_read_again() {
    let setting = Setting::new(CATALOG);
    let future = SystemTime::now() + Duration::from_secs(60);
    set_modified(&setting.source(), future);
    setting.inspect(&setting.cache());
    assert!(setting.entries("sources").is_empty());
    // Its code is found by its content.
    let cache = setting.cache();
    let artifact = setting.inspect(&cache);
    setting.runs(&cache, &artifact);
    setting.only_entry("artifacts");
}

#[test]
fn a_file_that_was_written_a_moment_ago_is_remembered_as_it_is_then() {
    let setting = Setting::new(CATALOG);
    set_modified(&setting.source(), SystemTime::now());
    let first = setting.inspect(&setting.cache());
    setting.only_entry("sources");
    setting.write_source(b"\0asm\x0d\0\x01\0");
    set_modified(&setting.source(), SystemTime::now());
    let second = setting.inspect(&setting.cache());
    assert_ne!(first.digest(), second.digest());
}

#[test]
fn a_use_is_noted_and_what_was_unused_for_longest_is_evicted() {
    let setting = Setting::new(CATALOG);
    let cache = setting.cache();
    let artifact = setting.inspect(&cache);
    let entry = setting.only_entry("artifacts");
    let folder = entry.parent().unwrap();
    let hours = |count: u64| SystemTime::now() - Duration::from_secs(count * 3600);
    let old = folder.join("old");
    std::fs::write(&old, b"code").unwrap();
    set_modified(&old, hours(5));

    let uses: [&dyn Fn(); 3] = [
        &|| setting.runs(&cache, &artifact),
        &|| drop(setting.inspect(&cache)),
        &|| drop(setting.inspect(&setting.cache())),
    ];
    for use_it in uses {
        set_modified(&entry, hours(10));
        use_it();
        assert!(entry.metadata().unwrap().modified().unwrap() > hours(1));
    }
    evict(folder, 1 << 30, 2);
    assert!(old.exists(), "within the limits nothing is evicted");
    evict(folder, 1 << 30, 1);
    assert!(!old.exists());
    assert!(entry.exists());
    evict(folder, 100, 1);
    assert!(!entry.exists());
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    for part in ["", "artifacts", "contracts", "interfaces", "sources"] {
        let setting = Setting::new(CATALOG);
        setting.inspect(&setting.cache());
        let folder = setting.folder.path().join("cache").join(part);
        std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let cache = setting.cache();
        assert!(cache.entries.is_none(), "{part}");
        let artifact = setting.inspect(&cache);
        assert!(artifact.build.kept.is_some());
    }
}
