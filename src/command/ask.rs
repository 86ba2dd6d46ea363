//! Questions to a person: on standard error, answered on standard input, Enter takes the default.
//! Not here: what is asked.

use std::io::{BufRead, Read as _};

use anyhow::{Context as _, bail};

use crate::lang::{Text, bilingual};
use crate::print::{self, say, speak};
use crate::visible::one_line;

/// Bytes of an answer: a URL, a name, a number.
const LONGEST_ANSWER: u64 = 64 << 10;

/// Asked by `init` and `run -i`.
pub fn url() -> Text {
    bilingual!("base URL of the server", "서버의 base URL")
}

pub fn url_wanted() -> Text {
    bilingual!("a URL such as http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1과 같은 URL")
}

pub fn which_server() -> Text {
    bilingual!("server (number or URL)", "서버 (번호 또는 URL)")
}

pub fn which_model() -> Text {
    bilingual!("model (number or name)", "모델 (번호 또는 이름)")
}

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
        what: &Text,
        options: &[Text],
        typed: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Choice> {
        if self.input.is_none() {
            return Ok(Choice::Listed(0));
        }
        let lang = print::language();
        say(&format!("\n{}:", what.in_language(lang)));
        for (index, option) in options.iter().enumerate() {
            let mark = if index == 0 { '>' } else { ' ' };
            let option = one_line(option.in_language(lang));
            say(&format!("  {mark} {}. {option}", index + 1));
        }
        loop {
            let answer = self.line(&bilingual!("choose [1]: ", "선택 [1]: "))?;
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
            speak(&bilingual!(
                "  1 to {last}, or Enter for 1",
                "  1에서 {last} 사이의 번호. Enter는 1",
                last = options.len()
            ));
        }
    }

    /// Some text that `fits`; Enter takes the default. Errors: the input ended.
    pub fn text(
        &mut self,
        what: &Text,
        default: &str,
        fits: impl Fn(&str) -> bool,
        wanted: &Text,
    ) -> anyhow::Result<String> {
        if self.input.is_none() {
            return Ok(default.to_owned());
        }
        loop {
            let answer =
                self.line(&Text::from("\n").then(what).then(&format!(" [{default}]: ").into()))?;
            if answer.is_empty() {
                return Ok(default.to_owned());
            }
            if fits(&answer) {
                return Ok(answer);
            }
            speak(&Text::from("  ").then(wanted));
        }
    }

    /// Enter is yes. Errors: the input ended.
    pub fn yes(&mut self, what: &Text) -> anyhow::Result<bool> {
        if self.input.is_none() {
            return Ok(true);
        }
        loop {
            let prompt = what.clone().then(&" [Y/n]: ".into());
            match self.line(&prompt)?.to_ascii_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => speak(&bilingual!("  y or n, or Enter for y", "  y 또는 n. Enter는 y")),
            }
        }
    }

    /// Of what cannot be undone: only yes is yes. Errors: the input ended.
    pub fn sure(&mut self, what: &Text) -> anyhow::Result<bool> {
        let answer = self.line(&what.clone().then(&" [y/N]: ".into()))?;
        Ok(["y", "yes"].contains(&&*answer.to_ascii_lowercase()))
    }

    fn line(&mut self, prompt: &Text) -> anyhow::Result<String> {
        let input = self.input.as_mut().context("there is nobody to ask")?;
        // A prompt that nobody sees is no reason not to read the answer.
        print::prompt(prompt.in_language(print::language()));
        let mut answer = String::new();
        if input.take(LONGEST_ANSWER).read_line(&mut answer).context("cannot read the answer")? == 0
        {
            bail!(bilingual!(
                "standard input ended before the question was answered\nhint: Enter takes the default; --help has the flags that say it",
                "질문에 답하기 전에 표준 입력이 끝남\n힌트: Enter는 기본값입니다. 질문 없이 지정하는 플래그는 --help에 있습니다"
            ));
        }
        Ok(answer.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(answers: &'static str) -> anyhow::Result<Choice> {
        Talk::scripted(answers)
            .choose(&"server".into(), &["a".into(), "b".into()], |text| text.starts_with("http"))
    }

    #[test]
    fn enter_is_the_first_and_what_fits_nothing_is_asked_again() {
        assert_eq!(choose("\n").expect("answered"), Choice::Listed(0));
        assert_eq!(choose("0\n3\nx\n2\n").expect("answered"), Choice::Listed(1));
        assert_eq!(choose("http://h\n").expect("answered"), Choice::Typed("http://h".into()));
    }

    #[test]
    fn enter_is_yes_and_only_no_is_no() {
        let yes = |answers| Talk::scripted(answers).yes(&"start?".into());
        assert!(yes("\n").expect("answered") && yes("Y\n").expect("answered"));
        assert!(!yes("maybe\nno\n").expect("answered"));
        assert!(yes("").is_err());
    }

    #[test]
    fn what_cannot_be_undone_takes_a_yes() {
        let sure = |answers| Talk::scripted(answers).sure(&"delete?".into());
        assert!(sure("y\n").expect("answered") && sure("YES\n").expect("answered"));
        assert!(!sure("\n").expect("answered") && !sure("maybe\n").expect("answered"));
        assert!(sure("").is_err());
    }

    #[test]
    fn an_input_that_ended_is_no_answer() {
        assert!(choose("").expect_err("ended").to_string().contains("standard input ended"));
        assert!(choose("7\n").is_err());
        assert_eq!(
            Talk::with_nobody()
                .text(&"url".into(), "d", |_| false, &"".into())
                .expect("nobody is asked"),
            "d"
        );
    }
}
