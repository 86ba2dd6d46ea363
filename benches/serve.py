#!/usr/bin/env python3
"""What `goodput-gate serve` costs over many stored runs: benches/serve.py BINARY [RUNS]

Makes RUNS (10,000) stored runs in a temporary folder by copying one measured run under drawn ids, then
measures the service over them and prints one line per figure with its target. Linux, loopback only, a
minute or two; nothing else should run meanwhile. Standard library only.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

CONFIG = """version: 1
target: {sim: {}}
workloads:
  - {name: chat, arrival: {closed: {concurrency: 4}}, requests: 20, prompts: {synthetic: {input_tokens: 16}}, output_tokens: 8}
gate: {starts: 1, rounds: 2}
"""
SOCKETS = 200
RATE, SECONDS, SENDERS = 1000, 5, 8


class Service:
    """The service over a folder; its start is timed from the exec to the line that says where."""

    def __init__(self, binary, folder):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "serve", "--data", "data", "--listen", "127.0.0.1:0"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "LOG_LEVEL": "error", "API_KEY": ""},
        )
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1].split("/")[0])
        self.start_s = time.monotonic() - began

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def get(self, path, accept="text/html"):
        """Seconds and status of one request on a connection of its own."""
        began = time.monotonic()
        with self.connect() as stream:
            stream.sendall(request(path, accept, "close"))
            answer = b"".join(iter(lambda: stream.recv(1 << 16), b""))
        return time.monotonic() - began, int(answer.split(b" ", 2)[1]), answer

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as line:
            fields = line.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def request(path, accept="application/json", connection="keep-alive"):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Accept: {accept}", f"Connection: {connection}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def stored_runs(binary, folder, count):
    """One run is measured, and copied with an id and a date of its own."""
    with open(f"{folder}/goodput-gate.yaml", "w") as config:
        config.write(CONFIG)
    subprocess.run([binary, "run", "--data", "data"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    runs = f"{folder}/data/runs"
    [first] = os.listdir(runs)
    with open(f"{runs}/{first}/run.json") as text:
        told = json.load(text)
    for i in range(count - 1):
        own, at = str(uuid.uuid4()), time.gmtime(1767225600 + 600 * i)
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", at)
        place = f"{runs}/{date.replace(':', '')}-{own}"
        os.mkdir(place)
        for name in os.listdir(f"{runs}/{first}"):
            if name not in ("run.json", ".running") and os.path.isfile(f"{runs}/{first}/{name}"):
                os.link(f"{runs}/{first}/{name}", f"{place}/{name}")
        with open(f"{place}/run.json", "w") as text:
            json.dump({**told, "id": own, "started": date}, text)


def p(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def reads(service, path):
    """Latencies of an open loop: a request's clock starts when it is due."""
    lags, lock = [], threading.Lock()
    began = time.monotonic() + 0.5

    def send(sender):
        own = []
        with service.connect() as stream:
            reader = stream.makefile("rb")
            for i in range(sender, RATE * SECONDS, SENDERS):
                due = began + i / RATE
                time.sleep(max(0.0, due - time.monotonic()))
                stream.sendall(request(path))
                length = 0
                assert b" 200 " in reader.readline()
                while (line := reader.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                reader.read(length)
                own.append(time.monotonic() - due)
        with lock:
            lags.extend(own)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return lags


def followed(service):
    """CPU share of the service while many follow one run, above that while nobody does."""
    body = b'{"verb": "run", "rounds": 60}'

    def ask():
        with service.connect() as stream:
            head = f"POST /api/v2/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            stream.sendall(head.encode() + body)
            answer = b"".join(iter(lambda: stream.recv(1 << 16), b""))
        return json.loads(answer.split(b"\r\n\r\n", 1)[1])["id"]

    def share(seconds):
        cpu, began = service.cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (service.cpu_s() - cpu) / (time.monotonic() - began)

    own = ask()
    time.sleep(2)
    alone = share(5)
    sockets = []
    for _ in range(SOCKETS):
        stream = service.connect()
        head = f"GET /api/v2/runs/{own}/socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        stream.sendall(head.encode())
        assert stream.recv(12) == b"HTTP/1.1 101", "no WebSocket"
        sockets.append(stream)
    ended = threading.Event()

    def drain():
        while not ended.is_set():
            for stream in sockets:
                stream.setblocking(False)
                try:
                    stream.recv(1 << 16)
                except (BlockingIOError, OSError):
                    pass
            time.sleep(0.1)

    reader = threading.Thread(target=drain)
    reader.start()
    together = share(8)
    ended.set()
    reader.join()
    [stream.close() for stream in sockets]
    return alone, together


def main():
    binary = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    folder = tempfile.mkdtemp(prefix="goodput-gate-bench-")
    try:
        stored_runs(binary, folder, count)
        first = Service(binary, folder)
        print(f"runs                       {count}")
        print(f"first start, index made    {first.start_s * 1e3:8.0f} ms")
        # Until the index has looked once more at the runs that were made just now.
        time.sleep(8)
        first.end()
        service = Service(binary, folder)
        print(f"start                      {service.start_s * 1e3:8.0f} ms   (target 300)")
        service.get("/")
        for name, path in [("home", "/"), ("history", "/history"), ("history, page 100", "/history?page=100")]:
            took = [service.get(path) for _ in range(30)]
            assert all(status == 200 for _, status, _ in took), f"{path}: {took[0][1]}"
            took = [seconds for seconds, _, _ in took]
            print(f"{name:26} {p(took, 0.5) * 1e3:8.1f} ms median, {max(took) * 1e3:.1f} at most (target 50)")
        lags = reads(service, "/api/v2/runs?limit=20")
        print(f"{RATE} API reads/s           {p(lags, 0.5) * 1e3:8.1f} ms median, {p(lags, 0.99) * 1e3:.1f} p99 (target 20)")
        alone, together = followed(service)
        print(f"{SOCKETS} WebSockets on one run  {(together - alone) * 100:8.1f} % of a core above {alone * 100:.1f} % (target 2)")
        print(f"memory                     {service.status('VmRSS:'):8.0f} MiB, {service.status('VmHWM:'):.0f} at most (target 60)")
        service.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
