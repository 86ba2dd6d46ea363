//! When a request is sent again and when not, and what an error says. The wire itself is tested
//! from outside, against a server.

use super::*;

fn raw(status: u16) -> Raw {
    Raw {
        status,
        retry_after_s: None,
        remaining: Some(4990),
        reset_s: None,
        more: false,
        body: Value::Null,
        message: "no".into(),
    }
}

#[test]
fn a_post_is_sent_again_only_where_it_was_refused_before_it_was_read() {
    assert_eq!(raw(502).next(Method::Post, 1), Next::Stop);
    assert!(matches!(raw(502).next(Method::Patch, 1), Next::Wait(_)));
    assert!(matches!(raw(502).next(Method::Get, TRIES), Next::Stop));
    let limited = Raw { retry_after_s: Some(2), ..raw(429) };
    assert_eq!(limited.next(Method::Post, 1), Next::Wait(Duration::from_secs(2)));
    assert_eq!(limited.next(Method::Post, TRIES), Next::Limited(Some(2)));
}

#[test]
fn a_403_is_a_limit_only_where_it_says_so() {
    assert_eq!(raw(403).next(Method::Get, 1), Next::Stop);
    let used_up = Raw { remaining: Some(0), reset_s: Some(1), ..raw(403) };
    assert_eq!(
        used_up.next(Method::Get, 1),
        Next::Wait(Duration::from_secs(1)),
        "the reset is long past"
    );
    let secondary = Raw { message: "You have exceeded a secondary rate limit".into(), ..raw(403) };
    assert_eq!(secondary.next(Method::Get, 1), Next::Wait(Duration::from_secs(60)));
}

#[test]
fn an_error_names_the_permission_that_is_missing() {
    let refused = |status| ApiError::Refused {
        status,
        message: "Resource not accessible by integration".into(),
    };
    assert!(refused(403).explain("checks: write").en.contains("`permissions: checks: write`"));
    assert!(refused(404).explain("checks: write").en.contains("does not exist"));
    assert!(refused(401).explain("checks: write").en.contains("GITHUB_TOKEN"));
    let limited = ApiError::Limited { status: 403, wait_s: Some(3600) };
    assert!(
        limited.explain("checks: write").en.contains("3600 s")
            && !limited.explain("checks: write").en.contains("permissions")
    );
}

#[test]
fn a_servers_words_are_one_line_with_its_details_and_without_the_token() {
    let body = json!({"message": "Validation Failed", "errors": [{"message": "body is too long"}, {"code": "custom"}]});
    assert_eq!(message(&body, ""), "Validation Failed (body is too long; custom)");
    assert_eq!(
        message(&Value::Null, "<html>\n\u{1b}[31m bad\r\n</html>"),
        "<html> [31m bad </html>"
    );
    assert_eq!(message(&Value::Null, ""), "no reason given");
    assert_eq!(hidden("Authorization: Bearer ghs_x", "ghs_x"), "Authorization: Bearer ***");
}
