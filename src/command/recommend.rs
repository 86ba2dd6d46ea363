//! `recommend`: how many replicas and GPUs a load needs, by a stored search.

use anyhow::{Context as _, bail};

use super::output;
use crate::app::recommend::{Asked, Peak, recommend};
use crate::cli::RecommendArgs;
use crate::config::parse_percent;
use crate::exit::ExitStatus;
use crate::lang::Text;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

pub fn run(args: &RecommendArgs) -> anyhow::Result<ExitStatus> {
    let asked = Asked {
        from: &args.from,
        peak: peak(args)?,
        headroom: percent("--headroom", &args.headroom)?,
        spare: args.spare,
        goal: args.goodput_target.as_deref().map(|p| percent("--goodput-target", p)).transpose()?,
        gpus_per_replica: args.gpus_per_replica,
        gpu_hour: args.gpu_hour,
        model: args.model.as_deref(),
        gpu: args.gpu.as_deref(),
        input_tokens: args.input_tokens,
        output_tokens: args.output_tokens,
    };
    if asked.goal.is_some_and(|goal| !(0.5..=0.999).contains(&goal)) {
        bail!("--goodput-target must be from 50% to 99.9%");
    }
    let answer = recommend(&asked)?;
    if args.json {
        output::print_text(&Text::from(serde_json::to_string_pretty(&answer)?))?;
    } else {
        output::print_text(&Text::joined(&answer.lines(), "\n"))?;
    }
    Ok(ExitStatus::Pass)
}

fn percent(flag: &str, text: &str) -> anyhow::Result<f64> {
    let share = parse_percent(text).map_err(|e| anyhow::anyhow!("{flag}: {}", e.what.en))?;
    if !(0.0..=10.0).contains(&share) {
        bail!("{flag} must be from 0% to 1000%, not {text}");
    }
    Ok(share)
}

/// Errors: none was said, or it is no number above 0.
fn peak(args: &RecommendArgs) -> anyhow::Result<Peak> {
    let of_users = || {
        let each = args.requests_per_user_day.context("--users needs --requests-per-user-day")?;
        anyhow::Ok(args.users.map(|users| users * each / DAY * args.peak_factor))
    };
    let peak = match (args.peak_rate, args.peak_concurrency) {
        (Some(rate), _) => Peak::Rate(rate),
        (_, Some(n)) => Peak::Concurrency(n),
        _ => Peak::Rate(of_users()?.context("--peak-rate, --peak-concurrency or --users")?),
    };
    let (Peak::Rate(load) | Peak::Concurrency(load)) = peak;
    if !(load.is_finite() && load > 0.0) {
        bail!("the peak must be a number above 0, not {load}");
    }
    Ok(peak)
}
