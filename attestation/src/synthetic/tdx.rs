//! A TDX platform that nobody made: its own root, PCK chain, quoting enclave, collateral and quotes.
//!
//! Every signature is real, so it differs from a genuine platform only in the root. Fields are open so that tests can
//! bend one at a time; the rest stays consistent.

use p256::ecdsa::{DerSignature, Signature, SigningKey, signature::Signer as _};
use sha2::{Digest as _, Sha256};

use super::asn1::{self, Certificate, Signer, integer, octets, oid, rfc3339, sequence, tlv};
use crate::{
    bounded::{BoundError, Bytes, Fixed},
    evidence::tdx::{TdxCollateral, TdxEvidence, TdxLaunch, quote::INTEL_VENDOR},
};

const ROOT: &str = "Synthetic TDX root";
const PCK_AUTHORITY: &str = "Synthetic PCK Platform CA";
const AUTHENTICATION: [u8; 32] = [0x5a; 32];
const SGX_EXTENSION: &str = "1.2.840.113741.1.13.1";
const SERIAL_AUTHORITY: [u8; 1] = [2];
const SERIAL_PCK: [u8; 1] = [3];
const SERIAL_TCB: [u8; 1] = [4];

/// Which certificate a revocation list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The platform's own.
    Pck,
    /// Its issuer.
    PckAuthority,
    /// The signer of TCB info and quoting-enclave identity.
    TcbSigner,
}

/// A platform and what Intel would publish about it.
#[derive(Clone, Debug)]
pub struct SyntheticTdx {
    /// From which all its keys are derived.
    pub seed: [u8; 32],
    /// Quote format version.
    pub version: u16,
    /// TDATTRIBUTES.
    pub attributes: u64,
    /// What runs.
    pub launch: TdxLaunch,
    /// What the software chose.
    pub report_data: [u8; 64],
    /// Vendor id in the quote's header.
    pub vendor: [u8; 16],
    /// Signer of the quoting enclave.
    pub qe_signer: [u8; 32],
    /// Product id of the quoting enclave.
    pub qe_product: u16,
    /// Version of the quoting enclave.
    pub qe_version: u16,
    /// Status that the quoting-enclave identity gives every version from 4 on.
    pub qe_status: &'static str,
    /// Status of the platform's TCB level.
    pub tcb_status: &'static str,
    /// Date of that level, seconds since the epoch.
    pub tcb_date: u64,
    /// Advisories of that level.
    pub advisories: Vec<String>,
    /// Least PCE version of that level; the platform has 11.
    pub pce_version_min: u16,
    /// tcbEvaluationDataNumber.
    pub evaluation_number: u32,
    /// Issue of the collateral, seconds since the epoch.
    pub issued_at: u64,
    /// End of the collateral, seconds since the epoch.
    pub expires_at: u64,
    /// Platform type of the PCK certificate.
    pub fmspc: [u8; 6],
    /// Platform type of the TCB info.
    pub tcb_fmspc: [u8; 6],
    /// Id of the processor package.
    pub ppid: [u8; 16],
    /// What is revoked.
    pub revoked: Option<Revoked>,
}

impl SyntheticTdx {
    /// An up-to-date platform; its collateral is issued at `issued_at` (seconds) and lasts 30 days.
    #[must_use]
    pub fn new(seed: [u8; 32], issued_at: u64) -> Self {
        let ppid = *blake3::derive_key("synthetic tdx ppid", &seed).first_chunk().unwrap_or(&[1; 16]);
        Self {
            seed,
            version: 4,
            attributes: 1 << 28,
            launch: TdxLaunch { mrtd: Fixed([0x11; 48]), rtmr: [0x20, 0x21, 0x22, 0x23].map(|byte| Fixed([byte; 48])) },
            report_data: [0; 64],
            vendor: INTEL_VENDOR,
            qe_signer: [0xdc; 32],
            qe_product: 2,
            qe_version: 4,
            qe_status: "UpToDate",
            tcb_status: "UpToDate",
            tcb_date: issued_at.saturating_sub(86_400),
            advisories: Vec::new(),
            pce_version_min: 11,
            evaluation_number: 17,
            issued_at,
            expires_at: issued_at.saturating_add(30 * 86_400),
            fmspc: [0xb0, 0xc0, 0x6f, 0, 0, 0],
            tcb_fmspc: [0xb0, 0xc0, 0x6f, 0, 0, 0],
            ppid,
            revoked: None,
        }
    }

    /// SHA-256 of the root certificate, for a policy's pins.
    #[must_use]
    pub fn root(&self) -> Fixed<32> {
        Fixed(Sha256::digest(self.root_certificate()).into())
    }

    /// The quote.
    ///
    /// # Errors
    /// [`BoundError`] if it were too long.
    pub fn evidence(&self) -> Result<TdxEvidence, BoundError> {
        Ok(TdxEvidence { quote: Bytes::new(self.quote())? })
    }

