//! Random changes, prunes and starts against a model that fits on a page.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::{prop_assert_eq, prop_oneof};

use super::*;

const SERVICES: [&str; 2] = ["cart", "catalog"];

#[derive(Clone, Debug)]
enum Step {
    /// A new revision with this weight; what was the newest live one takes the rest.
    Deploy {
        service: usize,
        weight: u8,
    },
    /// All calls to one of the kept revisions, or to none.
    Weigh {
        service: usize,
        choice: usize,
    },
    Remove {
        service: usize,
    },
    /// A new revision whose weights are refused.
    Refused {
        service: usize,
    },
    Prune {
        service: usize,
        kept: usize,
    },
    Start,
}

fn step() -> impl Strategy<Value = Step> {
    let service = 0..SERVICES.len();
    prop_oneof![
        4 => (service.clone(), 1..=100_u8)
            .prop_map(|(service, weight)| Step::Deploy { service, weight }),
        3 => (service.clone(), any::<usize>())
            .prop_map(|(service, choice)| Step::Weigh { service, choice }),
        1 => service.clone().prop_map(|service| Step::Remove { service }),
        1 => service.clone().prop_map(|service| Step::Refused { service }),
        2 => (service, 0..4_usize).prop_map(|(service, kept)| Step::Prune { service, kept }),
        1 => Just(Step::Start),
    ]
}

/// A service as it should be.
#[derive(Debug, Default)]
struct Model {
    last: u64,
    kept: BTreeSet<u64>,
    /// All weights that it ever had; the last are those that it has.
    log: Vec<BTreeMap<u64, u8>>,
}

impl Model {
    fn live(&self) -> BTreeMap<u64, u8> {
        self.log.last().cloned().unwrap_or_default()
    }

    fn previous(&self) -> Option<u64> {
        let present = self.live().keys().max().copied();
        let leaders = self.log.iter().rev().filter_map(|weights| {
            let most = *weights.values().max()?;
            weights.keys().find(|number| weights[number] == most)
        });
        let mut others = leaders.copied().filter(|leader| Some(*leader) != present);
        others.next()
    }

    /// Removes what a prune should, newest first but for the one before.
    fn prune(&mut self, kept: usize) -> BTreeSet<u64> {
        let live = self.live();
        let idle = |number: &&u64| !live.contains_key(number);
        let idle: Vec<u64> = self.kept.iter().rev().filter(idle).copied().collect();
        let before = self.previous().filter(|number| idle.contains(number));
        let rest = idle
            .iter()
            .copied()
            .filter(|number| Some(*number) != before);
        let removed: BTreeSet<u64> = before.into_iter().chain(rest).skip(kept).collect();
        self.kept.retain(|number| !removed.contains(number));
        removed
    }
}

fn take(place: &mut Place, models: &mut [Model; 2], step: &Step) {
    match *step {
        Step::Deploy { service, weight } => {
            let model = &mut models[service];
            let newest = model.live().keys().max().copied();
            let mut weights = vec![(Which::New, 100)];
            if let Some(newest) = newest.filter(|_| weight < 100) {
                weights = vec![(Which::New, weight), (Which::Number(newest), 100 - weight)];
            }
            let wasm = format!("{}", model.last % 3);
            let made = deploy(place.operations(), SERVICES[service], &wasm, &weights).unwrap();
            model.last += 1;
            assert_eq!(made.number, model.last);
            model.kept.insert(model.last);
            let resolved = weights.iter().map(|(which, weight)| match which {
                Which::New => (model.last, *weight),
                Which::Number(number) => (*number, *weight),
            });
            model.log.push(resolved.collect());
        }
        Step::Weigh { service, choice } => {
            let model = &mut models[service];
            // One more than there are: a revision that is not kept.
            let place_of = choice % (model.kept.len() + 1);
            let number = model.kept.iter().nth(place_of).copied();
            let change = weigh(SERVICES[service], &to(number.unwrap_or(model.last + 1)));
            let result = place.operations().change(&change);
            assert_eq!(result.is_ok(), number.is_some());
            model
                .log
                .extend(number.map(|number| BTreeMap::from([(number, 100)])));
        }
        Step::Remove { service } => {
            let change = weigh(SERVICES[service], &[]);
            place.operations().change(&change).unwrap();
            models[service].log.push(BTreeMap::new());
        }
        Step::Refused { service } => {
            let absent = models[service].last + 2;
            let weights = [(Which::New, 50), (Which::Number(absent), 50)];
            deploy(place.operations(), SERVICES[service], "x", &weights).unwrap_err();
        }
        Step::Prune { service, kept } => {
            let removed = place.operations().prune(SERVICES[service], kept).unwrap();
            let removed: BTreeSet<u64> = removed.into_iter().collect();
            assert_eq!(removed, models[service].prune(kept));
            // Nothing is left that nobody refers to.
            let mut digests = BTreeSet::new();
            for service in SERVICES {
                let revisions = place.operations().revisions(service).unwrap();
                digests.extend(revisions.into_iter().map(|one| wasm_name(&one.digest)));
            }
            let files: BTreeSet<_> = place.files().into_iter().collect();
            assert_eq!(files, digests);
        }
        Step::Start => place.reopen(),
    }
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn it_is_as_the_model_says(steps in proptest::collection::vec(step(), 1..40)) {
        let mut place = Place::new();
        let mut models = [Model::default(), Model::default()];
        for step in &steps {
            take(&mut place, &mut models, step);
            for (service, model) in SERVICES.iter().zip(&models) {
                let operations = place.operations();
                let live: Vec<_> = model.live().into_iter().collect();
                prop_assert_eq!(weights(operations, service), live);
                let revisions = operations.revisions(service).unwrap();
                let numbers: BTreeSet<_> = revisions.iter().map(|one| one.number).collect();
                prop_assert_eq!(&numbers, &model.kept);
                let before = model.previous().filter(|number| model.kept.contains(number));
                prop_assert_eq!(previous(operations, service), before);
                let log = operations.weights_log(0, Some(service), 1_000).unwrap();
                let log: Vec<BTreeMap<_, _>> = log
                    .into_iter()
                    .map(|entry| entry.weights.into_iter().collect())
                    .collect();
                prop_assert_eq!(&log, &model.log);
            }
        }
    }
}
