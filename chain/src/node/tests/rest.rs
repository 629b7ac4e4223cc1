//! REST: what is documented answers as documented, and nothing else answers.

use std::time::Duration;

use serde_json::Value;

use super::serving::{Served, quick, raw, transfer};
use crate::node::{NodeOptions, serve};
use crate::testing::{account, genesis, setup, validator};
use attestation::hex;

impl Served {
    /// Status and JSON of a path.
    async fn rest(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.get(path).await;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body:?}")))
    }

    async fn description(&self) -> Value {
        let (status, document) = self.rest("/openapi.json").await;
        assert_eq!(status, 200);
        document
    }
}

/// Checks a value against a schema of the description, as far as its schemas go; what does not fit, if anything.
fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').unwrap();
        return misfit(document, document.pointer(pointer).unwrap_or_else(|| panic!("no {name}")), value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|choice| misfit(document, choice, value).is_none()).count();
        return (fits != 1).then(|| format!("fits {fits} of the choices: {value}"));
    }
    if let Some(constant) = schema.get("const") {
        return (constant != value).then(|| format!("expected {constant}, got {value}"));
    }
    match schema["type"].as_str().unwrap_or_else(|| panic!("a schema without a type: {schema}")) {
        "object" => {
            let Some(fields) = value.as_object() else { return Some(format!("no object: {value}")) };
            let properties = schema["properties"].as_object()?;
            let required = schema["required"].as_array().unwrap();
            let missing = required.iter().find(|name| !fields.contains_key(name.as_str().unwrap()));
            if let Some(name) = missing {
                return Some(format!("no {name} in {value}"));
            }
            fields.iter().find_map(|(name, value)| match properties.get(name) {
                Some(schema) => misfit(document, schema, value),
                None => Some(format!("{name} is not documented")),
            })
        }
        "array" => match value.as_array() {
            Some(items) => items.iter().find_map(|item| misfit(document, &schema["items"], item)),
            None => Some(format!("no list: {value}")),
        },
        "string" => (!value.is_string()).then(|| format!("no text: {value}")),
        "integer" => (!value.is_i64() && !value.is_u64()).then(|| format!("no whole number: {value}")),
        "null" => (!value.is_null()).then(|| format!("not null: {value}")),
        other => panic!("a schema of type {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_path_answers_as_documented() {
    let served = Served::start().await;
    served.commit(&transfer(1, 0)).await;
    let document = served.description().await;
    assert_eq!(document["openapi"], "3.1.0");
    let address = account(1).public_key().address().to_string();
    let id = hex::encode(&transfer(1, 0).id());
    let mut operations = std::collections::BTreeSet::new();
    for (template, entry) in document["paths"].as_object().unwrap() {
        let get = &entry["get"];
        assert!(operations.insert(get["operationId"].as_str().unwrap().to_owned()), "{template}");
        let owner = if template.contains("transactions") { &id } else { &address };
        let kind = if template.starts_with("/v1/state") { "params" } else { "account" };
        let mut path = template.replace("{height}", "1").replace("{id}", owner).replace("{kind}", kind);
        assert!(!path.contains('{'), "{path}");
        let required = get["parameters"].as_array().into_iter().flatten();
        for parameter in required.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true) {
            path = format!("{path}?{}=1", parameter["name"].as_str().unwrap());
        }
        let content = &get["responses"]["200"]["content"];
        if content.get("text/plain").is_some() {
            assert_eq!(served.get(&path).await.0, "HTTP/1.1 200 OK", "{path}");
            continue;
        }
        let (status, value) = served.rest(&path).await;
        assert_eq!(status, 200, "{path}: {value}");
        assert_eq!(misfit(&document, &content["application/json"]["schema"], &value), None, "{path}");
        // With a proof, and with everything it can be asked for.
        for parameter in get["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let text = match (name, &parameter["schema"]["type"]) {
                (_, kind) if parameter["in"] == "path" || parameter["required"] == true => {
                    assert!(kind.is_string());
                    continue;
                }
                ("after", _) => hex::encode(&[0; 32]),
                (_, kind) if kind == "boolean" => "true".to_owned(),
                _ => "1".to_owned(),
            };
            let joint = if path.contains('?') { '&' } else { '?' };
            let asked = format!("{path}{joint}{name}={text}");
            let (status, value) = served.rest(&asked).await;
            assert_eq!(status, 200, "{asked}: {value}");
            assert_eq!(misfit(&document, &content["application/json"]["schema"], &value), None, "{asked}");
        }
    }
    assert!(operations.contains("header") && operations.contains("object"), "{operations:?}");
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_served_path_is_documented_and_others_are_not_served() {
    let served = Served::start().await;
    served.commit(&transfer(1, 0)).await;
    let document = served.description().await;
    let paths = document["paths"].as_object().unwrap();
    for path in ["/health", "/ready", "/metrics", "/openapi.json"] {
        assert!(paths.contains_key(path), "{path}");
    }
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/status/", "/v1/blocks", "/v1/objects/job/", "/v2/status", "/docs"] {
        assert_eq!(served.get(path).await.0, "HTTP/1.1 404 Not Found", "{path}");
    }
    // Kinds and their places come from one list.
    for (path, kinds) in [("/v1/objects/{kind}", 100), ("/v1/state/{kind}", 100)] {
        let names = paths[path]["get"]["parameters"][0]["schema"]["enum"].as_array().unwrap();
        assert!(names.len() < kinds);
        for name in names {
            let (status, value) = served.rest(&path.replace("{kind}", name.as_str().unwrap())).await;
            assert_eq!(status, 200, "{name}: {value}");
        }
    }
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_named() {
    let served = Served::start().await;
    let document = served.description().await;
    let zero = hex::encode(&[0; 32]);
    for (path, status, message) in [
        ("/v1/blocks/9", 404, "height: there is no block 9, or none any more"),
        ("/v1/headers/9", 404, "height: there is no block 9, or none any more"),
        ("/v1/blocks/01", 400, "height: expected a whole number from 0 on, got \"01\""),
        ("/v1/blocks/-1", 400, "height: expected a whole number from 0 on, got \"-1\""),
        (
            "/v1/blocks/18446744073709551616",
            400,
            "height: expected a whole number from 0 on, got \"18446744073709551616\"",
        ),
        ("/v1/events", 400, "from: expected a whole number from 1 on, got nothing"),
        ("/v1/events?from=0", 400, "from: expected a whole number from 1 on, got \"0\""),
        ("/v1/events?from=1&from=1", 400, "from: expected once, got twice"),
        ("/v1/events?from=1&limit=101", 400, "limit: expected a whole number from 1 to 100, got \"101\""),
        ("/v1/events?from=1&wait_ms=30001", 400, "wait_ms: expected a whole number from 0 to 30000, got \"30001\""),
        ("/v1/status?x=1", 400, "query: expected no parameters, got \"x\""),
        ("/v1/jobs/open?id=1", 400, "query: expected after, limit, got \"id\""),
        ("/v1/transactions/0x00", 400, "id: expected 0x and 64 lower-case hexadecimal digits, got \"0x00\""),
        (
            "/v1/state/job",
            400,
            "kind: expected governance, mint-authority, params, validators, supply, treasury, clock, running-epoch",
        ),
        ("/v1/state/params?prove=1", 400, "prove: expected true or false, got \"1\""),
        ("/v1/nothing", 404, "path: expected one of those that /openapi.json lists"),
    ] {
        let (got, value) = served.rest(path).await;
        let said = value["message"].as_str().unwrap();
        assert_eq!((got, said.starts_with(message)), (status, true), "{path}: {said}");
        assert_eq!(misfit(&document, &document["components"]["schemas"]["Error"], &value), None);
    }
    let (status, value) = served.rest(&format!("/v1/objects/params/{zero}")).await;
    assert_eq!(status, 400, "{value}");
    let (status, value) = served.rest(&format!("/v1/objects/job/{zero}?prove=true")).await;
    assert_eq!((status, &value["object"]), (200, &Value::Null));
    let post = "POST /v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let answer = raw(served.node.address(), post.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nallow: get\r\n"), "{answer}");
    let foreign = "GET /v1/status HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n";
    let answer = raw(served.node.address(), foreign.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_blocks_are_overdue_is_not_ready() {
    let slow = genesis(|params| params.block.interval_ms = 1_500);
    assert_ne!(slow.hash(), quick().hash());
    let directory = tempfile::tempdir().unwrap();
    let mut options = NodeOptions::new(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    options.overdue_max = Duration::from_millis(200);
    let hash = slow.hash();
    let node = serve(directory.path(), slow, vec![setup().clone()], validator(), options).await.unwrap();
    let client = super::serving::client(node.address());
    let served = Served { node, client, directory };
    let sign = |nonce| {
        let mut body = super::serving::body(1, nonce);
        body.genesis = hash;
        body.sign(&account(1))
    };
    assert_eq!(served.get("/ready").await.0, "HTTP/1.1 200 OK");
    served.commit(&sign(0)).await;
    // Nothing is due, however old the last block is.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(served.get("/ready").await.0, "HTTP/1.1 200 OK");
    served.submit(&sign(1)).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let (status, reason) = served.get("/ready").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(reason.starts_with("not ready: a block is due for ") && reason.contains("stands at height 1;"), "{reason}");
    assert!(served.get("/metrics").await.1.contains("\nassay_ready 0\n"));
    served.commit(&sign(1)).await;
    assert_eq!(served.get("/ready").await, ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned()));
    assert!(served.get("/metrics").await.1.contains("\nassay_ready 1\n"));
    served.node.stop().await.unwrap();
}
