//! Accepting connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::Methods;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle, StopHandle, serve_with_graceful_shutdown,
    stop_channel,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::activity::Activity;
use super::answers::AnswersLayer;
use super::connection::{Connection, Patience};
use super::front::Front;
use crate::api::{ChainApiServer, EthereumApiServer};
use crate::economics::gas;
use crate::node::door::Door;
use crate::node::rpc::Rpc;
use crate::node::shared::Shared;
use crate::types::params::BlockParams;

/// Largest request: the largest transaction in hexadecimal, and room.
const REQUEST_BYTES_MAX: u32 = 1 << 20;
/// Largest answer, whatever the size of blocks.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Calls of one batch.
const BATCH_MAX: u32 = 16;
/// Calls under way on one connection; HTTP/1 has one, a WebSocket is one.
const CALLS_MAX: u32 = 4;
/// Subscriptions of one connection.
const SUBSCRIPTIONS_MAX: u32 = 4;
/// Answers that wait for a WebSocket to take them.
const ANSWERS_WAITING_MAX: u32 = 8;
const PING_EVERY: Duration = Duration::from_secs(15);
const PONG_WITHIN: Duration = Duration::from_secs(45);
/// After a connection could not be accepted, for want of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long connections may take to end when the node stops.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The open port.
pub(in crate::node) struct Listener {
    handle: ServerHandle,
}

impl Listener {
    /// Takes no more connections or requests, and waits until those under way are answered.
    pub(in crate::node) async fn close(self) {
        // An error says that it is closed already.
        let _ = self.handle.stop();
        if timeout(END_WITHIN, self.handle.stopped()).await.is_err() {
            tracing::warn!("connections were cut off that did not end in time");
        }
    }
}

/// Answers on `socket` until the listener is closed.
pub(in crate::node) fn listen(
    socket: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    block: &BlockParams,
) -> Listener {
    let rest = Rpc::new(Arc::clone(&shared));
    let mut methods = Methods::from(rest.clone().into_rpc());
    // The names of the two interfaces begin differently, so none is registered twice.
    if let Err(error) = methods.merge(Door::new(Arc::clone(&shared)).into_rpc()) {
        tracing::error!(%error, "the contract door stays closed, which is a defect of this program");
    }
    let (stop, handle) = stop_channel();
    let connections = shared.options.connections_max;
    let config = ServerConfig::builder()
        .max_request_body_size(REQUEST_BYTES_MAX)
        .max_response_body_size(answer_bytes_max(block))
        .max_connections(CALLS_MAX)
        .max_subscriptions_per_connection(SUBSCRIPTIONS_MAX)
        .set_batch_request_config(BatchRequestConfig::Limit(BATCH_MAX))
        .set_message_buffer_capacity(ANSWERS_WAITING_MAX)
        .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).inactive_limit(PONG_WITHIN))
        .build();
    let port = Port { methods, rest, config, shared, stop, local: address.ip().is_loopback() };
    tokio::spawn(accept(socket, port, connections));
    Listener { handle }
}

/// The largest block in JSON: its transactions in hexadecimal, and what became of as many as its gas allows.
fn answer_bytes_max(block: &BlockParams) -> u32 {
    const OUTCOME_BYTES: u64 = 1_024;
    const ROOM_BYTES: u64 = 8 << 20;
    let outcomes = block.gas_max.checked_div(gas::TRANSFER).unwrap_or(0).saturating_mul(OUTCOME_BYTES);
    let bytes = block.bytes_max.saturating_mul(2).saturating_add(outcomes).saturating_add(ROOM_BYTES);
    u32::try_from(bytes.min(ANSWER_BYTES_MAX)).unwrap_or(u32::MAX)
}

struct Port {
    methods: Methods,
    rest: Rpc,
    config: ServerConfig,
    shared: Arc<Shared>,
    stop: StopHandle,
    local: bool,
}

async fn accept(socket: TcpListener, port: Port, connections: usize) {
    let places = Arc::new(Semaphore::new(connections));
    let stopped = port.stop.clone().shutdown();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = &mut stopped => return,
        };
        let peer = match accepted {
            Ok((peer, _)) => peer,
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => port.answer(peer, place),
            // Dropping the socket closes it.
            Err(_) => {
                port.shared.metrics.connections_refused.inc();
            }
        }
    }
}

impl Port {
    fn answer(&self, peer: TcpStream, place: OwnedSemaphorePermit) {
        if let Err(error) = peer.set_nodelay(true) {
            tracing::debug!(%error, "a connection was lost");
            return;
        }
        let activity = Activity::new();
        let options = &self.shared.options;
        let patience = Patience { quiet: options.quiet_max, stalled: options.stalled_max };
        let connection = Connection::new(peer, activity.clone(), patience);
        let rpc = Server::builder()
            .set_config(self.config.clone())
            .set_rpc_middleware(RpcServiceBuilder::new().layer(AnswersLayer(activity.clone())))
            .to_service_builder()
            .build(self.methods.clone(), self.stop.clone());
        let front =
            Front { rpc, rest: self.rest.clone(), shared: Arc::clone(&self.shared), activity, local: self.local };
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        tokio::spawn(async move {
            shared.metrics.connections.inc();
            let served = serve_with_graceful_shutdown(connection, front, stop.shutdown()).await;
            shared.metrics.connections.dec();
            if let Err(error) = served {
                tracing::debug!(error, "a connection ended");
            }
            drop(place);
        });
    }
}
