//! Sums of buckets, each times its digit.
//!
//! Each lane takes one eighth of the buckets: from the last to the first it adds up the buckets and, after each, what it has
//! added up so far. Additions are in projective coordinates, by formulas that hold for any two points of a curve of odd order
//! (Renes, Costello and Batina, EUROCRYPT 2016, algorithm 7), because lanes do not branch.

use std::arch::x86_64::_mm512_mask_blend_epi64;

use halo2_proofs::halo2curves::bn256::{Fq, G1, G1Affine};
use halo2_proofs::halo2curves::ff::{BatchInvert, Field};
use halo2_proofs::halo2curves::group::Group;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;

use super::points::{Coordinates, Point, coordinates, limbs, zero};
use lanes::{LANES, LIMBS, Vector, add, all, carried, packed, words};

/// Three times the curve's constant term.
const TRIPLE_CONSTANT: u64 = 9;

/// Eight points as `x / z` and `y / z`, the identity with `z = 0`. Below 8 p, 8 p and 4 p.
#[derive(Clone, Copy)]
struct Projective {
    x: Vector,
    y: Vector,
    z: Vector,
}

/// `sum_i (i + 1) sums_i`, of as many as fill the lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn sum(sums: &[Point]) -> G1 {
    let each = sums.len() / LANES;
    if each == 0 {
        return G1::identity();
    }
    let nothing = all(&[0; LIMBS]);
    let identity = Projective { x: nothing, y: Coordinates::one(), z: nothing };
    let (mut running, mut total) = (identity, identity);
    for step in (0..each).rev() {
        let words = coordinates(std::array::from_fn(|lane| &sums[lane * each + step]));
        let empty = zero(&words[0]) & zero(&words[1]);
        let [x, y] = words.map(|words| limbs(&words));
        let sum = running.plus(&Projective { x, y, z: Coordinates::one() });
        running = sum.unless(empty, &running);
        total = total.plus(&running);
    }
    let [running, total] = [running.points(), total.points()];
    // A lane's buckets count from its first: what is missing is the first's number, times the sum of the lane.
    let (mut behind, mut lanes) = (G1::identity(), G1::identity());
    for point in running.iter().skip(1).rev() {
        behind += point;
        lanes += behind;
    }
    total.iter().fold(times(&lanes, each), |sum, point| sum + point)
}

/// `factor point`, for a factor of few bits.
fn times(point: &G1, factor: usize) -> G1 {
    (0..usize::BITS - factor.leading_zeros()).rev().fold(G1::identity(), |sum, bit| {
        let double = sum.double();
        if factor >> bit & 1 == 1 { double + point } else { double }
    })
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn multiply(a: &Vector, b: &Vector) -> Vector {
    Coordinates::multiply(&carried(*a), &carried(*b))
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn multiple<const FACTOR: u64>(a: &Vector) -> Vector {
    (1..FACTOR).fold(*a, |sum, _| add(&sum, a))
}

impl Projective {
    /// The sum, with coordinates below the same bounds.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn plus(&self, other: &Self) -> Self {
        // Below 2 p each.
        let [xx, yy, zz] = [(&self.x, &other.x), (&self.y, &other.y), (&self.z, &other.z)].map(|(a, b)| multiply(a, b));
        let cross = |a: [&Vector; 2], b: [&Vector; 2]| multiply(&add(a[0], a[1]), &add(b[0], b[1]));
        // Below 9 p, 6 p and 6 p.
        let xy = cross([&self.x, &self.y], [&other.x, &other.y]);
        let xy = Coordinates::subtract::<4>(&xy, &add(&xx, &yy));
        let yz = cross([&self.y, &self.z], [&other.y, &other.z]);
        let yz = Coordinates::subtract::<3>(&yz, &add(&yy, &zz));
        let xz = cross([&self.x, &self.z], [&other.x, &other.z]);
        let xz = Coordinates::subtract::<3>(&xz, &add(&xx, &zz));
        // Below 52 p, 6 p, 11 p, 13 p and 13 p.
        let constant_xz = multiple::<TRIPLE_CONSTANT>(&xz);
        let triple_xx = multiple::<3>(&xx);
        let constant_zz = multiple::<TRIPLE_CONSTANT>(&zz);
        let sum = add(&yy, &constant_zz);
        let difference = Coordinates::subtract::<11>(&yy, &constant_zz);
        Self {
            x: Coordinates::subtract::<5>(&multiply(&xy, &difference), &multiply(&yz, &constant_xz)),
            y: add(&multiply(&constant_xz, &triple_xx), &multiply(&difference, &sum)),
            z: add(&multiply(&triple_xx, &xy), &multiply(&sum, &yz)),
        }
    }

    /// The other points in some lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn unless(&self, lanes: u8, other: &Self) -> Self {
        let blend = |ours: &Vector, others: &Vector| {
            std::array::from_fn(|limb| _mm512_mask_blend_epi64(lanes, ours[limb], others[limb]))
        };
        Self { x: blend(&self.x, &other.x), y: blend(&self.y, &other.y), z: blend(&self.z, &other.z) }
    }

    /// The library's points.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn points(&self) -> [G1Affine; LANES] {
        // From times 2^260 to times 2^256.
        let form = all(&packed(words(&Fq::one())));
        let [x, y, z] = [&self.x, &self.y, &self.z].map(|numbers| {
            let mut elements = [Fq::ZERO; LANES];
            Coordinates::stored(&Coordinates::canonical(multiply(numbers, &form)), &mut elements);
            elements
        });
        let mut inverses = z;
        inverses.iter_mut().batch_invert();
        std::array::from_fn(|lane| {
            if z[lane] == Fq::ZERO {
                return G1Affine::identity();
            }
            G1Affine { x: x[lane] * inverses[lane], y: y[lane] * inverses[lane] }
        })
    }
}
