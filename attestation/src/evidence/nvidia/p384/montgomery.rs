//! Arithmetic modulo 384-bit primes in Montgomery form (Koç, Acar and Kaliski 1996, coarsely integrated operand scanning).

use ::p384::elliptic_curve::bigint::{Odd, U384};

/// A number below 2^384, least significant limb first.
pub(super) type Limbs = [u64; 6];

/// An odd modulus above 2^383.
pub(super) struct Modulus {
    pub(super) limbs: Limbs,
    /// -1/modulus mod 2^64.
    negative_inverse: u64,
    /// 2^384 mod modulus: one in Montgomery form.
    one: Limbs,
    /// 2^768 mod modulus: enters Montgomery form.
    square: Limbs,
}

/// The field's prime, 2^384 - 2^128 - 2^96 + 2^32 - 1.
pub(super) const P: Modulus = Modulus {
    limbs: [
        0x0000_0000_FFFF_FFFF,
        0xFFFF_FFFF_0000_0000,
        0xFFFF_FFFF_FFFF_FFFE,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
    ],
    negative_inverse: 0x0000_0001_0000_0001,
    one: [
        0xFFFF_FFFF_0000_0001,
        0x0000_0000_FFFF_FFFF,
        0x0000_0000_0000_0001,
        0x0000_0000_0000_0000,
        0x0000_0000_0000_0000,
        0x0000_0000_0000_0000,
    ],
    square: [
        0xFFFF_FFFE_0000_0001,
        0x0000_0002_0000_0000,
        0xFFFF_FFFE_0000_0000,
        0x0000_0002_0000_0000,
        0x0000_0000_0000_0001,
        0x0000_0000_0000_0000,
    ],
};

/// The group's order (SP 800-186, section 3.2.1.4).
pub(super) const N: Modulus = Modulus {
    limbs: [
        0xECEC_196A_CCC5_2973,
        0x581A_0DB2_48B0_A77A,
        0xC763_4D81_F437_2DDF,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
    ],
    negative_inverse: 0x6ED4_6089_E88F_DC45,
    one: [
        0x1313_E695_333A_D68D,
        0xA7E5_F24D_B74F_5885,
        0x389C_B27E_0BC8_D220,
        0x0000_0000_0000_0000,
        0x0000_0000_0000_0000,
        0x0000_0000_0000_0000,
    ],
    square: [
        0x2D31_9B24_19B4_09A9,
        0xFF3D_81E5_DF1A_A419,
        0xBC3E_483A_FCB8_2947,
        0xD40D_4917_4AAB_1CC5,
        0x3FB0_5B7A_2826_6895,
        0x0C84_EE01_2B39_BF21,
    ],
};

/// Sum modulo 2^384, and whether it overflowed.
#[inline]
pub(super) fn add(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let [a0, a1, a2, a3, a4, a5] = *a;
    let [b0, b1, b2, b3, b4, b5] = *b;
    let (c0, carry) = a0.carrying_add(b0, false);
    let (c1, carry) = a1.carrying_add(b1, carry);
    let (c2, carry) = a2.carrying_add(b2, carry);
    let (c3, carry) = a3.carrying_add(b3, carry);
    let (c4, carry) = a4.carrying_add(b4, carry);
    let (c5, carry) = a5.carrying_add(b5, carry);
    ([c0, c1, c2, c3, c4, c5], carry)
}

/// Difference modulo 2^384, and whether it underflowed.
#[inline]
pub(super) fn subtract(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let [a0, a1, a2, a3, a4, a5] = *a;
    let [b0, b1, b2, b3, b4, b5] = *b;
    let (c0, borrow) = a0.borrowing_sub(b0, false);
    let (c1, borrow) = a1.borrowing_sub(b1, borrow);
    let (c2, borrow) = a2.borrowing_sub(b2, borrow);
    let (c3, borrow) = a3.borrowing_sub(b3, borrow);
    let (c4, borrow) = a4.borrowing_sub(b4, borrow);
    let (c5, borrow) = a5.borrowing_sub(b5, borrow);
    ([c0, c1, c2, c3, c4, c5], borrow)
}

