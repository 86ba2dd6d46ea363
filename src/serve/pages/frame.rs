//! What every page has around it: navigation, language, light or dark. A page's template extends
//! `pages/frame.html` and has a field `frame`. Not here: what a page shows.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use axum::http::{Response, Uri, request};

use super::assets;
use crate::lang::{Lang, Text};
use crate::serve::answer::{self, Answer};
use crate::serve::guard;
use crate::serve::settings::BasePath;
use crate::serve::state::State;

const LANGUAGE: &str = "goodput-gate-lang";
/// `app.js` sets it, too.
const THEME: &str = "goodput-gate-theme";
const YEAR_S: u32 = 365 * 24 * 3600;

/// Of one request for a page.
#[derive(Clone, Debug)]
pub struct Frame {
    pub lang: Lang,
    /// It has given the key, and can take it back.
    pub is_signed_in: bool,
    theme: Theme,
    base: BasePath,
    path: String,
    /// Of the address, without language and theme.
    query: String,
    /// What the address has chosen, to be remembered.
    cookies: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Theme {
    /// The system's.
    #[default]
    Auto,
    Light,
    Dark,
}

/// An entry of the navigation.
pub struct Place {
    pub path: &'static str,
    pub name: &'static str,
    pub is_here: bool,
}

impl FromRequestParts<Arc<State>> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut request::Parts,
        state: &Arc<State>,
    ) -> Result<Self, Infallible> {
        Ok(Self::of_request(state, parts))
    }
}

impl Frame {
    /// Of a request that a browser shows the answer of; None of a program's, and of the API's, which
    /// is for programs whoever asks.
    pub fn for_browser(state: &State, head: &request::Parts) -> Option<Self> {
        let is_page = wants_page(&head.headers) && !head.uri.path().starts_with("/api/");
        is_page.then(|| Self::of_request(state, head))
    }

    fn of_request(state: &State, head: &request::Parts) -> Self {
        let frame = Self::new(&state.settings.base, &head.uri, &head.headers);
        Self { is_signed_in: guard::is_signed_in(state, &head.headers), ..frame }
    }

    fn new(base: &BasePath, uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let asked = |name: &str| pairs().find(|(key, _)| *key == name).map(|(_, value)| value);
        let chosen = [
            (LANGUAGE, asked("lang").filter(|value| language(value).is_some())),
            (THEME, asked("theme").filter(|value| theme(value).is_some())),
        ];
        let root = base.link("/");
        let cookies = chosen.iter().filter_map(|(name, value)| {
            let value = (*value)?;
            Some(format!("{name}={value}; Path={root}; Max-Age={YEAR_S}; SameSite=Lax"))
        });
        let kept = |at: usize| chosen[at].1.or_else(|| cookie(headers, chosen[at].0));
        let rest = query.split('&').filter(|pair| {
            !pair.is_empty() && !["lang", "theme"].contains(&pair.split('=').next().unwrap_or(""))
        });
        Self {
            lang: kept(0).and_then(language).unwrap_or_else(|| accepted(headers)),
            theme: kept(1).and_then(theme).unwrap_or_default(),
            is_signed_in: false,
            base: base.clone(),
            // Two slashes in front would lead to another site.
            path: format!("/{}", uri.path().trim_start_matches('/')),
            query: rest.collect::<Vec<_>>().join("&"),
            cookies: cookies.collect(),
        }
    }

    /// The one of the two that is in the reader's language.
    pub const fn text<'t>(&self, english: &'t str, korean: &'t str) -> &'t str {
        match self.lang {
            Lang::En => english,
            Lang::Ko => korean,
        }
    }

