use p384::{
    NonZeroScalar, ProjectivePoint, Scalar,
    ecdsa::{Signature, SigningKey, VerifyingKey, signature::hazmat::PrehashVerifier},
    elliptic_curve::{PrimeField, sec1::ToSec1Point},
};
use proptest::prelude::*;

use super::{Multiples, point, verify};

fn ours(key: &VerifyingKey) -> Multiples {
    let encoded = key.to_sec1_point(false);
    let bytes = encoded.as_bytes();
    Multiples::new(&point(bytes[1..49].try_into().unwrap(), bytes[49..].try_into().unwrap()).unwrap())
}

fn scalar(bytes: [u8; 48]) -> NonZeroScalar {
    let scalar: Option<Scalar> = Scalar::from_repr(bytes.into()).into();
    scalar.and_then(|scalar| NonZeroScalar::new(scalar).into()).unwrap_or_else(|| small(1))
}

fn small(value: u64) -> NonZeroScalar {
    NonZeroScalar::new(Scalar::from(value)).unwrap()
}

/// Whether both implementations accept; they must agree.
fn agreed(key: &VerifyingKey, digest: &[u8; 48], r: &[u8; 48], s: &[u8; 48]) -> bool {
    let mine = verify(&ours(key), digest, r, s);
    if let Ok(signature) = Signature::from_scalars(*r, *s) {
        assert_eq!(key.verify_prehash(digest, &signature).is_ok(), mine);
    }
    mine
}

/// ECDSA with a chosen nonce, so that edge cases can be aimed at.
fn sign(secret: &NonZeroScalar, nonce: &NonZeroScalar, digest: &[u8; 48]) -> Option<([u8; 48], [u8; 48])> {
    let point = (ProjectivePoint::GENERATOR * **nonce).to_affine().to_sec1_point(false);
    let x: [u8; 48] = point.as_bytes()[1..49].try_into().unwrap();
    let r: Option<Scalar> = Scalar::from_repr(x.into()).into();
    let e: Option<Scalar> = Scalar::from_repr((*digest).into()).into();
    let (r, e) = (r?, e?);
    let s = nonce.invert().unwrap() * (e + r * **secret);
    Some((r.to_repr().into(), s.to_repr().into()))
}

#[test]
fn points_off_the_curve() {
    let key = SigningKey::from(small(7));
    let encoded = key.verifying_key().to_sec1_point(false);
    let (x, y) = encoded.as_bytes()[1..].split_at(48);
    let (x, mut y): ([u8; 48], [u8; 48]) = (x.try_into().unwrap(), y.try_into().unwrap());
    assert!(point(&x, &y).is_some());
    assert!(point(&y, &x).is_none());
    y[47] ^= 1;
    assert!(point(&x, &y).is_none());
    assert!(point(&[0; 48], &[0; 48]).is_none());
    assert!(point(&[0xFF; 48], &y).is_none());
}

/// Keys and nonces that are small multiples of the generator make the additions meet equal and opposite points.
#[test]
fn edge_cases_of_the_addition_law() {
    let one = Scalar::ONE;
    for secret in 1..7 {
        for secret in [*small(secret), -*small(secret)] {
            let secret = NonZeroScalar::new(secret).unwrap();
            let key = *SigningKey::from(secret).verifying_key();
            for nonce in 1..7 {
                for nonce in [*small(nonce), -*small(nonce), small(nonce).invert().unwrap()] {
                    let nonce = NonZeroScalar::new(nonce).unwrap();
                    for digest in [Scalar::ZERO, one, -one, Scalar::from(1_u64 << 40), *nonce] {
                        let digest: [u8; 48] = digest.to_repr().into();
                        let Some((r, s)) = sign(&secret, &nonce, &digest) else { continue };
                        if s == [0; 48] {
                            continue;
                        }
                        assert!(agreed(&key, &digest, &r, &s));
                        let mut other = digest;
                        other[47] ^= 1;
                        assert!(!agreed(&key, &other, &r, &s));
                    }
                }
            }
        }
    }
}

#[test]
fn sums_that_are_the_identity() {
    // u1 G + u2 Q = 0 exactly if e = -r d.
    let secret = small(5);
    let key = *SigningKey::from(secret).verifying_key();
    let r = Scalar::from(9_u64);
    let digest: [u8; 48] = (-(r * *secret)).to_repr().into();
    assert!(!agreed(&key, &digest, &r.to_repr().into(), &Scalar::from(4_u64).to_repr().into()));
}

#[test]
fn short_digests_are_padded() {
    let key = SigningKey::from(small(77));
    let digest = [0xC3; 32];
    let mut padded = [0; 48];
    padded[16..].copy_from_slice(&digest);
    let (r, s) = sign(&small(77), &small(991), &padded).unwrap();
    assert!(verify(&ours(key.verifying_key()), &digest, &r, &s));
    assert!(verify(&ours(key.verifying_key()), &padded, &r, &s));
    let signature = Signature::from_scalars(r, s).unwrap();
    assert!(key.verifying_key().verify_prehash(&digest, &signature).is_ok());
}

proptest! {
    #[test]
    fn agrees_with_the_reference(
        secret in any::<[u8; 48]>(),
        nonce in any::<[u8; 48]>(),
        digest in any::<[u8; 48]>(),
        flip in 0..144_usize,
    ) {
        let (secret, nonce) = (scalar(secret), scalar(nonce));
        let key = *SigningKey::from(secret).verifying_key();
        let Some((mut r, mut s)) = sign(&secret, &nonce, &digest) else { return Ok(()) };
        prop_assert!(agreed(&key, &digest, &r, &s));
        let mut digest = digest;
        match flip {
            0..48 => r[flip] ^= 1,
            48..96 => s[flip - 48] ^= 1,
            _ => digest[flip - 96] ^= 1,
        }
        prop_assert!(!agreed(&key, &digest, &r, &s));
    }
}
