//! The connection: every call of the interface, tried again while the node cannot be reached.
//!
//! Every call may be repeated: reading changes nothing, and handing in the same transaction twice is the same as once.
//! So a lost connection, whatever it lost, is answered by asking again until the patience is over.

use std::time::{Duration, Instant};

use jsonrpsee::core::client::Error as RpcError;
use jsonrpsee_http_client::transport::Error as TransportError;
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use tokio::time::sleep;

use super::error::ClientError;
use crate::api::{
    Bytes, ChainApiClient as _, Code, EventPage, HashText, ListEntry, ObjectAnswer, ObjectKind, OpenJob, PAGE_MAX,
    Refusal, Status, TransactionState, WAIT_MS_MAX,
};
use crate::state::{CommittedBlock, Explanation, Key, Stored};
use crate::types::event::Outcome;
use crate::types::genesis::Genesis;
use crate::types::ids::Hash;
use crate::types::transaction::CheckedTransaction;

/// How long lost connections are retried, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a transaction may wait for its block.
const BLOCK_WAIT: Duration = Duration::from_secs(120);
/// Longest time one call may take: the longest wait, and time to answer.
const CALL_TIMEOUT: Duration = Duration::from_millis(WAIT_MS_MAX + 30_000);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait after the first lost connection; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// Largest answer taken: a block of the largest size that parameters allow is larger, and nobody asks for one whole.
const ANSWER_BYTES_MAX: u32 = 256 << 20;

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Height of the block.
    pub height: u64,
    /// What happened.
    pub outcome: Outcome,
}

/// A client of one node; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient,
    url: String,
    patience: Duration,
}