    /// A sentence in the reader's language.
    pub fn sentence<'t>(&self, text: &'t Text) -> &'t str {
        text.in_language(self.lang)
    }

    /// Of the `html` element.
    pub const fn language_code(&self) -> &'static str {
        self.text("en", "ko")
    }

    /// An address of this service, from its path on.
    pub fn link(&self, path: &str) -> String {
        self.base.link(path)
    }

    /// With a query, whose values may be anybody's words.
    pub fn link_with(&self, path: &str, query: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.link(&format!("{path}?{query}"))
    }

    /// The address of a file of ours: `style.css`.
    pub fn asset(&self, name: &str) -> String {
        self.link(&assets::path(name))
    }

    /// `light` or `dark`; None where it is the system's to say.
    pub const fn chosen_theme(&self) -> Option<&'static str> {
        match self.theme {
            Theme::Auto => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }

    /// This page in the other language.
    pub fn other_language(&self) -> String {
        self.this_page_with(self.text("lang=ko", "lang=en"))
    }

    /// This page in the next of the three themes.
    pub fn other_theme(&self) -> String {
        self.this_page_with(match self.theme {
            Theme::Auto => "theme=dark",
            Theme::Dark => "theme=light",
            Theme::Light => "theme=auto",
        })
    }

    fn this_page_with(&self, choice: &str) -> String {
        let rest = if self.query.is_empty() { String::new() } else { format!("{}&", self.query) };
        self.link(&format!("{}?{rest}{choice}", self.path))
    }

    pub fn places(&self) -> [Place; 6] {
        [
            ("/", self.text("Home", "홈")),
            ("/new", self.text("New run", "새 실행")),
            ("/history", self.text("History", "이력")),
            ("/compare", self.text("Compare", "비교")),
            ("/servers", self.text("Servers", "서버")),
            ("/hypotheses", self.text("Hypotheses", "가설")),
        ]
        .map(|(path, name)| Place { path, name, is_here: self.path == path })
    }

    /// The page as an answer. Errors: none that a request could cause.
    pub fn page(&self, page: &impl Template) -> Answer {
        let text = page.render().map_err(anyhow::Error::from)?;
        let mut answer = answer::bytes("text/html; charset=utf-8", text.into_bytes());
        self.remember(&mut answer);
        Ok(answer)
    }

    /// The answer to a form: on to another page.
    pub fn lead_to(&self, path: &str) -> Response<Body> {
        answer::see_other(&self.link(path))
    }

    fn remember(&self, answer: &mut Response<Body>) {
        for cookie in &self.cookies {
            if let Ok(cookie) = HeaderValue::from_str(cookie) {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
        }
    }
}

/// Whether a browser asks for something to show. Programs ask for JSON, or for whatever there is.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn language(code: &str) -> Option<Lang> {
    match code {
        "en" => Some(Lang::En),
        "ko" => Some(Lang::Ko),
        _ => None,
    }
}

fn theme(name: &str) -> Option<Theme> {
    match name {
        "auto" => Some(Theme::Auto),
        "light" => Some(Theme::Light),
        "dark" => Some(Theme::Dark),
        _ => None,
    }
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|c| c.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The first of ours that the browser names.
fn accepted(headers: &HeaderMap) -> Lang {
    let named = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut codes = named.unwrap_or_default().split(',').map(|code| code.trim().get(..2));
    codes.find_map(|code| language(&code?.to_ascii_lowercase())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(uri: &str, headers: &[(&str, &str)]) -> Frame {
        let mut request = axum::http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Frame::new(&BasePath::default(), &head.uri, &head.headers)
    }

    #[test]
    fn the_address_chooses_then_the_cookie_then_the_browser() {
        let korean = ("accept-language", "ko-KR,ko;q=0.9,en;q=0.8");
        let cookie = ("cookie", "a=b; goodput-gate-lang=en; goodput-gate-theme=dark");
        for (uri, headers, lang, theme) in [
            ("/", &[][..], Lang::En, None),
            ("/", &[("accept-language", "fr,de;q=0.8,ko;q=0.2")], Lang::Ko, None),
            ("/", &[korean], Lang::Ko, None),
            ("/", &[korean, cookie], Lang::En, Some("dark")),
            ("/?lang=ko&theme=light", &[cookie], Lang::Ko, Some("light")),
            ("/?lang=xx&theme=%3Cb%3E", &[cookie], Lang::En, Some("dark")),
            ("/", &[("cookie", "goodput-gate-lang=\"><b>")], Lang::En, None),
        ] {
            let frame = frame(uri, headers);
            assert_eq!((frame.lang, frame.chosen_theme()), (lang, theme), "{uri} {headers:?}");
        }
    }

    #[test]
    fn a_switch_keeps_the_rest_of_the_address_and_is_remembered() {
        let frame = frame("/history?workload=a%26b&lang=ko&page=2", &[]);
        assert_eq!(frame.other_language(), "/history?workload=a%26b&page=2&lang=en");
        assert_eq!(frame.other_theme(), "/history?workload=a%26b&page=2&theme=dark");
        assert_eq!(
            self::frame("//evil.example/x", &[]).other_language(),
            "/evil.example/x?lang=ko"
        );
        assert_eq!(frame.cookies.len(), 1);
        assert!(frame.cookies[0].starts_with("goodput-gate-lang=ko; Path=/; "));
    }
}
