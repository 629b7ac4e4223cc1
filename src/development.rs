//! The development chain: the accounts, workers and validator whose keys everybody can derive, and its genesis.
//!
//! A key is a hash of its holder's name. That makes every development chain alike and every key on it worthless: nobody
//! should trust what these keys sign, and no chain but the development chain should fund them.

use attestation::hash::derive;
use attestation::identity::{ed25519, ml_dsa};
use chain::types::genesis::DEVELOPMENT_CHAIN_ID;
use chain::types::{Address, Genesis, GenesisAccount, GenesisError, Hash, ModelParams, Params};
use verifier::setup::VerifierSetup;

const KEY_CONTEXT: &str = "assay 2026 development-key v1";

/// What each account starts with, micro-tokens.
pub(crate) const FUNDS: u128 = 1_000_000_000;
/// Largest circuit that a development chain admits unless told otherwise: 2^k rows.
pub(crate) const K_MAX: u32 = 12;

/// Blocks of an epoch and of a vote where governance is fast: ten seconds.
const FAST_BLOCKS: u64 = 40;

/// An account whose key everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person(&'static str);

/// Makes the blocks.
pub(crate) const VALIDATOR: Person = Person("validator");
/// Publishes models.
pub(crate) const OWNER: Person = Person("owner");
/// Pays for jobs.
pub(crate) const REQUESTER: Person = Person("requester");
/// Run workers.
pub(crate) const OPERATORS: [Person; 5] =
    [Person("operator-1"), Person("operator-2"), Person("operator-3"), Person("operator-4"), Person("operator-5")];

/// A worker whose key everybody knows; number n belongs to operator number n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Worker(&'static str);

/// The workers.
pub(crate) const WORKERS: [Worker; 5] =
    [Worker("worker-1"), Worker("worker-2"), Worker("worker-3"), Worker("worker-4"), Worker("worker-5")];

fn seed(name: &str) -> [u8; 32] {
    derive(KEY_CONTEXT, &[name.as_bytes()])
}

impl Person {
    /// The funded accounts.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [VALIDATOR, OWNER, REQUESTER].into_iter().chain(OPERATORS)
    }

    /// The account of a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::all().find(|person| person.0 == name)
    }

    /// The account at an address.
    pub(crate) fn at(address: &Address) -> Option<Self> {
        Self::all().find(|person| person.address() == *address)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// Its key.
    pub(crate) fn key(self) -> ed25519::SigningKey {
        ed25519::SigningKey::from_seed(&seed(self.0))
    }

    /// Its address.
    pub(crate) fn address(self) -> Address {
        self.key().public_key().address()
    }
}

impl Worker {
    /// The worker of a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        WORKERS.into_iter().find(|worker| worker.0 == name)
    }

    /// The worker with an identifier.
    pub(crate) fn of(id: &Hash) -> Option<Self> {
        WORKERS.into_iter().find(|worker| worker.id() == *id)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// Its key.
    pub(crate) fn key(self) -> ml_dsa::SigningKey {
        ml_dsa::SigningKey::from_seed(&seed(self.0))
    }

    /// Its identifier.
    pub(crate) fn id(self) -> Hash {
        self.key().public_key().id()
    }
}

/// What a development chain can be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its number.
    pub(crate) chain_id: u32,
    /// Largest circuit that it admits: 2^`k_max` rows.
    pub(crate) k_max: u32,
    /// Whether small stakes vote, soon, so that one person can try what governance does.
    pub(crate) fast_governance: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self { chain_id: DEVELOPMENT_CHAIN_ID, k_max: K_MAX, fast_governance: false }
    }
}

/// A genesis that starts at `time`: one validator, everybody funded, the development setup.
pub(crate) fn genesis(time: u64, kind: Kind) -> Result<Genesis, GenesisError> {
    let funded = |person: Person| GenesisAccount { address: person.address(), balance: FUNDS };
    let setups = [VerifierSetup::development().id()].into_iter().collect();
    let accounts = Person::all().map(funded).collect();
    let standard = Genesis::development(time, VALIDATOR.key().public_key(), accounts, setups)?;
    let mut params = Params { model: ModelParams { k_max: kind.k_max }, ..*standard.params() };
    if kind.fast_governance {
        hurry(&mut params);
    }
    Genesis::new(
        kind.chain_id,
        time,
        params,
        standard.accounts().to_vec(),
        standard.validators().clone(),
        standard.setups().clone(),
        standard.policy().clone(),
    )
}

/// Epochs and votes of ten seconds, a first tier of 100 tokens; what is counted in epochs stays as long as it was.
fn hurry(params: &mut Params) {
    let parts = params.block.epoch_blocks / FAST_BLOCKS;
    params.block.epoch_blocks = FAST_BLOCKS;
    params.reward.decay_epochs *= parts;
    params.epoch.target_units /= parts;
    params.governance.tier_stake = 100_000_000;
    params.governance.voting = FAST_BLOCKS;
    params.governance.cooldown = params.window.unbonding;
}

/// Whether a genesis is that of a development chain: nobody but everybody's validator, and the setup that nobody may trust.
pub(crate) fn is_development(genesis: &Genesis) -> bool {
    let validator = VALIDATOR.key().public_key();
    let known = genesis.validators().validators().iter().all(|known| known.public_key == validator);
    known && genesis.setups().iter().eq([&VerifierSetup::development().id()])
}

/// Whether a genesis is one of fast governance.
pub(crate) fn is_fast(genesis: &Genesis) -> bool {
    genesis.params().block.epoch_blocks == FAST_BLOCKS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_is_funded_once_and_found_by_name() {
        let genesis = genesis(1, Kind::default()).unwrap();
        assert_eq!((genesis.chain_id(), genesis.params().model.k_max), (1337, 12));
        let distinct: BTreeSet<Address> = Person::all().map(Person::address).collect();
        assert_eq!(distinct.len(), 8);
        assert_eq!(genesis.supply(), Some(8 * FUNDS));
        for person in Person::all() {
            assert_eq!((Person::at(&person.address()), Person::find(person.name())), (Some(person), Some(person)));
        }
        for worker in WORKERS {
            assert_eq!((Worker::of(&worker.id()), Worker::find(worker.name())), (Some(worker), Some(worker)));
        }
    }

    #[test]
    fn names_outside_the_cast_have_no_key() {
        for name in ["", "operator-6", "operator", "Owner", "worker-1 "] {
            assert_eq!((Person::find(name), Worker::find(name)), (None, None), "{name}");
        }
        assert_eq!((Person::at(&Address::new([7; 32])), Worker::of(&[7; 32])), (None, None));
    }

    #[test]
    fn no_two_chains_share_a_genesis() {
        let kind = Kind::default();
        let hash = |time, kind| genesis(time, kind).unwrap().hash();
        let base = hash(1, kind);
        assert_ne!(base, hash(2, kind));
        assert_ne!(base, hash(1, Kind { k_max: K_MAX + 1, ..kind }));
        assert_ne!(base, hash(1, Kind { chain_id: 1338, ..kind }));
        assert_ne!(base, hash(1, Kind { fast_governance: true, ..kind }));
    }
}
