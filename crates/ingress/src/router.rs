//! Every route, and what stands in front of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post, put};
use crosspoint_broker::Broker;
use crosspoint_broker::cabinet::Cabinet;
use crosspoint_broker::profiles::Source;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use tower::{Layer, service_fn, util::option_layer};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::access::{Access, KEY_HEADER};
use crate::listing::Listing;
use crate::mcp::{Mcp, Origins};
use crate::openapi::Documents;
use crate::spiff;
use crate::{activiti, answer, api, auth, mcp, openapi, operate, request};

/// How the HTTP side behaves.
#[derive(Clone)]
pub struct Settings {
    /// Who may ask.
    pub access: Access,
    /// Where profiles and secrets are kept, and administrative acts recorded.
    pub cabinet: Arc<dyn Cabinet>,
    /// Where the configuration refers to secrets beside its profiles and auths: the key of each setting,
    /// and what it refers to.
    pub references: Arc<[(String, Source)]>,
    /// Which process this is, for other proxies that mount it.
    pub instance: Arc<str>,
    /// Web pages of which origins may ask, `*` for all; none by default.
    pub cors_origins: Vec<String>,
    /// The largest request body in bytes.
    pub max_body: usize,
    /// How long a call through SpiffArena's protocol may take.
    pub spiff_deadline: Duration,
    /// How long a call through the API may take while its caller waits.
    pub api_deadline: Duration,
    /// How long one may take whose caller does not wait.
    pub api_long_deadline: Duration,
    /// How the service of Activiti's tasks is, where there is one.
    pub activiti: Option<activiti::Status>,
    /// Definitions of connectors that are served to Activiti under names of their own.
    pub definitions: Arc<[activiti::Published]>,
    /// The commands as tools.
    pub mcp: Mcp,
}

/// What the routes share.
pub(crate) type Shared = Arc<State>;

pub(crate) struct State {
    pub(crate) broker: Broker,
    pub(crate) access: Access,
    pub(crate) cabinet: Arc<dyn Cabinet>,
    pub(crate) references: Arc<[(String, Source)]>,
    pub(crate) instance: Arc<str>,
    pub(crate) max_body: usize,
    pub(crate) spiff_deadline: Duration,
    pub(crate) api_deadline: Duration,
    pub(crate) api_long_deadline: Duration,
    pub(crate) activiti: Option<activiti::Status>,
    pub(crate) definitions: Arc<[activiti::Published]>,
    pub(crate) mcp: Mcp,
    pub(crate) origins: Origins,
    pub(crate) listing: Listing,
    pub(crate) api_listing: Listing,
    /// One for each more who may follow the ledger.
    pub(crate) followers: Arc<Semaphore>,
    pub(crate) documents: Documents,
}

