//! The service's pages as text: what they tell, in which language, without a script, and that no
//! foreign name is more than a name. Not here: what they look like (`page`).

use crate::support::Gate;
use crate::support::service::{Reply, Service};

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
