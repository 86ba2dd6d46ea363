//! Workloads that were named one by one and differ in their level of load only: one family, as
//! lists and `--sweep` make them.
//!
//! Not here: those (`sweep`), or what is drawn of a family (`report::sweep`).

use std::collections::BTreeMap;

use super::{Arrival, Axis, Length, Level, SessionBegin, Warmup, Workload};

/// Some of a config's workloads, by their indices.
struct Group {
    axis: Axis,
    /// Without its level and what may go with it.
    alike: Workload,
    /// Of a list or a sweep.
    name: Option<String>,
    members: Vec<(usize, f64)>,
}

/// Says of each workload which family it is of, where there are two or more of it. What a list or a
/// sweep has said stays as it is.
pub fn mark(workloads: &mut [&mut Workload]) {
    let mut all: Vec<Group> = Vec::new();
    // Those that have a name first, so that others may join them.
    let mut order: Vec<usize> = (0..workloads.len()).collect();
    order.sort_by_key(|&i| workloads[i].level.is_none());
    for i in order {
        let Some((axis, value, alike)) = parted(workloads[i]) else { continue };
        let name = workloads[i].level.as_ref().map(|l| l.family.clone());
        // The same level again is no family's: by what would it differ?
        let fits = |f: &&mut Group| match &name {
            Some(_) => f.axis == axis && f.name == name,
            None => {
                f.axis == axis
                    && f.alike == alike
                    && f.members.iter().all(|(_, level)| (level - value).abs() > 0.0)
            }
        };
        match all.iter_mut().find(fits) {
            Some(family) => family.members.push((i, value)),
            None => all.push(Group { axis, alike, name, members: vec![(i, value)] }),
        }
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for family in all.iter_mut().filter(|f| f.members.len() > 1) {
        family.members.sort_by(|a, b| a.1.total_cmp(&b.1));
        let names: Vec<&str> =
            family.members.iter().map(|(i, _)| workloads[*i].name.as_str()).collect();
        let name = family.name.clone().unwrap_or_else(|| common(&names));
        let times = taken.entry(name.clone()).or_default();
        *times += 1;
        let name = if family.name.is_none() && *times > 1 { span(&names) } else { name };
        for &(i, value) in &family.members {
            workloads[i].level.get_or_insert(Level {
                family: name.clone(),
                axis: family.axis,
                value,
            });
        }
    }
}

/// Its level, and all else but what a higher one asks for: more requests, a longer warm-up, more of
/// them in flight; and what it is judged by.
fn parted(workload: &Workload) -> Option<(Axis, f64, Workload)> {
    let mut arrival = workload.arrival.clone();
    let (axis, value) = match &mut arrival {
        Arrival::Closed { concurrency }
        | Arrival::Sessions { begin: SessionBegin::Closed { concurrency }, .. } => {
            (Axis::Concurrency, f64::from(std::mem::take(concurrency)))
        }
        Arrival::Constant { rate }
        | Arrival::Poisson { rate }
        | Arrival::Gamma { rate, .. }
        | Arrival::Sessions { begin: SessionBegin::Poisson { rate }, .. } => {
            (Axis::Rate, std::mem::take(rate))
        }
        Arrival::Ramp { .. } | Arrival::Trace { .. } => return None,
    };
    let alike = Workload {
        name: String::new(),
        arrival,
        length: Length::Requests(0),
        max_in_flight: None,
        warmup: Warmup::Requests(0),
        limits: Vec::new(),
        regressions: BTreeMap::new(),
        level: None,
        ..workload.clone()
    };
    Some((axis, value, alike))
}

/// `concurrent` of `concurrent-1`, `concurrent-4`.
fn common(names: &[&str]) -> String {
    let (first, rest) = names.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
    // Names are ASCII (`is_workload_name`).
    let shared =
        |other: &&str| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let head = &first[..rest.iter().map(shared).min().unwrap_or(first.len())];
    let numbered = names.iter().all(|name| {
        name[head.len()..].starts_with(|c: char| c.is_ascii_digit() || ".-_".contains(c))
    });
    // Not within a word.
    let whole = if numbered { head } else { head.rfind(['-', '_']).map_or("", |at| &head[..at]) };
    let trimmed = whole.trim_end_matches(|c: char| c.is_ascii_digit() || ".-_".contains(c));
    if trimmed.is_empty() { span(names) } else { trimmed.to_owned() }
}

fn span(names: &[&str]) -> String {
    format!("{}..{}", names.first().unwrap_or(&""), names.last().unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags, Source, load};
    use super::*;

    /// The families of workloads, each a line of YAML: `NAME axis=level,...`.
    fn families(lines: &[&str], sweep: Option<&str>) -> Vec<String> {
        let text = lines
            .iter()
            .fold("version: 1\ntarget: {sim: {}}\nworkloads:\n".to_owned(), |all, l| {
                all + "  - {" + l + "}\n"
            });
        let flags = Flags { sweep: sweep.map(str::to_owned), ..Flags::default() };
        let source = Source { name: "goodput-gate.yaml", text: &text };
        let config: Config = load(Some(source), &[], &flags, &|_| None).expect("a good config");
        let mut found: Vec<(String, Vec<f64>)> = Vec::new();
        for level in config.workloads.iter().filter_map(|w| w.level.as_ref()) {
            let name = format!("{} {:?}", level.family, level.axis);
            match found.iter_mut().find(|(of, _)| *of == name) {
                Some((_, levels)) => levels.push(level.value),
                None => found.push((name, vec![level.value])),
            }
        }
        found.into_iter().map(|(name, levels)| format!("{name} {levels:?}")).collect()
    }

    #[test]
    fn workloads_that_differ_in_their_level_only_are_a_family() {
        let closed = |name: &str, n: u32| {
            format!("name: {name}, arrival: {{closed: {{concurrency: {n}}}}}, requests: {}", n * 8)
        };
        let lines =
            [closed("concurrent-1", 1), closed("concurrent-16", 16), closed("concurrent-4", 4)];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(families(&lines, None), ["concurrent Concurrency [1.0, 16.0, 4.0]"]);
        let rates =
            ["preset: low-load", "preset: medium-load", "preset: high-load", "preset: stress-test"];
        assert_eq!(families(&rates, None), ["low-load..stress-test Rate [1.0, 5.0, 20.0, 50.0]"]);
    }

    #[test]
    fn what_differs_in_more_is_none() {
        let other = |key: &str| {
            let two = "name: b, arrival: {poisson: {rate: 2}}, requests: 50";
            let one = format!("name: a, arrival: {{poisson: {{rate: 1}}}}, requests: 50, {key}");
            families(&[&one, two], None)
        };
        assert_eq!(
            other("limits: {ttft_p95: {max: 1s}}"),
            ["a..b Rate [1.0, 2.0]"],
            "what it is judged by is no load"
        );
        for key in [
            "temperature: 0.5",
            "output_tokens: 7",
            "seed: 3",
            "prompts: {synthetic: {corpus: ko}}",
            "slo: {ttft: 1s}",
        ] {
            assert_eq!(other(key), [""; 0], "{key}");
        }
        assert_eq!(
            families(
                &[
                    "name: a, arrival: {ramp: {from: 1, to: 2}}",
                    "name: b, arrival: {ramp: {from: 1, to: 3}}"
                ],
                None
            ),
            [""; 0]
        );
        let twice = "arrival: {poisson: {rate: 2}}, requests: 50";
        assert_eq!(
            families(
                &[&format!("name: a, {twice}"), &format!("name: b, {twice}, max_in_flight: 4")],
                None
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_list_keeps_its_name_and_takes_in_its_highest_level() {
        assert_eq!(
            families(&["preset: stress"], None),
            ["stress Concurrency [10.0, 50.0, 100.0, 200.0, 500.0]"]
        );
        assert_eq!(
            families(&["preset: concurrent"], Some("concurrency=1,2")),
            ["concurrent Concurrency [1.0, 2.0]"]
        );
        let lists = [
            "name: a, arrival: {closed: {concurrency: [1, 2]}}",
            "name: b, arrival: {closed: {concurrency: [1, 2]}}",
        ];
        assert_eq!(
            families(&lists, None),
            ["a Concurrency [1.0, 2.0]", "b Concurrency [1.0, 2.0]"]
        );
    }

    #[test]
    fn a_family_is_called_by_what_its_names_share() {
        for (names, expected) in [
            (&["concurrent-1", "concurrent-16"][..], "concurrent"),
            (&["mix-10", "mix-16"], "mix"),
            (&["rate5", "rate50"], "rate5..rate50"),
            (&["rate5", "rate10"], "rate"),
            (&["chat-low", "chat-large"], "chat"),
            (&["low", "large"], "low..large"),
            (&["1", "2"], "1..2"),
        ] {
            assert_eq!(common(names), expected, "{names:?}");
        }
    }
}
