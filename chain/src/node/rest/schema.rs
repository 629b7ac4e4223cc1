//! Schemas of the answers. Objects, events and transactions are described by `SPEC.md` and are open here: they read back
//! to canonical bytes, and a schema of each would say less than that.

use serde_json::{Map, Value, json};

/// A hash or identifier.
pub(super) const HASH_PATTERN: &str = "^0x[0-9a-f]{64}$";

/// A reference to a named schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn hash() -> Value {
    json!({ "type": "string", "pattern": HASH_PATTERN })
}

fn bytes() -> Value {
    json!({ "type": "string", "pattern": "^0x([0-9a-f]{2})*$" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object of exactly these fields.
fn closed<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn open(meaning: &str) -> Value {
    json!({ "type": "object", "description": meaning })
}

fn nullable(schema: &Value) -> Value {
    json!({ "oneOf": [schema, { "type": "null" }] })
}

/// Every named schema.
pub(super) fn schemas() -> Value {
    let mut schemas = Map::new();
    for (name, schema) in answers().into_iter().chain(parts()) {
        schemas.insert(name.to_owned(), schema);
    }
    Value::Object(schemas)
}

fn answers() -> [(&'static str, Value); 10] {
    let state = |name: &str| json!({ "const": name });
    [
        ("Bytes", bytes()),
        (
            "Status",
            closed([
                ("chain_id", count()),
                ("genesis", hash()),
                ("height", count()),
                ("block", hash()),
                ("time_ms", count()),
                ("state_root", hash()),
                ("block_interval_ms", count()),
                ("waiting", count()),
                ("version", text()),
                ("caveats", list(&text())),
            ]),
        ),
        (
            "CommittedBlock",
            closed([
                ("block", closed([("header", reference("Header")), ("transactions", list(&bytes()))])),
                ("certificate", reference("Certificate")),
                ("misbehaviour", list(&open("Two conflicting signatures of one validator"))),
                ("outcomes", list(&reference("Outcome"))),
                ("closing", list(&reference("Event"))),
                ("results", list(&reference("ComputeResult"))),
            ]),
        ),
        ("FinalHeader", closed([("header", reference("Header")), ("certificate", reference("Certificate"))])),
        (
            "TransactionState",
            json!({ "oneOf": [
                closed([
                    ("state", state("committed")),
                    ("height", count()),
                    ("position", count()),
                    ("outcome", reference("Outcome")),
                ]),
                closed([("state", state("waiting"))]),
                closed([("state", state("refused")), ("refusal", reference("Refusal"))]),
                closed([("state", state("unknown"))]),
            ] }),
        ),
        ("EventPage", closed([("next", count()), ("head", count()), ("blocks", list(&reference("BlockEvents")))])),
        ("OpenJobs", list(&closed([("id", hash()), ("job", open("An inference job"))]))),
        ("Entries", list(&closed([("id", hash()), ("object", reference("Object"))]))),
        (
            "ObjectAnswer",
            closed([
                ("height", count()),
                ("object", nullable(&reference("Object"))),
                ("proof", nullable(&reference("ObjectProof"))),
            ]),
        ),
        ("Error", closed([("code", json!({ "type": "integer" })), ("message", text())])),
    ]
}

fn parts() -> [(&'static str, Value); 9] {
    let signature = closed([("validator", hash()), ("signature", text())]);
    [
        (
            "Header",
            closed([
                ("height", count()),
                ("parent", hash()),
                ("time", count()),
                ("proposer", hash()),
                ("state_root", hash()),
                ("transaction_root", hash()),
                ("compute_root", hash()),
                ("epoch", count()),
                ("beacon", hash()),
            ]),
        ),
        ("Certificate", closed([("header", hash()), ("signatures", list(&signature))])),
        (
            "Outcome",
            closed([
                ("transaction", hash()),
                ("sender", hash()),
                ("gas_used", count()),
                ("fee", json!({ "type": "string", "pattern": "^(0|[1-9][0-9]*)$", "description": "micro-tokens" })),
                ("events", list(&reference("Event"))),
            ]),
        ),
        ("Event", open("What happened, under its one name")),
        ("ComputeResult", open("A settled result, a leaf of the compute root")),
        (
            "BlockEvents",
            closed([
                ("height", count()),
                ("time_ms", count()),
                ("block", hash()),
                ("outcomes", list(&reference("Outcome"))),
                ("closing", list(&reference("Event"))),
                ("results", list(&reference("ComputeResult"))),
            ]),
        ),
        ("Object", open("An object of the state, under the name of its kind")),
        (
            "ObjectProof",
            closed([
                ("header", reference("Header")),
                ("certificate", reference("Certificate")),
                ("state", open("The sibling hashes from the object's leaf to the header's state root")),
            ]),
        ),
        ("Refusal", closed([("code", count()), ("rule", text()), ("message", text())])),
    ]
}
