//! Words of the older tools' command lines, and what to write here: a tip beside clap's error
//! instead of the word that only looks alike.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Verbs that take flags of the load; elsewhere the same letters meant nothing there.
const VERBS: [&str; 4] = ["run", "check", "calibrate", "baseline update"];

const FLAGS: [(&[&str], &str); 15] = [
    (&["--server", "-s"], "--base-url http://HOST:PORT/v1"),
    (&["-m"], "--model NAME"),
    (&["-c"], "--concurrency 1,10,50"),
    (
        &["-n", "--num-prompts"],
        "--requests N: of each round, and a run has three; with --rounds 1 they are all",
    ),
    (&["-d"], "--duration 60s: of each round"),
    (&["-o", "--output"], "--record FILE"),
    (&["--input-len"], "--input-tokens N"),
    (&["--output-len", "--max-tokens"], "--output-tokens N"),
    (&["--stream"], "no flag: answers are streams unless --no-stream is said"),
    (
        &["--adapter"],
        "--protocol triton, with --base-url at the server's root; `openai` is what is usual",
    ),
    (&["--goodput"], "--slo ttft=500ms,tpot=50ms"),
    (&["--api-key"], "--api-key-env VARIABLE: no key is in a command line"),
    (&["--rps"], "--rate R --arrival constant"),
    (&["--prompt-type"], "--input-tokens 64, 256 or 1024"),
    (
        &["--framework", "--scenario"],
        "--base-url URL --preset single,concurrent,long-context,prefix-cache,korean",
    ),
];

const SUBCOMMANDS: [(&str, &str); 1] = [("info", "goodput-gate doctor")];

/// The error with our tip, where one of those words is the reason.
pub fn tipped(mut error: Error) -> Error {
    let said = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let verb = said(&error, ContextKind::Usage).and_then(|usage| verb(&usage));
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => said(&error, ContextKind::InvalidArg)
            .filter(|_| verb.is_some())
            .and_then(|word| FLAGS.iter().find(|(words, _)| words.contains(&word.as_str())))
            .map(|(_, tip)| *tip),
        ErrorKind::InvalidSubcommand => said(&error, ContextKind::InvalidSubcommand)
            .and_then(|word| SUBCOMMANDS.iter().find(|(known, _)| *known == word))
            .map(|(_, tip)| *tip),
        _ => None,
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![format!("here: {tip}").into()]),
        );
        // Clap's own shows the flag that only looks alike.
        let usage = verb.map(|verb| format!("Usage: goodput-gate {verb} [OPTIONS]"));
        error.insert(
            ContextKind::Usage,
            usage.map_or(ContextValue::None, |text| ContextValue::StyledStr(text.into())),
        );
    }
    error
}

/// Of [`VERBS`].
fn verb(usage: &str) -> Option<&'static str> {
    let (_, rest) = usage.split_once("goodput-gate ")?;
    VERBS.into_iter().find(|verb| rest.strip_prefix(verb).is_some_and(|rest| rest.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn message(words: &[&str]) -> String {
        let error = Cli::try_parse_from([&["goodput-gate"], words].concat())
            .expect_err("it is none of ours");
        assert_eq!(error.exit_code(), 2);
        tipped(error).to_string()
    }

    #[test]
    fn every_older_word_has_its_tip_and_no_other() {
        for (words, tip) in FLAGS {
            for word in words {
                for verb in VERBS {
                    let verb: Vec<&str> = verb.split(' ').collect();
                    let text = message(&[&verb[..], &[word, "x"]].concat());
                    assert_eq!(text.matches("tip: ").count(), 1, "{text}");
                    assert!(
                        text.contains(&format!("tip: here: {tip}\n"))
                            && text.contains(" [OPTIONS]\n"),
                        "{text}"
                    );
                }
            }
        }
        for (word, tip) in SUBCOMMANDS {
            let text = message(&[word]);
            assert!(
                text.contains(&format!("tip: here: {tip}\n")) && !text.contains("similar"),
                "{text}"
            );
        }
    }

    #[test]
    fn other_slips_keep_claps_own_tip_and_no_key_is_shown() {
        assert!(
            message(&["run", "--concurrenc", "1"])
                .contains("similar argument exists: '--concurrency'")
        );
        assert!(!message(&["gpu", "-n"]).contains("here: "));
        assert!(!message(&["run", "--api-key=sk-0123456789"]).contains("0123456789"));
    }

    /// A tip that names a flag which is no more would mislead as much as the similar one.
    #[test]
    fn what_the_tips_name_is_there() {
        let help =
            Cli::try_parse_from(["goodput-gate", "run", "--help"]).expect_err("help").to_string();
        for (_, tip) in FLAGS {
            for flag in tip.split([' ', ':', ',', ';']).filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{flag}");
            }
        }
    }
}
