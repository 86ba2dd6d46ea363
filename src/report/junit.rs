//! stub
use super::Report;
pub fn render(r: &Report) -> Result<String, String> {
    Ok(r.to_json())
}
