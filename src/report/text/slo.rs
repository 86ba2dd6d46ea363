//! What every request must hold, and how many held it. Not here: whether that is judged (`limits`).

use super::value;
use crate::config::Lang;
use crate::report::WorkloadReport;
use crate::report::labels::labels;
use crate::verdict::Verdict;

/// The limits that each request must hold, and how many did: `TTFT at most 500 ms, TPOT at most 50
/// ms (all SLOs together): met by 586 of 600`.
pub fn slo(w: &WorkloadReport, lang: Lang) -> Option<String> {
    let all: Vec<String> = limits(w)
        .map(|(name, ms)| format!("{} {}", name.to_uppercase(), at_most(ms, lang)))
        .collect();
    let (all, together) = ((!all.is_empty()).then(|| all.join(", "))?, labels(lang).slo_attainment);
    let met = match counts(w, "slo_attainment", lang) {
        _ if is_void(w) => format!(": {}", labels(lang).no_evidence),
        Some(met) if lang == Lang::Ko => format!(": {met} 만족"),
        Some(met) => format!(": met by {met}"),
        None => String::new(),
    };
    Some(format!("{all} ({together}){met}"))
}

/// Rows of a table: the SLO, its limit, the share and number of the scheduled requests that met it;
/// then all of them together, and the goodput.
pub fn slos(w: &WorkloadReport, lang: Lang) -> Vec<[String; 3]> {
    let shown = |name: &str| {
        if is_void(w) {
            return labels(lang).no_evidence.to_owned();
        }
        w.rates
            .iter()
            .find(|r| r.metric == name)
            .map_or_else(|| value("", None), |r| value(&r.unit, r.value))
    };
    let share = |name: &str| {
        let counts = counts(w, name, lang).filter(|_| !is_void(w));
        shown(name) + &counts.map_or_else(String::new, |counts| format!(" ({counts})"))
    };
    let mut rows: Vec<[String; 3]> = limits(w)
        .map(|(name, ms)| {
            [name.to_uppercase(), at_most(ms, lang), share(&format!("slo_attainment_{name}"))]
        })
        .collect();
    if !rows.is_empty() {
        rows.push([labels(lang).slo_attainment.into(), String::new(), share("slo_attainment")]);
        rows.push(["goodput".into(), String::new(), shown("goodput")]);
    }
    rows
}

/// A share of the scheduled requests, as counts: `586 of 600`; `504 of 520 after the ramp` where
/// some of them are not in it.
fn counts(w: &WorkloadReport, share: &str, lang: Lang) -> Option<String> {
    let of = w.slo_requests.filter(|n| *n > 0)?;
    let met = w.rates.iter().find(|r| r.metric == share)?.value? * of as f64;
    Some(match (lang, of < w.requests) {
        (Lang::En, false) => format!("{met:.0} of {of}"),
        (Lang::En, true) => format!("{met:.0} of {of} after the ramp"),
        (Lang::Ko, false) => format!("{of}개 중 {met:.0}개"),
        (Lang::Ko, true) => format!("램프 이후 {of}개 중 {met:.0}개"),
    })
}

/// Its numbers say nothing, and a share that looks good would be believed.
fn is_void(w: &WorkloadReport) -> bool {
    w.verdict == Some(Verdict::Invalid)
}

/// How many requests met every SLO, of how many that count; none where there is no SLO or no count.
pub fn slo_counts(w: &WorkloadReport) -> Option<(String, u64)> {
    let of = limits(w).next().and(w.slo_requests).filter(|n| *n > 0)?;
    let met = w.rates.iter().find(|r| r.metric == "slo_attainment")?.value? * of as f64;
    Some((format!("{met:.0}"), of))
}

fn at_most(ms: f64, lang: Lang) -> String {
    let ms = value("ms", Some(ms));
    match lang {
        Lang::En => format!("at most {ms}"),
        Lang::Ko => format!("{ms} 이하"),
    }
}

fn limits(w: &WorkloadReport) -> impl Iterator<Item = (&'static str, f64)> {
    let all = [("ttft", w.slo.ttft_ms), ("tpot", w.slo.tpot_ms), ("e2e", w.slo.e2e_ms)];
    all.into_iter().filter_map(|(name, ms)| Some((name, ms?)))
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
            slo(w, Lang::En).as_deref(),
            Some(
                "TTFT at most 500.0 ms, TPOT at most 50.00 ms (all SLOs together): met by 586 of 600"
            )
        );
        let met = |w: &WorkloadReport| {
            slos(w, Lang::En).into_iter().map(|[_, _, met]| met).collect::<Vec<_>>()
        };
        assert_eq!(met(w), ["-", "-", "97.67 % (586 of 600)", "4.75/s"]);
        w.slo_requests = Some(300);
        assert_eq!(met(w)[2], "97.67 % (293 of 300 after the ramp)", "of 600 that were sent");
        w.slo_requests = None;
        assert_eq!(
            slo(w, Lang::En).as_deref(),
            Some("TTFT at most 500.0 ms, TPOT at most 50.00 ms (all SLOs together)")
        );
        assert_eq!(met(w), ["-", "-", "97.67 %", "4.75/s"]);
        w.verdict = Some(Verdict::Invalid);
        assert_eq!(met(w), ["no evidence: INVALID"; 4]);
        assert!(slo(w, Lang::En).is_some_and(|said| said.ends_with(": no evidence: INVALID")));
        w.verdict = Some(Verdict::Passed);
        w.rates.clear();
        w.slo_requests = Some(600);
        assert!(
            slo(w, Lang::En).is_some_and(|said| said.ends_with("together)")),
            "unmeasured is no count"
        );
    }
}
