//! Values with units, as text: durations, shares, points, rates. Text in, number out, and back.
//!
//! Not here: which unit a key wants (`file`, `check`).

use std::fmt;
use std::time::Duration;

use crate::lang::{Text, bilingual};
use crate::metric::Unit;

/// What is wrong with a value, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    pub what: Text,
    pub hint: Text,
}

/// Nanoseconds per unit, longest first, so that formatting takes the longest that divides.
const TIME_UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    ("ns", 1),
];

/// A year: anything longer is a slip of the keyboard, and arithmetic on instants stays far from
/// overflow.
const LONGEST_NS: u128 = 365 * 24 * 3_600_000_000_000;

/// As JSON Schema's pattern for durations.
pub const DURATION_PATTERN: &str = r"^[0-9]+(\.[0-9]+)? ?(h|m|s|ms|us|ns)$";

impl UnitError {
    fn new(what: impl Into<Text>, hint: impl Into<Text>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// Of a flag of this name.
    pub fn of_flag(self, flag: &str) -> Text {
        bilingual!("{flag}: ", "{flag}: ")
            .then(&self.what)
            .then(&bilingual!("\nhint: ", "\n힌트: "))
            .then(&self.hint)
    }

    /// What, hint, and both in Korean, a line each: a deserialiser's message is nothing but text.
    pub fn lines(&self) -> String {
        let Self { what, hint } = self;
        [&*what.en, &hint.en, &what.ko, &hint.ko].join("\n")
    }

    /// Reads [`Self::lines`] back, or an English what and hint; none of another message.
    pub fn read_back(message: &str) -> Option<Self> {
        match message.lines().collect::<Vec<_>>()[..] {
            [what, hint] => Some(Self::new(what, hint)),
            [what, hint, what_ko, hint_ko] => Some(Self {
                what: Text { en: what.into(), ko: what_ko.into() },
                hint: Text { en: hint.into(), ko: hint_ko.into() },
            }),
            _ => None,
        }
    }
}

/// In English, the hint on a line of its own.
impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.hint)
    }
}

/// A duration such as `500ms`, `1.5s`, `10m`; at most a year, no finer than a nanosecond.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split_unit(text);
    if unit.is_empty() && !number.is_empty() {
        return Err(UnitError::new(
            bilingual!("duration `{text}` has no unit", "시간 `{text}`에 단위가 없음"),
            bilingual!(
                "write `{number}s` or `{number}ms` (units: h, m, s, ms, us)",
                "`{number}s` 또는 `{number}ms`로 쓰십시오 (단위: h, m, s, ms, us)"
            ),
        ));
    }
    let bad = |why: &str| {
        UnitError::new(
            Text {
                en: format!("`{text}` is not a duration{why}"),
                ko: format!("`{text}`: 쓸 수 없는 시간"),
            },
            bilingual!(
                "write a number and a unit: 500ms, 1.5s, 10m (units: h, m, s, ms, us)",
                "숫자와 단위를 쓰십시오: 500ms, 1.5s, 10m (단위: h, m, s, ms, us; 1년 이하)"
            ),
        )
    };
    let &(_, factor) = TIME_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| bad(""))?;
    let (mantissa, decimals) = parse_decimal(number).ok_or_else(|| bad(""))?;
    let scaled = mantissa.checked_mul(u128::from(factor)).ok_or_else(|| bad(": too long"))?;
    let divisor = 10_u128.pow(decimals);
    if scaled % divisor != 0 {
        return Err(bad(": finer than a nanosecond"));
    }
    let ns = scaled / divisor;
    if ns > LONGEST_NS {
        return Err(bad(": longer than a year"));
    }
    u64::try_from(ns).map(Duration::from_nanos).map_err(|_| bad(": too long"))
}

/// The shortest text that [`parse_duration`] reads back as the same duration.
pub fn format_duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    if ns == 0 {
        return "0s".into();
    }
    let longest = TIME_UNITS.iter().find(|(_, factor)| ns.is_multiple_of(u128::from(*factor)));
    longest.map_or_else(
        || format!("{ns}ns"),
        |(name, factor)| format!("{}{name}", ns / u128::from(*factor)),
    )
}

/// Per cent as a fraction: `5%` is 0.05.
pub fn parse_percent(text: &str) -> Result<f64, UnitError> {
    parse_suffixed(
        text,
        &["%"],
        bilingual!("`{text}` is not a percentage", "`{text}`: 퍼센트가 아님"),
        bilingual!("write a number and %, such as 5%", "숫자와 %를 쓰십시오. 예: 5%"),
    )
    .map(|v| v / 100.0)
}

/// Percentage points as a fraction: `2pp` is 0.02.
pub fn parse_points(text: &str) -> Result<f64, UnitError> {
    parse_suffixed(
        text,
        &["pp"],
        bilingual!(
            "`{text}` is not a number of percentage points",
            "`{text}`: 퍼센트포인트가 아님"
        ),
        bilingual!("write a number and pp, such as 2pp", "숫자와 pp를 쓰십시오. 예: 2pp"),
    )
    .map(|v| v / 100.0)
}

