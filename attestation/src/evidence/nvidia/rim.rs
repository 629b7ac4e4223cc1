//! Reference integrity manifests: the measurements that a driver, a VBIOS or a switch firmware should have.
//!
//! A manifest is an ISO 19770-2 software identity in XML, signed by the vendor ([`xml_signature`]).
//! **A signature and a version do not identify a manifest**: the vendor has signed three documents with one name, one
//! version and different values, and the certificates of driver and VBIOS signers are alike. So a verifier pins the
//! SHA-256 of the document under the manifest's id, and this module only says what a document holds.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    chain::{Chain, Clock},
    report::MEASUREMENT_BYTES,
    signature::Verified,
    xml::{self, Element, XmlError},
    xml_signature::{self, SIGNATURE_NAMESPACE, XmlSignatureError},
};

/// SHA-256 of the subject public key info of "NVIDIA CoRIM signing Root CA".
pub const NVIDIA_RIM_ROOT: [u8; 32] = [
    0xDE, 0xC1, 0xDC, 0x31, 0x64, 0x77, 0xAA, 0x85, 0x1E, 0xEB, 0xDF, 0x51, 0x32, 0x7A, 0xE9, 0xF8, 0x64, 0xBC, 0x8D,
    0x89, 0x25, 0x46, 0x57, 0xED, 0x1E, 0x7E, 0xB9, 0x16, 0x8A, 0xF1, 0xE1, 0xA3,
];
/// Most measurements a manifest lists.
pub const RESOURCES_MAX: usize = 64;
/// Most values that one measurement may have.
pub const ALTERNATIVES_MAX: usize = 8;
const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const HASH: &str = "http://www.w3.org/2001/04/xmlenc#sha384";

/// Why a document is not a manifest.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RimError {
    /// Outside the part of XML that manifests use.
    #[error("manifest: {0}")]
    Xml(#[from] XmlError),
    /// Signature or chain.
    #[error("manifest signature: {0}")]
    Signature(#[from] XmlSignatureError),
    /// Not a software identity with one entity, one meta, one payload and one signature, in that order.
    #[error("manifest: expected SoftwareIdentity with Entity, Meta, Payload and Signature")]
    Structure,
    /// An attribute of Meta is missing.
    #[error("manifest Meta: {attribute} is missing")]
    Meta {
        /// Its name.
        attribute: &'static str,
    },
    /// Not a list of measurements, empty, or too long.
    #[error("manifest Payload: expected 1 to {RESOURCES_MAX} Resource elements of type Measurement")]
    Payload,
    /// An index that is missing, not a number below 64, or spelt otherwise.
    #[error("manifest Resource {position}: index must be a decimal number below {RESOURCES_MAX}")]
    Index {
        /// Position in the payload.
        position: usize,
    },
    /// An index twice.
    #[error("manifest: index {index} appears twice")]
    DuplicateIndex {
        /// The index.
        index: usize,
    },
    /// `active` is neither `True` nor `False`. Published verifiers disagree on other spellings.
    #[error("manifest measurement {index}: active must be True or False")]
    Active {
        /// The index.
        index: usize,
    },
    /// Not a SHA-384 value by its stated size.
    #[error("manifest measurement {index}: size must be 48")]
    Size {
        /// The index.
        index: usize,
    },
    /// The stated number of alternatives is missing, zero, too large or not the number of values.
    #[error(
        "manifest measurement {index}: alternatives must count the values Hash0, Hash1 and so on, 1 to {ALTERNATIVES_MAX}"
    )]
    Alternatives {
        /// The index.
        index: usize,
    },
    /// A value that is not 96 hexadecimal digits.
    #[error("manifest measurement {index}: Hash{alternative} is not 96 hexadecimal digits")]
    Value {
        /// The index.
        index: usize,
        /// Which alternative.
        alternative: usize,
    },
    /// Nothing is active, so every device would match.
    #[error("manifest: no measurement is active")]
    NothingActive,
}

/// Values that one measurement may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// Zero-based index.
    pub index: usize,
    /// One or more values, any of which matches.
    pub alternatives: Vec<[u8; MEASUREMENT_BYTES]>,
}

/// A manifest whose signature and chain were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rim {
    sha256: [u8; 32],
    version: String,
    product: String,
    edition: String,
    golden: Vec<Golden>,
    chain: Chain,
    expires_at_ms: u64,
}

