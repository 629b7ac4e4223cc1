//! An AMD processor that nobody made: its own ARK, ASK, VCEK or VLEK, revocation list and reports.
//!
//! Every signature is real. Fields are open so that tests can bend one at a time; the rest stays consistent. The two
//! RSA keys are fixed (`keys/README.md`), everything else is derived from the seed.

use p384::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rsa::{
    RsaPrivateKey, RsaPublicKey, pkcs1::DecodeRsaPrivateKey as _, pss, signature::RandomizedSigner as _,
    signature::SignatureEncoding as _, traits::PublicKeyParts as _,
};
use sha2::{Digest as _, Sha256};

use super::asn1::{self, Certificate, Signer, context, integer, oid, sequence, tlv};
use crate::{
    bounded::{BoundError, Bytes, Fixed},
    evidence::sev_snp::{Product, SigningKeyKind, SnpCollateral, SnpEvidence, SnpRoot, SnpTcb},
};

const ARK_KEY: &[u8] = include_bytes!("keys/snp-ark.der");
const ASK_KEY: &[u8] = include_bytes!("keys/snp-ask.der");
const ARK: &str = "Synthetic ARK";
const ASK: &str = "Synthetic ASK";
const ASK_SERIAL: [u8; 3] = [1, 0, 1];
const AMD: &str = "1.3.6.1.4.1.3704.1";

/// The processor, its certificates, and a guest's report.
#[derive(Clone, Debug)]
pub struct SyntheticSnp {
    /// From which its signing key is derived.
    pub seed: [u8; 32],
    /// Product of root and certificate.
    pub product: Product,
    /// Product that the certificate states.
    pub certificate_product: &'static str,
    /// Format version of the report.
    pub version: u32,
    /// Family and model in the report.
    pub cpu: (u8, u8),
    /// Guest policy.
    pub policy: u64,
    /// Privilege level.
    pub vmpl: u32,
    /// Kind of key that the report states.
    pub key_kind: SigningKeyKind,
    /// Kind of key that the certificate is.
    pub certificate_kind: SigningKeyKind,
    /// What the guest chose.
    pub report_data: [u8; 64],
    /// Launch measurement.
    pub measurement: [u8; 48],
    /// Chip id in the report.
    pub chip_id: [u8; 64],
    /// Chip id in the certificate.
    pub certificate_chip: [u8; 64],
    /// TCB in the certificate.
    pub certificate_tcb: SnpTcb,
    /// What runs.
    pub current: SnpTcb,
    /// What the report says the key stands for.
    pub reported: SnpTcb,
    /// Below what the platform cannot return.
    pub committed: SnpTcb,
    /// What ran at launch.
    pub launch: SnpTcb,
    /// Begin and end of the certificates, seconds since the epoch.
    pub validity: (u64, u64),
    /// Begin and end of the revocation list, seconds; `None` for no list.
    pub crl_window: Option<(u64, u64)>,
    /// Whether the list names the ASK.
    pub ask_revoked: bool,
    /// Issuer that the list names.
    pub crl_issuer: &'static str,
    /// Length of the salt with which certificates are signed, bytes; AMD's is 48.
    pub salt_bytes: usize,
    /// Whether the ASK is marked as an authority.
    pub ask_is_authority: bool,
    /// Writes the report's signature big-endian, as everybody but AMD does.
    pub big_endian_signature: bool,
}

impl SyntheticSnp {
    /// A Milan processor with a VCEK; certificates are valid from `issued_at` (seconds) for a year.
    #[must_use]
    pub fn new(seed: [u8; 32], issued_at: u64) -> Self {
        let tcb = SnpTcb { fmc: 0, bootloader: 3, tee: 0, snp: 8, microcode: 115 };
        let mut chip_id = [0; 64];
        blake3::Hasher::new_derive_key("synthetic snp chip").update(&seed).finalize_xof().fill(&mut chip_id);
        Self {
            seed,
            product: Product::Milan,
            certificate_product: "Milan-B0",
            version: 3,
            cpu: (0x19, 0x01),
            policy: 0x3_0000,
            vmpl: 0,
            key_kind: SigningKeyKind::Vcek,
            certificate_kind: SigningKeyKind::Vcek,
            report_data: [0; 64],
            measurement: [0x77; 48],
            chip_id,
            certificate_chip: chip_id,
            certificate_tcb: tcb,
            current: tcb,
            reported: tcb,
            committed: tcb,
            launch: tcb,
            validity: (issued_at, issued_at.saturating_add(31_536_000)),
            crl_window: None,
            ask_revoked: false,
            crl_issuer: ARK,
            salt_bytes: 48,
            ask_is_authority: true,
            big_endian_signature: false,
        }
    }

