//! What a sequence is made of, and how likely each is.

use proptest::prelude::*;

/// Workers of a chain, each operated by the account of its number.
pub(super) const WORKERS: u8 = 12;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Transfer { from: u8, to: u8, amount: u128 },
    Stake { worker: u8, amount: u128 },
    Unstake { worker: u8, amount: u128 },
    Withdraw { worker: u8 },
    Post { price: u128, surplus: u128, deadline: u64, proof: bool, floor: u32 },
    Lease { worker: u8, job: usize },
    Settle { lease: usize },
    HandIn { lease: usize, right: bool },
    Review { result: usize, right: u8, acting: usize },
    Challenge { from: u8, result: usize },
    Answer { result: usize },
    Wait { blocks: u64 },
    Exchange(Exchange),
}

/// Steps of the chain as a whole, and of workers outside their jobs.
#[derive(Clone, Debug)]
pub(super) enum Exchange {
    Appeal { result: usize },
    Assign { worker: u8, job: usize },
    Update { worker: u8, region: u16, serves: bool },
    Model { variant: usize, jobs: u8, challenger: u8, row: usize },
    Propose { worker: u8, change: u8, value: u32 },
    Vote { worker: u8, proposal: usize, yes: bool },
    Issue { to: u8, amount: u128, approvals: usize },
    HandOver,
    Equivocate { reporter: u8, lease: usize },
    Anchor { from: u8, receipt: u8, signed: bool },
    Send { from: u8, amount: u128, claimed: bool },
    Refund { teleport: usize },
    Receive { to: u8, amount: u128, times: u8, recorded: bool },
    Commit { worker: u8, honest: bool },
    Open { worker: u8 },
    Plant { worker: u8 },
    Uncover { result: usize },
}

fn worker() -> impl Strategy<Value = u8> {
    1..=WORKERS
}

/// A result, the seats that find the true output (a bit each), and how many of them act.
fn review_of() -> impl Strategy<Value = Step> {
    let right = prop_oneof![4 => Just(u8::MAX), 2 => Just(0), 1 => any::<u8>()];
    let acting = prop_oneof![8 => Just(usize::MAX), 1 => 0usize..4];
    (0usize..3, right, acting).prop_map(|(result, right, acting)| Step::Review { result, right, acting })
}

fn exchange() -> impl Strategy<Value = Step> {
    let step = prop_oneof![
        4 => (worker(), 0usize..3).prop_map(|(worker, job)| Exchange::Assign { worker, job }),
        4 => (worker(), 0u16..4, prop::bool::weighted(0.8))
            .prop_map(|(worker, region, serves)| Exchange::Update { worker, region, serves }),
        4 => (worker(), any::<u8>(), 0u32..10_001)
            .prop_map(|(worker, change, value)| Exchange::Propose { worker, change, value }),
        12 => (worker(), 0usize..2, prop::bool::weighted(0.8))
            .prop_map(|(worker, proposal, yes)| Exchange::Vote { worker, proposal, yes }),
        4 => (1u8..=WORKERS + 2, 0u128..200_000, 1usize..4)
            .prop_map(|(to, amount, approvals)| Exchange::Issue { to, amount, approvals }),
        4 => (worker(), 0u8..12, any::<bool>())
            .prop_map(|(from, receipt, signed)| Exchange::Anchor { from, receipt, signed }),
        4 => (worker(), 0u128..1_000_000_000, any::<bool>())
            .prop_map(|(from, amount, claimed)| Exchange::Send { from, amount, claimed }),
        4 => (0usize..3).prop_map(|teleport| Exchange::Refund { teleport }),
        2 => (worker(), 0u128..300_000_000, 1u8..3, any::<bool>())
            .prop_map(|(to, amount, times, recorded)| Exchange::Receive { to, amount, times, recorded }),
        6 => (worker(), prop::bool::weighted(0.1)).prop_map(|(worker, honest)| Exchange::Commit { worker, honest }),
        2 => worker().prop_map(|worker| Exchange::Open { worker }),
        2 => worker().prop_map(|worker| Exchange::Plant { worker }),
        8 => (0usize..3).prop_map(|result| Exchange::Uncover { result }),
    ];
    let rare = prop_oneof![
        6 => (worker(), 0usize..3).prop_map(|(reporter, lease)| Exchange::Equivocate { reporter, lease }),
        1 => Just(Exchange::HandOver),
        1 => (0usize..4, 0u8..3, worker(), 0usize..3)
            .prop_map(|(variant, jobs, challenger, row)| Exchange::Model { variant, jobs, challenger, row }),
    ];
    prop_oneof![80 => step.boxed(), 2 => rare.boxed()].prop_map(Step::Exchange)
}

/// Any step.
pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (worker(), worker(), 0u128..11_000_000_000)
            .prop_map(|(from, to, amount)| Step::Transfer { from, to, amount }),
        2 => (worker(), 0u128..200_000_000).prop_map(|(worker, amount)| Step::Stake { worker, amount }),
        2 => (worker(), 0u128..120_000_000).prop_map(|(worker, amount)| Step::Unstake { worker, amount }),
        1 => worker().prop_map(|worker| Step::Withdraw { worker }),
        4 => (0u128..100_000, 0u128..500_000_000, 0u64..60, prop::bool::weighted(0.25), 0u32..=20_000).prop_map(
            |(price, surplus, deadline, proof, floor)| Step::Post {
                price,
                surplus,
                deadline,
                proof,
                floor: floor.min(10_000),
            },
        ),
        6 => (worker(), 0usize..3).prop_map(|(worker, job)| Step::Lease { worker, job }),
        2 => (0usize..4).prop_map(|lease| Step::Settle { lease }),
        6 => (0usize..3, any::<bool>()).prop_map(|(lease, right)| Step::HandIn { lease, right }),
        16 => review_of(),
        1 => (worker(), 0usize..3).prop_map(|(from, result)| Step::Challenge { from, result }),
        1 => (0usize..3).prop_map(|result| Step::Answer { result }),
        1 => (0usize..3).prop_map(|result| Step::Exchange(Exchange::Appeal { result })),
        2 => (1u64..20).prop_map(|blocks| Step::Wait { blocks }),
        16 => exchange(),
    ]
}

/// Steps of disputes: most of what a review waits for comes, some of it wrong.
pub(super) fn review_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => review_of(),
        2 => (0u64..4).prop_map(|blocks| Step::Wait { blocks }),
        2 => (worker(), 0usize..3).prop_map(|(from, result)| Step::Challenge { from, result }),
        1 => (0usize..3).prop_map(|result| Step::Answer { result }),
        3 => (0usize..3).prop_map(|result| Step::Exchange(Exchange::Appeal { result })),
        2 => (worker(), 0usize..3).prop_map(|(worker, job)| Step::Lease { worker, job }),
        1 => worker().prop_map(|worker| Step::Exchange(Exchange::Plant { worker })),
        3 => (0usize..3).prop_map(|result| Step::Exchange(Exchange::Uncover { result })),
        2 => (0usize..3, any::<bool>()).prop_map(|(lease, right)| Step::HandIn { lease, right }),
        1 => (worker(), 0u128..120_000_000).prop_map(|(worker, amount)| Step::Unstake { worker, amount }),
    ]
}
