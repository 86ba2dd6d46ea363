//! The service's pages as text: what they tell, in which language, without a script, and that no
//! foreign name is more than a name. Not here: what they look like (`page`).

use serde_json::{Value, json};

use crate::support::service::{Reply, Service};
use crate::support::{Gate, is_korean, wait_for};

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

fn shown(service: &Service, path: &str) -> Reply {
    let reply = service.send("GET", path, &[BROWSER]);
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8", "{path}: {reply:?}");
    reply
}

#[test]
fn a_browser_gets_pages_and_a_program_what_it_got_before() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    assert_eq!(service.json("/")["service"], "goodput-gate");
    let home = shown(&service, "/");
    assert_eq!(home.status, 200);
    assert!(home.text().contains("<html lang=\"en\">"), "{}", home.text());
    // What it loads is there, is kept, and is of this service.
    let text = home.text();
    let loaded: Vec<&str> = text.split(['"']).filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(loaded.len(), 3, "{text}");
    for path in loaded {
        let file = service.get(path);
        assert_eq!(file.status, 200, "{path}");
        assert!(file.headers["cache-control"].contains("immutable"));
        assert!(!file.text().contains("http://") || path.ends_with("icon.svg"), "{path}");
    }
    service.get("/assets/000000000000-style.css").assert_refused(404, "not_found");
    // A refusal is a page, too, with its own status.
    let refused = shown(&service, "/nothing");
    assert_eq!(refused.status, 404);
    assert!(refused.text().contains("there is nothing at /nothing"), "{}", refused.text());
    let refused = shown(&service, "/%3Cscript%3Ealert(1)");
    assert!(!refused.text().contains("<script>alert"), "{}", refused.text());
}

#[test]
fn language_and_theme_are_chosen_by_address_and_kept() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let korean = shown(&service, "/?lang=ko&theme=dark");
    assert!(korean.text().contains("<html lang=\"ko\" data-theme=\"dark\">"), "{}", korean.text());
    assert!(korean.headers["set-cookie"].ends_with("SameSite=Lax"));
    let cookie = ("Cookie", "goodput-gate-lang=ko; goodput-gate-theme=light");
    let kept = service.send("GET", "/", &[BROWSER, cookie]);
    assert!(kept.text().contains("<html lang=\"ko\" data-theme=\"light\">"), "{}", kept.text());
    assert!(!kept.headers.contains_key("set-cookie"));
}

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lang=ko%0d%0a";

/// A run as a folder of the data directory has it; its id.
fn kept(gate: &Gate, number: u32, run: &Value, report: Option<&Value>) -> String {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let folder = format!("data/runs/2026-11-{:02}T120000Z-{id}", number % 28 + 1);
    std::fs::create_dir_all(gate.path(&folder)).expect("a folder");
    let mut file = json!({
        "schema": "goodput-gate/run", "version": 1, "tool_version": "0.1.0", "id": id,
        "verb": "check", "started": format!("2026-11-{:02}T12:00:00Z", number % 28 + 1),
        "branch": "main",
        "ended": {"at": "2026-11-30T12:01:00Z", "exit_code": 0, "error": null, "files": {}},
    });
    merge(&mut file, run);
    gate.write(&format!("{folder}/run.json"), &file.to_string());
    if let Some(report) = report {
        gate.write(&format!("{folder}/report.json"), &report.to_string());
    }
    id
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().expect("an object") {
        into[key] = value.clone();
    }
}

/// What a run says of itself.
fn report(workload: &str, verdict: &str, ttft: f64) -> Value {
    json!({
        "schema": "goodput-gate/report", "version": 1, "verdict": verdict,
        "headline": format!("{}: TTFT was {ttft} ms", verdict.to_uppercase()),
        "git": {"commit": "0123456789abcdef", "tree": "", "dirty": false, "commit_date": ""},
        "workloads": [{
            "name": workload, "verdict": verdict,
            "fingerprint": {"model": "m1", "server": "vllm", "plan": "p"},
            "metrics": [
                {"metric": "ttft_geomean", "unit": "ms", "class": "primary", "candidate": ttft,
                 "baseline": 80.0, "change_ratio": ttft / 80.0 - 1.0},
            ],
        }],
    })
}

/// Runs of two workloads, of which one in ten failed.
pub fn many(gate: &Gate, runs: u32) {
    for number in 0..runs {
        let workload = if number % 3 == 0 { "batch" } else { "chat" };
        let verdict = if number % 10 == 0 { "failed" } else { "passed" };
        let ttft = 80.0 + f64::from(number % 28) / 3.0;
        kept(gate, number, &json!({}), Some(&report(workload, verdict, ttft)));
    }
}

fn post(service: &Service, path: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let host = service.address;
    let head: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = head.concat();
    let length = form.len();
    service.raw(&format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept: text/html\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    ))
}

