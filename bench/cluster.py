"""Three sinkholes and two ClickHouse shards in network namespaces on this machine, at size: ships simulated events while a
shard is killed and a node is cut off, and asks. Needs root. By hand:

    python3 bench/cluster.py --events 1000000,10000000 --save figures.json
    nice python3 bench/cluster.py --events 100000000 --dir /big --save figures.json

Prints rates of import and shipping (on the wall and by CPU time), the catch-up after the outage, times of queries, bytes
an event, how all of it grows with the events, and whether each total is the simulator's. --dir keeps the nodes' logs:
a run that ended while it imported goes on there. 100 million events take 42 GB of logs (feed rows without all but time,
address and family; most of it compresses three times on a file system that does so) and 4 to 15 GB on the shards."""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test"))

import clickhouse  # noqa: E402
import netns  # noqa: E402
from cluster_sim import COLUMNS_SMALL, NODES, make, truth_days  # noqa: E402
from ebbtest import EBB, SIM  # noqa: E402

FULL = 1.0e8  # rows of the scenario at scale 1
CHECKINS = 2.357  # a host-day, which makes it that many
CALL_S = 30  # of a call to a shard
QUERY_S = 3600
RUNS = 3  # of a query; the median is taken
ROWS_GIVEN_UP = 6 * 3600


def scenario(work):
    text = subprocess.run([SIM, "--show", "rustock"], stdout=subprocess.PIPE, text=True, check=True).stdout
    path = os.path.join(work, "scenario.yaml")
    with open(path, "w") as f:
        f.write(re.sub(r"(?m)^(activity: .*checkins: )1\b", r"\g<1>%s" % CHECKINS, text))
    return path


def size(path):
    total = 0
    for d, _, files in os.walk(path):
        for f in files:
            try:
                total += os.path.getsize(os.path.join(d, f))
            except OSError:
                pass
    return total


def finished(process):
    """Exit code and CPU seconds of a child."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


class Node:
    def __init__(self, number, folder, host):
        self.number, self.host = number, host
        self.path = os.path.join(folder, "node%d" % number)
        self.cpu = 0.0
        self.process = None

    def inside(self, *args, timeout=QUERY_S):
        begun = time.monotonic()
        out = subprocess.run(self.host.prefix + [EBB, "--quiet", "-C", self.path, *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if out.returncode:
            raise RuntimeError("%s: %s" % (" ".join(args), out.stderr.strip()[:500]))
        return out.stdout, time.monotonic() - begun

    def begin(self, *args):
        self.error = tempfile.TemporaryFile()
        self.process = self.host.start(EBB, "--quiet", "-C", self.path, "cluster", "ship", *args,
                                       stdout=subprocess.DEVNULL, stderr=self.error)

    def poll(self):
        """Looks after the shipper: None while it runs or is tried again, True when all is shipped."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            return None
        self.cpu += usage.ru_utime + usage.ru_stime
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode == 0:
            return True
        self.error.seek(0)
        print("  node %d: %s" % (self.number, self.error.read().decode(errors="replace").strip()[:200]), flush=True)
        time.sleep(1)
        self.begin()
        return None


def prepare(work, events, state):
    """Feeds and logs, once; what is there is gone on with."""
    feeds, counts, truth = None, None, None
    if "truth" not in state:
        feeds, counts, truth = make(work, scenario(work), events / FULL, keep=COLUMNS_SMALL)
        state.update(truth=truth, counts=counts, import_s=0.0, import_cpu=0.0)
        save(work, state)
    for n in range(1, NODES + 1):
        path, feed = os.path.join(work, "node%d" % n), os.path.join(work, "node%d.csv" % n)
        if not os.path.exists(path):
            subprocess.run([EBB, "--quiet", "init", path], check=True)
        if os.path.exists(feed):
            begun = time.monotonic()
            p = subprocess.Popen([EBB, "--quiet", "-C", path, "import", feed], stdout=subprocess.DEVNULL)
            code, cpu = finished(p)
            if code:
                raise RuntimeError("import: %d" % code)
            state["import_s"] += time.monotonic() - begun
            state["import_cpu"] += cpu
            os.unlink(feed)
            save(work, state)
    state["journal_bytes"] = sum(size(os.path.join(work, "node%d" % (n + 1), "journal")) for n in range(NODES))
    state["log_bytes"] = sum(size(os.path.join(work, "node%d" % (n + 1), "log")) for n in range(NODES))
    save(work, state)


def save(work, state):
    path = os.path.join(work, "state.json")
    with open(path + ".new", "w") as f:
        json.dump(state, f)
    os.replace(path + ".new", path)


def stored(cluster):
    total = 0
    for s in cluster.shards:
        try:
            total += int(s.query("SELECT sum(rows) FROM system.parts WHERE active AND database = 'ebb' AND table = 'events_local'"))
        except (RuntimeError, ValueError, OSError, subprocess.TimeoutExpired):
            return None
    return total


