//! `judge-case` (hidden): one labelled case of METHOD's test suite from standard input through the
//! judge.

use super::output;
use crate::exit::ExitStatus;
use crate::lab::judge_case;
use crate::read;

pub fn run() -> anyhow::Result<ExitStatus> {
    let input = read::to_end(std::io::stdin(), read::DATA)?;
    output::print(&judge_case::run(&String::from_utf8(input)?)?)?;
    Ok(ExitStatus::Pass)
}