/// All routes over one broker.
pub fn router(broker: Broker, settings: Settings) -> Router {
    let cors = option_layer(cors(&settings.cors_origins));
    let shared = Arc::new(State {
        broker,
        documents: Documents::new(settings.access.is_keyed()),
        origins: Origins {
            listed: settings.cors_origins,
            hosts: settings.access.hosts.clone(),
        },
        access: settings.access,
        cabinet: settings.cabinet,
        references: settings.references,
        instance: settings.instance,
        max_body: settings.max_body,
        spiff_deadline: settings.spiff_deadline,
        api_deadline: settings.api_deadline,
        api_long_deadline: settings.api_long_deadline,
        activiti: settings.activiti,
        definitions: settings.definitions,
        mcp: settings.mcp,
        listing: Listing::default(),
        api_listing: Listing::default(),
        followers: Arc::new(Semaphore::new(api::FOLLOWERS)),
    });
    let routes = Router::new()
        // What this is, for somebody who opens the address in a browser.
        .route("/", get(operate::root))
        // Probes. The first two belong to SpiffArena's protocol.
        .route("/liveness", get(operate::alive))
        .route("/v1/liveness", get(operate::alive))
        .route("/healthz", get(operate::alive))
        .route("/readyz", get(operate::ready))
        .route("/metrics", get(operate::metrics))
        // What can be called, for programs and for people.
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::page))
        // SpiffArena's connector proxy protocol.
        .route("/v1/commands", get(spiff::commands))
        .route("/v1/auths", get(spiff::auths))
        .route(
            "/v1/do/{connector}/{command}",
            get(spiff::run).post(spiff::run),
        )
        // The round trip of a browser to a provider of OAuth.
        .route("/v1/auth/{connector}/{auth}", get(auth::begin))
        .route("/v1/auth/{connector}/{auth}/callback", get(auth::callback))
        // The API for everyone else.
        .route("/api/v1/commands", get(api::commands))
        .route("/api/v1/connectors", get(api::connectors))
        .route("/api/v1/calls", get(api::list).post(api::call))
        .route("/api/v1/calls/events", get(api::events))
        .route("/api/v1/calls/{id}", get(api::one))
        .route("/api/v1/calls/{id}/settle", post(api::settle))
        .route("/api/v1/calls/{id}/replay", post(api::replay))
        .route("/api/v1/profiles", get(api::profiles::profiles))
        .route(
            "/api/v1/profiles/{connector}/{name}",
            get(api::profiles::profile)
                .put(api::profiles::set)
                .patch(api::profiles::set)
                .delete(api::profiles::remove),
        )
        .route(
            "/api/v1/profiles/{connector}/{name}/check",
            post(api::profiles::check),
        )
        .route("/api/v1/secrets", get(api::secrets::secrets))
        .route(
            "/api/v1/secrets/{name}",
            put(api::secrets::set).delete(api::secrets::remove),
        )
        .route("/api/v1/audit", get(api::audit))
        // The Model Context Protocol.
        .route(mcp::PATH, post(mcp::post).get(mcp::get).delete(mcp::delete))
        // Definitions of connectors, for Activiti's modellers.
        .route("/activiti/connectors", get(activiti::routes::list))
        .route("/activiti/connectors/{file}", get(activiti::routes::one))
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_that_way)
        .with_state(shared.clone());
    // Around the routes as a whole: `Router::layer` would box each layer around each route, and
    // clone the boxes with each request.
    let admitting = service_fn(move |r| request::admit(&shared, routes.clone(), r));
    let admitting = cors.layer(admitting);
    let identifying = service_fn(move |r| request::identify(admitting.clone(), r));
    Router::new().fallback_service(identifying)
}

/// Outside of the access check, so that a page may read a refusal too.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = match origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => origins
            .iter()
            .filter_map(|o| HeaderValue::from_str(o).ok())
            .collect::<Vec<_>>()
            .into(),
    };
    let headers = [
        CONTENT_TYPE,
        AUTHORIZATION,
        KEY_HEADER.clone(),
        request::IDEMPOTENCY_KEY.clone(),
        api::LAST_EVENT_ID.clone(),
        mcp::SESSION_ID.clone(),
    ];
    let headers = headers.into_iter().chain(mcp::STANDARD.clone());
    let exposed = [
        request::REQUEST_ID.clone(),
        LOCATION,
        RETRY_AFTER,
        mcp::SESSION_ID.clone(),
    ];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers(headers.collect::<Vec<_>>())
            .expose_headers(exposed)
    })
}

async fn nothing_here(request: Request) -> Response {
    let path = crosspoint_core::shorten(request.uri().path());
    if api::is_below(request.uri().path()) {
        return api::nothing_here(&path);
    }
    let message = format!("nothing at {path}; commands are at /v1/commands and run at /v1/do/…");
    answer::error(StatusCode::NOT_FOUND, "not_found", &message)
}

async fn not_that_way(request: Request) -> Response {
    let path = crosspoint_core::shorten(request.uri().path());
    let message = format!("{path} does not take {}", request.method());
    if api::is_below(request.uri().path()) {
        return api::not_that_way(message);
    }
    answer::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &message,
    )
}
