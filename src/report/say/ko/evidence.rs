//! Korean for what explains and decides nothing: GPU, the server's own metrics, sweeps, advice. Not
//! here: the verdict (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    ("the measurement could not be saved: {a}", "측정 결과를 저장하지 못함: {a}"),
    ("{b} could not be written: {a}", "{b} 파일을 쓰지 못함: {a}"),
];
