use std::collections::BTreeSet;

use attestation::codec::DecodeError;

use super::*;
use crate::testing::{START, account, genesis, setup, validator};

fn with_params(change: impl FnOnce(&mut Params)) -> Result<Genesis, GenesisError> {
    let base = genesis(|_| {});
    let mut params = *base.params();
    change(&mut params);
    let (validators, setups, policy) = (base.validators().clone(), base.setups().clone(), base.policy().clone());
    Genesis::new(1337, START, params, base.accounts().to_vec(), validators, setups, policy)
}

fn with_accounts(accounts: Vec<GenesisAccount>) -> Result<Genesis, GenesisError> {
    Genesis::development(START, validator().public_key(), accounts, BTreeSet::from([setup().id()]))
}

#[test]
fn genesis_reads_back_and_its_hash_covers_every_part() {
    let base = genesis(|_| {});
    assert_eq!(Genesis::from_bytes(&base.to_bytes()), Ok(base.clone()));
    assert_ne!(base.hash(), genesis(|params| params.reward.base_per_unit += 1).hash());
    assert_ne!(base.hash(), with_accounts(vec![]).unwrap().hash());
    let mut trailing = base.to_bytes();
    trailing.push(0);
    assert_eq!(
        Genesis::from_bytes(&trailing),
        Err(GenesisError::Decode(DecodeError::TrailingBytes { what: "genesis", extra: 1 }))
    );
}

#[test]
fn parameters_outside_their_bounds_are_named() {
    let refused = |change: fn(&mut Params)| match with_params(change) {
        Err(GenesisError::Params(ParamsError::Bounds { name, got, .. })) => (name, got),
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(refused(|params| params.block.epoch_blocks = 0), ("block.epoch_blocks", 0));
    assert_eq!(refused(|params| params.fee.burned_bps = 10_001), ("fee.burned_bps", 10_001));
    assert_eq!(refused(|params| params.window.lease_large = 239), ("window.lease_large", 239));
    assert_eq!(refused(|params| params.bond.lease_min = 0), ("bond.lease_min", 0));
    assert_eq!(refused(|params| params.reward.proof_trust_bps = 5_999), ("reward.proof_trust_bps", 5_999));
    assert_eq!(refused(|params| params.model.k_max = 23), ("model.k_max", 23));
}

#[test]
fn a_genesis_under_which_stake_outruns_its_slash_is_refused_by_name() {
    let refused = with_params(|params| params.window.unbonding = 1_000).unwrap_err();
    assert_eq!(refused, GenesisError::Params(ParamsError::UnbondingTooShort { needed: 1_778, got: 1_000 }));
    assert!(refused.to_string().contains("I5: unbonding >= challenge window + re-execution time + evidence age"));
}

#[test]
fn accounts_are_sorted_distinct_and_bounded() {
    let funded = |number: u8, balance| GenesisAccount { address: account(number).public_key().address(), balance };
    let one = with_accounts(vec![funded(1, 1), funded(2, 2)]).unwrap();
    assert_eq!(one, with_accounts(vec![funded(2, 2), funded(1, 1)]).unwrap());
    assert_eq!(with_accounts(vec![funded(1, 1), funded(1, 1)]), Err(GenesisError::AccountOrder { position: 1 }));
    assert_eq!(with_accounts(vec![funded(1, SUPPLY_MAX), funded(2, 1)]), Err(GenesisError::Supply));
    assert_eq!(with_accounts(vec![funded(1, u128::MAX), funded(2, 1)]), Err(GenesisError::Supply));
    let many = vec![funded(1, 0); ACCOUNTS_MAX + 1];
    assert_eq!(with_accounts(many), Err(GenesisError::AccountCount { got: ACCOUNTS_MAX + 1 }));
}

#[test]
fn chain_id_and_setups_are_there() {
    let base = genesis(|_| {});
    let build = |chain_id, setups| {
        let (params, validators, policy) = (*base.params(), base.validators().clone(), base.policy().clone());
        Genesis::new(chain_id, START, params, vec![], validators, setups, policy)
    };
    assert_eq!(build(0, base.setups().clone()), Err(GenesisError::ChainId));
    assert_eq!(build(1, BTreeSet::new()), Err(GenesisError::SetupCount { got: 0 }));
    let many = (0..17).map(|byte| [byte; 32]).collect();
    assert_eq!(build(1, many), Err(GenesisError::SetupCount { got: 17 }));

    let two = build(1, BTreeSet::from([[1; 32], [2; 32]])).unwrap().to_bytes();
    let position = two.windows(32).position(|window| window == [1; 32]).unwrap();
    let mut swapped = two.clone();
    swapped[position..position + 32].fill(2);
    swapped[position + 32..position + 64].fill(1);
    assert_eq!(Genesis::from_bytes(&swapped), Err(GenesisError::SetupOrder { position: 1 }));
}
