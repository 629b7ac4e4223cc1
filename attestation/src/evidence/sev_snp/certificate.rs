//! AMD's certificates: ARK (self-signed) -> ASK or ASVK -> VCEK or VLEK.
//!
//! Source: AMD "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification". RSA keys have 4096
//! bits and sign with RSASSA-PSS, SHA-384 and a salt of 48 bytes; nothing else is tried, so that parameters written in a
//! certificate decide nothing.

use der::{Decode as _, Encode as _, Reader as _, SliceReader, asn1::UintRef, oid::ObjectIdentifier};
use p384::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
use rsa::{BigUint, RsaPublicKey, pss, traits::PublicKeyParts as _};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    certificate::{CertificateInner, Rfc5280},
    crl::CertificateList,
    ext::pkix::BasicConstraints,
};

use super::{Product, Role, SigningKeyKind, SnpError, SnpTcb};
use crate::bounded::Fixed;

const RSA_BITS: usize = 4096;
const RSA_EXPONENT: u32 = 65_537;
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const PRODUCT: &str = "1.3.6.1.4.1.3704.1.2";
const HARDWARE_ID: &str = "1.3.6.1.4.1.3704.1.4";
const TCB: [&str; 4] =
    ["1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.2", "1.3.6.1.4.1.3704.1.3.3", "1.3.6.1.4.1.3704.1.3.8"];
const TCB_FMC: &str = "1.3.6.1.4.1.3704.1.3.9";

/// One certificate, with the bytes that its issuer signed.
pub(super) struct Certificate<'a> {
    role: Role,
    parsed: CertificateInner<Rfc5280>,
    signed: &'a [u8],
}

/// The first element of a DER sequence, as it stands: what was signed, not a re-encoding of it.
fn signed_part(bytes: &[u8]) -> Result<&[u8], der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let header = der::Header::decode(&mut reader)?;
    header.tag().assert_eq(der::Tag::Sequence)?;
    reader.tlv_bytes()
}

impl<'a> Certificate<'a> {
    pub(super) fn read(role: Role, bytes: &'a [u8]) -> Result<Self, SnpError> {
        let malformed = SnpError::CertificateMalformed { role };
        let parsed = CertificateInner::from_der(bytes).map_err(|_| malformed.clone())?;
        let signed = signed_part(bytes).map_err(|_| malformed)?;
        Ok(Self { role, parsed, signed })
    }

    fn rsa_key(&self) -> Result<RsaPublicKey, SnpError> {
        let wrong = || SnpError::CertificateKey { role: self.role, expected: "RSA with 4096 bits and exponent 65537" };
        let info = self.parsed.tbs_certificate().subject_public_key_info();
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(wrong());
        }
        // RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017, A.1.1)
        let key = rsa_numbers(info.subject_public_key.raw_bytes())
            .ok()
            .and_then(|(modulus, exponent)| {
                RsaPublicKey::new(BigUint::from_bytes_be(&modulus), BigUint::from_bytes_be(&exponent)).ok()
            })
            .ok_or_else(wrong)?;
        if key.n().bits() != RSA_BITS || *key.e() != BigUint::from(RSA_EXPONENT) {
            return Err(wrong());
        }
        Ok(key)
    }

    fn p384_key(&self) -> Result<VerifyingKey, SnpError> {
        let wrong = || SnpError::CertificateKey { role: self.role, expected: "a point of P-384" };
        let info = self.parsed.tbs_certificate().subject_public_key_info();
        let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
        if info.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SECP384R1) {
            return Err(wrong());
        }
        VerifyingKey::from_sec1_bytes(info.subject_public_key.raw_bytes()).map_err(|_| wrong())
    }

    /// Dates as milliseconds: first moment, first moment after.
    fn check_dates(&self, at: u64) -> Result<u64, SnpError> {
        let validity = self.parsed.tbs_certificate().validity();
        let not_before = milliseconds(validity.not_before);
        let not_after = milliseconds(validity.not_after);
        if at < not_before || at >= not_after {
            return Err(SnpError::CertificateDates { role: self.role, not_before, not_after, at });
        }
        Ok(not_after)
    }

    fn check_authority(&self, expected: bool) -> Result<(), SnpError> {
        let wrong = || SnpError::CertificateConstraints { role: self.role };
        let constraints = match self.extension(BASIC_CONSTRAINTS)? {
            Some(value) => BasicConstraints::from_der(value).map_err(|_| wrong())?.ca,
            None => false,
        };
        if constraints == expected { Ok(()) } else { Err(wrong()) }
    }

    fn check_issued_by(&self, issuer: &Self, key: &RsaPublicKey) -> Result<(), SnpError> {
        let tbs = self.parsed.tbs_certificate();
        if tbs.issuer() != issuer.parsed.tbs_certificate().subject() {
            return Err(SnpError::CertificateIssuer { role: self.role });
        }
        let algorithm = self.parsed.signature_algorithm();
        let agree = tbs.signature() == algorithm && algorithm.oid == RSASSA_PSS;
        let signature = self.parsed.signature();
        if !agree || signature.unused_bits() != 0 || !verify_pss(key, self.signed, signature.raw_bytes()) {
            return Err(SnpError::CertificateSignature { role: self.role });
        }
        Ok(())
    }

    /// The value of an extension that occurs at most once.
    fn extension(&self, oid: ObjectIdentifier) -> Result<Option<&[u8]>, SnpError> {
        let extensions = self.parsed.tbs_certificate().extensions();
        let mut found = extensions.into_iter().flatten().filter(|extension| extension.extn_id == oid);
        let first = found.next().map(|extension| extension.extn_value.as_bytes());
        match found.next() {
            Some(_) => Err(SnpError::CertificateMalformed { role: self.role }),
            None => Ok(first),
        }
    }

    fn required(&self, oid: &'static str) -> Result<&[u8], SnpError> {
        let missing = SnpError::Extension { oid };
        let id = ObjectIdentifier::new(oid).map_err(|_| missing.clone())?;
        self.extension(id)?.ok_or(missing)
    }

    fn small_integer(&self, oid: &'static str) -> Result<u8, SnpError> {
        u8::from_der(self.required(oid)?).map_err(|_| SnpError::Extension { oid })
    }

    fn common_name(&self) -> Option<String> {
        let name = self.parsed.tbs_certificate().subject();
        let value = name.iter().find(|attribute| attribute.oid == COMMON_NAME)?;
        String::from_utf8(value.value.value().to_vec()).ok()
    }
}

