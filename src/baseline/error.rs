//! What can be wrong with a repository, each with the way out. "Cannot be read" is never "is not
//! there".

use std::fmt;

use git2::{ErrorCode, Repository};

use crate::lang::{Text, bilingual};

#[derive(Debug)]
pub enum GitError {
    /// No repository here or above.
    None,
    Shallow,
    /// Of another user; the folder.
    Owner(String),
    /// What libgit2 does not know.
    Format(&'static str),
    /// No commit yet.
    Unborn,
    /// Nothing is called so.
    NoCommit(String),
    /// The names that were looked for.
    NoBase(String),
    /// The base that has no commit in common with HEAD.
    Unrelated(String),
    /// HEAD is the first commit.
    First,
    Unread {
        what: String,
        why: String,
        remedy: Text,
    },
    /// What the event says that the change is compared with.
    NoEventBase(&'static str),
    /// GOOD is no first-parent ancestor of BAD; a commit that both descend from.
    NotBetween {
        good: String,
        bad: String,
        shared: Option<String>,
    },
    /// A link that leads out of the repository.
    LedOut(String),
    InSubmodule(String),
    Other(String),
}

fn not_between(good: &str, bad: &str, shared: Option<&str>) -> Text {
    let what = bilingual!(
        "{good} is not on the first-parent history of {bad}, so no commit between them can be searched",
        "{good}: {bad}의 첫 번째 부모 이력에 없어 사이의 커밋을 찾을 수 없음"
    );
    let Some(commit) = shared else { return what };
    what.then(&bilingual!(
        ": name a commit of that history instead (both descend from {commit})",
        ": 그 이력에 있는 커밋을 지정하십시오 (둘의 공통 조상: {commit})"
    ))
}

impl GitError {
    /// What is wrong, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::None => bilingual!(
                "no git repository here or above: baselines are found by commit, so run inside the repository or name them with --baseline PATH",
                "여기에도 상위 폴더에도 git 저장소 없음: 기준선은 커밋으로 찾으므로 저장소 안에서 실행하거나 --baseline PATH로 지정하십시오"
            ),
            Self::Shallow => bilingual!(
                "the clone is shallow, so commits before the newest are not here: fetch all of them (actions/checkout: `fetch-depth: 0`; by hand: `git fetch --unshallow`)",
                "얕은 클론(shallow clone)이라 최신 커밋 이전의 커밋이 없음: 전체를 가져오십시오 (actions/checkout: `fetch-depth: 0`, 직접: `git fetch --unshallow`)"
            ),
            Self::Owner(folder) => bilingual!(
                "the repository belongs to another user, and git reads no such: run `git config --global --add safe.directory {folder}`",
                "저장소의 소유자가 다른 사용자라 git이 읽지 않음: `git config --global --add safe.directory {folder}`를 실행하십시오"
            ),
            Self::Format(what) => bilingual!(
                "this repository cannot be read: it uses {what}, which libgit2 does not know: name the baseline with --baseline PATH, or clone it in git's usual format (`git init --object-format=sha1 --ref-format=files`)",
                "저장소를 읽을 수 없음: libgit2가 모르는 형식({what}) 사용. 기준선을 --baseline PATH로 지정하거나, git의 기본 형식으로 클론하십시오 (`git init --object-format=sha1 --ref-format=files`)"
            ),
            Self::Unborn => bilingual!(
                "the repository has no commit yet: commit first, baselines are keyed by commit",
                "저장소에 아직 커밋 없음: 기준선은 커밋별로 저장하므로 먼저 커밋하십시오"
            ),
            Self::NoCommit(name) => bilingual!(
                "no commit, branch or tag {name:?} here: fetch it, or name another (--base, gate.baseline.ref, baselines.ref)",
                "커밋, 브랜치, 태그 중에 {name:?} 없음: fetch하거나 다른 이름을 지정하십시오 (--base, gate.baseline.ref, baselines.ref)"
            ),
            Self::NoBase(names) => bilingual!(
                "no base branch found (looked for {names}): name it with --base REF, or the baseline's commit in gate.baseline.ref",
                "base 브랜치를 찾지 못함 (찾은 이름: {names}): --base REF로 지정하거나, 기준선 커밋을 gate.baseline.ref에 쓰십시오"
            ),
            Self::Unrelated(base) => bilingual!(
                "HEAD and {base} have no commit in common: name another base with --base REF, or the baseline's commit in gate.baseline.ref",
                "HEAD와 {base}에 공통 커밋 없음: 다른 base를 --base REF로 지정하거나, 기준선 커밋을 gate.baseline.ref에 쓰십시오"
            ),
            Self::First => bilingual!(
                "HEAD is the first commit of its branch, and the tree is clean: there is nothing to compare it with",
                "HEAD가 브랜치의 첫 커밋이고 바뀐 파일도 없음: 비교할 대상 없음"
            ),
            Self::Unread { what, why, remedy } => Text {
                en: format!("cannot read {what} in this repository ({why}): {}", remedy.en),
                ko: format!("저장소에서 {what} 읽기 실패 ({why}): {}", remedy.ko),
            },
            Self::NoEventBase(what) => bilingual!(
                "the change is compared with {what}, and the event says neither its commit nor its branch: name the base branch with --base REF",
                "비교 대상은 {what}인데 이벤트에 그 커밋도 브랜치도 없음: base 브랜치를 --base REF로 지정하십시오"
            ),
            Self::NotBetween { good, bad, shared } => not_between(good, bad, shared.as_deref()),
            Self::LedOut(path) => bilingual!(
                "{path} leads out of this repository, so that no commit has what it leads to: commit a plain file there",
                "{path}: 저장소 밖을 가리키는 링크라 어느 커밋에도 내용이 없음. 일반 파일로 커밋하십시오"
            ),
            Self::InSubmodule(path) => bilingual!(
                "{path} lies in a submodule, and is read from this repository only: name a file of this repository",
                "{path}: 서브모듈 안의 파일. 이 저장소의 파일만 읽으므로 이 저장소의 파일을 지정하십시오"
            ),
            Self::Other(why) => format!("git: {why}").into(),
        }
    }

    /// An object, or whatever else git has a name for, that is there by what leads to it and cannot
    /// be read.
    pub(super) fn unread(repo: &Repository, what: impl Into<String>, e: &git2::Error) -> Self {
        let remedy = match promisor(repo) {
            Some(remote) => bilingual!(
                "this clone is partial, and what was left out is not here: `git fetch --refetch --no-filter {remote}` fetches it \
                 (actions/checkout: neither `filter` nor `sparse-checkout`, and `fetch-depth: 0`)",
                "부분 클론(partial clone)이라 제외된 객체가 없음: `git fetch --refetch --no-filter {remote}`로 가져오십시오 \
                 (actions/checkout: `filter`와 `sparse-checkout` 없이 `fetch-depth: 0`)"
            ),
            None => bilingual!(
                "the repository is damaged: `git fsck` says where, `git fetch --refetch` or a new clone mends it",
                "저장소 손상: 위치는 `git fsck`로 확인하고, `git fetch --refetch` 또는 새 클론으로 복구하십시오"
            ),
        };
        Self::Unread { what: what.into(), why: e.message().to_owned(), remedy }
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for GitError {}

/// The remote that promises what a partial clone has left out.
fn promisor(repo: &Repository) -> Option<String> {
    let config = repo.config().ok()?;
    let mut entries = config.entries(Some(r"^remote\..*\.promisor$")).ok()?;
    while let Some(Ok(entry)) = entries.next() {
        let name =
            entry.name().ok().and_then(|n| n.strip_prefix("remote.")?.strip_suffix(".promisor"));
        let set = entry.value() != Ok("false");
        if let Some(name) = name.filter(|_| set) {
            return Some(name.to_owned());
        }
    }
    None
}

/// There is nothing of this name, or nothing can have it.
pub(super) fn is_absent(e: &git2::Error) -> bool {
    matches!(e.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec)
}

/// libgit2 tells what it does not know in words only.
pub(super) fn unknown_format(message: &str) -> Option<GitError> {
    let message = message.to_ascii_lowercase();
    if message.contains("refstorage") || message.contains("reftable") {
        return Some(GitError::Format("reftable references"));
    }
    if message.contains("partialclone") {
        return Some(GitError::Format("an older git's partial clone"));
    }
    (message.contains("objectformat")
        || message.contains("object format")
        || message.contains("sha256"))
    .then_some(GitError::Format("SHA-256 object names"))
}

pub(super) fn other(e: &git2::Error) -> GitError {
    GitError::Other(e.message().to_owned())
}
