//! Verification on P-384 in variable time.
//!
//! An appraisal checks some twenty-five signatures. The constant-time arithmetic of general libraries takes 0.8 ms for
//! each here, and the fast libraries are bound to C or to one processor; verification handles no secrets, so plain
//! Jacobian arithmetic with sliding windows does in safe Rust, on every target, what the time limit asks. **Never sign with
//! this**: it leaks what it handles. Tests hold it against the `p384` crate, edge cases of the addition law included.

mod montgomery;
mod point;

use montgomery::{Limbs, N, P, from_bytes};
use point::combination;
pub(super) use point::{Affine, Multiples};

/// A point from its big-endian coordinates, if it lies on the curve.
#[must_use]
pub(super) fn point(x: &[u8; 48], y: &[u8; 48]) -> Option<Affine> {
    let (x, y) = (from_bytes(x), from_bytes(y));
    if !P.is_reduced(&x) || !P.is_reduced(&y) {
        return None;
    }
    Affine::new(P.enter(&x), P.enter(&y))
}

/// FIPS 186-5, section 6.4.2, from the digest on. `r` and `s` must lie in `1..n`; a longer digest than 48 bytes is cut.
#[must_use]
pub(super) fn verify(key: &Multiples, digest: &[u8], r: &[u8; 48], s: &[u8; 48]) -> bool {
    let (r, s) = (from_bytes(r), from_bytes(s));
    let mut bytes = [0; 48];
    let length = digest.len().min(48);
    let (Some(target), Some(source)) = (bytes.get_mut(48_usize.saturating_sub(length)..), digest.get(..length)) else {
        return false;
    };
    target.copy_from_slice(source);
    let e = N.reduce_once(&from_bytes(&bytes));
    let w = N.invert(&N.enter(&s));
    let u1 = N.leave(&N.multiply(&N.enter(&e), &w));
    let u2 = N.leave(&N.multiply(&N.enter(&r), &w));
    let Some((x, z2)) = combination(&u1, &u2, key) else { return false };
    // x/z² mod p, reduced mod n, is r exactly if x = r z² or, where r + n < p, x = (r + n) z².
    let equals = |candidate: &Limbs| P.multiply(&P.enter(candidate), &z2) == x;
    if equals(&r) {
        return true;
    }
    let (sum, carry) = montgomery::add(&r, &N.limbs);
    !carry && P.is_reduced(&sum) && equals(&sum)
}

#[cfg(test)]
mod tests;
