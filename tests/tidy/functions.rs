//! The length of functions, from `fn` to the closing brace; attributes and comments above do not
//! count.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Violation;
use crate::tree::SourceFile;

pub const LENGTH: &str = "function length";

const LINES_MAX: usize = 70;

pub fn check(file: &SourceFile) -> Vec<Violation> {
    let mut functions = Functions {
        path: &file.path,
        violations: Vec::new(),
    };
    functions.visit_file(&file.syntax());
    functions.violations
}

struct Functions<'f> {
    path: &'f str,
    violations: Vec<Violation>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span().start().line;
        let last = block.brace_token.span.close().end().line;
        let lines = last - first + 1;
        if lines > LINES_MAX {
            self.violations.push(Violation {
                rule: LENGTH,
                path: self.path.to_owned(),
                subject: signature.ident.to_string(),
                detail: format!("{lines} lines from line {first}, of at most {LINES_MAX}"),
            });
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