    /// The root, for a policy's pins.
    #[must_use]
    pub fn root(&self) -> SnpRoot {
        SnpRoot { product: self.product, key: Fixed(Sha256::digest(rsa_key_info(&rsa_key(ARK_KEY))).into()) }
    }

    /// The report and its certificate.
    ///
    /// # Errors
    /// [`BoundError`] if one were too long.
    pub fn evidence(&self) -> Result<SnpEvidence, BoundError> {
        Ok(SnpEvidence { report: Bytes::new(self.report())?, certificate: Bytes::new(self.endorsement())? })
    }

    /// The certificates above, and the list.
    ///
    /// # Errors
    /// [`BoundError`] if one were too long.
    pub fn collateral(&self) -> Result<SnpCollateral, BoundError> {
        let crl = self.crl_window.map(|window| {
            let revoked = if self.ask_revoked { vec![ASK_SERIAL.to_vec()] } else { vec![] };
            self.sign_with(ARK_KEY, |signer| asn1::revocation_list(self.crl_issuer, window, &revoked, signer))
        });
        Ok(SnpCollateral {
            ark: Bytes::new(self.authority(ARK, ARK, &[1], ARK_KEY, ARK_KEY, true))?,
            ask: Bytes::new(self.authority(ARK, ASK, &ASK_SERIAL, ASK_KEY, ARK_KEY, self.ask_is_authority))?,
            crl: crl.map(Bytes::new).transpose()?,
        })
    }

    fn key(&self) -> SigningKey {
        (0_u8..=u8::MAX)
            .find_map(|attempt| {
                let mut bytes = [0; 48];
                let mut hasher = blake3::Hasher::new_derive_key("synthetic snp key");
                hasher.update(&self.seed).update(&[attempt]).finalize_xof().fill(&mut bytes);
                SigningKey::from_slice(&bytes).ok()
            })
            .unwrap_or_else(|| unreachable!("256 hashes outside the group order"))
    }

    fn authority(
        &self,
        issuer: &str,
        subject: &str,
        serial: &[u8],
        key: &[u8],
        issuer_key: &[u8],
        is_authority: bool,
    ) -> Vec<u8> {
        let key = rsa_key_info(&rsa_key(key));
        let (validity, extensions) = (self.validity, vec![]);
        let certificate = Certificate { serial, issuer, subject, validity, key, is_authority, extensions };
        self.sign_with(issuer_key, |signer| certificate.sign(signer))
    }

    fn endorsement(&self) -> Vec<u8> {
        let tcb = self.certificate_tcb;
        let mut extensions = vec![(format!("{AMD}.2"), tlv(0x16, self.certificate_product.as_bytes()))];
        for (number, value) in [(1, tcb.bootloader), (2, tcb.tee), (3, tcb.snp), (8, tcb.microcode)] {
            extensions.push((format!("{AMD}.3.{number}"), integer(&[value])));
        }
        if self.product == Product::Turin {
            extensions.push((format!("{AMD}.3.9"), integer(&[tcb.fmc])));
        }
        let subject = match self.certificate_kind {
            SigningKeyKind::Vcek => {
                let length = if self.product == Product::Turin { 8 } else { 64 };
                let chip = self.certificate_chip.iter().copied().take(length).collect();
                extensions.push((format!("{AMD}.4"), chip));
                "SEV-VCEK"
            }
            SigningKeyKind::Vlek => "SEV-VLEK",
        };
        let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.3.132.0.34")]);
        let point = self.key().verifying_key().to_sec1_point(false);
        let key = sequence(&[algorithm, asn1::bits(point.as_bytes())]);
        let (issuer, validity, is_authority) = (ASK, self.validity, false);
        let certificate = Certificate { serial: &[0], issuer, subject, validity, key, is_authority, extensions };
        self.sign_with(ASK_KEY, |signer| certificate.sign(signer))
    }

