//! Reads a workbook back: its sheets and cells. Not here: what must be in them.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::super::sheet::Cell;

/// Rows of cells by name of the sheet; the first row is the header. Empty cells are `Absent`.
pub type Book = BTreeMap<String, Vec<Vec<Cell>>>;

pub fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut text = String::new();
    archive
        .by_name(name)
        .expect("the part is there")
        .read_to_string(&mut text)
        .expect("XML is text");
    text
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).expect("attributes are well formed")?;
    Some(found.normalized_value(quick_xml::XmlVersion::Implicit1_0).expect("text").into_owned())
}

/// Every element `name` with its own text, in order.
fn elements(xml: &str, name: &str, text_of: &str) -> Vec<(BTreeMap<String, String>, String)> {
    let mut reader = Reader::from_str(xml);
    let mut found: Vec<(BTreeMap<String, String>, String)> = Vec::new();
    let (mut inside, mut in_text) = (false, false);
    loop {
        match reader.read_event().expect("well formed") {
            Event::Start(e) if e.name().as_ref() == name.as_bytes() => {
                let keys = ["r", "t", "name"];
                found.push((
                    keys.iter()
                        .filter_map(|k| Some(((*k).to_owned(), attribute(&e, k)?)))
                        .collect(),
                    String::new(),
                ));
                (inside, in_text) = (true, false);
            }
            Event::Empty(e) if e.name().as_ref() == name.as_bytes() => {
                let of = |k: &&str| Some(((**k).to_owned(), attribute(&e, k)?));
                found.push((["r", "t", "name"].iter().filter_map(of).collect(), String::new()));
            }
            Event::End(e) if e.name().as_ref() == name.as_bytes() => inside = false,
            Event::Start(e) => {
                assert_ne!(e.name().as_ref(), b"f", "a formula");
                in_text = inside && e.name().as_ref() == text_of.as_bytes();
            }
            Event::End(_) => in_text = false,
            Event::Text(t) if in_text => {
                found.last_mut().expect("inside one").1 += &t.decode().expect("UTF-8");
            }
            Event::GeneralRef(r) if in_text => {
                let entity = format!("&{};", r.decode().expect("UTF-8"));
                found.last_mut().expect("inside one").1 +=
                    &quick_xml::escape::unescape(&entity).expect("a known entity");
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// `C7` is row 7, column 2 from 0.
fn place(reference: &str) -> (usize, usize) {
    let split = reference.find(|c: char| c.is_ascii_digit()).expect("a row");
    let column = reference[..split].bytes().fold(0, |n, b| n * 26 + usize::from(b - b'A') + 1);
    (reference[split..].parse().expect("a row"), column - 1)
}

pub fn read(bytes: &[u8]) -> Book {
    let strings: Vec<String> = elements(&part(bytes, "xl/sharedStrings.xml"), "si", "t")
        .into_iter()
        .map(|(_, s)| s)
        .collect();
    let names = elements(&part(bytes, "xl/workbook.xml"), "sheet", "");
    let sheet = |(i, (about, _)): (usize, &(BTreeMap<String, String>, String))| {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for (about, value) in
            elements(&part(bytes, &format!("xl/worksheets/sheet{}.xml", i + 1)), "c", "v")
        {
            let (row, column) = place(&about["r"]);
            rows.resize(rows.len().max(row), Vec::new());
            let cells = &mut rows[row - 1];
            cells.resize(column, Cell::Absent);
            cells.push(match about.get("t").map(String::as_str) {
                Some("s") => Cell::Text(strings[value.parse::<usize>().expect("an index")].clone()),
                None => Cell::Number(value.parse().expect("a number")),
                other => panic!("a cell of type {other:?}"),
            });
        }
        let width = rows.first().map_or(0, Vec::len);
        for cells in &mut rows {
            cells.resize(width, Cell::Absent);
        }
        (about["name"].clone(), rows)
    };
    names.iter().enumerate().map(sheet).collect()
}
