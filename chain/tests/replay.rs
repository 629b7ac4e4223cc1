#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
//! A recorded chain with a real proof in it, replayed without a prover: every block verifies, every root is as recorded.
//!
//! `vectors/story.bin` holds genesis and certified blocks: a model, a worker, a stake, a job, a lease, a proven result.
//! A change of rules, encoding or proof system shows here. `BLESS=1` on the settlement test of the root package records
//! it anew.

use chain::inclusion::Certificate;
use chain::rules::Reject;
use chain::state::{CommitError, Invalid, Machine, MemoryStore, StateMachine};
use chain::types::transaction::{Action, SignedTransaction};
use chain::types::{Block, Event, Genesis, encode};
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::group::Curve;
use verifier::setup::{Setup, VerifierSetup, development_secret};

const STORY: &[u8] = include_bytes!("vectors/story.bin");

fn story() -> (Genesis, Vec<(Block, Certificate)>) {
    let (genesis, blocks): (Vec<u8>, Vec<(Block, Certificate)>) = borsh::from_slice(STORY).unwrap();
    (Genesis::from_bytes(&genesis).unwrap(), blocks)
}

/// The development setup; its secret is public.
fn setup(k: u32) -> Setup {
    let tau = development_secret();
    let rows = 1u64 << k;
    let omega = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
    let vanishing = (tau.pow([rows]) - Fr::one()) * Fr::from(rows).invert().unwrap();
    let point = |scalar: Fr| (G1Affine::generator() * scalar).to_affine();
    let powers = std::iter::successors(Some(Fr::one()), |power| Some(power * tau)).take(1 << k).map(point).collect();
    let lagrange = |root: &Fr| point(root * vanishing * (tau - root).invert().unwrap());
    let roots: Vec<Fr> = std::iter::successors(Some(Fr::one()), |root| Some(root * omega)).take(1 << k).collect();
    let basis = roots.iter().map(lagrange).collect();
    Setup::new(k, powers, basis, (G2Affine::generator() * tau).to_affine()).unwrap()
}

fn story_setup(genesis: &Genesis) -> Setup {
    let setup = setup(genesis.params().model.k_max);
    assert_eq!(setup.id(), VerifierSetup::development().id());
    setup
}

fn replica(genesis: &Genesis) -> Machine<MemoryStore> {
    Machine::open(MemoryStore::new(), genesis.clone(), vec![story_setup(genesis)]).unwrap()
}

#[test]
fn the_recorded_chain_replays_and_a_bent_proof_in_it_does_not() {
    let (genesis, blocks) = story();
    let mut machine = replica(&genesis);
    let (last, before) = blocks.split_last().unwrap();
    for (block, certificate) in before {
        assert_eq!(machine.verify(block), Ok(()));
        let commit = machine.commit(block, &encode(certificate), &[]).unwrap();
        assert_eq!(commit.root, block.header.state_root);
    }

    // The last block mints. With one bit of its proof changed and signed again by nobody, it is no block.
    let mut signed: SignedTransaction = borsh::from_slice(&last.0.transactions[0]).unwrap();
    let Action::SubmitResult(submission) = &mut signed.transaction.action else { panic!("no result") };
    let middle = submission.proofs[0].len() / 2;
    submission.proofs[0][middle] ^= 1;
    let mut bent = last.0.clone();
    bent.transactions[0] = signed.to_bytes();
    bent.header.transaction_root = bent.transaction_root();
    assert!(matches!(
        machine.commit(&bent, &encode(&last.1), &[]),
        Err(CommitError::Invalid(Invalid::Transaction { position: 0, reject }))
            if matches!(*reject, Reject::SignatureInvalid(_))
    ));

    let commit = machine.commit(&last.0, &encode(&last.1), &[]).unwrap();
    assert_eq!((commit.root, commit.results.len()), (last.0.header.state_root, 1));
    assert!(matches!(commit.outcomes[0].events.as_slice(), [Event::Settled { reward: 11_840_000, .. }]));
    assert_eq!(machine.supply().unwrap().minted, 11_840_000);
    assert_eq!(machine.audit().unwrap().root, last.0.header.state_root);
}

#[cfg(feature = "node")]
#[test]
fn the_recorded_chain_gives_the_same_roots_on_disk() {
    use chain::node::{Directory, RocksStore, check};

    let (genesis, blocks) = story();
    let setup = story_setup(&genesis);
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let directory = Directory::open(folder.path(), &genesis).unwrap();
        let store = RocksStore::open(&directory).unwrap();
        Machine::open(store, genesis.clone(), vec![setup.clone()]).unwrap()
    };
    for (block, certificate) in &blocks {
        // Opened again before every block.
        let commit = open().commit(block, &encode(certificate), &[]).unwrap();
        assert_eq!(commit.root, block.header.state_root);
    }
    let last = &blocks.last().unwrap().0.header;
    assert_eq!(open().root(), last.state_root);
    let report = check(folder.path(), &genesis, vec![setup.clone()]).unwrap();
    assert_eq!((report.audit.height, report.audit.supply.minted), (last.height, 11_840_000));
}
