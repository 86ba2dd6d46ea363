//! One table on one sheet: a header that stays in view, widths, filters. Not here: which tables
//! there are (`xlsx`).

use rust_xlsxwriter::{Format, FormatBorder, Workbook, Worksheet, XlsxError};

use crate::report::text;

/// Rows of data that a sheet has room for; Excel's own limit is 1,048,576 with the header.
const ROOM: usize = 1_048_575;

/// Header and width in characters.
pub struct Column(pub &'static str, pub u32);

pub struct Sheet<const N: usize> {
    pub name: &'static str,
    pub columns: [Column; N],
    /// Leading columns that stay in view.
    pub frozen_columns: u16,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Absent,
    Number(f64),
    Text(String),
}

impl Cell {
    /// On one line, of bounded length: a cell holds 32,767 characters at most.
    pub fn text(foreign: &str) -> Self {
        Self::Text(text::plain(foreign))
    }
}

/// What is no finite number is absent.
pub fn number(value: Option<f64>) -> Cell {
    value.filter(|v| v.is_finite()).map_or(Cell::Absent, Cell::Number)
}

pub fn count(n: u64) -> Cell {
    Cell::Number(n as f64)
}

pub fn whole(n: Option<u64>) -> Cell {
    n.map_or(Cell::Absent, count)
}

impl<const N: usize> Sheet<N> {
    /// Goes on in `NAME 2`, `NAME 3`... where rows do not fit.
    pub fn write(
        &self,
        book: &mut Workbook,
        rows: impl Iterator<Item = [Cell; N]>,
    ) -> Result<(), XlsxError> {
        self.write_in_parts_of(ROOM, book, rows)
    }

    /// No sheet where there is no row.
    pub fn write_if_any(
        &self,
        book: &mut Workbook,
        rows: impl Iterator<Item = [Cell; N]>,
    ) -> Result<(), XlsxError> {
        let mut rows = rows.peekable();
        if rows.peek().is_none() { Ok(()) } else { self.write(book, rows) }
    }

    pub(super) fn write_in_parts_of(
        &self,
        room: usize,
        book: &mut Workbook,
        rows: impl Iterator<Item = [Cell; N]>,
    ) -> Result<(), XlsxError> {
        let mut rows = rows.peekable();
        let mut part = 1;
        while part == 1 || rows.peek().is_some() {
            // Row by row into a temporary file: it holds no row, only each text once.
            let sheet = book.add_worksheet_with_low_memory()?;
            sheet.set_name(if part == 1 {
                self.name.to_owned()
            } else {
                format!("{} {part}", self.name)
            })?;
            self.fill(sheet, rows.by_ref().take(room))?;
            part += 1;
        }
        Ok(())
    }

    fn fill(
        &self,
        sheet: &mut Worksheet,
        rows: impl Iterator<Item = [Cell; N]>,
    ) -> Result<(), XlsxError> {
        let header = Format::new().set_bold().set_border_bottom(FormatBorder::Thin);
        // What a spreadsheet would run as a formula, were it typed again: marked as text, as a
        // typed apostrophe does.
        let marked = Format::new().set_quote_prefix();
        for (at, Column(title, width)) in (0_u16..).zip(&self.columns) {
            sheet.write_string_with_format(0, at, *title, &header)?;
            sheet.set_column_width(at, *width)?;
        }
        let mut last = 0;
        for (row, cells) in (1..).zip(rows) {
            for (at, cell) in (0_u16..).zip(cells) {
                match cell {
                    Cell::Number(value) => sheet.write_number(row, at, value)?,
                    Cell::Text(text) if text.starts_with(['=', '+', '-', '@']) => {
                        sheet.write_string_with_format(row, at, text, &marked)?
                    }
                    Cell::Text(text) if !text.is_empty() => sheet.write_string(row, at, text)?,
                    Cell::Text(_) | Cell::Absent => &mut *sheet,
                };
            }
            last = row;
        }
        sheet.set_freeze_panes(1, self.frozen_columns)?;
        let columns = u16::try_from(N).expect("a few columns");
        sheet.autofilter(0, 0, last, columns - 1)?;
        Ok(())
    }
}
