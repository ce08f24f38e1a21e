//! A connector that a document describes, as the broker sees it.

use crosspoint_core::{
    Arguments, Call, Connector, Context, Effect, Failure, Json, Kind, Manifest, Outcome,
};
use crosspoint_net::{Http, Request};
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::Value;

use super::account::{self, Given};
use super::build::Built;
use super::own::Own;
use super::request;
use super::security::{CLIENT_ID, CLIENT_SECRET};

/// A connector whose commands are the operations of a document.
pub(super) struct OpenApiConnector {
    built: Built,
    http: Http,
    max_answer: usize,
}

// === impl OpenApiConnector ===

impl OpenApiConnector {
    pub(super) fn new(built: Built, http: Http, max_answer: usize) -> OpenApiConnector {
        OpenApiConnector {
            built,
            http,
            max_answer,
        }
    }

    async fn run(&self, call: &Call, cx: &Context) -> Result<Outcome, Failure> {
        let Some(operation) = self.built.operations.get(&*call.command.command) else {
            let message = format!("{} has no command of that name", self.built.manifest.name);
            return Err(Failure::unknown_command(message));
        };
        let (mut request, shown) = request::build(operation, call, cx).map_err(unanswered)?;
        request.max_answer = self.max_answer;
        let response = match self.http.send(request).await {
            Ok(response) => response,
            Err(error) => {
                cx.log(format!("{shown}: {}", error.kind.code()));
                return Err(unanswered(error.into()));
            }
        };
        cx.log(format!("{shown}: answered {}", response.status));
        let (body, unreadable) = response.parsed_by_suffix();
        let well = response.status < 400 && unreadable.is_none();
        let body = match operation.shape.as_ref().filter(|_| well) {
            Some(shape) => shape.apply(body),
            None => body,
        };
        let outcome = Outcome::json(body).with_status(response.plain_status());
        match (response.status >= 400, unreadable) {
            (true, _) => Err(response.http_error(cx).with_outcome(outcome)),
            (false, Some(failure)) => Err(failure.with_outcome(outcome)),
            (false, None) => Ok(outcome),
        }
    }

    /// Asks the system for nothing, to see whether it takes the account.
    async fn ask(&self, cx: &Context) -> Result<(), Failure> {
        let values = cx.profile.values().iter();
        let arguments: Arguments = values
            .filter_map(|(name, value)| Some((name.clone(), Json::of(value).ok()?)))
            .collect();
        let base = self.built.server.address(&arguments)?;
        let given = Given::by(&arguments, &self.built.server, cx);
        let mut status = 0;
        for method in [Method::HEAD, Method::GET] {
            let mut request = Request::new(method, base.clone(), cx.deadline);
            let mut query = Vec::new();
            let mut own = Own::of(&request.url);
            account::apply(&given, &self.built.security, &mut own, &mut query)?;
            own.add_to(&mut request)?;
            let pairs: Vec<_> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
            if !pairs.is_empty() {
                request.url = format!("{base}?{}", pairs.join("&"));
            }
            request.follow = false;
            request.max_answer = self.max_answer;
            status = self.http.send(request).await?.status;
            // Systems that do not know HEAD say so in these ways.
            if !matches!(status, 404 | 405 | 501) {
                break;
            }
        }
        match status {
            401 | 403 => {
                let message = format!("the system does not take the account: it answers {status}");
                let failure = Failure::reported(format!("HttpError{status}"), message);
                Err(failure.with_effect(Effect::None))
            }
            _ => Ok(()),
        }
    }

    fn describe(&self, auth: &str, cx: &Context) -> Option<Result<Json, Failure>> {
        let mut keys = self.built.flows.get(auth)?.0.clone();
        for field in [CLIENT_ID, CLIENT_SECRET] {
            if let Some(value) = cx.profile.get(field) {
                keys.insert(field.to_owned(), value.clone());
            }
        }
        let json = Json::of(&Value::Object(keys));
        Some(json.map_err(|error| Failure::reported("auth_not_described", error.to_string())))
    }
}

impl Connector for OpenApiConnector {
    fn manifest(&self) -> &Manifest {
        &self.built.manifest
    }

    fn call<'a>(&'a self, call: Call, cx: &'a Context) -> BoxFuture<'a, Result<Outcome, Failure>> {
        Box::pin(async move { self.run(&call, cx).await })
    }

    fn check<'a>(&'a self, cx: &'a Context) -> Option<BoxFuture<'a, Result<(), Failure>>> {
        Some(Box::pin(self.ask(cx)))
    }

    fn describe_auth<'a>(
        &'a self,
        auth: &'a str,
        _arguments: Json,
        cx: &'a Context,
    ) -> Option<BoxFuture<'a, Result<Json, Failure>>> {
        let described = self.describe(auth, cx)?;
        Some(Box::pin(std::future::ready(described)))
    }
}

/// What it means that there was no answer: an inner 500, as for `http`.
fn unanswered(failure: Failure) -> Failure {
    let ours = matches!(failure.kind, Kind::Refused(_) | Kind::Invalid(_));
    match failure.outcome.is_some() || ours {
        true => failure,
        false => failure.with_outcome(Outcome::empty(500)),
    }
}
