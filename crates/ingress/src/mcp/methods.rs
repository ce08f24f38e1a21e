//! The methods that there are, and what each answers.

use std::sync::Arc;

use bytes::Bytes;
use crosspoint_core::Json;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};

use super::asker::Asker;
use super::call::{self, Pending};
use super::fault::Fault;
use super::message::{Asked, Id};
use super::meta::Params;
use super::reply::{self, Members, Text, notification};
use super::revision::{self, Revision};
use super::server::{Mcp, Place, Settings};
use super::sessions::UnderWay;
use super::tools::Page;

/// For how long clients may keep the list of tools, in milliseconds; they are told of changes, too.
const FRESH: u64 = 60_000;

/// Which listener a message is for.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

const INSTRUCTIONS: &str = "Each tool is a command of a connector to an outside system. The result of \
    a call has its body, status and media type. A failed call has a code, a message and an 'effect': \
    none (nothing has happened), maybe (it may have happened: look before you repeat it), or done.";

/// What becomes of a request.
pub(crate) enum Handled {
    /// It is answered.
    Answer(Text),
    /// A call that goes on.
    Call(Pending),
    /// Somebody listens for changes of the tools.
    Listen(Subscription),
}

/// Somebody who listens.
pub(crate) struct Subscription {
    mcp: Mcp,
    asker: Asker,
    id: Id,
    revision: Revision,
    /// Whether changes of the list of tools are wanted.
    tools: bool,
    _place: Place,
}

/// Begins what a request asks for. `initialize` is not among it: what it opens depends on the way in.
pub(crate) fn handle(
    mcp: &Mcp,
    settings: &Arc<Settings>,
    asker: Asker,
    revision: Revision,
    id: Id,
    asked: &Asked,
) -> Result<Handled, (Id, Fault)> {
    let params = match Params::of(asked) {
        Ok(params) => params,
        Err(fault) => return Err((id, fault)),
    };
    let modern = revision.is_modern();
    let members = match &*asked.method {
        "tools/call" => {
            let begun = call::begin(mcp, settings, asker, revision, id.clone(), params);
            return begun.map(Handled::Call).map_err(|fault| (id, fault));
        }
        "subscriptions/listen" if modern => {
            let subscription = subscribe(mcp, settings, asker, revision, &id, &params);
            return subscription
                .map(Handled::Listen)
                .map_err(|fault| (id, fault));
        }
        "tools/list" => list(mcp, settings, &asker, revision, &params),
        "server/discover" if modern => Ok(discover()),
        "ping" if !modern => Ok(Members::of(Bytes::new())),
        _ => Err(Fault::no_method(&asked.shown())),
    };
    match members {
        Ok(members) => Ok(Handled::Answer(members.answer(&id, revision))),
        Err(fault) => Err((id, fault)),
    }
}

/// The answer to `initialize`, and the revision that it agrees on. `listens`: whether the client can
/// be told of changes.
pub(crate) fn initialize(
    id: &Id,
    params: &Params,
    listens: bool,
) -> Result<(Text, Revision), Fault> {
    let wanted = params.own.get("protocolVersion").and_then(Json::as_text);
    let Some(wanted) = wanted else {
        return Err(Fault::invalid_params("'protocolVersion' must be text"));
    };
    let revision = Revision::agreed(&wanted);
    let members = json!({
        "protocolVersion": revision.name(),
        "capabilities": {"tools": {"listChanged": listens}},
        "serverInfo": reply::server_info(),
        "instructions": INSTRUCTIONS,
    });
    Ok((members_of(members).answer(id, revision), revision))
}

fn discover() -> Members {
    members_of(json!({
        "supportedVersions": revision::names(),
        "capabilities": {"tools": {"listChanged": true}},
        "instructions": INSTRUCTIONS,
        "ttlMs": FRESH,
        "cacheScope": "public",
    }))
}

/// An object's members.
fn members_of(object: Value) -> Members {
    let text = object.to_string();
    Members::of(text[1..text.len() - 1].to_owned())
}

