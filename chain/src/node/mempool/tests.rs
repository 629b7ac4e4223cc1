use super::*;
use crate::testing::{account, genesis, register_model};
use crate::types::transaction::{Action, Transaction, Transfer};

/// Fee of a transfer at price 1.
const FEE: u128 = 20_000;
const RICH: u128 = 1 << 60;

fn holding(nonce: u64, balance: u128) -> Account {
    Account { nonce, balance }
}

fn address(sender: u8) -> Address {
    account(sender).public_key().address()
}

fn act(sender: u8, nonce: u64, gas_price: u128, action: Action) -> CheckedTransaction {
    let (chain_id, genesis) = (1337, genesis(|_| {}).hash());
    let body = Transaction { chain_id, genesis, nonce, gas_limit: 20_000, gas_price, action };
    CheckedTransaction::parse(&body.sign(&account(sender)).to_bytes()).unwrap()
}

fn transfer(sender: u8, nonce: u64, gas_price: u128) -> CheckedTransaction {
    act(sender, nonce, gas_price, Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 5 }))
}

fn registration(sender: u8, nonce: u64) -> CheckedTransaction {
    act(sender, nonce, 1, Action::RegisterModel(register_model()))
}

fn pool(change: impl FnOnce(&mut MempoolLimits)) -> Mempool {
    let mut limits = MempoolLimits::default();
    change(&mut limits);
    Mempool::new(limits)
}

/// Hands in a transfer of a rich sender whose next nonce is 0.
fn hand_in(pool: &mut Mempool, sender: u8, nonce: u64, price: u128) -> Result<usize, NotTaken> {
    let taken = pool.insert(transfer(sender, nonce, price), holding(0, RICH), true);
    check(pool);
    taken
}

/// Everything that the pool keeps twice agrees.
fn check(pool: &Mempool) {
    let entries = || pool.senders.values().flat_map(|queue| queue.entries.values());
    assert_eq!(entries().count(), pool.places.len());
    assert_eq!(entries().map(Entry::bytes).sum::<usize>(), pool.bytes);
    assert_eq!(pool.tails.len(), pool.senders.len());
    for (sender, queue) in &pool.senders {
        assert!(!queue.entries.is_empty());
        assert_eq!(queue.entries.values().map(Entry::bytes).sum::<usize>(), queue.bytes);
        assert_eq!(queue.entries.values().map(Entry::fee).sum::<u128>(), queue.fees);
        let last = queue.entries.values().last().unwrap();
        assert_eq!(queue.tail, Some((!queue.has_gap(), last.price(), *sender)));
        assert!(pool.tails.contains(&queue.tail.unwrap()));
        assert_eq!(queue.gap_since.is_some(), queue.has_gap());
        for (nonce, entry) in &queue.entries {
            assert_eq!(pool.places[entry.transaction.id()], (*sender, *nonce));
        }
    }
}

fn nonces(pool: &Mempool, sender: u8) -> Vec<u64> {
    pool.senders.get(&address(sender)).map_or(vec![], |queue| queue.entries.keys().copied().collect())
}

fn candidates(pool: &Mempool) -> Vec<Hash> {
    pool.candidates().iter().map(|transaction| *transaction.id()).collect()
}

fn code(pool: &Mempool, transaction: &CheckedTransaction) -> Option<u16> {
    pool.refusal(transaction.id()).map(|refusal| refusal.code)
}

#[test]
fn candidates_are_what_can_run() {
    let mut pool = pool(|_| {});
    assert!(!pool.has_candidates() && !pool.has_gaps());
    for nonce in [1, 3, 0] {
        assert_eq!(hand_in(&mut pool, 1, nonce, 1), Ok(0));
    }
    assert_eq!(candidates(&pool), [0, 1].map(|nonce| *transfer(1, nonce, 1).id()));
    assert!(pool.has_candidates() && pool.has_gaps());
    // The same again changes nothing.
    assert_eq!(hand_in(&mut pool, 1, 3, 1), Ok(0));
    assert_eq!((pool.count(), nonces(&pool, 1)), (3, vec![0, 1, 3]));
    assert!(pool.contains(transfer(1, 3, 1).id()) && !pool.contains(transfer(1, 2, 1).id()));
}

