//! Commands as tools of the Model Context Protocol, as the configuration wants it.

use crosspoint_ingress::mcp::Settings;

use crate::config::Loaded;

/// How they are served. None: they are not.
pub fn settings(loaded: &Loaded) -> Option<Settings> {
    let config = &loaded.config.mcp;
    config.enabled.then(|| Settings {
        serve: config.serve.clone(),
        deadline: config.deadline.0,
        sessions: config.sessions as usize,
        session_idle: config.session_idle.0,
        streams: config.streams as usize,
    })
}
