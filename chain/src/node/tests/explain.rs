//! "Why was I not paid": the answer at every point of a job's way.

use super::serving::{INTERVAL_MS, Served, quick};
use crate::api::{ChainApiClient, HashText};
use crate::state::{Explanation, Payment};
use crate::testing::{World, worker_key};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::transaction::Action;

impl Served {
    async fn explained(&self, id: Hash) -> Explanation {
        self.client.explain(HashText(id)).await.unwrap().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaid_miner_finds_out_why() {
    let served = Served::start().await;
    let model = served.staffed().await;
    assert_eq!(served.client.explain(HashText([1; 32])).await.unwrap(), None);
    let job = served.post(model).await;
    let rule = |told: &Explanation| told.reasons.first().map(|reason| reason.rule.clone()).unwrap_or_default();
    let open = served.explained(job).await;
    assert_eq!((open.payment, rule(&open).as_str()), (Payment::Waiting, "lease-job"));
    let leased = served.lease(job).await;
    let live = served.explained(leased.lease.id).await;
    assert_eq!((live.payment, rule(&live).as_str()), (Payment::Waiting, "submit-result"));
    assert_eq!(served.explained(job).await.reasons, live.reasons);
    // What keeps a worker from pay is told, too: here it has a lease.
    let worker = served.explained(worker_key(2).public_key().id()).await;
    assert!(worker.reasons.iter().any(|reason| reason.rule == "submit-result"), "{worker:?}");

    let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
    let submission = world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 1);
    served.vouch(model, &leased.context).await;
    let outcome = served.act(2, Action::SubmitResult(Box::new(submission))).await;
    let [Event::Settled { result, reward, paid, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
    for id in [job, leased.lease.id, *result] {
        let settled = served.explained(id).await;
        assert_eq!((settled.payment, rule(&settled).as_str()), (Payment::Paid, "settlement"));
        assert_eq!((settled.minted, settled.paid), (*reward, *paid));
    }

    // A lease that runs out: late first, unpaid after its grace window.
    let window = quick().params().window;
    let second = served.post(model).await;
    let lost = served.lease(second).await.lease.id;
    let from = served.status().await.height;
    let reach = async |height: u64| {
        while served.status().await.height < height {
            served.client.events(served.status().await.height + 1, None, Some(1_000)).await.unwrap();
        }
    };
    reach(from + window.lease_standard + window.grace + 2).await;
    let unpaid = served.explained(lost).await;
    assert_eq!((unpaid.payment, rule(&unpaid).as_str(), unpaid.minted), (Payment::Unpaid, "lease-grace", 0));
    assert_eq!(rule(&served.explained(second).await), "lease-job");
    served.node.stop().await.unwrap();
}
