//! Verdict and goodput as a badge: for shields.io's endpoint (`endpoint`), and as a picture of its
//! own (`svg`). Not here: anything else that a run has to say.

use serde::Serialize;

use super::{Report, text};
use crate::verdict::Verdict;

const LABEL: &str = "goodput";
/// Pixels. Characters of 11 px Verdana are 6.2 to 7.3 wide on average; the text is told to fill its
/// place exactly.
const CHARACTER: usize = 7;
const PADDING: usize = 6;

/// The shape that shields.io reads: <https://shields.io/badges/endpoint-badge>.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    schema_version: u32,
    label: &'a str,
    message: &'a str,
    color: &'a str,
    /// Then the address of the badge cannot give it another colour.
    is_error: bool,
}

/// What shields.io fetches and draws.
pub fn endpoint(report: &Report) -> String {
    let badge = Endpoint {
        schema_version: 1,
        label: LABEL,
        message: &message(report),
        color: colour(report.verdict),
        is_error: matches!(
            report.verdict,
            Some(Verdict::Failed | Verdict::Invalid | Verdict::Incomplete)
        ),
    };
    serde_json::to_string_pretty(&badge).expect("a badge is plain data") + "\n"
}

/// A picture that needs nobody else's server. Its title says all of it to whoever does not see it.
pub fn svg(report: &Report) -> String {
    let (message, colour) = (message(report), colour(report.verdict));
    let wide = |text: &str| text.chars().count() * CHARACTER;
    let (label, value) = (wide(LABEL) + 2 * PADDING, wide(&message) + 2 * PADDING);
    let (left, right) = (wide(LABEL), wide(&message));
    let (width, from, at) = (label + value, PADDING, label + PADDING);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{LABEL}: {message}">
  <title>{LABEL}: {message}</title>
  <rect width="{label}" height="20" fill="#444"/>
  <rect x="{label}" width="{value}" height="20" fill="{colour}"/>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
    <text x="{from}" y="14" textLength="{left}" lengthAdjust="spacingAndGlyphs">{LABEL}</text>
    <text x="{at}" y="14" textLength="{right}" lengthAdjust="spacingAndGlyphs">{message}</text>
  </g>
</svg>
"##
    )
}

/// `PASS, 4.75/s`. Goodput where there is one workload: rates of several loads do not add up.
///
/// Made of our own words and numbers alone, so that it needs no escaping.
fn message(report: &Report) -> String {
    let word = report.verdict.map_or("not judged", Verdict::word);
    match goodput(report) {
        Some(goodput) => format!("{word}, {}", text::value("per_s", Some(goodput))),
        None => word.to_owned(),
    }
}

/// Absent where it was not measured, and where the measurement is not fit to be shown.
fn goodput(report: &Report) -> Option<f64> {
    let [workload] = report.workloads.as_slice() else { return None };
    let goodput =
        workload.rates.iter().find(|r| r.metric == "goodput")?.value.filter(|v| v.is_finite());
    let unfit = match report.verdict {
        None => !workload.reasons.is_empty(),
        Some(verdict) => verdict == Verdict::Invalid,
    };
    goodput.filter(|_| !unfit)
}

/// White text on each is read at a contrast of 4.5 to 1 at least.
const fn colour(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "#1a7f37",
        Some(Verdict::Failed | Verdict::Invalid | Verdict::Incomplete | Verdict::Blind) => {
            "#cf222e"
        }
        Some(Verdict::Inconclusive | Verdict::Incomparable | Verdict::NoBaseline) => "#9a6700",
        None => "#57606a",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::samples;

    fn shields(report: &Report) -> Value {
        serde_json::from_str(&endpoint(report)).expect("JSON")
    }

    /// WCAG 2's relative luminance of `#rrggbb`.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hex")) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn shields_is_told_the_verdict_and_the_goodput() {
        let pass = json!({"schemaVersion": 1, "label": "goodput", "message": "PASS, 4.75/s", "color": "#1a7f37", "isError": false});
        assert_eq!(shields(&samples::pass()), pass);
        let fail = shields(&samples::regression());
        assert_eq!((&fail["message"], &fail["isError"]), (&json!("FAIL, 4.75/s"), &json!(true)));
        assert_eq!(shields(&samples::run_only())["message"], "not judged, 4.75/s");
    }

    #[test]
    fn no_number_is_shown_of_what_is_unfit_or_of_two_loads() {
        assert_eq!(shields(&samples::invalid())["message"], "INVALID");
        assert_eq!(shields(&samples::two_workloads())["message"], "FAIL");
        let mut unfit = samples::pass();
        unfit.verdict = Some(Verdict::Invalid);
        assert_eq!(shields(&unfit)["message"], "INVALID");
        unfit.verdict = None;
        assert_eq!(shields(&unfit)["message"], "not judged", "with reasons against it");
        unfit.verdict = Some(Verdict::Passed);
        unfit.workloads[0].rates.iter_mut().for_each(|r| r.value = None);
        assert_eq!(shields(&unfit)["message"], "PASS");
    }

    #[test]
    fn the_picture_is_xml_that_says_what_it_shows() {
        for (name, report) in samples::all() {
            let svg = svg(&report);
            let title = format!("<title>goodput: {}</title>", message(&report));
            assert!(svg.contains(&title) && svg.contains("role=\"img\""), "{name}: {svg}");
            let mut reader = quick_xml::Reader::from_str(&svg);
            while reader.read_event().expect("well formed") != quick_xml::events::Event::Eof {}
        }
    }

    #[test]
    fn nothing_foreign_is_in_a_badge() {
        let nasty = samples::foreign("<script>alert(1)</script>");
        assert!(!svg(&nasty).contains("script") && !endpoint(&nasty).contains("script"));
    }

    #[test]
    fn white_text_is_readable_on_every_colour() {
        for (name, report) in samples::all() {
            let contrast = 1.05 / (luminance(colour(report.verdict)) + 0.05);
            assert!(contrast >= 4.5, "{name}: {contrast}");
        }
    }
}
