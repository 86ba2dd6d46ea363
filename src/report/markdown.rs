//! stub
use super::Report;
pub fn render(r: &Report) -> String {
    r.to_json()
}
