//! Application variables: `fermyon:spin/variables`, `spin:variables` and `wasi:config/store`.
//!
//! The values are resolved before; templates and providers are left to the manifest. A service sees
//! its own variables only.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{Accessor, HasData, Linker, ResourceTable};

/// The variables of one service, resolved.
#[derive(Clone, Default)]
pub struct Config {
    /// The component's id, which the error for an unknown variable names as Spin's does.
    pub service: String,
    /// Every variable of the component's table `variables`, by name.
    pub values: Arc<BTreeMap<String, String>>,
}

/// The variables of one instance.
pub struct Context {
    config: Config,
}

/// The capability as the bindings see it.
pub struct VariablesView<'a> {
    /// The instance's variables.
    pub context: &'a mut Context,
    /// The instance's resources; variables have none, every view has the table.
    pub table: &'a mut ResourceTable,
}

struct HasVariables;

impl HasData for HasVariables {
    type Data<'a> = VariablesView<'a>;
}

mod spin2 {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/fermyon-spin"],
        inline: "package kumiki:variables2; world host { import fermyon:spin/variables@2.0.0; }",
        imports: { default: trappable },
    });
}

mod spin3 {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/spin-variables"],
        inline: "package kumiki:variables3; world host { import spin:variables/variables@3.0.0; }",
        imports: { default: store | trappable },
    });
}

mod draft {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/wasi-config"],
        inline: "
            package kumiki:config-draft;
            world host { import wasi:config/store@0.2.0-draft-2024-09-27; }
        ",
        imports: { default: trappable },
    });
}

mod candidate {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/wasi-config-rc1"],
        inline: "package kumiki:config-rc; world host { import wasi:config/store@0.2.0-rc.1; }",
        imports: { default: trappable },
    });
}

use candidate::wasi::config::store as config_candidate;
use draft::wasi::config::store as config_draft;
use spin2::fermyon::spin::variables as variables2;
use spin3::spin::variables::variables as variables3;

/// Why a variable has no value, with the text that Spin gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum LookupError {
    #[error("{0}")]
    InvalidName(String),
    #[error("{0}")]
    Undefined(String),
}

impl Context {
    /// The variables of a fresh instance.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    fn get(&self, name: &str) -> Result<String, LookupError> {
        if let Some(reason) = invalid_name(name) {
            return Err(LookupError::InvalidName(format!("{name:?}: {reason}")));
        }
        self.config.values.get(name).cloned().ok_or_else(|| {
            LookupError::Undefined(format!(
                "no variable for {:?}.{name:?}",
                self.config.service
            ))
        })
    }

    /// `wasi:config` knows no invalid name: such a key is simply not there.
    fn find(&self, name: &str) -> Option<String> {
        self.get(name).ok()
    }

    fn all(&self) -> Vec<(String, String)> {
        self.config
            .values
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// What is wrong with a variable's name, by the rules and in the words of Spin.
fn invalid_name(name: &str) -> Option<String> {
    let is_permitted = |letter: &char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
    if name.is_empty() {
        Some("must not be empty".to_owned())
    } else if let Some(letter) = name.chars().find(|letter| !is_permitted(letter)) {
        Some(format!(
            "invalid character {letter:?}. Variable names may contain only lower-case letters, \
             numbers, and underscores."
        ))
    } else if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        Some("must start with a lowercase ASCII letter".to_owned())
    } else if name.ends_with('_') {
        Some("must end with a lowercase ASCII letter or digit".to_owned())
    } else if name.contains("__") {
        Some("must not contain multiple consecutive underscores".to_owned())
    } else {
        None
    }
}

impl variables2::Host for VariablesView<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables2::Error>> {
        Ok(self.context.get(&name).map_err(|error| match error {
            LookupError::InvalidName(text) => variables2::Error::InvalidName(text),
            LookupError::Undefined(text) => variables2::Error::Undefined(text),
        }))
    }
}

impl variables3::Host for VariablesView<'_> {}

impl<T: Send + 'static> variables3::HostWithStore<T> for HasVariables {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<String, variables3::Error>> {
        let found = accessor.with(|mut access| access.get().context.get(&name));
        Ok(found.map_err(|error| match error {
            LookupError::InvalidName(text) => variables3::Error::InvalidName(text),
            LookupError::Undefined(text) => variables3::Error::Undefined(text),
        }))
    }
}

