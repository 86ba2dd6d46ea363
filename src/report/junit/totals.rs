//! What `junit_report` does not write: totals, skipped counts, properties, and no timestamp where
//! none is known.

use junit_report::TestSuite;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::super::{Report, text};
use crate::config::Lang;

/// Copies the document and completes its suite elements.
pub fn add(
    document: &str,
    suites: &[TestSuite],
    report: &Report,
    dated: bool,
) -> Result<String, String> {
    let failed =
        |e: &dyn std::fmt::Display| format!("the JUnit report could not be completed: {e}");
    let mut reader = Reader::from_str(document);
    let mut writer = Writer::new(Vec::new());
    let mut next = suites.iter();
    loop {
        let event = reader.read_event().map_err(|e| failed(&e))?;
        let written = match event {
            Event::Eof => break,
            Event::Start(e) if e.name().as_ref() == b"testsuites" => {
                writer.write_event(Event::Start(root(suites)))
            }
            Event::Empty(e) if e.name().as_ref() == b"testsuites" => {
                writer.write_event(Event::Empty(root(suites)))
            }
            Event::Start(e) if e.name().as_ref() == b"testsuite" => {
                let skipped = next.next().map_or(0, TestSuite::skipped);
                let opened = writer.write_event(Event::Start(suite(&e, skipped, dated)));
                opened.and_then(|()| properties(&mut writer, report))
            }
            other => writer.write_event(other),
        };
        written.map_err(|e| failed(&e))?;
    }
    let mut text = String::from_utf8(writer.into_inner()).map_err(|e| failed(&e))?;
    text.push('\n');
    Ok(text)
}

fn root(suites: &[TestSuite]) -> BytesStart<'static> {
    let sum = |of: fn(&TestSuite) -> usize| suites.iter().map(of).sum::<usize>().to_string();
    let seconds: f64 = suites.iter().map(|s| s.time().as_seconds_f64()).sum();
    let mut element = BytesStart::new("testsuites");
    element.push_attribute(("name", "goodput-gate"));
    element.push_attribute(("tests", sum(TestSuite::tests).as_str()));
    element.push_attribute(("failures", sum(TestSuite::failures).as_str()));
    element.push_attribute(("errors", sum(TestSuite::errors).as_str()));
    element.push_attribute(("time", format!("{seconds:.3}").as_str()));
    element
}

fn suite(written: &BytesStart<'_>, skipped: usize, dated: bool) -> BytesStart<'static> {
    let mut element = BytesStart::new("testsuite");
    let wanted = |key: &[u8]| dated || key != b"timestamp";
    for attribute in written.attributes().flatten().filter(|a| wanted(a.key.as_ref())) {
        element.push_attribute(attribute);
    }
    element.push_attribute(("skipped", skipped.to_string().as_str()));
    element
}

fn properties(writer: &mut Writer<Vec<u8>>, report: &Report) -> std::io::Result<()> {
    let mut all = vec![
        ("verdict", report.verdict.map_or("none", |v| v.word()).to_owned()),
        ("headline", text::plain(&report.headline)),
        ("exit_code", report.exit_code.to_string()),
        ("session", text::plain(&report.session)),
        ("tool_version", text::plain(&report.tool_version)),
    ];
    all.extend(text::commit(report, Lang::En).map(|c| ("commit", text::plain(&c))));
    let inner = |w: &mut Writer<Vec<u8>>| {
        for (name, value) in &all {
            w.create_element("property")
                .with_attributes([("name", *name), ("value", value.as_str())])
                .write_empty()?;
        }
        Ok(())
    };
    writer.create_element("properties").write_inner_content(inner).map(|_| ())
}
