"""The sinkhole beside its peers: CPU time of all of a server's processes per query, request and mail, on one
pinned core, clients on the other. Runs alternate; the ratio is the median of the pairs' ratios."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test"))
os.environ.setdefault("EBB", os.path.join(ROOT, "build", "ebb"))

from peers import CORE, PIN  # noqa: E402
from sinkhole import Sinkhole, free_port  # noqa: E402

RUNS = int(os.environ.get("EBB_BENCH_RUNS", "5"))
SECONDS = os.environ.get("EBB_BENCH_SECONDS", "5")
CLIENT = ["taskset", "-c", "0" if CORE != "0" else "1"]
TICK = os.sysconf("SC_CLK_TCK")


def family(pid):
    """The process and all below it."""
    pids, todo = [], [pid]
    while todo:
        one = todo.pop()
        pids.append(one)
        try:
            with open("/proc/%d/task/%d/children" % (one, one)) as f:
                todo += [int(p) for p in f.read().split()]
        except OSError:
            pass
    return pids


def cpu(pids):
    """Seconds of CPU time, to the nanosecond where the scheduler says."""
    total = 0.0
    for pid in pids:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0]) / 1e9
    return total


class Server:
    """A peer: a command on the benchmark's core, in a folder of its own."""

    def __init__(self, args, work, port):
        self.port = port
        self.process = subprocess.Popen(PIN + args, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        if self.process.poll() is not None:
            raise RuntimeError("%s did not start" % args[0])
        self.pids = family(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def ours(**more):
    """A sinkhole pinned to the core, one sensor; address limits out of the way, as the peers have none."""
    hole = Sinkhole(sensors=1, limits="dns_responses: 0, address_connections: 10000, requests: 1000000000", **more)
    hole.order()
    hole.asset("seized.example", "127.0.0.0/8")
    os.sched_setaffinity(0, {int(CORE)})
    try:
        hole.start()
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
    hole.every = family(hole.process.pid)
    return hole


def measure(pids, load):
    """Microseconds of CPU a unit; load() returns how many units were done."""
    before, begun = cpu(pids), time.monotonic()
    units = load()
    wall = time.monotonic() - begun
    time.sleep(0.5)  # what is still in the rings belongs to it
    return 1e6 * (cpu(pids) - before) / units, units / wall


def compare(what, unit, ours_pids, ours_load, peer_pids, peer_load, peer):
    mine, theirs, rates = [], [], []
    for i in range(RUNS + 1):
        a, rate = measure(ours_pids, ours_load)
        b, peer_rate = measure(peer_pids, peer_load) if peer_load else (0, 0)
        if i:  # the first warms up
            mine.append(a)
            theirs.append(b)
            rates.append((rate, peer_rate))
    line = "%-38s %7.2f us/%s (%s/s)" % (what, statistics.median(mine), unit,
                                         format(round(statistics.median(r[0] for r in rates)), ","))
    if peer_load:
        line += "   %s: %.2f us (%s/s)   %.2fx" % (
            peer, statistics.median(theirs), format(round(statistics.median(r[1] for r in rates)), ","),
            statistics.median(t / m for m, t in zip(mine, theirs)))
    print(line, flush=True)


# ---- DNS ----

KNOT = """server:
    rundir: "{dir}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{dir}"
mod-dnstap:
  - id: tap
    sink: "{dir}/tap"
    log-queries: on
    log-responses: off
template:
  - id: default
    storage: "{dir}"
    zonefile-sync: -1
{module}zone:
  - domain: seized.example
    file: "{dir}/zone"
"""
ZONE = """$ORIGIN seized.example.
$TTL 60
@ SOA ns hostmaster 1 3600 900 604800 60
@ NS ns
ns A 127.0.0.1
@ A 127.0.0.1
* A 127.0.0.1
"""


def knot(work, name, dnstap):
    folder = os.path.join(work, name)
    os.mkdir(folder)
    port = free_port()
    with open(os.path.join(folder, "zone"), "w") as f:
        f.write(ZONE)
    with open(os.path.join(folder, "knot.conf"), "w") as f:
        f.write(KNOT.format(dir=folder, port=port, module="    global-module: mod-dnstap/tap\n" if dnstap else ""))
    return Server(["knotd", "-c", os.path.join(folder, "knot.conf")], folder, port)


def dnsperf(port, queries):
    out = subprocess.run(CLIENT + ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", queries, "-l", SECONDS,
                                   "-c", "10", "-q", "1000"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=True).stdout
    return int(re.search(r"Queries completed:\s+(\d+)", out).group(1))


def dns(work):
    queries = os.path.join(work, "queries")
    with open(queries, "w") as f:
        for i in range(10000):
            f.write("bot%d.seized.example A\n" % (i * 7919 % 100000))
    hole = ours()
    tapped, plain = knot(work, "tapped", True), knot(work, "plain", False)
    try:
        compare("DNS, every query on the log", "query", hole.every, lambda: dnsperf(hole.port["dns"], queries),
                tapped.pids, lambda: dnsperf(tapped.port, queries), "Knot with dnstap")
        compare("DNS, the same beside Knot without", "query", hole.every, lambda: dnsperf(hole.port["dns"], queries),
                plain.pids, lambda: dnsperf(plain.port, queries), "Knot, no logging")
    finally:
        hole.stop()
        tapped.stop()
        plain.stop()


def zones(work):
    """1,000 zones and 1,000,000."""
    holes, files = [], []
    for n in (1000, 1000000):
        hole = Sinkhole(sensors=1, limits="dns_responses: 0")
        hole.order()
        names = os.path.join(work, "names-%d" % n)
        with open(names, "w") as f:
            f.writelines("zone%d.example\n" % i for i in range(n))
        hole.must("case", "asset", "import", names, "--order", "order-1")
        queries = os.path.join(work, "queries-%d" % n)
        with open(queries, "w") as f:
            f.writelines("bot.zone%d.example A\n" % (i * 7919 % n) for i in range(100000))
        os.sched_setaffinity(0, {int(CORE)})
        hole.start(120)
        os.sched_setaffinity(0, range(os.cpu_count()))
        hole.every = family(hole.process.pid)
        holes.append(hole)
        files.append(queries)
    try:
        compare("DNS, 1,000,000 zones", "query", holes[1].every, lambda: dnsperf(holes[1].port["dns"], files[1]),
                holes[0].every, lambda: dnsperf(holes[0].port["dns"], files[0]), "1,000 zones")
    finally:
        for hole in holes:
            hole.stop()


# ---- HTTP ----

NGINX = """worker_processes 1;
daemon off;
pid {dir}/pid;
error_log {dir}/error;
events {{ worker_connections 4096; }}
http {{
  access_log {dir}/access;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s;
  keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 ""; }} }}
}}
"""


def wrk(port, close):
    args = CLIENT + ["wrk", "-t", "1", "-c", "32", "-d", SECONDS + "s", "-H", "User-Agent: Mozilla/4.0 (compatible)"]
    if close:
        args += ["-H", "Connection: close"]
    out = subprocess.run(args + ["http://127.0.0.1:%d/gate.php?id=4711" % port], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return int(re.search(r"(\d+) requests in", out).group(1))


def http(work):
    folder = os.path.join(work, "nginx")
    os.mkdir(folder)
    port = free_port()
    with open(os.path.join(folder, "conf"), "w") as f:
        f.write(NGINX.format(dir=folder, port=port))
    hole = ours()
    peer = Server(["nginx", "-p", folder, "-c", os.path.join(folder, "conf")], folder, port)
    try:
        for close, name in ((False, "HTTP, kept alive"), (True, "HTTP, one connection each")):
            compare(name, "request", hole.every, lambda: wrk(hole.port["http"], close),
                    peer.pids, lambda: wrk(peer.port, close), "nginx with access log")
    finally:
        hole.stop()
        peer.stop()


# ---- SMTP ----

def smtp_source(port, reuse, mails):
    args = CLIENT + ["smtp-source", "-s", "20", "-m", str(mails), "-l", "2000", "-f", "bot@mail.example",
                     "-t", "victim@seized.example"]
    if reuse:
        args.append("-d")
    subprocess.run(args + ["127.0.0.1:%d" % port], check=True, stdout=subprocess.DEVNULL)
    return mails


def smtp(work):
    hole = ours()
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    peer = Server(["smtp-sink"] + user + ["127.0.0.1:%d" % port, "1000"], work, port)
    try:
        for reuse, name in ((True, "SMTP, reused connections"), (False, "SMTP, one connection each")):
            compare(name, "mail", hole.every, lambda: smtp_source(hole.port["smtp"], reuse, 20000),
                    peer.pids, lambda: smtp_source(peer.port, reuse, 20000), "smtp-sink (discards)")
    finally:
        hole.stop()
        peer.stop()


def main():
    work = tempfile.mkdtemp(prefix="ebb-bench-serve-", dir=os.environ.get("EBB_BENCH_DIR"))
    parts = {"dns": dns, "zones": zones, "http": http, "smtp": smtp}
    print("server on core %s, clients on another, %d runs of %s s, medians\n" % (CORE, RUNS, SECONDS))
    try:
        for name in sys.argv[1:] or parts:
            parts[name](work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