impl config_draft::Host for VariablesView<'_> {
    fn get(
        &mut self,
        key: String,
    ) -> wasmtime::Result<Result<Option<String>, config_draft::Error>> {
        Ok(Ok(self.context.find(&key)))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config_draft::Error>> {
        Ok(Ok(self.context.all()))
    }
}

impl config_candidate::Host for VariablesView<'_> {
    fn get(
        &mut self,
        key: String,
    ) -> wasmtime::Result<Result<Option<String>, config_candidate::Error>> {
        Ok(Ok(self.context.find(&key)))
    }

    fn get_all(
        &mut self,
    ) -> wasmtime::Result<Result<Vec<(String, String)>, config_candidate::Error>> {
        Ok(Ok(self.context.all()))
    }
}

/// Adds the interfaces whose functions are plain: `fermyon:spin/variables` and both versions of
/// `wasi:config/store`.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> VariablesView<'_>,
) -> wasmtime::Result<()> {
    variables2::add_to_linker::<_, HasVariables>(linker, get)?;
    config_draft::add_to_linker::<_, HasVariables>(linker, get)?;
    config_candidate::add_to_linker::<_, HasVariables>(linker, get)
}

/// Adds `spin:variables`, whose function is async: only for an engine with concurrency support.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> VariablesView<'_>,
) -> wasmtime::Result<()> {
    variables3::add_to_linker::<_, HasVariables>(linker, get)
}

#[cfg(test)]
mod tests {
    use super::{
        Config, Context, VariablesView, add_concurrent_to_linker, add_to_linker, config_candidate,
        config_draft, invalid_name, variables2,
    };
    use std::sync::Arc;
    use wasmtime::Engine;
    use wasmtime::component::{Linker, ResourceTable};

    struct Instance {
        context: Context,
        table: ResourceTable,
    }

    impl Instance {
        fn view(&mut self) -> VariablesView<'_> {
            VariablesView {
                context: &mut self.context,
                table: &mut self.table,
            }
        }
    }

    fn instance() -> Instance {
        let values = [("greeting", "hello"), ("a_1", "one")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config {
            service: "cart".to_owned(),
            values: Arc::new(values.into()),
        };
        Instance {
            context: Context::new(config),
            table: ResourceTable::new(),
        }
    }

    #[test]
    fn a_variable_is_there_undefined_or_no_name_at_all() {
        let mut instance = instance();
        let mut get =
            |name: &str| variables2::Host::get(&mut instance.view(), name.to_owned()).unwrap();
        assert_eq!(get("greeting").unwrap(), "hello");
        let undefined = get("absent").unwrap_err();
        assert!(
            matches!(&undefined, variables2::Error::Undefined(text)
                if text == "no variable for \"cart\".\"absent\""),
            "{undefined:?}"
        );
        let invalid = get("Greeting").unwrap_err();
        assert!(
            matches!(&invalid, variables2::Error::InvalidName(text)
                if text.starts_with("\"Greeting\": invalid character 'G'. ")),
            "{invalid:?}"
        );
    }

    #[test]
    fn config_has_no_value_where_there_is_no_variable() {
        let mut instance = instance();
        let draft = config_draft::Host::get(&mut instance.view(), "a_1".to_owned());
        assert_eq!(draft.unwrap().unwrap().as_deref(), Some("one"));
        for key in ["absent", "Not A Name"] {
            let value = config_candidate::Host::get(&mut instance.view(), key.to_owned());
            assert_eq!(value.unwrap().unwrap(), None);
        }
        let all = config_candidate::Host::get_all(&mut instance.view())
            .unwrap()
            .unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            config_draft::Host::get_all(&mut instance.view())
                .unwrap()
                .unwrap(),
            all
        );
    }

    #[test]
    fn names_are_judged_as_spin_does() {
        for name in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert_eq!(invalid_name(name), None, "{name}");
        }
        for name in ["", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "\u{e9}"] {
            assert!(invalid_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn all_versions_link_side_by_side() {
        let mut linker = Linker::<Instance>::new(&Engine::default());
        add_to_linker(&mut linker, Instance::view).unwrap();
        add_concurrent_to_linker(&mut linker, Instance::view).unwrap();
    }
}
