#!/usr/bin/env bash
# The action's one step: gets a goodput-gate, makes a command line of the inputs (GG_*), runs it, ends with its exit code.
# No input is ever part of shell text. Not here: where the binary comes from (install.sh).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

values=(config baseline base baseline-url detect out data record raw time-limit log-format workers base-url target model protocol
  api-key-env concurrency rate sweep find arrival requests duration max-in-flight input-tokens output-tokens shared-prefix corpus warmup
  rounds starts seed timeout temperature extra-body preset slo sessions level-shift push repo sha pr lang)
switches=(interleaved each dry-run no-wait exclusive no-stream force verbose)
# true, or a value.
optional=(pull-request)
lists=(set workload from)

output() { if [ -n "${GITHUB_OUTPUT:-}" ]; then printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; fi; }

# Also where nothing was measured: an absent exit code would read as none.
leave() {
  output process_exit_code "$1"
  exit "$1"
}

refuse() {
  printf '::error title=goodput-gate::%s\n' "$1"
  leave "$2"
}

# The value of an input: working-directory is GG_WORKING_DIRECTORY.
input() {
  local name=${1//-/_}
  name=GG_${name^^}
  printf '%s\n' "${!name:-}"
}

# Lines of a list, blank ones and the space around them dropped.
lines() { sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d'; }

case ${GG_COMMAND:-check} in
check | run | comment) arguments=("${GG_COMMAND:-check}") ;;
'baseline update' | 'baseline drift') arguments=(baseline "${GG_COMMAND#baseline }") ;;
*) refuse "the input 'command' is none of check, run, baseline update, baseline drift, comment" 2 ;;
esac

for flag in "${values[@]}"; do
  value=$(input "$flag")
  # With =, so that a value which begins with a dash stays a value.
  if [ -n "$value" ]; then arguments+=("--$flag=$value"); fi
done
for flag in "${switches[@]}"; do
  case $(input "$flag") in
  true) arguments+=("--$flag") ;;
  '' | false) ;;
  *) refuse "the input '$flag' is neither true nor false" 2 ;;
  esac
done
for flag in "${optional[@]}"; do
  value=$(input "$flag")
  case $value in
  true) arguments+=("--$flag") ;;
  '' | false) ;;
  *) arguments+=("--$flag=$value") ;;
  esac
done
for flag in "${lists[@]}"; do
  while IFS= read -r value; do arguments+=("--$flag=$value"); done < <(input "$flag" | lines)
done
binary=$("$here/install.sh") || refuse 'there is no goodput-gate to run: the lines above say why' 3
output binary "$binary"
if [ -n "${GG_WORKING_DIRECTORY:-}" ]; then
  cd "$GG_WORKING_DIRECTORY" 2>/dev/null || refuse "the input 'working-directory' is not a folder" 2
fi

if [ "${GG_COMMAND:-check}" = comment ]; then
  arguments+=(--)
  # A pattern that fits nothing stays as it is, and is refused by its name.
  while IFS= read -r value; do
    while IFS= read -r path; do arguments+=("$path"); done < <(compgen -G "$value" || printf '%s\n' "$value")
  done < <(input records | lines)
fi

# A cancelled job signals this shell and not its child, which has to save what it has measured.
"$binary" "${arguments[@]}" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' INT TERM
wait "$child"
code=$?
# A trapped signal ends the wait, and not the child.
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  code=$?
done
leave "$code"
