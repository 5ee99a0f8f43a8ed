//! What the command line changes in a loaded manifest: environment, limits, and which components
//! run.

use std::collections::BTreeSet;

use crate::app::options::{Follow, UpOptions};
use crate::manifest::model::{DependencySource, HttpTarget, Manifest};
use crate::manifest::runtime_config::RuntimeConfig;

const MIB: u64 = 1 << 20;

/// Why the command line does not fit the manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// `--component-id` or `--follow` names what is not there.
    #[error("{flag} names `{id}`, and the app has {}", listing(.known))]
    UnknownComponent {
        flag: &'static str,
        id: String,
        known: Vec<String>,
    },
    /// Less than the smallest limit that can be kept.
    #[error(
        "an instance's memory is limited to {0} bytes by --max-instance-memory or the runtime \
         config's max_instance_memory; the least is 1048576 (1 MiB)"
    )]
    MemoryTooSmall(u64),
}

fn listing(known: &[String]) -> String {
    match known {
        [] => "no components".to_owned(),
        known => known.join(", "),
    }
}

/// Writes the command line's values over the manifest's. The runtime config's limit of memory
/// counts as well, where the command line has none, as with Spin.
pub fn apply(
    manifest: &mut Manifest,
    options: &UpOptions,
    config: &RuntimeConfig,
) -> Result<(), OverrideError> {
    check_ids("--component-id", manifest, &options.components)?;
    if let Follow::Only(ids) = &options.follow {
        check_ids("--follow", manifest, ids)?;
    }
    retain(manifest, &options.components);
    let memory_max_mib = match options
        .limits
        .memory_bytes_max
        .or(config.max_instance_memory)
    {
        Some(bytes) if bytes < MIB => return Err(OverrideError::MemoryTooSmall(bytes)),
        Some(bytes) => Some(bytes / MIB),
        None => None,
    };
    for component in manifest.components.values_mut() {
        component.withhold_composed_only();
        let environment = options.environment.clone();
        component.environment.extend(environment);
        if let Some(memory_max_mib) = memory_max_mib {
            component.settings.memory_max_mib = memory_max_mib;
        }
        if let Some(timeout_ms) = options.limits.timeout_ms {
            component.settings.timeout_ms = timeout_ms;
        }
    }
    if let Some(bytes) = options.limits.header_bytes_max {
        manifest.settings.header_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if options.limits.memory_budget_mib.is_some() {
        manifest.settings.memory_budget_mib = options.limits.memory_budget_mib;
    }
    Ok(())
}

fn check_ids(flag: &'static str, manifest: &Manifest, ids: &[String]) -> Result<(), OverrideError> {
    match ids.iter().find(|id| !manifest.components.contains_key(*id)) {
        Some(id) => Err(OverrideError::UnknownComponent {
            flag,
            id: id.clone(),
            known: manifest.components.keys().cloned().collect(),
        }),
        None => Ok(()),
    }
}

/// Leaves the named components and what triggers them. Static responses belong to no component and
/// go as well, as with Spin.
fn retain(manifest: &mut Manifest, ids: &[String]) {
    if ids.is_empty() {
        return;
    }
    let kept: BTreeSet<&String> = ids.iter().collect();
    // A component that is composed into one that stays is needed for that.
    let composed_in: BTreeSet<String> = ids
        .iter()
        .filter_map(|id| manifest.components.get(id))
        .flat_map(|component| component.dependencies.values())
        .filter_map(|dependency| match &dependency.source {
            DependencySource::Component(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    manifest
        .components
        .retain(|id, _| kept.contains(id) || composed_in.contains(id));
    manifest
        .http_triggers
        .retain(|trigger| match &trigger.target {
            HttpTarget::Component(id) => kept.contains(id),
            HttpTarget::Static(_) => false,
        });
    manifest
        .redis_triggers
        .retain(|trigger| kept.contains(&trigger.component));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::{manifest, up_options};

    const TWO: &str = r#"
        [[trigger.http]]
        route = "/a"
        component = "a"

        [[trigger.http]]
        route = "/b"
        component = "b"

        [[trigger.http]]
        route = "/static"
        static_response = { status_code = 200 }

        [component.a]
        source = "a.wasm"
        environment = { KEEP = "1", CHANGE = "1" }

        [component.b]
        source = "b.wasm"
    "#;

    #[test]
    fn environment_and_limits_reach_every_component() {
        let mut manifest = manifest(TWO);
        let flags = [
            "--env=CHANGE=2",
            "--max-instance-memory=10485761",
            "--request-timeout=5s",
            "--http1-max-buf-size=9000",
        ];
        apply(
            &mut manifest,
            &up_options(&flags),
            &RuntimeConfig::default(),
        )
        .unwrap();
        for component in manifest.components.values() {
            assert_eq!(component.environment["CHANGE"], "2");
            assert_eq!(component.settings.memory_max_mib, 10);
            assert_eq!(component.settings.timeout_ms, 5_000);
        }
        assert_eq!(manifest.components["a"].environment["KEEP"], "1");
        assert_eq!(manifest.settings.header_bytes_max, 9_000);
    }

    #[test]
    fn without_flags_nothing_changes() {
        let mut changed = manifest(TWO);
        apply(&mut changed, &up_options(&[]), &RuntimeConfig::default()).unwrap();
        assert_eq!(format!("{changed:?}"), format!("{:?}", manifest(TWO)));
    }

    #[test]
    fn only_the_named_components_stay() {
        let mut manifest = manifest(TWO);
        apply(
            &mut manifest,
            &up_options(&["-c", "b"]),
            &RuntimeConfig::default(),
        )
        .unwrap();
        assert_eq!(manifest.components.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(manifest.http_triggers.len(), 1);
    }

    #[test]
    fn unknown_components_are_named_with_the_known_ones() {
        for flag in ["--component-id", "--follow"] {
            let options = up_options(&[flag, "c"]);
            let error = apply(&mut manifest(TWO), &options, &RuntimeConfig::default()).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(flag) && message.contains("a, b"),
                "{message}"
            );
        }
    }

    #[test]
    fn memory_below_a_mebibyte_is_refused() {
        let options = up_options(&["--max-instance-memory", "65536"]);
        let error = apply(&mut manifest(TWO), &options, &RuntimeConfig::default()).unwrap_err();
        assert_eq!(error, OverrideError::MemoryTooSmall(65_536));
    }

    #[test]
    fn the_runtime_configs_memory_counts_below_the_flags() {
        let config = RuntimeConfig {
            max_instance_memory: Some(4 << 20),
            ..RuntimeConfig::default()
        };
        let memory_max_mib = |flags: &[&str]| {
            let mut manifest = manifest(TWO);
            apply(&mut manifest, &up_options(flags), &config).unwrap();
            manifest.components["a"].settings.memory_max_mib
        };
        assert_eq!(memory_max_mib(&[]), 4);
        assert_eq!(memory_max_mib(&["--max-instance-memory=2097152"]), 2);
    }
}