/// A value of a metric in the metric's own unit: milliseconds, per second, or a share of 0 to 1.
pub fn parse_quantity(text: &str, unit: Unit) -> Result<f64, UnitError> {
    match unit {
        Unit::Milliseconds => parse_duration(text).map(|d| d.as_secs_f64() * 1000.0),
        Unit::Share => match parse_percent(text)? {
            share if share <= 1.0 => Ok(share),
            _ => Err(UnitError::new(format!("`{text}` is more than all"), "a share is 0% to 100%")),
        },
        Unit::PerSecond => {
            let what = format!("`{text}` is not a rate of requests");
            parse_suffixed(
                text,
                &["/s", "req/s", "requests/s"],
                what,
                "write a number and /s, such as 5/s",
            )
        }
        Unit::TokensPerSecond => {
            let what = format!("`{text}` is not a rate of tokens");
            parse_suffixed(
                text,
                &["tok/s", "tokens/s"],
                what,
                "write a number and tokens/s, such as 500 tokens/s",
            )
        }
        Unit::JoulesPerToken => {
            let what = format!("`{text}` is not an energy per token");
            parse_suffixed(
                text,
                &["J/token"],
                what,
                "write a number and J/token, such as 0.5 J/token",
            )
        }
        Unit::TokensPerJoule => {
            let what = format!("`{text}` is not a number of tokens per joule");
            parse_suffixed(
                text,
                &["tokens/J", "tok/J"],
                what,
                "write a number and tokens/J, such as 2 tokens/J",
            )
        }
        Unit::Mebibytes => {
            let what = format!("`{text}` is not a size of memory");
            parse_suffixed(text, &["MiB"], what, "write a number and MiB, such as 65536 MiB")
        }
    }
}

fn parse_suffixed(
    text: &str,
    units: &[&str],
    what: impl Into<Text>,
    hint: impl Into<Text>,
) -> Result<f64, UnitError> {
    let (number, unit) = split_unit(text);
    let value = parse_decimal(number).and_then(|_| number.parse::<f64>().ok());
    match value {
        Some(value) if units.contains(&unit) => Ok(value),
        _ => Err(UnitError::new(what, hint)),
    }
}

/// The leading number and the rest, without the space between them.
fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Digits with at most one point between them, as mantissa and number of decimals.
fn parse_decimal(number: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    let digits = format!("{whole}{fraction}");
    let plain =
        !whole.is_empty() && digits.len() <= 24 && digits.bytes().all(|b| b.is_ascii_digit());
    let mantissa = digits.parse().ok().filter(|_| plain)?;
    Some((mantissa, u32::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_written() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("0.1us"), Ok(Duration::from_nanos(100)));
    }

    #[test]
    fn wrong_durations_are_refused_with_their_text() {
        for text in [
            "",
            "s",
            "-5s",
            "1.s",
            ".5s",
            "1e3s",
            "5 parsecs",
            "1m30s",
            "0.1ns",
            "9999999h",
            "1.2.3s",
            "NaN",
            "١s",
        ] {
            let error = parse_duration(text).expect_err(text);
            assert!(error.what.en.contains(text), "{error}");
        }
        assert_eq!(
            parse_duration("30").expect_err("no unit").hint.en,
            "write `30s` or `30ms` (units: h, m, s, ms, us)"
        );
    }

    #[test]
    fn quantities_want_their_metrics_unit() {
        assert_eq!(parse_quantity("0.5s", Unit::Milliseconds), Ok(500.0));
        assert_eq!(parse_quantity("95%", Unit::Share), Ok(0.95));
        assert_eq!(parse_quantity("5 req/s", Unit::PerSecond), Ok(5.0));
        assert_eq!(parse_quantity("500 tokens/s", Unit::TokensPerSecond), Ok(500.0));
        assert!(parse_quantity("0.95", Unit::Share).is_err());
        assert!(parse_quantity("101%", Unit::Share).is_err());
        assert!(parse_quantity("95%", Unit::Milliseconds).is_err());
        assert!(parse_quantity("5 tokens/s", Unit::PerSecond).is_err());
        assert_eq!(parse_points("2pp"), Ok(0.02));
        assert!(parse_points("2%").is_err());
    }

    proptest! {
        #[test]
        fn format_then_parse_is_the_same(ns in 0_u64..31_536_000_000_000_000) {
            let duration = Duration::from_nanos(ns);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn whole_units_stay_short(seconds in 1_u64..10_000) {
            prop_assert!(format_duration(Duration::from_secs(seconds)).len() <= 5);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,30}") {
            let _ = parse_duration(&text);
            let _ = parse_percent(&text);
        }
    }
}
