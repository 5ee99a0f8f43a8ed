//! Real commands in real folders, through the same path as `kumiki build`.

use super::*;

fn job(components: &[&str], commands: &[&str], workdir: &std::path::Path) -> BuildJob {
    BuildJob {
        components: components.iter().map(|id| (*id).to_owned()).collect(),
        commands: commands
            .iter()
            .map(|command| (*command).to_owned())
            .collect(),
        workdir: workdir.to_owned(),
        artifacts: Vec::new(),
    }
}

async fn build_error(jobs: Vec<BuildJob>) -> String {
    format!("{:#}", build(BuildPlan { jobs }, false).await.unwrap_err())
}

#[tokio::test]
async fn commands_run_in_order_in_their_workdir() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = job(
        &["a"],
        &["echo one > out", "echo two >> out"],
        folder.path(),
    );
    plan.artifacts.push(folder.path().join("out"));
    build(BuildPlan { jobs: vec![plan] }, false).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("out")).unwrap(),
        "one\ntwo\n"
    );
}

#[tokio::test]
async fn a_failure_shows_the_component_the_command_and_both_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let command = "echo to-output; echo to-error >&2; exit 7";
    let error = build_error(vec![job(
        &["cart"],
        &[command, "touch never"],
        folder.path(),
    )])
    .await;
    for part in ["cart", command, "to-output", "to-error", "7"] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
    assert!(!folder.path().join("never").exists());
}

#[tokio::test]
async fn all_failures_are_shown_and_the_others_finish() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = vec![
        job(&["a"], &["exit 1"], folder.path()),
        job(&["b"], &["touch b-done"], folder.path()),
        job(&["c"], &["exit 2"], folder.path()),
    ];
    let error = build_error(jobs).await;
    assert!(
        error.contains("a: `exit 1`") && error.contains("c: `exit 2`"),
        "{error}"
    );
    assert!(folder.path().join("b-done").exists());
}

#[tokio::test]
async fn a_long_output_is_shown_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let command = "i=0; while [ $i -lt 300 ]; do echo line-$i; i=$((i+1)); done; exit 1";
    let error = build_error(vec![job(&["a"], &[command], folder.path())]).await;
    assert!(error.contains("… 100 lines before these …"), "{error}");
    assert!(
        error.contains("line-299\n") && !error.contains("line-99\n"),
        "{error}"
    );
}

#[tokio::test]
async fn an_artifact_that_the_build_did_not_make_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = job(&["a"], &["true"], folder.path());
    plan.artifacts.push(folder.path().join("a.wasm"));
    let error = build_error(vec![plan]).await;
    assert!(error.contains("a.wasm is not there"), "{error}");
}

#[tokio::test]
async fn a_missing_workdir_is_named() {
    let error = build_error(vec![job(&["a"], &["true"], "/nowhere/at/all".as_ref())]).await;
    assert!(error.contains("/nowhere/at/all does not exist"), "{error}");
}
