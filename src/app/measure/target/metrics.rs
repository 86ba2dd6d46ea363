//! Where the metrics page of a server is: what the config says, or where it usually is. Not here:
//! reading it during a round (`watch::scrape`).

use crate::config::{self, MetricsPage, PORT, Target};
use crate::evidence::server::names;
use crate::probe::server::{Access, PATIENCE, Probe, root};
use crate::protocol::Family;
use crate::watch::scrape::Source;

/// What became of the metrics page of a server.
pub enum Metrics {
    There(Source),
    /// Nobody asked for it, and it is not there.
    None,
    /// The config asks for it, and it cannot be read: why.
    Missing(String),
}

/// Where servers have it: nearly all; and TensorRT-LLM's own server, whose `/metrics` is something
/// else.
const USUAL: [&str; 2] = ["/metrics", "/prometheus/metrics"];
/// Triton serves its API on 8000, gRPC on 8001 and metrics on 8002.
const TRITON_OFFSET: u16 = 2;

/// Where the page of one server may be.
pub struct Places {
    said: config::Metrics,
    base_url: String,
    /// The name that the server gives itself.
    server: Option<String>,
}

impl Places {
    pub fn new(target: &Target, base_url: &str, server: Option<&str>) -> Self {
        Self {
            said: target.metrics.clone(),
            base_url: base_url.to_owned(),
            server: server.map(str::to_owned),
        }
    }

    /// In the order in which they are asked. Errors: no client for one of them.
    fn sources(&self, probe: &Probe) -> Result<Vec<Source>, String> {
        let root = root(&self.base_url);
        let urls = match &self.said.page {
            MetricsPage::Off => Vec::new(),
            MetricsPage::Auto => usual(&root, self.server.as_deref()),
            MetricsPage::Path(path) => vec![format!("{root}{path}")],
            MetricsPage::Url(url) => vec![placed(url, &self.base_url)],
        };
        urls.into_iter()
            .map(|url| Ok(Source::new(client(&url, &root, probe)?, url, self.said.every)))
            .collect()
    }
}

/// What is on the first page that answers, in words: whose names, and which of them mean nothing to
/// us. None where there is no page.
pub async fn described(places: &Places, probe: &Probe) -> Option<String> {
    const MOST: usize = 20;
    for source in places.sources(probe).unwrap_or_default() {
        let Ok(text) = source.text().await else { continue };
        let unknown = names::unknown(&text);
        let server = names::read(&text).server;
        if server.is_none() && unknown.is_empty() {
            continue;
        }
        let whose =
            server.map_or("no names that are known".to_owned(), |name| format!("names of {name}"));
        let rest = match unknown.len() {
            0 => String::new(),
            n if n > MOST => {
                format!("; not used: {} and {} more", unknown[..MOST].join(", "), n - MOST)
            }
            _ => format!("; not used: {}", unknown.join(", ")),
        };
        return Some(format!("{} has {whose}{rest}", source.url));
    }
    None
}

/// Asks for the page, before any clock.
pub async fn find(places: &Places, probe: &Probe) -> Metrics {
    let wanted = matches!(places.said.page, MetricsPage::Path(_) | MetricsPage::Url(_));
    let sources = match places.sources(probe) {
        Ok(sources) => sources,
        Err(why) => return Metrics::Missing(why),
    };
    let mut problem = String::new();
    for source in sources {
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
    port.map_or_else(
        || url.to_owned(),
        |port| url.replace(&format!("${{{PORT}}}"), &port.to_string()),
    )
}

/// The key goes to the host that it is for, and to no other; and not in the clear where it is
/// encrypted on its way to the API.
fn may_have_key(url: &str, root: &str) -> bool {
    let (Ok(url), Ok(root)) = (reqwest::Url::parse(url), reqwest::Url::parse(root)) else {
        return false;
    };
    url.host_str().is_some()
        && url.host_str() == root.host_str()
        && (url.scheme() == "https" || root.scheme() != "https")
}

fn client(url: &str, root: &str, probe: &Probe) -> Result<reqwest::Client, String> {
    if may_have_key(url, root) {
        return Ok(probe.http());
    }
    let bare = Access {
        base_url: url,
        api_key: None,
        headers: &[],
        ca_pem: None,
        family: Family::OpenAi,
        patience: PATIENCE,
    };
    Probe::new(&bare).map(|probe| probe.http()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::{beside, may_have_key, placed, usual};

    #[test]
    fn the_key_goes_to_its_own_host_and_never_in_the_clear_where_it_was_encrypted() {
        let safe = "https://llm.example:8443";
        assert!(may_have_key("https://llm.example/metrics", safe));
        assert!(may_have_key("http://127.0.0.1:8002/metrics", "http://127.0.0.1:8000"));
        assert!(may_have_key("https://llm.example/metrics", "http://llm.example:8000"));
        assert!(!may_have_key("http://llm.example:9100/metrics", safe));
        assert!(!may_have_key("https://metrics.example/metrics", safe));
        assert!(!may_have_key("https://llm.example@other.example/metrics", safe));
    }

    #[test]
    fn tritons_page_is_two_ports_further() {
        assert_eq!(
            beside("http://127.0.0.1:8000", 2).as_deref(),
            Some("http://127.0.0.1:8002/metrics")
        );
        assert_eq!(beside("http://[::1]:65535", 2), None);
        assert_eq!(
            usual("http://h:1", None),
            ["http://h:1/metrics", "http://h:1/prometheus/metrics"]
        );
        assert_eq!(
            usual("http://h:1", Some("Triton")).last().map(String::as_str),
            Some("http://h:3/metrics")
        );
    }

    #[test]
    fn the_drawn_port_is_put_into_the_url() {
        assert_eq!(
            placed("http://127.0.0.1:${PORT}/m", "http://127.0.0.1:4711/v1"),
            "http://127.0.0.1:4711/m"
        );
        assert_eq!(
            placed("http://127.0.0.1:8002/m", "http://127.0.0.1:4711/v1"),
            "http://127.0.0.1:8002/m"
        );
    }
}
