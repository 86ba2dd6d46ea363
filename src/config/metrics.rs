//! Which metrics page of the server is read while a round runs. Not here: reading it
//! (`watch::scrape`).

use std::time::Duration;

use super::address;
use super::check::Checker;
use super::wire::Span;

/// The server's own metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub page: MetricsPage,
    /// Between two readings during a round.
    pub every: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsPage {
    /// `/metrics` at the server's root, if it is there.
    Auto,
    Off,
    /// At the server's root.
    Path(String),
    /// Elsewhere; `${PORT}` in it is replaced where the gate starts the server.
    Url(String),
}

/// More often than this, reading costs more than it tells.
const SHORTEST: Duration = Duration::from_millis(500);

impl Default for Metrics {
    fn default() -> Self {
        Self { page: MetricsPage::Auto, every: Duration::from_secs(1) }
    }
}

impl Metrics {
    /// The same for another server: a page that names a host is not its page.
    pub fn elsewhere(&self) -> Self {
        let page = if matches!(self.page, MetricsPage::Url(_)) {
            MetricsPage::Auto
        } else {
            self.page.clone()
        };
        Self { page, every: self.every }
    }
}

impl Checker {
    /// `at` is where the target stands. `metrics` of a target and of its server are the same thing.
    pub fn metrics(
        &mut self,
        at: &str,
        target: Option<&str>,
        server: Option<&str>,
        every: Option<Span>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Metrics {
        let key =
            if target.is_none() && server.is_some() { "server.metrics" } else { "target.metrics" };
        if target.is_some() && server.is_some() {
            self.bad(
                &format!("{at}server.metrics"),
                "`target.metrics` says it too",
                "keep one of them",
            );
        }
        let page = self.page(&format!("{at}{key}"), target.or(server).unwrap_or("auto"), env);
        let every = every.map_or(Metrics::default().every, |span| span.0);
        if every < SHORTEST {
            let what = format!(
                "must be {} ms or more, not {} ms",
                SHORTEST.as_millis(),
                every.as_millis()
            );
            self.bad(
                &format!("{at}target.metrics_every"),
                what,
                "reading the page must not disturb the server that is measured",
            );
        }
        Metrics { page, every }
    }

    fn page(
        &mut self,
        path: &str,
        said: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> MetricsPage {
        let hint = "write `auto`, `off`, a path such as /metrics, or a URL such as http://127.0.0.1:8002/metrics";
        let spaced = |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control());
        if let Some(what) = address::credential(said, &self.secrets) {
            self.bad(path, what, address::HINT);
            return MetricsPage::Off;
        }
        match said {
            "auto" => return MetricsPage::Auto,
            "off" => return MetricsPage::Off,
            path if path.starts_with('/') && !spaced(path) => {
                return MetricsPage::Path(path.to_owned());
            }
            url if url.starts_with("http://") || url.starts_with("https://") => {
                let Some(url) = self.expanded(path, url, env) else { return MetricsPage::Off };
                let host = url
                    .split("://")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next())
                    .unwrap_or_default();
                if let Some(what) = address::credential(&url, &self.secrets) {
                    self.bad(path, what, address::HINT);
                    return MetricsPage::Off;
                }
                if !host.is_empty() && !host.starts_with(':') && !spaced(&url) {
                    return MetricsPage::Url(url);
                }
            }
            _ => {}
        }
        self.bad(path, format!("`{said}` is no page"), hint);
        MetricsPage::Off
    }
}
