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

/// A genesis that starts at `time`: one validator, everybody funded, the development setup, circuits of up to 2^`k_max`
/// rows.
pub(crate) fn genesis(time: u64, k_max: u32) -> Result<Genesis, GenesisError> {
    genesis_of(DEVELOPMENT_CHAIN_ID, time, k_max)
}

/// The same under another number.
pub(crate) fn genesis_of(chain_id: u32, time: u64, k_max: u32) -> Result<Genesis, GenesisError> {
    let funded = |person: Person| GenesisAccount { address: person.address(), balance: FUNDS };
    let setups = [VerifierSetup::development().id()].into_iter().collect();
    let accounts = Person::all().map(funded).collect();
    let standard = Genesis::development(time, VALIDATOR.key().public_key(), accounts, setups)?;
    Genesis::new(
        chain_id,
        time,
        Params { model: ModelParams { k_max }, ..*standard.params() },
        standard.accounts().to_vec(),
        standard.validators().clone(),
        standard.setups().clone(),
        standard.policy().clone(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_is_funded_once_and_found_by_name() {
        let genesis = genesis(1, K_MAX).unwrap();
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
        let base = genesis(1, K_MAX).unwrap().hash();
        assert_ne!(base, genesis(2, K_MAX).unwrap().hash());
        assert_ne!(base, genesis(1, K_MAX + 1).unwrap().hash());
        assert_ne!(base, genesis_of(1338, 1, K_MAX).unwrap().hash());
    }
}
