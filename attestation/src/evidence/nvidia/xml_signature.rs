//! The one shape of XML signature that reference manifests carry (W3C xmldsig-core1): enveloped, one reference to the whole
//! document, exclusive of nothing, by the first certificate of an `X509Data`.
//!
//! Everything that decides what is signed is fixed here and not read from the document: canonicalisation, transforms,
//! digest and signature algorithm must be the named ones, the reference's URI must be empty, and the key is taken from the
//! certificate chain only. So neither a moved payload nor a second key can be smuggled in.

use sha2::{Digest, Sha384};
use thiserror::Error;

use super::{
    canonical_xml::canonicalise,
    chain::{Chain, ChainError, Clock, base64},
    signature::{SIGNATURE_BYTES, Signature, SignatureError, Verified},
    xml::{Element, Node},
};

/// Certificates in every manifest chain.
pub const SIGNER_CHAIN_LENGTH: usize = 4;

/// Namespace of XML signatures.
pub const SIGNATURE_NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
const CANONICALISATION: &str = "http://www.w3.org/2006/12/xml-c14n11";
const SIGNATURE_METHOD: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const DIGEST_METHOD: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Why a document's signature is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum XmlSignatureError {
    /// No signature, or several.
    #[error("expected one Signature as a child of the root element, got {got}")]
    Count {
        /// Signature elements anywhere in the document.
        got: usize,
    },
    /// A signature that is not a child of the root element.
    #[error("the Signature must be a child of the root element")]
    Place,
    /// Children other than the ones that this element has in every manifest.
    #[error("{parent}: expected exactly the children {expected}")]
    Children {
        /// The element.
        parent: &'static str,
        /// Its children, in order.
        expected: &'static str,
    },
    /// Another algorithm.
    #[error("{element}: expected algorithm {expected}")]
    Algorithm {
        /// The element that names it.
        element: &'static str,
        /// The one algorithm.
        expected: &'static str,
    },
    /// The reference covers something other than the whole document.
    #[error("Reference: expected the attribute URI=\"\" alone, so that the whole document is signed")]
    Reference,
    /// A value that is not base64 of the right length.
    #[error("{element}: expected base64 of {expected} bytes")]
    Value {
        /// The element.
        element: &'static str,
        /// Bytes expected.
        expected: usize,
    },
    /// A certificate that is not base64.
    #[error("X509Certificate {index}: not base64")]
    CertificateText {
        /// Position, from the leaf.
        index: usize,
    },
    /// The document was changed after it was signed.
    #[error("the digest of the document is not the signed one")]
    Digest,
    /// The signed digest was changed, or another key signed it.
    #[error("SignedInfo {0}")]
    Signature(#[from] SignatureError),
    /// No path to the pinned root.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Checks the signature of a document and returns its chain, with the earliest end of validity in milliseconds.
pub(super) fn verify(
    root: &Element<'_>,
    pinned: &[u8; 32],
    clock: Clock,
    verified: &mut Verified,
) -> Result<(Chain, u64), XmlSignatureError> {
    let got = count(root);
    if got != 1 {
        return Err(XmlSignatureError::Count { got });
    }
    let is_signature = |node: &Node<'_>| matches!(node, Node::Element(element) if is(element, "Signature"));
    let position = root.children.iter().position(is_signature).ok_or(XmlSignatureError::Place)?;
    let Some(Node::Element(signature)) = root.children.get(position) else { return Err(XmlSignatureError::Place) };
    let [info, value, key_info] = children("Signature", signature, ["SignedInfo", "SignatureValue", "KeyInfo"])?;
    let digest = signed_info(info)?;
    let value: [u8; SIGNATURE_BYTES] = decoded("SignatureValue", value)?;
    let chain = certificates(key_info)?;
    let expires_at = chain.verify(pinned, clock, verified)?;

    if Sha384::digest(canonicalise(root, &[], Some(position)))[..] != digest {
        return Err(XmlSignatureError::Digest);
    }
    let mut inherited = root.declarations.clone();
    for declaration in &signature.declarations {
        inherited.retain(|known| known.0 != declaration.0);
        inherited.push(*declaration);
    }
    let signed = Sha384::digest(canonicalise(info, &inherited, None));
    let signer = chain.certificates().first().ok_or(SignatureError::Mismatch)?;
    verified.check(signer.key(), &signed, &Signature::from_raw(&value)?)?;
    Ok((chain, expires_at))
}

/// Elements named Signature at any depth, whatever their namespace.
fn count(element: &Element<'_>) -> usize {
    let inner = element.children.iter().map(|node| match node {
        Node::Element(child) => count(child),
        Node::Text(_) => 0,
    });
    inner.fold(usize::from(element.local == "Signature"), usize::saturating_add)
}

fn is(element: &Element<'_>, local: &str) -> bool {
    element.namespace == SIGNATURE_NAMESPACE && element.local == local
}

/// The children of `parent`, which must be exactly these.
fn children<'d, 'a, const N: usize>(
    parent: &'static str,
    element: &'d Element<'a>,
    expected: [&'static str; N],
) -> Result<[&'d Element<'a>; N], XmlSignatureError> {
    let list = match parent {
        "Signature" => "SignedInfo, SignatureValue, KeyInfo",
        "SignedInfo" => "CanonicalizationMethod, SignatureMethod, Reference",
        "Reference" => "Transforms, DigestMethod, DigestValue",
        "Transforms" => "Transform (enveloped-signature), Transform (xml-c14n11)",
        _ => "X509Data",
    };
    let error = XmlSignatureError::Children { parent, expected: list };
    let found: [&Element<'_>; N] =
        element.elements().and_then(|elements| elements.try_into().ok()).ok_or_else(|| error.clone())?;
    if found.iter().zip(expected).all(|(element, local)| is(element, local)) { Ok(found) } else { Err(error) }
}

/// An empty element whose only attribute is `Algorithm`.
fn algorithm(element: &Element<'_>, name: &'static str, expected: &'static str) -> Result<(), XmlSignatureError> {
    let alone = element.attributes.len() == 1 && element.children.is_empty();
    if alone && element.attribute("Algorithm") == Some(expected) {
        Ok(())
    } else {
        Err(XmlSignatureError::Algorithm { element: name, expected })
    }
}

/// The digest that a SignedInfo of the one allowed shape states.
fn signed_info(info: &Element<'_>) -> Result<[u8; 48], XmlSignatureError> {
    let names = ["CanonicalizationMethod", "SignatureMethod", "Reference"];
    let [canonicalisation, method, reference] = children("SignedInfo", info, names)?;
    algorithm(canonicalisation, "CanonicalizationMethod", CANONICALISATION)?;
    algorithm(method, "SignatureMethod", SIGNATURE_METHOD)?;
    if reference.attributes.len() != 1 || reference.attribute("URI") != Some("") {
        return Err(XmlSignatureError::Reference);
    }
    let names = ["Transforms", "DigestMethod", "DigestValue"];
    let [transforms, digest_method, digest] = children("Reference", reference, names)?;
    let [enveloped, canonicalisation] = children("Transforms", transforms, ["Transform", "Transform"])?;
    algorithm(enveloped, "Transform", ENVELOPED)?;
    algorithm(canonicalisation, "Transform", CANONICALISATION)?;
    algorithm(digest_method, "DigestMethod", DIGEST_METHOD)?;
    decoded("DigestValue", digest)
}

fn decoded<const N: usize>(name: &'static str, element: &Element<'_>) -> Result<[u8; N], XmlSignatureError> {
    let bytes = element.text().filter(|_| element.attributes.is_empty()).and_then(base64);
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(XmlSignatureError::Value { element: name, expected: N })
}

fn certificates(key_info: &Element<'_>) -> Result<Chain, XmlSignatureError> {
    let [data] = children("KeyInfo", key_info, ["X509Data"])?;
    let expected = XmlSignatureError::Children { parent: "X509Data", expected: "X509Certificate, four times" };
    let elements = data.elements().ok_or_else(|| expected.clone())?;
    if !elements.iter().all(|element| is(element, "X509Certificate")) {
        return Err(expected);
    }
    let decode = |(index, element): (usize, &&Element<'_>)| {
        element.text().and_then(base64).ok_or(XmlSignatureError::CertificateText { index })
    };
    let ders = elements.iter().enumerate().map(decode).collect::<Result<Vec<_>, _>>()?;
    Ok(Chain::from_ders(&ders, SIGNER_CHAIN_LENGTH)?)
}
