//! What GitHub will make of it, seen through comrak, the port of GitHub's own renderer.

use std::collections::BTreeSet;

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, markdown_to_html, parse_document};
use proptest::prelude::*;

use super::escape::escape;
use crate::config::Lang;
use crate::report::{Report, samples};

fn render(report: &Report) -> String {
    super::render(report, Lang::En)
}

const NASTY: [&str; 14] = [
    "a|b",
    "ends in \\",
    "\\| `x`y` ``",
    "<b onmouseover=alert(1)>bold</b><!-- x --><img src=x>",
    "&lt;script&gt; &amp;",
    "@admin and #12, GH-12, owner/repo#3, a@b.example",
    "https://evil.example www.evil.example [x](http://y) ![z](a)",
    "~1~ *2* __3__ _4_ $5$",
    "- item\n- item\r\n\r\n# heading\n\n|---|",
    "1. one",
    "</code></summary></details>",
    "```\ncode",
    "\u{1b}[31mred\u{1b}[0m \u{202e}abc",
    "",
];

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.render.r#unsafe = true;
    options
}

/// Text of the paragraphs, as a reader sees it.
fn shown(markdown: &str) -> String {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let text = |node: &NodeValue| match node {
        NodeValue::Text(t) => t.to_string(),
        _ => String::new(),
    };
    root.descendants().map(|n| text(&n.data.borrow().value)).collect()
}

/// Names of all tags that reach the browser.
fn tags(html: &str) -> BTreeSet<String> {
    let names = html.split('<').skip(1).map(|t| {
        t.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap_or_default().to_owned()
    });
    names.collect()
}

fn check(markdown: &str) {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    for table in root.descendants() {
        let NodeValue::Table(facts) = &table.data.borrow().value else { continue };
        for row in table.children() {
            assert_eq!(
                row.children().count(),
                facts.num_columns,
                "a row with other columns than its table: {markdown}"
            );
        }
    }
    // A surplus cell would be dropped in silence, so the source is counted too.
    let mut columns = None;
    for line in markdown.lines() {
        let cells = line.starts_with('|').then(|| line.matches('|').count());
        assert!(cells.is_none() || columns.is_none() || cells == columns, "{line}");
        columns = cells;
    }
    let known =
        "blockquote br code details em h3 hr li p pre strong summary table tbody td th thead tr ul"
            .split(' ');
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    let seen = tags(&markdown_to_html(markdown, &options()));
    assert!(seen.is_subset(&known), "{:?} in {markdown}", seen.difference(&known));
}

#[test]
fn tables_keep_their_cells_and_no_html_passes_whatever_the_names() {
    for nasty in NASTY {
        check(&render(&samples::foreign(nasty)));
    }
    for (_, report) in samples::all() {
        check(&render(&report));
    }
}

#[test]
fn foreign_text_is_shown_as_it_is() {
    for nasty in [
        "a|b",
        "ends in \\",
        "\\| `x`y`",
        "<b>x</b> &amp;",
        "*1* __2__ ~3~ [4](5) $6$",
        "1. one",
        "- two",
        "+5.3 %",
        "ttft_p95",
    ] {
        assert_eq!(shown(&escape(nasty)), nasty);
    }
}

#[test]
fn commands_in_our_sentences_are_set_as_code() {
    let said =
        super::escape::sentence("6 more (`goodput-gate baseline update`) for `a|<b>`; a ` alone");
    assert_eq!(said, escape("6 more (`goodput-gate baseline update`) for `a|<b>`; a ` alone"));
    let said = super::escape::sentence("run `goodput-gate check`, not `a|<b>`");
    assert_eq!(said, "run <code>goodput-gate check</code>, not <code>a&#124;&lt;b&gt;</code>");
}

#[test]
fn nobody_is_called_and_nothing_is_linked() {
    let html = markdown_to_html(&escape(NASTY[5]), &options())
        + &markdown_to_html(&escape(NASTY[6]), &options());
    assert!(!html.contains("<a "), "{html}");
    assert!(
        !html.contains("@admin")
            && !html.contains("#12")
            && !html.contains("GH-12")
            && !html.contains("repo#3"),
        "{html}"
    );
}

#[test]
fn the_verdict_comes_first() {
    for (name, report) in samples::all() {
        let first = render(&report).lines().next().map(str::to_owned).unwrap_or_default();
        assert_eq!(
            report.verdict.is_some(),
            report.verdict.is_some_and(|v| first.starts_with(&format!("**{}**", v.word()))),
            "{name}"
        );
    }
}

#[test]
fn what_is_folded_opens_and_closes() {
    let text = render(&samples::two_workloads());
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    assert!(
        text.matches("</summary>\n\n").count() == text.matches("<details>").count(),
        "a table needs a blank line before it"
    );
}

proptest! {
    #[test]
    fn any_text_stays_in_its_cell(nasty in any::<String>()) {
        check(&format!("| a | b |\n| --- | --- |\n| {} | x |\n", escape(&nasty)));
        check(&escape(&nasty));
        check(&super::escape::sentence(&nasty));
    }

    #[test]
    fn no_markup_survives(nasty in "[-+*_~`|<>&#@!\\[\\](){}\\\\$^=:.a1 \n]{0,40}") {
        let shown = shown(&escape(&nasty)).replace('\u{200b}', "");
        prop_assert_eq!(shown, crate::report::text::plain(&nasty));
    }
}