def alone(node, rows):
    """The rate of one node by itself, over the first rows of its log."""
    begun = time.monotonic()
    node.begin("--limit", str(rows))
    code, cpu = finished(node.process)
    if code:
        node.error.seek(0)
        raise RuntimeError("ship: %s" % node.error.read().decode(errors="replace")[:500])
    return rows / (time.monotonic() - begun), 1e6 * cpu / rows


def together(cluster, nodes, hosts, total, already, outage):
    """All ship; in the middle a shard is killed and a node cut off; both come back. Times and rates by phase."""
    s2, cut = cluster.shards[1], hosts[2]
    left = set(nodes)
    begun = time.monotonic()
    for n in nodes:
        n.begin()
    marks, lost_cpu, out = {}, 0.0, {}
    polled = 0.0
    while left:
        time.sleep(0.05)
        now = time.monotonic() - begun
        if now > ROWS_GIVEN_UP:
            raise RuntimeError("not shipped in %d s" % now)
        left -= {n for n in left if n.poll()}
        if "down" not in marks and now - polled > 0.5:
            polled = now
            rows = stored(cluster)
            if rows is not None and rows >= already + (total - already) * 0.35:
                lost_cpu = s2.cpu_seconds()
                s2.kill()
                cut.cut()
                marks["down"], out["rows_down"] = time.monotonic() - begun, rows
        elif "down" in marks and "up" not in marks and now - marks["down"] >= outage:
            s2.start()
            cut.mend()
            marks["up"] = time.monotonic() - begun
            out["rows_up"] = stored(cluster)
    marks["end"] = time.monotonic() - begun
    if "down" in marks:
        out["before_rate"] = (out["rows_down"] - already) / marks["down"]
        out["catch_up_s"] = marks["end"] - marks["up"]
        out["catch_up_rows"] = total - (out["rows_up"] or out["rows_down"])
        out["catch_up_rate"] = out["catch_up_rows"] / out["catch_up_s"]
    out["outage_s"] = marks.get("up", 0) - marks.get("down", 0)
    out["total_s"], out["lost_cpu"] = marks["end"], lost_cpu
    return out


QUERIES = (("census by day", ("census", "--by", "day")), ("census by country", ("census", "--by", "country")),
           ("census by family", ("census", "--by", "family")))


