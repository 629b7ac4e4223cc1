//! Points of P-384: y² = x³ - 3x + b, in Jacobian coordinates (x/z², y/z³), field elements in Montgomery form.

use std::sync::LazyLock;

use super::montgomery::{
    Limbs, P, add,
    field::{multiply, square},
    from_bytes, half, is_zero, subtract,
};

const B: [u8; 48] = [
    0xB3, 0x31, 0x2F, 0xA7, 0xE2, 0x3E, 0xE7, 0xE4, 0x98, 0x8E, 0x05, 0x6B, 0xE3, 0xF8, 0x2D, 0x19, 0x18, 0x1D, 0x9C,
    0x6E, 0xFE, 0x81, 0x41, 0x12, 0x03, 0x14, 0x08, 0x8F, 0x50, 0x13, 0x87, 0x5A, 0xC6, 0x56, 0x39, 0x8D, 0x8A, 0x2E,
    0xD1, 0x9D, 0x2A, 0x85, 0xC8, 0xED, 0xD3, 0xEC, 0x2A, 0xEF,
];
const GENERATOR_X: [u8; 48] = [
    0xAA, 0x87, 0xCA, 0x22, 0xBE, 0x8B, 0x05, 0x37, 0x8E, 0xB1, 0xC7, 0x1E, 0xF3, 0x20, 0xAD, 0x74, 0x6E, 0x1D, 0x3B,
    0x62, 0x8B, 0xA7, 0x9B, 0x98, 0x59, 0xF7, 0x41, 0xE0, 0x82, 0x54, 0x2A, 0x38, 0x55, 0x02, 0xF2, 0x5D, 0xBF, 0x55,
    0x29, 0x6C, 0x3A, 0x54, 0x5E, 0x38, 0x72, 0x76, 0x0A, 0xB7,
];
const GENERATOR_Y: [u8; 48] = [
    0x36, 0x17, 0xDE, 0x4A, 0x96, 0x26, 0x2C, 0x6F, 0x5D, 0x9E, 0x98, 0xBF, 0x92, 0x92, 0xDC, 0x29, 0xF8, 0xF4, 0x1D,
    0xBD, 0x28, 0x9A, 0x14, 0x7C, 0xE9, 0xDA, 0x31, 0x13, 0xB5, 0xF0, 0xB8, 0xC0, 0x0A, 0x60, 0xB1, 0xCE, 0x1D, 0x7E,
    0x81, 0x9D, 0x7A, 0x43, 0x1D, 0x7C, 0x90, 0xEA, 0x0E, 0x5F,
];

/// Bits of a window over the generator, whose tables are made once.
const GENERATOR_WINDOW: u32 = 10;
/// Bits of a window over a key, whose tables are made for every key.
const KEY_WINDOW: u32 = 5;
/// Bits of half a scalar, and digits of its windows: a carry can make one more.
const HALF_BITS: usize = 192;
const DIGITS: usize = 193;

/// A point of the curve other than the identity (invariant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Affine {
    x: Limbs,
    y: Limbs,
}

impl Affine {
    /// From Montgomery form, if on the curve.
    pub(super) fn new(x: Limbs, y: Limbs) -> Option<Self> {
        let cube = multiply(&square(&x), &x);
        let three = P.sum(&P.sum(&x, &x), &x);
        let right = P.sum(&P.difference(&cube, &three), &P.enter(&from_bytes(&B)));
        (square(&y) == right).then_some(Self { x, y })
    }
}

/// A point; the identity has z = 0.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Limbs,
    y: Limbs,
    z: Limbs,
}

/// A point with the powers of z that an addition needs.
#[derive(Clone, Copy)]
struct Prepared {
    point: Jacobian,
    z2: Limbs,
    z3: Limbs,
}

impl Jacobian {
    const fn identity() -> Self {
        Self { x: P.one(), y: P.one(), z: [0; 6] }
    }

    const fn from_affine(point: Affine) -> Self {
        Self { x: point.x, y: point.y, z: P.one() }
    }

    fn is_identity(&self) -> bool {
        is_zero(&self.z)
    }

