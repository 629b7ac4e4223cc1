//! The description of the REST interface in OpenAPI 3.1, made of the table of paths.

use serde_json::{Map, Value, json};

use super::arguments::kind_name;
use super::route::{Content, Parameter, Place, ROUTES, Route, kinds};
use super::schema::{HASH_PATTERN, reference, schemas};

/// The whole description.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        paths.insert(route.template.to_owned(), json!({ "get": operation(route) }));
    }
    for (path, operation, summary, statuses) in [
        ("/health", "health", "Whether the process answers", [("200", "It does")].as_slice()),
        ("/ready", "ready", "Whether blocks are made when they are due", &[("200", "They are"), ("503", "Why not")]),
        ("/metrics", "metrics", "What the node counts, as OpenMetrics text", &[("200", "The metrics")]),
    ] {
        let text = |meaning: &str| json!({ "description": meaning, "content": { "text/plain": {} } });
        let responses: Map<String, Value> =
            statuses.iter().map(|(status, meaning)| ((*status).to_owned(), text(meaning))).collect();
        let entry = json!({ "operationId": operation, "summary": summary, "responses": responses });
        paths.insert(path.to_owned(), json!({ "get": entry }));
    }
    let described = answer("This description", &json!({ "type": "object" }));
    let itself = json!({ "operationId": "openapi", "summary": "This description", "responses": { "200": described } });
    paths.insert("/openapi.json".to_owned(), json!({ "get": itself }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Assay node",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Common reads of a settlement chain. Transactions, subscriptions and everything else: JSON-RPC 2.0 by POST or WebSocket at /.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas() },
    })
}

fn operation(route: &Route) -> Value {
    let parameters: Vec<Value> = route.parameters.iter().map(parameter).collect();
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answer("The answer", &reference(route.schema)));
    for (status, meaning) in [
        ("400", "A parameter does not fit; the message names it"),
        ("404", "No such path or block"),
        ("429", "The node has too much to do; try again in a moment"),
        ("500", "The node cannot read its own state"),
        ("503", "The node stops"),
    ] {
        responses.insert(status.to_owned(), answer(meaning, &reference("Error")));
    }
    json!({
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    })
}

fn answer(meaning: &str, schema: &Value) -> Value {
    json!({ "description": meaning, "content": { "application/json": { "schema": schema } } })
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.content {
        Content::Hash => json!({ "type": "string", "pattern": HASH_PATTERN }),
        Content::Number(least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
        Content::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Content::Flag => json!({ "type": "boolean" }),
        Content::ManyKind | Content::SingleKind => {
            json!({ "type": "string", "enum": kinds(parameter.content).map(kind_name).collect::<Vec<_>>() })
        }
    };
    json!({
        "name": parameter.name,
        "in": if parameter.place == Place::Path { "path" } else { "query" },
        "required": parameter.place != Place::Query,
        "description": parameter.meaning,
        "schema": schema,
    })
}
