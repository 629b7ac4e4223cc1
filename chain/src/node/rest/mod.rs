//! REST for the common reads: the same answers as JSON-RPC gives, at paths.
//!
//! Every path calls the method of [`crate::api::ChainApi`] that answers the same question, so both have one meaning and
//! one set of limits. The table in `route` is the definition; `/openapi.json` is made of it.

mod arguments;
mod openapi;
mod route;
mod schema;

use http::{HeaderValue, Response, StatusCode, header};
use jsonrpsee::core::RpcResult;
use jsonrpsee::server::HttpBody;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::ErrorCode;
use serde::Serialize;
use serde_json::json;

use self::arguments::Arguments;
use self::route::Endpoint;
use super::rpc::Rpc;
use crate::api::{ChainApiServer, Code, ObjectKind};

/// What every path but the description starts with.
const PREFIX: &str = "/v1/";
const DESCRIPTION: &str = "/openapi.json";
const JSON: &str = "application/json";

/// Whether a path belongs to this interface.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with(PREFIX) || path == DESCRIPTION
}

/// Answers a GET.
pub(super) async fn answer(rpc: &Rpc, path: &str, query: Option<&str>) -> Response<HttpBody> {
    if path == DESCRIPTION {
        return body(StatusCode::OK, &openapi::document());
    }
    let Some((route, values)) = route::find(path) else {
        return told(StatusCode::NOT_FOUND, "path: expected one of those that /openapi.json lists");
    };
    match Arguments::read(route, &values, query) {
        Ok(arguments) => dispatch(rpc, route.endpoint, &arguments).await,
        Err(message) => told(StatusCode::BAD_REQUEST, &message),
    }
}

/// The answer to a request that is no GET.
pub(super) fn wrong_method() -> Response<HttpBody> {
    let mut response = told(StatusCode::METHOD_NOT_ALLOWED, "method: expected GET; transactions go to JSON-RPC at /");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

async fn dispatch(rpc: &Rpc, endpoint: Endpoint, arguments: &Arguments) -> Response<HttpBody> {
    let (height, wait) = (arguments.number("height").unwrap_or_default(), arguments.number("wait_ms"));
    let limit = arguments.number("limit").and_then(|limit| u32::try_from(limit).ok());
    let (id, after, prove) = (arguments.hash("id"), arguments.hash("after"), arguments.flag("prove"));
    let kind = arguments.kind("kind").unwrap_or(ObjectKind::Clock);
    match endpoint {
        Endpoint::Status => found(rpc.status().await),
        Endpoint::Genesis => found(rpc.genesis().await),
        Endpoint::Block => found_or_none(rpc.block(height).await, height),
        Endpoint::Header => found_or_none(rpc.header(height).await, height),
        Endpoint::Transaction => match id {
            Some(id) => found(rpc.transaction(id, wait).await),
            None => told(StatusCode::BAD_REQUEST, "id: expected an identifier, got nothing"),
        },
        Endpoint::Events => found(rpc.events(arguments.number("from").unwrap_or_default(), limit, wait).await),
        Endpoint::OpenJobs => found(rpc.open_jobs(after, limit).await),
        Endpoint::List => found(rpc.list(kind, after, limit).await),
        Endpoint::Object | Endpoint::Single => found(rpc.object(kind, id, prove).await),
    }
}

fn found<T: Serialize>(answer: RpcResult<T>) -> Response<HttpBody> {
    match answer {
        Ok(value) => body(StatusCode::OK, &value),
        Err(error) => refused(&error),
    }
}

fn found_or_none<T: Serialize>(answer: RpcResult<Option<T>>, height: u64) -> Response<HttpBody> {
    match answer.transpose() {
        Some(answer) => found(answer),
        None => told(StatusCode::NOT_FOUND, &format!("height: there is no block {height}, or none any more")),
    }
}

/// An error of the interface, by the status that says as much.
fn refused(error: &ErrorObjectOwned) -> Response<HttpBody> {
    let code = error.code();
    let status = if code == ErrorCode::InvalidParams.code() {
        StatusCode::BAD_REQUEST
    } else if code == Code::Full.number() {
        StatusCode::TOO_MANY_REQUESTS
    } else if code == Code::Stopping.number() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    body(status, &json!({ "code": code, "message": error.message() }))
}

/// A status with its reason.
fn told(status: StatusCode, message: &str) -> Response<HttpBody> {
    body(status, &json!({ "code": ErrorCode::InvalidParams.code(), "message": message }))
}

fn body<T: Serialize>(status: StatusCode, value: &T) -> Response<HttpBody> {
    let (status, bytes) = match serde_json::to_vec(value) {
        Ok(bytes) => (status, bytes),
        Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, br#"{"code":-32603,"message":"the answer cannot be written"}"#.to_vec())
        }
    };
    let mut response = Response::new(HttpBody::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
