"""The public listener beside nginx: the progress page from a warm cache, and the same bytes as a static file, each server
on one pinned core with the sensors running, wrk on the other; alone, and among 1,000 slow clients. Runs alternate."""
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test"))
os.environ.setdefault("EBB", os.path.join(ROOT, "build", "ebb"))

from peers import CORE, PIN  # noqa: E402
from sinkhole import Sinkhole, free_port  # noqa: E402

RUNS = int(os.environ.get("EBB_BENCH_RUNS", "5"))
SECONDS = os.environ.get("EBB_BENCH_SECONDS", "5")
CLIENT = ["taskset", "-c", "0" if CORE != "0" else "1"]
SLOW = 1000
TARGET = 5000

NGINX = """daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    default_type text/html;
    client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    open_file_cache max=16;
    server {{ listen 127.0.0.1:{port} backlog=1024; root {dir}; client_header_timeout 20s; }}
}}
"""


def cpu(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1e9


class Public(Sinkhole):
    def configure(self):
        self.public = free_port()
        self.top = "web:\n  public: \"127.0.0.1:%d\"" % self.public
        super().configure()


class Crowd(threading.Thread):
    """Clients that send a byte of their request every now and then, and begin anew when they are cut off."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ended = port, False

    def run(self):
        request = b"GET / HTTP/1.1\r\nHost: takedown.example\r\nX-Slow: " + b"a" * 1000
        clients = [[None, 0] for _ in range(SLOW)]
        os.sched_setaffinity(0, {int(CLIENT[-1])})
        while not self.ended:
            for i, c in enumerate(clients):
                try:
                    if c[0] is None:
                        c[0], c[1] = socket.socket(), 0
                        c[0].bind(("127.0.%d.%d" % (2 + i // 200, 1 + i % 200), 0))
                        c[0].setblocking(False)
                        c[0].connect_ex(("127.0.0.1", self.port))
                    else:
                        c[0].send(request[c[1]:c[1] + 1])
                        c[1] += 1
                except BlockingIOError:
                    pass
                except OSError:
                    c[0].close()
                    c[0] = None
                if i % 100 == 99:
                    time.sleep(0.05)
        for c in clients:
            if c[0]:
                c[0].close()


def load(port, path, header):
    """Requests a second; latencies as wrk says."""
    out = subprocess.run(CLIENT + ["wrk", "-t1", "-c32", "-d" + SECONDS, "--latency", "-H", header,
                                   "http://127.0.0.1:%d%s" % (port, path)], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        print("  wrk: " + " ".join(line.strip() for line in out.splitlines() if "Non-2xx" in line or "errors" in line))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), re.search(r"99%\s+(\S+)", out)[1]


def compare(what, ours, theirs, slow):
    rows = {"ours": [], "theirs": []}
    for i in range(RUNS + 1):
        for name, (port, pid, path, header) in (("ours", ours), ("theirs", theirs)):
            crowd = Crowd(port) if slow else None
            if crowd:
                crowd.start()
                time.sleep(2)
            before = cpu(pid)
            rate, late = load(port, path, header)
            used = cpu(pid) - before
            if crowd:
                crowd.ended = True
                crowd.join()
            if i:  # the first warms up
                rows[name].append((rate, 1e6 * used / (rate * float(SECONDS)), late))
    mid = {k: [statistics.median(r[0] for r in v), statistics.median(r[1] for r in v), v[-1][2]] for k, v in rows.items()}
    print("%-44s %8s/s %6.1f us (99%%: %s)   nginx: %8s/s %6.1f us (99%%: %s)   %.2fx   %s" % (
        what, format(round(mid["ours"][0]), ","), mid["ours"][1], mid["ours"][2], format(round(mid["theirs"][0]), ","),
        mid["theirs"][1], mid["theirs"][2], mid["theirs"][1] / mid["ours"][1],
        "reached" if mid["ours"][0] >= TARGET else "MISSED: %d wanted" % TARGET), flush=True)


def get(port, header=None):
    request = urllib.request.Request("http://127.0.0.1:%d/" % port, headers={"Accept-Encoding": header or "identity"})
    with urllib.request.urlopen(request, timeout=20) as r:
        return r.read()


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for program in ("nginx", "wrk"):
        if not shutil.which(program):
            sys.exit("bench/public.py: no %s (scripts/deps --bench)" % program)
    work = tempfile.mkdtemp(prefix="ebb-bench-", dir=os.environ.get("EBB_BENCH_DIR"))
    hole = Public(sensors=1)
    os.sched_setaffinity(0, {int(CORE)})
    hole.start()
    os.sched_setaffinity(0, range(os.cpu_count()))
    end = time.monotonic() + 30
    while not hole.pids("public") and time.monotonic() < end:
        time.sleep(0.2)
    time.sleep(1)
    page, zipped = get(hole.public), get(hole.public, "gzip")
    for name, data in (("page.html", page), ("page.gz", zipped)):
        with open(os.path.join(work, name), "wb") as f:
            f.write(data)
    port = free_port()
    with open(os.path.join(work, "nginx.conf"), "w") as f:
        f.write(NGINX.format(dir=work, port=port))
    os.chmod(work, 0o755)
    nginx = subprocess.Popen(PIN + ["nginx", "-p", work, "-c", os.path.join(work, "nginx.conf")])
    time.sleep(1)
    with open("/proc/%d/task/%d/children" % (nginx.pid, nginx.pid)) as f:
        worker = int(f.read().split()[0])
    public = hole.pids("public")[0]
    print("one core (%s), %d runs of %s s, medians; processor time a request; the page has %d bytes, %d compressed\n"
          % (CORE, RUNS, SECONDS, len(page), len(zipped)), flush=True)
    try:
        for slow in (False, True):
            among = ", among %d slow clients" % SLOW if slow else ""
            for what, path, header in (("progress page", "/page.html", "Accept-Encoding: identity"),
                                       ("progress page, gzip", "/page.gz", "Accept-Encoding: gzip")):
                compare(what + among, (hole.public, public, "/", header), (port, worker, path, header), slow)
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait(20)
        hole.stop()
        shutil.rmtree(work, ignore_errors=True)


main()
