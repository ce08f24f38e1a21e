//! The routes that count at a moment. A reload replaces them under open connections.

use std::convert::Infallible;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use hyper::service::Service;
use tower::Service as _;

/// Routes that can be replaced. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Live(Arc<ArcSwap<Router>>);

// === impl Live ===

impl Live {
    /// Begins with these routes.
    pub fn new(router: Router) -> Live {
        Live(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// From the next request on these count, on connections that are open, too. Requests under way
    /// end as they began.
    pub fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }
}

impl Service<http::Request<Incoming>> for Live {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    /// A router is always ready, so it is not asked first.
    fn call(&self, request: http::Request<Incoming>) -> RouteFuture<Infallible> {
        let mut router = Router::clone(&self.0.load());
        router.call(request.map(Body::new))
    }
}
