//! What stands before JSON-RPC and REST: hosts, health, readiness, metrics, and the longest time of a request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use jsonrpsee::core::BoxError;
use jsonrpsee::server::HttpBody;
use tokio::time::timeout;
use tower::Service;

use super::activity::Activity;
use super::host;
use crate::api::WAIT_MS_MAX;
use crate::node::rest;
use crate::node::rpc::Rpc;
use crate::node::shared::Shared;

/// Longest time of one request: the longest wait, and time to send and to answer.
const REQUEST_MAX: Duration = Duration::from_millis(WAIT_MS_MAX.saturating_add(15_000));
const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// See the module.
#[derive(Clone)]
pub(super) struct Front<S> {
    pub(super) rpc: S,
    pub(super) rest: Rpc,
    pub(super) shared: Arc<Shared>,
    pub(super) activity: Activity,
    /// Whether only this machine can reach the port.
    pub(super) local: bool,
}

impl<S, B> Service<Request<B>> for Front<S>
where
    S: Service<Request<B>, Response = Response<HttpBody>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<HttpBody>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.rpc.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let under_way = self.activity.begin();
        match self.way(&request) {
            Way::Answer(answer) => Box::pin(async move {
                drop(under_way);
                Ok(answer)
            }),
            Way::Rest => {
                let (rest, uri) = (self.rest.clone(), request.uri().clone());
                Box::pin(async move {
                    let answer = timeout(REQUEST_MAX, rest::answer(&rest, uri.path(), uri.query())).await;
                    drop(under_way);
                    Ok(answer.unwrap_or_else(|_| too_long()))
                })
            }
            Way::Rpc => {
                request.extensions_mut().insert(self.activity.message());
                let rpc = self.rpc.call(request);
                Box::pin(async move {
                    let answer = match timeout(REQUEST_MAX, rpc).await {
                        Ok(answer) => answer?,
                        Err(_) => too_long(),
                    };
                    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                        under_way.goes_on();
                    }
                    Ok(answer)
                })
            }
        }
    }
}

/// Who answers a request.
enum Way {
    Answer(Response<HttpBody>),
    Rest,
    Rpc,
}

impl<S> Front<S> {
    fn way<B>(&self, request: &Request<B>) -> Way {
        let told = |status, message| Way::Answer(text(status, message, TEXT));
        if let Some(refusal) = host::refusal(request.headers(), request.uri()).filter(|_| self.local) {
            return told(StatusCode::FORBIDDEN, refusal);
        }
        // Many requests at once on one connection would pass the limits on connections.
        if request.version() > Version::HTTP_11 {
            return told(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "expected HTTP/1.1\n");
        }
        let path = request.uri().path();
        let missing = || told(StatusCode::NOT_FOUND, "not found; JSON-RPC is POST or WebSocket at /\n");
        if *request.method() != Method::GET || request.headers().contains_key(header::UPGRADE) {
            // A size that is not declared cannot be refused before it came.
            let headers = request.headers();
            if *request.method() == Method::POST && headers.contains_key(header::TRANSFER_ENCODING) {
                return told(StatusCode::LENGTH_REQUIRED, "expected Content-Length, got chunks\n");
            }
            return match path {
                "/" => Way::Rpc,
                path if rest::is_path(path) => Way::Answer(rest::wrong_method()),
                _ => missing(),
            };
        }
        match path {
            "/health" => told(StatusCode::OK, "alive\n"),
            "/ready" => Way::Answer(self.ready()),
            "/metrics" => Way::Answer(match self.shared.metrics_text() {
                Ok(metrics) => text(StatusCode::OK, metrics, METRICS),
                Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n", TEXT),
            }),
            path if rest::is_path(path) => Way::Rest,
            _ => missing(),
        }
    }

    fn ready(&self) -> Response<HttpBody> {
        match self.shared.hindrance() {
            None => text(StatusCode::OK, "ready\n", TEXT),
            Some(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n"), TEXT),
        }
    }
}

fn too_long() -> Response<HttpBody> {
    text(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive or to answer\n", TEXT)
}

fn text(status: StatusCode, body: impl Into<HttpBody>, kind: &'static str) -> Response<HttpBody> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