#[test]
fn what_the_account_has_passed_is_refused() {
    let mut pool = pool(|_| {});
    let refused = pool.insert(transfer(1, 4, 1), holding(5, RICH), true);
    assert_eq!(refused, Err(NotTaken::from(Reject::NonceMismatch { expected: 5, got: 4 })));
    check(&pool);
}

#[test]
fn a_sender_pays_for_all_that_waits() {
    let mut pool = pool(|_| {});
    let funds = holding(0, 2 * FEE);
    for nonce in [0, 1] {
        assert_eq!(pool.insert(transfer(1, nonce, 1), funds, true), Ok(0));
    }
    let short = |needed| NotTaken::from(Reject::BalanceShort { account: address(1), needed, got: 2 * FEE });
    assert_eq!(pool.insert(transfer(1, 2, 1), funds, true), Err(short(3 * FEE)));
    // A replacement pays instead of what it replaces.
    assert_eq!(pool.insert(transfer(1, 1, 2), funds, true), Err(short(3 * FEE)));
    assert_eq!(pool.insert(transfer(1, 1, 2), holding(0, 3 * FEE), true), Ok(1));
    check(&pool);
}

#[test]
fn a_sender_has_few_waiting() {
    let mut pool = pool(|limits| limits.sender_count_max = 2);
    for nonce in [0, 1] {
        assert_eq!(hand_in(&mut pool, 1, nonce, 10), Ok(0));
    }
    let full = MempoolError::SenderFull { sender: address(1), max: 2 };
    assert_eq!(hand_in(&mut pool, 1, 2, 10), Err(full.into()));
    assert_eq!(hand_in(&mut pool, 1, 1, 11), Ok(1));
    assert_eq!(hand_in(&mut pool, 2, 0, 1), Ok(0));
}

#[test]
fn a_sender_has_few_bytes_waiting() {
    let bytes = transfer(1, 0, 1).bytes().len();
    let mut pool = pool(|limits| limits.sender_bytes_max = 2 * bytes);
    for nonce in [0, 1] {
        assert_eq!(hand_in(&mut pool, 1, nonce, 10), Ok(0));
    }
    let over = MempoolError::SenderBytes { sender: address(1), max: 2 * bytes, got: 3 * bytes };
    assert_eq!(hand_in(&mut pool, 1, 2, 10), Err(over.into()));
    assert_eq!(hand_in(&mut pool, 1, 1, 11), Ok(1));
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let mut pool = pool(|_| {});
    hand_in(&mut pool, 1, 0, 15).unwrap();
    let low = |got| Err(MempoolError::ReplacementLow { nonce: 0, expected: 17, got }.into());
    assert_eq!(hand_in(&mut pool, 1, 0, 16), low(16));
    assert_eq!(hand_in(&mut pool, 1, 0, 1), low(1));
    assert_eq!(hand_in(&mut pool, 1, 0, 17), Ok(1));
    assert_eq!((code(&pool, &transfer(1, 0, 15)), pool.count()), (Some(1005), 1));
    assert!(pool.contains(transfer(1, 0, 17).id()));
    // Also where the price is zero or has no room.
    let mut pool = self::pool(|_| {});
    hand_in(&mut pool, 1, 0, 0).unwrap();
    hand_in(&mut pool, 1, 0, 1).unwrap();
    assert_eq!(nonces(&pool, 1), [0]);
}

#[test]
fn a_full_pool_keeps_what_pays_most() {
    let mut pool = pool(|limits| limits.count_max = 3);
    for (sender, nonce, price) in [(1, 0, 9), (1, 1, 3), (2, 0, 5)] {
        hand_in(&mut pool, sender, nonce, price).unwrap();
    }
    let bytes = pool.bytes();
    let full = |price| Err(MempoolError::Full { count: 3, bytes, price }.into());
    // Equal is not more.
    assert_eq!(hand_in(&mut pool, 3, 0, 3), full(3));
    assert_eq!(hand_in(&mut pool, 3, 0, 4), Ok(1));
    assert_eq!(code(&pool, &transfer(1, 1, 3)), Some(1006));
    // Now the last of sender 1 is worth 9, of sender 2 5, of sender 3 4; one's own tail never makes room.
    assert_eq!(hand_in(&mut pool, 3, 1, 5), full(5));
    assert_eq!(hand_in(&mut pool, 3, 1, 6), Ok(1));
    assert_eq!((nonces(&pool, 1), nonces(&pool, 2), nonces(&pool, 3)), (vec![0], vec![], vec![0, 1]));
    // A replacement needs no more room than what it replaces.
    assert_eq!(hand_in(&mut pool, 1, 0, 10), Ok(1));
    assert_eq!(pool.count(), 3);
}

