//! The messages of a proof before its opening, in the order in which they are hashed.

use circuits::circuit::DEGREE;
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};

use crate::key::VerifyingKey;
use crate::transcript::{ProofReader, ReadError};

/// Everything that a prover commits to and states before the opening, and the verifier's challenges between.
pub(super) struct Messages {
    /// Commitments of the advice columns, by column.
    pub(super) advice: Vec<G1Affine>,
    /// Challenges of the circuit, by index.
    pub(super) challenges: Vec<Fr>,
    /// Challenges of the permutation argument.
    pub(super) beta: Fr,
    pub(super) gamma: Fr,
    /// Running products of the permutation argument.
    pub(super) products: Vec<G1Affine>,
    /// A random polynomial, which hides the others' combination.
    pub(super) masking: G1Affine,
    /// Combines the constraints.
    pub(super) y: Fr,
    /// Pieces of the quotient, from the lowest.
    pub(super) pieces: Vec<G1Affine>,
    /// Where everything is evaluated.
    pub(super) x: Fr,
    /// Values, in the order of the circuit's queries.
    pub(super) advice_values: Vec<Fr>,
    pub(super) fixed_values: Vec<Fr>,
    pub(super) masking_value: Fr,
    /// What each copied column's cells are copied from, by copied column.
    pub(super) position_values: Vec<Fr>,
    pub(super) product_values: Vec<ProductValues>,
}

/// Values of one running product.
pub(super) struct ProductValues {
    pub(super) here: Fr,
    pub(super) next: Fr,
    /// On the last usable row, where it is passed on to the next product; the last product is not.
    pub(super) passed_on: Option<Fr>,
}

/// Copied columns that share a product.
pub(super) const COLUMNS_EACH: usize = DEGREE - 2;

impl Messages {
    pub(super) fn read(key: &VerifyingKey, instance: &[Fr], reader: &mut ProofReader<'_>) -> Result<Self, ReadError> {
        let halo2 = key.halo2();
        let system = halo2.cs();
        reader.absorb_scalar(&halo2.transcript_repr());
        instance.iter().for_each(|value| reader.absorb_scalar(value));

        let (phases, challenge_phases) = (system.advice_column_phase(), system.challenge_phase());
        let mut advice = vec![G1Affine::default(); phases.len()];
        let mut challenges = vec![Fr::default(); challenge_phases.len()];
        for phase in 0..=phases.iter().copied().max().unwrap_or(0) {
            let own = reader.read_points(phases.iter().filter(|own| **own == phase).count())?;
            let places = advice.iter_mut().zip(&phases).filter(|(_, own)| **own == phase);
            places.zip(own).for_each(|((place, _), commitment)| *place = commitment);
            for (challenge, _) in challenges.iter_mut().zip(&challenge_phases).filter(|(_, own)| **own == phase) {
                *challenge = reader.squeeze();
            }
        }
        // halo2's challenge for lookups, of which there are none.
        let _lookups = reader.squeeze();
        let (beta, gamma) = (reader.squeeze(), reader.squeeze());
        let copied = system.permutation().get_columns().len();
        // The random polynomial follows without a challenge between.
        let mut products = reader.read_points(copied.div_ceil(COLUMNS_EACH).saturating_add(1))?;
        let masking = products.pop().unwrap_or_default();
        let y = reader.squeeze();
        let pieces = reader.read_points(DEGREE - 1)?;
        let x = reader.squeeze();

        let advice_values = scalars(reader, system.advice_queries().len())?;
        let fixed_values = scalars(reader, system.fixed_queries().len())?;
        let masking_value = reader.read_scalar()?;
        let position_values = scalars(reader, copied)?;
        let mut product_values = Vec::with_capacity(products.len());
        for left in (0..products.len()).rev() {
            let (here, next) = (reader.read_scalar()?, reader.read_scalar()?);
            let passed_on = if left > 0 { Some(reader.read_scalar()?) } else { None };
            product_values.push(ProductValues { here, next, passed_on });
        }
        Ok(Self {
            advice,
            challenges,
            beta,
            gamma,
            products,
            masking,
            y,
            pieces,
            x,
            advice_values,
            fixed_values,
            masking_value,
            position_values,
            product_values,
        })
    }
}

fn scalars(reader: &mut ProofReader<'_>, count: usize) -> Result<Vec<Fr>, ReadError> {
    (0..count).map(|_| reader.read_scalar()).collect()
}
