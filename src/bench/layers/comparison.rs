//! Two runs over layers side by side: times with bounds on what noise could do, and what the chain's rules say differently.

use serde::Serialize;

use super::record::{Chosen, LayersRun, ModelLayers};
use crate::bench::comparison::{Circumstances, Figure, Ratio};

/// One step of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StepRow {
    /// The step, in words.
    pub(crate) step: &'static str,
    /// The base run's time.
    pub(crate) base: Figure,
    /// The new run's time.
    pub(crate) new: Figure,
    /// Base divided by new.
    pub(crate) ratio: Ratio,
}

/// A figure that has no noise and is not the same on both sides; `None` where a side has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Of which choice of layers.
    pub(crate) choice: String,
    /// Which figure, in words.
    pub(crate) what: String,
    /// The base run's.
    pub(crate) base: Option<u64>,
    /// The new run's.
    pub(crate) new: Option<u64>,
}

/// A model that both runs measured.
#[derive(Clone, Debug)]
pub(crate) struct Pair<'a> {
    /// Its name.
    pub(crate) model: &'a str,
    /// Every step.
    pub(crate) rows: Vec<StepRow>,
    /// What else differs.
    pub(crate) changes: Vec<Change>,
    /// Choices of layers that one side alone has.
    pub(crate) unpaired: Vec<&'a str>,
}

/// Every model that both runs measured, by name.
pub(crate) fn pairs<'a>(base: &'a LayersRun, new: &'a LayersRun) -> Vec<Pair<'a>> {
    let twin = |left: &&'a ModelLayers| new.models.iter().find(|right| right.model.name == left.model.name);
    base.models.iter().filter_map(|left| Some(Pair::new(left, twin(&left)?))).collect()
}

/// Under what a run was measured.
pub(crate) fn circumstances(run: &LayersRun) -> Circumstances<'_> {
    let loads = run.models.iter().map(|model| model.load);
    Circumstances::new(&run.machine, run.profile, loads)
}

impl<'a> Pair<'a> {
    fn new(base: &'a ModelLayers, new: &'a ModelLayers) -> Self {
        let rows = base.steps.all().into_iter().zip(new.steps.all()).map(|((step, base), (_, new))| {
            let [base, new] = [base, new].map(|timing| Figure::Time(timing.wall_ns.clone()));
            let ratio = Ratio::of(&base, &new);
            StepRow { step, base, new, ratio }
        });
        let twin = |chosen: &&Chosen, others: &'a ModelLayers| {
            others.choices.iter().find(|other| other.name == chosen.name).cloned()
        };
        let mut changes = model_changes(base, new);
        let mut unpaired = Vec::new();
        for left in &base.choices {
            match twin(&left, new) {
                Some(right) => changes.extend(choice_changes(left, &right)),
                None => unpaired.push(left.name.as_str()),
            }
        }
        unpaired
            .extend(new.choices.iter().filter(|right| twin(right, base).is_none()).map(|right| right.name.as_str()));
        Self { model: &base.model.name, rows: rows.collect(), changes, unpaired }
    }
}

/// What makes two models of one name unequal.
fn model_changes(base: &ModelLayers, new: &ModelLayers) -> Vec<Change> {
    let figures = |model: &ModelLayers| {
        [("parameters", model.model.parameters.get()), ("k, of 2^k rows", u64::from(model.k.get()))]
    };
    let both = figures(base).into_iter().zip(figures(new));
    let differing = both.filter(|(base, new)| base != new);
    let change = |((what, base), (_, new)): ((&str, u64), (_, u64))| Change {
        choice: "the model itself".to_owned(),
        what: what.to_owned(),
        base: Some(base),
        new: Some(new),
    };
    differing.map(change).collect()
}

fn choice_changes(base: &Chosen, new: &Chosen) -> Vec<Change> {
    let figures = |chosen: &Chosen| {
        [
            ("bytes", Some(chosen.chain_bytes)),
            ("gas", Some(chosen.gas)),
            ("final after, ms", Some(chosen.finality_ms)),
            ("bond, micro-tokens", chosen.bond_micro),
        ]
    };
    let own = |what: &str, left: Option<u64>, right: Option<u64>| Change {
        choice: base.name.clone(),
        what: what.to_owned(),
        base: left,
        new: right,
    };
    let mut changes: Vec<Change> = figures(base)
        .into_iter()
        .zip(figures(new))
        .filter(|((_, left), (_, right))| left != right)
        .map(|((what, left), (_, right))| own(what, left, right))
        .collect();
    let rate = |chosen: &Chosen, attack| {
        chosen.attacks.iter().find(|tried| tried.attack == attack).map(|tried| u64::from(tried.caught_ppm))
    };
    let mut attacks: Vec<_> = base.attacks.iter().chain(&new.attacks).map(|tried| tried.attack).collect();
    attacks.sort_unstable();
    attacks.dedup();
    for attack in attacks {
        let (left, right) = (rate(base, attack), rate(new, attack));
        if left != right {
            changes.push(own(&format!("{} caught, ppm", attack.name()), left, right));
        }
    }
    changes
}
