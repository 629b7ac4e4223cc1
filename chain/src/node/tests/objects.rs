//! Reading: proofs, lists, open jobs; and how work is seen through the interface.

use std::time::Duration;

use attestation::context::WorkContext;
use circuits::statement::Statement;

use super::serving::{INTERVAL_MS, Served, body, client, error, options, quick, transfer};
use crate::api::{Bytes, ChainApiClient, HashText, ObjectKind, TransactionState, batch_id, padded};
use crate::node::serve;
use crate::rules::Reject;
use crate::state::{Key, Object};
use crate::testing::{
    Leased, PROOF, World, account, genesis, input, output, register_model, setup, validator, worker_key,
};
use crate::types::event::{Event, Outcome};
use crate::types::ids::{Hash, ObjectRef};
use crate::types::job::{JobClass, JobInput, JobPolicy, JobStatus, LeaseKind};
use crate::types::transaction::{
    Action, AddStake, LeaseJob, PostJob, SignedTransaction, SubmitResult, Transaction, encode,
};

impl Served {
    pub(super) async fn object(&self, kind: ObjectKind, id: Hash) -> Option<Object> {
        self.client.object(kind, Some(HashText(id)), None).await.unwrap().object
    }

    pub(super) async fn signed(&self, sender: u8, action: Action) -> SignedTransaction {
        let address = account(sender).public_key().address();
        let nonce = match self.object(ObjectKind::Account, *address.as_bytes()).await {
            Some(Object::Account(account)) => account.nonce,
            object => panic!("{object:?}"),
        };
        Transaction { action, gas_limit: 25_000_000, ..body(sender, nonce) }.sign(&account(sender))
    }

    pub(super) async fn act(&self, sender: u8, action: Action) -> Outcome {
        let transaction = self.signed(sender, action).await;
        let id = HashText(self.submit(&transaction).await);
        match self.client.transaction(id, Some(10_000)).await.unwrap() {
            TransactionState::Committed { outcome, .. } => outcome,
            state => panic!("{state:?}"),
        }
    }

