//! The points of a key that every proof's sum holds.

use std::ops::Range;

use halo2_proofs::halo2curves::bn256::G1Affine;

/// A key's points in one order: fixed columns, what copied cells are copied from, committed rows, the generator.
#[derive(Clone, Debug)]
pub(crate) struct KeyPoints {
    all: Vec<G1Affine>,
    places: Places,
}

/// Where each kind of point is.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) fixed: Range<usize>,
    pub(super) positions: Range<usize>,
    pub(super) rows: Range<usize>,
    pub(super) generator: usize,
}

impl KeyPoints {
    pub(crate) fn new(fixed: &[G1Affine], positions: &[G1Affine], rows: &[(u64, G1Affine)]) -> Self {
        let mut all = Vec::new();
        let mut add = |points: &mut dyn Iterator<Item = G1Affine>| {
            let start = all.len();
            all.extend(points);
            start..all.len()
        };
        let fixed = add(&mut fixed.iter().copied());
        let positions = add(&mut positions.iter().copied());
        let rows = add(&mut rows.iter().map(|(_, point)| *point));
        let generator = add(&mut [G1Affine::generator()].into_iter()).start;
        Self { all, places: Places { fixed, positions, rows, generator } }
    }

    pub(super) fn all(&self) -> &[G1Affine] {
        &self.all
    }

    pub(super) fn places(&self) -> Places {
        self.places.clone()
    }
}
