"""Clients of the two older tools, written from what their wire was: HTTP and WebSocket by the standard library.

    python3 older_client.py URL SERVER_URL MODEL [--key KEY] [--framework NAME] [--managed NAME]

It runs a benchmark at URL against SERVER_URL, follows it, reads the result in every form, compares and deletes,
and says what it saw. With --framework it runs a job of the framework benchmark; with --managed it starts that
server, reads its log and stops it. Exit 1: something was not as those clients expect it.
"""

import argparse
import base64
import csv
import hashlib
import http.client
import io
import json
import os
import socket
import struct
import sys
import time
import urllib.parse
import zipfile

PATIENCE_S = 120


class Client:
    def __init__(self, url, key):
        self.host = urllib.parse.urlsplit(url).netloc
        self.key = key

    def request(self, method, path, body=None):
        headers = {"X-API-Key": self.key} if self.key else {}
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, status=200):
        got, headers, text = self.request(method, path, body)
        check(got == status, f"{method} {path}: {got} and not {status}: {text[:300]!r}")
        check("x-request-id" in headers, f"{method} {path}: no X-Request-ID")
        return json.loads(text)


class WebSocket:
    """RFC 6455, text messages only."""

    def __init__(self, client, path):
        host, port = client.host.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        nonce = base64.b64encode(os.urandom(16)).decode()
        key = f"X-API-Key: {client.key}\r\n" if client.key else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {client.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n{key}\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode()
        check(" 101 " in status, f"{path}: {status!r}")
        headers = {}
        while (line := self.file.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        wanted = base64.b64encode(hashlib.sha1((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        check(headers.get("sec-websocket-accept") == wanted.decode(), "another server accepted it")

    def send(self, text, opcode=1):
        data, mask = text.encode() if isinstance(text, str) else text, os.urandom(4)
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def receive(self):
        """The next text; None where the server has closed it."""
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                return None
            opcode, length = head[0] & 15, head[1] & 127
            if length == 126:
                length = struct.unpack(">H", self.file.read(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.file.read(8))[0]
            data = self.file.read(length)
            if opcode == 8:
                return None
            if opcode == 9:
                self.send(data, 10)
            elif opcode == 1:
                return data.decode()

    def close(self):
        self.file.close()
        self.socket.close()


def check(true, what):
    if not true:
        raise SystemExit(f"older_client: {what}")


def has(value, names, what):
    missing = [name for name in names.split() if name not in value]
    check(not missing, f"{what}: without {', '.join(missing)}: {json.dumps(value)[:400]}")


def eventually(ask, done, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = ask()
        if done(value):
            return value
        time.sleep(0.3)
    raise SystemExit(f"older_client: {what}: not in {PATIENCE_S} s")


def benchmark(client, server, model, levels):
    body = {
        "server_url": server, "model": model, "adapter": "openai", "concurrency": levels, "num_prompts": 12,
        "input_len": 32, "output_len": 8, "stream": True, "warmup": 1, "timeout": 60.0, "framework": "vllm",
        "goodput_thresholds": {"ttft_ms": 60000, "tpot_ms": 60000, "e2e_ms": 60000}, "api_key": "sk-of-the-target",
        "framework_config": {"tensor_parallel_size": 1}, "validation_config": {"enabled": False}, "new_field": 1,
    }
    started = client.json("POST", "/api/v1/benchmark/run", body)
    check(started["status"] == "started", f"{started}")
    return started["run_id"]


def follow(client, run_id, levels):
    """What came over the WebSocket, by its type."""
    ws = WebSocket(client, f"/api/v1/benchmark/ws/run/{run_id}")
    ws.send("ping")
    seen, pongs = [], 0
    while (text := ws.receive()) is not None:
        if text == "pong":
            pongs += 1
            stats = client.json("GET", "/api/v1/benchmark/ws/stats")
            check(stats["connections"].get(run_id, 0) >= 1 and stats["total"] >= 1, f"stats: {stats}")
            continue
        if text == "ping":
            continue
        message = json.loads(text)
        check(message["run_id"] == run_id, f"of another run: {message}")
        seen.append(message)
        if message["type"] == "progress":
            has(message, "status progress concurrency overall_percent", "progress")
            has(message["progress"], "current total percent", "progress")
            has(message["concurrency"], "level index total", "concurrency")
            check(message["concurrency"]["level"] in levels, f"no such level: {message}")
            check(0 <= message["overall_percent"] <= 100, f"{message}")
            if "metrics" in message:
                names = "concurrency completed success_count error_count ttft_avg ttft_p50 e2e_avg throughput_current timestamp"
                has(message["metrics"], names, "metrics")
    ws.close()
    check(pongs == 1, f"{pongs} pongs")
    check(seen and seen[-1]["type"] == "completed", f"the last message: {seen[-1:]}")
    has(seen[-1]["summary"], "best_throughput best_ttft_p50 best_concurrency total_requests overall_error_rate", "summary")
    overall = [m["overall_percent"] for m in seen if m["type"] == "progress"]
    check(overall == sorted(overall), f"it went back: {overall}")
    return seen


def result(client, run_id, server, model, levels):
    value = client.json("GET", f"/api/v1/benchmark/result/{run_id}")
    has(value, "run_id server_url model adapter config results started_at completed_at duration_seconds summary gpu_metrics", "result")
    check((value["run_id"], value["model"]) == (run_id, model), f"of another run: {value['run_id']}, {value['model']}")
    check("sk-of-the-target" not in json.dumps(value), "the key of the target is in the result")
    check([level["concurrency"] for level in value["results"]] == levels, f"levels: {value['results']}")
    for level in value["results"]:
        has(level, "ttft tpot itl e2e_latency throughput_tokens_per_sec request_rate_per_sec total_requests successful_requests "
            "failed_requests error_rate_percent total_input_tokens total_output_tokens duration_seconds goodput", "level")
        for kind in ["ttft", "e2e_latency"]:
            has(level[kind], "min max mean p50 p95 p99 std", kind)
            check(level[kind]["min"] <= level[kind]["p50"] <= level[kind]["p99"] <= level[kind]["max"], f"{level[kind]}")
        check(level["total_requests"] == 12 and level["failed_requests"] == 0, f"requests: {level}")
        has(level["goodput"], "thresholds satisfied_requests total_requests goodput_percent ttft_satisfied", "goodput")
    check(value["summary"]["total_requests"] == 12 * len(levels), f"{value['summary']}")
    return value


def files(client, run_id, levels):
    path = f"/api/v1/benchmark/result/{run_id}/export"
    status, headers, text = client.request("GET", f"{path}?format=csv")
    check(status == 200 and f"{run_id[:8]}_benchmark.csv" in headers["content-disposition"], f"csv: {status} {headers}")
    rows = list(csv.reader(io.StringIO(text.decode())))
    check(rows[0] == ["# Benchmark Result Export"] and ["# Summary"] in rows, f"csv: {rows[:3]}")
    head = next(i for i, row in enumerate(rows) if row[:1] == ["Concurrency"])
    check(len(rows[head]) == 17 and [int(row[0]) for row in rows[head + 1:]] == levels, f"csv: {rows[head:]}")
    status, headers, book = client.request("GET", f"{path}?format=xlsx")
    check(status == 200 and f"{run_id[:8]}_benchmark.xlsx" in headers["content-disposition"], f"xlsx: {status}")
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        check('name="Benchmark Results"' in archive.read("xl/workbook.xml").decode(), "xlsx: another sheet")
    client.json("GET", f"{path}?format=pdf", status=422)
    return rows[head + 1:]


def older_web_tool(client, server, model, levels):
    has(client.json("GET", "/health"), "status", "health")
    has(client.json("GET", "/api/v1/benchmark/health"), "status version timestamp", "health")
    wrong = client.json("POST", "/api/v1/benchmark/run", {"model": "m", "concurrency": [0]}, status=422)
    check({tuple(one["loc"]) for one in wrong["detail"]} == {("body", "server_url"), ("body", "concurrency")}, f"{wrong}")
    client.json("POST", "/api/v1/benchmark/run", {"server_url": "http://169.254.169.254/", "model": "m"}, status=400)
    nobody = "00000000-0000-4000-8000-000000000000"
    check(client.json("GET", f"/api/v1/benchmark/run/{nobody}", status=404)["detail"] == "Run not found", "404")
    ids = []
    for _ in range(2):
        run_id = benchmark(client, server, model, levels)
        status = client.json("GET", f"/api/v1/benchmark/run/{run_id}")
        has(status, "run_id status server_url model adapter framework started_at completed_at created_at", "status")
        check(status["status"] in ["pending", "running"], f"{status}")
        early, _, text = client.request("GET", f"/api/v1/benchmark/result/{run_id}")
        check(early == 202 and b"Benchmark still running" in text, f"result before the end: {early} {text!r}")
        seen = follow(client, run_id, levels)
        value = result(client, run_id, server, model, levels)
        table = files(client, run_id, levels)
        ids.append(run_id)
    history = client.json("GET", "/api/v1/benchmark/history?limit=1")
    check(len(history["runs"]) == 1 and history["total"] == 2, f"history: {history['total']}")
    done = client.json("GET", "/api/v1/benchmark/history?status=completed")
    check({run["run_id"] for run in done["runs"]} == set(ids), f"history: {done}")
    check(client.json("GET", "/api/v1/benchmark/history?status=failed")["total"] == 0, "history: failed ones")
    both = client.json("POST", "/api/v1/benchmark/compare", {"run_ids": ids})
    has(both, "run_count best_throughput best_ttft by_concurrency", "compare")
    check(both["run_count"] == 2 and both["best_throughput"]["run_id"] in ids, f"{both}")
    few = client.json("POST", "/api/v1/benchmark/compare", {"run_ids": [ids[0], nobody]})
    check(few == {"error": "Need at least 2 completed runs to compare"}, f"{few}")
    client.json("POST", "/api/v1/benchmark/compare", {"run_ids": ids[:1]}, status=422)
    # One that goes on is cancelled by being deleted.
    run_id = benchmark(client, server, model, levels)
    check(client.json("DELETE", f"/api/v1/benchmark/run/{run_id}") == {"deleted": run_id}, "delete")
    for one in ids:
        check(client.json("DELETE", f"/api/v1/benchmark/run/{one}") == {"deleted": one}, "delete")
    check(client.json("GET", "/api/v1/benchmark/history")["total"] == 0, "something is left")
    client.json("DELETE", f"/api/v1/benchmark/run/{run_id}", status=404)
    metrics = [m for m in seen if "metrics" in m]
    print(f"{len(seen)} messages, {len(metrics)} with metrics; the last progress: {json.dumps([m for m in seen if m['type'] == 'progress'][-1:])}")
    print(f"summary: {json.dumps(value['summary'])}")
    for row in table:
        print(f"csv: {','.join(row)}")


def older_framework_tool(client, name):
    client.json("POST", "/api/v1/benchmark/run", {"framework": "no-such", "scenarios": ["all"]}, status=400)
    job = client.json("POST", "/api/v1/benchmark/run", {"framework": name, "scenarios": ["all"], "trials": 1})
    check(job["status"] == "running", f"{job}")
    job_id = job["job_id"]
    ws, lines = WebSocket(client, f"/ws/benchmark/{job_id}"), []
    while (text := ws.receive()) is not None:
        message = json.loads(text)
        lines.append(message)
        if message["type"] == "done":
            break
    ws.close()
    check(lines[-1] == {"type": "done", "data": ""} and any(m["type"] == "log" for m in lines), f"log: {lines}")
    status = client.json("GET", f"/api/v1/benchmark/status/{job_id}")
    has(status, "job_id status framework scenarios model trials log_lines", "status")
    check((status["status"], status["framework"]) == ("completed", name), f"{status}")
    gone = WebSocket(client, "/ws/benchmark/00000000-0000-4000-8000-000000000000")
    check(json.loads(gone.receive())["type"] == "error" and gone.receive() is None, "a job that is not there")
    check(client.json("GET", "/api/v1/results/") == {name: [job_id]}, "results")
    one = client.json("GET", f"/api/v1/results/{name}")
    check(client.json("GET", "/api/v1/results/all") == {name: one}, "results of all")
    has(one, "framework model timestamp trials results gpu_info", "results")
    has(one["results"][0], "scenario framework concurrency num_requests avg_ttft_ms p99_latency_ms total_token_throughput success_rate", "scenario")
    report = client.json("GET", "/api/v1/analysis/report")
    check(report["frameworks"] == [name] and report["scenarios"], f"{report}")
    for hypothesis in client.json("GET", "/api/v1/analysis/hypotheses"):
        has(hypothesis, "id title description verdict evidence", "hypothesis")
        check(hypothesis["verdict"] in ["SUPPORTED", "NOT SUPPORTED", "INCONCLUSIVE", "NO DATA"], f"{hypothesis}")
        print(f"hypothesis: {json.dumps(hypothesis)}")
    client.json("POST", f"/api/v1/benchmark/cancel/{job_id}", {}, status=400)
    client.json("GET", "/api/v1/results/..%2f..%2fetc", status=404)
    check(client.json("DELETE", f"/api/v1/results/{name}") == {"framework": name, "deleted_files": 1}, "delete")
    check(client.json("DELETE", "/api/v1/results/all") == {"deleted": {}}, "delete all")
    print(f"job: {len(lines)} messages, {json.dumps(one['results'][0])}")


def server_page(client, name):
    health = client.json("GET", "/api/v1/server/health")
    for one in health:
        has(one, "framework label healthy base_url", "health")
    has(client.json("GET", "/api/v1/server/gpu"), "memory_used_mb memory_total_mb gpu_utilization_pct", "gpu")
    gpu = WebSocket(client, "/ws/gpu")
    has(json.loads(gpu.receive()), "memory_used_mb memory_total_mb gpu_utilization_pct", "gpu socket")
    gpu.close()
    managed = lambda: client.json("GET", "/api/v1/server/managed")
    has(managed(), "framework model status managed pid uptime_sec log_lines", "managed")
    none = WebSocket(client, "/ws/server/logs")
    check(json.loads(none.receive()) == {"type": "error", "data": "No server running"}, "a log of no server")
    started = client.json("POST", "/api/v1/server/start", {"framework": name, "model": "m"})
    check(started["status"] in ["starting", "running"], f"{started}")
    up = eventually(managed, lambda s: s["status"] != "starting", "the server is up")
    check((up["status"], up["framework"]) == ("running", name), f"{up}")
    log = WebSocket(client, "/ws/server/logs")
    first = json.loads(log.receive())
    check(first["type"] == "log", f"{first}")
    stopping = client.json("POST", "/api/v1/server/stop", {"force": False})
    check(stopping["status"] in ["stopping", "stopped"], f"{stopping}")
    last = first
    while (text := log.receive()) is not None:
        last = json.loads(text)
        if last["type"] == "done":
            break
    check(last["type"] == "done", f"the log's end: {last}")
    eventually(managed, lambda s: s["status"] == "stopped", "the server is down")
    print(f"server: up after {json.dumps(up)}; its log begins: {json.dumps(first['data'])}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("server")
    parser.add_argument("model")
    parser.add_argument("--key", default="")
    parser.add_argument("--levels", default="1,4")
    parser.add_argument("--framework")
    parser.add_argument("--managed")
    args = parser.parse_args()
    client = Client(args.url, args.key)
    if args.key:
        for wrong in ["", "not-" + args.key]:
            status, headers, text = Client(args.url, wrong).request("POST", "/api/v1/benchmark/run", {"server_url": args.server, "model": "m"})
            check(status == 401 and json.loads(text)["detail"] == "Invalid or missing API key", f"without the key: {status}")
            check(headers.get("www-authenticate") == "ApiKey", f"without the key: {headers}")
    older_web_tool(client, args.server, args.model, [int(n) for n in args.levels.split(",")])
    if args.framework:
        older_framework_tool(client, args.framework)
    if args.managed:
        server_page(client, args.managed)
    print("all as the older clients expect it")


if __name__ == "__main__":
    sys.exit(main())
