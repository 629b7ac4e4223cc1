//! Products of two computed matrices.

use candle_core::Device;
use circuits::model::reference::ExecutionError;

use super::ExecutorError;
use super::exact::{Sums, download, upload};

/// `[batch, m, k]` times `[batch, k, n]`.
///
/// Every partial sum of `t <= k` products lies between zero and `k` times an extreme product, which the graph holds
/// within 2^47.
pub(super) struct MatrixMultiply {
    pub(super) batch: usize,
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    pub(super) sums: Sums,
}

impl MatrixMultiply {
    pub(super) fn run(&self, a: &[i64], b: &[i64], items: usize, device: &Device) -> Result<Vec<i64>, ExecutorError> {
        let Self { batch, m, k, n, .. } = *self;
        let a = upload(a, (items * batch, m, k), device)?;
        let b = upload(b, (items * batch, k, n), device)?;
        let products = download(&a.matmul(&b)?)?;
        products.iter().enumerate().map(|(position, got)| self.sums.integer(position, *got, 0)).collect()
    }

    /// One element, on the host: a generated token takes so few of them that a device would only wait for them.
    pub(super) fn one(&self, a: &[i64], b: &[i64], element: usize) -> Result<i64, ExecutorError> {
        let Self { m, k, n, ref sums, .. } = *self;
        let (row, column) = (element / n, element % n);
        let terms = &a[row * k..][..k];
        let start = row / m * k * n + column;
        let sum = terms
            .iter()
            .enumerate()
            .try_fold(0i64, |sum, (term, value)| sum.checked_add(value.checked_mul(b[start + term * n])?));
        sum.ok_or(ExecutionError::Overflow { node: sums.node, channel: element }.into())
    }
}
