//! A run as it goes on: how far it is in all and at each level, its numbers as they come, what
//! fails, what it says, the GPUs beside it. Rendered as it stands; `live.js` keeps it so.
//!
//! Not here: how a run is followed (`serve::live`), or what came of it (`result`).

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::frame::Frame;
use crate::app::runs::course::{Level, Overall, Point};
use crate::app::runs::found::Run;
use crate::app::runs::queue::Progress;
use crate::report::text;
use crate::serve::answer::{Answer, Refusal};
use crate::serve::state::State;
use crate::serve::stored::{reading, run};

/// Seconds that a chart shows at most, and that it has room for at least.
const SHOWN: usize = 300;
const FEWEST: usize = 30;
/// Of a chart's drawing; `live.js` has the same.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

#[derive(Template)]
#[template(path = "pages/live.html")]
struct LivePage<'a> {
    frame: &'a Frame,
    run: &'a Run,
    state: String,
    /// It is in this service's hands.
    followed: bool,
    percent: u32,
    whole: String,
    round_percent: u32,
    round: String,
    numbers: Vec<Number>,
    charts: Vec<Chart>,
    levels: &'a [Level],
    failures: Vec<(String, u64)>,
    lines: &'a [String],
}

/// A number of the round that goes on.
struct Number {
    /// Of the script: the field of `round`, or of `round.live`.
    key: &'static str,
    label: &'static str,
    value: String,
}

struct Chart {
    /// Field of a point.
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    path: String,
    last: String,
    most: String,
}

pub async fn page(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Response<Body>, Refusal> {
    reading(move || {
        let run = run(&state, &id)?;
        // Its folder may say so a moment before its process is gone.
        if !run.goes_on() {
            return Ok(frame.lead_to(&format!("/runs/{}", run.id)));
        }
        let progress = state.queue.progress(&run.id);
        let points = state.queue.course(&run.id).unwrap_or_default();
        shown(&frame, &run, progress.as_ref(), &points)
    })
    .await
}

/// Stops a run, as the button without a script does.
pub async fn cancel(
    frame: Frame,
    Shared(state): Shared<Arc<State>>,
    Path(id): Path<String>,
) -> Result<Response<Body>, Refusal> {
    reading(move || {
        let known = run(&state, &id)?;
        // One that ended meanwhile is where it should be.
        if !state.queue.cancel(&known.id) && run(&state, &id)?.goes_on() {
            let detail = "the run does not go on here";
            return Err(Refusal::new(StatusCode::CONFLICT, "not_running", detail));
        }
        Ok(frame.lead_to(&format!("/runs/{}/live", known.id)))
    })
    .await
}

fn shown(frame: &Frame, run: &Run, progress: Option<&Progress>, points: &[Point]) -> Answer {
    let round = progress.and_then(|p| p.round.clone()).unwrap_or_default();
    let overall = progress.and_then(|p| p.overall.clone());
    let (no_levels, no_lines): (&[Level], &[String]) = (&[], &[]);
    let page = LivePage {
        frame,
        run,
        state: state(frame, progress),
        followed: progress.is_some(),
        percent: percent(overall.as_ref().map(|o| o.share)),
        whole: overall.as_ref().map(|o| whole(frame, o)).unwrap_or_default(),
        round_percent: percent(share(&round)),
        round: text::plain(round["label"].as_str().unwrap_or_default()),
        numbers: numbers(frame, &round),
        charts: charts(frame, points),
        levels: progress.map_or(no_levels, |p| &p.levels),
        failures: progress.into_iter().flat_map(|p| p.failures.clone()).collect(),
        lines: progress.map_or(no_lines, |p| &p.lines),
    };
    frame.page(&page)
}

fn state(frame: &Frame, progress: Option<&Progress>) -> String {
    match progress {
        None => frame
            .text(
                "It goes on in a terminal, which does not tell this service how far it is.",
                "터미널에서 진행 중이며, 이 서비스에는 진행 상황이 전달되지 않습니다.",
            )
            .to_owned(),
        Some(Progress { state: "queued", before, .. }) => match frame.lang {
            crate::lang::Lang::En => format!("Waiting: {before} before it"),
            crate::lang::Lang::Ko => format!("대기 중: 앞에 {before}개"),
        },
        Some(_) => frame.text("Running", "진행 중").to_owned(),
    }
}

fn whole(frame: &Frame, overall: &Overall) -> String {
    let (done, all) = (overall.rounds_done, overall.rounds);
    let left = overall.left_s.map(text::duration);
    match (frame.lang, left) {
        (crate::lang::Lang::En, Some(left)) => format!("{done} of {all} rounds, {left} left"),
        (crate::lang::Lang::En, None) => format!("{done} of {all} rounds"),
        (crate::lang::Lang::Ko, Some(left)) => format!("라운드 {done}/{all}, {left} 남음"),
        (crate::lang::Lang::Ko, None) => format!("라운드 {done}/{all}"),
    }
}

/// Of a round, 0 to 1.
fn share(round: &Value) -> Option<f64> {
    let done = round["done"].as_f64()?;
    let by_time = || Some(round["elapsed_s"].as_f64()? / round["seconds"].as_f64()?);
    round["requests"].as_f64().map(|all| done / all.max(1.0)).or_else(by_time)
}

fn percent(share: Option<f64>) -> u32 {
    let share = share.unwrap_or_default().clamp(0.0, 1.0);
    (0..=100).rev().find(|n| f64::from(*n) <= share * 100.0).unwrap_or_default()
}

fn numbers(frame: &Frame, round: &Value) -> Vec<Number> {
    let live = &round["live"];
    let of = |key: &'static str, label, value: &Value| Number {
        key,
        label,
        value: number(value.as_f64()),
    };
    let rows = [
        ("sent", frame.text("Sent", "전송")),
        ("done", frame.text("Done", "완료")),
        ("failed", frame.text("Failed", "실패")),
        ("good", frame.text("Met the SLOs", "SLO 충족")),
        ("in_flight", frame.text("In flight", "동시 요청")),
        ("ttft_p50_ms", "TTFT p50 ms"),
        ("ttft_p95_ms", "TTFT p95 ms"),
        ("tpot_p50_ms", "TPOT p50 ms"),
        ("e2e_p50_ms", "E2E p50 ms"),
        ("output_tokens", frame.text("Output tokens", "출력 토큰")),
    ];
    rows.map(|(key, label)| {
        let value = if round[key].is_null() { &live[key] } else { &round[key] };
        of(key, label, value)
    })
    .into()
}