fn rsa_numbers(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let numbers = reader.sequence(|reader| -> Result<_, der::Error> {
        let modulus: UintRef<'_> = UintRef::decode(reader)?;
        let exponent: UintRef<'_> = UintRef::decode(reader)?;
        Ok((modulus.as_bytes().to_vec(), exponent.as_bytes().to_vec()))
    })?;
    reader.finish()?;
    Ok(numbers)
}

fn verify_pss(key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> bool {
    use rsa::signature::Verifier as _;
    // `new` fixes the salt to the length of the digest.
    let verifier = pss::VerifyingKey::<rsa::sha2::Sha384>::new(key.clone());
    pss::Signature::try_from(signature).is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
}

fn milliseconds(time: x509_cert::time::Time) -> u64 {
    time.to_unix_duration().as_secs().saturating_mul(1000)
}

/// A chain that leads to a pinned root.
pub(super) struct Chain {
    pub(super) product: Product,
    pub(super) key_kind: SigningKeyKind,
    key: VerifyingKey,
    /// TCB of the certificate.
    pub(super) tcb: SnpTcb,
    /// Chip id of a VCEK, zero-padded to 64 bytes.
    pub(super) chip_id: Option<[u8; 64]>,
    /// First moment at which something in it no longer counts, milliseconds.
    pub(super) not_after: u64,
}

/// The certificates in DER, and the root's revocation list.
pub(super) struct Material<'a> {
    pub(super) ark: &'a [u8],
    pub(super) ask: &'a [u8],
    pub(super) endorsement: &'a [u8],
    pub(super) crl: Option<&'a [u8]>,
}

/// Verifies a chain at `at` (milliseconds). `product_of` gives the product of a pinned root by its key's SHA-256.
pub(super) fn verify(
    material: &Material<'_>,
    product_of: impl FnOnce(&Fixed<32>) -> Option<Product>,
    at: u64,
) -> Result<Chain, SnpError> {
    let ark = Certificate::read(Role::Ark, material.ark)?;
    let ask = Certificate::read(Role::Ask, material.ask)?;
    let endorsement = Certificate::read(Role::Endorsement, material.endorsement)?;
    let info = ark.parsed.tbs_certificate().subject_public_key_info();
    let info = info.to_der().map_err(|_| SnpError::CertificateMalformed { role: Role::Ark })?;
    let got = Fixed(Sha256::digest(info).into());
    let product = product_of(&got).ok_or(SnpError::RootNotPinned { got })?;
    let (ark_key, ask_key) = (ark.rsa_key()?, ask.rsa_key()?);
    let key = endorsement.p384_key()?;
    ark.check_authority(true)?;
    ask.check_authority(true)?;
    endorsement.check_authority(false)?;
    ark.check_issued_by(&ark, &ark_key)?;
    ask.check_issued_by(&ark, &ark_key)?;
    endorsement.check_issued_by(&ask, &ask_key)?;
    let mut not_after = ark.check_dates(at)?.min(ask.check_dates(at)?).min(endorsement.check_dates(at)?);
    if let Some(crl) = material.crl {
        not_after = not_after.min(check_crl(crl, &ark, &ark_key, &ask, at)?);
    }
    let key_kind = match endorsement.common_name().as_deref() {
        Some("SEV-VCEK") => SigningKeyKind::Vcek,
        Some("SEV-VLEK") => SigningKeyKind::Vlek,
        _ => return Err(SnpError::CertificateMalformed { role: Role::Endorsement }),
    };
    check_product(&endorsement, product)?;
    let [bootloader, tee, snp, microcode] = TCB;
    let tcb = SnpTcb {
        fmc: if product == Product::Turin { endorsement.small_integer(TCB_FMC)? } else { 0 },
        bootloader: endorsement.small_integer(bootloader)?,
        tee: endorsement.small_integer(tee)?,
        snp: endorsement.small_integer(snp)?,
        microcode: endorsement.small_integer(microcode)?,
    };
    let chip_id = match key_kind {
        SigningKeyKind::Vcek => Some(hardware_id(endorsement.required(HARDWARE_ID)?, product)?),
        SigningKeyKind::Vlek => None,
    };
    Ok(Chain { product, key_kind, key, tcb, chip_id, not_after })
}