#[test]
fn what_cannot_run_goes_before_all_that_can() {
    let mut pool = pool(|limits| limits.count_max = 2);
    hand_in(&mut pool, 1, 7, 1_000).unwrap();
    hand_in(&mut pool, 2, 0, 1).unwrap();
    let bytes = pool.bytes();
    // What cannot run itself pushes out only what cannot run either and pays less.
    assert_eq!(hand_in(&mut pool, 3, 1, 1_000), Err(MempoolError::Full { count: 2, bytes, price: 1_000 }.into()));
    assert_eq!(hand_in(&mut pool, 3, 0, 1), Ok(1));
    assert_eq!(code(&pool, &transfer(1, 7, 1_000)), Some(1006));
    assert_eq!(hand_in(&mut pool, 1, 7, 1_000), Err(MempoolError::Full { count: 2, bytes, price: 1_000 }.into()));
}

#[test]
fn a_newcomer_that_does_not_fit_pushes_nobody_out() {
    let small = transfer(1, 0, 1).bytes().len();
    let large = act(4, 0, 10, Action::RegisterModel(register_model()));
    // One that pays less than the newcomer would have to go, and one that pays more.
    let evicted = (large.bytes().len() - 10).div_ceil(small);
    assert!((2..=4).contains(&evicted));
    let mut pool = pool(|limits| limits.bytes_max = 4 * small + 10);
    for (sender, price) in [(1, 1), (2, 50), (3, 60), (5, 61)] {
        hand_in(&mut pool, sender, 0, price).unwrap();
    }
    let before = candidates(&pool);
    let full = MempoolError::Full { count: 4, bytes: 4 * small, price: 10 };
    assert_eq!(pool.insert(large, holding(0, RICH), true), Err(full.into()));
    check(&pool);
    assert_eq!((candidates(&pool), code(&pool, &transfer(1, 0, 1))), (before, None));
    let dearer = act(4, 0, 65, Action::RegisterModel(register_model()));
    assert_eq!(pool.insert(dearer, holding(0, RICH), true), Ok(evicted));
    check(&pool);
}

#[test]
fn expensive_ones_run_only_after_they_were_judged() {
    let mut pool = pool(|_| {});
    let account = holding(0, RICH);
    pool.insert(transfer(1, 0, 1), account, true).unwrap();
    let model = registration(1, 1);
    pool.insert(model.clone(), account, false).unwrap();
    pool.insert(transfer(1, 2, 1), account, false).unwrap();
    assert_eq!(candidates(&pool), [*transfer(1, 0, 1).id()]);
    assert_eq!(pool.check_due(), []);
    let first = *transfer(1, 0, 1).id();
    pool.advance(&[(address(1), holding(1, RICH))], &[], &[first]);
    assert_eq!(candidates(&pool), [] as [Hash; 0]);
    // Named once.
    assert_eq!((pool.check_due(), pool.check_due()), (vec![model.clone()], vec![]));
    // Could not be judged: named again.
    pool.checked(model.id(), None);
    assert_eq!(pool.check_due(), vec![model.clone()]);
    pool.checked(model.id(), Some(Ok(())));
    assert_eq!(candidates(&pool), [*model.id(), *transfer(1, 2, 1).id()]);
    assert_eq!(pool.check_due(), []);
    check(&pool);
}

#[test]
fn an_expensive_one_that_is_judged_wrong_goes() {
    let mut pool = pool(|_| {});
    let model = registration(1, 0);
    pool.insert(model.clone(), holding(0, RICH), false).unwrap();
    assert_eq!(pool.check_due(), vec![model.clone()]);
    pool.checked(model.id(), Some(Err(Reject::UnitsZero)));
    assert_eq!((pool.count(), code(&pool, &model)), (0, Some(Reject::UnitsZero.code())));
    // A judgement of what is gone is nothing.
    pool.checked(model.id(), Some(Ok(())));
    check(&pool);
}