fn own(service: &Service) -> String {
    format!("http://{}", service.address)
}

#[test]
fn a_foreign_name_is_a_name_on_every_page() {
    let gate = Gate::new();
    let mut told = report(HOSTILE, "failed", 90.0);
    merge(
        &mut told,
        &json!({"headline": HOSTILE,
            "git": {"commit": HOSTILE, "tree": "", "dirty": false, "commit_date": ""}}),
    );
    told["workloads"][0]["fingerprint"] = json!({"model": HOSTILE, "server": HOSTILE});
    told["workloads"][0]["metrics"][0]["metric"] = json!(HOSTILE);
    told["workloads"][0]["metrics"][0]["unit"] = json!(HOSTILE);
    let ended = json!({"at": HOSTILE, "exit_code": 1, "error": HOSTILE, "files": {HOSTILE: 3}});
    let run = json!({"verb": HOSTILE, "branch": HOSTILE, "ended": ended});
    let id = kept(&gate, 1, &run, Some(&told));
    let service = Service::start(&gate, &[]);
    let query = "%3Cscript%3Ealert(1)%3C/script%3E%22";
    for path in [
        "/".to_owned(),
        "/history".to_owned(),
        format!("/history?workload={query}&commit={query}&model={query}"),
        format!("/runs/{id}"),
        format!("/runs/{query}"),
        format!("/delete?run={id}"),
        format!("/chosen?run={query}&do=compare"),
        format!("/history?verdict={query}"),
        format!("/?lang={query}&theme={query}&x={query}"),
    ] {
        for lang in ["en", "ko"] {
            let cookie = format!("goodput-gate-lang={lang}");
            let page = service.send("GET", &path, &[BROWSER, ("Cookie", &cookie)]);
            let text = page.text();
            assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
            let scripts: Vec<&str> = text.split("<script").skip(1).collect();
            assert_eq!(scripts.len(), 1, "{path}: {text}");
            assert!(!text.contains("<img") && !text.contains("\"'>"), "{path}: {text}");
            assert!(!text.contains(" style=") && !text.contains(" onclick"), "{path}");
        }
    }
}

#[test]
fn the_history_is_filtered_and_paged_and_a_filter_outlives_the_page() {
    let gate = Gate::new();
    many(&gate, 60);
    let service = Service::start(&gate, &[]);
    let rows = |query: &str| {
        let page = shown(&service, &format!("/history?{query}")).text();
        (page.matches("type=\"checkbox\"").count(), page)
    };
    assert_eq!(rows("").0, 50);
    let (count, page) = rows("page=2&branch=main");
    assert_eq!(count, 10);
    assert!(page.contains("51 to 60 of 60 runs"), "{page}");
    assert!(page.contains("/history?branch=main&#38;page=1"), "{page}");
    for (query, wanted) in [
        ("workload=batch", 20),
        ("verdict=FAIL", 6),
        ("verdict=FAIL&workload=batch", 2),
        ("branch=none", 0),
        ("model=m1&server=vllm&commit=0123", 50),
        ("commit=ffff", 0),
        ("page=99", 0),
        ("page=4294967295", 0),
    ] {
        assert_eq!(rows(query).0, wanted, "{query}");
    }
    assert!(rows("workload=batch").1.contains("<option selected>batch</option>"));
    assert_eq!(shown(&service, "/history?verdict=good").status, 400);
    assert_eq!(shown(&service, "/history?page=-1").status, 400);
    // The same choices of the API.
    assert_eq!(service.json("/api/v2/runs?model=m1&commit=0123")["total"], 60);
    assert_eq!(service.json("/api/v2/runs?server=other")["total"], 0);
}

#[test]
fn a_workload_over_runs_is_drawn_and_its_move_is_told() {
    let gate = Gate::new();
    for number in 0..20 {
        let ttft = if number < 10 { 80.0 } else { 120.0 } + f64::from(number % 3);
        kept(&gate, number, &json!({}), Some(&report("chat", "passed", ttft)));
    }
    let service = Service::start(&gate, &[]);
    let home = shown(&service, "/").text();
    assert!(home.contains("role=\"img\"") && home.contains("class=\"moved\""), "{home}");
    assert!(home.contains("20 runs") && home.contains("level moved"), "{home}");
    assert_eq!(home.matches("<circle").count(), 20, "{home}");
    assert!(is_korean(&shown(&service, "/?lang=ko").text()));
}