impl Chain {
    /// Whether the chain's key signed these bytes; `r` and `s` big-endian.
    pub(super) fn signed(&self, bytes: &[u8], (r, s): ([u8; 48], [u8; 48])) -> bool {
        Signature::from_scalars(r, s).is_ok_and(|signature| self.key.verify(bytes, &signature).is_ok())
    }
}

/// `Milan-B0`, `Genoa`, `Turin`: the stepping after the dash says nothing here.
fn check_product(endorsement: &Certificate<'_>, expected: Product) -> Result<(), SnpError> {
    let malformed = SnpError::Extension { oid: PRODUCT };
    let text = der::asn1::Ia5StringRef::from_der(endorsement.required(PRODUCT)?).map_err(|_| malformed)?;
    let name = text.as_str().split('-').next();
    if name == Some(expected.name()) { Ok(()) } else { Err(SnpError::AnotherProduct { expected }) }
}

/// 64 bytes, on Turin 8; newer certificates wrap them in an OCTET STRING.
fn hardware_id(value: &[u8], product: Product) -> Result<[u8; 64], SnpError> {
    let length = if product == Product::Turin { 8 } else { 64 };
    let value = match value.split_first_chunk() {
        Some(([0x04, wrapped], rest)) if usize::from(*wrapped) == length && rest.len() == length => rest,
        _ => value,
    };
    if value.len() != length {
        return Err(SnpError::Extension { oid: HARDWARE_ID });
    }
    let mut id = [0; 64];
    for (target, source) in id.iter_mut().zip(value) {
        *target = *source;
    }
    Ok(id)
}

/// The ARK's list names ASKs and ASVKs. VCEKs all have serial number 0 and are revoked by chip id in the policy.
fn check_crl(
    bytes: &[u8],
    ark: &Certificate<'_>,
    ark_key: &RsaPublicKey,
    ask: &Certificate<'_>,
    at: u64,
) -> Result<u64, SnpError> {
    let list: CertificateList<Rfc5280> = CertificateList::from_der(bytes).map_err(|_| SnpError::CrlMalformed)?;
    let signed = signed_part(bytes).map_err(|_| SnpError::CrlMalformed)?;
    let content = &list.tbs_cert_list;
    if content.issuer != *ark.parsed.tbs_certificate().subject() {
        return Err(SnpError::CrlIssuer);
    }
    let agree = content.signature == list.signature_algorithm && list.signature_algorithm.oid == RSASSA_PSS;
    if !agree || list.signature.unused_bits() != 0 || !verify_pss(ark_key, signed, list.signature.raw_bytes()) {
        return Err(SnpError::CrlSignature);
    }
    let this_update = milliseconds(content.this_update);
    let next_update = milliseconds(content.next_update.ok_or(SnpError::CrlMalformed)?);
    if at < this_update || at >= next_update {
        return Err(SnpError::CrlDates { this_update, next_update, at });
    }
    for entry in content.revoked_certificates.iter().flatten() {
        // A critical entry extension may move the entry to another issuer (RFC 5280, section 5.3.3).
        if entry.crl_entry_extensions.iter().flatten().any(|extension| extension.critical) {
            return Err(SnpError::CrlMalformed);
        }
        for (role, certificate) in [(Role::Ark, ark), (Role::Ask, ask)] {
            if entry.serial_number == *certificate.parsed.tbs_certificate().serial_number() {
                return Err(SnpError::CertificateRevoked { role });
            }
        }
    }
    Ok(next_update)
}
