//! Korean for what explains and decides nothing: GPU, the server's own metrics, sweeps, advice. Not
//! here: the verdict (`ko`).

use crate::report::say::Sentence;

pub const SENTENCES: &[Sentence] = &[
    // All workloads in one table.
    ("{a} (best of {n} levels)", "{a} (수준 {n}개 중 최선)"),
    ("({n} of {m})", "({m}개 중 {n}개)"),
    ("{n} in", "입력 {n}"),
    ("{n} out", "출력 {n}"),
    ("concurrency {n} to {m}", "동시 요청 수 {n} ~ {m}"),
    ("rate {n} to {m}", "요청률 {n} ~ {m}"),
    // Sweeps and families.
    ("output tokens/s: most at {A}, {q}", "output tokens/s: 최대 {q} ({A})"),
    ("requests/s: most at {A}, {q}", "requests/s: 최대 {q} ({A})"),
    ("TTFT p50: least at {A}, {q}", "TTFT p50: 최소 {q} ({A})"),
    ("errors: {q} at {A}, the highest level", "오류: {q} (가장 높은 수준, {A})"),
    ("errors: unmeasured at {A}, the highest level", "오류: 측정 안 됨 (가장 높은 수준, {A})"),
    ("{a}: by concurrency", "{a}: 동시 요청 수별"),
    ("{a}: by rate", "{a}: 요청률별"),
    ("{a} by concurrency", "{a}: 동시 요청 수별"),
    ("{a} by rate", "{a}: 요청률별"),
    ("concurrency", "동시 요청 수"),
    ("rate", "요청률"),
    ("{a} against E2E p95", "{a}: E2E p95 대비"),
    ("concurrency {n}: {A}", "동시 요청 수 {n}: {A}"),
    ("concurrency {n} (knee): {A}", "동시 요청 수 {n} (knee): {A}"),
    ("concurrency {n} (INVALID): {A}", "동시 요청 수 {n} (INVALID): {A}"),
    ("rate {n}: {A}", "요청률 {n}: {A}"),
    ("rate {n} (knee): {A}", "요청률 {n} (knee): {A}"),
    ("rate {n} (INVALID): {A}", "요청률 {n} (INVALID): {A}"),
    ("{q} at E2E p95 {r}", "{q}, E2E p95 {r}"),
    ("{A}; INVALID and in no curve: {a}", "{A}; INVALID라서 곡선에서 제외: {a}"),
    ("{q} higher", "{q} 높음"),
    ("{q} lower", "{q} 낮음"),
    ("{n} instead of {m}", "{m} 대신 {n}"),
    ("no knee up to {A}: {w} does not bend", "{A}까지 knee 없음: {w} 곡선이 꺾이지 않음"),
    (
        "no knee is looked for: {w} is not measured at every level",
        "knee를 찾지 않음: {w} 값이 없는 수준이 있음",
    ),
    ("no knee is looked for: {n} levels are needed", "knee를 찾지 않음: 수준 {n}개 필요"),
];
