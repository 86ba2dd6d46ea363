//! How the service is reached: by a browser that signs in, below a path of another site, and by
//! clients that ask for too much. Not here: requests that mean harm (`serve_attack`).

use crate::support::Gate;
use crate::support::service::{Reply, Service};

const KEY: &str = "a-long-and-random-key";
const NOBODY: &str = "/api/v2/runs/00000000-0000-4000-8000-000000000000";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const PAGE: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");

/// Its cookie, as a browser sends it back.
fn cookie(reply: &Reply) -> String {
    reply.headers["set-cookie"].split(';').next().expect("there is one").to_owned()
}

#[test]
fn a_browser_signs_in_once_and_never_sends_the_key_again() {
    let gate = Gate::new().env("API_KEY", KEY);
    let service = Service::start(&gate, &["--allow-host", "gate.example"]);
    let host = ("Host", "gate.example");
    let origin = ("Origin", "https://gate.example");
    // A page leads there and back; what a program asks for is refused as before.
    let led = service.send("GET", "/history?model=a&b=%2F", &[host, PAGE]);
    assert_eq!(led.status, 303, "{led:?}");
    assert_eq!(led.headers["location"], "/sign-in?next=%2Fhistory%3Fmodel%3Da%26b%3D%252F");
    for path in ["/api/v2/runs", "/history"] {
        service.send("GET", path, &[host]).assert_refused(401, "unauthorized");
    }
    assert_eq!(service.send("GET", "/api/v2/runs", &[host, PAGE]).status, 401);
    let page = service.send("GET", &led.headers["location"], &[host]);
    assert_eq!(page.status, 200);
    assert!(page.text().contains(r#"value="/history?model=a&#38;b=%2F""#), "{}", page.text());
    let korean = service.send("GET", "/sign-in", &[host, ("Accept-Language", "ko-KR")]);
    assert!(crate::support::is_korean(&korean.text()));
    let given = |key: &str, next: &str, headers: &[(&str, &str)]| {
        service.post(
            "/sign-in",
            &[&[host, FORM], headers].concat(),
            &format!("key={key}&next={next}"),
        )
    };
    let wrong = given("a-short-key", "/", &[origin]);
    assert_eq!((wrong.status, wrong.headers.get("set-cookie")), (401, None));
    assert!(wrong.text().contains("not the key") && !wrong.text().contains("a-short-key"));
    // A form of another site signs nobody in, and a form that does not say whose it is neither.
    given(KEY, "/", &[("Origin", "https://evil.example")]).assert_refused(403, "foreign_origin");
    given(KEY, "/", &[]).assert_refused(415, "not_json");
    let right = given(KEY, "%2Fhistory%3Fmodel%3Da", &[origin]);
    assert_eq!((right.status, &*right.headers["location"]), (303, "/history?model=a"));
    let set = &right.headers["set-cookie"];
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");
    assert!(!set.contains(KEY));
    let secure = given(KEY, "//evil.example", &[origin, ("X-Forwarded-Proto", "https")]);
    assert!(secure.headers["set-cookie"].ends_with("; SameSite=Strict; Secure"), "{secure:?}");
    assert_eq!(secure.headers["location"], "/", "nobody is led elsewhere");
    // From now on the cookie reads; what changes something must come from a page of its own.
    let session = cookie(&right);
    let session = ("Cookie", &*session);
    assert_eq!(service.send("GET", "/api/v2/runs", &[host, session]).status, 200);
    let change = |headers: &[(&str, &str)]| service.send("DELETE", NOBODY, headers);
    change(&[host, session]).assert_refused(403, "foreign_origin");
    change(&[host, session, ("Origin", "http://localhost")]).assert_refused(403, "foreign_origin");
    change(&[host, session, origin]).assert_refused(404, "run_not_found");
    change(&[host, session, origin, ("X-API-Key", "x")]).assert_refused(401, "unauthorized");
    let out = service.post("/sign-out", &[host, session, origin], "");
    assert_eq!((out.status, &*out.headers["location"]), (303, "/sign-in"));
    assert!(out.headers["set-cookie"].contains("=; Path=/; Max-Age=0;"), "{out:?}");
    service.send("GET", "/api/v2/runs", &[host, session]).assert_refused(401, "unauthorized");
    assert_eq!(
        service.send("GET", "/api/v2/runs", &[host, ("Cookie", &cookie(&secure))]).status,
        200
    );
    assert!(!gate.text("stderr.txt").contains(KEY));
}

#[test]
fn below_a_base_path_is_everything_and_elsewhere_is_nothing() {
    let gate = Gate::new().env("API_KEY", KEY);
    let service = Service::start(&gate, &["--base-path", "/gate/", "--allow-host", "gate.example"]);
    assert_eq!(service.get("/gate/healthz").status, 200);
    for elsewhere in ["/healthz", "/api/v2/runs", "/gatehouse/healthz", "/gate/../healthz"] {
        let reply = service.send("GET", elsewhere, &[("X-API-Key", KEY)]);
        reply.assert_refused(404, "not_found");
    }
    let led = service.send("GET", "/gate/history", &[PAGE]);
    assert_eq!(led.headers["location"], "/gate/sign-in?next=%2Fhistory");
    let origin = format!("http://{}", service.address);
    let body = format!("key={KEY}&next=%2Fhistory");
    let signed = service.post("/gate/sign-in", &[FORM, ("Origin", &origin)], &body);
    assert_eq!(signed.headers["location"], "/gate/history");
    assert!(signed.headers["set-cookie"].contains("; Path=/gate/; "), "{signed:?}");
    let json = [("Content-Type", "application/json"), ("X-API-Key", KEY)];
    let asked = service.post("/gate/api/v2/runs", &json, r#"{"verb": "check"}"#);
    assert!(asked.headers["location"].starts_with("/gate/api/v2/runs/"), "{asked:?}");
    // What a client says of a proxy moves nothing.
    let forwarded = [("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Host", "evil.example"), PAGE];
    let led = service.send("GET", "/gate/history", &forwarded);
    assert_eq!(led.headers["location"], "/gate/sign-in?next=%2Fhistory");
    let refused = gate.run(&["serve", "--data", "other", "--base-path", "gate"]);
    refused.assert_says(2, &["--base-path", "hint:"]);
}

#[test]
fn one_client_changes_and_guesses_only_so_fast() {
    let gate = Gate::new().env("API_KEY", KEY);
    let refused = |service: &Service, key: &str, code: &str| {
        (0..400).any(|_| {
            let reply = service.send("DELETE", NOBODY, &[("X-API-Key", key)]);
            reply.json()["code"] == code
        })
    };
    let service = Service::start(&gate, &[]);
    assert!(refused(&service, KEY, "too_many_requests"));
    assert!(refused(&service, "wrong", "too_many_keys"));
    // From now on not even the right one is listened to: an answer would tell it.
    service.send("DELETE", NOBODY, &[("X-API-Key", KEY)]).assert_refused(429, "too_many_keys");
    assert_eq!(service.get("/api/v2/runs").status, 200, "reading goes on");
}
