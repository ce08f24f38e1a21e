//! Settings of the connector.

/// Settings of the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where Slack is: an http or https address without the `/api` part. Default:
    /// `https://slack.com`; GovSlack is at `https://slack-gov.com`.
    pub base_url: String,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            base_url: "https://slack.com".to_owned(),
        }
    }
}