impl Rim {
    /// Reads and verifies a document against a pinned root.
    ///
    /// # Errors
    /// [`RimError`].
    pub fn verify(document: &[u8], root: &[u8; 32], clock: Clock, verified: &mut Verified) -> Result<Self, RimError> {
        let identity = xml::parse(document)?;
        let (chain, expires_at_ms) = xml_signature::verify(&identity, root, clock, verified)?;
        let (meta, payload) = structure(&identity)?;
        let attribute = |attribute| meta.attribute(attribute).map(str::to_owned).ok_or(RimError::Meta { attribute });
        Ok(Self {
            sha256: Self::sha256_of(document),
            version: attribute("colloquialVersion")?,
            product: attribute("product")?,
            edition: attribute("edition")?,
            golden: golden(payload)?,
            chain,
            expires_at_ms,
        })
    }

    /// SHA-256 of a document: the name under which manifests are pinned.
    #[must_use]
    pub fn sha256_of(document: &[u8]) -> [u8; 32] {
        Sha256::digest(document).into()
    }

    /// SHA-256 of this document.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Version of what it describes (`colloquialVersion`).
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Chip family that it describes.
    #[must_use]
    pub fn product(&self) -> &str {
        &self.product
    }

    /// `GPU` or `SWITCH`.
    #[must_use]
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// Active measurements, by ascending index.
    #[must_use]
    pub fn golden(&self) -> &[Golden] {
        &self.golden
    }

    /// The signer's chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Earliest end of validity of the signer's chain, milliseconds.
    #[must_use]
    pub const fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }
}

fn structure<'d, 'a>(identity: &'d Element<'a>) -> Result<(&'d Element<'a>, &'d Element<'a>), RimError> {
    let named = |element: &Element<'_>, local| element.namespace == SWID && element.local == local;
    let children: [&Element<'_>; 4] =
        identity.elements().and_then(|elements| elements.try_into().ok()).ok_or(RimError::Structure)?;
    let [entity, meta, payload, signature] = children;
    let as_expected = named(identity, "SoftwareIdentity")
        && named(entity, "Entity")
        && named(meta, "Meta")
        && named(payload, "Payload")
        && signature.namespace == SIGNATURE_NAMESPACE;
    if as_expected { Ok((meta, payload)) } else { Err(RimError::Structure) }
}

fn golden(payload: &Element<'_>) -> Result<Vec<Golden>, RimError> {
    let resources = payload.elements().ok_or(RimError::Payload)?;
    if !(1..=RESOURCES_MAX).contains(&resources.len()) {
        return Err(RimError::Payload);
    }
    let mut seen: Vec<usize> = Vec::new();
    let mut golden = Vec::new();
    for (position, resource) in resources.into_iter().enumerate() {
        if resource.namespace != SWID
            || resource.local != "Resource"
            || resource.attribute("type") != Some("Measurement")
            || !resource.children.is_empty()
        {
            return Err(RimError::Payload);
        }
        let index = resource.attribute("index").and_then(index).ok_or(RimError::Index { position })?;
        if seen.contains(&index) {
            return Err(RimError::DuplicateIndex { index });
        }
        seen.push(index);
        let alternatives = alternatives(index, resource)?;
        match resource.attribute("active") {
            Some("True") => golden.push(Golden { index, alternatives }),
            Some("False") => {}
            _ => return Err(RimError::Active { index }),
        }
    }
    if golden.is_empty() {
        return Err(RimError::NothingActive);
    }
    golden.sort_unstable_by_key(|golden| golden.index);
    Ok(golden)
}

/// A decimal number in its shortest spelling.
fn index(text: &str) -> Option<usize> {
    text.parse().ok().filter(|index: &usize| *index < RESOURCES_MAX && index.to_string() == text)
}

fn alternatives(index: usize, resource: &Element<'_>) -> Result<Vec<[u8; MEASUREMENT_BYTES]>, RimError> {
    if resource.attribute("size") != Some("48") {
        return Err(RimError::Size { index });
    }
    let values = resource.attributes.iter().filter(|attribute| attribute.namespace == HASH).count();
    let stated = resource.attribute("alternatives").and_then(self::index);
    if !(1..=ALTERNATIVES_MAX).contains(&values) || stated != Some(values) {
        return Err(RimError::Alternatives { index });
    }
    let value = |alternative: usize| {
        let text =
            resource.attribute_in(HASH, &format!("Hash{alternative}")).ok_or(RimError::Alternatives { index })?;
        const_hex::decode_to_array(text)
            .ok()
            .filter(|_| text.len() == MEASUREMENT_BYTES.saturating_mul(2))
            .ok_or(RimError::Value { index, alternative })
    };
    (0..values).map(value).collect()
}