/// Whether all limbs are zero; a comparison of arrays would call a library's.
#[inline]
pub(super) const fn is_zero([a0, a1, a2, a3, a4, a5]: &Limbs) -> bool {
    *a0 | *a1 | *a2 | *a3 | *a4 | *a5 == 0
}

/// One of two numbers, without a branch: which one is as good as random here, and a wrong guess costs a processor more
/// than the arithmetic.
#[inline]
fn select(first: bool, a: &Limbs, b: &Limbs) -> Limbs {
    let [a0, a1, a2, a3, a4, a5] = *a;
    let [b0, b1, b2, b3, b4, b5] = *b;
    let mask = u64::from(first).wrapping_neg();
    let one = |a: u64, b: u64| b ^ (mask & (a ^ b));
    [one(a0, b0), one(a1, b1), one(a2, b2), one(a3, b3), one(a4, b4), one(a5, b5)]
}

/// From big-endian bytes.
pub(super) fn from_bytes(bytes: &[u8; 48]) -> Limbs {
    let (chunks, _) = bytes.as_chunks();
    let mut limbs = [0; 6];
    for (limb, chunk) in limbs.iter_mut().zip(chunks.iter().rev()) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

impl Modulus {
    /// Whether a number is below the modulus.
    pub(super) fn is_reduced(&self, a: &Limbs) -> bool {
        subtract(a, &self.limbs).1
    }

    /// A number below 2^384 modulo the modulus; one subtraction suffices, since the modulus is above 2^383.
    pub(super) fn reduce_once(&self, a: &Limbs) -> Limbs {
        let (reduced, borrow) = subtract(a, &self.limbs);
        if borrow { *a } else { reduced }
    }

    /// `value + carry 2^384`, below twice the modulus, less the modulus if not below it.
    #[inline]
    fn reduced(&self, value: &Limbs, carry: bool) -> Limbs {
        let (less, borrow) = subtract(value, &self.limbs);
        select(carry | !borrow, &less, value)
    }

    /// Sum of reduced numbers.
    #[inline]
    pub(super) fn sum(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let (sum, carry) = add(a, b);
        self.reduced(&sum, carry)
    }

    /// Difference of reduced numbers.
    #[inline]
    pub(super) fn difference(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let (difference, borrow) = subtract(a, b);
        add(&difference, &select(borrow, &self.limbs, &[0; 6])).0
    }

    /// Product of reduced numbers over 2^384.
    #[inline]
    pub(super) fn multiply(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let [b0, b1, b2, b3, b4, b5] = *b;
        let [m0, m1, m2, m3, m4, m5] = self.limbs;
        let (mut t0, mut t1, mut t2, mut t3, mut t4, mut t5, mut t6) = (0, 0, 0, 0, 0, 0, false);
        for &x in a {
            let (u0, carry) = x.carrying_mul_add(b0, t0, 0);
            let (u1, carry) = x.carrying_mul_add(b1, t1, carry);
            let (u2, carry) = x.carrying_mul_add(b2, t2, carry);
            let (u3, carry) = x.carrying_mul_add(b3, t3, carry);
            let (u4, carry) = x.carrying_mul_add(b4, t4, carry);
            let (u5, carry) = x.carrying_mul_add(b5, t5, carry);
            let (u6, u7) = carry.carrying_add(0, t6);
            let q = u0.wrapping_mul(self.negative_inverse);
            let (_, carry) = q.carrying_mul_add(m0, u0, 0);
            (t0, t1, t2, t3, t4, t5) = {
                let (v0, carry) = q.carrying_mul_add(m1, u1, carry);
                let (v1, carry) = q.carrying_mul_add(m2, u2, carry);
                let (v2, carry) = q.carrying_mul_add(m3, u3, carry);
                let (v3, carry) = q.carrying_mul_add(m4, u4, carry);
                let (v4, carry) = q.carrying_mul_add(m5, u5, carry);
                let (v5, over) = u6.carrying_add(carry, false);
                t6 = over | u7;
                (v0, v1, v2, v3, v4, v5)
            };
        }
        self.reduced(&[t0, t1, t2, t3, t4, t5], t6)
    }

    /// Into Montgomery form.
    pub(super) fn enter(&self, a: &Limbs) -> Limbs {
        self.multiply(a, &self.square)
    }

    /// Out of Montgomery form.
    pub(super) fn leave(&self, a: &Limbs) -> Limbs {
        self.multiply(a, &[1, 0, 0, 0, 0, 0])
    }

    /// One in Montgomery form.
    pub(super) const fn one(&self) -> Limbs {
        self.one
    }

    /// Inverse in Montgomery form, by Bernstein and Yang's divisions in variable time. Zero stays zero.
    pub(super) fn invert(&self, a: &Limbs) -> Limbs {
        let number = |limbs: &Limbs| U384::from_le_slice(limbs.map(u64::to_le_bytes).as_flattened());
        let modulus = Odd::new(number(&self.limbs)).into_option();
        // Of a R, this finds 1/(a R); two entries make it R/a.
        let inverse = modulus.and_then(|modulus| number(a).invert_odd_mod_vartime(&modulus).into_option());
        inverse.map_or([0; 6], |inverse| self.enter(&self.enter(&from_bytes(&inverse.to_be_bytes().into()))))
    }
}

/// Half of a number, rounded down.
#[inline]
pub(super) fn half(value: &Limbs) -> Limbs {
    let [a0, a1, a2, a3, a4, a5] = *value;
    let shifted = |low: u64, high: u64| (low >> 1) | (high << 63);
    [shifted(a0, a1), shifted(a1, a2), shifted(a2, a3), shifted(a3, a4), shifted(a4, a5), shifted(a5, 0)]
}

/// Products and squares in the field, whose prime makes reduction cheap: shifts and additions instead of products.
pub(super) mod field {
    use super::{Limbs, P};

    /// `t + x b`, as the six low limbs and the top one.
    #[inline]
    fn row(x: u64, b: &Limbs, t: Limbs) -> (Limbs, u64) {
        let (r0, carry) = x.carrying_mul_add(b[0], t[0], 0);
        let (r1, carry) = x.carrying_mul_add(b[1], t[1], carry);
        let (r2, carry) = x.carrying_mul_add(b[2], t[2], carry);
        let (r3, carry) = x.carrying_mul_add(b[3], t[3], carry);
        let (r4, carry) = x.carrying_mul_add(b[4], t[4], carry);
        let (r5, carry) = x.carrying_mul_add(b[5], t[5], carry);
        ([r0, r1, r2, r3, r4, r5], carry)
    }

    /// Product of reduced field elements over 2^384.
    #[inline]
    pub(in super::super) fn multiply(a: &Limbs, b: &Limbs) -> Limbs {
        let ([p0, r1, r2, r3, r4, r5], top) = row(a[0], b, [0; 6]);
        let ([p1, r1, r2, r3, r4, r5], top) = row(a[1], b, [r1, r2, r3, r4, r5, top]);
        let ([p2, r1, r2, r3, r4, r5], top) = row(a[2], b, [r1, r2, r3, r4, r5, top]);
        let ([p3, r1, r2, r3, r4, r5], top) = row(a[3], b, [r1, r2, r3, r4, r5, top]);
        let ([p4, r1, r2, r3, r4, r5], top) = row(a[4], b, [r1, r2, r3, r4, r5, top]);
        let ([p5, r1, r2, r3, r4, r5], top) = row(a[5], b, [r1, r2, r3, r4, r5, top]);
        reduce([p0, p1, p2, p3, p4, p5], [r1, r2, r3, r4, r5, top])
    }

    /// Square of a reduced field element over 2^384.
    #[inline]
    pub(in super::super) fn square(a: &Limbs) -> Limbs {
        let [a0, a1, a2, a3, a4, a5] = *a;
        // Products of different limbs, once each.
        let (p1, carry) = a0.carrying_mul(a1, 0);
        let (p2, carry) = a0.carrying_mul(a2, carry);
        let (p3, carry) = a0.carrying_mul(a3, carry);
        let (p4, carry) = a0.carrying_mul(a4, carry);
        let (p5, p6) = a0.carrying_mul(a5, carry);
        let (p3, carry) = a1.carrying_mul_add(a2, p3, 0);
        let (p4, carry) = a1.carrying_mul_add(a3, p4, carry);
        let (p5, carry) = a1.carrying_mul_add(a4, p5, carry);
        let (p6, p7) = a1.carrying_mul_add(a5, p6, carry);
        let (p5, carry) = a2.carrying_mul_add(a3, p5, 0);
        let (p6, carry) = a2.carrying_mul_add(a4, p6, carry);
        let (p7, p8) = a2.carrying_mul_add(a5, p7, carry);
        let (p7, carry) = a3.carrying_mul_add(a4, p7, 0);
        let (p8, p9) = a3.carrying_mul_add(a5, p8, carry);
        let (p9, p10) = a4.carrying_mul_add(a5, p9, 0);
        // Twice that, plus the squares of limbs.
        let (s0, h0) = a0.carrying_mul(a0, 0);
        let (s2, h2) = a1.carrying_mul(a1, 0);
        let (s4, h4) = a2.carrying_mul(a2, 0);
        let (s6, h6) = a3.carrying_mul(a3, 0);
        let (s8, h8) = a4.carrying_mul(a4, 0);
        let (s10, h10) = a5.carrying_mul(a5, 0);
        let twice = |low: u64, high: u64| (high << 1) | (low >> 63);
        let (t1, carry) = twice(0, p1).carrying_add(h0, false);
        let (t2, carry) = twice(p1, p2).carrying_add(s2, carry);
        let (t3, carry) = twice(p2, p3).carrying_add(h2, carry);
        let (t4, carry) = twice(p3, p4).carrying_add(s4, carry);
        let (t5, carry) = twice(p4, p5).carrying_add(h4, carry);
        let (t6, carry) = twice(p5, p6).carrying_add(s6, carry);
        let (t7, carry) = twice(p6, p7).carrying_add(h6, carry);
        let (t8, carry) = twice(p7, p8).carrying_add(s8, carry);
        let (t9, carry) = twice(p8, p9).carrying_add(h8, carry);
        let (t10, carry) = twice(p9, p10).carrying_add(s10, carry);
        let (t11, _) = twice(p10, 0).carrying_add(h10, carry);
        reduce([s0, t1, t2, t3, t4, t5], [t6, t7, t8, t9, t10, t11])
    }

    /// Adds the multiple of the prime that clears the lowest two limbs, and drops those: one of three steps.
    ///
    /// With x = 2^32 the prime is 2^384 - m, m = x^4 + x^3 - x + 1, and its negative inverse modulo 2^128 = x^4 is
    /// 1 + x + x^2: shifts and additions do.
    #[inline(always)]
    fn step([t0, t1, t2, t3, t4, t5]: Limbs) -> Limbs {
        let t = join(t0, t1);
        let q = t.wrapping_add(t << 32).wrapping_add(t << 64);
        // q (x^3 - x + 1) is t in its low 128 bits, by the choice of q; above them are whole parts, a carry and a borrow.
        let (low, borrow) = (q << 96).overflowing_sub(q << 32);
        let (_, carry) = low.overflowing_add(q);
        let above = (q >> 32).wrapping_sub(q >> 96).wrapping_add(u128::from(carry)).wrapping_sub(u128::from(borrow));
        // q m over 2^128, with a carry out of 128 bits.
        let (product, over) = q.overflowing_add(above);
        let (low, borrow) = join(t2, t3).overflowing_sub(product);
        let (high, first) = join(t4, t5).overflowing_sub(u128::from(over));
        let (high, second) = high.overflowing_sub(u128::from(borrow));
        // Nothing is borrowed where q is zero, so this does not wrap.
        let top = q.wrapping_sub(u128::from(first | second));
        let ([u0, u1], [u2, u3], [u4, u5]) = (split(low), split(high), split(top));
        [u0, u1, u2, u3, u4, u5]
    }

    #[inline(always)]
    fn join(low: u64, high: u64) -> u128 {
        u128::from(low) | u128::from(high) << 64
    }

    #[inline(always)]
    fn split(value: u128) -> [u64; 2] {
        // The conversions cannot fail, and cost nothing.
        [value & u128::from(u64::MAX), value >> 64].map(|limb| u64::try_from(limb).unwrap_or_default())
    }

    /// A product of reduced elements over 2^384, reduced: it is below twice the prime before the last subtraction.
    #[inline(always)]
    fn reduce(low: Limbs, high: Limbs) -> Limbs {
        let (sum, carry) = super::add(&step(step(step(low))), &high);
        P.reduced(&sum, carry)
    }
}
