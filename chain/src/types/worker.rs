//! Registered workers and the devices bound to them.

use attestation::context::WorkContext;
use attestation::identity::ml_dsa;
use attestation::receipt::HARDWARE_BYTES_MAX;
pub use attestation::receipt::HardwareTier;
use attestation::text::Text;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ids::{Address, Hash};

/// Most models that one worker can offer.
pub const WORKER_MODELS_MAX: usize = 64;
/// Most video memory a profile can declare, MiB (1 PiB).
pub const VIDEO_MEMORY_MIB_MAX: u64 = 1 << 30;

/// Convictions at which a worker is banned.
pub const CONVICTIONS_MAX: u64 = 2;

/// What a worker declares about its machine. Claims: they bound what its receipts may claim, they earn nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardwareProfile {
    /// Class of speed.
    pub tier: HardwareTier,
    /// Name of the processor or GPU.
    pub hardware: Text<HARDWARE_BYTES_MAX>,
    /// Video memory, MiB; 0 without a GPU.
    pub video_memory_mib: u64,
}

/// A worker: a receipt-signing key operated by an account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerRegistration {
    /// Starts at 1.
    pub version: u64,
    /// Account that leases, submits, stakes and is paid for this worker.
    pub operator: Address,
    /// Key that signs receipts; its id names the worker.
    pub public_key: ml_dsa::PublicKey,
    /// Declared hardware.
    pub profile: HardwareProfile,
    /// Models it serves, ascending.
    #[serde(with = "crate::types::twin::hashes")]
    pub models: Vec<Hash>,
    /// Device its work is leased to.
    #[serde(with = "attestation::hex")]
    pub device: Hash,
    /// Identities that are bound to it with attested hardware, the device among them, ascending; empty without.
    #[serde(with = "crate::types::twin::hashes")]
    pub identities: Vec<Hash>,
    /// Context that it asked for, to attest hardware.
    pub request: Option<WorkContext>,
    /// Jobs it finished.
    pub completed: u64,
    /// Leases it let expire.
    pub timeouts: u64,
    /// Results of its that were convicted; from the second on it is banned.
    pub convictions: u64,
    /// Height of registration.
    pub registered_height: u64,
}

impl WorkerRegistration {
    /// Whether it may neither lease nor be drawn.
    // spec: chain#worker-banned
    #[must_use]
    pub fn is_banned(&self) -> bool {
        self.convictions >= CONVICTIONS_MAX
    }
}

/// A device and the one worker that may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceBinding {
    /// The worker.
    #[serde(with = "attestation::hex")]
    pub worker: Hash,
    /// Lease that the device is busy with.
    #[serde(with = "crate::types::twin::optional_hash")]
    pub lease: Option<Hash>,
}
