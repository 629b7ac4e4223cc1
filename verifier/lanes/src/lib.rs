//! Arithmetic in the fields of BN254, eight elements at once, where the processor multiplies 52 bits by 52 in eight lanes
//! (AVX-512 IFMA).
//!
//! The prover computes with vectors; the verifier, which has no unsafe code, asks for powers ([`raise`]) and checks them.
//! Functions with target features may be called where `supported` says so, and nowhere else; beyond that nothing is unsafe.

#[cfg(target_arch = "x86_64")]
mod arithmetic;
mod power;
#[cfg(target_arch = "x86_64")]
mod shape;

#[cfg(target_arch = "x86_64")]
pub use self::arithmetic::{
    Lanes, Limbs, Vector, Words, add, all, array, carried, element, factor, gathered, packed, supported, unpacked,
    vector, words,
};
pub use self::power::raise;
#[cfg(target_arch = "x86_64")]
pub use self::shape::{limbs_of, transposed, words_of};

use halo2_proofs::halo2curves::bn256::{Fq, Fr};
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::halo2curves::serde::SerdeObject;

/// Limbs of a number.
pub const LIMBS: usize = 5;
/// Lanes of a vector.
pub const LANES: usize = 8;

/// A field that is computed in.
pub trait Prime: Field + SerdeObject {
    /// Its order, the least word first.
    const ORDER: [u64; 4];
}

impl Prime for Fr {
    const ORDER: [u64; 4] =
        [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
}

impl Prime for Fq {
    const ORDER: [u64; 4] =
        [0x3c20_8c16_d87c_fd47, 0x9781_6a91_6871_ca8d, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
}