    fn report(&self) -> Vec<u8> {
        let kind: u32 = match self.key_kind {
            SigningKeyKind::Vcek => 0,
            SigningKeyKind::Vlek => 1 << 2,
        };
        let mut report = vec![0_u8; 1184];
        let mut put = |offset: usize, bytes: &[u8]| {
            for (target, source) in report.iter_mut().skip(offset).zip(bytes) {
                *target = *source;
            }
        };
        put(0x00, &self.version.to_le_bytes());
        put(0x08, &self.policy.to_le_bytes());
        put(0x30, &self.vmpl.to_le_bytes());
        put(0x34, &1_u32.to_le_bytes());
        put(0x38, &self.tcb_bytes(self.current));
        put(0x48, &kind.to_le_bytes());
        put(0x50, &self.report_data);
        put(0x90, &self.measurement);
        put(0x180, &self.tcb_bytes(self.reported));
        put(0x188, &[self.cpu.0, self.cpu.1, 1]);
        put(0x1a0, &self.chip_id);
        put(0x1e0, &self.tcb_bytes(self.committed));
        put(0x1f0, &self.tcb_bytes(self.launch));
        let signature: Signature = self.key().sign(report.get(..0x2a0).unwrap_or_default());
        let (r, s) = signature.split_bytes();
        for (offset, scalar) in [(0x2a0, r), (0x2e8, s)] {
            let scalar: Vec<u8> =
                if self.big_endian_signature { scalar.to_vec() } else { scalar.iter().rev().copied().collect() };
            for (target, source) in report.iter_mut().skip(offset).zip(scalar) {
                *target = source;
            }
        }
        report
    }

    const fn tcb_bytes(&self, tcb: SnpTcb) -> [u8; 8] {
        let SnpTcb { fmc, bootloader, tee, snp, microcode } = tcb;
        match self.product {
            Product::Milan | Product::Genoa => [bootloader, tee, 0, 0, 0, 0, snp, microcode],
            Product::Turin => [fmc, bootloader, tee, snp, 0, 0, 0, microcode],
        }
    }

    fn sign_with(&self, key: &[u8], write: impl FnOnce(&Signer<'_>) -> Vec<u8>) -> Vec<u8> {
        let key = pss::SigningKey::<rsa::sha2::Sha384>::new_with_salt_len(rsa_key(key), self.salt_bytes);
        let sign = |bytes: &[u8]| -> Vec<u8> {
            let mut salts = Salts(blake3::Hasher::new_derive_key("synthetic snp salt").update(bytes).finalize_xof());
            key.sign_with_rng(&mut salts, bytes).to_vec()
        };
        let hash = sequence(&[oid("2.16.840.1.101.3.4.2.2")]);
        let mask = sequence(&[oid("1.2.840.113549.1.1.8"), hash.clone()]);
        let salt = integer(&[u8::try_from(self.salt_bytes).unwrap_or(u8::MAX)]);
        let parameters = sequence(&[context(0, &hash), context(1, &mask), context(2, &salt)]);
        write(&Signer { algorithm: sequence(&[oid("1.2.840.113549.1.1.10"), parameters]), sign: &sign })
    }
}

/// Salts that depend on the message alone, so that the same fields give the same bytes.
struct Salts(blake3::OutputReader);

impl rand_core::RngCore for Salts {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for Salts {}

fn rsa_key(der: &[u8]) -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs1_der(der).unwrap_or_else(|_| unreachable!("the fixed keys are valid"))
}

fn rsa_key_info(key: &RsaPrivateKey) -> Vec<u8> {
    let public = RsaPublicKey::from(key);
    let numbers = sequence(&[integer(&public.n().to_bytes_be()), integer(&public.e().to_bytes_be())]);
    sequence(&[sequence(&[oid("1.2.840.113549.1.1.1"), tlv(0x05, &[])]), asn1::bits(&numbers)])
}
