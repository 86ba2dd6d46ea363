//! The git half of the GitHub on loopback: branches, commits, trees, contents. Trees are flat lists
//! of paths. Not here: HTTP (the parent).

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};
use serde_json::{Value, json};

/// Path to text.
pub type Tree = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub struct Commit {
    pub tree: String,
    pub parents: Vec<String>,
    pub message: String,
}

#[derive(Default)]
pub struct Git {
    pub branches: BTreeMap<String, String>,
    pub commits: BTreeMap<String, Commit>,
    trees: BTreeMap<String, Tree>,
    /// So often somebody else pushes to a branch just before it is moved.
    pub races: usize,
    /// Why no branch of this name moves.
    pub protected: Option<(&'static str, u16, &'static str)>,
}

/// Status and body; `None` where it is no business of git's.
type Answer = Option<(u16, Value)>;

fn name(kind: ObjectType, text: &str) -> String {
    Oid::hash_object(kind, text.as_bytes()).expect("SHA-1").to_string()
}

fn refused(status: u16, message: &str) -> (u16, Value) {
    (status, json!({"message": message, "documentation_url": "https://docs.github.com/rest"}))
}

impl Git {
    /// A commit on top of a branch (or its first), made by somebody.
    pub fn commit(&mut self, branch: &str, path: &str, text: &str) -> String {
        let parents: Vec<String> = self.branches.get(branch).cloned().into_iter().collect();
        let mut tree = self.files(branch);
        tree.insert(path.into(), text.into());
        let tree = self.add_tree(tree);
        let made = self.add_commit(Commit { tree, parents, message: format!("add {path}") });
        self.branches.insert(branch.into(), made.clone());
        made
    }

    /// What a branch has.
    pub fn files(&self, branch: &str) -> Tree {
        let commit = self.branches.get(branch).and_then(|tip| self.commits.get(tip));
        commit.map(|c| self.trees[&c.tree].clone()).unwrap_or_default()
    }

    pub fn tip(&self, branch: &str) -> &Commit {
        &self.commits[&self.branches[branch]]
    }

    /// Commits from the tip along first parents.
    pub fn history(&self, branch: &str) -> Vec<Commit> {
        let mut found = Vec::new();
        let mut next = self.branches.get(branch).cloned();
        while let Some(commit) = next.and_then(|sha| self.commits.get(&sha)) {
            found.push(commit.clone());
            next = commit.parents.first().cloned();
        }
        found
    }

    pub fn handle(&mut self, method: &str, parts: &[&str], query: &str, body: &Value) -> Answer {
        Some(match (method, parts) {
            ("GET", ["git", "ref", "heads", branch @ ..]) => self.reference(&branch.join("/")),
            ("POST", ["git", "refs"]) => self.new_branch(body),
            ("PATCH", ["git", "refs", "heads", branch @ ..]) => self.moved(&branch.join("/"), body),
            ("GET", ["git", "commits", sha]) => match self.commits.get(*sha) {
                Some(commit) => (
                    200,
                    json!({"sha": sha, "tree": {"sha": commit.tree}, "message": commit.message}),
                ),
                None => refused(404, "Not Found"),
            },
            ("POST", ["git", "commits"]) => self.new_commit(body),
            ("POST", ["git", "trees"]) => self.new_tree(body),
            ("GET", ["contents", path @ ..]) => self.contents(&path.join("/"), query),
            ("POST", ["merges"]) => self.merge(body),
            _ => return None,
        })
    }

    fn add_tree(&mut self, tree: Tree) -> String {
        let sha = name(ObjectType::Tree, &format!("{tree:?}"));
        self.trees.insert(sha.clone(), tree);
        sha
    }

    fn add_commit(&mut self, commit: Commit) -> String {
        let sha = name(ObjectType::Commit, &format!("{commit:?} {}", self.commits.len()));
        self.commits.insert(sha.clone(), commit);
        sha
    }

    fn reference(&self, branch: &str) -> (u16, Value) {
        match self.branches.get(branch) {
            Some(sha) => (
                200,
                json!({"ref": format!("refs/heads/{branch}"), "object": {"type": "commit", "sha": sha}}),
            ),
            None => refused(404, "Not Found"),
        }
    }

    fn new_branch(&mut self, body: &Value) -> (u16, Value) {
        let full = body["ref"].as_str().expect("a ref");
        let (branch, sha) = (
            full.strip_prefix("refs/heads/").expect("a full name"),
            body["sha"].as_str().expect("a commit"),
        );
        if self.branches.contains_key(branch) {
            return refused(422, "Reference already exists");
        }
        self.branches.insert(branch.into(), sha.into());
        let (_, reference) = self.reference(branch);
        (201, reference)
    }

    fn moved(&mut self, branch: &str, body: &Value) -> (u16, Value) {
        assert_eq!(body["force"], false, "never by force");
        if let Some((_, status, message)) = self.protected.filter(|(name, ..)| *name == branch) {
            return refused(status, message);
        }
        if self.races > 0 {
            self.races -= 1;
            self.commit(branch, &format!("other/{}", self.races), "faster");
        }
        let sha = body["sha"].as_str().expect("a commit");
        let (Some(tip), Some(new)) = (self.branches.get(branch), self.commits.get(sha)) else {
            return refused(422, "Reference does not exist");
        };
        if tip != sha && !new.parents.contains(tip) {
            return refused(422, "Update is not a fast forward");
        }
        self.branches.insert(branch.into(), sha.into());
        self.reference(branch)
    }

    fn new_commit(&mut self, body: &Value) -> (u16, Value) {
        let parents = body["parents"]
            .as_array()
            .expect("parents")
            .iter()
            .map(|p| p.as_str().expect("a hash").to_owned());
        let (tree, message) =
            (body["tree"].as_str().expect("a tree"), body["message"].as_str().expect("a message"));
        assert!(self.trees.contains_key(tree) && body.get("author").is_none());
        let commit =
            Commit { tree: tree.into(), parents: parents.collect(), message: message.into() };
        (201, json!({"sha": self.add_commit(commit)}))
    }

    fn new_tree(&mut self, body: &Value) -> (u16, Value) {
        let mut tree = self.trees[body["base_tree"].as_str().expect("a base")].clone();
        for entry in body["tree"].as_array().expect("entries") {
            assert_eq!((&entry["mode"], &entry["type"]), (&json!("100644"), &json!("blob")));
            let text = |key: &str| entry[key].as_str().expect("text").to_owned();
            tree.insert(text("path"), text("content"));
        }
        (201, json!({"sha": self.add_tree(tree)}))
    }

    fn contents(&self, path: &str, query: &str) -> (u16, Value) {
        let commit = self.commits.get(query.strip_prefix("ref=").expect("of a commit"));
        match commit.and_then(|c| self.trees[&c.tree].get(path)) {
            Some(text) => {
                (200, json!({"path": path, "type": "file", "sha": name(ObjectType::Blob, text)}))
            }
            None => refused(404, "Not Found"),
        }
    }

    /// Nothing conflicts here.
    fn merge(&mut self, body: &Value) -> (u16, Value) {
        let (into, from) =
            (body["base"].as_str().expect("a base"), body["head"].as_str().expect("a head"));
        let mut tree = self.files(into);
        tree.extend(self.files(from));
        let tree = self.add_tree(tree);
        let parents = vec![self.branches[into].clone(), self.branches[from].clone()];
        let made =
            self.add_commit(Commit { tree, parents, message: format!("Merge {from} into {into}") });
        self.branches.insert(into.into(), made.clone());
        (201, json!({"sha": made}))
    }
}