    /// A model, worker 2, and the model's hash.
    pub(super) async fn staffed(&self) -> Hash {
        let outcome = self.act(1, Action::RegisterModel(register_model())).await;
        let [Event::ModelRegistered { model, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
        let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
        let registration = world.worker_registration(2, vec![*model]);
        self.act(2, Action::RegisterWorker(Box::new(registration))).await;
        let worker = worker_key(2).public_key().id();
        self.act(2, Action::Stake(AddStake { worker, amount: 100_000_000 })).await;
        *model
    }

    pub(super) async fn post(&self, model: Hash) -> Hash {
        let post = PostJob {
            model,
            input: JobInput::Inline(input()),
            policy: JobPolicy { proof_required: true, trust_bps_min: 6_000, spot_rate_bps_min: 10_000 },
            class: JobClass::Standard,
            price_per_unit: 10_000,
            escrow: 300_000,
            deadline: self.status().await.height + 5_000,
            placement: crate::types::Placement::default(),
        };
        let outcome = self.act(1, Action::PostJob(post)).await;
        let [Event::JobPosted { job, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
        *job
    }

    pub(super) async fn lease(&self, job: Hash) -> Leased {
        let Some(Object::Job(record)) = self.object(ObjectKind::Job, job).await else { panic!("no job") };
        let worker = worker_key(2).public_key().id();
        let lease = LeaseJob { job: ObjectRef { id: job, version: record.version }, worker, kind: LeaseKind::Proof };
        let outcome = self.act(2, Action::LeaseJob(lease)).await;
        let [Event::Leased { lease, context, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
        Leased { number: 2, job, lease: ObjectRef { id: *lease, version: 1 }, context: *context }
    }

    async fn open(&self) -> Vec<Hash> {
        self.client.open_jobs(None, None).await.unwrap().into_iter().map(|open| open.id).collect()
    }

    /// Tells the node that the proof of a lease was verified before.
    pub(super) async fn vouch(&self, model: Hash, context: &WorkContext) {
        let Some(Object::Model(model)) = self.object(ObjectKind::Model, model).await else { panic!("no model") };
        let statement = Statement { context_digest: context.digest(), input: input(), output: output() };
        let published = self.node.shared.latest().unwrap();
        published.snapshot.services().vouch(&model.key_digest, &statement, PROOF);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_jobs_come_and_go() {
    let served = Served::start().await;
    let model = served.staffed().await;
    assert_eq!(served.open().await, [] as [Hash; 0]);
    let job = served.post(model).await;
    let open = served.client.open_jobs(None, None).await.unwrap();
    assert_eq!((open.len(), open[0].id, open[0].job.status), (1, job, JobStatus::Open));
    let leased = served.lease(job).await;
    assert_eq!(served.open().await, [] as [Hash; 0]);

    let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
    let submission = world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 1);
    served.vouch(model, &leased.context).await;
    let outcome = served.act(2, Action::SubmitResult(Box::new(submission))).await;
    assert!(matches!(outcome.events.as_slice(), [Event::Settled { job: settled, .. }] if *settled == job));
    assert_eq!(served.open().await, [] as [Hash; 0]);
    let text = served.get("/metrics").await.1;
    assert!(text.contains("\nassay_results_settled_total 1\n"), "{text}");

    // A lease that runs out opens its job again; a restart finds what is open.
    let mut jobs = vec![served.post(model).await, served.post(model).await, served.post(model).await];
    jobs.sort_unstable();
    served.lease(jobs[0]).await;
    assert_eq!(served.open().await, jobs[1..]);
    let page = served.client.open_jobs(Some(HashText(jobs[1])), Some(1)).await.unwrap();
    assert_eq!((page.len(), page[0].id), (1, jobs[2]));
    let timeout = quick().params().window.lease_standard + 5;
    let until = served.status().await.height + timeout;
    while served.status().await.height < until {
        served.client.events(served.status().await.height + 1, None, Some(1_000)).await.unwrap();
    }
    assert_eq!(served.open().await, jobs);
    let Served { node, directory, .. } = served;
    node.stop().await.unwrap();
    let node = super::serving::serve_at(&directory.path().join("data"), options()).await.unwrap();
    let open = client(node.address()).open_jobs(None, None).await.unwrap();
    assert_eq!(open.iter().map(|open| open.id).collect::<Vec<_>>(), jobs);
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_that_waited_is_judged_before_a_block_takes_it() {
    let served = Served::start().await;
    let model = served.staffed().await;
    let first = served.post(model).await;
    let leased = served.lease(first).await;
    let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
    let nonce = |signed: &SignedTransaction| signed.transaction.nonce;
    // A transfer, and behind it a result with a proof that does not verify, and behind that a transfer.
    let mut wrong: SubmitResult =
        world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 1);
    wrong.proofs = vec![b"no proof".to_vec()];
    let transfer = served.signed(2, transfer(2, 0).transaction.action).await;
    let behind = |action, ahead: u64| {
        let nonce = nonce(&transfer) + ahead;
        Transaction { action, gas_limit: 25_000_000, ..body(2, nonce) }.sign(&account(2))
    };
    let result = behind(Action::SubmitResult(Box::new(wrong)), 1);
    let last = behind(transfer.transaction.action.clone(), 2);
    let id = served.submit(&result).await;
    served.submit(&last).await;
    served.commit(&transfer).await;
    match served.client.transaction(HashText(id), Some(10_000)).await.unwrap() {
        TransactionState::Refused { refusal } => {
            assert_eq!((refusal.code, refusal.rule.as_str()), (723, "proof-rejected"));
        }
        state => panic!("{state:?}"),
    }
    let waiting = served.client.transaction(HashText(last.id()), None).await.unwrap();
    assert_eq!(waiting, TransactionState::Waiting);
    let text = served.get("/metrics").await.1;
    assert!(text.contains("\nassay_proof_verifications_total 1\n"), "{text}");
    assert!(text.contains("\nassay_transactions_refused_total{code=\"723\"} 1\n"), "{text}");
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_proven_under_the_certificate() {
    let served = Served::start().await;
    let key = Key::Account(account(1).public_key().address());
    let id = Some(HashText(*account(1).public_key().address().as_bytes()));
    let genesis = served.client.object(ObjectKind::Account, id, Some(true)).await.unwrap();
    assert_eq!((genesis.height, genesis.proof), (0, None));
    served.commit(&transfer(1, 0)).await;
    let (chain, validators) = (quick().hash(), quick().validators().clone());
    let absent = HashText([3; 32]);
    for (kind, id, key) in [
        (ObjectKind::Account, id, key),
        (ObjectKind::Supply, None, Key::Supply),
        (ObjectKind::SpentWork, Some(absent), Key::SpentWork(absent.0)),
    ] {
        let answer = served.client.object(kind, id, Some(true)).await.unwrap();
        let proof = answer.proof.unwrap();
        assert_eq!((answer.height, proof.header.height), (1, 1));
        proof.certificate.verify(&proof.header, &chain, &validators).unwrap();
        let (root, bytes) = (&proof.header.state_root, key.to_bytes());
        match &answer.object {
            Some(object) => proof.state.verify_inclusion(root, &bytes, &encode(object)).unwrap(),
            None => {
                proof.state.verify_exclusion(root, &bytes).unwrap();
                assert_eq!(kind, ObjectKind::SpentWork);
            }
        }
        assert_eq!(served.client.object(kind, id, None).await.unwrap().proof, None);
    }
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_and_its_header_are_of_one_height_while_blocks_come() {
    let served = Served::start().await;
    let address = account(1).public_key().address();
    let (key, id) = (Key::Account(address).to_bytes(), Some(HashText(*address.as_bytes())));
    served.commit(&transfer(1, 0)).await;
    let mut heights = std::collections::BTreeSet::new();
    for nonce in 1..40 {
        served.submit(&transfer(1, nonce)).await;
        let answer = served.client.object(ObjectKind::Account, id, Some(true)).await.unwrap();
        let proof = answer.proof.unwrap();
        assert_eq!(answer.height, proof.header.height);
        proof.state.verify_inclusion(&proof.header.state_root, &key, &encode(&answer.object.unwrap())).unwrap();
        heights.insert(answer.height);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(heights.len() > 2);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_pages_in_order() {
    let served = Served::start().await;
    served.commit(&transfer(1, 0)).await;
    let all = served.client.list(ObjectKind::Account, None, None).await.unwrap();
    // The accounts of genesis and the receiver.
    assert_eq!(all.len(), 6);
    assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
    let mut paged = Vec::new();
    while let page @ [.., last] =
        served.client.list(ObjectKind::Account, paged.last().copied().map(HashText), Some(4)).await.unwrap().as_slice()
    {
        assert!(page.len() <= 4 && last.id != [0; 32]);
        paged.extend(page.iter().map(|entry| entry.id));
    }
    assert_eq!(paged, all.iter().map(|entry| entry.id).collect::<Vec<_>>());
    for entry in &all {
        assert_eq!(served.object(ObjectKind::Account, entry.id).await.as_ref(), Some(&entry.object));
    }
    served.node.stop().await.unwrap();
}

#[test]
fn every_kind_and_its_keys_name_each_other() {
    for kind in ObjectKind::ALL {
        let id = padded(&vec![7; kind.id_bytes()]);
        let id = kind.has_id().then_some(id);
        let key = kind.key(id.as_ref()).unwrap();
        assert_eq!(ObjectKind::of(&key), Some((kind, id)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_epochs_are_listed_by_number() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = genesis(|params| {
        params.block.interval_ms = 20;
        params.block.epoch_blocks = 2;
    });
    let setups = vec![setup().clone()];
    let path = directory.path().join("data");
    let node = serve(&path, genesis.clone(), setups, validator(), options()).await.unwrap();
    let client = client(node.address());
    for nonce in 0..6 {
        let mut transfer = body(1, nonce);
        transfer.genesis = genesis.hash();
        let sent = client.submit(Bytes(transfer.sign(&account(1)).to_bytes())).await.unwrap();
        let state = client.transaction(sent, Some(20_000)).await.unwrap();
        assert!(matches!(state, TransactionState::Committed { .. }), "{state:?}");
    }
    let batches = client.list(ObjectKind::EpochBatch, None, None).await.unwrap();
    assert_eq!(batches.iter().map(|entry| entry.id).collect::<Vec<_>>(), [0, 1, 2].map(batch_id));
    let rest = client.list(ObjectKind::EpochBatch, Some(HashText(batch_id(1))), None).await.unwrap();
    assert_eq!(rest.len(), 1);
    let batch = client.object(ObjectKind::EpochBatch, Some(HashText(batch_id(1))), Some(true)).await.unwrap();
    assert!(matches!(batch.object, Some(Object::EpochBatch(batch)) if batch.epoch == 1));
    assert!(batch.proof.is_some());
    assert_eq!(client.list(ObjectKind::Payout, None, None).await.unwrap(), []);
    assert_eq!(client.list(ObjectKind::Link, None, None).await.unwrap(), []);
    let (refused, _) = error(client.object(ObjectKind::EpochBatch, Some(HashText([1; 32])), None).await);
    let text = "id: expected a number in its last 8 bytes and zeros before it, got something else";
    assert_eq!((refused.code(), refused.message()), (-32_602, text));
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_do_not_fit_are_named() {
    let served = Served::start().await;
    let client = &served.client;
    let id = Some(HashText([1; 32]));
    let invalid = |(error, _): (jsonrpsee::types::ErrorObjectOwned, _)| {
        assert_eq!(error.code(), -32_602);
        error.message().to_owned()
    };
    assert_eq!(
        invalid(error(client.object(ObjectKind::Job, None, None).await)),
        "id: expected 32 bytes, got none; objects of this kind have identifiers"
    );
    assert_eq!(
        invalid(error(client.object(ObjectKind::Supply, id, None).await)),
        "id: expected none, there is one object of this kind"
    );
    assert_eq!(
        invalid(error(client.list(ObjectKind::Supply, None, None).await)),
        "kind: expected one of which there are many; ask for this one with chain_object"
    );
    for limit in [0, 101] {
        let message = format!("limit: expected 1 to 100, got {limit}");
        assert_eq!(invalid(error(client.list(ObjectKind::Job, None, Some(limit)).await)), message);
        assert_eq!(invalid(error(client.open_jobs(None, Some(limit)).await)), message);
        assert_eq!(invalid(error(client.events(1, Some(limit), None).await)), message);
    }
    let long = "wait_ms: expected at most 30000, got 30001";
    assert_eq!(invalid(error(client.events(1, None, Some(30_001)).await)), long);
    assert_eq!(invalid(error(client.transaction(HashText([1; 32]), Some(30_001)).await)), long);
    assert_eq!(
        invalid(error(client.events(0, None, None).await)),
        "from: expected a height of 1 or more, got 0; genesis has no events"
    );
    let unknown = client.transaction(HashText([1; 32]), Some(10_000)).await.unwrap();
    assert_eq!(unknown, TransactionState::Unknown);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fate_of_what_was_dropped_is_told() {
    let served = Served::start().await;
    // Waits for a nonce that does not come, then is replaced by one that pays more.
    let first = transfer(1, 1);
    let id = served.submit(&first).await;
    let mut dearer = body(1, 1);
    dearer.gas_price = 2;
    let wait = tokio::spawn({
        let client = served.client.clone();
        async move { client.transaction(HashText(id), Some(20_000)).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.submit(&dearer.clone().sign(&account(1))).await;
    match wait.await.unwrap() {
        TransactionState::Refused { refusal } => assert_eq!((refusal.code, refusal.rule.as_str()), (1005, "mempool")),
        state => panic!("{state:?}"),
    }
    dearer.gas_price = 1;
    dearer.gas_limit = 30_000;
    let (low, refusal) = error(served.client.submit(Bytes(dearer.sign(&account(1)).to_bytes())).await);
    assert_eq!((low.code(), refusal.unwrap().code), (-32_000, 1004));
    // Too far ahead to wait at all.
    let (_, refusal) = error(served.client.submit(Bytes(transfer(1, 65).to_bytes())).await);
    assert_eq!(refusal.unwrap().code, Reject::NonceMismatch { expected: 0, got: 65 }.code());
    served.node.stop().await.unwrap();
}
