//! Events: pages, long polls, subscriptions; nothing is missed and nobody is waited for.

use std::time::{Duration, Instant};

use jsonrpsee_ws_client::{WsClient, WsClientBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use verifier::inclusion::check_link;

use super::serving::{Served, error, options, serve_at, transfer};
use crate::api::{BlockEvents, Bytes, ChainApiClient, Code, HashText, TransactionState};
use crate::types::ids::Hash;

async fn websocket(served: &Served) -> WsClient {
    WsClientBuilder::default().build(format!("ws://{}", served.node.address())).await.unwrap()
}

fn transactions(events: &BlockEvents) -> Vec<Hash> {
    events.outcomes.iter().map(|outcome| outcome.transaction).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_events_have_no_gaps() {
    let served = Served::start().await;
    let client = &served.client;
    for nonce in 0..5 {
        served.commit(&transfer(1, nonce)).await;
    }
    let page = client.events(1, Some(2), None).await.unwrap();
    assert_eq!((page.next, page.head), (3, 5));
    let rest = client.events(page.next, None, None).await.unwrap();
    assert_eq!((rest.next, rest.head), (6, 5));
    for (nonce, events) in (0..).zip(page.blocks.iter().chain(&rest.blocks)) {
        assert_eq!((events.height, transactions(events)), (nonce + 1, vec![transfer(1, nonce).id()]));
        let block = client.block(events.height).await.unwrap().unwrap();
        assert_eq!((events.block, events.time_ms), (block.block.hash(), block.block.header.time));
    }
    let none = client.events(9, None, None).await.unwrap();
    assert_eq!((none.next, none.head, none.blocks), (9, 5, vec![]));
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_ends_with_the_next_block() {
    let served = Served::start().await;
    let started = Instant::now();
    let empty = served.client.events(1, None, Some(150)).await.unwrap();
    assert_eq!((empty.next, empty.blocks), (1, vec![]));
    assert!(started.elapsed() >= Duration::from_millis(150));
    let poll = tokio::spawn({
        let client = served.client.clone();
        async move { client.events(1, None, Some(20_000)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!poll.is_finished());
    served.submit(&transfer(1, 0)).await;
    let page = poll.await.unwrap().unwrap();
    assert_eq!((page.next, transactions(&page.blocks[0])), (2, vec![transfer(1, 0).id()]));
    assert!(started.elapsed() < Duration::from_secs(10));
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_are_few() {
    let served = Served::with(|options| options.waits_max = 1).await;
    let poll = tokio::spawn({
        let client = served.client.clone();
        async move { client.events(1, None, Some(20_000)).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (full, _) = error(served.client.events(1, None, Some(20_000)).await);
    assert_eq!(full.code(), Code::Full.number());
    assert_eq!(full.message(), "too many callers wait for a block; try again in a moment");
    // Who does not wait is answered.
    assert_eq!(served.client.events(1, None, None).await.unwrap().next, 1);
    poll.abort();
    // A caller that is gone waits no more.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(served.client.events(1, None, Some(50)).await.unwrap().next, 1);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_keeps_nobody_waiting() {
    let served = Served::start().await;
    let poll = tokio::spawn({
        let client = served.client.clone();
        async move { client.events(1, None, Some(30_000)).await }
    });
    let socket = websocket(&served).await;
    let mut events = ChainApiClient::subscribe_events(&socket, None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let started = Instant::now();
    served.node.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let (stopping, _) = error(poll.await.unwrap());
    assert_eq!(stopping.code(), Code::Stopping.number());
    assert!(!matches!(events.next().await, Some(Ok(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_gets_every_block_from_where_it_asks() {
    let served = Served::start().await;
    for nonce in 0..30 {
        served.submit(&transfer(1, nonce)).await;
        if nonce % 3 == 0 {
            served.commit(&transfer(1, nonce)).await;
        }
    }
    served.commit(&transfer(1, 29)).await;
    let head = served.status().await.height;
    assert!(head >= 10);
    let socket = websocket(&served).await;
    let mut old = ChainApiClient::subscribe_events(&socket, Some(1)).await.unwrap();
    let mut new = ChainApiClient::subscribe_events(&socket, None).await.unwrap();
    let mut seen = Vec::new();
    for height in 1..=head {
        let events = old.next().await.unwrap().unwrap();
        assert_eq!(events.height, height);
        seen.extend(transactions(&events));
    }
    for nonce in 30..60 {
        served.submit(&transfer(1, nonce)).await;
    }
    served.commit(&transfer(1, 59)).await;
    let mut next = head + 1;
    while seen.len() < 60 {
        let (from_old, from_new) = (old.next().await.unwrap().unwrap(), new.next().await.unwrap().unwrap());
        assert_eq!(from_old, from_new);
        assert_eq!(from_old.height, next);
        next += 1;
        seen.extend(transactions(&from_old));
    }
    assert_eq!(seen, (0..60).map(|nonce| transfer(1, nonce).id()).collect::<Vec<_>>());
    let _third = ChainApiClient::subscribe_events(&socket, None).await.unwrap();
    let _fourth = ChainApiClient::subscribe_events(&socket, None).await.unwrap();
    let (many, _) = {
        let refused = ChainApiClient::subscribe_events(&socket, None).await;
        let jsonrpsee::core::client::Error::Call(error) = refused.unwrap_err() else { panic!() };
        (error.code(), ())
    };
    assert_eq!(many, jsonrpsee::types::error::TOO_MANY_SUBSCRIPTIONS_CODE);
    let refused = ChainApiClient::subscribe_events(&websocket(&served).await, Some(0)).await;
    let jsonrpsee::core::client::Error::Call(zero) = refused.unwrap_err() else { panic!() };
    assert_eq!(zero.message(), "from: expected a height of 1 or more, got 0; genesis has no events");
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_light_client_follows_headers() {
    let served = Served::start().await;
    for nonce in 0..3 {
        served.commit(&transfer(1, nonce)).await;
    }
    let (genesis, validators) = (super::serving::quick().hash(), super::serving::quick().validators().clone());
    let socket = websocket(&served).await;
    let mut headers = ChainApiClient::subscribe_headers(&socket, Some(1)).await.unwrap();
    let first = headers.next().await.unwrap().unwrap();
    let mut last = first.clone();
    for height in 2..=4 {
        if height == 4 {
            served.submit(&transfer(1, 3)).await;
        }
        let next = headers.next().await.unwrap().unwrap();
        next.certificate.verify(&next.header, &genesis, &validators).unwrap();
        check_link(&last.header, &last.certificate, &next.header).unwrap();
        assert_eq!(served.client.header(height).await.unwrap().unwrap(), next);
        last = next;
    }
    assert_eq!(served.client.header(1).await.unwrap().unwrap(), first);
    assert_eq!((served.client.header(0).await.unwrap(), served.client.header(5).await.unwrap()), (None, None));
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_on_where_it_was_after_the_node_was_away() {
    let served = Served::start().await;
    served.commit(&transfer(1, 0)).await;
    let page = served.client.events(1, None, None).await.unwrap();
    served.commit(&transfer(1, 1)).await;
    let Served { node, directory, .. } = served;
    node.stop().await.unwrap();
    let node = serve_at(&directory.path().join("data"), options()).await.unwrap();
    let client = super::serving::client(node.address());
    let id = client.submit(Bytes(transfer(1, 2).to_bytes())).await.unwrap();
    let state = client.transaction(HashText(id.0), Some(10_000)).await.unwrap();
    assert!(matches!(state, TransactionState::Committed { height: 3, .. }));
    let rest = client.events(page.next, None, None).await.unwrap();
    let seen: Vec<Vec<Hash>> = rest.blocks.iter().map(transactions).collect();
    assert_eq!(seen, [vec![transfer(1, 1).id()], vec![transfer(1, 2).id()]]);
    node.stop().await.unwrap();
}

/// A WebSocket frame of text, as a client sends it.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[0x81, 0x80 | 126], length.as_slice(), &[0; 4], text.as_bytes()].concat()
}

async fn raw_websocket(served: &Served) -> TcpStream {
    let mut socket = TcpStream::connect(served.node.address()).await.unwrap();
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await.unwrap();
    socket
}

/// A question of a size that takes the longer form of a length.
fn ask() -> Vec<u8> {
    frame(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"chain_genesis","params":{:130}}}"#, "[]"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_asks_and_never_reads_is_cut_off() {
    let served = Served::with(|options| options.stalled_max = Duration::from_millis(500)).await;
    let mut socket = raw_websocket(&served).await;
    let many = ask().repeat(100);
    let cut_off = async {
        loop {
            if socket.write_all(&many).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cut_off).await.expect("the peer may ask for ever");
    served.commit(&transfer(1, 0)).await;
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_asks_faster_than_it_is_answered_gets_every_answer() {
    const ROUNDS: usize = 1_000;
    let served = Served::start().await;
    let (mut reader, mut writer) = raw_websocket(&served).await.into_split();
    let nonsense = frame(&format!("{:130}", "?"));
    let batch = frame(&format!(r#"[{{"jsonrpc":"2.0","id":2,"method":"chain_status"}},{:130}]"#, "3"));
    let unanswered = frame(&format!(r#"{{"jsonrpc":"2.0","method":"chain_status","params":{:130}}}"#, "[]"));
    let ping = [0x89, 0x80, 0, 0, 0, 0].to_vec();
    let round = [ask(), nonsense, batch, unanswered, ping].concat();
    let asking = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            writer.write_all(&round).await.unwrap();
        }
        writer
    });
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(reader.read_u8().await.unwrap());
    }
    let (mut messages, mut pongs) = (0, 0);
    while (messages, pongs) != (3 * ROUNDS, ROUNDS) {
        let first = reader.read_u8().await.unwrap();
        let length = match reader.read_u8().await.unwrap() {
            126 => usize::from(reader.read_u16().await.unwrap()),
            length => usize::from(length),
        };
        reader.read_exact(&mut vec![0; length]).await.unwrap();
        match first {
            0x81 => messages += 1,
            0x8A => pongs += 1,
            other => assert_eq!(other, 0x89),
        }
    }
    drop(asking.await.unwrap());
    served.node.stop().await.unwrap();
}