/// Three digits are enough to look at.
fn number(value: Option<f64>) -> String {
    text::number(value.map(|x| if x >= 100.0 { x.round() } else { x }))
}

/// A chart's field of a point, its label and its unit.
type Drawn = (&'static str, &'static str, &'static str, fn(&Point) -> Option<f64>);

fn charts(frame: &Frame, points: &[Point]) -> Vec<Chart> {
    let points = &points[points.len().saturating_sub(SHOWN)..];
    let all: [Drawn; 5] = [
        ("ttft_ms", "TTFT p50", "ms", |p| p.ttft_ms),
        ("tpot_ms", "TPOT p50", "ms", |p| p.tpot_ms),
        ("output_tokens_per_s", frame.text("Output tokens", "출력 토큰"), "tok/s", |p| {
            p.output_tokens_per_s
        }),
        ("requests_per_s", frame.text("Requests", "요청"), "/s", |p| Some(p.requests_per_s)),
        ("in_flight", frame.text("In flight", "동시 요청"), "", |p| Some(p.in_flight as f64)),
    ];
    all.into_iter()
        .map(|(key, label, unit, value)| {
            let values: Vec<Option<f64>> = points.iter().map(value).collect();
            let most = values.iter().flatten().copied().fold(0.0, f64::max);
            Chart {
                key,
                label,
                unit,
                path: path(&values, most),
                last: number(values.iter().rev().flatten().next().copied()),
                most: number(Some(most).filter(|most| *most > 0.0)),
            }
        })
        .collect()
}

/// From the left, one step a second; a gap where there is no value.
fn path(values: &[Option<f64>], most: f64) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    let mut joined = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            joined = false;
            continue;
        };
        let x = at as f64 * WIDTH / (values.len().max(FEWEST) - 1) as f64;
        let y = HEIGHT - value / most.max(f64::MIN_POSITIVE) * (HEIGHT - 4.0) - 2.0;
        let _ = write!(path, "{}{x:.1} {y:.1}", if joined { "L" } else { "M" });
        if !joined {
            // A single value is a dot.
            let _ = write!(path, "h0.1");
        }
        joined = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_gap_where_nothing_was_measured() {
        assert_eq!(path(&[], 0.0), "");
        let line = path(&[Some(1.0), Some(2.0), None, Some(0.0)], 2.0);
        assert_eq!(line, "M0.0 60.0h0.1L20.7 2.0M62.1 118.0h0.1");
        assert_eq!((percent(None), percent(Some(0.999)), percent(Some(2.0))), (0, 99, 100));
    }
}
