//! The config's hypotheses and what became of each. Not here: how one is tested (`judge::ranking`).

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;

use super::frame::Frame;
use crate::app::hypotheses::Standing;
use crate::report::text;
use crate::serve::answer::Answer;
use crate::serve::state::State;
use crate::serve::stored::reading;
use crate::serve::v2;

#[derive(Template)]
#[template(path = "pages/hypotheses.html")]
struct Hypotheses<'a> {
    frame: &'a Frame,
    all: Vec<Shown>,
    trouble: Option<String>,
}

struct Shown {
    name: String,
    says: Option<String>,
    claim: String,
    workload: String,
    metric: String,
    outcome: &'static str,
    tone: &'static str,
    evidence: Vec<String>,
    run: Option<(String, String)>,
}

pub async fn page(frame: Frame, Shared(state): Shared<Arc<State>>) -> Answer {
    reading(move || {
        let (all, trouble) = match v2::hypotheses::standing(&state, frame.lang) {
            Ok(all) => (all, None),
            Err(why) => (Vec::new(), Some(frame.sentence(&why.detail).to_owned())),
        };
        let all = all.into_iter().map(|standing| shown(&frame, standing)).collect();
        frame.page(&Hypotheses { frame: &frame, all, trouble })
    })
    .await
}

fn shown(frame: &Frame, standing: Standing) -> Shown {
    let Standing { claimed, outcome, evidence, run, tested } = standing;
    let (outcome, tone) = match &*outcome {
        "confirmed" => (frame.text("confirmed", "확인됨"), "good"),
        "refuted" => (frame.text("refuted", "기각됨"), "bad"),
        "undecided" => (frame.text("undecided", "미결정"), "open"),
        _ => (frame.text("unmeasured", "측정 안 됨"), "void"),
    };
    Shown {
        name: text::plain(&claimed.name),
        says: claimed.says.as_deref().map(text::plain),
        claim: text::plain(&claimed.claim),
        workload: text::plain(&claimed.workload),
        metric: text::plain(&claimed.metric),
        outcome,
        tone,
        evidence,
        run: run.map(|id| (id.to_string(), tested.map(|at| text::minute(&at)).unwrap_or_default())),
    }
}
