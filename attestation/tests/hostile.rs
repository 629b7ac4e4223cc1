//! Hostile input, by the million: every parser is total, and none keeps memory.
//!
//! Genuine-looking documents (synthetic devices) are changed at random, cut and spliced, and parsed. `cargo test` parses
//! 20 000 times; `-- --seconds <count>` (`make soak`) for as long as asked. It prints its figures and fails if the process
//! holds more than 8 MiB more at the end than after its first tenth: a parser that panics ends it as well.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "test code that stops loudly and prints its figures"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use attestation::appraisal::Collateral;
use attestation::bounded::{Bytes, Fixed, List};
use attestation::evidence::nvidia::chain::Clock;
use attestation::evidence::nvidia::crl::Crl;
use attestation::evidence::nvidia::device_chain::{DeviceChain, Family};
use attestation::evidence::nvidia::ocsp::OcspResponse;
use attestation::evidence::nvidia::report::Report;
use attestation::evidence::nvidia::rim::Rim;
use attestation::evidence::nvidia::signature::Verified;
use attestation::evidence::nvidia::synthetic::{World, world::NOW};
use attestation::evidence::{Evidence, HardwareEvidence, hardware, sev_snp, tdx};
use attestation::policy::{Policy, PolicyTable};
use attestation::synthetic::{SyntheticSnp, SyntheticTdx};

/// Parses of a run of `cargo test`.
const PARSES: u64 = 20_000;
const GROWTH_MAX: u64 = 8 << 20;

/// Whether bytes are read.
type Parse = Box<dyn Fn(&[u8]) -> bool>;

/// A document and what reads it.
struct Case {
    name: &'static str,
    document: Vec<u8>,
    parse: Parse,
}

fn case(name: &'static str, document: Vec<u8>, parse: impl Fn(&[u8]) -> bool + 'static) -> Case {
    assert!(parse(&document), "{name}: the document itself parses");
    Case { name, document, parse: Box::new(parse) }
}

fn cases() -> Vec<Case> {
    let world = World::new([3; 32]);
    let device = world.device(Family::Gh100, 0);
    let answer = device.evidence(&[1; 32]);
    let mut collateral = Collateral::default();
    collateral.nvidia = world.collateral(&[device]);
    let tdx_machine = SyntheticTdx::new([4; 32], NOW / 1000 - 86_400);
    let snp_machine = SyntheticSnp::new([5; 32], NOW / 1000 - 86_400);
    collateral.tdx = Some(tdx_machine.collateral().unwrap());
    collateral.sev_snp = Some(snp_machine.collateral().unwrap());
    let parts = hardware::Parts {
        context_digest: Fixed([1; 32]),
        device_id: Fixed([2; 32]),
        devices: List::new(vec![hardware::GpuDevice {
            report: Bytes::new(answer.report.clone()).unwrap(),
            chain: Bytes::new(answer.chain.clone()).unwrap(),
        }])
        .unwrap(),
        cpu: None,
    };
    let evidence = Evidence::Hardware(HardwareEvidence::new(parts).unwrap()).to_bytes();
    let device_root = world.device_root.key.fingerprint();
    let rim_root = world.requirements(&collateral.nvidia).rim_root;
    let manifest = collateral.nvidia.manifests[0].document.clone();
    let response = collateral.nvidia.ocsp_responses[0].clone();
    let list = world.lists(Family::Gh100)[0].to_der();
    let clock = Clock { at: NOW, grace: 0 };
    vec![
        case("report", answer.report, |bytes| Report::parse(bytes).is_ok()),
        case("device chain", answer.chain, move |bytes| {
            DeviceChain::verify(bytes, &device_root, NOW, &mut Verified::default()).is_ok()
        }),
        case("reference manifest", manifest, move |bytes| {
            Rim::verify(bytes, &rim_root, clock, &mut Verified::default()).is_ok()
        }),
        case("OCSP response", response, |bytes| OcspResponse::parse(bytes).is_ok()),
        case("revocation list", list, |bytes| Crl::parse(bytes).is_ok()),
        case("TDX quote", tdx_machine.evidence().unwrap().quote.as_slice().to_vec(), |bytes| {
            tdx::quote::parse(bytes).is_ok()
        }),
        case("SEV-SNP report", snp_machine.evidence().unwrap().report.as_slice().to_vec(), |bytes| {
            sev_snp::report::parse(bytes).is_ok()
        }),
        case("evidence", evidence, |bytes| Evidence::from_bytes(bytes).is_ok()),
        case("collateral", collateral.to_bytes(), |bytes| Collateral::from_bytes(bytes).is_ok()),
        case("policy", Policy::new(PolicyTable::standard()).unwrap().to_bytes(), |bytes| {
            Policy::from_bytes(bytes).is_ok()
        }),
    ]
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Changes bytes, cuts the end, or repeats, drops or fills a part.
fn change(document: &[u8], generator: &mut Generator) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for _ in 0..=generator.below(3) {
        let (start, length) = (generator.below(bytes.len()), 1 + generator.below(64));
        let end = (start + length).min(bytes.len());
        match generator.below(6) {
            0 | 1 if !bytes.is_empty() => bytes[start] ^= 1 << generator.below(8),
            2 if !bytes.is_empty() => bytes[start] = generator.next() as u8,
            3 => bytes.truncate(start),
            4 => {
                let part = bytes[start..end].to_vec();
                bytes.splice(start..start, part);
            }
            _ => {
                bytes.splice(start..end, std::iter::repeat_n(generator.next() as u8, generator.below(64)));
            }
        }
    }
    bytes
}

/// Bytes of memory that the process holds, where the system tells.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<u64>().ok()? * 4096)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = arguments.iter().position(|argument| argument == "--seconds").map(|at| &arguments[at + 1]);
    let seconds: Option<u64> = after.map(|text| text.parse().unwrap());
    let cases = cases();
    let mut generator = Generator(7);
    let (mut parses, mut accepted, mut early) = (0u64, 0u64, None);
    let started = Instant::now();
    let share = |parses: u64| match seconds {
        Some(seconds) => started.elapsed().as_secs_f64() / Duration::from_secs(seconds).as_secs_f64(),
        None => parses as f64 / PARSES as f64,
    };
    while share(parses) < 1.0 {
        for case in &cases {
            let bytes = change(&case.document, &mut generator);
            accepted += u64::from(black_box((case.parse)(&bytes)));
            parses += 1;
        }
        if early.is_none() && share(parses) > 0.1 {
            early = resident();
        }
    }
    let growth = early.zip(resident()).map(|(early, late)| late.saturating_sub(early));
    println!("{parses} parses of {} kinds in {:.0?}, {accepted} accepted", cases.len(), started.elapsed());
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    println!("{}; memory grew by {} bytes after the first tenth", names.join(", "), growth.unwrap_or(0));
    assert!(growth.is_none_or(|growth| growth <= GROWTH_MAX), "a parser keeps memory: {growth:?} bytes");
}
