//! What every request must hold, and how many held it. Not here: whether that is judged (`limits`).

use super::{WorkloadReport, value};

/// The limits that each request must hold, and how many did: `ttft at most 500 ms, tpot at most 50
/// ms (all SLOs together): met by 586 of 600`.
pub fn slo(w: &WorkloadReport) -> Option<String> {
    let all: Vec<String> = limits(w).map(|(name, limit)| format!("{name} {limit}")).collect();
    let met =
        counts(w, "slo_attainment").map_or_else(String::new, |counts| format!(": met by {counts}"));
    (!all.is_empty()).then(|| format!("{} (all SLOs together){met}", all.join(", ")))
}

/// Rows of a table: the SLO, its limit, the share and number of the scheduled requests that met it;
/// then all of them together, and the goodput.
pub fn slos(w: &WorkloadReport) -> Vec<[String; 3]> {
    let shown = |name: &str| {
        w.rates
            .iter()
            .find(|r| r.metric == name)
            .map_or_else(|| value("", None), |r| value(&r.unit, r.value))
    };
    let share = |name: &str| {
        shown(name) + &counts(w, name).map_or_else(String::new, |counts| format!(" ({counts})"))
    };
    let mut rows: Vec<[String; 3]> = limits(w)
        .map(|(name, limit)| [name.to_owned(), limit, share(&format!("slo_attainment_{name}"))])
        .collect();
    if !rows.is_empty() {
        rows.push(["all SLOs together".into(), String::new(), share("slo_attainment")]);
        rows.push(["goodput".into(), String::new(), shown("goodput")]);
    }
    rows
}

/// A share of the scheduled requests, as counts: `586 of 600`; `504 of 520 after the ramp` where
/// some of them are not in it.
fn counts(w: &WorkloadReport, share: &str) -> Option<String> {
    let of = w.slo_requests.filter(|n| *n > 0)?;
    let met = w.rates.iter().find(|r| r.metric == share)?.value? * of as f64;
    Some(format!("{met:.0} of {of}{}", if of < w.requests { " after the ramp" } else { "" }))
}

/// How many requests met every SLO, of how many that count; none where there is no SLO or no count.
pub fn slo_counts(w: &WorkloadReport) -> Option<(String, u64)> {
    let of = limits(w).next().and(w.slo_requests).filter(|n| *n > 0)?;
    let met = w.rates.iter().find(|r| r.metric == "slo_attainment")?.value? * of as f64;
    Some((format!("{met:.0}"), of))
}

fn limits(w: &WorkloadReport) -> impl Iterator<Item = (&'static str, String)> {
    let all = [("ttft", w.slo.ttft_ms), ("tpot", w.slo.tpot_ms), ("e2e", w.slo.e2e_ms)];
    all.into_iter()
        .filter(|(_, ms)| ms.is_some())
        .map(|(name, ms)| (name, format!("at most {}", value("ms", ms))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn shares_are_counted_and_without_counts_are_shares() {
        let mut report = samples::pass();
        let w = &mut report.workloads[0];
        assert_eq!(
            slo(w).as_deref(),
            Some(
                "ttft at most 500.0 ms, tpot at most 50.00 ms (all SLOs together): met by 586 of 600"
            )
        );
        let met =
            |w: &WorkloadReport| slos(w).into_iter().map(|[_, _, met]| met).collect::<Vec<_>>();
        assert_eq!(met(w), ["-", "-", "97.67 % (586 of 600)", "4.75/s"]);
        w.slo_requests = Some(300);
        assert_eq!(met(w)[2], "97.67 % (293 of 300 after the ramp)", "of 600 that were sent");
        w.slo_requests = None;
        assert_eq!(
            slo(w).as_deref(),
            Some("ttft at most 500.0 ms, tpot at most 50.00 ms (all SLOs together)")
        );
        assert_eq!(met(w), ["-", "-", "97.67 %", "4.75/s"]);
        w.rates.clear();
        w.slo_requests = Some(600);
        assert!(slo(w).is_some_and(|said| said.ends_with("together)")), "unmeasured is no count");
    }
}
