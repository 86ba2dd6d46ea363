//! The workflow that `init` writes: the gate on every pull request, and once a week whether main has
//! drifted, on a runner of the user's own.
//! Not here: the action.

use crate::config::starter::scalar;

/// `branch` is the one that pull requests go to; `key` the variable that the server's API key is
/// in.
pub fn render(branch: &str, key: Option<&str>) -> String {
    let key = key
        .map_or_else(String::new, |name| format!("          {name}: ${{{{ secrets.{name} }}}}\n"));
    format!(
        "\
# Gates every pull request; written by `goodput-gate init`. The runner is a machine of yours that has goodput-gate installed and
# reaches the server of goodput-gate.yaml (Settings > Actions > Runners). Nothing else may load it meanwhile.
name: goodput-gate
on:
  pull_request:
    branches: [{branch}]
  schedule:
    - cron: '17 5 * * 1'                    # Mondays: has the branch become slower by small steps since the last release?
  workflow_dispatch:
permissions:
  contents: read
  checks: write                             # the check
  pull-requests: write                      # the comment
concurrency:
  group: goodput-gate-${{{{ github.event_name }}}}-${{{{ github.ref }}}}
  cancel-in-progress: true                  # a newer push makes the older measurement worthless
jobs:
  gate:
    # Code of a fork does not run on your machine. docs/GITHUB.md of goodput-gate has the pair of jobs for forks.
    if: github.event_name == 'workflow_dispatch' || github.event.pull_request.head.repo.full_name == github.repository
    runs-on: self-hosted
    timeout-minutes: 60
    env:
      ATTEMPTS: goodput-gate-${{{{ github.event.pull_request.head.sha || github.sha }}}}-
    steps:
      - uses: actions/checkout@v4
        with: {{fetch-depth: 0}}              # baselines are found by commit; a shallow clone is an error, not a pass
      - uses: actions/cache/restore@v4      # earlier attempts at this commit: all of them are judged together
        with:
          path: .goodput-gate/attempts*
          key: ${{{{ env.ATTEMPTS }}}}${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
          restore-keys: ${{{{ env.ATTEMPTS }}}}
      - run: goodput-gate check             # its exit code is the verdict
        env:
          GITHUB_TOKEN: ${{{{ github.token }}}}
{key}      - if: always()
        uses: actions/cache/save@v4
        with:
          path: .goodput-gate/attempts*
          key: ${{{{ env.ATTEMPTS }}}}${{{{ github.run_id }}}}-${{{{ github.run_attempt }}}}
      - if: always()
        uses: actions/upload-artifact@v4
        with: {{name: goodput-gate, path: '.goodput-gate/*.*', include-hidden-files: true}}
  drift:
    if: github.event_name == 'schedule'
    runs-on: self-hosted
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with: {{fetch-depth: 0}}
      - run: goodput-gate baseline drift    # measures nothing: it judges the sessions that `baseline update` has left
",
        branch = scalar(branch)
    )
}
