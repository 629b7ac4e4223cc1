//! "Why was I not paid": the answer at every point of a job's way.

use super::serving::{INTERVAL_MS, Served, quick};
use crate::api::{ChainApiClient, HashText};
use crate::state::{Explanation, Pay, Reason};
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
    let open = served.explained(job).await;
    assert_eq!((open.pay, open.reason, open.worker), (Pay::Pending, Reason::NotLeased, None));
    let leased = served.lease(job).await;
    let live = served.explained(leased.lease.id).await;
    assert_eq!((live.pay, live.reason), (Pay::Pending, Reason::NotHandedIn));
    assert_eq!(live.worker, Some(worker_key(2).public_key().id()));
    assert!(live.until_height > Some(live.height) && live.message.contains("hand it in until height"), "{live:?}");
    let by_job = served.explained(job).await;
    assert_eq!((by_job.reason, by_job.until_height), (live.reason, live.until_height));

    let world = World::with(|params| params.block.interval_ms = INTERVAL_MS);
    let submission = world.submission_with(&leased, |receipt| receipt.completed_at = leased.context.timestamp + 1);
    served.vouch(model, &leased.context).await;
    let outcome = served.act(2, Action::SubmitResult(Box::new(submission))).await;
    let [Event::Settled { result, reward, paid, .. }] = outcome.events.as_slice() else { panic!("{outcome:?}") };
    for id in [job, leased.lease.id, *result] {
        let settled = served.explained(id).await;
        assert_eq!((settled.pay, settled.reason), (Pay::Paid, Reason::Settled));
        assert_eq!((settled.minted, settled.paid, settled.job), (*reward, *paid, job));
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
    reach(from + window.lease_standard + 1).await;
    let late = served.explained(lost).await;
    if late.reason == Reason::Late {
        assert!(late.pay == Pay::Pending && late.slashed > 0, "{late:?}");
    }
    reach(from + window.lease_standard + window.grace + 2).await;
    let unpaid = served.explained(lost).await;
    assert_eq!((unpaid.pay, unpaid.reason, unpaid.minted), (Pay::Unpaid, Reason::RanOut, 0));
    assert!(unpaid.slashed > 0 && unpaid.until_height.is_none(), "{unpaid:?}");
    assert_eq!(served.explained(second).await.reason, Reason::NotLeased);
    served.node.stop().await.unwrap();
}
