//! Hashing: BLAKE3 `derive_key`, one context string per purpose.
//!
//! `derive_key` mode separates purposes inside the hash itself, so two structures whose bytes happen to agree never
//! share a digest (BLAKE3 paper, section 2.3). Plain BLAKE3 with a hand-made prefix was not chosen: it leaves the
//! separation to every caller.
//!
//! [`derive()`] hashes the concatenation of its parts. A caller passes parts of fixed length, or writes a length before
//! each part whose length varies; otherwise `ab || c` and `a || bc` would collide.

/// Every purpose string of this crate; a test holds that no two are equal.
pub mod purpose {
    /// Digest of a [`WorkContext`](crate::context::WorkContext).
    pub const WORK_CONTEXT: &str = "assay 2026 work-context v1";
    /// Nonce handed to a GPU when it is asked for a report.
    pub const GPU_NONCE: &str = "assay 2026 gpu-nonce v1";
    /// Address of an Ed25519 account.
    pub const ED25519_ADDRESS: &str = "assay 2026 ed25519-address v1";
    /// Message digest that an Ed25519 signature covers, beside the caller's domain.
    pub const ED25519_MESSAGE: &str = "assay 2026 ed25519-message v1";
    /// Id of a worker: hash of its ML-DSA-65 public key.
    pub const WORKER_ID: &str = "assay 2026 worker-id v1";
    /// Digest of a [`WorkReceipt`](crate::receipt::WorkReceipt).
    pub const WORK_RECEIPT: &str = "assay 2026 work-receipt v1";
    /// FIPS 204 context string of a worker's signature over a receipt.
    pub const RECEIPT_SIGNATURE: &str = "assay 2026 receipt-signature v1";
    /// Domain of a session key's signature over context digest and output hash.
    pub const SESSION_SIGNATURE: &str = "assay 2026 session-signature v1";
    /// Digest of an [`Evidence`](crate::evidence::Evidence).
    pub const EVIDENCE: &str = "assay 2026 evidence v1";
    /// Key under which evidence is spent.
    pub const EVIDENCE_NULLIFIER: &str = "assay 2026 evidence-nullifier v1";
    /// Device id of a worker that has no attesting hardware.
    pub const SOFTWARE_DEVICE: &str = "assay 2026 software-device v1";
    /// Id of a [`Policy`](crate::policy::Policy).
    pub const POLICY: &str = "assay 2026 attestation-policy v1";
    /// Identity of a TDX platform.
    pub const TDX_PLATFORM: &str = "assay 2026 tdx-platform v1";
    /// Identity of an AMD SEV-SNP processor.
    pub const SNP_CHIP: &str = "assay 2026 snp-chip v1";
    /// Id of a set of devices.
    pub const DEVICE_SET: &str = "assay 2026 device-set v1";
    /// First half of a quote's report data: context and session key.
    pub const CPU_SESSION: &str = "assay 2026 cpu-session v1";
    /// Second half of a quote's report data: GPU evidence.
    pub const GPU_EVIDENCE: &str = "assay 2026 gpu-evidence v1";

    /// All of the above.
    pub const ALL: [&str; 17] = [
        WORK_CONTEXT,
        GPU_NONCE,
        ED25519_ADDRESS,
        ED25519_MESSAGE,
        WORKER_ID,
        WORK_RECEIPT,
        RECEIPT_SIGNATURE,
        SESSION_SIGNATURE,
        EVIDENCE,
        EVIDENCE_NULLIFIER,
        SOFTWARE_DEVICE,
        POLICY,
        TDX_PLATFORM,
        SNP_CHIP,
        DEVICE_SET,
        CPU_SESSION,
        GPU_EVIDENCE,
    ];
}

/// 32-byte BLAKE3 `derive_key` hash of the concatenated `parts` for one purpose.
#[must_use]
pub fn derive(context: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_purposes_are_equal_and_all_follow_the_form() {
        let distinct: BTreeSet<&str> = purpose::ALL.into_iter().collect();
        assert_eq!(distinct.len(), purpose::ALL.len());
        for text in purpose::ALL {
            assert!(text.starts_with("assay 2026 ") && text.ends_with(" v1"), "{text}");
        }
    }

    #[test]
    fn every_declared_purpose_is_listed() {
        let declared = include_str!("hash.rs")
            .lines()
            .filter(|line| line.trim_start().starts_with("pub const ") && line.contains(": &str ="))
            .count();
        assert_eq!(declared, purpose::ALL.len());
    }

    #[test]
    fn purposes_separate_and_parts_concatenate() {
        assert_ne!(derive(purpose::EVIDENCE, &[b"a"]), derive(purpose::POLICY, &[b"a"]));
        assert_eq!(derive(purpose::EVIDENCE, &[b"a", b"bc"]), derive(purpose::EVIDENCE, &[b"abc"]));
    }
}
