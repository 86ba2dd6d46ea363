//! In which keys two targets differ. Not here: their values, which may be secret.

use super::server::Server;
use super::target::{Endpoint, Target};

impl Target {
    /// The config's keys, `server.start` and the like, that are not the same in both.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let both = [
            ("target.protocol", self.protocol != other.protocol),
            ("target.tokenizer", self.tokenizer != other.tokenizer),
            ("target.model", self.model != other.model),
            ("target.api_key_env", self.api_key_env != other.api_key_env),
            ("target.headers", self.headers != other.headers),
            ("target.extra_body", self.extra_body != other.extra_body),
            ("target.ca_file", self.ca_file != other.ca_file),
            ("target.metrics", self.metrics != other.metrics),
            ("target.cache_reset", self.cache_reset != other.cache_reset),
        ];
        let names = both.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name);
        match (&self.endpoint, &other.endpoint) {
            (Endpoint::Started(one), Endpoint::Started(two)) => {
                one.differences(two).chain(names).collect()
            }
            (one, two) => (one != two).then_some("target").into_iter().chain(names).collect(),
        }
    }
}

impl Server {
    fn differences(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let both = [
            ("target.base_url", self.base_url != other.base_url),
            ("server.build", self.build != other.build),
            ("server.start", self.start != other.start || self.recipe != other.recipe),
            ("server.cwd", self.cwd != other.cwd),
            ("server.env", self.env != other.env),
            (
                "server.ready",
                self.ready_path != other.ready_path || self.ready_timeout != other.ready_timeout,
            ),
            ("server.grace", self.grace != other.grace),
            ("server.container", self.container != other.container),
        ];
        both.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name)
    }
}
