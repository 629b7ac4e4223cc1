//! Two runs side by side: ratios of medians, and how far noise could move them.
//!
//! A ratio's bounds are those of both medians taken against each other: `low = low(base) / high(new)`, and the other way
//! round. Each median's interval fails with a known probability at most, so the ratio's fails with at most their sum.

use serde::Serialize;

use super::environment::Machine;
use super::record::{KeyForm, Load, Measurement, Profile, Run};
use super::samples::Samples;

/// What is compared, in the order of printing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quantity {
    /// Wall clock of a proof.
    Prove,
    /// Processor time of a proof.
    ProveProcessor,
    /// Wall clock of the witness.
    Witness,
    /// Wall clock of key generation.
    KeyGeneration,
    /// Wall clock of a verification.
    Verify,
    /// Wall clock of reading a verifying key.
    KeyLoading,
    /// Wall clock of reading a proving key.
    ProvingKeyLoading,
    /// Peak memory of a proof.
    ProveMemory,
    /// Peak memory of key generation.
    KeyGenerationMemory,
    /// The proof without the public values.
    Proof,
    /// The proving key.
    ProvingKey,
    /// The verifying key.
    VerifyingKey,
    /// The file that the prover reads beside its key.
    Model,
}

/// One side of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// A time, nanoseconds.
    Time(Samples),
    /// Memory, bytes.
    Memory(Samples),
    /// A size, bytes, which is the same each time.
    Size(u64),
}

/// How many times less the new run needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// Base divided by new, medians.
    pub(crate) value: f64,
    /// Lower bound.
    pub(crate) low: f64,
    /// Upper bound.
    pub(crate) high: f64,
    /// Probability at least with which the bounds hold; 1 for sizes, 0 where a side has one sample.
    pub(crate) confidence: f64,
}

/// One quantity of both runs; `None` where it was not measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// The quantity.
    pub(crate) quantity: Quantity,
    /// The base run's.
    pub(crate) base: Option<Figure>,
    /// The new run's.
    pub(crate) new: Option<Figure>,
    /// Their ratio.
    pub(crate) ratio: Option<Ratio>,
}

/// One model under one choice of settings on each side.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    /// Of the base run.
    pub(crate) base: &'a Measurement,
    /// Of the new run.
    pub(crate) new: &'a Measurement,
    /// Every quantity that one of them measured.
    pub(crate) rows: Vec<Row>,
}

/// What the two figures of a quantity cover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Note {
    /// The quantity in words.
    pub(crate) quantity: &'static str,
    /// What the base run's figure covers.
    pub(crate) base: String,
    /// What the new run's figure covers.
    pub(crate) new: String,
}

/// Every pair of measurements of one model; settings of one name only where both sides know that name.
pub(crate) fn pairs<'a>(base: &'a Run, new: &'a Run) -> Vec<Pair<'a>> {
    let mut pairs = Vec::new();
    for left in &base.measurements {
        let of_model = |right: &&&Measurement| right.model.name == left.model.name;
        let rights: Vec<&Measurement> = new.measurements.iter().collect();
        let is_named = |right: &&&Measurement| right.settings.name == left.settings.name;
        let has_twin = rights.iter().filter(of_model).any(|right| is_named(&right));
        for right in rights.iter().filter(of_model).filter(|right| !has_twin || is_named(right)) {
            pairs.push(Pair::new(left, right));
        }
    }
    pairs
}

/// Under what a run was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    machine: &'a Machine,
    profile: Profile,
    /// The highest load average of any measurement.
    busiest: f64,
}

impl<'a> Circumstances<'a> {
    /// Of a machine, a profile, and the loads of every measurement.
    pub(crate) fn new(machine: &'a Machine, profile: Profile, loads: impl Iterator<Item = Load>) -> Self {
        let busiest = loads.map(|load| load.before.max(load.after)).fold(0.0, f64::max);
        Self { machine, profile, busiest }
    }

    /// Of a run.
    pub(crate) fn of(run: &'a Run) -> Self {
        Self::new(&run.machine, run.profile, run.measurements.iter().map(|one| one.load))
    }
}

/// What makes two runs unequal beside what they measured.
pub(crate) fn caveats(base: Circumstances<'_>, new: Circumstances<'_>) -> Vec<String> {
    let mut caveats = Vec::new();
    if base.machine != new.machine {
        caveats.push(format!(
            "the runs are of different machines: {} with {} cores, and {} with {} cores",
            base.machine.processor, base.machine.cores, new.machine.processor, new.machine.cores
        ));
    }
    if base.profile != new.profile {
        let [base, new] = [base, new].map(|side| side.profile.name());
        caveats
            .push(format!("the runs are of different profiles, {base} and {new}: they repeat steps differently often"));
    }
    for (side, Circumstances { machine, busiest, .. }) in [("base", base), ("new", new)] {
        let cores = f64::from(machine.cores.get());
        // The benchmark itself accounts for a load of about the number of cores, and a little more where it reads files.
        if busiest > 2.0 * cores {
            caveats.push(format!(
                "the {side} run had a load average of {busiest:.1} on {cores} cores: other work slowed it down; \
                 compare processor times"
            ));
        }
    }
    caveats
}

impl<'a> Pair<'a> {
    fn new(base: &'a Measurement, new: &'a Measurement) -> Self {
        let rows = Quantity::ALL.into_iter().filter_map(|quantity| Row::new(quantity, base, new)).collect();
        Self { base, new, rows }
    }