#[test]
fn ticked_runs_are_led_on_and_deleted_only_after_a_question() {
    let gate = Gate::new();
    let ids: Vec<String> =
        (0..3).map(|n| kept(&gate, n, &json!({}), Some(&report("chat", "passed", 80.0)))).collect();
    let service = Service::start(&gate, &[]);
    let ticked = format!("run={}&run={}", ids[0], ids[1]);
    let led = |query: &str| {
        let reply = service.send("GET", &format!("/chosen?{query}"), &[BROWSER]);
        (reply.status, reply.headers.get("location").cloned().unwrap_or_default())
    };
    let compared = format!("/compare?runs={},{}", ids[0], ids[1]);
    assert_eq!(led(&format!("{ticked}&do=compare")), (303, compared));
    assert_eq!(led(&format!("{ticked}&do=delete")), (303, format!("/delete?{ticked}")));
    assert_eq!(led(&format!("run={}&do=compare", ids[0])).0, 400);
    let question = shown(&service, &format!("/delete?{ticked}")).text();
    assert!(question.contains("There is no way back"), "{question}");
    assert_eq!(question.matches("type=\"hidden\"").count(), 2, "{question}");
    assert_eq!(service.json("/api/v2/runs")["total"], 3, "a question deletes nothing");
    // A form of nobody's, of another site's, and of ours.
    let own = own(&service);
    assert_eq!(post(&service, "/delete", &[], &ticked).status, 415);
    assert_eq!(
        post(&service, "/delete", &[("Origin", "http://evil.example")], &ticked).status,
        403
    );
    let crossed = [("Sec-Fetch-Site", "cross-site")];
    assert_eq!(post(&service, "/delete", &crossed, &ticked).status, 403);
    let api = format!("/api/v2/runs/{}/cancel", ids[0]);
    assert_eq!(post(&service, &api, &[("Origin", &own)], &ticked).status, 415);
    assert_eq!(service.json("/api/v2/runs")["total"], 3);
    let deleted = post(&service, "/delete", &[("Origin", &own)], &ticked);
    assert_eq!((deleted.status, &*deleted.headers["location"]), (303, "/history?deleted=2"));
    assert_eq!(service.json("/api/v2/runs")["total"], 1);
    assert!(shown(&service, "/history?deleted=2").text().contains("2 runs were deleted"));
    // The second time there is nothing left to delete.
    assert_eq!(post(&service, "/delete", &[("Origin", &own)], &ticked).status, 303);
    assert_eq!(post(&service, "/delete", &[("Origin", &own)], "run=..%2f").status, 400);
}

#[test]
fn a_run_that_was_cut_off_failed_or_is_damaged_says_so_in_words() {
    let gate = Gate::new();
    let cut = kept(&gate, 1, &json!({"ended": null}), None);
    let error = json!({"ended": {"at": "2026-11-30T12:01:00Z", "exit_code": 3,
        "error": "cannot connect to 127.0.0.1:9", "files": {}}});
    let failed = kept(&gate, 2, &error, None);
    let damage = json!({"ended": {"at": "2026-11-30T12:01:00Z", "exit_code": 0, "error": null,
        "files": {"record.json": 5}}});
    let damaged = kept(&gate, 3, &damage, Some(&report("chat", "passed", 80.0)));
    let service = Service::start(&gate, &[]);
    for (id, words) in [
        (&cut, ["cut off", "Every round that had ended until then is here"]),
        (&failed, ["cannot connect to 127.0.0.1:9", "failed (exit 3)"]),
        (&damaged, ["record.json", "What is left is here"]),
    ] {
        let page = shown(&service, &format!("/runs/{id}"));
        assert!(words.iter().all(|word| page.text().contains(word)), "{words:?} {}", page.text());
        assert!(is_korean(&shown(&service, &format!("/runs/{id}?lang=ko")).text()));
    }
    let page = shown(&service, &format!("/runs/{damaged}")).text();
    assert!(page.contains("<iframe") && page.contains("format=xlsx"), "{page}");
    let nobody = shown(&service, "/runs/00000000-0000-4000-8000-999999999999");
    assert_eq!(nobody.status, 404);
}

#[test]
fn an_empty_store_offers_the_demo_and_a_form_starts_it() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let home = shown(&service, "/").text();
    assert!(home.contains("action=\"/demo\"") && home.contains("goodput-gate init"), "{home}");
    assert_eq!(service.send("GET", "/demo", &[BROWSER]).status, 405);
    assert_eq!(post(&service, "/demo", &[], "").status, 303, "a program may, without a body");
    let own = own(&service);
    let reply = post(&service, "/demo", &[("Origin", &own)], "");
    assert_eq!(reply.status, 303, "{reply:?}");
    let place = reply.headers["location"].strip_suffix("/live").expect("it is led to").to_owned();
    assert!(shown(&service, &place).text().contains("queued"));
    assert!(shown(&service, "/").text().contains("id=\"running\""));
    for run in service.json("/api/v2/runs")["runs"].as_array().expect("runs") {
        let id = run["id"].as_str().expect("an id");
        let stop = || service.send("POST", &format!("/api/v2/runs/{id}/cancel"), &[]).status == 409;
        assert!(wait_for(stop), "{id} ends");
    }
}
