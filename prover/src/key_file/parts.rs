//! halo2's part of a proving key: columns by their values, everything else computed from them.

use std::io::{self, Write};

use circuits::circuit::DEGREE;
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_proofs::plonk::{self, permutation};
use halo2_proofs::poly::{Coeff, EvaluationDomain, LagrangeCoeff, Polynomial};
use rayon::prelude::*;
use verifier::key::VerifyingKey;

use super::KeyFileError;
use super::stream::{BUFFER_BYTES, HashReader, HashWriter};
use crate::engine::{Scratch, Transform};

/// Bytes of a value in halo2's memory form.
pub(super) const VALUE_BYTES: usize = 32;

/// Values of fixed and permutation columns.
pub(super) struct Columns {
    fixed: Vec<Vec<Fr>>,
    permutation: Vec<Vec<Fr>>,
}

/// Writes the columns of a key.
pub(super) fn write(key: &plonk::ProvingKey<G1Affine>, file: &mut HashWriter<'_>) -> io::Result<()> {
    let columns = key.fixed_values().iter().chain(key.permutation().permutations());
    for value in columns.flat_map(Polynomial::iter) {
        value.write_raw(file)?;
    }
    file.flush()
}

/// Reads the columns that `verifying` has.
pub(super) fn read(verifying: &VerifyingKey, file: &mut HashReader<'_>) -> Result<Columns, KeyFileError> {
    let rows = 1usize << verifying.shape().k();
    let mut buffer = vec![0; BUFFER_BYTES.min(rows * VALUE_BYTES)];
    let mut columns = |part, count| (0..count).map(|_| column(part, rows, &mut buffer, file)).collect();
    let halo2 = verifying.halo2();
    let fixed: Result<_, KeyFileError> = columns("fixed columns", halo2.fixed_commitments().len());
    let permutation: Result<_, KeyFileError> = columns("permutation columns", halo2.permutation().commitments().len());
    Ok(Columns { fixed: fixed?, permutation: permutation? })
}

fn column(
    part: &'static str,
    rows: usize,
    buffer: &mut [u8],
    file: &mut HashReader<'_>,
) -> Result<Vec<Fr>, KeyFileError> {
    let mut values = Vec::with_capacity(rows);
    // Both are powers of two.
    for _ in 0..rows * VALUE_BYTES / buffer.len() {
        file.fill(part, buffer)?;
        for bytes in buffer.chunks_exact(VALUE_BYTES) {
            values.push(Fr::from_raw_bytes(bytes).ok_or(KeyFileError::Value { part })?);
        }
    }
    Ok(values)
}

impl Columns {
    /// halo2's key, as its key generation would have made it.
    pub(super) fn into_key(self, verifying: &VerifyingKey) -> plonk::ProvingKey<G1Affine> {
        let system = verifying.halo2().cs();
        let domain = EvaluationDomain::new(DEGREE as u32, verifying.shape().k());
        let transform = Transform::new(verifying.shape().k());
        let (fixed_values, fixed_polys) = both(&domain, &transform, self.fixed);
        let (permutations, permutation_polys) = both(&domain, &transform, self.permutation);
        let rows = 1usize << verifying.shape().k();
        let last = rows - system.blinding_factors() - 1;
        let indicator = |one: &dyn Fn(usize) -> bool| {
            let values = (0..rows).map(|row| if one(row) { Fr::one() } else { Fr::zero() }).collect();
            domain.coeff_from_vec(transform.interpolate(values, &mut Scratch::default()))
        };
        let first_row = indicator(&|row| row == 0);
        let last_row = indicator(&|row| row == last);
        let active_rows = indicator(&|row| row < last);
        let halo2 = plonk::VerifyingKey::from_parts(
            domain,
            verifying.halo2().fixed_commitments().clone(),
            permutation::VerifyingKey::from_commitments(verifying.halo2().permutation().commitments().clone()),
            system.clone(),
            Vec::new(),
            false,
        );
        let permutation = permutation::ProvingKey::from_parts(permutations, permutation_polys);
        plonk::ProvingKey::from_parts(halo2, first_row, last_row, active_rows, fixed_values, fixed_polys, permutation)
    }
}

type Values = Vec<Polynomial<Fr, LagrangeCoeff>>;
type Coefficients = Vec<Polynomial<Fr, Coeff>>;

fn both(domain: &EvaluationDomain<Fr>, transform: &Transform, columns: Vec<Vec<Fr>>) -> (Values, Coefficients) {
    let both = |scratch: &mut Scratch, values: Vec<Fr>| {
        let coefficients = transform.interpolate(values.clone(), scratch);
        (domain.lagrange_from_vec(values), domain.coeff_from_vec(coefficients))
    };
    columns.into_par_iter().map_init(Scratch::default, both).unzip()
}
