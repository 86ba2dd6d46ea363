#!/usr/bin/env python3
"""Four shards and one process send the same plan, in turn, and their metrics are held side by side.

    benches/shards.py target/release/goodput-gate [pairs] [shards]     # 6 pairs; four minutes; nothing else running

Prints each pair and the mean difference with its 95 % interval (Student's t over the pairs): 0 lies in it where cutting changes nothing. Standard library
only. Each pair has a fresh simulated server; who goes first turns. The seeds are the same, so that both send the same arrivals and lengths.
"""

import json
import math
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

GATE = str(Path(sys.argv[1]).resolve())
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
SHARDS = int(sys.argv[3]) if len(sys.argv) > 3 else 4
METRICS = ["ttft_p50_ms", "ttft_p95_ms", "tpot_p50_ms", "e2e_p50_ms", "e2e_p95_ms", "request_rate_per_s", "slo_attainment_ratio"]
# Two-sided 95 % of Student's t, by degrees of freedom.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 11: 2.201}
CONFIG = """
version: 1
target: {{base_url: "{url}"}}
gate: {{mode: limits, rounds: 2}}
workloads:
  - name: chat
    arrival: {{poisson: {{rate: 10}}}}
    requests: 80
    warmup: 8
    prompts: {{synthetic: {{input_tokens: 64}}}}
    output_tokens: 12
    slo: {{ttft: 300ms, tpot: 40ms}}
    limits: {{error_rate: {{max: 1%}}, slo_attainment: {{min: 50%}}}}
"""


def run(folder, *args):
    return subprocess.run([GATE, *args], cwd=folder, env=ENV, capture_output=True, text=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def measured(folder, sharded, name):
    """Record and verdict's exit code of one way to send the load, against a fresh server."""
    server = subprocess.Popen(
        [GATE, "sim", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--set", "seed=7"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV,
    )  # fmt: skip
    try:
        url = json.loads(server.stdout.readline())["base_url"]
        (folder / "goodput-gate.yaml").write_text(CONFIG.format(url=url))
        if sharded:
            place = f"http://127.0.0.1:{free_port()}"
            each = [
                subprocess.Popen(
                    [GATE, "run", "--workers", "1", "--shard", f"{k}/{SHARDS}", "--rendezvous", place, "--out", name],
                    cwd=folder, env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
                for k in range(SHARDS)
            ]  # fmt: skip
            for one in each:
                one.wait()
            records = sorted(str(p) for p in (folder / name).glob("shard-*/record.json"))
            run(folder, "merge", *records, "--out", f"{name}/merged")
            record = folder / name / "merged/record.json"
        else:
            run(folder, "run", "--workers", "1", "--out", name)
            record = folder / name / "record.json"
        checked = run(folder, "check", "--base", "none", "--from", str(record), "--out", f"{name}/checked")
        return json.loads(record.read_text())["workloads"][0]["pooled"], checked.returncode
    finally:
        server.stdin.close()
        server.wait()


ENV = {**os.environ, "GOODPUT_GATE_RENDEZVOUS_TOKEN": secrets.token_hex(16), "NO_COLOR": "1"}

with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    ENV["GOODPUT_GATE_LOCK_DIR"] = str(folder / "locks")
    (folder / "locks").mkdir()
    pairs = []
    for n in range(PAIRS):
        order = [False, True] if n % 2 == 0 else [True, False]
        got = {sharded: measured(folder, sharded, f"{n}-{'shards' if sharded else 'one'}") for sharded in order}
        pairs.append((got[False], got[True]))
        (one, code), (many, codes) = pairs[-1]
        shown = "  ".join(f"{m} {one[m]:.2f}/{many[m]:.2f}" for m in METRICS[:4])
        print(f"pair {n + 1}: exit codes {code}/{codes}  {shown}", flush=True)
    print(f"\none process against {SHARDS} shards, {PAIRS} pairs\n")
    print(f"{'metric':22} {'one':>10} {'shards':>10} {'difference':>11} {'95 % interval':>20}")
    for metric in METRICS:
        one, many = ([side[i][0][metric] for side in pairs] for i in (0, 1))
        apart = [100 * (b / a - 1) for a, b in zip(one, many)]
        half = T95.get(PAIRS - 1, 1.96) * statistics.stdev(apart) / math.sqrt(PAIRS)
        mean = statistics.mean(apart)
        held = "" if abs(mean) <= half else "   not 0"
        print(f"{metric:22} {statistics.mean(one):10.2f} {statistics.mean(many):10.2f} {mean:+10.2f}% {mean - half:+8.2f}% to {mean + half:+.2f}%{held}")
    same = sum(a[1] == b[1] for a, b in pairs)
    print(f"the same exit code in {same} of {PAIRS} pairs")