#[test]
fn a_block_moves_its_senders_on() {
    let mut pool = pool(|_| {});
    for nonce in 0..4 {
        hand_in(&mut pool, 1, nonce, 1).unwrap();
    }
    let committed = *transfer(1, 0, 1).id();
    // Another transaction of the second nonce came from elsewhere, and most of the balance went.
    pool.advance(&[(address(1), holding(2, FEE))], &[], &[committed]);
    check(&pool);
    assert_eq!((nonces(&pool, 1), code(&pool, &transfer(1, 0, 1))), (vec![2], None));
    assert_eq!(code(&pool, &transfer(1, 1, 1)), Some(109));
    assert_eq!(code(&pool, &transfer(1, 3, 1)), Some(110));
}

#[test]
fn what_a_block_refuses_is_remembered_and_what_it_hindered_waits() {
    let mut pool = pool(|_| {});
    for nonce in 0..3 {
        hand_in(&mut pool, 1, nonce, 1).unwrap();
    }
    let id = |nonce| *transfer(1, nonce, 1).id();
    let behind = |got| Reject::NonceMismatch { expected: 0, got };
    let refused = [(id(0), Reject::AmountZero { what: "amount" }), (id(1), behind(1)), (id(2), behind(2))];
    pool.advance(&[], &refused, &[]);
    check(&pool);
    assert_eq!((nonces(&pool, 1), code(&pool, &transfer(1, 0, 1))), (vec![1, 2], Some(112)));
    assert!(!pool.has_candidates() && pool.has_gaps());
    // The first comes again, as another: the others run.
    hand_in(&mut pool, 1, 0, 2).unwrap();
    assert_eq!(pool.candidates().len(), 3);
}

#[test]
fn a_gap_is_waited_for_a_while() {
    let mut pool = pool(|limits| limits.gap_rounds_max = 3);
    pool.next_round();
    for nonce in [0, 2, 3] {
        hand_in(&mut pool, 1, nonce, 1).unwrap();
    }
    assert!(!pool.next_round() && !pool.next_round());
    // More of the same gap does not make it younger.
    hand_in(&mut pool, 1, 5, 1).unwrap();
    assert!(pool.next_round());
    check(&pool);
    assert_eq!(nonces(&pool, 1), [0]);
    assert_eq!(
        pool.refusal(transfer(1, 2, 1).id()).unwrap(),
        Refusal {
            code: 1007,
            rule: "mempool".to_owned(),
            message: "mempool: nonce 2 waited too long for nonce 1; send that one first".to_owned(),
        }
    );
    assert!(!pool.has_gaps());
    for _ in 0..5 {
        pool.next_round();
    }
    assert_eq!(nonces(&pool, 1), [0]);
}

#[test]
fn the_memory_of_refusals_is_bounded() {
    let mut pool = pool(|limits| limits.refused_max = 2);
    for price in [10, 20, 30, 40] {
        hand_in(&mut pool, 1, 0, price).unwrap();
    }
    let codes = [10, 20, 30, 40].map(|price| code(&pool, &transfer(1, 0, price)));
    assert_eq!(codes, [None, Some(1005), Some(1005), None]);
}

#[test]
fn codes_are_distinct_and_no_rules() {
    let (sender, by) = (address(1), [1; 32]);
    let errors = [
        MempoolError::Full { count: 1, bytes: 2, price: 3 },
        MempoolError::SenderFull { sender, max: 1 },
        MempoolError::SenderBytes { sender, max: 1, got: 2 },
        MempoolError::ReplacementLow { nonce: 0, expected: 2, got: 1 },
        MempoolError::Replaced { by },
        MempoolError::Evicted { price: 1 },
        MempoolError::Expired { expected: 1, got: 2 },
    ];
    let codes: BTreeSet<u16> = errors.iter().map(MempoolError::code).collect();
    assert_eq!(codes.len(), errors.len());
    assert!(crate::rules::reject::CODES.iter().all(|(code, _)| !codes.contains(code)));
    assert_eq!(errors.iter().filter(|error| error.is_passing()).count(), 3);
}
