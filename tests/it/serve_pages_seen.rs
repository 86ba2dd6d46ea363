//! The service's pages in a browser: a first visit, the demo, its result, the history, both themes
//! and languages, wide and narrow. Needs Chromium: run by name, with `--ignored`; `CHROMIUM` names
//! the program. Not here: the pages as text (`serve_pages`), those that measure
//! (`serve_live_pages`).

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::service::Service;
use crate::support::{Gate, wait_for};

/// Whether a browser has been led to where this path begins so.
fn is_at(browser: &mut Browser, path: &str) -> bool {
    browser.text("location.pathname").starts_with(path)
}

/// In both themes, and as wide as a desk and a telephone have it.
fn assert_sound_everywhere(browser: &mut Browser, url: &str, name: &str) {
    for theme in ["light", "dark"] {
        for width in [1100, 400] {
            browser.resize(width);
            let mark = if url.contains('?') { '&' } else { '?' };
            browser.go(&format!("{url}{mark}theme={theme}"));
            browser.assert_sound(&format!("{name} {theme} {width}"));
            browser.picture(&format!("{name}-{theme}-{width}"));
        }
    }
    browser.resize(1100);
}

#[test]
#[ignore = "needs Chromium"]
fn the_audit_of_pages_finds_what_is_wrong() {
    let mut browser = Browser::open(400);
    browser.go("data:text/html,<title>a field without a name</title><input>");
    let found = browser.violations().map(|found| found.to_string());
    assert!(found.as_ref().is_none_or(|found| found.contains("label: input")), "{found:?}");
}

#[test]
#[ignore = "needs Chromium"]
fn a_first_visit_runs_the_demo_and_finds_its_result() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let at = |path: &str| format!("http://{}{path}", service.address);
    let mut browser = Browser::open(1100);
    assert_sound_everywhere(&mut browser, &at("/?lang=ko"), "empty-ko");
    assert_sound_everywhere(&mut browser, &at("/?lang=en"), "empty");
    browser.value("document.querySelector('form[action=\"/demo\"] button').click()");
    assert!(wait_for(|| is_at(&mut browser, "/runs/")), "the demo begins");
    // Its page leads to the result when it has ended: a minute, on a machine that is idle.
    let mut result = || browser.value("document.querySelector('iframe.report') !== null");
    assert!((0..6).any(|_| wait_for(|| result() == json!(true))), "the demo ends");
    assert!(!browser.text("document.querySelector('h1 .word').textContent").is_empty());
    browser.wait("document.querySelector('iframe.report').height > 1000");
    let place = browser.text("location.pathname");
    assert_sound_everywhere(&mut browser, &at(&place), "result");
    assert_sound_everywhere(&mut browser, &at(&format!("{place}?lang=ko")), "result-ko");
    assert_sound_everywhere(&mut browser, &at("/?lang=en"), "home");
    let report = format!("/api/v2{place}/report?format=html");
    browser.go(&at(&report));
    browser.assert_sound("report");
    // The browser notes that there is nothing, and the page is sound all the same.
    browser.go(&at("/nothing"));
    browser.said.clear();
    browser.assert_sound("refused");
    browser.picture("refused");
    // The same once more, by a button; its page shows it, and the history has both.
    browser.go(&at(&place));
    browser.value("document.querySelector('form[action$=\"/again\"] button').click()");
    let other = format!("location.pathname !== {}", json!(place));
    browser.wait(&format!("{other} && document.readyState === 'complete'"));
    assert_eq!(service.json("/api/v2/runs")["total"], 2);
    for run in service.json("/api/v2/runs")["runs"].as_array().expect("runs") {
        let id = run["id"].as_str().expect("an id");
        service.send("POST", &format!("/api/v2/runs/{id}/cancel"), &[]);
    }
}

#[test]
#[ignore = "needs Chromium"]
fn a_reader_filters_the_history_deletes_and_switches() {
    let gate = Gate::new();
    super::serve_pages::many(&gate, 60);
    let service = Service::start(&gate, &[]);
    let at = |path: &str| format!("http://{}{path}", service.address);
    let mut browser = Browser::open(1100);
    for lang in ["ko", "en"] {
        assert_sound_everywhere(&mut browser, &at(&format!("/?lang={lang}")), "trends");
        assert_sound_everywhere(&mut browser, &at(&format!("/history?lang={lang}")), "history");
    }
    // Without loading the page again, and it stays.
    let theme = "document.documentElement.dataset.theme";
    browser.go(&at("/?theme=light"));
    browser.go(&at("/"));
    browser.value("document.getElementById('theme').click()");
    assert_eq!(browser.text(theme), "dark");
    browser.go(&at("/history"));
    assert_eq!(browser.text(theme), "dark");
    let rows = "document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.value(rows), 50);
    browser.value("document.querySelector('select[name=verdict]').value = 'FAIL'");
    browser.value("document.querySelector('.fields button').click()");
    browser.wait("location.search.includes('verdict=FAIL') && document.readyState === 'complete'");
    assert_eq!(browser.value(rows), 6);
    let tick = |n: u32| format!("document.querySelectorAll('tbody input')[{n}].click()");
    browser.value(&tick(0));
    browser.value(&tick(1));
    browser.value("document.querySelector('button[value=delete]').click()");
    browser.wait("location.pathname === '/delete' && document.readyState === 'complete'");
    browser.assert_sound("delete");
    browser.picture("delete");
    browser.value("document.querySelector('main form button').click()");
    browser.wait("location.search.includes('deleted=2') && document.readyState === 'complete'");
    assert_eq!(
        browser.text("document.querySelector('.notice').textContent"),
        "2 runs were deleted."
    );
    assert_eq!(service.json("/api/v2/runs")["total"], 58);
    browser.value(&tick(0));
    browser.value(&tick(1));
    browser.value("document.querySelector('button[value=compare]').click()");
    browser.wait("location.pathname === '/compare' && document.readyState === 'complete'");
}
