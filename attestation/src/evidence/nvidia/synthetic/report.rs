//! Reports, field by field.

use super::pki::Key;

/// Everything in a report but its signature.
#[derive(Clone, Debug)]
pub struct ReportSpec {
    /// The 37 bytes of the request.
    pub request: [u8; 37],
    /// Values, from index 0.
    pub measurements: Vec<[u8; 48]>,
    /// The device's nonce.
    pub responder_nonce: [u8; 32],
    /// Opaque fields: id and data.
    pub opaque: Vec<(u16, Vec<u8>)>,
}

impl ReportSpec {
    /// The 37 bytes that ask for all measurements, signed, with this nonce.
    #[must_use]
    pub fn request(nonce: &[u8; 32]) -> [u8; 37] {
        let mut request = [0; 37];
        request[..4].copy_from_slice(&[0x11, 0xE0, 0x01, 0xFF]);
        request[4..36].copy_from_slice(nonce);
        request
    }

    /// Data of an opaque field, for a test to change.
    ///
    /// # Panics
    /// If there is no such field.
    #[must_use]
    pub fn field(&mut self, id: u16) -> &mut Vec<u8> {
        &mut self.opaque.iter_mut().find(|field| field.0 == id).expect("a field with this id").1
    }

    /// What is signed.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let blocks = self.measurements.len();
        let mut bytes = self.request.to_vec();
        bytes.extend([0x11, 0x60, 0, 0, blocks as u8]);
        bytes.extend(&((blocks * 55) as u32).to_le_bytes()[..3]);
        for (index, value) in self.measurements.iter().enumerate() {
            bytes.extend([index as u8 + 1, 1, 51, 0, 1, 48, 0]);
            bytes.extend(value);
        }
        bytes.extend(self.responder_nonce);
        let mut opaque = Vec::new();
        for (id, data) in &self.opaque {
            opaque.extend(id.to_le_bytes());
            opaque.extend((data.len() as u16).to_le_bytes());
            opaque.extend(data);
        }
        bytes.extend((opaque.len() as u16).to_le_bytes());
        bytes.extend(opaque);
        bytes
    }

    /// The report, signed.
    #[must_use]
    pub fn sign(&self, key: &Key) -> Vec<u8> {
        let mut bytes = self.signed_bytes();
        let signature = key.sign(&bytes);
        bytes.extend(signature);
        bytes
    }
}