    /// Where the figures of both sides do not cover the same.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let form = |form: KeyForm| match form {
            KeyForm::File => "a file that the prover reads",
            KeyForm::Serialised => "halo2's serialisation of a key that is derived each time",
        };
        let (base, new) = (self.base, self.new);
        let both = [
            ("prove", &*base.prove.covers, &*new.prove.covers),
            ("witness", &base.witness.covers, &new.witness.covers),
            ("verify", &base.verify.covers, &new.verify.covers),
            ("key generation", &base.key_generation.covers, &new.key_generation.covers),
            ("memory", &base.memory.covers, &new.memory.covers),
            ("proving key", form(base.proving_key.form), form(new.proving_key.form)),
        ];
        let differing = both.into_iter().filter(|(_, base, new)| base != new);
        differing.map(|(quantity, base, new)| Note { quantity, base: base.to_owned(), new: new.to_owned() }).collect()
    }
}

impl Row {
    fn new(quantity: Quantity, base: &Measurement, new: &Measurement) -> Option<Self> {
        let (base, new) = (quantity.of(base), quantity.of(new));
        if base.is_none() && new.is_none() {
            return None;
        }
        let ratio = base.as_ref().zip(new.as_ref()).map(|(base, new)| Ratio::of(base, new));
        Some(Self { quantity, base, new, ratio })
    }
}

impl Quantity {
    /// All of them.
    const ALL: [Self; 13] = [
        Self::Prove,
        Self::ProveProcessor,
        Self::Witness,
        Self::KeyGeneration,
        Self::Verify,
        Self::KeyLoading,
        Self::ProvingKeyLoading,
        Self::ProveMemory,
        Self::KeyGenerationMemory,
        Self::Proof,
        Self::ProvingKey,
        Self::VerifyingKey,
        Self::Model,
    ];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prove => "prove",
            Self::ProveProcessor => "prove, processor",
            Self::Witness => "witness",
            Self::KeyGeneration => "key generation",
            Self::Verify => "verify",
            Self::KeyLoading => "load key",
            Self::ProvingKeyLoading => "load proving key",
            Self::ProveMemory => "memory, prove",
            Self::KeyGenerationMemory => "memory, keys",
            Self::Proof => "proof",
            Self::ProvingKey => "proving key",
            Self::VerifyingKey => "verifying key",
            Self::Model => "model file",
        }
    }

    /// Its figure in a measurement.
    pub(crate) fn of(self, measurement: &Measurement) -> Option<Figure> {
        let Measurement { key_loading, proving_key_loading, memory, .. } = measurement;
        Some(match self {
            Self::Prove => Figure::Time(measurement.prove.wall_ns.clone()),
            Self::ProveProcessor => Figure::Time(measurement.prove.processor_ns.clone()),
            Self::Witness => Figure::Time(measurement.witness.wall_ns.clone()),
            Self::KeyGeneration => Figure::Time(measurement.key_generation.wall_ns.clone()),
            Self::Verify => Figure::Time(measurement.verify.wall_ns.clone()),
            Self::KeyLoading => Figure::Time(key_loading.as_ref()?.wall_ns.clone()),
            Self::ProvingKeyLoading => Figure::Time(proving_key_loading.as_ref()?.wall_ns.clone()),
            Self::ProveMemory => Figure::Memory(memory.prove_bytes.clone()),
            Self::KeyGenerationMemory => Figure::Memory(memory.key_generation_bytes.clone()),
            Self::Proof => Figure::Size(measurement.proof_bytes.get()),
            Self::ProvingKey => Figure::Size(measurement.proving_key.bytes.get()),
            Self::VerifyingKey => Figure::Size(measurement.verifying_key_bytes.get()),
            Self::Model => Figure::Size(measurement.model.bytes.get()),
        })
    }

    /// Every quantity that was measured.
    pub(crate) fn measured(measurement: &Measurement) -> Vec<(Self, Figure)> {
        Self::ALL.into_iter().filter_map(|quantity| Some((quantity, quantity.of(measurement)?))).collect()
    }
}

impl Figure {
    /// Median, lower and upper bound, and how sure they are.
    fn bounds(&self) -> [f64; 4] {
        match self {
            Self::Size(bytes) => [*bytes as f64, *bytes as f64, *bytes as f64, 1.0],
            Self::Time(samples) | Self::Memory(samples) => {
                let interval = samples.interval();
                [samples.median() as f64, interval.low as f64, interval.high as f64, interval.coverage]
            }
        }
    }
}

impl Ratio {
    /// Of two figures of one quantity.
    pub(crate) fn of(base: &Figure, new: &Figure) -> Self {
        let [base_median, base_low, base_high, base_coverage] = base.bounds();
        let [new_median, new_low, new_high, new_coverage] = new.bounds();
        // Neither side of a figure is ever zero.
        Self {
            value: base_median / new_median,
            low: base_low / new_high,
            high: base_high / new_low,
            confidence: (base_coverage + new_coverage - 1.0).max(0.0),
        }
    }

    /// Whether the bounds hold neither more nor less: the runs may be equal.
    pub(crate) fn is_noise(&self) -> bool {
        self.low <= 1.0 && 1.0 <= self.high
    }
}

#[cfg(test)]
pub(super) mod tests;
