use std::sync::Arc;

use attestation::identity::ml_dsa;
use chain::types::{
    Address, HardwareProfile, HardwareTier, JobInput, JobPolicy, JobStatus, Opening, Placement, TimerKind, TimerSlot,
};
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use prover::srs::generate::development;

use super::*;
use crate::models::ServedModel;

const UNITS: u64 = 100;

fn view(free: u128) -> View {
    let bundle = Arc::new(Bundle::from_bytes(include_bytes!("../../../../data/digits/digits.assay")).unwrap());
    let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
    let model = Arc::new(ServedModel::derive(bundle, &setup).unwrap());
    let profile = HardwareProfile { tier: HardwareTier::Entry, hardware: Default::default(), video_memory_mib: 0 };
    View {
        params: Params::development(),
        clock: Clock { height: 100, time: 0, epoch: 0, beacon: [0; 32], timers: 0 },
        registration: WorkerRegistration {
            version: 1,
            operator: Address::default(),
            public_key: ml_dsa::SigningKey::from_seed(&[1; 32]).public_key().clone(),
            profile,
            models: vec![*model.hash()],
            device: [2; 32],
            identities: vec![],
            request: None,
            completed: 0,
            timeouts: 0,
            convictions: 0,
            registered_height: 1,
        },
        stake: Stake { amount: free, bonded: 50_000_000, unbonding: vec![] },
        standing: Standing::default(),
        trust_bps: 6_000,
        settings: JobSettings { prefer: LeaseKind::Sampled, price_per_unit_min: 10 },
        models: [model].into_iter().collect(),
        failures: BTreeMap::new(),
    }
}

fn job(view: &View) -> InferenceJob {
    let input = Tensor::vector(vec![1]).unwrap();
    InferenceJob {
        version: 1,
        poster: Address::default(),
        model: view.registration.models[0],
        input_hash: input.hash(),
        input: JobInput::Inline(input),
        policy: JobPolicy { proof_required: false, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 },
        class: JobClass::Standard,
        price_per_unit: 10,
        units: UNITS,
        escrow: 2_000,
        deadline: 341,
        timer: TimerSlot { kind: TimerKind::JobDeadline, height: 341, index: 0 },
        status: JobStatus::Open,
        placement: Placement::default(),
        opening: Opening::default(),
    }
}

#[test]
fn each_reason_to_pass_is_told_with_its_numbers() {
    let view = view(2_000_000);
    let good = job(&view);
    assert_eq!(view.fit(&good), Ok(LeaseKind::Sampled));
    assert_eq!(view.fit(&InferenceJob { model: [9; 32], ..good.clone() }), Err(Unfit::Model));
    let mut strict = good.clone();
    strict.policy.trust_bps_min = 6_001;
    assert_eq!(view.fit(&strict), Err(Unfit::Trust { needed: 6_001, got: 6_000 }));
    let placement = Placement { video_memory_mib_min: 1, region: 0 };
    let large = InferenceJob { placement, ..good.clone() };
    assert_eq!(view.fit(&large), Err(Unfit::Memory { needed: 1, got: 0 }));
    let cheap = InferenceJob { price_per_unit: 9, ..good.clone() };
    assert_eq!(view.fit(&cheap), Err(Unfit::Price { needed: 10, got: 9 }));
    let soon = InferenceJob { deadline: 340, ..good.clone() };
    assert_eq!(view.fit(&soon), Err(Unfit::Deadline { expires: 341, deadline: 340 }));
    let large = InferenceJob { class: JobClass::Large, ..good.clone() };
    assert_eq!(view.fit(&large), Err(Unfit::Deadline { expires: 1_301, deadline: 341 }));
    let huge = InferenceJob { escrow: 300_000_000, ..good };
    assert_eq!(view.fit(&huge), Err(Unfit::BondShort { needed: 3_000_000, got: 2_000_000 }));
}

#[test]
fn a_model_without_a_bundle_is_not_served() {
    let view = View { models: Models::default(), ..view(2_000_000) };
    assert_eq!(view.fit(&job(&view)), Err(Unfit::Model));
}

#[test]
fn a_model_that_keeps_failing_is_not_leased() {
    let mut view = view(2_000_000);
    let job = job(&view);
    view.failures.insert(job.model, 2);
    assert_eq!(view.fit(&job), Ok(LeaseKind::Sampled));
    view.failures.insert(job.model, 3);
    assert_eq!(view.fit(&job), Err(Unfit::Failing { failures: 3 }));
}

#[test]
fn a_worker_under_the_least_stake_leases_nothing() {
    let mut view = view(2_000_000);
    view.stake.bonded = 47_999_999;
    assert_eq!(view.fit(&job(&view)), Err(Unfit::StakeShort { needed: 50_000_000, got: 49_999_999 }));
}

#[test]
fn the_kind_follows_preference_policy_and_bond() {
    let mut view = view(2_000_000);
    let mut job = job(&view);
    job.policy.proof_required = true;
    assert_eq!(view.fit(&job), Ok(LeaseKind::Proof), "the job asks for a proof");
    job.policy.proof_required = false;
    // What cheating saves grows with the units, and the bond with it.
    let terms = |units| bond::sampled_terms(&view.params, 0, &InferenceJob { units, escrow: 1 << 40, ..job.clone() });
    assert!(terms(1_000).unwrap().needed.unwrap() > 2_000_000);
    let long = InferenceJob { units: 1_000, escrow: 20_000, ..job.clone() };
    assert_eq!(view.fit(&long), Ok(LeaseKind::Proof), "the bond of a sampled lease is not covered");
    view.settings.prefer = LeaseKind::Proof;
    assert_eq!(view.fit(&job), Ok(LeaseKind::Proof), "the operator prefers proofs");
}
