//! Any text is a template that reads back as it prints, or has a mistake within itself.
#![no_main]

use kumiki::manifest::template::Template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Template::parse(text) {
    Ok(template) => {
        let names = |template: &Template| -> Vec<String> {
            template
                .variables()
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        let again = Template::parse(&template.to_string());
        assert_eq!(again.as_ref().map(names), Ok(names(&template)));
    }
    Err(error) => assert!(text.get(error.span).is_some()),
});
