//! Another gate, and what it has that this one needs, as people read it. Not here: who has what
//! (`lock`).

use crate::lang::{Text, bilingual};
use crate::lock::{ALL, Claim, Gate, MACHINE};

pub fn gate(other: &Gate) -> Text {
    Text {
        en: other.to_string(),
        ko: format!(
            "`{}` (프로세스 {}, 시작 {}, 출력 폴더 {})",
            other.verb, other.pid, other.since, other.folder
        ),
    }
}

pub fn claim(wanted: &Claim) -> Text {
    let what = match &*wanted.what {
        MACHINE => return bilingual!("this machine (--exclusive)", "이 머신 (--exclusive)"),
        "output folder" => "출력 폴더",
        "file" => "파일",
        "address" => "주소",
        "the processors of" => "이 머신의 프로세서",
        other => other,
    };
    let ko = match &*wanted.key {
        _ if matches!(&*wanted.what, "output folder" | "file" | "the processors of") => what.into(),
        ALL => format!("모든 {what}"),
        key => format!("{what} {key}"),
    };
    Text { en: wanted.to_string(), ko }
}
