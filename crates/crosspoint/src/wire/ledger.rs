//! The ledger, and where results of long calls go, as the configuration wants them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use crosspoint_broker::ledger::{Bodies, Retention};
use crosspoint_broker::{Callbacks, Engine};
use crosspoint_core::Ingress;
use crosspoint_net::{Http, Proxies, Rules};
use crosspoint_store::{Ledger, OpenError, Options};

use crate::config::Loaded;
use crate::config::policy;
use crate::config::store;
use crate::config::store_url::StoreTarget;

/// Opens the ledger. `create`: to serve from it, and made where there is none yet. None when it is
/// switched off.
pub async fn open(loaded: &Loaded, create: bool) -> Result<Option<Arc<Ledger>>> {
    open_as(loaded, create, create).await
}

/// Opens the ledger beside a server, if there is one, and makes it where there is none yet. None
/// when it is switched off.
pub async fn open_to_write(loaded: &Loaded) -> Result<Option<Arc<Ledger>>> {
    open_as(loaded, true, false).await
}

async fn open_as(loaded: &Loaded, create: bool, serves: bool) -> Result<Option<Arc<Ledger>>> {
    let StoreTarget::At(url) = &loaded.store else {
        return Ok(None);
    };
    let mut options = options(loaded);
    options.create = create;
    options.serves = serves;
    if create {
        // The first start makes what it needs; where it cannot, opening says why.
        let _ = crate::data_dir::create(&loaded.config.data_dir.0);
    }
    match crosspoint_store::open(url.expose(), &options).await {
        Ok(ledger) => Ok(Some(ledger)),
        Err(error @ OpenError::Database(_)) => Err(error).context(
            "the ledger cannot be opened: see to the store at store.url (CROSSPOINT_STORE__URL), \
             or switch the ledger off with store.url = \"none\"",
        ),
        Err(error) => Err(error.into()),
    }
}

/// How the store is opened, by whoever only looks.
pub fn options(loaded: &Loaded) -> Options {
    let mut options = Options::new(&loaded.master_key);
    options.create = false;
    options.lease = loaded.config.store.lease.0;
    options.durability = match loaded.config.store.durability {
        store::Durability::Process => crosspoint_store::Durability::Process,
        store::Durability::Full => crosspoint_store::Durability::Full,
    };
    options
}

/// The ledger for a command that runs in this process, if there is one already. One that cannot be
/// opened is said on standard error: the call runs, and nobody can look it up.
pub async fn open_existing(loaded: &Loaded) -> Option<Arc<Ledger>> {
    match open(loaded, false).await {
        Ok(ledger) => ledger,
        Err(error) if is_missing(&error) => None,
        Err(error) => {
            eprintln!("not recorded: {error:#}");
            None
        }
    }
}

/// Whether there is no ledger because nobody has made one yet.
pub fn is_missing(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<OpenError>(),
        Some(OpenError::Missing(_))
    )
}

/// What is kept how long.
pub fn retention(loaded: &Loaded) -> Retention {
    let retention = &loaded.config.store.retention;
    Retention {
        age: Some(retention.age.0),
        bytes: Some(retention.size.0),
    }
}

/// What people may read in the ledger.
pub fn bodies(bodies: policy::Bodies) -> Bodies {
    match bodies {
        policy::Bodies::None => Bodies::None,
        policy::Bodies::Summary => Bodies::Summary,
        policy::Bodies::Full => Bodies::Full,
    }
}

/// Where results of long calls may go: to the engine and to the origins that are named, whatever the
/// rules for connectors say, since whoever runs this process names them.
pub fn callbacks(loaded: &Loaded, listener: Option<SocketAddr>) -> Result<Callbacks> {
    let (spiff, api) = (&loaded.config.spiff, &loaded.config.api);
    let http = Http::new(crosspoint_net::Settings {
        egress: Rules::default(),
        authorities: loaded.authorities.clone(),
        proxies: Proxies::from_env()?,
        listener,
        ..crosspoint_net::Settings::default()
    });
    let http = http.context("setting up the client for callbacks")?;
    let spiff = Engine {
        ingress: Ingress::Spiff,
        origin: spiff.engine_url.as_ref().map(|engine| engine.url().clone()),
        token: loaded.callback_token.clone(),
        http: http.clone(),
        write: crosspoint_ingress::callback,
        once: true,
        deadline: spiff.long_deadline.0,
        patience: spiff.callback_retry.0,
    };
    let others = api.callback_origins.iter().map(|origin| Engine {
        ingress: Ingress::Api,
        origin: Some(origin.url().clone()),
        token: loaded.api_callback_token.clone(),
        http: http.clone(),
        write: crosspoint_ingress::api_callback,
        once: false,
        deadline: api.long_deadline.0,
        patience: api.callback_retry.0,
    });
    let engines: Vec<_> = std::iter::once(spiff).chain(others).collect();
    Ok(Callbacks(engines.into()))
}