    /// What goes with it.
    ///
    /// # Errors
    /// [`BoundError`] if a document were too long.
    pub fn collateral(&self) -> Result<TdxCollateral, BoundError> {
        let (root, authority, signer) = (self.key("root"), self.key("authority"), self.key("tcb"));
        let window = (self.issued_at, self.expires_at);
        let revoked = |which, serial: &[u8]| if self.revoked == Some(which) { vec![serial.to_vec()] } else { vec![] };
        let root_revoked =
            [revoked(Revoked::PckAuthority, &SERIAL_AUTHORITY), revoked(Revoked::TcbSigner, &SERIAL_TCB)];
        let root_crl = with_signer(&root, |sign| asn1::revocation_list(ROOT, window, &root_revoked.concat(), sign));
        let pck_revoked = revoked(Revoked::Pck, &SERIAL_PCK);
        let pck_crl = with_signer(&authority, |sign| asn1::revocation_list(PCK_AUTHORITY, window, &pck_revoked, sign));
        let signing = self.certificate(&root, ROOT, "Synthetic TCB signing", &SERIAL_TCB, &signer, false, vec![]);
        let chain = pem(&[signing, self.root_certificate()]);
        let (tcb_info, qe_identity) = (self.tcb_info(), self.qe_identity());
        let sign = |text: &str| -> Signature { signer.sign(text.as_bytes()) };
        Ok(TdxCollateral {
            root_crl: Bytes::new(root_crl)?,
            pck_crl: Bytes::new(pck_crl)?,
            tcb_info_signature: Bytes::new(sign(&tcb_info).to_bytes().to_vec())?,
            tcb_info: Bytes::new(tcb_info)?,
            tcb_info_chain: Bytes::new(chain.clone())?,
            qe_identity_signature: Bytes::new(sign(&qe_identity).to_bytes().to_vec())?,
            qe_identity: Bytes::new(qe_identity)?,
            qe_identity_chain: Bytes::new(chain)?,
        })
    }

