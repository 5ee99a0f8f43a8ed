//! The doctor at work on whole apps in real folders.

use super::*;

const MANIFEST: &str = r#"
spin_manifest_version = 2

[application]
name = "sick"
version = "0.1.0"

[[trigger.http]]
route = "/..."
component = "a"

[component.a]
source = "a.wasm"
build = { command = "sh build.sh", watch = ["*.txt"] }
"#;

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn examined(folder: &Path) -> Vec<Finding> {
    let arguments = DoctorArguments {
        file: None,
        profile: None,
        state_dir: None,
        runtime_config_file: None,
        listen: "127.0.0.1:0".parse().unwrap(),
    };
    examine(&arguments, folder)
}

fn found<'f>(findings: &'f [Finding], subject: &str) -> &'f Finding {
    findings
        .iter()
        .find(|finding| finding.subject == subject)
        .unwrap()
}

#[tokio::test]
async fn a_sound_app_has_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
    std::fs::write(folder.path().join("a.wasm"), COMPONENT).unwrap();
    let findings = examined(folder.path());
    assert_eq!(found(&findings, "manifest").level, Level::Ok);
    assert_eq!(found(&findings, "component a").level, Level::Ok);
    assert!(
        !report(&findings).contains("cannot run"),
        "{}",
        report(&findings)
    );
    assert!(!folder.path().join(".kumiki").exists());
}

#[tokio::test]
async fn an_artifact_that_is_not_built_names_the_command() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
    let findings = examined(folder.path());
    let finding = found(&findings, "component a");
    assert_eq!(finding.level, Level::Error);
    let mend = finding.mend.as_ref().unwrap();
    assert!(
        mend.contains("kumiki build -c a") && mend.contains("sh build.sh"),
        "{mend}"
    );
    assert!(report(&findings).contains("The app cannot run; errors: 1"));
}

#[tokio::test]
async fn an_artifact_older_than_its_source_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("spin.toml"), MANIFEST).unwrap();
    let artifact = folder.path().join("a.wasm");
    std::fs::write(&artifact, COMPONENT).unwrap();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(&artifact)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();
    std::fs::write(folder.path().join("source.txt"), "new").unwrap();
    let findings = examined(folder.path());
    let finding = found(&findings, "component a");
    assert_eq!(finding.level, Level::Warning);
    assert!(finding.message.contains("source.txt"), "{finding:?}");
}

#[tokio::test]
async fn mistakes_of_both_files_are_shown_together() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("spin.toml"),
        "spin_manifest_version = 1\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("runtime-config.toml"), "nonsense = 1\n").unwrap();
    let findings = examined(folder.path());
    assert_eq!(found(&findings, "manifest").level, Level::Error);
    assert_eq!(found(&findings, "runtime config").level, Level::Error);
    assert!(report(&findings).contains("nonsense"));
}

#[tokio::test]
async fn a_folder_without_an_app_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing above the folder is searched, whatever lies there.
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let findings = examined(folder.path());
    assert_eq!(found(&findings, "manifest").level, Level::Error);
}
