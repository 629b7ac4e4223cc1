//! The paths of the REST interface: one table, from which requests are answered and the description is made.

use crate::api::{ObjectKind, PAGE_MAX, WAIT_MS_MAX};

/// What a path answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Status,
    Genesis,
    Block,
    Header,
    Transaction,
    Events,
    OpenJobs,
    List,
    Object,
    Single,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Named in braces in the path; required.
    Path,
    /// In the query; may be left out.
    Query,
    /// In the query; required.
    RequiredQuery,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Hash,
    /// A whole number between two bounds.
    Number(u64, u64),
    Flag,
    /// A kind of which there are many.
    ManyKind,
    /// A kind of which there is one.
    SingleKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) content: Content,
    pub(super) meaning: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) template: &'static str,
    pub(super) endpoint: Endpoint,
    /// Unique name, as generators of clients want it.
    pub(super) operation: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// Name of the schema of its answer.
    pub(super) schema: &'static str,
}

const HEIGHT: Parameter = Parameter {
    name: "height",
    place: Place::Path,
    content: Content::Number(0, u64::MAX),
    meaning: "Height of a block, 1 or more",
};
const ID: Parameter =
    Parameter { name: "id", place: Place::Path, content: Content::Hash, meaning: "Identifier, 32 bytes" };
const KIND: Parameter =
    Parameter { name: "kind", place: Place::Path, content: Content::ManyKind, meaning: "Kind of object" };
const SINGLE_KIND: Parameter = Parameter {
    name: "kind",
    place: Place::Path,
    content: Content::SingleKind,
    meaning: "Kind of which there is one object",
};
const AFTER: Parameter = Parameter {
    name: "after",
    place: Place::Query,
    content: Content::Hash,
    meaning: "Only identifiers greater than this",
};
const LIMIT: Parameter = Parameter {
    name: "limit",
    place: Place::Query,
    content: Content::Number(1, u32_as_u64(PAGE_MAX)),
    meaning: "Most entries of the answer",
};
const WAIT: Parameter = Parameter {
    name: "wait_ms",
    place: Place::Query,
    content: Content::Number(0, WAIT_MS_MAX),
    meaning: "How long to wait for news, milliseconds",
};
const PROVE: Parameter = Parameter {
    name: "prove",
    place: Place::Query,
    content: Content::Flag,
    meaning: "Whether to add header, certificate and the path to the header's state root",
};
const FROM: Parameter = Parameter {
    name: "from",
    place: Place::RequiredQuery,
    content: Content::Number(1, u64::MAX),
    meaning: "Height of the first block",
};

/// Every path, the more exact one first.
pub(super) const ROUTES: [Route; 10] = [
    Route {
        template: "/v1/status",
        endpoint: Endpoint::Status,
        operation: "status",
        summary: "Where the chain stands, and what that does not show",
        parameters: &[],
        schema: "Status",
    },
    Route {
        template: "/v1/genesis",
        endpoint: Endpoint::Genesis,
        operation: "genesis",
        summary: "Canonical bytes of the genesis",
        parameters: &[],
        schema: "Bytes",
    },
    Route {
        template: "/v1/blocks/{height}",
        endpoint: Endpoint::Block,
        operation: "block",
        summary: "A committed block, its certificate and what became of its transactions",
        parameters: &[HEIGHT],
        schema: "CommittedBlock",
    },
    Route {
        template: "/v1/headers/{height}",
        endpoint: Endpoint::Header,
        operation: "header",
        summary: "The header of a committed block and what finalised it",
        parameters: &[HEIGHT],
        schema: "FinalHeader",
    },
    Route {
        template: "/v1/transactions/{id}",
        endpoint: Endpoint::Transaction,
        operation: "transaction",
        summary: "What became of a transaction; waits while it waits for a block",
        parameters: &[ID, WAIT],
        schema: "TransactionState",
    },
    Route {
        template: "/v1/events",
        endpoint: Endpoint::Events,
        operation: "events",
        summary: "What happened from a height on, without gaps; waits if nothing did yet",
        parameters: &[FROM, LIMIT, WAIT],
        schema: "EventPage",
    },
    Route {
        template: "/v1/jobs/open",
        endpoint: Endpoint::OpenJobs,
        operation: "openJobs",
        summary: "Jobs that can be leased, ascending by identifier",
        parameters: &[AFTER, LIMIT],
        schema: "OpenJobs",
    },
    Route {
        template: "/v1/objects/{kind}",
        endpoint: Endpoint::List,
        operation: "list",
        summary: "Objects of a kind, ascending by identifier",
        parameters: &[KIND, AFTER, LIMIT],
        schema: "Entries",
    },
    Route {
        template: "/v1/objects/{kind}/{id}",
        endpoint: Endpoint::Object,
        operation: "object",
        summary: "One object, or that there is none",
        parameters: &[KIND, ID, PROVE],
        schema: "ObjectAnswer",
    },
    Route {
        template: "/v1/state/{kind}",
        endpoint: Endpoint::Single,
        operation: "single",
        summary: "The object of a kind of which there is one",
        parameters: &[SINGLE_KIND, PROVE],
        schema: "ObjectAnswer",
    },
];

/// Kinds that a parameter may name.
pub(super) fn kinds(content: Content) -> impl Iterator<Item = ObjectKind> {
    ObjectKind::ALL.into_iter().filter(move |kind| kind.has_id() == (content == Content::ManyKind))
}

/// The route of a path, with the values of its braces.
pub(super) fn find(path: &str) -> Option<(&'static Route, Vec<(&'static str, &str)>)> {
    ROUTES.iter().find_map(|route| Some((route, values(route.template, path)?)))
}

fn values<'a>(template: &'static str, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let mut found = Vec::new();
    let (mut wanted, mut got) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), got.next()) {
            (None, None) => return Some(found),
            (Some(part), Some(value)) => match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(_) if value.is_empty() => return None,
                Some(name) => found.push((name, value)),
                None if part == value => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

#[expect(clippy::as_conversions, reason = "a wider type, in a constant, where `From` cannot be called")]
const fn u32_as_u64(number: u32) -> u64 {
    number as u64
}