    /// dbl-2001-b of the Explicit-Formulas Database, for a = -3. The identity stays the identity.
    fn double(&self) -> Self {
        let delta = square(&self.z);
        let gamma = square(&self.y);
        let beta = multiply(&self.x, &gamma);
        let product = multiply(&P.difference(&self.x, &delta), &P.sum(&self.x, &delta));
        let alpha = P.sum(&P.sum(&product, &product), &product);
        let beta2 = P.sum(&beta, &beta);
        let beta4 = P.sum(&beta2, &beta2);
        let x = P.difference(&square(&alpha), &P.sum(&beta4, &beta4));
        let yz = P.sum(&self.y, &self.z);
        let z = P.difference(&P.difference(&square(&yz), &gamma), &delta);
        let gamma2 = P.sum(&gamma, &gamma);
        let squared = square(&gamma2);
        let y = P.difference(&multiply(&alpha, &P.difference(&beta4, &x)), &P.sum(&squared, &squared));
        Self { x, y, z }
    }

    /// Sum with a point whose scaled coordinates `u1, s1` (this) and `u2, s2` (other) share a denominator; `z` is the
    /// product of both z. Complete: equal and opposite points and the identity are told apart by the callers and here.
    fn add_scaled(&self, [u1, s1, u2, s2]: [&Limbs; 4], z: &Limbs) -> Self {
        let h = P.difference(u2, u1);
        let r = P.difference(s2, s1);
        if is_zero(&h) {
            return if is_zero(&r) { self.double() } else { Self::identity() };
        }
        let h2 = square(&h);
        let h3 = multiply(&h, &h2);
        let v = multiply(u1, &h2);
        let x = P.difference(&P.difference(&square(&r), &h3), &P.sum(&v, &v));
        let y = P.difference(&multiply(&r, &P.difference(&v, &x)), &multiply(s1, &h3));
        Self { x, y, z: multiply(z, &h) }
    }

    /// Sum with a point or its opposite.
    fn add_affine(&self, other: &Affine, opposite: bool) -> Self {
        let y = signed(&other.y, opposite);
        if self.is_identity() {
            return Self { x: other.x, y, z: P.one() };
        }
        let z2 = square(&self.z);
        let u2 = multiply(&other.x, &z2);
        let s2 = multiply(&y, &multiply(&z2, &self.z));
        self.add_scaled([&self.x, &self.y, &u2, &s2], &self.z)
    }

    /// Sum with a point or its opposite.
    fn add(&self, other: &Prepared, opposite: bool) -> Self {
        let y = signed(&other.point.y, opposite);
        if self.is_identity() {
            return Self { y, ..other.point };
        }
        if other.point.is_identity() {
            return *self;
        }
        let z2 = square(&self.z);
        let u1 = multiply(&self.x, &other.z2);
        let s1 = multiply(&self.y, &other.z3);
        let u2 = multiply(&other.point.x, &z2);
        let s2 = multiply(&y, &multiply(&z2, &self.z));
        self.add_scaled([&u1, &s1, &u2, &s2], &multiply(&self.z, &other.point.z))
    }

    fn prepared(self) -> Prepared {
        let z2 = square(&self.z);
        Prepared { point: self, z2, z3: multiply(&z2, &self.z) }
    }
}

/// A coordinate, or what it is at the opposite point.
#[inline]
fn signed(y: &Limbs, opposite: bool) -> Limbs {
    if opposite { P.difference(&[0; 6], y) } else { *y }
}

/// Point, three times it, five times it and so on, `count` of them.
fn odd_multiples(point: Jacobian, count: usize) -> Vec<Jacobian> {
    let twice = point.double().prepared();
    std::iter::successors(Some(point), |last| Some(last.add(&twice, false))).take(count).collect()
}

/// Points other than the identity with denominators cleared, by one inversion for all (Montgomery 1987, section 10.3.1).
fn to_affine(points: &[Jacobian]) -> Vec<Affine> {
    let before = points.iter().scan(P.one(), |product, point| {
        let before = *product;
        *product = multiply(product, &point.z);
        Some(before)
    });
    let before: Vec<_> = before.collect();
    let product = points.iter().fold(P.one(), |product, point| multiply(&product, &point.z));
    let mut inverse = P.invert(&product);
    let mut affine: Vec<_> = points
        .iter()
        .zip(&before)
        .rev()
        .map(|(point, before)| {
            let own = multiply(&inverse, before);
            inverse = multiply(&inverse, &point.z);
            let squared = square(&own);
            Affine { x: multiply(&point.x, &squared), y: multiply(&point.y, &multiply(&squared, &own)) }
        })
        .collect();
    affine.reverse();
    affine
}