    fn key(&self, role: &str) -> SigningKey {
        let material = [self.seed.as_slice(), role.as_bytes()].concat();
        (0_u8..=u8::MAX)
            .find_map(|attempt| {
                let bytes = blake3::derive_key("synthetic tdx key", &[material.as_slice(), &[attempt]].concat());
                SigningKey::from_slice(&bytes).ok()
            })
            .unwrap_or_else(|| unreachable!("256 hashes outside the group order"))
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a certificate")]
    fn certificate(
        &self,
        issuer_key: &SigningKey,
        issuer: &str,
        subject: &str,
        serial: &[u8],
        key: &SigningKey,
        is_authority: bool,
        extensions: Vec<(String, Vec<u8>)>,
    ) -> Vec<u8> {
        let validity = (self.issued_at.saturating_sub(31_536_000), self.issued_at.saturating_add(315_360_000));
        let key = public_key_info(key);
        let certificate = Certificate { serial, issuer, subject, validity, key, is_authority, extensions };
        with_signer(issuer_key, |sign| certificate.sign(sign))
    }

    fn root_certificate(&self) -> Vec<u8> {
        let root = self.key("root");
        self.certificate(&root, ROOT, ROOT, &[1], &root, true, vec![])
    }

    fn pck_chain(&self) -> Vec<u8> {
        let (root, authority, pck) = (self.key("root"), self.key("authority"), self.key("pck"));
        let item = |suffix: &str, value: Vec<u8>| sequence(&[oid(&format!("{SGX_EXTENSION}.{suffix}")), value]);
        let mut tcb: Vec<Vec<u8>> = (1..=16).map(|index| item(&format!("2.{index}"), integer(&[2]))).collect();
        tcb.push(item("2.17", integer(&[11])));
        tcb.push(item("2.18", octets(&[2; 16])));
        let extension = sequence(&[
            item("1", octets(&self.ppid)),
            item("2", sequence(&tcb)),
            item("3", octets(&[0, 0])),
            item("4", octets(&self.fmspc)),
            item("5", tlv(0x0a, &[1])),
        ]);
        let extensions = vec![(SGX_EXTENSION.to_owned(), extension)];
        pem(&[
            self.certificate(&authority, PCK_AUTHORITY, "Synthetic PCK", &SERIAL_PCK, &pck, false, extensions),
            self.certificate(&root, ROOT, PCK_AUTHORITY, &SERIAL_AUTHORITY, &authority, true, vec![]),
            self.root_certificate(),
        ])
    }

    fn quote(&self) -> Vec<u8> {
        let (attestation, pck) = (self.key("attestation"), self.key("pck"));
        let header = [
            self.version.to_le_bytes().as_slice(),
            &2_u16.to_le_bytes(),
            &0x81_u32.to_le_bytes(),
            &[0; 4],
            &self.vendor,
            &[0; 20],
        ]
        .concat();
        let rtmr: Vec<u8> = self.launch.rtmr.iter().flat_map(|value| value.0).collect();
        // TEE_TCB_SVN: module version 0, so that the TCB level alone decides.
        let module = [[3, 0].as_slice(), &[3; 14], &[0x44; 48], &[0; 48], &[0; 8]].concat();
        let mut body = [
            module.as_slice(),
            &self.attributes.to_le_bytes(),
            &[0xe7, 0, 6, 0, 0, 0, 0, 0],
            &self.launch.mrtd.0,
            &[0; 144],
            &rtmr,
            &self.report_data,
        ]
        .concat();
        if self.version == 5 {
            let mut framed = [3_u16.to_le_bytes().as_slice(), &648_u32.to_le_bytes(), &body].concat();
            framed.extend_from_slice(&[[3, 0].as_slice(), &[3; 14], &[0; 48]].concat());
            body = framed;
        }
        let signed = [header, body].concat();
        let signature: Signature = attestation.sign(&signed);
        let public = attestation.verifying_key().to_sec1_point(false);
        let public = public.as_bytes().get(1..).unwrap_or_default();
        let enclave = self.qe_report(public);
        let enclave_signature: Signature = pck.sign(&enclave);
        let chain = self.pck_chain();
        let data = [
            enclave.as_slice(),
            &enclave_signature.to_bytes(),
            &32_u16.to_le_bytes(),
            &AUTHENTICATION,
            &5_u16.to_le_bytes(),
            &length(&chain),
            &chain,
        ]
        .concat();
        let section = [signature.to_bytes().as_slice(), public, &6_u16.to_le_bytes(), &length(&data), &data].concat();
        [signed.as_slice(), &length(&section), &section].concat()
    }

    fn qe_report(&self, public: &[u8]) -> Vec<u8> {
        let bound = Sha256::digest([public, &AUTHENTICATION].concat());
        [
            [2; 16].as_slice(),
            &[0; 32],
            &[0x11],
            &[0; 15],
            &[0x33; 32],
            &[0; 32],
            &self.qe_signer,
            &[0; 96],
            &self.qe_product.to_le_bytes(),
            &self.qe_version.to_le_bytes(),
            &[0; 60],
            &bound,
            &[0; 32],
        ]
        .concat()
    }

    fn tcb_info(&self) -> String {
        let component = |version: u8| serde_json::json!({ "svn": version });
        let tdx_components: Vec<_> = [3, 0].into_iter().chain([3; 14]).map(component).collect();
        let level = serde_json::json!({
            "tcb": {
                "sgxtcbcomponents": vec![component(2); 16],
                "pcesvn": self.pce_version_min,
                "tdxtcbcomponents": tdx_components,
            },
            "tcbDate": rfc3339(self.tcb_date),
            "tcbStatus": self.tcb_status,
            "advisoryIDs": self.advisories,
        });
        let fmspc: String = crate::hex::encode(&self.tcb_fmspc).trim_start_matches("0x").to_owned();
        serde_json::json!({
            "id": "TDX",
            "version": 3,
            "issueDate": rfc3339(self.issued_at),
            "nextUpdate": rfc3339(self.expires_at),
            "fmspc": fmspc,
            "pceId": "0000",
            "tcbType": 0,
            "tcbEvaluationDataNumber": self.evaluation_number,
            "tdxModule": {
                "mrsigner": "0".repeat(96),
                "attributes": "0".repeat(16),
                "attributesMask": "F".repeat(16),
            },
            "tdxModuleIdentities": [],
            "tcbLevels": [level],
        })
        .to_string()
    }

    fn qe_identity(&self) -> String {
        let level = serde_json::json!({
            "tcb": { "isvsvn": 4 },
            "tcbDate": rfc3339(self.tcb_date),
            "tcbStatus": self.qe_status,
        });
        serde_json::json!({
            "id": "TD_QE",
            "version": 2,
            "issueDate": rfc3339(self.issued_at),
            "nextUpdate": rfc3339(self.expires_at),
            "tcbEvaluationDataNumber": self.evaluation_number,
            "miscselect": "00000000",
            "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000",
            "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": "DC".repeat(32),
            "isvprodid": 2,
            "tcbLevels": [level],
        })
        .to_string()
    }
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn public_key_info(key: &SigningKey) -> Vec<u8> {
    let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]);
    sequence(&[algorithm, asn1::bits(key.verifying_key().to_sec1_point(false).as_bytes())])
}

fn with_signer(key: &SigningKey, write: impl FnOnce(&Signer<'_>) -> Vec<u8>) -> Vec<u8> {
    let sign = |bytes: &[u8]| -> Vec<u8> {
        let signature: DerSignature = key.sign(bytes);
        signature.as_bytes().to_vec()
    };
    write(&Signer { algorithm: sequence(&[oid("1.2.840.10045.4.3.2")]), sign: &sign })
}

fn pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    certificates
        .iter()
        .filter_map(|der| der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, der).ok())
        .collect::<String>()
        .into_bytes()
}
