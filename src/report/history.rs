//! A metric over the sessions of a branch, oldest first, and where its level moved. It says what
//! was and judges nothing.
//!
//! Not here: which sessions (`app::baselines`), how a change point is found
//! (`measure::change_points`).

mod page;

pub use page::{Branch, Workload, render as page};

use super::text;
use crate::config::Lang;
use crate::measure::change_points::{ChangePoint, change_points};
use crate::metric::Metric;
use crate::record::session::Session;

/// Sessions that may be compared with one another.
#[derive(Debug)]
pub struct History<'a> {
    pub metric: Metric,
    /// With the metric's value, in the unit of its name.
    pub points: Vec<(&'a Session, f64)>,
    /// Sessions without it.
    pub unmeasured: usize,
    pub moved: Vec<ChangePoint>,
}

impl<'a> History<'a> {
    pub fn from_sessions(sessions: &[&'a Session], metric: Metric) -> Self {
        let points: Vec<_> =
            sessions.iter().filter_map(|s| Some((*s, *s.pooled.get(&metric.key())?))).collect();
        let moved = change_points(&scaled(&values(&points)));
        Self { metric, unmeasured: sessions.len() - points.len(), points, moved }
    }

    pub fn values(&self) -> Vec<f64> {
        values(&self.points)
    }

    pub fn value(&self, value: f64) -> String {
        text::value(self.metric.unit().suffix(), Some(value))
    }

    /// `over 8 sessions, 2 more without it`
    pub fn count(&self, lang: Lang) -> String {
        let sessions = self.points.len() as u64;
        match (lang, self.unmeasured) {
            (Lang::En, 0) => text::count(sessions, "session", "sessions"),
            (Lang::En, n) => {
                format!("{}, {n} more without it", text::count(sessions, "session", "sessions"))
            }
            (Lang::Ko, 0) => format!("세션 {sessions}개"),
            (Lang::Ko, n) => format!("세션 {sessions}개 (값이 없는 세션 {n}개 별도)"),
        }
    }

    /// From the mean of the level before to that of the level that begins.
    pub fn step(&self, change: &ChangePoint) -> String {
        let values = self.values();
        let from = self.moved.iter().map(|c| c.at).filter(|at| *at < change.at).max().unwrap_or(0);
        let to = self
            .moved
            .iter()
            .map(|c| c.at)
            .filter(|at| *at > change.at)
            .min()
            .unwrap_or(values.len());
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (before, after) = (mean(&values[from..change.at]), mean(&values[change.at..to]));
        let by = if before > 0.0 {
            format!(", {:+.1} %", (after / before - 1.0) * 100.0)
        } else {
            String::new()
        };
        format!("{} -> {}{by} (p {:.3})", self.value(before), self.value(after), change.p)
    }

    /// `moved at 0123456789ab: 20 ms -> 25 ms, +25.0 % (p 0.002)`
    pub fn moves(&self, lang: Lang) -> impl Iterator<Item = String> {
        self.moved.iter().map(move |change| {
            let (commit, step) = (text::short(&self.points[change.at].0.commit), self.step(change));
            match lang {
                Lang::En => format!("moved at {commit}: {step}"),
                Lang::Ko => format!("{commit}에서 달라짐: {step}"),
            }
        })
    }
}

fn values(points: &[(&Session, f64)]) -> Vec<f64> {
    points.iter().map(|(_, value)| *value).collect()
}

/// Logs where all are above 0: a step of 5 % is as large at 10 ms as at 1 s.
pub fn scaled(values: &[f64]) -> Vec<f64> {
    let positive = values.iter().all(|x| *x > 0.0);
    values.iter().map(|x| if positive { x.ln() } else { *x }).collect()
}
