//! How many replicas and GPUs a load needs: the answer with its arithmetic, in words. Not here: the
//! limit of one replica (`capacity`), the arithmetic itself (`judge::capacity::fleet`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capacity::{Capacity, level, round};
use super::sweep::bend::level_name;
use crate::config::Axis;
use crate::judge::capacity::Limit;
use crate::judge::capacity::fleet::Replicas;
use crate::lang::{Text, bilingual};

/// What `recommend` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recommendation {
    /// Always `goodput-gate/recommendation`.
    pub schema: String,
    pub version: u32,
    pub model: Option<String>,
    pub gpu: Option<String>,
    /// Of one replica, as it was measured.
    pub capacity: Capacity,
    pub limit: Limit,
    /// Per second, or in flight, as the limit; without headroom.
    pub peak: f64,
    pub headroom_ratio: f64,
    pub spare: u32,
    pub replicas: Replicas,
    /// Absent where nobody says how many GPUs a replica has.
    pub gpus_per_replica: Option<u32>,
    /// The peak from which on `replicas.most` are too few.
    pub add_one_at: f64,
    /// All replicas together at the peak; output tokens per second. Absent where it is unmeasured.
    pub output_tokens_per_s: Option<f64>,
    /// Good requests per second, at least; of a peak in requests per second.
    pub goodput_per_s: Option<f64>,
    /// Per million output tokens at the peak, in the currency of `--gpu-hour`, with `replicas.most`.
    pub cost_per_million_tokens: Option<f64>,
}

pub const SCHEMA: &str = "goodput-gate/recommendation";

impl Recommendation {
    fn name(&self, load: f64) -> Text {
        let load = level(self.capacity.axis, load);
        match self.capacity.axis {
            Axis::Concurrency => {
                bilingual!("{load} requests in flight", "동시 요청 {load}개")
            }
            Axis::Rate => Text::from(level_name(Axis::Rate, load)),
        }
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<Text> {
        let Replicas { expected, most, .. } = self.replicas;
        let mut lines = vec![self.how_many()];
        let (peak, at) = (self.name(self.peak), self.name(self.limit.at));
        let (low, high) =
            (level(self.capacity.axis, self.limit.low), level(self.capacity.axis, self.limit.high));
        let (headroom, spare) = (round(self.headroom_ratio * 100.0), self.spare);
        lines.push(
            bilingual!("one replica holds ", "복제본 하나의 한계 ")
                .then(&at)
                .then(&Text::from(format!(" ({low}-{high})"))),
        );
        let sum = format!(
            "{} x {:.2} / {} = {:.2}",
            level(self.capacity.axis, self.peak),
            1.0 + self.headroom_ratio,
            level(self.capacity.axis, self.limit.at),
            self.peak * (1.0 + self.headroom_ratio) / self.limit.at,
        );
        lines.push(bilingual!("peak ", "최대 부하 ").then(&peak).then(&bilingual!(
            ", {headroom} % on top, {spare} spare: {sum}, so {expected}; {most} if the limit is at the low end of its interval",
            ", 여유 {headroom} %, 예비 {spare}개: {sum}, 따라서 {expected}개; 한계가 구간의 아래 끝이면 {most}개"
        )));
        lines.push(
            bilingual!("add one when the peak passes ", "하나 더 필요한 시점: 최대 부하가 ")
                .then(&self.name(self.add_one_at))
                .then(&bilingual!("", "를 넘을 때")),
        );
        if let Some(tokens) = self.output_tokens_per_s {
            lines.push(bilingual!(
                "at the peak: {tokens:.0} output tokens/s",
                "최대 부하에서: 출력 토큰 {tokens:.0}/s"
            ));
        }
        if let Some(good) = self.goodput_per_s {
            lines.push(bilingual!(
                "goodput there: at least {good:.1} requests/s",
                "그때의 goodput: 최소 {good:.1} requests/s"
            ));
        }
        if let Some(cost) = self.cost_per_million_tokens {
            lines.push(bilingual!(
                "cost there: {cost:.3} per million output tokens, with {most} replicas",
                "그때의 비용: 출력 토큰 100만 개당 {cost:.3} (복제본 {most}개)"
            ));
        }
        lines.push(bilingual!(
            "assumed: a fair balancer before the replicas, and no prefix cache that they share",
            "가정: 복제본 앞의 부하 분산이 고르고, 복제본끼리 프리픽스 캐시를 나누지 않음"
        ));
        lines
    }

    fn how_many(&self) -> Text {
        let Replicas { least, most, .. } = self.replicas;
        match self.gpus_per_replica {
            Some(each) => {
                let gpus = range(least.saturating_mul(each), most.saturating_mul(each));
                let (replicas, end) =
                    (range(least, most), bilingual!(" ({each} each)", "개 (복제본당 {each}개)"));
                bilingual!("", "복제본 ")
                    .then(&replicas)
                    .then(&bilingual!(" replicas, ", "개, GPU "))
                    .then(&gpus)
                    .then(&bilingual!(" GPUs", ""))
                    .then(&end)
            }
            None => bilingual!("", "복제본 ").then(&range(least, most)).then(&bilingual!(
                " replicas; --gpus-per-replica says how many GPUs that is",
                "개; GPU 수를 알려면 --gpus-per-replica 지정"
            )),
        }
    }
}

fn range(least: u32, most: u32) -> Text {
    if least == most {
        return Text::from(least.to_string());
    }
    bilingual!("{least} to {most}", "{least}~{most}")
}
