//! A complete job for a cluster, as text: shards, merge and check. Not here: submitting it.

use anyhow::bail;

use crate::lang::bilingual;

const SLURM: &str = include_str!("cluster/slurm.sh");
const KUBERNETES: &str = include_str!("cluster/kubernetes.yaml");

/// What a job is made of.
pub struct ClusterJob<'a> {
    pub shards: u32,
    /// At which shard 0 listens.
    pub port: u16,
    pub config: &'a str,
    /// Slurm: a folder that all nodes see.
    pub out: &'a str,
    /// Kubernetes: of every object.
    pub name: &'a str,
    pub image: &'a str,
}

/// An sbatch script. Errors: a path that a shell would read as more than a word.
pub fn slurm(job: &ClusterJob<'_>) -> anyhow::Result<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
    check_words(&[("--config", job.config), ("--out", job.out)], harmless)?;
    Ok(filled(SLURM, job))
}

/// Manifests of an Indexed Job and what it needs. Errors: a name that no object can have.
pub fn kubernetes(job: &ClusterJob<'_>) -> anyhow::Result<String> {
    let dns = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    check_words(&[("--name", job.name)], dns)?;
    let image = |c: char| c.is_ascii_alphanumeric() || "/._-:@".contains(c);
    check_words(&[("--image", job.image), ("--config", job.config)], image)?;
    // The pods' names are longer by a number, and a name has 63 characters at most.
    let ends = |c: char| c.is_ascii_lowercase();
    if job.name.len() > 52 || !job.name.starts_with(ends) || job.name.ends_with('-') {
        bail!(bilingual!(
            "--name: {name:?} cannot be the name of a job\nhint: up to 52 lower-case letters, digits and hyphens, a letter first",
            "--name: {name:?}은(는) Job의 이름이 될 수 없음\n힌트: 소문자로 시작하고 소문자, 숫자, 하이픈만, 52자까지 쓰십시오",
            name = job.name
        ));
    }
    Ok(filled(KUBERNETES, job))
}

fn check_words(values: &[(&str, &str)], allowed: impl Fn(char) -> bool) -> anyhow::Result<()> {
    match values.iter().find(|(_, value)| value.is_empty() || !value.chars().all(&allowed)) {
        Some((flag, value)) => bail!(bilingual!(
            "{flag}: {value:?} cannot stand in a job\nhint: use letters, digits and . _ - only",
            "{flag}: {value:?}을(를) 작업 파일에 쓸 수 없음\n힌트: 영문자, 숫자, . _ - 만 쓰십시오"
        )),
        None => Ok(()),
    }
}

fn filled(template: &str, job: &ClusterJob<'_>) -> String {
    let values = [
        ("@SHARDS@", job.shards.to_string()),
        ("@PORT@", job.port.to_string()),
        ("@CONFIG@", job.config.to_owned()),
        ("@OUT@", job.out.to_owned()),
        ("@NAME@", job.name.to_owned()),
        ("@IMAGE@", job.image.to_owned()),
    ];
    values.iter().fold(template.to_owned(), |text, (mark, value)| text.replace(mark, value))
}
