#!/usr/bin/env bash
# Prints the path of a goodput-gate: the one given, else a release's that matches its checksum, else one built from the action's source.
# A wrong checksum is an error and never a reason to go on; a release that is not there is, unless it was asked for by name.
set -euo pipefail

# On one line, and nothing in it is a command to the runner.
say() {
  local text="$*"
  text=${text//[[:cntrl:]]/ }
  while [[ $text == *'##'* ]]; do text=${text//'##'/'# #'}; done
  printf 'goodput-gate: %s\n' "$text" >&2
}
die() { say "$@"; exit 1; }

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
room=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/goodput-gate.XXXXXX")

given() {
  local path=$GG_BINARY
  [[ $path == */* ]] || path=$(command -v -- "$path") || die "the input 'binary' is not on the PATH: $GG_BINARY"
  [ -x "$path" ] || die "the input 'binary' is not an executable file: $path"
  # Absolute: the gate may run in another folder.
  printf '%s\n' "$(cd "$(dirname "$path")" && pwd)/$(basename "$path")"
}

fetch() { curl -fsSL --proto '=https' --proto-redir '=https' --retry 3 --connect-timeout 20 -o "$room/$2" "$1/$2"; }

# Fails where the release cannot be had; ends the script where what was had is not what the release says.
release() {
  local version=$1 asset url
  case $(uname -s)-$(uname -m) in
  Linux-x86_64) asset=goodput-gate-x86_64-unknown-linux-gnu ;;
  Linux-aarch64) asset=goodput-gate-aarch64-unknown-linux-gnu ;;
  *) say "no release for $(uname -s) on $(uname -m)"; return 1 ;;
  esac
  [ -n "${GG_ACTION_REPOSITORY:-}" ] || { say "a local action has no releases"; return 1; }
  [[ $version =~ ^v[0-9A-Za-z.+-]+$ ]] || die "not a release: $version"
  url=${GITHUB_SERVER_URL:-https://github.com}/$GG_ACTION_REPOSITORY/releases/download/$version
  say "downloading $url/$asset"
  fetch "$url" "$asset" && fetch "$url" SHA256SUMS || return 1
  verify "$asset"
}

verify() {
  local wanted actual
  wanted=$(awk -v name="$1" '$2 == name || $2 == "*" name { print $1 }' "$room/SHA256SUMS")
  actual=$(sha256sum <"$room/$1" | cut -d ' ' -f 1)
  [ -n "$wanted" ] && [ "$wanted" = "$actual" ] || die "checksum of $1 is $actual, and SHA256SUMS says '$wanted'"
  chmod +x "$room/$1"
  printf '%s\n' "$room/$1"
}

build() {
  command -v cargo >/dev/null || die "no cargo on this runner: install Rust, or give the input 'binary' or 'version'"
  # Kept between jobs where the runner keeps anything; the binary itself is copied out, since another job may build another ref.
  export CARGO_TARGET_DIR=${RUNNER_TOOL_CACHE:-$room}/goodput-gate-target
  say "building from $source_root (minutes the first time) in $CARGO_TARGET_DIR"
  cargo build --release --locked --manifest-path "$source_root/Cargo.toml" >&2 || die "cargo could not build it"
  cp "$CARGO_TARGET_DIR/release/goodput-gate" "$room/goodput-gate"
  printf '%s\n' "$room/goodput-gate"
}

version=${GG_VERSION:-}
if [ -n "${GG_BINARY:-}" ]; then
  given
elif [ -n "$version" ]; then
  release "$version" || die "release $version could not be downloaded; without the input 'version' it is built from source"
elif [[ ${GG_ACTION_REF:-} =~ ^v[0-9]+\.[0-9]+\.[0-9]+ ]] && release "$GG_ACTION_REF"; then
  :
else
  build
fi