fn list(
    mcp: &Mcp,
    settings: &Arc<Settings>,
    asker: &Asker,
    revision: Revision,
    params: &Params,
) -> Result<Members, Fault> {
    let given = params.own.get("cursor").filter(|json| json.first() != b'n');
    let cursor = given.map(|json| {
        let text = json.as_text();
        text.ok_or_else(|| Fault::invalid_params("'cursor' must be text"))
    });
    let cursor = cursor.transpose()?;
    let key = asker.key.as_deref();
    let Page { tools, next } = mcp.toolbox(settings).page(key, cursor.as_deref())?;
    let mut tail = String::from("]");
    if let Some(next) = next {
        tail.push_str(&format!(r#","nextCursor":"{next}""#));
    }
    if revision.is_modern() {
        // What one key sees is not for another.
        let scope = match key {
            Some(_) => "private",
            None => "public",
        };
        tail.push_str(&format!(r#","ttlMs":{FRESH},"cacheScope":"{scope}""#));
    }
    let head = Bytes::from_static(br#""tools":["#);
    let none = Bytes::new;
    Ok(Members::new([head, tools, tail.into(), none(), none()]))
}

fn subscribe(
    mcp: &Mcp,
    settings: &Arc<Settings>,
    asker: Asker,
    revision: Revision,
    id: &Id,
    params: &Params,
) -> Result<Subscription, Fault> {
    let wanted = params.own.get("notifications");
    let wanted = wanted.and_then(|json| json.read::<Map<String, Value>>().ok());
    let Some(wanted) = wanted else {
        let message = "'notifications' must be an object, such as {\"toolsListChanged\": true}";
        return Err(Fault::invalid_params(message));
    };
    let Some(place) = mcp.listen(settings) else {
        let streams = settings.streams;
        let message = format!("{streams} clients listen already (setting mcp.streams)");
        return Err(Fault::busy(message));
    };
    Ok(Subscription {
        mcp: mcp.clone(),
        asker,
        id: id.clone(),
        revision,
        tools: wanted.get("toolsListChanged") == Some(&Value::Bool(true)),
        _place: place,
    })
}

/// That the tools have changed, for revisions before 2026-07-28.
pub(crate) fn list_changed() -> Text {
    notification(reply::LIST_CHANGED, &Value::Null)
}

// === impl Subscription ===

impl Subscription {
    /// What is told: first what will be told, then each change, at last that there is an end
    /// (2026-07-28, Subscriptions). Nothing more once it is cancelled.
    pub(crate) fn messages(
        self,
        under_way: Option<UnderWay>,
    ) -> impl Stream<Item = Text> + Send + use<> {
        let told = match self.tools {
            true => json!({"toolsListChanged": true}),
            false => json!({}),
        };
        let of_it = json!({SUBSCRIPTION: self.id.json()});
        let params = json!({"_meta": of_it, "notifications": told});
        let first = notification("notifications/subscriptions/acknowledged", &params);
        let change = notification(reply::LIST_CHANGED, &json!({"_meta": of_it}));
        let tools = self.tools;
        let changes = self.mcp.changes(self.asker.key.clone());
        let changes = changes.filter(move |()| std::future::ready(tools));
        let changes = changes.map(move |()| change.clone());
        let mut meta = Map::new();
        meta.insert(SUBSCRIPTION.to_owned(), self.id.json());
        let end = Members::of(Bytes::new()).with_meta(meta);
        let end = end.answer(&self.id, self.revision);
        let whole = stream::iter([first])
            .chain(changes)
            .chain(stream::iter([end]));
        let cancelled = under_way.as_ref().map(|u| u.cancelled.clone());
        let until = async move {
            // Held as long as somebody listens.
            let _held = (self, under_way);
            match cancelled {
                Some(cancelled) => cancelled.cancelled().await,
                None => std::future::pending().await,
            }
        };
        whole.take_until(Box::pin(until))
    }
}
