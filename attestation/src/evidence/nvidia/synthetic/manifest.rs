//! Reference manifests. Documents are written in canonical form, so that what is signed here does not depend on the
//! canonicalisation that is under test.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha384};

use super::{
    encode::base64_lines,
    pki::{CertificateSpec, Identity},
};

/// One measurement of a manifest.
#[derive(Clone, Debug)]
pub struct ResourceSpec {
    /// Zero-based index, as written.
    pub index: String,
    /// Whether it is compared, as written.
    pub active: String,
    /// Number of alternatives, as written; the number of values if empty.
    pub alternatives: String,
    /// Values in hexadecimal.
    pub values: Vec<String>,
    /// Size, as written.
    pub size: String,
}

impl ResourceSpec {
    /// A measurement with these values.
    #[must_use]
    pub fn new(index: usize, active: bool, values: &[[u8; 48]]) -> Self {
        Self {
            index: index.to_string(),
            active: if active { "True" } else { "False" }.to_owned(),
            alternatives: String::new(),
            values: values.iter().map(const_hex::encode).collect(),
            size: "48".to_owned(),
        }
    }

    fn xml(&self) -> String {
        let count = self.values.len().to_string();
        let alternatives = if self.alternatives.is_empty() { &count } else { &self.alternatives };
        let values: String = self
            .values
            .iter()
            .enumerate()
            .map(|(position, value)| format!(" ns2:Hash{position}=\"{value}\""))
            .collect();
        format!(
            "<ns0:Resource active=\"{}\" alternatives=\"{alternatives}\" index=\"{}\" name=\"Measurement_{}\" \
             size=\"{}\" type=\"Measurement\"{values}></ns0:Resource>",
            self.active, self.index, self.index, self.size
        )
    }
}

/// Everything in a manifest but its signature.
#[derive(Clone, Debug)]
pub struct ManifestSpec {
    /// The registry's id.
    pub id: String,
    /// Version of what it describes.
    pub version: String,
    /// Chip.
    pub product: String,
    /// `GPU` or `SWITCH`.
    pub edition: String,
    /// Measurements.
    pub resources: Vec<ResourceSpec>,
    /// Signer to root.
    pub chain: [Identity; 4],
}

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const HASH: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const TCG: &str = "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
/// End of every document.
pub const ROOT_END: &str = "</SoftwareIdentity>";

impl ManifestSpec {
    /// The document up to where the signature goes.
    #[must_use]
    pub fn body(&self) -> String {
        let resources: String = self.resources.iter().map(|resource| format!("\n{}", resource.xml())).collect();
        format!(
            "<SoftwareIdentity xmlns=\"{SWID}\" xmlns:ns0=\"{SWID}\" xmlns:ns2=\"{HASH}\" corpus=\"false\" \
             name=\"{product}\" patch=\"false\" supplemental=\"false\" tagId=\"{tag}\" tagVersion=\"0\" \
             version=\"1.0\">\n<ns0:Entity name=\"NVIDIA Corporation\" role=\"softwareCreator tagCreator\"></ns0:Entity>\n\
             <ns0:Meta xmlns:ns1=\"{TCG}\" PayloadType=\"direct\" colloquialVersion=\"{version}\" edition=\"{edition}\" \
             product=\"{product}\" revision=\"r1\" ns1:FirmwareManufacturerId=\"5703\"></ns0:Meta>\n\
             <ns0:Payload xmlns:SHA384=\"{HASH}\">{resources}\n</ns0:Payload>\n",
            product = self.product,
            version = self.version,
            edition = self.edition,
            tag = const_hex::encode(Sha384::digest(&self.id)),
        )
    }

    /// SignedInfo as it stands in the document, for the digest of `body`.
    #[must_use]
    pub fn signed_info(body: &str) -> String {
        let digest = Base64::encode_string(&Sha384::digest(format!("{body}{ROOT_END}")));
        let element = |name: &str, algorithm: &str| format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>");
        let c14n = "http://www.w3.org/2006/12/xml-c14n11";
        format!(
            "<ds:SignedInfo>{}{}<ds:Reference URI=\"\"><ds:Transforms>{}{}</ds:Transforms>{}<ds:DigestValue>{digest}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo>",
            element("CanonicalizationMethod", c14n),
            element("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
            element("Transform", &format!("{DSIG}enveloped-signature")),
            element("Transform", c14n),
            element("DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
        )
    }

    /// Certificates in DER, signer first.
    #[must_use]
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let signers = self.chain.iter().skip(1).chain(self.chain.last());
        self.chain.iter().zip(signers).map(|(own, signer)| own.spec.sign(&signer.key)).collect()
    }

    /// KeyInfo with the signer's chain.
    #[must_use]
    pub fn key_info(&self) -> String {
        let certificate = |der: &Vec<u8>| format!("<ds:X509Certificate>{}\n</ds:X509Certificate>", base64_lines(der));
        let certificates: String = self.certificates().iter().map(certificate).collect();
        format!("<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>")
    }

    /// The Signature element over an (already canonical) SignedInfo.
    #[must_use]
    pub fn signature(&self, signed_info: &str, key_info: &str) -> String {
        let declarations =
            format!("<ds:SignedInfo xmlns=\"{SWID}\" xmlns:ds=\"{DSIG}\" xmlns:ns0=\"{SWID}\" xmlns:ns2=\"{HASH}\">");
        let canonical = signed_info.replacen("<ds:SignedInfo>", &declarations, 1);
        let value = Base64::encode_string(&self.chain[0].key.sign(canonical.as_bytes()));
        format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue>{key_info}\
             </ds:Signature>"
        )
    }

    /// The signed document.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        let body = self.body();
        let signature = self.signature(&Self::signed_info(&body), &self.key_info());
        format!("{body}{signature}{ROOT_END}").into_bytes()
    }

    /// The signer's certificate, for a test to change.
    #[must_use]
    pub const fn signer(&mut self) -> &mut CertificateSpec {
        &mut self.chain[0].spec
    }
}
