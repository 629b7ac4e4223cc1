//! What zero-knowledge proofs of a model cost: keys, witness, proof, verification, sizes, memory.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::sync::Arc;

use circuits::layout::share::{Share, shares};
use circuits::model::bundle::Bundle;
use circuits::model::graph::{Graph, Operator};
use circuits::model::reference::{self, Trace};
use circuits::model::tensor::{Tensor, TensorError};
use circuits::statement::Statement;
use circuits::witness::Witness;
use prover::import::seeded::Seeded;
use prover::key_file::KeyFile;
use prover::profile;
use prover::prove::{ProveError, Proven, prove, prove_in_stages};
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use verifier::key::{PROOF_SYSTEM, VerifyingKey};
use verifier::proof::{self, Proof};
use verifier::rows::RowsError;
use verifier::security::CONJECTURED_BITS;
use verifier::setup::Setup;

use super::accuracy::Accuracy;
use super::clock::Stopwatch;
use super::environment::load;
use super::error::BenchError;
use super::memory;
use super::record::{
    Inputs, KeyForm, KeySize, Load, Measurement, Memory, Model, OperatorShare, Profile, Proofs, Security, Settings,
    Stage, System, Timing,
};
use super::samples::Samples;
use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::Output;

/// Seed of random inputs.
pub(crate) const SEED: u64 = 2026;
/// Every proof is bound to this context: no chain pays for a benchmark.
const CONTEXT: [u8; 32] = [0; 32];

/// How often each step is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repetitions {
    /// Witness, proof and verification.
    pub(crate) proofs: u32,
    /// Keys.
    pub(crate) keys: u32,
    /// Processes for memory.
    pub(crate) processes: u32,
}

/// What is measured.
pub(crate) struct Subject<'a> {
    /// Name in the record.
    pub(crate) name: String,
    /// The model's file.
    pub(crate) path: &'a Path,
    /// What was read from it.
    pub(crate) bundle: Arc<Bundle>,
    /// Weights and biases.
    pub(crate) parameters: u64,
    /// The input of every proof; random ones without it.
    pub(crate) input: Option<Tensor>,
    /// How far it is from its float network, where that was measured.
    pub(crate) accuracy: Option<Accuracy>,
}

impl Profile {
    /// How often it repeats each step; `samples` replaces the number of proofs and bounds the others.
    pub(crate) fn repetitions(self, samples: Option<u32>) -> Repetitions {
        let (proofs, others) = match self {
            Self::Smoke => (3, 1),
            Self::Reduced => (10, 3),
            Self::Full => (30, 5),
        };
        let proofs = samples.unwrap_or(proofs);
        Repetitions { proofs, keys: others.min(proofs), processes: others.min(proofs) }
    }
}

impl System {
    /// This program's proofs.
    pub(crate) fn own() -> Self {
        Self {
            name: "assay".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            proof_system: PROOF_SYSTEM.to_owned(),
            arithmetisation: "PLONKish, weights outside the circuit".to_owned(),
            iop: "halo2 with logUp lookups".to_owned(),
            commitment_scheme: "KZG with SHPLONK".to_owned(),
            field: "BN254 scalar field".to_owned(),
            // Columns are blinded, but input, output and weights are public to whoever verifies.
            zero_knowledge: false,
            post_quantum: false,
            audited: false,
        }
    }
}

