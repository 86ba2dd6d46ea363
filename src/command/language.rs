//! In which language the reader is spoken to: `--lang` (or its variable) says it, else the config,
//! else the locale of a person at a terminal. A CI job without any of the first two is English.
//!
//! Not here: the sentences, and what machines read, which is English.
#![expect(clippy::disallowed_methods, reason = "rim: reads the locale, and looks at the terminal")]

use std::io::IsTerminal as _;

use crate::app::gate::{self, Given};
use crate::app::workspace::Workspace;
use crate::app::workspace::ci;
use crate::cli::{
    BaselineCommand, Cli, Command, ConfigArgs, LANG_VARIABLE, Language, ServerCommand,
};
use crate::config::Flags;
use crate::lang::Lang;

/// Of these arguments.
pub fn language(cli: &Cli) -> Lang {
    let asked = cli.lang.map(|language| match language {
        Language::En => Lang::En,
        Language::Ko => Lang::Ko,
    });
    first_of(asked, || given(&cli.command).as_ref().and_then(configured), &locale())
}

/// The same where there are no arguments that could say it.
pub fn language_here() -> Lang {
    let asked = match std::env::var(LANG_VARIABLE).as_deref() {
        Ok("ko") => Some(Lang::Ko),
        Ok("en") => Some(Lang::En),
        _ => None,
    };
    first_of(asked, || configured(&Given::default()), &locale())
}

fn first_of(asked: Option<Lang>, configured: impl FnOnce() -> Option<Lang>, locale: &str) -> Lang {
    let korean = locale.split(['_', '.', '-']).next() == Some("ko");
    asked.or_else(configured).unwrap_or(if korean { Lang::Ko } else { Lang::En })
}

fn configured(given: &Given) -> Option<Lang> {
    gate::lang(&Workspace::here(), given)
}

/// The person's; none where nobody looks, so that logs are the same on every machine.
fn locale() -> String {
    if ci::is_ci() || !std::io::stderr().is_terminal() {
        return String::new();
    }
    let said = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    said.unwrap_or_default()
}

/// The config that a command reads, if any says how it speaks.
fn given(command: &Command) -> Option<Given> {
    let file = |config: &ConfigArgs| Given {
        file: config.config.clone(),
        set: config.set.clone(),
        flags: Flags::default(),
    };
    let over = |config: &ConfigArgs, base_url: &Option<String>| Given {
        flags: Flags { base_url: base_url.clone(), ..Flags::default() },
        ..file(config)
    };
    Some(match command {
        // Its config is its own.
        Command::Check(args) if args.demo => {
            Given { set: args.config.set.clone(), ..Given::default() }
        }
        Command::Check(args) => over(&args.config, &args.workload.base_url),
        Command::Run(args) => over(&args.config, &args.workload.base_url),
        Command::Calibrate(args) => over(&args.config, &args.workload.base_url),
        Command::Bisect(args) => over(&args.config, &args.workload.base_url),
        Command::Doctor(args) => over(&args.config, &args.base_url),
        Command::Compare(args) => file(&args.config),
        Command::Comment(args) => file(&args.config),
        Command::Accept(args) => file(&args.config),
        Command::Baseline(command) => match command {
            BaselineCommand::Update(args) => over(&args.config, &args.workload.base_url),
            BaselineCommand::List(args) => file(&args.config),
            BaselineCommand::Show(args) => file(&args.config),
            BaselineCommand::Resolve(args) => file(&args.config),
            BaselineCommand::Promote(args) => file(&args.config),
            BaselineCommand::Prune(args) => file(&args.config),
            BaselineCommand::History(args) => file(&args.config),
            BaselineCommand::Drift(args) => file(&args.config),
            BaselineCommand::Anchor(args) => file(&args.config),
        },
        Command::Server(ServerCommand::Logs(args)) => file(&args.server.config),
        Command::Server(
            ServerCommand::Up(args) | ServerCommand::Down(args) | ServerCommand::Status(args),
        ) => file(&args.config),
        Command::Import(args) => Given::file(args.config.clone()),
        Command::Merge(_)
        | Command::Cluster(_)
        | Command::Report(_)
        | Command::Recommend(_)
        | Command::Models(_)
        | Command::Gpu(_)
        | Command::Init(_)
        | Command::Runs(_)
        | Command::Serve(_) => Given::default(),
        Command::Sim(_)
        | Command::Schema(_)
        | Command::Selftest(_)
        | Command::JudgeCase
        | Command::Bench(_)
        | Command::Supervise(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_wins_over_the_config_and_that_over_the_locale() {
        let language = |asked, configured, locale| first_of(asked, || configured, locale);
        assert_eq!(language(None, None, ""), Lang::En);
        for locale in ["ko_KR.UTF-8", "ko", "ko-KR"] {
            assert_eq!(language(None, None, locale), Lang::Ko, "{locale}");
            assert_eq!(language(None, Some(Lang::En), locale), Lang::En, "{locale}");
        }
        for other in ["en_US.UTF-8", "C", "kok_IN"] {
            assert_eq!(language(None, None, other), Lang::En, "{other}");
        }
        assert_eq!(language(Some(Lang::En), Some(Lang::Ko), "ko_KR.UTF-8"), Lang::En);
        assert_eq!(language(None, Some(Lang::Ko), "en_US.UTF-8"), Lang::Ko);
    }
}
