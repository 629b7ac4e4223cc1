//! A running node: its data directory, its blocks, its port.
//!
//! *Order.* The environment is checked and the port taken before the data directory is touched, so that a second node
//! started by mistake changes nothing. When it stops, calls end first, then blocks, then the store is closed: whoever got
//! an answer got it from a node that kept what it said.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use attestation::identity::ed25519::SigningKey;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use verifier::environment::{self, EnvironmentError};
use verifier::setup::Setup;

use super::fault::{Condition, NodeFault};
use super::http::{Listener, listen};
use super::mempool::MempoolLimits;
use super::producer;
use super::shared::Shared;
use super::start::{StartError, start};
use super::store::RocksStore;
use crate::state::{LocalChain, StateError, StateMachine};
use crate::types::genesis::Genesis;

/// How a node is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeOptions {
    /// Where to listen; port 0 takes a free one. On a loopback address only this machine's names are answered.
    pub listen: SocketAddr,
    /// How much may wait for a block.
    pub mempool: MempoolLimits,
    /// Most open connections.
    pub connections_max: usize,
    /// Most callers that wait for a block at once.
    pub waits_max: usize,
    /// How long a connection may go without a whole request.
    pub quiet_max: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub stalled_max: Duration,
    /// How long a block may be due before the node says that it is not ready.
    pub overdue_max: Duration,
}

impl NodeOptions {
    /// The standard limits, listening at an address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            mempool: MempoolLimits::default(),
            connections_max: 512,
            waits_max: 256,
            quiet_max: Duration::from_secs(60),
            stalled_max: Duration::from_secs(20),
            overdue_max: Duration::from_secs(10),
        }
    }
}

/// Why a node does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// Nothing that verifies proofs may run here.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The port cannot be had.
    #[error(
        "listen address {address}: {kind}; stop the program that uses it or choose another with port 0 for a free one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// The validator does not start on its data directory.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The operating system gave no thread.
    #[error("block production: no thread ({kind}); free memory or raise the limit of threads")]
    Thread {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// Starting ended without an answer.
    #[error("the start ended without an answer, which is a defect of this program")]
    Ended,
}

/// Opens the data directory at `path`, starts making blocks and answering.
///
/// # Errors
/// [`ServeError`]; nothing runs then.
pub async fn serve(
    path: &Path,
    genesis: Genesis,
    setups: Vec<Setup>,
    key: SigningKey,
    options: NodeOptions,
) -> Result<Node, ServeError> {
    environment::check()?;
    let busy = |error: io::Error| ServeError::Listen { address: options.listen, kind: error.kind() };
    let socket = TcpListener::bind(options.listen).await.map_err(busy)?;
    let address = socket.local_addr().map_err(busy)?;
    let path = path.to_owned();
    let opening = tokio::task::spawn_blocking(move || open(&path, genesis, setups, key, options));
    let (chain, shared) = opening.await.map_err(|_| ServeError::Ended)??;
    let (chain_id, height) = (chain.machine().genesis().chain_id(), chain.machine().height());
    let block = chain.machine().genesis().params().block;
    let thread = producer::start(chain, Arc::clone(&shared), Handle::current());
    let thread = thread.map_err(|error| ServeError::Thread { kind: error.kind() })?;
    let listener = listen(socket, address, Arc::clone(&shared), &block);
    tracing::info!(%address, chain_id, height, "node started");
    Ok(Node { address, running: Some((listener, thread)), shared })
}

fn open(
    path: &Path,
    genesis: Genesis,
    setups: Vec<Setup>,
    key: SigningKey,
    options: NodeOptions,
) -> Result<(LocalChain<RocksStore>, Arc<Shared>), ServeError> {
    let chain = start(path, genesis, setups, key)?;
    let shared = Arc::new(Shared::new(chain.machine(), options)?);
    Ok((chain, shared))
}

/// A running node; dropping it ends block production and leaves the port to the runtime's end.
pub struct Node {
    address: SocketAddr,
    running: Option<(Listener, JoinHandle<()>)>,
    pub(super) shared: Arc<Shared>,
}

impl Node {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the node stops making blocks by itself; the reason.
    pub async fn failed(&self) -> NodeFault {
        let mut condition = self.shared.condition.subscribe();
        let failed = condition.wait_for(|condition| matches!(condition, Condition::Failed(_))).await;
        match failed.as_deref() {
            Ok(Condition::Failed(fault)) => fault.clone(),
            _ => NodeFault::Ended,
        }
    }

    /// Stops: no new calls, those under way end, the block under way is committed, the store is closed.
    ///
    /// # Errors
    /// The fault that had ended block production before.
    pub async fn stop(mut self) -> Result<(), NodeFault> {
        self.shared.set_condition(Condition::Stopping);
        let Some((listener, thread)) = self.running.take() else { return Ok(()) };
        if matches!(*self.shared.condition.borrow(), Condition::Failed(_)) {
            // No block will come to those who still wait for one.
            self.shared.published.send_replace(None);
        }
        listener.close().await;
        self.shared.wake.stop();
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        self.shared.submits.close().await;
        self.shared.reads.close().await;
        self.shared.published.send_replace(None);
        tracing::info!("node stopped");
        match (&*self.shared.condition.borrow(), ended) {
            (Condition::Failed(fault), _) => Err(fault.clone()),
            (_, Ok(Ok(()))) => Ok(()),
            _ => Err(NodeFault::Ended),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shared.set_condition(Condition::Stopping);
        self.shared.wake.stop();
    }
}