impl Subject<'_> {
    /// Measures it.
    pub(crate) fn measure(&self, repetitions: Repetitions, output: &Output) -> Result<Measurement, CliError> {
        let stage = |what: &str| output.progress(&format!("{}: {what}", self.name));
        let before = load()?;
        let k = self.bundle.graph().layout().k;
        let progress = stage("generating the development setup");
        let setup = development(k, &|done, total| progress.set(done, total))?;
        progress.finish();
        let progress = stage("deriving keys");
        let (key, key_generation) = self.derive_keys(&setup, repetitions.keys)?;
        drop(setup);
        let (loaded, key_file_bytes, key_loading) = load_key(&key, self.path, repetitions.proofs)?;
        let (key, proving_key_bytes, proving_key_loading) = load_proving_key(key, repetitions.keys)?;
        progress.finish();
        let progress = stage("proving and verifying");
        let proofs = self.prove(&key, &loaded, repetitions.proofs, &|done, total| progress.set(done, total))?;
        progress.finish();
        let budget = key.verifying().security();
        // A key that stays here would make the process for memory compete for it.
        drop((key, loaded));
        let progress = stage("measuring memory");
        let memory = self.memory(repetitions.processes)?;
        progress.finish();
        // One more for the proof before the timed ones.
        let made = repetitions.proofs.saturating_add(repetitions.processes).saturating_add(1);
        let made = NonZeroU32::new(made).ok_or(BenchError::Size { what: "proofs" })?;
        Ok(Measurement {
            model: self.model()?,
            settings: self.settings(),
            k: NonZeroU32::new(k).ok_or(BenchError::Size { what: "k" })?,
            inputs: if self.input.is_some() { Inputs::File } else { Inputs::Random { seed: SEED } },
            key_generation,
            key_loading: Some(key_loading),
            proving_key_loading: Some(proving_key_loading),
            witness: proofs.witness,
            prove: proofs.prove,
            stages: proofs.stages,
            operators: self.operators()?,
            verify: proofs.verify,
            proof_bytes: size("proof", proofs.bytes)?,
            proof_file_bytes: size("proof file", proofs.file_bytes)?,
            proving_key: KeySize { bytes: size("proving key", proving_key_bytes)?, form: KeyForm::File },
            verifying_key_bytes: size("verifying key", key_file_bytes)?,
            memory,
            proofs: Proofs { made, verified: made, altered_refused: true },
            security: Some(Security { proven_bits: budget.proven_bits(0), conjectured_bits: CONJECTURED_BITS }),
            accuracy: self.accuracy,
            load: Load { before, after: load()? },
        })
    }

    fn model(&self) -> Result<Model, CliError> {
        let file = self.bundle.to_bytes().map_err(|error| CliError::format(self.path, error))?;
        Ok(Model {
            name: self.name.clone(),
            digest: attestation::hex::encode(&self.bundle.hash()),
            bytes: size("model", file.len() as u64)?,
            parameters: size("parameters", self.parameters)?,
            multiply_accumulates: NonZeroU64::new(self.bundle.graph().multiply_accumulates()),
            activations: NonZeroU64::new(activations(self.bundle.graph())),
        })
    }

    fn operators(&self) -> Result<Vec<OperatorShare>, CliError> {
        let of = |Share { name, nodes, elements, rows, lookups }: Share| OperatorShare {
            name,
            nodes: nodes as u64,
            elements,
            rows: rows as u64,
            lookups,
        };
        let shares = shares(self.bundle.graph());
        let shares = shares.map_err(|error| CliError::ProvingKey(RowsError::from(error).into()))?;
        Ok(shares.into_iter().map(of).collect())
    }

    fn settings(&self) -> Settings {
        let rows = self.bundle.graph().layout().rows;
        let values = [("committed weight rows".to_owned(), rows.to_string())].into_iter().collect();
        Settings { name: "as imported".to_owned(), values }
    }

    fn derive_keys(&self, setup: &Setup, times: u32) -> Result<(ProvingKey, Timing), CliError> {
        let covers = "committing to the weights, both keys; bases in memory";
        let mut watch = Stopwatch::new("key generation", covers);
        let mut derive =
            || watch.time(|| ProvingKey::derive(Arc::clone(&self.bundle), setup)).map_err(CliError::ProvingKey);
        for _ in 1..times {
            derive()?;
        }
        let key = derive()?;
        Ok((key, watch.finish()?))
    }

    fn input(&self, generator: &mut Seeded) -> Result<Tensor, CliError> {
        if let Some(input) = &self.input {
            return Ok(input.clone());
        }
        random_input(&self.bundle, generator).map_err(|error| CliError::format(self.path, FormatError::from(error)))
    }

    fn run(&self, input: &Tensor) -> Result<Trace, CliError> {
        reference::run(self.bundle.graph(), self.bundle.weights(), input).map_err(CliError::ModelInput)
    }

    fn prove(
        &self,
        key: &ProvingKey,
        loaded: &VerifyingKey,
        times: u32,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Proved, CliError> {
        let mut witness = Stopwatch::new("the witness", "the reference executor and the witness's integers");
        let covers = "witness columns, commitments, opening and the prover's own verification; keys in memory";
        let mut proving = Stopwatch::new("proving", covers);
        let mut verifying = Stopwatch::new("verification", "one proof with a loaded key");
        let mut generator = Seeded::new(SEED);
        let (mut bytes, mut file_bytes) = (0, 0);
        let mut stages = Stages::default();
        // The first proof touches memory for the first time; it is checked like the others and not timed.
        self.prove_once(key, loaded, &mut generator)?;
        for done in 0..times {
            let input = self.input(&mut generator)?;
            let trace = witness.time(|| -> Result<Trace, CliError> {
                let trace = self.run(&input)?;
                std::hint::black_box(
                    Witness::new(key.plan(), &trace.values, key.bundle().weights()).map_err(ProveError::from)?,
                );
                Ok(trace)
            })?;
            let (Proven { statement, proof }, parts) = proving.time(|| prove_in_stages(key, CONTEXT, &trace.values))?;
            stages.take(parts);
            verifying.time(|| proof::verify(loaded, &statement, &proof)).map_err(ProveError::from)?;
            bytes = bytes.max(proof.bytes.len() as u64);
            file_bytes = file_bytes.max(proof.to_bytes().len() as u64);
            progress(done as usize + 1, times as usize);
        }
        Ok(Proved {
            witness: witness.finish()?,
            prove: proving.finish()?,
            stages: stages.finish()?,
            verify: verifying.finish()?,
            bytes,
            file_bytes,
        })
    }

    /// A proof that is verified, and refused for another output.
    fn prove_once(&self, key: &ProvingKey, loaded: &VerifyingKey, generator: &mut Seeded) -> Result<(), CliError> {
        let trace = self.run(&self.input(generator)?)?;
        let Proven { statement, proof } = prove(key, CONTEXT, &trace.values)?;
        proof::verify(loaded, &statement, &proof).map_err(ProveError::from)?;
        let (statement, proof) = altered(loaded, statement, proof)?;
        match proof::verify(loaded, &statement, &proof) {
            Ok(_) => Err(BenchError::Accepting.into()),
            Err(_) => Ok(()),
        }
    }

    fn memory(&self, times: u32) -> Result<Memory, CliError> {
        let mut generator = Seeded::new(SEED);
        let (mut idle_bytes, mut keys, mut proofs) = (0, Vec::new(), Vec::new());
        for _ in 0..times {
            let peaks = memory::measure(self.path, &self.input(&mut generator)?)?;
            idle_bytes = peaks.idle_bytes.max(idle_bytes);
            keys.push(peaks.key_generation_bytes);
            proofs.push(peaks.prove_bytes);
        }
        let samples = |values| Samples::new(values).map_err(|source| BenchError::Clock { what: "memory", source });
        Ok(Memory {
            covers: format!(
                "the whole process, {} MB before it reads the model; then setup, keys, one proof and its verification",
                idle_bytes / 1_000_000
            ),
            prove_bytes: samples(proofs)?,
            key_generation_bytes: samples(keys)?,
        })
    }
}

