//! What must match for two measurements to be comparable, and which field differs.
//!
//! Stable facts only. Facts that change by themselves (clocks, kernel, host name) are recorded
//! elsewhere, not keyed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Field name to value: `protocol`, `model`, `server`, `server_version`, `plan`, `host_cpu`...
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(pub BTreeMap<String, String>);

/// A field in which two fingerprints differ; absent on a side is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub field: String,
    pub baseline: Option<String>,
    pub candidate: Option<String>,
}

impl Fingerprint {
    pub fn set(&mut self, field: &str, value: impl Into<String>) {
        self.0.insert(field.into(), value.into());
    }

    /// 12 hex digits of SHA-256 over the keyed fields: a folder name.
    pub fn key(&self, under_test: &[String]) -> String {
        let mut hash = Sha256::new();
        for (field, value) in self.keyed(under_test) {
            hash.update(format!("{}:{field}={}:{value};", field.len(), value.len()));
        }
        let digest = hash.finalize();
        let start = digest.iter().take(6).fold(0_u64, |n, b| (n << 8) | u64::from(*b));
        format!("{start:012x}")
    }

    /// Fields that forbid a comparison.
    pub fn conflicts(baseline: &Self, candidate: &Self, under_test: &[String]) -> Vec<Difference> {
        let mut all = Self::differences(baseline, candidate);
        all.retain(|d| !under_test.contains(&d.field));
        all
    }

    /// Every field that differs, whether it may or not.
    pub fn differences(baseline: &Self, candidate: &Self) -> Vec<Difference> {
        let fields: std::collections::BTreeSet<&String> =
            baseline.0.keys().chain(candidate.0.keys()).collect();
        fields
            .into_iter()
            .filter(|f| baseline.0.get(*f) != candidate.0.get(*f))
            .map(|f| Difference {
                field: f.clone(),
                baseline: baseline.0.get(f).cloned(),
                candidate: candidate.0.get(f).cloned(),
            })
            .collect()
    }

    fn keyed<'a>(
        &'a self,
        under_test: &'a [String],
    ) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.0.iter().filter(|(field, _)| !under_test.contains(field))
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |v: &Option<String>| v.clone().unwrap_or_else(|| "absent".into());
        write!(f, "{}: {} -> {}", self.field, side(&self.baseline), side(&self.candidate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(fields: &[(&str, &str)]) -> Fingerprint {
        Fingerprint(fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn what_is_under_test_is_shown_but_not_keyed() {
        let (a, b) = (
            print(&[("model", "m"), ("server_version", "1")]),
            print(&[("model", "m"), ("server_version", "2")]),
        );
        let under_test = ["server_version".to_owned()];
        assert_eq!(a.key(&under_test), b.key(&under_test));
        assert_ne!(a.key(&[]), b.key(&[]));
        assert!(Fingerprint::conflicts(&a, &b, &under_test).is_empty());
        assert_eq!(Fingerprint::differences(&a, &b)[0].to_string(), "server_version: 1 -> 2");
    }

    #[test]
    fn an_absent_field_differs() {
        let (a, b) = (print(&[("gpu", "H100")]), print(&[]));
        assert_eq!(Fingerprint::conflicts(&a, &b, &[])[0].to_string(), "gpu: H100 -> absent");
    }
}
