#!/usr/bin/env bash
# The load of goodput-gate from @SHARDS@ tasks of a Slurm job. Submit it in the repository, with a server that runs already:
#   sbatch --wait goodput-gate.sbatch; echo $?     0 PASS, 1 FAIL, 3 could not measure... as docs/EXIT-CODES.md has it
#SBATCH --job-name=goodput-gate
#SBATCH --ntasks=@SHARDS@
#SBATCH --cpus-per-task=2
#SBATCH --time=01:00:00
#SBATCH --output=goodput-gate-%j.log
set -uo pipefail

gate=${GOODPUT_GATE:-goodput-gate}
read -ra run_args <<<"${GOODPUT_GATE_ARGS:-}"
read -ra check_args <<<"${GOODPUT_GATE_CHECK_ARGS:-}"
# Every node must see this folder.
out=@OUT@/$SLURM_JOB_ID
GOODPUT_GATE_RENDEZVOUS_TOKEN=$(head -c 32 /dev/urandom | base64)
export GOODPUT_GATE_RENDEZVOUS_TOKEN

# Task 0 runs on the first node: the others meet it there.
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(scontrol show node "$first" | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)

# No task's code matters here, and none ends the others: what is missing makes the run INVALID below.
srun --kill-on-bad-exit=0 "$gate" run --config @CONFIG@ \
  --shard --rendezvous "http://$address:@PORT@" --out "$out" "${run_args[@]}"

"$gate" merge "$out"/shard-*/record.json --out "$out/merged"
code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || exit "$code"

# The verdict, and the job's exit code.
exec "$gate" check --config @CONFIG@ --from "$out/merged/record.json" --out "$out" "${check_args[@]}"
