//! Genesis: what a chain starts from, and the hash that every context and transaction of the chain carries.

use std::collections::BTreeSet;

use attestation::codec::{self, DecodeError};
use attestation::hash::derive;
use attestation::identity::ed25519;
use attestation::policy::{Policy, PolicyError, PolicyTable};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use verifier::inclusion::{Validator, ValidatorSet, ValidatorSetError};

use super::authority::{AuthorityError, MintAuthority};
use super::ids::{Address, Hash};
use super::params::{Params, ParamsError};
use super::transaction::encode;

/// Chain id of the development chain.
pub const DEVELOPMENT_CHAIN_ID: u32 = 1337;
/// Most accounts of a genesis.
pub const ACCOUNTS_MAX: usize = 100_000;
/// Most setups of a genesis.
pub const SETUPS_MAX: usize = 16;
/// Largest genesis, bytes.
pub const GENESIS_BYTES_MAX: usize = 8 << 20;

const GENESIS_CONTEXT: &str = "assay 2026 genesis v1";

/// A balance handed out at genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// The account.
    pub address: Address,
    /// Micro-tokens.
    #[serde(with = "crate::types::twin::micro")]
    pub balance: u128,
}

/// Why a genesis was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Not the canonical encoding of a genesis.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A parameter out of bounds, or an inequality that does not hold.
    #[error("genesis parameters: {0}")]
    Params(#[from] ParamsError),
    /// A validator set that is none.
    #[error("genesis {0}")]
    Validators(#[from] ValidatorSetError),
    /// An evidence policy that is none.
    #[error("genesis {0}")]
    Policy(#[from] PolicyError),
    /// Chain id zero.
    #[error("genesis chain_id: expected above zero, got 0")]
    ChainId,
    /// Too many accounts.
    #[error("genesis accounts: expected at most {ACCOUNTS_MAX}, got {got}")]
    AccountCount {
        /// Accounts that came.
        got: usize,
    },
    /// Accounts out of ascending order, or one twice.
    #[error("genesis accounts: expected ascending addresses, got number {position} out of order")]
    AccountOrder {
        /// Position in the list.
        position: usize,
    },
    /// The balances do not add up within the range of supply.
    #[error("genesis accounts: their sum exceeds {max} micro-tokens", max = SUPPLY_MAX)]
    Supply,
    /// An issuing authority that is none, or one that has decided already.
    #[error("genesis {0}")]
    Authority(#[from] AuthorityError),
    /// An issuing authority that has decided already.
    #[error("genesis mint authority: expected one that has issued nothing")]
    AuthorityUsed,
    /// Setups out of ascending order in an encoding, or one twice.
    #[error("genesis setups: expected ascending identifiers, got number {position} out of order")]
    SetupOrder {
        /// Position in the list.
        position: usize,
    },
    /// No setups or too many.
    #[error("genesis setups: expected 1 to {SETUPS_MAX}, got {got}")]
    SetupCount {
        /// Setups that came.
        got: usize,
    },
}

/// Largest supply at genesis with what an authority may issue, micro-tokens; far below the range of `u128`, so that sums of holdings cannot overflow.
pub const SUPPLY_MAX: u128 = 1 << 110;

/// The start of a chain.
///
/// Invariants: parameters within bounds and I5 holding; accounts ascending and distinct; at least one setup.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Genesis {
    chain_id: u32,
    time: u64,
    params: Params,
    accounts: Vec<GenesisAccount>,
    validators: ValidatorSet,
    setups: BTreeSet<Hash>,
    policy: Policy,
    authority: Option<MintAuthority>,
}

impl Genesis {
    /// Checks the parts and assembles a genesis; accounts may come in any order.
    ///
    /// # Errors
    /// [`GenesisError`], naming the part or the inequality.
    // spec: chain#genesis
    pub fn new(
        chain_id: u32,
        time: u64,
        params: Params,
        mut accounts: Vec<GenesisAccount>,
        validators: ValidatorSet,
        setups: BTreeSet<Hash>,
        policy: Policy,
    ) -> Result<Self, GenesisError> {
        accounts.sort_by_key(|account| account.address);
        let genesis = Self { chain_id, time, params, accounts, validators, setups, policy, authority: None };
        genesis.check()?;
        Ok(genesis)
    }

    /// The same start with an authority that may issue tokens until it hands the mint over.
    ///
    /// # Errors
    /// [`GenesisError`] for keys, a threshold or a cap that cannot be.
    pub fn with_authority(mut self, authority: MintAuthority) -> Result<Self, GenesisError> {
        self.authority = Some(authority);
        self.check()?;
        Ok(self)
    }

    /// The development chain: id 1337, one validator, the given accounts and setups, software evidence allowed.
    ///
    /// # Errors
    /// [`GenesisError`] for accounts or setups that cannot be.
    pub fn development(
        time: u64,
        validator: ed25519::PublicKey,
        accounts: Vec<GenesisAccount>,
        setups: BTreeSet<Hash>,
    ) -> Result<Self, GenesisError> {
        let validators = ValidatorSet::new(vec![Validator { public_key: validator, weight: 1 }])?;
        let policy = Policy::new(PolicyTable::standard())?;
        Self::new(DEVELOPMENT_CHAIN_ID, time, Params::development(), accounts, validators, setups, policy)
    }

    /// Hash over the canonical bytes: `genesis` of every work context of the chain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        derive(GENESIS_CONTEXT, &[&self.to_bytes()])
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads and checks canonical bytes.
    ///
    /// # Errors
    /// [`GenesisError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GenesisError> {
        let raw: RawGenesis = codec::decode("genesis", bytes, GENESIS_BYTES_MAX)?;
        let RawGenesis { chain_id, time, params, accounts, validators, setups, policy, authority } = raw;
        if let Some(position) = first_disorder(&setups, |left, right| left < right) {
            return Err(GenesisError::SetupOrder { position });
        }
        let setups = setups.into_iter().collect();
        let genesis = Self { chain_id, time, params, accounts, validators, setups, policy, authority };
        genesis.check()?;
        Ok(genesis)
    }

    /// Number of the chain.
    #[must_use]
    pub fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// Time of genesis, milliseconds since the epoch.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Parameters at height 0.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Balances handed out, by ascending address.
    #[must_use]
    pub fn accounts(&self) -> &[GenesisAccount] {
        &self.accounts
    }

    /// Validators of the first epoch.
    #[must_use]
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// Setups under which models may be registered.
    #[must_use]
    pub fn setups(&self) -> &BTreeSet<Hash> {
        &self.setups
    }

    /// How evidence is judged.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Who may issue tokens at first, if anybody.
    #[must_use]
    pub fn authority(&self) -> Option<&MintAuthority> {
        self.authority.as_ref()
    }

    /// Micro-tokens handed out.
    #[must_use]
    pub fn supply(&self) -> Option<u128> {
        self.accounts.iter().try_fold(0u128, |sum, account| sum.checked_add(account.balance))
    }

    fn check(&self) -> Result<(), GenesisError> {
        if self.chain_id == 0 {
            return Err(GenesisError::ChainId);
        }
        self.params.check()?;
        if self.accounts.len() > ACCOUNTS_MAX {
            return Err(GenesisError::AccountCount { got: self.accounts.len() });
        }
        if let Some(position) = first_disorder(&self.accounts, |left, right| left.address < right.address) {
            return Err(GenesisError::AccountOrder { position });
        }
        let cap = self.authority.as_ref().map_or(0, |authority| authority.cap);
        if self.supply().and_then(|supply| supply.checked_add(cap)).is_none_or(|supply| supply > SUPPLY_MAX) {
            return Err(GenesisError::Supply);
        }
        if self.setups.is_empty() || self.setups.len() > SETUPS_MAX {
            return Err(GenesisError::SetupCount { got: self.setups.len() });
        }
        if let Some(authority) = &self.authority {
            authority.check()?;
            let MintAuthority { issued, decisions, transferred_height, .. } = authority;
            if (*issued, *decisions, *transferred_height) != (0, 0, None) {
                return Err(GenesisError::AuthorityUsed);
            }
        }
        Ok(())
    }
}

/// Position of the first entry that does not follow the one before it.
pub(crate) fn first_disorder<T>(entries: &[T], follows: impl Fn(&T, &T) -> bool) -> Option<usize> {
    let mut pairs = entries.iter().zip(entries.iter().skip(1));
    Some(pairs.position(|(left, right)| !follows(left, right))?.saturating_add(1))
}

#[derive(BorshDeserialize)]
struct RawGenesis {
    chain_id: u32,
    time: u64,
    params: Params,
    accounts: Vec<GenesisAccount>,
    validators: ValidatorSet,
    setups: Vec<Hash>,
    policy: Policy,
    authority: Option<MintAuthority>,
}

#[cfg(test)]
mod tests;
