//! Measurements against reference values.
//!
//! 1. Only active entries count.
//! 2. An index that is active in two manifests of one device is an error.
//! 3. A measurement must equal one of the alternatives.
//! 4. Index 35 is skipped while the first video decoder is off.
//! 5. All must match.
//!
//! A mismatch is not always an attack: genuine boards have shown other values at single indices. It is refused all the
//! same, and told apart from missing reference values, so that settlement can treat it as unproven and not as fraud.

use thiserror::Error;

use super::{
    opaque::Nvdec0,
    report::{MEASUREMENT_BYTES, Report},
    rim::Golden,
};

/// The measurement that depends on the video decoder.
const NVDEC0_INDEX: usize = 35;

/// Why measurements are not the reference values.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CompareError {
    /// Two manifests describe the same measurement.
    #[error("reference values: measurement {index} is active in two manifests")]
    IndexConflict {
        /// The index.
        index: usize,
    },
    /// Measurements differ. A device whose firmware the manifests do not describe is not appraised.
    #[error("reference values: measurements {} differ", Indices(.mismatches))]
    Mismatch {
        /// All that differ, by ascending index.
        mismatches: Vec<Mismatch>,
    },
}

/// One measurement that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Zero-based index.
    pub index: usize,
    /// Values that the manifest allows.
    pub expected: Vec<[u8; MEASUREMENT_BYTES]>,
    /// The device's value, or nothing if it has no such measurement.
    pub got: Option<[u8; MEASUREMENT_BYTES]>,
}

struct Indices<'a>(&'a [Mismatch]);

impl std::fmt::Display for Indices<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, mismatch) in self.0.iter().enumerate() {
            write!(formatter, "{}{}", if position == 0 { "" } else { ", " }, mismatch.index)?;
        }
        Ok(())
    }
}

/// What was compared with one manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compared {
    /// Indices of measurements that match.
    pub matched: Vec<usize>,
    /// Indices left out because the video decoder is off.
    pub skipped: Vec<usize>,
}

/// Compares a report with the golden values of its manifests, in the order given.
///
/// # Errors
/// [`CompareError`].
pub fn compare(report: &Report, manifests: &[&[Golden]]) -> Result<Vec<Compared>, CompareError> {
    let mut seen = Vec::new();
    for golden in manifests.iter().copied().flatten() {
        if seen.contains(&golden.index) {
            return Err(CompareError::IndexConflict { index: golden.index });
        }
        seen.push(golden.index);
    }
    let skips = |index| index == NVDEC0_INDEX && report.opaque().nvdec0 == Some(Nvdec0::Disabled);
    let mut mismatches = Vec::new();
    let mut results = Vec::new();
    for manifest in manifests {
        let mut compared = Compared::default();
        for Golden { index, alternatives } in *manifest {
            let got = report.measurements().get(*index).copied();
            if skips(*index) {
                compared.skipped.push(*index);
            } else if got.is_some_and(|value| alternatives.contains(&value)) {
                compared.matched.push(*index);
            } else {
                mismatches.push(Mismatch { index: *index, expected: alternatives.clone(), got });
            }
        }
        results.push(compared);
    }
    if mismatches.is_empty() {
        return Ok(results);
    }
    mismatches.sort_unstable_by_key(|mismatch| mismatch.index);
    Err(CompareError::Mismatch { mismatches })
}
