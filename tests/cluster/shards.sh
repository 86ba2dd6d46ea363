#!/usr/bin/env bash
# Four shards under a real Slurm of two nodes on this machine, against the simulated server: the job that `cluster slurm` prints, a shard
# that is killed, one that is late, one whose clock is wrong.
#   shards.sh BINARY     as root: slurm.sh installs and starts Slurm, and it is ended again
# The machine may be busy, so that a client is late: that makes a run INVALID (3), and what is compared here all the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
gate=$(realpath "$1")
work=$(mktemp -d)
export GOODPUT_GATE=$gate GOODPUT_GATE_LOCK_DIR=$work/locks GOODPUT_GATE_CHECK_ARGS="--base none" NO_COLOR=1
mkdir "$work/locks"
cd "$work"
eval "$("$here/slurm.sh" up)"

"$gate" sim --listen 127.0.0.1:0 </dev/null >sim.json &
sim=$!
trap 'kill $sim 2>/dev/null || true; "$here/slurm.sh" down; rm -rf "$work"' EXIT
until [ -s sim.json ]; do sleep 0.1; done
url=$(python3 -c 'import json; print(json.load(open("sim.json"))["base_url"])')
cat >goodput-gate.yaml <<CONFIG
version: 1
target: {base_url: "$url"}
gate: {mode: limits, rounds: 2}
workloads:
  - name: chat
    arrival: {poisson: {rate: 40}}
    requests: 200
    warmup: 4
    prompts: {synthetic: {input_tokens: 32}}
    output_tokens: 12
    limits: {error_rate: {max: 5%}}
CONFIG

fail() { echo "FAILED: $*" >&2; tail -n 30 ./*.log >&2; exit 1; }
# say CODES NAME: the last command's code must be one of CODES.
code_is() { case " $1 " in *" $code "*) ;; *) fail "$2: exit $code, expected one of $1" ;; esac; }

echo "- the job that is printed"
"$gate" cluster slurm --shards 4 --port 17070 >job.sbatch
bash -n job.sbatch
code=0
sbatch --quiet --wait --cpus-per-task=1 --output=job.log job.sbatch || code=$?
code_is "0 3" "the printed job"
out=$(echo .goodput-gate/*/)
python3 - "$out" <<'CHECK' || fail "merged numbers are not those of all raw columns together"
import glob, json, math, sys
out = sys.argv[1]
merged = json.load(open(f"{out}/merged/record.json"))
shards = [json.load(open(path)) for path in sorted(glob.glob(f"{out}/shard-*/record.json"))]
assert len(shards) == 4 and merged["merged"]["shards"] == 4, len(shards)
rounds = lambda record: record["workloads"][0]["starts"][0]["rounds"]
def percentile(values, q):
    values, h = sorted(values), (len(values) - 1) * q
    low, high = values[math.floor(h)], values[math.ceil(h)]
    return (low + (h - math.floor(h)) * (high - low)) / 1000
starts = []
for i, round in enumerate(rounds(merged)):
    assert len(round["columns"]["ttft_us"]) == 200
    for column, name in (("ttft_us", "ttft"), ("e2e_us", "e2e")):
        raw = [v for shard in shards for v in rounds(shard)[i]["columns"][column] if v is not None]
        for q in (50, 90, 95):
            ours, theirs = percentile(raw, q / 100), round["metrics"][f"{name}_p{q}_ms"]
            assert abs(ours - theirs) < 1e-9, (name, q, ours, theirs)
    gaps = {}
    for shard in shards:
        counts = rounds(shard)[i]["shard"]["chunk_gaps"]
        for us, n in zip(counts["us"], counts["count"]): gaps[us] = gaps.get(us, 0) + n
    raw = [us for us, n in gaps.items() for _ in range(n)]
    assert abs(percentile(raw, 0.99) - round["chunk_gap_p99_ms"]) < 1e-9
    clocks = [rounds(shard)[i]["shard"]["clock"] for shard in shards]
    assert len({clock["began"] for clock in clocks}) == 1
    starts += [clock["late_us"] + clock["uncertainty_us"] for clock in clocks]
print(f"  merged percentiles are those of all raw columns; starts within {max(starts) / 1000:.2f} ms of T0")
CHECK

# task NUMBER COMMAND: four tasks, of which that one runs COMMAND with the gate's words behind it.
four() {
  cat >task.sh <<TASK
run=("$gate" run --shard --rendezvous http://127.0.0.1:$3 --shard-wait $4 --out "$work/$5")
[ "\$SLURM_PROCID" != "$1" ] || { $2; }
exec "\${run[@]}"
TASK
  GOODPUT_GATE_RENDEZVOUS_TOKEN=secret srun --quiet -N2 -n4 --kill-on-bad-exit=0 bash task.sh >"$5.log" 2>&1 || true
}
judge() {
  "$gate" merge "$1"/shard-*/record.json --out "$1/merged" >>"$1.log" 2>&1 || true
  code=0
  "$gate" check --base none --from "$1/merged/record.json" --out "$1/checked" >"$1-check.log" 2>&1 || code=$?
}

echo "- a shard that is killed"
# shellcheck disable=SC2016 # the task expands it
four 2 'exec timeout -s KILL 9 "${run[@]}"' 17071 5s killed
judge killed
code_is 3 "a killed shard"
grep -Eq "shard 2 of 4 is missing|shard [013] ended before" killed/merged/record.json || fail "the killed shard is not named"

echo "- a shard that is late"
four 3 'sleep 8' 17072 3s late
grep -q "not all of 4 shards came within 3 s: 3 missing" late.log || fail "the late shard is not named"
judge late
[ "$code" -ne 0 ] || fail "a late shard: passed"

echo "- a shard whose clock is wrong"
four 1 'run+=(--bend-clock 180000,0.01)' 17073 60s skewed
judge skewed
code_is 3 "a skewed clock"
tr -d '\n' <skewed-check.log | grep -q "INVALID" || fail "a skewed clock is not INVALID"
grep -q "shard 1: the clock of this shard moved by" skewed/merged/record.json || fail "the skewed clock is not named"
echo "four shards under Slurm: all as they should be"
