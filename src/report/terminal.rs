//! stub
use super::Report;
pub fn render(r: &Report, _w: u16, _c: bool) -> String {
    r.to_json()
}