def ask(node, address):
    """Seconds of each query over the cluster and over this node's own log."""
    times = {}
    for name, args in QUERIES + (("events by address", ("events", "--src", address)),):
        for where, flags in (("cluster", ("--engine", "clickhouse")), ("one node's log", ())):
            took = sorted(node.inside(*flags, *args, "--json")[1] for _ in range(RUNS))
            times.setdefault(name, {})[where] = took[RUNS // 2]
    return times


def right(node, cluster, truth):
    """What does not equal the truth; empty when all does."""
    wrong = []
    rows = [json.loads(line) for line in node.inside("--engine", "clickhouse", "census", "--by", "day", "--json")[0].splitlines()]
    days = {(r["date"], r["family"]): r["addresses"] for r in rows}
    if days != truth_days(truth):
        wrong.append("addresses by day")
    rows = [json.loads(line) for line in node.inside("--engine", "clickhouse", "census", "--by", "country", "--json")[0].splitlines()]
    if {r["country"]: r["addresses"] for r in rows if r["family"] == "rustock"} != \
            {c["country"]: c["addresses"] for c in truth["by_country"] if c["addresses"]}:
        wrong.append("addresses by country")
    n = int(cluster.query("SELECT sum(c) FROM (SELECT log, uniqExact(entry) AS c FROM ebb.events WHERE kind != 0 GROUP BY log)",
                          timeout=QUERY_S))
    if n != truth["totals"]["rows"]:
        wrong.append("rows: %d, not %d" % (n, truth["totals"]["rows"]))
    return wrong


def one(folder, events, opts):
    work = os.path.join(folder, "e%d" % events)
    os.makedirs(work, exist_ok=True)
    state = {}
    if os.path.exists(os.path.join(work, "state.json")):
        with open(os.path.join(work, "state.json")) as f:
            state = json.load(f)
    print("\n%s events" % format(events, ","), flush=True)
    prepare(work, events, state)
    rows = sum(state["counts"])
    r = {"events": rows, "import_rate": rows / max(state["import_s"], 1e-9), "import_us": 1e6 * state["import_cpu"] / rows,
         "journal_bytes": state["journal_bytes"] / rows, "log_bytes": state["log_bytes"] / rows}
    tempfile.tempdir = work
    net = netns.Net()
    cluster = None
    try:
        places = [net.add("s%d" % i) for i in (1, 2)]
        hosts = [net.add("node%d" % i) for i in range(1, NODES + 1)]
        cluster = clickhouse.Cluster(hosts=[p.address for p in places], prefixes=[p.prefix for p in places],
                                     namespaces=True, threads=2, memory=8 << 30)
        nodes = [Node(i + 1, work, h) for i, h in enumerate(hosts)]
        for n in nodes:
            cluster.configure(n.path, timeout_s=CALL_S, payloads_off=opts.payloads_off)
        nodes[0].inside("cluster", "create")
        first = min(state["counts"][0] // 2, 5000000)
        r["alone_rate"], r["alone_us"] = alone(nodes[0], first)
        begun_cpu = sum(s.cpu_seconds() for s in cluster.shards)
        r.update(together(cluster, nodes, hosts, rows, stored(cluster) or first, max(opts.outage, 0)))
        shard_cpu = sum(s.cpu_seconds() for s in cluster.shards) + r.pop("lost_cpu") - begun_cpu
        r["shard_us"] = 1e6 * shard_cpu / (rows - first)
        r["ship_us"] = 1e6 * sum(n.cpu for n in nodes) / (rows - first)
        both = {}
        for s in cluster.shards:
            for t, b in s.rows("SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'ebb' GROUP BY table"):
                both[t] = both.get(t, 0) + int(b) / rows
        r["shard_bytes"] = both
        address = nodes[0].inside("events", "--limit", "1", "--family", "rustock", "--json")[0]
        r["queries"] = ask(nodes[0], json.loads(address)["src_ip"])
        r["wrong"] = right(nodes[1], cluster, state["truth"])
        r["load"] = os.getloadavg()[1]
    finally:
        if cluster:
            cluster.remove()
        net.remove()
        if not opts.dir:
            shutil.rmtree(work, ignore_errors=True)
    say(r)
    return r


def say(r):
    print("  import            %10.0f rows/s, %.2f us CPU; journal %.0f and log %.0f bytes each" %
          (r["import_rate"], r["import_us"], r["journal_bytes"], r["log_bytes"]))
    print("  ship, one node    %10.0f events/s, %.2f us CPU of ebb each" % (r["alone_rate"], r["alone_us"]))
    if "before_rate" in r:
        print("  ship, three nodes %10.0f events/s until the outage; ebb %.2f us, ClickHouse %.2f us CPU each" %
              (r["before_rate"], r["ship_us"], r["shard_us"]))
        print("  outage            %10.0f s; then %.0f events in %.1f s: %.0f events/s" %
              (r["outage_s"], r["catch_up_rows"], r["catch_up_s"], r["catch_up_rate"]))
    print("  on the shards     %s bytes an event" % ", ".join("%s %.1f" % (t, b) for t, b in sorted(r["shard_bytes"].items())))
    for name, t in r["queries"].items():
        print("  %-17s " % name + ", ".join("%s %.2f s" % (w, s) for w, s in t.items()))
    print("  totals            %s (load average %.1f)" % ("equal the truth" if not r["wrong"] else "WRONG: %s" % r["wrong"], r["load"]),
          flush=True)


def growth(results):
    """Exponents between sizes: 1 is linear."""
    for a, b in zip(results, results[1:]):
        span = math.log(b["events"] / a["events"])
        print("\nfrom %s to %s events: time grows with the power" % (format(a["events"], ","), format(b["events"], ",")))
        rows = [("shipping, one node", 1 / a["alone_rate"] * a["events"], 1 / b["alone_rate"] * b["events"])]
        rows += [(n, a["queries"][n]["cluster"], b["queries"][n]["cluster"]) for n in a["queries"]]
        for name, x, y in rows:
            print("  %-20s %.2f" % (name, math.log(y / x) / span))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--events", default="1000000,10000000", help="sizes, with commas between")
    parser.add_argument("--dir", help="folder for logs and shards, kept; default: a temporary one")
    parser.add_argument("--outage", type=float, default=20, help="seconds that shard and cable are away")
    parser.add_argument("--payloads-off", action="store_true", help="the cluster keeps no payloads")
    parser.add_argument("--save", help="adds the figures to this JSON file")
    opts = parser.parse_args()
    why = clickhouse.missing() or netns.missing()
    if why:
        sys.exit("bench/cluster.py: " + why)
    folder = opts.dir or tempfile.mkdtemp(prefix="ebb-bench-cluster-", dir=os.environ.get("EBB_BENCH_DIR"))
    results = []
    try:
        for events in [int(e) for e in opts.events.split(",")]:
            results.append(one(folder, events, opts))
            if opts.save:
                old = []
                if os.path.exists(opts.save):
                    with open(opts.save) as f:
                        old = json.load(f)
                with open(opts.save, "w") as f:
                    json.dump(old + [results[-1]], f, indent=1)
        growth(results)
    finally:
        if not opts.dir:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if any(r["wrong"] for r in results) else 0)


main()
