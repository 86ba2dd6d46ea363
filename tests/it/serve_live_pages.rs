//! The pages on which runs are asked for, followed and compared, of servers and of hypotheses: as
//! text, with and without a script, and in a browser. Not here: the frame, home, history and results
//! (`serve_pages`), the API beneath (`serve_beside`).
//!
//! Those in a browser need Chromium: run by name, with `--ignored`; `CHROMIUM` names the program.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::service::{Reply, Service};
use crate::support::{Gate, wait_for};

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

const CHAT: &str = "
workloads:
  - {name: chat, arrival: {closed: {concurrency: [1, 4]}}, requests: 40, warmup: 2, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 8}
gate: {mode: limits, starts: 1, rounds: 2}
";

fn folder(target: &str) -> Gate {
    let gate = Gate::new();
    gate.write("goodput-gate.yaml", &format!("version: 1\n{target}{CHAT}"));
    gate
}

fn shown(service: &Service, path: &str) -> Reply {
    let reply = service.send("GET", path, &[BROWSER]);
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8", "{path}: {reply:?}");
    reply
}

/// As a browser without scripts sends a form of ours.
fn sent(service: &Service, path: &str, form: &str) -> Reply {
    let host = service.address;
    let length = form.len();
    service.raw(&format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nAccept: text/html\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    ))
}

fn state(service: &Service, id: &str) -> Value {
    service.json(&format!("/api/v2/runs/{id}"))["state"].clone()
}

fn ended(service: &Service, id: &str) {
    assert!(wait_for(|| state(service, id) == "ended"), "{id} ends");
}

#[test]
fn a_run_is_asked_for_followed_and_stopped_by_forms_alone() {
    let gate = folder("target: {sim: {}}");
    let service = Service::start(&gate, &[]);
    let form = shown(&service, "/new").text();
    assert!(form.contains("chat-c4: closed loop, 4 in flight; 40 requests"), "{form}");
    assert!(form.contains("<b>stress-test</b>"), "{form}");
    // What is wrong stands at its field, and what was typed stays.
    let wrong = "verb=run&concurrency=1&rate=2&rounds=two&workload=chat-c1&ttft=fast";
    let refused = sent(&service, "/new", wrong);
    assert_eq!(refused.status, 422, "{refused:?}");
    let refused = refused.text();
    assert!(refused.contains("data-fault=\"rounds\">a whole number"), "{refused}");
    assert!(refused.contains("name=\"rounds\" value=\"two\""), "{refused}");
    let refused = sent(&service, "/new", "verb=run&concurrency=1&rate=2&ttft=fast").text();
    assert!(refused.contains("data-fault=\"rate\">not beside a concurrency"), "{refused}");
    assert!(!refused.contains("data-fault=\"slo\"></p>"), "{refused}");
    // Looked at only.
    let looked = sent(&service, "/new", "verb=run&requests=30&workload=chat-c1&do=look");
    assert_eq!(looked.status, 200);
    let command = "goodput-gate run --workload=chat-c1 --requests=30";
    assert!(looked.text().contains(command), "{}", looked.text());
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    let plan = service.json("/api/v2/plan?verb=run&requests=30&workload=chat-c1");
    assert_eq!((&plan["command"], &plan["faults"]), (&json!(command), &json!({})));
    let plan = service.json("/api/v2/plan?verb=run&requests=-3&lang=ko");
    assert_eq!(plan["faults"]["requests"], "0 이상의 정수를 입력");
    // Asked for.
    let begun = sent(&service, "/new", "verb=run&requests=4000&workload=chat-c1&do=start");
    assert_eq!(begun.status, 303, "{begun:?}");
    let place = begun.headers["location"].clone();
    let id = place.trim_start_matches("/runs/").trim_end_matches("/live").to_owned();
    let progress = || service.json(&format!("/api/v2/runs/{id}/progress"));
    assert!(wait_for(|| progress()["overall"].is_object()), "{}", progress());
    let live = shown(&service, &place).text();
    assert!(live.contains("of 2 rounds") && live.contains("chat-c1"), "{live}");
    assert!(live.contains("<noscript><meta http-equiv=\"refresh\""), "{live}");
    for _ in 0..2 {
        let stopped = sent(&service, &format!("/runs/{id}/cancel"), "");
        assert_eq!((stopped.status, &stopped.headers["location"]), (303, &place));
    }
    ended(&service, &id);
    let over = service.send("GET", &place, &[BROWSER]);
    assert_eq!((over.status, &*over.headers["location"]), (303, &*format!("/runs/{id}")));
    // Not from another page.
    let foreign = service.raw(&format!(
        "POST /new HTTP/1.1\r\nHost: {0}\r\nOrigin: http://evil.example\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nverb=run",
        service.address
    ));
    foreign.assert_refused(403, "foreign_origin");
}

