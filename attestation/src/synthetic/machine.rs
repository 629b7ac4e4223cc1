//! A machine: synthetic GPUs, a processor, and the policy and collateral under which its evidence holds.

use super::{SyntheticSnp, SyntheticTdx};
use crate::{
    appraisal::Collateral,
    bounded::{Bytes, Fixed, List, Set},
    context::WorkContext,
    evidence::{
        HardwareEvidence,
        hardware::{self, CpuEvidence, CpuQuote, GpuDevice, HardwareError, Parts},
        nvidia::synthetic::{World, device::Device, world},
        sev_snp, tdx,
    },
    identity::ed25519,
    policy::{ManifestPin, PolicyTable},
    text::Text,
};

/// When the documents of [`SyntheticMachine`] are fresh, milliseconds since the epoch.
pub const NOW: u64 = world::NOW;

/// Seed of the world that devices of a machine come from.
pub const WORLD_SEED: [u8; 32] = [3; 32];
const DAY_MS: u64 = 86_400_000;

/// Which processor vouches for the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// None does.
    None,
    /// Intel TDX.
    Tdx,
    /// AMD SEV-SNP.
    SevSnp,
}

/// A machine that does not exist, and what a verifier of it needs.
#[derive(Clone, Debug)]
pub struct SyntheticMachine {
    /// GPUs and switches.
    pub devices: Vec<Device>,
    /// The processor that quotes.
    pub processor: Processor,
    /// The TDX platform.
    pub tdx: SyntheticTdx,
    /// The SEV-SNP processor.
    pub sev_snp: SyntheticSnp,
    /// The key that quotes vouch for.
    pub session_key: ed25519::PublicKey,
    /// The work, leased to this machine a second before [`NOW`].
    pub context: WorkContext,
    /// A policy that pins this machine's roots, manifests and launches.
    pub policy: PolicyTable,
    /// The vendors' documents.
    pub collateral: Collateral,
}

impl SyntheticMachine {
    /// A machine with these devices of the world with [`WORLD_SEED`]. `context` is taken over but for its device and time.
    ///
    /// # Panics
    /// If there are more devices than evidence can hold, or the processor's own evidence is refused: errors of this module.
    #[must_use]
    pub fn new(
        devices: Vec<Device>,
        processor: Processor,
        session_key: ed25519::PublicKey,
        context: WorkContext,
    ) -> Self {
        let world = World::new(WORLD_SEED);
        let issued_at = NOW.saturating_sub(DAY_MS) / 1000;
        let mut tdx = SyntheticTdx::new([4; 32], issued_at);
        tdx.advisories = vec![];
        let mut sev_snp = SyntheticSnp::new([5; 32], issued_at);
        sev_snp.crl_window = Some((issued_at, NOW.saturating_add(DAY_MS) / 1000));
        let collateral = Collateral {
            nvidia: world.collateral(&devices),
            tdx: Some(tdx.collateral().expect("short documents")),
            sev_snp: Some(sev_snp.collateral().expect("short documents")),
        };
        let requirements = world.requirements(&collateral.nvidia);
        let pins = requirements.manifests.iter().map(|(id, documents)| ManifestPin {
            id: Text::new(id.clone()).expect("a short id"),
            sha256: Set::new(documents.iter().map(|document| Fixed(*document))).expect("few documents"),
        });
        let mut policy = PolicyTable::standard();
        policy.nvidia.device_root = Fixed(requirements.device_root);
        policy.nvidia.rim_root = Fixed(requirements.rim_root);
        policy.nvidia.manifests = List::new(pins.collect()).expect("few manifests");
        policy.tdx.roots = Set::new([tdx.root()]).expect("one root");
        policy.tdx.launches = Set::new([tdx.launch]).expect("one launch");
        policy.sev_snp.roots = Set::new([sev_snp.root()]).expect("one root");
        policy.sev_snp.launches = Set::new([Fixed(sev_snp.measurement)]).expect("one launch");
        let context = WorkContext { timestamp: NOW.saturating_sub(1000), ..context };
        let mut machine = Self { devices, processor, tdx, sev_snp, session_key, context, policy, collateral };
        machine.context.device_id = machine.device_id();
        machine
    }

    /// Identities of devices and processor; a processor's is what verification finds in its certificates.
    ///
    /// # Panics
    /// If the processor's own evidence is refused.
    #[must_use]
    pub fn identities(&self) -> Vec<[u8; 32]> {
        let mut identities: Vec<[u8; 32]> = self.devices.iter().map(Device::identity).collect();
        match self.processor {
            Processor::None => {}
            Processor::Tdx => {
                let data = self.tdx.report_data;
                let evidence = self.tdx.evidence().expect("a short quote");
                let collateral = self.tdx.collateral().expect("short documents");
                let claims = tdx::verify(&evidence, &collateral, &self.policy.tdx, &data, NOW);
                identities.push(claims.expect("a good quote").identity.0);
            }
            Processor::SevSnp => {
                let data = self.sev_snp.report_data;
                let evidence = self.sev_snp.evidence().expect("a short report");
                let collateral = self.sev_snp.collateral().expect("short documents");
                let claims = sev_snp::verify(&evidence, &collateral, &self.policy.sev_snp, &data, NOW);
                identities.extend(claims.expect("a good report").identity.map(|identity| identity.0));
            }
        }
        identities
    }

    /// What a lease of this machine names.
    #[must_use]
    pub fn device_id(&self) -> [u8; 32] {
        hardware::device_id(&self.identities())
    }

    /// Every device's answer to its nonce of a context.
    ///
    /// # Panics
    /// If there are more devices than evidence can hold.
    #[must_use]
    pub fn answers(&self, context: &WorkContext) -> List<GpuDevice, { hardware::DEVICES_MAX }> {
        let answer = |(index, device): (u32, &Device)| {
            let evidence = device.evidence(&context.gpu_nonce(index));
            GpuDevice {
                report: Bytes::new(evidence.report).expect("a short report"),
                chain: Bytes::new(evidence.chain).expect("a short chain"),
            }
        };
        List::new((0..).zip(&self.devices).map(answer).collect()).expect("few devices")
    }

    /// The processor's quote over a context, the session key and the devices' answers.
    ///
    /// # Panics
    /// If a quote is longer than evidence can hold: an error of this module.
    #[must_use]
    pub fn quote(
        &self,
        context: &WorkContext,
        devices: &List<GpuDevice, { hardware::DEVICES_MAX }>,
    ) -> Option<CpuEvidence> {
        let report_data = hardware::report_data(context, &self.session_key, devices);
        let quote = match self.processor {
            Processor::None => return None,
            Processor::Tdx => {
                let platform = SyntheticTdx { report_data, ..self.tdx.clone() };
                CpuQuote::Tdx(platform.evidence().expect("a short quote"))
            }
            Processor::SevSnp => {
                let chip = SyntheticSnp { report_data, ..self.sev_snp.clone() };
                CpuQuote::SevSnp(chip.evidence().expect("a short report"))
            }
        };
        Some(CpuEvidence { session_key: self.session_key, quote })
    }

    /// Everything that the machine shows for its context.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let devices = self.answers(&self.context);
        Parts {
            context_digest: Fixed(self.context.digest()),
            device_id: Fixed(self.context.device_id),
            cpu: self.quote(&self.context, &devices),
            devices,
        }
    }

    /// The evidence, as hardware would give it: only the pinned roots tell that no hardware did.
    ///
    /// # Errors
    /// [`HardwareError`] if the parts are nothing.
    pub fn evidence(&self) -> Result<HardwareEvidence, HardwareError> {
        HardwareEvidence::new(self.parts())
    }
}
