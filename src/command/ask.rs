//! Questions to a person: on standard error, answered on standard input, Enter takes the default.
//! Not here: what is asked.

use std::io::{BufRead, Read as _};

use anyhow::{Context as _, bail};

use crate::print::{self, say};
use crate::visible::one_line;

/// Bytes of an answer: a URL, a name, a number.
const LONGEST_ANSWER: u64 = 64 << 10;

/// Somebody to ask, or nobody: then every default holds.
pub struct Talk {
    input: Option<Box<dyn BufRead>>,
}

/// One of the list, or something else that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Listed(usize),
    Typed(String),
}

impl Talk {
    pub fn with_person() -> Self {
        Self { input: Some(Box::new(std::io::stdin().lock())) }
    }

    pub fn with_nobody() -> Self {
        Self { input: None }
    }

    #[cfg(test)]
    fn scripted(answers: &'static str) -> Self {
        Self { input: Some(Box::new(answers.as_bytes())) }
    }

    /// One of `options`, by number or as `typed` accepts it; the first is the default. Errors: the
    /// input ended.
    pub fn choose(
        &mut self,
        what: &str,
        options: &[String],
        typed: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Choice> {
        if self.input.is_none() {
            return Ok(Choice::Listed(0));
        }
        say(&format!("\n{what}:"));
        for (index, option) in options.iter().enumerate() {
            let mark = if index == 0 { '>' } else { ' ' };
            say(&format!("  {mark} {}. {}", index + 1, one_line(option)));
        }
        loop {
            let answer = self.line("choose [1]: ")?;
            if answer.is_empty() {
                return Ok(Choice::Listed(0));
            }
            if let Some(index) = answer
                .parse::<usize>()
                .ok()
                .and_then(|n| n.checked_sub(1))
                .filter(|i| *i < options.len())
            {
                return Ok(Choice::Listed(index));
            }
            if typed(&answer) {
                return Ok(Choice::Typed(answer));
            }
            say(&format!("  1 to {}, or Enter for 1", options.len()));
        }
    }

    /// Some text that `fits`; Enter takes the default. Errors: the input ended.
    pub fn text(
        &mut self,
        what: &str,
        default: &str,
        fits: impl Fn(&str) -> bool,
        wanted: &str,
    ) -> anyhow::Result<String> {
        if self.input.is_none() {
            return Ok(default.to_owned());
        }
        loop {
            let answer = self.line(&format!("\n{what} [{default}]: "))?;
            if answer.is_empty() {
                return Ok(default.to_owned());
            }
            if fits(&answer) {
                return Ok(answer);
            }
            say(&format!("  {wanted}"));
        }
    }

    /// Enter is yes. Errors: the input ended.
    pub fn yes(&mut self, what: &str) -> anyhow::Result<bool> {
        if self.input.is_none() {
            return Ok(true);
        }
        loop {
            match self.line(&format!("{what} [Y/n]: "))?.to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => say("  y or n, or Enter for y"),
            }
        }
    }

    fn line(&mut self, prompt: &str) -> anyhow::Result<String> {
        let input = self.input.as_mut().context("there is nobody to ask")?;
        // A prompt that nobody sees is no reason not to read the answer.
        print::prompt(prompt);
        let mut answer = String::new();
        if input.take(LONGEST_ANSWER).read_line(&mut answer).context("cannot read the answer")? == 0
        {
            bail!(
                "standard input ended before the question was answered\nhint: Enter takes the default; --help has the flags that say it"
            );
        }
        Ok(answer.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(answers: &'static str) -> anyhow::Result<Choice> {
        Talk::scripted(answers)
            .choose("server", &["a".into(), "b".into()], |text| text.starts_with("http"))
    }

    #[test]
    fn enter_is_the_first_and_what_fits_nothing_is_asked_again() {
        assert_eq!(choose("\n").expect("answered"), Choice::Listed(0));
        assert_eq!(choose("0\n3\nx\n2\n").expect("answered"), Choice::Listed(1));
        assert_eq!(choose("http://h\n").expect("answered"), Choice::Typed("http://h".into()));
    }

    #[test]
    fn enter_is_yes_and_only_no_is_no() {
        let yes = |answers| Talk::scripted(answers).yes("start?");
        assert!(yes("\n").expect("answered") && yes("Y\n").expect("answered"));
        assert!(!yes("maybe\nno\n").expect("answered"));
        assert!(yes("").is_err());
    }

    #[test]
    fn an_input_that_ended_is_no_answer() {
        assert!(choose("").expect_err("ended").to_string().contains("standard input ended"));
        assert!(choose("7\n").is_err());
        assert_eq!(
            Talk::with_nobody().text("url", "d", |_| false, "").expect("nobody is asked"),
            "d"
        );
    }
}