#[test]
fn hostile_names_are_shown_and_no_more() {
    let hostile = "'\"><script>alert(1)</script>";
    let gate = folder(&format!(
        "targets:
  a: {{target: {{base_url: 'http://127.0.0.1:9/v1', model: {}}}}}
  b: {{target: {{base_url: 'http://127.0.0.1:10/v1'}}}}
hypotheses:
  - {{says: {0}, workload: chat-c1, metric: tpot_geomean, claim: b < 50ms}}
",
        json!(hostile)
    ));
    let service = Service::start(&gate, &[]);
    let typed = "rounds=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&server=target%3A%3Cscript%3E";
    for page in [
        shown(&service, "/servers").text(),
        shown(&service, "/hypotheses").text(),
        shown(&service, &format!("/new?{typed}")).text(),
        sent(&service, "/new", typed).text(),
        shown(&service, "/compare?runs=%3Cscript%3Ealert(1)%3C%2Fscript%3E,x").text(),
    ] {
        assert!(!page.contains("<script>"), "{page}");
    }
    assert!(shown(&service, "/hypotheses").text().contains("unmeasured"));
    let refused = sent(&service, "/servers/b/start", "");
    assert_eq!(refused.status, 409, "{refused:?}");
    assert_eq!(sent(&service, "/servers/..%2f..%2fx/start", "").status, 404);
}

#[test]
fn two_runs_are_compared_on_a_page() {
    let gate = folder("target: {sim: {noise: 'off'}}");
    for set in ["target.sim.decode_factor=1", "target.sim.decode_factor=2"] {
        let ran = gate.run(&["run", "--data", "data", "--workload", "chat-c4", "--set", set]);
        assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    }
    let service = Service::start(&gate, &[]);
    let all = service.json("/api/v2/runs")["runs"].clone();
    let ids: Vec<&str> =
        all.as_array().expect("a list").iter().filter_map(|run| run["id"].as_str()).collect();
    let choice = shown(&service, "/compare").text();
    assert!(ids.iter().all(|id| choice.contains(&format!("value=\"{id}\""))), "{choice}");
    let page = shown(&service, &format!("/compare?run={}&run={}", ids[1], ids[0])).text();
    assert!(page.contains("<h2>chat-c4</h2>"), "{page}");
    let korean = shown(&service, &format!("/compare?runs={},{}&lang=ko", ids[1], ids[0])).text();
    // On a busy machine a run may be INVALID, and then it has no values.
    if !page.contains("INVALID") {
        assert!(page.contains("TPOT") && korean.contains("낮을수록 좋음"), "{page} {korean}");
    }
    assert_eq!(shown(&service, &format!("/compare?runs={}", ids[0])).status, 400);
}

/// The id of a run that the form was filled in for, once its result is shown.
fn followed(browser: &mut Browser, new: &str, requests: &str) -> String {
    browser.go(new);
    browser.assert_sound("live pages");
    let fill = format!(
        "document.querySelector('[name=requests]').value = '{requests}'; document.querySelector('[value=chat-c4]').click();"
    );
    browser.value(&fill);
    browser.wait("document.getElementById('command').textContent.includes('--requests')");
    let command = browser.text("document.getElementById('command').textContent");
    assert_eq!(command, format!("goodput-gate run --workload=chat-c4 --requests={requests}"));
    browser.picture(&format!("new-{requests}"));
    browser.value("document.querySelector('button.first').click()");
    browser.wait("location.pathname.endsWith('/live')");
    browser.wait(
        "document.querySelector('[data-chart=ttft_ms] path')?.getAttribute('d').includes('L')",
    );
    browser.wait("Number(document.getElementById('whole').value) > 20");
    browser.picture(&format!("live-{requests}"));
    browser.assert_sound("live pages");
    browser.resize(400);
    browser.assert_sound("live pages");
    browser.picture(&format!("live-400-{requests}"));
    browser.resize(1280);
    // It leads to the result when the run has ended.
    browser.wait("!location.pathname.endsWith('/live') && location.pathname.startsWith('/runs/')");
    let place = browser.text("location.pathname");
    browser.said.clear();
    place.trim_start_matches("/runs/").to_owned()
}

