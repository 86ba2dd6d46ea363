//! The first page. Not here: what programs get at the same address (`api`).

use askama::Template;

use super::frame::Frame;
use crate::serve::answer::Answer;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home<'a> {
    frame: &'a Frame,
}

pub fn page(frame: &Frame) -> Answer {
    frame.page(&Home { frame })
}
