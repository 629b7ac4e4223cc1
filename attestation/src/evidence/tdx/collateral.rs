//! Intel's documents about a platform: TCB info, quoting-enclave identity, revocation lists, and their dates.

use borsh::{BorshDeserialize, BorshSerialize};
use dcap_qvl::QuoteCollateralV3;
use der::Decode as _;
use serde::{Deserialize, Serialize};
use x509_cert::{certificate::Rfc5280, crl::CertificateList};

use super::{Document, TdxError};
use crate::bounded::Bytes;

/// Most bytes of a revocation list or JSON document.
pub const DOCUMENT_BYTES_MAX: usize = 65_536;
/// Most bytes of a PEM chain of signing certificates.
pub const CHAIN_BYTES_MAX: usize = 16_384;

/// What Intel's Provisioning Certification Service publishes about one platform type (API v4).
///
/// The PCK chain is not here: it comes in the quote.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TdxCollateral {
    /// Revocation list of the root, DER.
    pub root_crl: Bytes<DOCUMENT_BYTES_MAX>,
    /// Revocation list of the PCK issuer, DER.
    pub pck_crl: Bytes<DOCUMENT_BYTES_MAX>,
    /// TCB info: the JSON exactly as signed.
    pub tcb_info: Bytes<DOCUMENT_BYTES_MAX>,
    /// Its ECDSA P-256 signature, `r || s`.
    pub tcb_info_signature: Bytes<64>,
    /// PEM chain of its signer.
    pub tcb_info_chain: Bytes<CHAIN_BYTES_MAX>,
    /// Quoting-enclave identity: the JSON exactly as signed.
    pub qe_identity: Bytes<DOCUMENT_BYTES_MAX>,
    /// Its ECDSA P-256 signature, `r || s`.
    pub qe_identity_signature: Bytes<64>,
    /// PEM chain of its signer.
    pub qe_identity_chain: Bytes<CHAIN_BYTES_MAX>,
}

/// When a document was issued and until when it counts, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) document: Document,
    pub(super) issued: u64,
    pub(super) expires: u64,
}

/// The two dates that both JSON documents share; everything else in them is read by `dcap-qvl`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dates {
    issue_date: String,
    next_update: String,
}

impl TdxCollateral {
    /// Reads the JSON form that PCCS clients write (hexadecimal signatures and lists, PEM chains, documents as text).
    ///
    /// # Errors
    /// [`TdxError::CollateralFile`] with the reason.
    pub fn from_pccs_json(json: &[u8]) -> Result<Self, TdxError> {
        let refused = |error: &dyn std::fmt::Display| TdxError::CollateralFile { cause: error.to_string() };
        let read: QuoteCollateralV3 = serde_json::from_slice(json).map_err(|error| refused(&error))?;
        let build = || -> Result<Self, crate::bounded::BoundError> {
            Ok(Self {
                root_crl: Bytes::new(read.root_ca_crl)?,
                pck_crl: Bytes::new(read.pck_crl)?,
                tcb_info: Bytes::new(read.tcb_info)?,
                tcb_info_signature: Bytes::new(read.tcb_info_signature)?,
                tcb_info_chain: Bytes::new(read.tcb_info_issuer_chain)?,
                qe_identity: Bytes::new(read.qe_identity)?,
                qe_identity_signature: Bytes::new(read.qe_identity_signature)?,
                qe_identity_chain: Bytes::new(read.qe_identity_issuer_chain)?,
            })
        };
        build().map_err(|error| refused(&error))
    }

    /// The form `dcap-qvl` takes. The PCK chain stays out, so that it is read from the quote and nowhere else.
    pub(super) fn to_dcap(&self) -> Result<QuoteCollateralV3, TdxError> {
        let text = |document, bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| TdxError::DocumentMalformed { document })
        };
        Ok(QuoteCollateralV3 {
            pck_crl_issuer_chain: String::new(),
            root_ca_crl: self.root_crl.as_slice().to_vec(),
            pck_crl: self.pck_crl.as_slice().to_vec(),
            tcb_info_issuer_chain: text(Document::TcbInfo, self.tcb_info_chain.as_slice())?,
            tcb_info: text(Document::TcbInfo, self.tcb_info.as_slice())?,
            tcb_info_signature: self.tcb_info_signature.as_slice().to_vec(),
            qe_identity_issuer_chain: text(Document::QeIdentity, self.qe_identity_chain.as_slice())?,
            qe_identity: text(Document::QeIdentity, self.qe_identity.as_slice())?,
            qe_identity_signature: self.qe_identity_signature.as_slice().to_vec(),
            pck_certificate_chain: None,
        })
    }

    /// Dates of the four documents, in the order in which they are judged.
    pub(super) fn windows(&self) -> Result<[Window; 4], TdxError> {
        Ok([
            crl_window(Document::RootCrl, self.root_crl.as_slice())?,
            crl_window(Document::PckCrl, self.pck_crl.as_slice())?,
            json_window(Document::TcbInfo, self.tcb_info.as_slice())?,
            json_window(Document::QeIdentity, self.qe_identity.as_slice())?,
        ])
    }
}

fn crl_window(document: Document, bytes: &[u8]) -> Result<Window, TdxError> {
    let malformed = TdxError::DocumentMalformed { document };
    let list: CertificateList<Rfc5280> = CertificateList::from_der(bytes).map_err(|_| malformed.clone())?;
    let list = list.tbs_cert_list;
    let expires = list.next_update.ok_or(malformed)?.to_unix_duration().as_secs();
    Ok(Window { document, issued: list.this_update.to_unix_duration().as_secs(), expires })
}

fn json_window(document: Document, bytes: &[u8]) -> Result<Window, TdxError> {
    let malformed = || TdxError::DocumentMalformed { document };
    let dates: Dates = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    let seconds = |text: &str| -> Result<u64, TdxError> {
        let date: der::DateTime = text.parse().map_err(|_| malformed())?;
        Ok(date.unix_duration().as_secs())
    };
    Ok(Window { document, issued: seconds(&dates.issue_date)?, expires: seconds(&dates.next_update)? })
}
