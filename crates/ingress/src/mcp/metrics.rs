//! How many clients there are, for Prometheus.

use std::fmt;
use std::sync::Weak;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::server::Inner;

/// Shows the counts as they are when the metrics are read.
pub(super) struct Watched(pub(super) Weak<Inner>);

// === impl Watched ===

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(counted) = self.0.upgrade() else {
            return Ok(());
        };
        for (name, help, count) in [
            (
                "mcp_sessions",
                "Sessions of MCP clients",
                counted.sessions.len(),
            ),
            (
                "mcp_streams",
                "MCP clients that listen for changes of the tools",
                counted.listening(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}