#[test]
#[ignore = "needs Chromium"]
fn a_visitor_asks_for_runs_follows_them_and_compares() {
    let gate = folder("target: {sim: {}}");
    let service = Service::start(&gate, &[]);
    let at = |path: &str| format!("http://{}{path}", service.address);
    let mut browser = Browser::open(1280);
    let ids = ["200", "260"].map(|requests| followed(&mut browser, &at("/new"), requests));
    browser.go(&at(&format!("/compare?runs={},{}", ids[0], ids[1])));
    browser.assert_sound("live pages");
    assert_eq!(browser.text("document.querySelector('h2').textContent"), "chat-c4");
    browser.picture("compare");
    for (path, name) in [
        ("/new?lang=ko&theme=dark&find=yes", "new-ko"),
        (&*format!("/compare?runs={},{}", ids[0], ids[1]), "compare-ko"),
        ("/servers", "servers-ko"),
        ("/hypotheses", "hypotheses-ko"),
        ("/compare", "choice-ko"),
    ] {
        browser.go(&at(path));
        browser.assert_sound("live pages");
        browser.picture(name);
        browser.resize(400);
        browser.assert_sound("live pages");
        browser.picture(&format!("{name}-400"));
        browser.resize(1280);
    }
}

#[test]
#[ignore = "needs Chromium"]
fn without_a_script_a_visitor_does_the_same() {
    let gate = folder("target: {sim: {}}");
    let service = Service::start(&gate, &[]);
    let at = |path: &str| format!("http://{}{path}", service.address);
    let mut browser = Browser::open(400);
    browser.scripts(false);
    browser.go(&at("/new"));
    browser.value("document.querySelector('[name=requests]').value = '200'");
    browser.value("document.querySelector('[value=chat-c4]').click()");
    browser.value("document.querySelector('button.first').click()");
    browser.wait("location.pathname.endsWith('/live')");
    browser.picture("live-plain");
    // The page is asked for again and again, and then leads on.
    browser.wait("location.pathname.startsWith('/runs/') && document.querySelector('h1 .word')");
    browser.picture("result-plain");
    let place = browser.text("location.pathname");
    browser.go(&at(&format!("/api/v2{place}/report?format=html")));
    browser.wait("document.body.textContent.includes('chat-c4')");
    browser.picture("report-plain");
    browser.go(&at("/history"));
    browser.value("document.querySelector('[name=run]').click()");
    browser.value("document.querySelector('[value=delete]').click()");
    browser.wait("location.pathname === '/delete'");
    browser.value("document.querySelector('button.danger').click()");
    browser.wait("location.pathname === '/history'");
    assert_eq!(service.json("/api/v2/runs")["total"], 0);
    assert_eq!(browser.said, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium"]
fn a_server_is_started_and_stopped_on_its_page() {
    let start = format!("exec {} sim --listen 127.0.0.1:$PORT", env!("CARGO_BIN_EXE_goodput-gate"));
    let gate = folder(&format!(
        "server: {{start: '{start}', ready: {{path: /health, timeout: 60s}}}}\ntargets:\n  elsewhere: {{target: {{base_url: 'http://127.0.0.1:9/v1', model: m}}}}\nhypotheses:\n  - {{says: It answers at once, workload: chat-c1, metric: ttft_geomean, claim: elsewhere < 500ms}}\n"
    ));
    let service = Service::start(&gate, &[]);
    let at = |path: &str| format!("http://{}{path}", service.address);
    let mut browser = Browser::open(1280);
    let tag =
        |browser: &mut Browser| browser.text("document.querySelector('.server .tag').textContent");
    browser.go(&at("/servers"));
    assert_eq!(tag(&mut browser), "down");
    browser.value("document.querySelector('button.first').click()");
    // The page shows the new state by itself.
    browser.wait("document.querySelector('.server .tag')?.textContent === 'ready'");
    browser.value("document.querySelector('details')?.setAttribute('open', '')");
    browser.picture("servers");
    browser.assert_sound("live pages");
    browser.resize(400);
    browser.assert_sound("live pages");
    browser.resize(1280);
    browser.value("document.querySelector('button.danger').click()");
    browser.wait("document.querySelector('.server .tag')?.textContent === 'down'");
    browser.go(&at("/hypotheses"));
    browser.picture("hypotheses");
    browser.assert_sound("live pages");
    // And without a script.
    browser.scripts(false);
    browser.go(&at("/servers"));
    browser.picture("servers-plain");
}