impl Client {
    /// A client of the node at `url`; connects with the first call.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let invalid = |reason: String| ClientError::Url { url: url.to_owned(), reason };
        if !url.starts_with("http://") {
            return Err(invalid("it must start with http://".to_owned()));
        }
        let http = HttpClientBuilder::default()
            .request_timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .max_response_size(ANSWER_BYTES_MAX)
            .build(url)
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self { http, url: url.to_owned(), patience: PATIENCE })
    }

    /// How long lost connections are retried before a call fails.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Address of the node.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the chain stands.
    ///
    /// # Errors
    /// [`ClientError`], as for every call.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.call("status", || self.http.status()).await
    }

    /// What the chain started from, checked against the node's own statement.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn genesis(&self) -> Result<Genesis, ClientError> {
        let answer = |reason: String| ClientError::Answer { what: "genesis", reason };
        let Bytes(bytes) = self.call("genesis", || self.http.genesis()).await?;
        let genesis = Genesis::from_bytes(&bytes).map_err(|error| answer(error.to_string()))?;
        if genesis.hash() != self.status().await?.genesis {
            return Err(answer("its hash is not the one that the node's status names".to_owned()));
        }
        Ok(genesis)
    }

    /// The object at a key, as the node says. [`Self::prove`] believes nobody.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get<T: Stored>(&self, key: &Key) -> Result<Option<T>, ClientError> {
        let what = "object";
        let wrong = || ClientError::Answer { what, reason: "an object of another kind than asked for".to_owned() };
        let answer = self.object(key, false).await?;
        answer.object.map(|object| T::from_object(object).ok_or_else(wrong)).transpose()
    }

    /// The answer to a query for an object.
    pub(super) async fn object(&self, key: &Key, prove: bool) -> Result<ObjectAnswer, ClientError> {
        let (kind, id) = named("object", key)?;
        self.call("object", || self.http.object(kind, id.map(HashText), Some(prove))).await
    }

    /// Objects of a kind, ascending by identifier, after `after`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list<T: Stored>(
        &self,
        kind: ObjectKind,
        after: Option<Hash>,
        limit: u32,
    ) -> Result<Vec<(Hash, T)>, ClientError> {
        let entries =
            self.call("list", || self.http.list(kind, after.map(HashText), Some(limit.min(PAGE_MAX)))).await?;
        let read = |ListEntry { id, object }| {
            let reason = || "an object of another kind than asked for".to_owned();
            let object = T::from_object(object).ok_or_else(|| ClientError::Answer { what: "list", reason: reason() });
            Ok((id, object?))
        };
        entries.into_iter().map(read).collect()
    }

    /// Jobs that can be leased, ascending by identifier, after `after`; one page.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open_jobs(&self, after: Option<Hash>) -> Result<Vec<OpenJob>, ClientError> {
        self.call("openJobs", || self.http.open_jobs(after.map(HashText), None)).await
    }

    /// Why a job, a lease or a result was paid, waits for its pay, or was not paid, and what keeps a worker from pay.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain(&self, id: &Hash) -> Result<Option<Explanation>, ClientError> {
        self.call("explain", || self.http.explain(HashText(*id))).await
    }

    /// A committed block.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn block(&self, height: u64) -> Result<Option<CommittedBlock>, ClientError> {
        self.call("block", || self.http.block(height)).await
    }

    /// What happened from height `from` on; waits up to `wait` if nothing did yet. Blocks come in order and without gaps.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn events(&self, from: u64, wait: Duration) -> Result<EventPage, ClientError> {
        let wait = milliseconds(wait);
        let page: EventPage = self.call("events", || self.http.events(from, None, Some(wait))).await?;
        let mut next = from;
        for block in &page.blocks {
            if block.height != next {
                let reason = format!("expected block {next}, got {}", block.height);
                return Err(ClientError::Answer { what: "events", reason });
            }
            next = next.saturating_add(1);
        }
        if page.next != next {
            let reason = format!("expected to go on from {next}, got {}", page.next);
            return Err(ClientError::Answer { what: "events", reason });
        }
        Ok(page)
    }

    /// What became of a transaction; waits up to `wait` while it waits for its block.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transaction(&self, id: &Hash, wait: Duration) -> Result<TransactionState, ClientError> {
        let wait = milliseconds(wait);
        self.call("transaction", || self.http.transaction(HashText(*id), Some(wait))).await
    }

    /// Hands in a signed transaction (canonical bytes); it waits for a block then.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the rule's refusal; the others.
    pub async fn submit(&self, transaction: &[u8]) -> Result<Hash, ClientError> {
        let HashText(id) = self.call("submit", || self.http.submit(Bytes(transaction.to_vec()))).await?;
        Ok(id)
    }

    /// Hands in a signed transaction and waits until it is in a block; hands it in again if the node lost it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] also when it was dropped later; [`ClientError::TimedOut`] when no block came.
    pub async fn send(&self, transaction: &[u8]) -> Result<Committed, ClientError> {
        let start = Instant::now();
        let expected = *CheckedTransaction::parse(transaction)?.id();
        loop {
            let id = self.submit(transaction).await?;
            if id != expected {
                let reason = "another identifier than the transaction has".to_owned();
                return Err(ClientError::Answer { what: "submit", reason });
            }
            loop {
                match self.transaction(&id, Duration::from_millis(WAIT_MS_MAX)).await? {
                    TransactionState::Committed { height, outcome, .. } => return Ok(Committed { height, outcome }),
                    TransactionState::Refused { refusal } => return Err(ClientError::Refused(refusal)),
                    TransactionState::Waiting => {}
                    TransactionState::Unknown => break,
                }
                let waited = start.elapsed();
                if waited >= BLOCK_WAIT {
                    return Err(ClientError::TimedOut { id, waited });
                }
            }
            let waited = start.elapsed();
            if waited >= BLOCK_WAIT {
                return Err(ClientError::TimedOut { id, waited });
            }
            sleep(PAUSE_FIRST).await;
        }
    }

    async fn call<T, F>(&self, what: &'static str, attempt: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, RpcError>>,
    {
        let mut lost: Option<Instant> = None;
        let mut pause = PAUSE_FIRST;
        loop {
            let reason = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => unreachable_reason(what, error)?,
            };
            let waited = lost.get_or_insert_with(Instant::now).elapsed();
            if waited >= self.patience {
                return Err(ClientError::Unreachable { url: self.url.clone(), waited, reason });
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }
}

/// What hindered the connection, if asking again can help; otherwise what to tell the caller.
fn unreachable_reason(what: &'static str, error: RpcError) -> Result<String, ClientError> {
    match error {
        RpcError::Call(error) if error.code() == Code::Stopping.number() => Ok(error.message().to_owned()),
        RpcError::Call(error) if error.code() == Code::Refused.number() => {
            let data = error.data().and_then(|data| serde_json::from_str::<Refusal>(data.get()).ok());
            let reason = || "a refusal without its code".to_owned();
            Err(data.map_or_else(|| ClientError::Answer { what, reason: reason() }, ClientError::Refused))
        }
        RpcError::Call(error) => Err(ClientError::Node { code: error.code(), message: error.message().to_owned() }),
        RpcError::Transport(error) => match error.downcast_ref::<TransportError>() {
            Some(TransportError::Rejected { status_code }) => {
                Err(ClientError::Answer { what, reason: format!("HTTP status {status_code}") })
            }
            Some(TransportError::RequestTooLarge) => {
                Err(ClientError::Answer { what, reason: "the request is larger than a node takes".to_owned() })
            }
            _ => Ok(innermost(&*error)),
        },
        RpcError::RequestTimeout => Ok("the call took too long".to_owned()),
        RpcError::RestartNeeded(error) => Ok(error.to_string()),
        other => Err(ClientError::Answer { what, reason: other.to_string() }),
    }
}

/// The cause at the end of a chain of errors: "connection refused" says more than "client error".
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn named(what: &'static str, key: &Key) -> Result<(ObjectKind, Option<Hash>), ClientError> {
    let reason = || "timers cannot be asked for".to_owned();
    ObjectKind::of(key).ok_or_else(|| ClientError::Answer { what, reason: reason() })
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(WAIT_MS_MAX)
}
