//! What stands in the way of a node, and what it says when it cannot go on.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use jsonrpsee_ws_client::WsClientBuilder;
use tokio::net::TcpListener;

use super::serving::{Served, error, options, quick, serve_at, transfer};
use crate::api::{Bytes, ChainApiClient, Code};
use crate::node::{NodeFault, OpenError, ServeError, StartError, serve};
use crate::state::{GuardError, LocalError};
use crate::testing::{account, setup, validator};
use crate::types::genesis::Genesis;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_port_is_named_before_anything_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let mut busy = options();
    busy.listen = address;
    let refused = serve_at(&path, busy).await.err().unwrap();
    assert_eq!(refused, ServeError::Listen { address, kind: io::ErrorKind::AddrInUse });
    let message = refused.to_string();
    assert!(
        message.starts_with(&format!("listen address {address}: ")) && message.contains("choose another"),
        "{message}"
    );
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_use_or_another_key_is_refused() {
    let served = Served::start().await;
    let path = served.directory.path().join("data");
    let in_use = OpenError::InUse { path: path.clone() };
    assert_eq!(serve_at(&path, options()).await.err(), Some(ServeError::Start(StartError::Open(in_use))));
    served.node.stop().await.unwrap();
    let got = account(1).public_key().address();
    let stranger = serve(&path, quick(), vec![setup().clone()], account(1), options()).await.err();
    assert_eq!(stranger, Some(ServeError::Start(StartError::Engine(LocalError::NotValidator { got }))));
    // Nothing of that kept the directory.
    serve_at(&path, options()).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_stops_blocks_and_not_queries() {
    let served = Served::start().await;
    let path = served.directory.path().join("data");
    served.commit(&transfer(1, 0)).await;
    let before = served.status().await;
    // A directory in the way of the record of the next signature, as a full disk would be.
    fs::create_dir(path.join("LAST-SIGNED.tmp")).unwrap();
    served.submit(&transfer(1, 1)).await;
    let fault = tokio::time::timeout(Duration::from_secs(10), served.node.failed()).await.unwrap();
    let unwritten = GuardError::Unwritten { kind: io::ErrorKind::IsADirectory };
    assert_eq!(fault, NodeFault::Engine(LocalError::Guard(unwritten)));
    let (status, reason) = served.get("/ready").await;
    assert_eq!((status.as_str(), reason), ("HTTP/1.1 503 Service Unavailable", format!("not ready: {fault}\n")));
    assert_eq!(served.get("/health").await.0, "HTTP/1.1 200 OK");
    assert!(served.get("/metrics").await.1.contains("\nassay_ready 0\n"));
    assert_eq!(served.status().await.block, before.block);
    let (refused, _) = error(served.client.submit(Bytes(transfer(1, 2).to_bytes())).await);
    assert_eq!(refused.code(), Code::Stopping.number());
    assert_eq!(served.node.failed().await, fault);
    // Who reads on from the last block is not waited for.
    let socket = WsClientBuilder::default().build(format!("ws://{}", served.node.address())).await.unwrap();
    let mut events = ChainApiClient::subscribe_events(&socket, Some(1)).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().block, before.block);
    let started = Instant::now();
    let Served { node, directory, .. } = served;
    assert_eq!(node.stop().await, Err(fault));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(!matches!(events.next().await, Some(Ok(_))));

    fs::remove_dir(path.join("LAST-SIGNED.tmp")).unwrap();
    let node = serve_at(&path, options()).await.unwrap();
    let client = super::serving::client(node.address());
    assert_eq!(client.status().await.unwrap().block, before.block);
    node.stop().await.unwrap();
    drop(directory);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_lies_behind_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let base = quick();
    let (time, params) = (4_000_000_000_000, *base.params());
    let (accounts, validators) = (base.accounts().to_vec(), base.validators().clone());
    let (setups, policy) = (base.setups().clone(), base.policy().clone());
    let ahead = Genesis::new(base.chain_id(), time, params, accounts, validators, setups, policy).unwrap();
    let path = directory.path().join("data");
    let node = serve(&path, ahead.clone(), vec![setup().clone()], validator(), options()).await.unwrap();
    let client = super::serving::client(node.address());
    let mut body = super::serving::body(1, 0);
    body.genesis = ahead.hash();
    client.submit(Bytes(body.sign(&account(1)).to_bytes())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let served = Served { node, client, directory };
    let (status, reason) = served.get("/ready").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(reason.starts_with("not ready: clock: ") && reason.ends_with("set the clock\n"), "{reason}");
    let failed = tokio::time::timeout(Duration::from_millis(100), served.node.failed()).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(served.status().await.waiting, 1);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_nothing_to_do_makes_no_blocks() {
    let served = Served::start().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(served.status().await.height, 0);
    let text = served.get("/metrics").await.1;
    for line in [
        "assay_block_height 0",
        "assay_mempool_transactions 0",
        "assay_mempool_bytes 0",
        "assay_ready 1",
        "assay_transactions_committed_total 0",
        "assay_block_commit_seconds_count 0",
        "assay_convictions_total 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|got| got == line), "{line} in {text}");
    }
    assert!(text.contains("assay_build_info{version=\"0.1.0\",chain=\"1337\"} 1"), "{text}");
    assert!(text.contains("assay_rpc_requests_total{method=\"chain_status\"} 1"), "{text}");
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_keeps_what_was_taken_into_a_block() {
    let served = Served::start().await;
    for nonce in 0..40 {
        served.submit(&transfer(1, nonce)).await;
    }
    let Served { node, directory, .. } = served;
    node.stop().await.unwrap();
    let report = crate::node::check(&directory.path().join("data"), &quick(), vec![setup().clone()]).unwrap();
    let node = serve_at(&directory.path().join("data"), options()).await.unwrap();
    let client = super::serving::client(node.address());
    assert_eq!(client.status().await.unwrap().height, report.audit.height);
    node.stop().await.unwrap();
}
