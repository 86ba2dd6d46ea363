//! `/openapi.json` and `/docs` are of the routes as they are. Not here: what an address answers.

use std::collections::BTreeSet;

use crate::support::Gate;
use crate::support::service::Service;

const ROUTES: [&str; 4] = [
    include_str!("../../src/serve/api.rs"),
    include_str!("../../src/serve/v1/mod.rs"),
    include_str!("../../src/serve/v2/mod.rs"),
    include_str!("../../src/serve/pages/mod.rs"),
];
/// For browsers, and the document itself.
const OF_PEOPLE: [&str; 4] = ["/sign-in", "/sign-out", "/docs", "/openapi.json"];

/// `get /path` of every route for programs.
fn routes() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (text, is_pages) in ROUTES.iter().zip([false, false, false, true]) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let nested = text.find("let benchmark").unwrap_or(text.len());
        let end = text[nested..].find(';').map_or(text.len(), |end| nested + end);
        for (at, _) in text.match_indices(".route(") {
            let rest = text[at..].split(".route(").nth(1).expect("it is there");
            let path = rest.split('"').nth(1).expect("a path");
            let prefix = if (nested..end).contains(&at) { "/api/v1/benchmark" } else { "" };
            let path = format!("{prefix}{path}");
            let seen = is_pages && !path.starts_with("/api/");
            for method in ["get", "post", "delete"] {
                if rest.contains(&format!("{method}(")) && !seen && !OF_PEOPLE.contains(&&*path) {
                    all.insert(format!("{method} {path}"));
                }
            }
        }
    }
    all
}

#[test]
fn the_document_has_every_route_and_every_path_of_it_answers() {
    let gate = Gate::new();
    let service = Service::start(&gate, &[]);
    let document = service.json("/openapi.json");
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            documented.insert(format!("{method} {path}"));
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
            let named: Vec<_> =
                operation["parameters"].as_array().expect("a list").iter().collect();
            let placeholders = path.matches('{').count();
            let of_path = named.iter().filter(|p| p["in"] == "path").count();
            assert_eq!(of_path, placeholders, "{path}");
        }
    }
    let routes = routes();
    assert!(routes.len() > 40, "{routes:?}");
    assert_eq!(documented, routes);
    for address in &documented {
        let (method, path) = address.split_once(' ').expect("two words");
        let path = path
            .replace("{id}", "00000000-0000-4000-8000-000000000000")
            .replace("{name}", "none")
            .replace("{framework}", "vllm");
        let json = [("Content-Type", "application/json")];
        let reply = match method {
            "post" => service.post(&path, &json, "{}"),
            _ => service.send(&method.to_uppercase(), &path, &[]),
        };
        let code = serde_json::from_slice::<serde_json::Value>(&reply.body)
            .map(|body| body["code"].clone())
            .unwrap_or_default();
        assert!(code != "not_found" && reply.status != 405, "{address}: {reply:?}");
        assert!(reply.status < 500 || reply.status == 501, "{address}: {reply:?}");
    }
}

#[test]
fn the_page_of_the_api_has_it_all_below_the_base_path_and_no_script_in_it() {
    let gate = Gate::new();
    let service = Service::start(&gate, &["--base-path", "/gate"]);
    let page = service.send("GET", "/gate/docs", &[("Accept", "text/html")]);
    assert_eq!(page.status, 200);
    let text = page.text();
    let document = service.json("/gate/openapi.json");
    assert_eq!(document["servers"][0]["url"], "/gate");
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(text.contains(path.as_str()), "{path}");
    }
    assert!(text.contains(r#"href="/gate/openapi.json""#));
    assert!(!text.contains("<script>") && !text.contains("style=\""), "{text}");
}