/// Odd multiples of a point and of 2^192 times it, so that half as many doublings serve both halves of a scalar
/// (interleaving: Möller 2001). Making the tables costs the doublings that their first use saves; a second use is free of
/// them.
#[derive(Clone, Debug)]
pub(in super::super) struct Multiples {
    near: Vec<Affine>,
    far: Vec<Affine>,
}

impl Multiples {
    /// Of a key.
    pub(in super::super) fn new(key: &Affine) -> Self {
        Self::with_window(key, KEY_WINDOW)
    }

    fn with_window(point: &Affine, window: u32) -> Self {
        let size = table_size(window);
        let near = Jacobian::from_affine(*point);
        let far = (0..HALF_BITS).fold(near, |far, _| far.double());
        let mut near = to_affine(&[odd_multiples(near, size), odd_multiples(far, size)].concat());
        let far = near.split_off(size);
        Self { near, far }
    }
}

static GENERATOR_MULTIPLES: LazyLock<Multiples> = LazyLock::new(|| {
    let generator = Affine { x: P.enter(&from_bytes(&GENERATOR_X)), y: P.enter(&from_bytes(&GENERATOR_Y)) };
    Multiples::with_window(&generator, GENERATOR_WINDOW)
});

/// Odd multiples below 2^(window - 1).
const fn table_size(window: u32) -> usize {
    1_usize.unbounded_shl(window.saturating_sub(2))
}

/// Non-adjacent form of half a scalar with windows of `window` bits, least significant digit first: digits are zero or
/// odd, below 2^(window - 1) in magnitude, and any `window` consecutive ones hold at most one that is not zero.
fn windows(half_scalar: [u64; 3], window: u32) -> [i16; DIGITS] {
    let mut digits = [0; DIGITS];
    let [a0, a1, a2] = half_scalar;
    // A carry out of the half leaves room to spare.
    let mut rest = [a0, a1, a2, 0, 0, 0];
    let modulus = 1_u64.unbounded_shl(window);
    for digit in &mut digits {
        let [low, ..] = rest;
        if low & 1 == 1 {
            let residue = low & modulus.wrapping_sub(1);
            let negative = residue >= modulus >> 1;
            let magnitude = if negative { modulus.wrapping_sub(residue) } else { residue };
            let value = i16::try_from(magnitude).unwrap_or_default();
            let magnitude = [magnitude, 0, 0, 0, 0, 0];
            (*digit, rest) = if negative {
                (value.wrapping_neg(), add(&rest, &magnitude).0)
            } else {
                (value, subtract(&rest, &magnitude).0)
            };
        }
        rest = half(&rest);
    }
    digits
}

/// Position of an odd digit's multiple in a table.
fn position(digit: i16) -> usize {
    usize::from(digit.unsigned_abs() >> 1)
}

/// x and z² of `u1 G + u2 Q`, or nothing for the identity.
pub(super) fn combination(u1: &Limbs, u2: &Limbs, key: &Multiples) -> Option<(Limbs, Limbs)> {
    let generator = &*GENERATOR_MULTIPLES;
    let halves = |&[a0, a1, a2, a3, a4, a5]: &Limbs| ([a0, a1, a2], [a3, a4, a5]);
    let ((near1, far1), (near2, far2)) = (halves(u1), halves(u2));
    let generator_digits = windows(near1, GENERATOR_WINDOW).into_iter().zip(windows(far1, GENERATOR_WINDOW));
    let key_digits = windows(near2, KEY_WINDOW).into_iter().zip(windows(far2, KEY_WINDOW));
    let mut sum = Jacobian::identity();
    for ((near1, far1), (near2, far2)) in generator_digits.zip(key_digits).rev() {
        if !sum.is_identity() {
            sum = sum.double();
        }
        let terms = [(near1, &generator.near), (far1, &generator.far), (near2, &key.near), (far2, &key.far)];
        for (digit, multiples) in terms {
            if digit != 0 {
                sum = sum.add_affine(multiples.get(position(digit))?, digit < 0);
            }
        }
    }
    if sum.is_identity() { None } else { Some((sum.x, square(&sum.z))) }
}
