//! Who may call whom, by links and by chained requests, and which of these calls can come back to
//! their caller.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::network::allowed_hosts::AllowedHosts;
use crate::runtime::service::Callers;

/// What one service may call.
pub struct Calls<'a> {
    pub id: &'a str,
    /// The ids of the services that its links lead to.
    pub links: BTreeSet<&'a str>,
    pub allowed_hosts: &'a AllowedHosts,
}

/// The graph of all possible calls.
pub struct CallGraph<'a> {
    callees: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> CallGraph<'a> {
    pub fn new(services: &[Calls<'a>]) -> Self {
        let callees = services.iter().map(|caller| {
            let mut callees = caller.links.clone();
            if !caller.allowed_hosts.is_empty() {
                let chained = services.iter().map(|callee| callee.id);
                callees.extend(chained.filter(|id| may_chain(caller.allowed_hosts, id)));
            }
            (caller.id, callees)
        });
        // Of many services most call nobody.
        let callees = callees.filter(|(_, callees)| !callees.is_empty());
        Self {
            callees: callees.collect(),
        }
    }

    /// Who may call the service.
    pub fn callers(&self, callee: &str) -> Callers {
        let callers: Vec<&str> = self
            .callees
            .iter()
            .filter(|(_, callees)| callees.contains(callee))
            .map(|(caller, _)| *caller)
            .collect();
        let in_circle = callers
            .iter()
            .filter(|caller| self.reaches(callee, caller))
            .map(|caller| Arc::from(*caller))
            .collect();
        Callers {
            any: !callers.is_empty(),
            in_circle,
        }
    }

    /// Whether calls on the way from one service can lead to the other.
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(service) = next.pop() {
            if service == to {
                return true;
            }
            if seen.insert(service)
                && let Some(callees) = self.callees.get(service)
            {
                next.extend(callees);
            }
        }
        false
    }
}

fn may_chain(allowed_hosts: &AllowedHosts, id: &str) -> bool {
    allowed_hosts.permits_service("http", id, 80) || allowed_hosts.permits_service("https", id, 443)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::{CallGraph, Calls};
    use crate::network::allowed_hosts::AllowedHosts;

    #[test]
    fn circles_are_found_over_links_and_chained_requests() {
        let none = AllowedHosts::parse(&[]).unwrap();
        let shop = AllowedHosts::parse(&["http://shop.spin.internal".to_owned()]).unwrap();
        let calls = |id, links: &[&'static str], allowed_hosts| Calls {
            id,
            links: BTreeSet::from_iter(links.iter().copied()),
            allowed_hosts,
        };
        let graph = CallGraph::new(&[
            calls("shop", &["cart"], &none),
            calls("cart", &["catalog"], &shop),
            calls("catalog", &[], &none),
        ]);
        let cart = graph.callers("cart");
        assert!(cart.any && cart.in_circle == [Arc::from("shop")]);
        let catalog = graph.callers("catalog");
        assert!(catalog.any && catalog.in_circle.is_empty());
        assert_eq!(graph.callers("shop").in_circle, [Arc::from("cart")]);
    }
}
