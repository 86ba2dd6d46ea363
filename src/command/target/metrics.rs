//! Where the metrics page of a server is: what the config says, or where it usually is. Not here: reading it during a round (`watch::scrape`).

use crate::config::{Family, MetricsPage, PORT, Target};
use crate::probe::server::{Access, Probe, root};
use crate::watch::scrape::Source;

/// What became of the metrics page of a server.
pub enum Metrics {
    There(Source),
    /// Nobody asked for it, and it is not there.
    None,
    /// The config asks for it, and it cannot be read: why.
    Missing(String),
}

/// Where servers have it: nearly all; and TensorRT-LLM's own server, whose `/metrics` is something else.
const USUAL: [&str; 2] = ["/metrics", "/prometheus/metrics"];
/// Triton serves its API on 8000, gRPC on 8001 and metrics on 8002.
const TRITON_OFFSET: u16 = 2;

/// Asks for the page, once, before any clock. `server` is the name that the server gives itself.
pub async fn find(target: &Target, base_url: &str, server: Option<&str>, probe: &Probe) -> Metrics {
    let root = root(base_url);
    let (urls, wanted) = match &target.metrics.page {
        MetricsPage::Off => return Metrics::None,
        MetricsPage::Auto => (usual(&root, server), false),
        MetricsPage::Path(path) => (vec![format!("{root}{path}")], true),
        MetricsPage::Url(url) => (vec![placed(url, base_url)], true),
    };
    let mut problem = String::new();
    for url in urls {
        let http = match client(&url, &root, probe) {
            Ok(http) => http,
            Err(why) => return Metrics::Missing(why),
        };
        let source = Source::new(http, url, target.metrics.every);
        match source.check().await {
            Ok(()) => return Metrics::There(source),
            Err(why) => problem = format!("{}: {why}", source.url),
        }
    }
    if wanted { Metrics::Missing(problem) } else { Metrics::None }
}

fn usual(root: &str, server: Option<&str>) -> Vec<String> {
    let mut urls: Vec<String> = USUAL.iter().map(|path| format!("{root}{path}")).collect();
    if server.is_some_and(|name| name.to_ascii_lowercase().contains("triton")) {
        urls.extend(beside(root, TRITON_OFFSET));
    }
    urls
}

/// The page on another port of the same host.
fn beside(root: &str, offset: u16) -> Option<String> {
    let mut url = reqwest::Url::parse(root).ok()?;
    let port = url.port_or_known_default()?.checked_add(offset)?;
    url.set_port(Some(port)).ok()?;
    url.set_path("/metrics");
    Some(url.to_string())
}

/// With the port that was drawn for this start.
fn placed(url: &str, base_url: &str) -> String {
    let port = reqwest::Url::parse(base_url).ok().and_then(|u| u.port_or_known_default());
    port.map_or_else(|| url.to_owned(), |port| url.replace(&format!("${{{PORT}}}"), &port.to_string()))
}

/// The key goes to the host that it is for, and to no other.
fn client(url: &str, root: &str, probe: &Probe) -> Result<reqwest::Client, String> {
    let host = |url: &str| reqwest::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned));
    if host(url).is_some() && host(url) == host(root) {
        return Ok(probe.http());
    }
    let bare = Access { base_url: url, api_key: None, headers: &[], ca_pem: None, family: Family::OpenAi };
    Probe::new(&bare).map(|probe| probe.http()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::{beside, placed, usual};

    #[test]
    fn tritons_page_is_two_ports_further() {
        assert_eq!(beside("http://127.0.0.1:8000", 2).as_deref(), Some("http://127.0.0.1:8002/metrics"));
        assert_eq!(beside("http://[::1]:65535", 2), None);
        assert_eq!(usual("http://h:1", None), ["http://h:1/metrics", "http://h:1/prometheus/metrics"]);
        assert_eq!(usual("http://h:1", Some("Triton")).last().map(String::as_str), Some("http://h:3/metrics"));
    }

    #[test]
    fn the_drawn_port_is_put_into_the_url() {
        assert_eq!(placed("http://127.0.0.1:${PORT}/m", "http://127.0.0.1:4711/v1"), "http://127.0.0.1:4711/m");
        assert_eq!(placed("http://127.0.0.1:8002/m", "http://127.0.0.1:4711/v1"), "http://127.0.0.1:8002/m");
    }
}
