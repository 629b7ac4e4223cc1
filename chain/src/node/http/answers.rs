//! Counts the answers that calls of a connection get.

use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::Request;
use tower::Layer;

use super::activity::Activity;

/// Puts [`Answers`] around a service.
#[derive(Clone, Debug)]
pub(super) struct AnswersLayer(pub(super) Activity);

impl<S> Layer<S> for AnswersLayer {
    type Service = Answers<S>;

    fn layer(&self, service: S) -> Answers<S> {
        Answers { service, activity: self.0.clone() }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Answers<S> {
    service: S,
    activity: Activity,
}

impl<S> RpcServiceT for Answers<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse, BatchResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, activity } = self.clone();
        async move {
            let answer = service.call(request).await;
            // The first answer of a subscription is written by the subscription, before this.
            if answer.is_method_call() {
                activity.answered();
            }
            answer
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { service, activity } = self.clone();
        async move {
            let answer = service.batch(batch).await;
            if answer.is_batch() {
                activity.answered();
            }
            answer
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = S::NotificationResponse> + Send + 'a {
        self.service.notification(notification)
    }
}