struct Proved {
    witness: Timing,
    prove: Timing,
    stages: Vec<Stage>,
    verify: Timing,
    bytes: u64,
    file_bytes: u64,
}

/// Times of the parts of each proof.
#[derive(Default)]
struct Stages(Vec<(&'static str, Vec<u64>)>);

impl Stages {
    fn take(&mut self, parts: Vec<profile::Stage>) {
        for profile::Stage { name, time } in parts {
            // A part may be shorter than the clock tells apart.
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
            match self.0.iter_mut().find(|(other, _)| *other == name) {
                Some((_, times)) => times.push(nanoseconds),
                None => self.0.push((name, vec![nanoseconds])),
            }
        }
    }

    fn finish(self) -> Result<Vec<Stage>, BenchError> {
        let stage = |(name, times): (&'static str, Vec<u64>)| {
            let wall_ns = Samples::new(times).map_err(|source| BenchError::Clock { what: name, source })?;
            Ok(Stage { name: name.to_owned(), wall_ns })
        };
        self.0.into_iter().map(stage).collect()
    }
}

/// Elements that a run computes; what is only moved is not counted.
pub(crate) fn activations(graph: &Graph) -> u64 {
    let is_computed = |operator: &Operator| {
        !matches!(
            operator,
            Operator::Reshape { .. }
                | Operator::Strided { .. }
                | Operator::Concatenate { .. }
                | Operator::Constant { .. }
        )
    };
    // The first value is the input.
    let computed = graph.nodes().iter().zip(graph.values().iter().skip(1));
    computed.filter(|(node, _)| is_computed(&node.operator)).map(|(_, value)| u64::from(value.width())).sum()
}

/// The model's verifying key, read from its file; the file's size, and the time that reading takes.
fn load_key(key: &ProvingKey, path: &Path, times: u32) -> Result<(VerifyingKey, u64, Timing), CliError> {
    let file = key.verifying().to_bytes();
    let mut watch = Stopwatch::new("key loading", "decoding the file's bytes, every point checked");
    let mut read = || watch.time(|| VerifyingKey::from_bytes(&file)).map_err(|error| CliError::format(path, error));
    for _ in 1..times {
        read()?;
    }
    let loaded = read()?;
    Ok((loaded, file.len() as u64, watch.finish()?))
}

/// The model's proving key, read from its file; the file's size, and the time that reading takes.
fn load_proving_key(key: ProvingKey, times: u32) -> Result<(ProvingKey, u64, Timing), CliError> {
    let (bundle, setup) = (Arc::clone(key.bundle()), key.setup().clone());
    let file = KeyFile::new(Arc::clone(&bundle), &setup).map_err(BenchError::KeyFile)?;
    let kept = tempfile::NamedTempFile::new().map_err(BenchError::Start)?;
    let failed = |source| CliError::Write { path: kept.path().to_owned(), source };
    file.write(&key, &mut kept.as_file()).map_err(failed)?;
    let bytes = kept.as_file().metadata().map_err(failed)?.len();
    drop(key);
    let covers = "naming the key, then its file: read from the page cache, checked, columns transformed";
    let mut watch = Stopwatch::new("proving key loading", covers);
    let mut read = || -> Result<ProvingKey, CliError> {
        let mut opened = files::open(kept.path())?;
        let read = watch.time(|| KeyFile::new(Arc::clone(&bundle), &setup)?.read(&mut opened));
        Ok(read.map_err(BenchError::KeyFile)?)
    };
    for _ in 1..times {
        read()?;
    }
    let key = read()?;
    Ok((key, bytes, watch.finish()?))
}

/// The statement with another output, and the proof claiming to be about it.
fn altered(key: &VerifyingKey, statement: Statement, proof: Proof) -> Result<(Statement, Proof), CliError> {
    let range = key.graph().output().range;
    let mut values = statement.output.values().to_vec();
    let first = values.first_mut().filter(|_| range.min < range.max).ok_or(BenchError::Constant)?;
    *first = if *first < range.max { *first + 1 } else { *first - 1 };
    let output = Tensor::new(statement.output.shape().to_vec(), values).map_err(ProveError::from)?;
    let statement = Statement { output, ..statement };
    let proof = Proof { statement_digest: statement.digest(), ..proof };
    Ok((statement, proof))
}

/// Integers within the model's range.
pub(super) fn random_input(bundle: &Bundle, generator: &mut Seeded) -> Result<Tensor, TensorError> {
    let input = bundle.graph().input();
    let count = usize::try_from(input.range.count()).unwrap_or(usize::MAX);
    let elements: u32 = input.shape.iter().product();
    let mut element = || input.range.min.saturating_add(i64::try_from(generator.below(count)).unwrap_or(0));
    let values = (0..elements).map(|_| element()).collect();
    Tensor::new(input.shape.clone(), values)
}

fn size(what: &'static str, bytes: u64) -> Result<NonZeroU64, BenchError> {
    NonZeroU64::new(bytes).ok_or(BenchError::Size { what })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;
    use verifier::proof::ProofError;

    fn bundle() -> Bundle {
        Bundle::from_bytes(include_bytes!("../../data/digits/digits.assay")).unwrap()
    }

    #[test]
    fn profiles_repeat_more_and_more() {
        let counts = |profile: Profile, samples| {
            let Repetitions { proofs, keys, processes } = profile.repetitions(samples);
            (proofs, keys, processes)
        };
        assert_eq!(counts(Profile::Smoke, None), (3, 1, 1));
        assert_eq!(counts(Profile::Reduced, None), (10, 3, 3));
        assert_eq!(counts(Profile::Full, None), (30, 5, 5));
        assert_eq!(counts(Profile::Full, Some(2)), (2, 2, 2));
        assert_eq!(counts(Profile::Smoke, Some(100)), (100, 1, 1));
    }

    #[test]
    fn random_inputs_are_valid_and_follow_the_seed() {
        let bundle = bundle();
        let draw = |generator: &mut Seeded| random_input(&bundle, generator).unwrap();
        let (mut one, mut other) = (Seeded::new(SEED), Seeded::new(SEED));
        let (first, second) = (draw(&mut one), draw(&mut one));
        assert_ne!(first, second);
        assert_eq!((draw(&mut other), draw(&mut other)), (first.clone(), second));
        assert_eq!(reference::check_input(bundle.graph().input(), &first), Ok(()));
        assert!(first.values().contains(&0) && first.values().contains(&16));
    }

    /// The negative control only means something if the altered statement is well formed.
    #[test]
    fn the_altered_statement_is_refused_for_its_output_alone() {
        let bundle = Arc::new(bundle());
        let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
        let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
        let input = random_input(&bundle, &mut Seeded::new(1)).unwrap();
        let trace = reference::run(bundle.graph(), bundle.weights(), &input).unwrap();
        let Proven { statement, proof } = prove(&key, CONTEXT, &trace.values).unwrap();
        let (statement, proof) = altered(key.verifying(), statement, proof).unwrap();
        assert!(statement.instance(bundle.graph()).is_ok());
        let refusal = proof::verify(key.verifying(), &statement, &proof).unwrap_err();
        // By what the proof holds, and not by what it claims to be about.
        assert!(matches!(refusal, ProofError::Weights | ProofError::Constraints), "{refusal:?}");
    }
}
