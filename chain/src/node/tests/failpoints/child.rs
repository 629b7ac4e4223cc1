//! What a child process does until it is stopped. It says what it was told and what it saw, on lines of its own.

use std::path::Path;

use super::{MARK, Task, point};
use crate::api::{Bytes, ChainApiClient, Code, HashText, TransactionState};
use crate::node::archive::{ArchiveReader, export, import_blocks, restore, snapshot};
use crate::node::failpoint::{Action, arm, trace};
use crate::node::tests::archive::ours;
use crate::node::tests::engine;
use crate::node::tests::serving::{client, error, options, serve_at, transfer};
use crate::node::{Directory, RocksStore};
use crate::testing::setup;

/// Transfers that are handed in, each of them a block.
pub(super) const TRANSFERS: u64 = 3;
/// Exit code after an error that was said.
pub(super) const REFUSED: i32 = 3;

fn say(line: &str) {
    println!("\n{MARK}{line}");
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Follows `instructions`: task, point, time, action, folder.
pub(super) fn work(instructions: &str) {
    let words: Vec<&str> = instructions.splitn(5, ' ').collect();
    let [task, stop, time, action, folder] = words[..] else { panic!("{instructions}") };
    match action {
        "Trace" => trace(|point| say(&format!("reached {point}"))),
        "Abort" => arm(point(stop), time.parse().unwrap(), Action::Abort),
        "Refuse" => arm(point(stop), time.parse().unwrap(), Action::Refuse),
        // So many transfers, until the disk is full.
        _ => {}
    }
    let transfers = if action == "Full" { time.parse().unwrap() } else { TRANSFERS };
    if let Err(error) = act(Task::named(task), Path::new(folder), transfers) {
        say(&format!("error {}", error.replace('\n', " ")));
        std::process::exit(REFUSED);
    }
}

fn act(task: Task, folder: &Path, transfers: u64) -> Result<(), String> {
    let (data, file) = (folder.join("data"), |name: &str| folder.join(name));
    match task {
        Task::Serve | Task::Recreate => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(serve_some(&data, transfers))
        }
        Task::Prune => {
            let directory = Directory::existing(&data, &ours()).map_err(text)?;
            RocksStore::open(&directory).map_err(text)?.prune(20, 11).map(drop).map_err(text)
        }
        Task::Export => export(&data, &ours(), &file("blocks")).map(drop).map_err(text),
        Task::Snapshot => snapshot(&data, &ours(), &file("state")).map(drop).map_err(text),
        Task::SnapshotBeside => {
            let held = engine(&data).map_err(text)?;
            let written = snapshot(&data, &ours(), &file("state")).map(drop).map_err(text);
            drop(held);
            written
        }
        Task::Import => {
            let reader = ArchiveReader::open(&file("blocks")).unwrap();
            import_blocks(reader, vec![setup().clone()], &file("new"), true).map(drop).map_err(text)
        }
        Task::Restore => {
            let reader = ArchiveReader::open(&file("state")).unwrap();
            restore(reader, &file("new"), true).map(drop).map_err(text)
        }
    }
}

/// A node on a directory; transfers of an account that never sent one are handed in and waited for, one after the other.
async fn serve_some(data: &Path, transfers: u64) -> Result<(), String> {
    let node = serve_at(data, options()).await.map_err(text)?;
    let client = client(node.address());
    for nonce in 0..transfers {
        let signed = transfer(1, nonce);
        client.submit(Bytes(signed.to_bytes())).await.map_err(text)?;
        say(&format!("acknowledged {nonce}"));
        let state = tokio::select! {
            _ = node.failed() => None,
            // Who waits is told that the node stops.
            state = client.transaction(HashText(signed.id()), Some(10_000)) => state.ok(),
        };
        if let Some(TransactionState::Committed { height, .. }) = state {
            let block = client.block(height).await.map_err(text)?.unwrap();
            say(&format!("committed {height} {}", attestation::hex::encode(&block.block.hash())));
            continue;
        }
        // It goes on answering, and neither shows the block that it could not keep nor takes more.
        let fault = node.failed().await;
        say(&format!("stands {}", client.status().await.map_err(text)?.height));
        let (refused, _) = error(client.submit(Bytes(transfer(1, nonce + 1).to_bytes())).await);
        assert_eq!(refused.code(), Code::Stopping.number());
        assert_eq!(node.stop().await, Err(fault.clone()));
        return Err(fault.to_string());
    }
    node.stop().await.map_err(text)
}
