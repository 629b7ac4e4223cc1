//! What attackers send: every kind of it gets a clear answer, changes nothing, and leaves the node alive.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::serving::{Served, body, error, post, raw, transfer};
use crate::api::{Bytes, ChainApiClient};
use crate::rules::Reject;
use crate::testing::account;
use crate::types::ids::Hash;

impl Served {
    /// The node answers, and the state is what it was.
    async fn unharmed(&self, root: Hash) {
        assert_eq!(self.status().await.state_root, root);
        assert_eq!(self.get("/health").await, ("HTTP/1.1 200 OK".to_owned(), "alive\n".to_owned()));
        assert_eq!(self.get("/ready").await, ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned()));
    }

    /// The code and message of the error that a POST gets.
    async fn told(&self, body: &[u8]) -> (i64, String) {
        let answer = post(self.node.address(), body).await;
        let (_, json) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let mut json: serde_json::Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON: {json:?}"));
        if let Some(first) = json.get_mut(0) {
            json = first.take();
        }
        (json["error"]["code"].as_i64().unwrap(), json["error"]["message"].as_str().unwrap().to_owned())
    }
}

fn call(method: &str, params: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_no_calls_are_answered_with_an_error() {
    let served = Served::start().await;
    let root = served.status().await.state_root;
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (bytes, code) in [
        (b"{".to_vec(), -32_700),
        (b"{\"jsonrpc\":\"2.0\"}".to_vec(), -32_700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}".to_vec(), -32_600),
        (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"chain_status\"}".to_vec(), -32_600),
        (b"{\"\xff\xfe\":1}".to_vec(), -32_700),
        (nested.clone().into_bytes(), -32_600),
        (call("chain_stat", "[]"), -32_601),
        (call("chain_submit", "[]"), -32_602),
        (call("chain_submit", "[7]"), -32_602),
        (call("chain_submit", "[\"00\"]"), -32_602),
        (call("chain_submit", "[\"0x0\"]"), -32_602),
        (call("chain_submit", "[\"0xzz\"]"), -32_602),
        (call("chain_submit", &nested), -32_602),
        (call("chain_submit", "{\"transaction\":{}}"), -32_602),
        (call("chain_object", "[\"nothing\"]"), -32_602),
        (call("chain_object", "[\"job\",\"0x00\"]"), -32_602),
        (call("chain_block", "[-1]"), -32_602),
        (call("chain_block", "[18446744073709551616]"), -32_602),
        (call("chain_block", "[1e999]"), -32_602),
        (call("chain_events", "[\"1\"]"), -32_602),
        (call("chain_subscribeEvents", "[1]"), -32_603),
    ] {
        let (got, message) = served.told(&bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert_eq!(got, code, "{shown}: {message}");
    }
    let batch = format!("[{}]", vec![String::from_utf8(call("chain_status", "[]")).unwrap(); 17].join(","));
    let (code, message) = served.told(batch.as_bytes()).await;
    assert_eq!((code, message.as_str()), (-32_010, "The batch request was too large"));
    served.unharmed(root).await;
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_posts_of_json_are_refused() {
    let served = Served::with(|options| options.quiet_max = Duration::from_secs(2)).await;
    let root = served.status().await.state_root;
    let status = async |request: &str| {
        let answer = raw(served.node.address(), request.as_bytes()).await;
        answer.lines().next().unwrap_or_default().to_owned()
    };
    let end = "Host: localhost\r\nConnection: close\r\n\r\n";
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\n{end}"), "HTTP/1.1 404 Not Found"),
        (format!("GET /health/../x HTTP/1.1\r\n{end}"), "HTTP/1.1 404 Not Found"),
        (format!("POST /other HTTP/1.1\r\n{end}"), "HTTP/1.1 404 Not Found"),
        (format!("PUT / HTTP/1.1\r\n{end}"), "HTTP/1.1 405 Method Not Allowed"),
        (format!("DELETE / HTTP/1.1\r\n{end}"), "HTTP/1.1 405 Method Not Allowed"),
        (format!("OPTIONS / HTTP/1.1\r\n{end}"), "HTTP/1.1 405 Method Not Allowed"),
        (format!("POST / HTTP/1.1\r\nContent-Type: text/plain\r\n{end}"), "HTTP/1.1 415 Unsupported Media Type"),
        ("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), "HTTP/1.1 403 Forbidden"),
        (
            "GET /health HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n".to_owned(),
            "HTTP/1.1 403 Forbidden",
        ),
        (format!("POST / HTTP/1.1\r\nOrigin: https://attacker.example\r\n{end}"), "HTTP/1.1 403 Forbidden"),
        (
            format!("GET / HTTP/1.1\r\nUpgrade: websocket\r\nOrigin: https://attacker.example\r\n{end}"),
            "HTTP/1.1 403 Forbidden",
        ),
        (format!("GARBAGE\r\n{end}"), "HTTP/1.1 400 Bad Request"),
        (format!("GET /health HTTP/9.9\r\n{end}"), "HTTP/1.1 400 Bad Request"),
        ("\0\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), "HTTP/1.1 400 Bad Request"),
        // HTTP/2 without negotiation.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
    ] {
        let got = status(&request).await;
        if expected.is_empty() {
            assert!(!got.contains("200"), "{request:?}: {got}");
        } else {
            assert_eq!(got, expected, "{request:?}");
        }
    }
    // A body that says it is too large is not waited for, nor is one that does not say.
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let declared = format!("{head}Content-Length: 1048577\r\n\r\n");
    assert_eq!(status(&declared).await, "HTTP/1.1 413 Payload Too Large");
    let chunk = format!("100000\r\n{}\r\n", "{".repeat(1 << 20));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(3));
    let answer = status(&chunked).await;
    assert!(["HTTP/1.1 411 Length Required", ""].contains(&answer.as_str()), "{answer}");
    served.unharmed(root).await;
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_transactions_are_refused_by_their_rule() {
    let served = Served::start().await;
    let root = served.status().await.state_root;
    let good = transfer(1, 0).to_bytes();
    let resigned = |change: fn(&mut crate::types::transaction::Transaction)| {
        let mut body = body(1, 0);
        change(&mut body);
        body.sign(&account(1)).to_bytes()
    };
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    for (bytes, code) in [
        (vec![], 102),
        (vec![0; 100], 102),
        (good[..good.len() - 1].to_vec(), 102),
        ([good.as_slice(), &[0]].concat(), 102),
        (vec![0; crate::types::transaction::TRANSACTION_BYTES_MAX + 1], 101),
        (forged, 103),
        (resigned(|body| body.chain_id += 1), 104),
        (resigned(|body| body.genesis = [1; 32]), 105),
        (resigned(|body| body.gas_price = 0), 106),
        (resigned(|body| body.gas_limit = 19_999), 107),
        (resigned(|body| body.gas_limit = u64::MAX), 108),
        (resigned(|body| body.nonce = 65), 109),
        (resigned(|body| body.nonce = u64::MAX), 109),
        (resigned(|body| body.gas_price = 1 << 60), 110),
        (resigned(|body| body.gas_price = u128::MAX), 111),
    ] {
        let (told, refusal) = error(served.client.submit(Bytes(bytes)).await);
        assert_eq!((told.code(), refusal.map(|refusal| refusal.code)), (-32_000, Some(code)), "{told:?}");
    }
    // A stranger has nothing to pay with, also for what would wait.
    let mut ahead = body(1, 3);
    ahead.gas_limit = 20_000;
    let (_, refusal) = error(served.client.submit(Bytes(ahead.sign(&account(77)).to_bytes())).await);
    let short = Reject::BalanceShort { account: account(77).public_key().address(), needed: 20_000, got: 0 };
    assert_eq!(refusal.unwrap(), (&short).into());
    let text = served.get("/metrics").await.1;
    assert!(text.contains("\nassay_transactions_refused_total{code=\"102\"} 4\n"), "{text}");
    assert_eq!((served.status().await.waiting, served.status().await.height), (0, 0));
    served.unharmed(root).await;
    // And a good one is still taken.
    served.commit(&transfer(1, 0)).await;
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_are_closed_and_do_not_shut_others_out() {
    let quiet = Duration::from_millis(600);
    let served = Served::with(|options| {
        options.quiet_max = quiet;
        options.connections_max = 8;
    })
    .await;
    let address = served.node.address();
    let mut idle = Vec::new();
    for start in ["", "G", "POST / HTTP/1.1\r\nHost: lo", "GET /health HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(start.as_bytes()).await.unwrap();
        idle.push(socket);
    }
    // One that sends a byte now and then is no better.
    let mut trickle = TcpStream::connect(address).await.unwrap();
    let started = Instant::now();
    let trickled = tokio::spawn(async move {
        while trickle.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(served.get("/health").await.1, "alive\n");
    for mut socket in idle {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest));
        let _ = read.await.expect("the node waits for ever");
        assert!(started.elapsed() >= quiet / 2);
    }
    tokio::time::timeout(Duration::from_secs(10), trickled).await.expect("the node listens for ever").unwrap();
    // More connections than are allowed: the last are closed at once, and places come free again.
    let mut many = Vec::new();
    for _ in 0..30 {
        many.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(quiet * 3).await;
    let text = served.get("/metrics").await.1;
    let refused = text.lines().find_map(|line| line.strip_prefix("assay_connections_refused_total ")).unwrap();
    assert!(refused.parse::<u64>().unwrap() >= 20, "{text}");
    drop(many);
    served.commit(&transfer(1, 0)).await;
    served.node.stop().await.unwrap();
}
