//! From a proof's file to what a contract is called with.

use circuits::statement::Statement;
use verifier::points::{decode_compressed, decode_scalar};
use verifier::proof::{Proof, ProofError, check_labels};
use verifier::transcript::ReadError;

use crate::contract::Contract;
use crate::field::word;
use crate::layout::Step;
use crate::precompile::coordinate;
use crate::statement::signed;

/// What is left of a proof's elements.
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Result<(usize, &'a [u8; 32]), ReadError> {
        let at = self.at;
        let (element, rest) = self.bytes.split_first_chunk().ok_or(ReadError::Truncated { at })?;
        self.bytes = rest;
        self.at += element.len();
        Ok((at, element))
    }
}

impl Contract<'_> {
    /// What to call the contract with, to show `statement` by `proof`: points uncompressed, every word with its most
    /// significant byte first.
    ///
    /// The contract judges what this says. Refused here is what it could not be asked: a proof that names another key,
    /// setup or statement, a statement that cannot be about the model, elements that are none.
    ///
    /// # Errors
    /// [`ProofError`], as the verifier gives it for the same.
    pub fn call(&self, statement: &Statement, proof: &Proof) -> Result<Vec<u8>, ProofError> {
        check_labels(self.key, statement, proof)?;
        statement.instance(self.key.graph())?;
        let mut call = self.selector.to_vec();
        call.extend(statement.context_digest);
        let numbers = statement.input.values().iter().chain(statement.output.values());
        call.extend(numbers.flat_map(|number| signed(*number)));
        let mut elements = Elements { bytes: &proof.bytes, at: 0 };
        for step in &self.layout.steps {
            match step {
                Step::Points(count) => {
                    for _ in 0..*count {
                        let (at, element) = elements.next()?;
                        let point = decode_compressed(element).map_err(|error| ReadError::Element { at, error })?;
                        call.extend(coordinate(&point.x));
                        call.extend(coordinate(&point.y));
                    }
                }
                Step::Scalars(count) => {
                    for _ in 0..*count {
                        let (at, element) = elements.next()?;
                        let scalar = decode_scalar(element).map_err(|error| ReadError::Element { at, error })?;
                        call.extend(word(&scalar));
                    }
                }
                Step::Draw(_) => {}
            }
        }
        if elements.bytes.is_empty() { Ok(call) } else { Err(ProofError::Trailing { got: elements.bytes.len() }) }
    }
}
