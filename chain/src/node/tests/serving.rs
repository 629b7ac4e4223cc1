//! A node as its users see it: over sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jsonrpsee::core::client::Error as RpcError;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::{Bytes, ChainApiClient, Code, HashText, Refusal, Status, TransactionState};
use crate::node::{MempoolLimits, Node, NodeOptions, ServeError, serve};
use crate::testing::{account, genesis, setup, validator};
use crate::types::genesis::Genesis;
use crate::types::ids::{Address, Hash};
use crate::types::transaction::{Action, SignedTransaction, Transaction, Transfer};

/// Milliseconds between blocks of these tests.
pub(super) const INTERVAL_MS: u64 = 20;

pub(super) fn quick() -> Genesis {
    genesis(|params| params.block.interval_ms = INTERVAL_MS)
}

pub(super) fn options() -> NodeOptions {
    NodeOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))
}

pub(super) async fn serve_at(path: &Path, options: NodeOptions) -> Result<Node, ServeError> {
    serve(path, quick(), vec![setup().clone()], validator(), options).await
}

/// A node on a directory of its own.
pub(super) struct Served {
    pub(super) node: Node,
    pub(super) client: HttpClient,
    pub(super) directory: tempfile::TempDir,
}

impl Served {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut NodeOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = options();
        change(&mut options);
        let node = serve_at(&directory.path().join("data"), options).await.unwrap();
        let client = client(node.address());
        Self { node, client, directory }
    }

    pub(super) async fn status(&self) -> Status {
        self.client.status().await.unwrap()
    }

    pub(super) async fn submit(&self, transaction: &SignedTransaction) -> Hash {
        self.client.submit(Bytes(transaction.to_bytes())).await.unwrap().0
    }

    /// Hands in and waits for the block; its height.
    pub(super) async fn commit(&self, transaction: &SignedTransaction) -> u64 {
        let id = self.submit(transaction).await;
        match self.client.transaction(HashText(id), Some(10_000)).await.unwrap() {
            TransactionState::Committed { height, outcome, .. } => {
                assert_eq!(outcome.transaction, id);
                height
            }
            state => panic!("{state:?}"),
        }
    }

    /// An HTTP request of a method and path: status line and body.
    pub(super) async fn get(&self, path: &str) -> (String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(self.node.address(), request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

pub(super) fn client(address: SocketAddr) -> HttpClient {
    HttpClientBuilder::default()
        .request_timeout(Duration::from_secs(60))
        .max_response_size(256 << 20)
        .build(format!("http://{address}"))
        .unwrap()
}

/// Sends bytes and reads until the node closes the connection.
pub(super) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The node may answer and close before everything is sent.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), socket.read_to_end(&mut answer));
    let _ = read.await.expect("the node neither answers nor closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A POST with a body: the whole answer.
pub(super) async fn post(address: SocketAddr, body: &[u8]) -> String {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    raw(address, &[head.as_bytes(), body].concat()).await
}

pub(super) fn body(sender: u8, nonce: u64) -> Transaction {
    assert!(sender != 0);
    let genesis = quick();
    Transaction {
        chain_id: genesis.chain_id(),
        genesis: genesis.hash(),
        nonce,
        gas_limit: 20_000,
        gas_price: 1,
        action: Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 5 }),
    }
}

pub(super) fn transfer(sender: u8, nonce: u64) -> SignedTransaction {
    body(sender, nonce).sign(&account(sender))
}

/// The error of a call, with its refusal if it carries one.
pub(super) fn error<T: std::fmt::Debug>(answer: Result<T, RpcError>) -> (ErrorObjectOwned, Option<Refusal>) {
    let RpcError::Call(error) = answer.unwrap_err() else { panic!("no answer of the interface") };
    let refusal = error.data().map(|data| serde_json::from_str(data.get()).unwrap());
    (error, refusal)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_committed_and_outlives_the_node() {
    let served = Served::start().await;
    let genesis = served.client.genesis().await.unwrap();
    assert_eq!(genesis, Bytes(quick().to_bytes()));
    assert_eq!(served.status().await.height, 0);
    let first = transfer(1, 0);
    let height = served.commit(&first).await;
    let before = served.status().await;
    assert_eq!((height, before.height, before.waiting), (1, 1, 0));
    // The same bytes again: the same answer, and nothing happens.
    assert_eq!(served.submit(&first).await, first.id());
    tokio::time::sleep(Duration::from_millis(5 * INTERVAL_MS)).await;
    assert_eq!(served.status().await, before);

    let Served { node, directory, .. } = served;
    node.stop().await.unwrap();
    let node = serve_at(&directory.path().join("data"), options()).await.unwrap();
    let client = client(node.address());
    let after = client.status().await.unwrap();
    assert_eq!(after, before);
    let state = client.transaction(HashText(first.id()), None).await.unwrap();
    assert!(matches!(state, TransactionState::Committed { height: 1, position: 0, .. }), "{state:?}");
    assert_eq!(client.submit(Bytes(first.to_bytes())).await.unwrap(), HashText(first.id()));
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_takes_all_that_waits_in_order() {
    let served = Served::start().await;
    for nonce in [2, 1, 3] {
        served.submit(&transfer(1, nonce)).await;
    }
    tokio::time::sleep(Duration::from_millis(5 * INTERVAL_MS)).await;
    assert_eq!((served.status().await.height, served.status().await.waiting), (0, 3));
    let waiting = served.client.transaction(HashText(transfer(1, 3).id()), Some(50)).await.unwrap();
    assert_eq!(waiting, TransactionState::Waiting);
    assert_eq!(served.commit(&transfer(1, 0)).await, 1);
    let block = served.client.block(1).await.unwrap().unwrap();
    let ids: Vec<Hash> = block.outcomes.iter().map(|outcome| outcome.transaction).collect();
    assert_eq!(ids, [0, 1, 2, 3].map(|nonce| transfer(1, nonce).id()));
    assert_eq!(served.client.block(2).await.unwrap(), None);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_its_rule() {
    let served = Served::with(|options| options.mempool = MempoolLimits { count_max: 2, ..options.mempool }).await;
    let mut cheap = body(1, 0);
    cheap.gas_price = 0;
    let (refused, refusal) = error(served.client.submit(Bytes(cheap.sign(&account(1)).to_bytes())).await);
    let refusal = refusal.unwrap();
    assert_eq!(refused.code(), Code::Refused.number());
    assert_eq!((refusal.code, refusal.rule.as_str()), (106, "gas-price-low"));
    assert_eq!(refusal.message, "gas price: expected at least 1 micro-tokens, got 0");
    served.node.stop().await.unwrap();
}
