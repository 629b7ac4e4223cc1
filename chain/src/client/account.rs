//! One account that acts: signs, counts its nonces, sends one transaction at a time.

use std::sync::Arc;

use attestation::identity::ed25519::SigningKey;
use tokio::sync::Mutex;

use super::connection::{Client, Committed};
use super::error::ClientError;
use crate::economics::gas;
use crate::rules::Reject;
use crate::state::Key;
use crate::types::anchor::{COORDINATOR_DOMAIN, CoSignature, anchor_message};
use crate::types::ids::{Address, Hash};
use crate::types::ledger;
use crate::types::params::Params;
use crate::types::transaction::{Action, Transaction};

/// How often a transaction is signed anew because another program used the account meanwhile.
const ATTEMPTS: u32 = 3;

/// An account whose key this program holds; clones share its queue.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    client: Client,
    key: SigningKey,
    address: Address,
    chain_id: u32,
    genesis: Hash,
    /// The next nonce; held while a transaction is under way, so that the next one waits.
    nonce: Mutex<Option<u64>>,
}

impl Account {
    /// Opens the account of a key on the chain that the node serves.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open(client: Client, key: SigningKey) -> Result<Self, ClientError> {
        let status = client.status().await?;
        let address = key.public_key().address();
        let (chain_id, genesis) = (status.chain_id, status.genesis);
        Ok(Self(Arc::new(Inner { client, key, address, chain_id, genesis, nonce: Mutex::new(None) })))
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.address
    }

    /// Its signature, as a coordinator, over a receipt on this chain: see [`crate::types::anchor::anchor_message`].
    #[must_use]
    pub fn co_sign(&self, receipt: &Hash) -> CoSignature {
        let message = anchor_message(&self.0.genesis, receipt);
        let signature = self.0.key.sign(COORDINATOR_DOMAIN, &message);
        CoSignature { public_key: self.0.key.public_key(), signature }
    }

    /// The client it acts through.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Number of the chain it acts on.
    #[must_use]
    pub fn chain_id(&self) -> u32 {
        self.0.chain_id
    }

    /// Genesis hash of the chain it acts on.
    #[must_use]
    pub fn genesis(&self) -> &Hash {
        &self.0.genesis
    }

    /// Micro-tokens it can spend.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn balance(&self) -> Result<u128, ClientError> {
        Ok(self.record().await?.balance)
    }

    async fn record(&self) -> Result<ledger::Account, ClientError> {
        Ok(self.0.client.get(&Key::Account(self.0.address)).await?.unwrap_or_default())
    }

    /// Signs with the account's next nonce and the gas that the action takes, at the least price. Sending it is left to
    /// the caller.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn sign(&self, action: Action) -> Result<Vec<u8>, ClientError> {
        let nonce = self.record().await?.nonce;
        self.sign_at(nonce, action).await
    }

    async fn sign_at(&self, nonce: u64, action: Action) -> Result<Vec<u8>, ClientError> {
        let missing = || ClientError::Answer { what: "object", reason: "a chain without parameters".to_owned() };
        let params: Params = self.0.client.get(&Key::Params).await?.ok_or_else(missing)?;
        let gas_price = params.fee.gas_price_min;
        let Inner { key, chain_id, genesis, .. } = &*self.0;
        let mut transaction =
            Transaction { chain_id: *chain_id, genesis: *genesis, nonce, gas_limit: 0, gas_price, action };
        // Every field has a fixed width, so the limit does not change the size that it depends on.
        let size = transaction.clone().sign(key).to_bytes().len();
        transaction.gas_limit = gas::used(&transaction.action, size).ok_or(ClientError::Gas)?;
        Ok(transaction.sign(key).to_bytes())
    }

    /// Signs, sends, and waits until the transaction is in a block.
    ///
    /// # Errors
    /// [`ClientError`]; after [`ClientError::TimedOut`] the transaction may still come.
    pub async fn act(&self, action: Action) -> Result<Committed, ClientError> {
        let mut next = self.0.nonce.lock().await;
        let nonce_mismatch = Reject::NonceMismatch { expected: 0, got: 0 }.code();
        let mut attempt = 0u32;
        loop {
            attempt = attempt.saturating_add(1);
            let nonce = match next.take() {
                Some(nonce) => nonce,
                None => self.record().await?.nonce,
            };
            let transaction = self.sign_at(nonce, action.clone()).await?;
            match self.0.client.send(&transaction).await {
                Ok(committed) => {
                    *next = Some(nonce.saturating_add(1));
                    return Ok(committed);
                }
                // Another program acted for the account; this transaction can never come any more.
                Err(error) if error.refusal() == Some(nonce_mismatch) && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }
}
