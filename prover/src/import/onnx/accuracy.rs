//! Float runs, and how far integers stay from them.

use circuits::model::bundle::Quantisation;

use super::parse::{self, Network};
use super::report::OutputReport;
use super::samples::{Lists, Sample};
use super::{ImportError, Port};

/// The outputs of a network's float runs, to compare integers with.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatRuns {
    outputs: Vec<FloatOutput>,
}

impl FloatRuns {
    /// Runs a network on every sample of its inputs.
    pub fn new(bytes: &[u8], inputs: &Lists) -> Result<Self, ImportError> {
        let network = parse::parse(bytes, Some(inputs))?;
        let shapes: Vec<Vec<u32>> = network.inputs.iter().map(|port| port.shape.clone()).collect();
        Self::of(&network, &inputs.samples(&shapes)?)
    }

    pub(super) fn of(network: &Network, samples: &[Sample]) -> Result<Self, ImportError> {
        let runs = parse::guarded(|| {
            let plan = network.plan()?;
            samples.iter().map(|sample| network.run(&plan, sample)).collect::<Result<Vec<_>, _>>()
        })?;
        let mut outputs: Vec<FloatOutput> = network.outputs.iter().map(FloatOutput::new).collect();
        for (sample, run) in runs.into_iter().enumerate() {
            if run.iter().flatten().any(|value| !value.is_finite()) {
                return Err(ImportError::NotFinite { sample });
            }
            outputs.iter_mut().zip(run).for_each(|(output, values)| output.add(values));
        }
        Ok(Self { outputs })
    }

    /// How far an imported model's output for a sample is from the float run, by output of the network; `None` where
    /// there is no such sample. The range is that of all samples.
    #[must_use]
    pub fn compare(&self, quantisation: &Quantisation, sample: usize, output: &[i64]) -> Option<Vec<OutputReport>> {
        let exponent = quantisation.outputs.first()?.exponent;
        let known = self.outputs.iter().all(|output| sample < output.values.len());
        known.then(|| self.reports(exponent, [(sample, output)]))
    }

    /// The same over several samples, each with its number.
    pub(super) fn reports<'a>(
        &self,
        exponent: i32,
        integers: impl IntoIterator<Item = (usize, &'a [i64])>,
    ) -> Vec<OutputReport> {
        let step = f64::from(-exponent).exp2();
        let mut tallies = vec![Tally::default(); self.outputs.len()];
        for (sample, integers) in integers {
            let mut values = integers.iter().map(|value| *value as f64 * step);
            for (tally, output) in tallies.iter_mut().zip(&self.outputs) {
                let expected = output.values.get(sample).map(Vec::as_slice).unwrap_or_default();
                let got: Vec<f64> = values.by_ref().take(expected.len()).collect();
                tally.add(expected, &got);
            }
        }
        self.outputs.iter().zip(tallies).map(|(output, tally)| output.report(&tally)).collect()
    }
}

/// One output of every run.
#[derive(Clone, Debug, PartialEq)]
struct FloatOutput {
    name: String,
    classes: bool,
    low: f64,
    high: f64,
    /// By sample.
    values: Vec<Vec<f64>>,
}

impl FloatOutput {
    fn new(port: &Port) -> Self {
        // One row of several real numbers is read as scores of classes.
        let classes = !port.whole && matches!(port.shape[..], [1, length] if length > 1);
        Self { name: port.name.clone(), classes, low: 0.0, high: 0.0, values: Vec::new() }
    }

    fn add(&mut self, values: Vec<f64>) {
        self.low = values.iter().copied().fold(self.low, f64::min);
        self.high = values.iter().copied().fold(self.high, f64::max);
        self.values.push(values);
    }

    fn report(&self, tally: &Tally) -> OutputReport {
        let range = self.high - self.low;
        OutputReport {
            name: self.name.clone(),
            range,
            error: tally.error,
            relative_error: if tally.error == 0.0 { 0.0 } else { tally.error / range },
            argmax_agreement: self.classes.then_some(tally.agreement),
        }
    }
}

/// Errors of one output over some samples.
#[derive(Clone, Default)]
struct Tally {
    error: f64,
    agreement: [usize; 2],
}

impl Tally {
    fn add(&mut self, expected: &[f64], got: &[f64]) {
        for (place, expected) in expected.iter().enumerate() {
            let got = got.get(place).copied().unwrap_or(f64::NAN);
            let error = (expected - got).abs();
            self.error = if error.is_nan() { f64::INFINITY } else { self.error.max(error) };
        }
        let largest = expected.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let chosen =
            got.iter().enumerate().max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i))).map(|(place, _)| place);
        // Any of the largest will do where the float network has several.
        let same = chosen.and_then(|place| expected.get(place)) == Some(&largest);
        self.agreement[0] += usize::from(same);
        self.agreement[1] += 1;
    }
}
