//! What is worked on: the digits model and its pictures.

use std::sync::Arc;

use circuits::model::bundle::Bundle;
use prover::import::digits::{self, Digit, DigitsError};

use super::error::StepError;

/// The model file that this program carries.
pub(in crate::commands) const MODEL: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.assay"));
const IMAGES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.csv"));

/// The digits model that this program carries.
pub(super) fn model() -> Result<Arc<Bundle>, StepError> {
    Ok(Arc::new(Bundle::from_bytes(MODEL)?))
}

/// Held-back image number `image` and the three after it.
pub(super) fn digits(image: usize) -> Result<[Digit; 4], StepError> {
    let test = digits::split(digits::parse(IMAGES)?).test;
    let found: Vec<Digit> = test.into_iter().cycle().skip(image).take(4).collect();
    found.try_into().map_err(|found: Vec<Digit>| DigitsError::Lines { got: found.len() }.into())
}
