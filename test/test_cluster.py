"""Three sinkholes and two ClickHouse shards, each in a network namespace of its own: shards die, nodes are cut off,
shippers are killed; afterwards the cluster has the simulator's truth exactly, and answers as one log would."""
import collections
import os
import re
import signal
import subprocess
import sys
import time

import clickhouse
import netns
from cluster_sim import NODES, make, truth_days
from ebbtest import EBB, SIM, Case, done, equal, folder, ok, run, skip

BATCH = 4000  # rows: several batches a node
TIMEOUT_S = 3  # of a call to a shard
SHIP_S = 40  # for all of a node, at most
HOSTS = 6000

why = clickhouse.missing() or netns.missing()
if why:
    skip("three nodes and two shards", why)
    done()

work = folder()


def simulate():
    scenario = os.path.join(work, "scenario.yaml")
    shown = run(SIM, "--show", "small").out
    with open(scenario, "w") as f:
        f.write(re.sub(r"(?m)^hosts: .*$", "hosts: %d" % HOSTS, shown))
    return make(work, scenario, 1.0)


class Node(Case):
    """A sinkhole's case and where it runs."""

    def __init__(self, host, feed):
        super().__init__()
        self.host, self.feed = host, feed
        result = self.ebb("import", feed)
        if result.code:
            raise RuntimeError(result.err)

    def inside(self, *args, timeout=SHIP_S, **more):
        return run(*self.host.prefix, EBB, "-C", self.path, *args, timeout=timeout, **more)

    def rows_inside(self, *args):
        result = self.inside(*args, "--json")
        if result.code:
            ok(False, "%s: %s" % (" ".join(args), result.err.strip()))
        return result.rows()

    def ship(self):
        return self.inside("cluster", "ship", "--json")

    def begin(self):
        return self.host.start(EBB, "-C", self.path, "cluster", "ship", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def census(case, *args):
    return case.rows("census", *args)


def shipped(shard):
    try:
        return int(shard.query("SELECT count() FROM ebb.events_local"))
    except (RuntimeError, ValueError, subprocess.TimeoutExpired):
        return 0


def until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def end(process, seconds):
    """Exit code, or None when it had to be ended."""
    try:
        process.wait(seconds)
        return process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        return None


def ship_all(nodes, name):
    bad = [(n.host.name, r.err.strip()) for n, r in ((n, n.ship()) for n in nodes) if r.code]
    if not ok(not bad, name):
        print("# %s" % bad)


def mid_batch(node, shards, disturb, mend, name):
    """Ships, disturbs once something of this node's arrived, mends, and says how it went on."""
    before = sum(shipped(s) for s in shards)
    process = node.begin()
    some = until(lambda: sum(shipped(s) for s in shards) >= before + BATCH or process.poll() is not None, SHIP_S)
    running = process.poll() is None
    disturb(process)
    ok(some and running, name + ": in the middle")
    time.sleep(1)
    mend(process)
    code = end(process, SHIP_S)
    print("# %s: the shipper %s" % (name, "was ended" if code is None else "ended with %d" % code))


def sorted_rows(rows, drop=()):
    return sorted(str(sorted((k, v) for k, v in r.items() if k not in drop)) for r in rows)


def same_questions(node, merged):
    """The cluster, asked from a node, beside one case that took in all three feeds."""
    for args in (["--by", "day"], ["--by", "country"], ["--by", "asn"], ["--by", "network"], ["--by", "family"],
                 ["--by", "address", "--family", "ircbot"], ["--by", "day", "--since", "2024-01-08", "--until", "2024-01-15"],
                 ["--by", "country", "--since", "2024-01-20"]):
        local = merged.rows("census", *args)
        equal(node.rows_inside("--engine", "clickhouse", "census", *args), local,
              "cluster and one log: census %s (%d rows)" % (" ".join(args), len(local)))
    busiest = collections.Counter(e["src_ip"] for e in merged.events("--family", "instid", "--until", "2024-01-03"))
    address = busiest.most_common(1)[0][0]
    for filters in (["--src", address], ["--country", "DE", "--until", "2024-01-02"], ["--family", "ircbot", "--since", "2024-01-27"]):
        got = node.rows_inside("--engine", "clickhouse", "events", *filters)
        want = merged.events(*filters)
        equal(sorted_rows(got, ("index", "log", "import", "record")), sorted_rows(want, ("index", "log", "import", "record")),
              "cluster and one log: events %s (%d)" % (" ".join(filters), len(want)))


def main():
    feeds, counts, truth = simulate()
    rows = truth["totals"]["rows"]
    equal(sum(counts), rows, "three nodes' feeds are all of the simulator's %d rows" % rows)
    net = netns.Net()
    places = [net.add("s%d" % i) for i in (1, 2)]
    hosts = [net.add("node%d" % i) for i in range(1, NODES + 1)]
    cluster = clickhouse.Cluster(hosts=[p.address for p in places], prefixes=[p.prefix for p in places], namespaces=True)
    nodes = [Node(h, f) for h, f in zip(hosts, feeds)]
    merged = Case()
    for f in feeds:
        merged.ebb("import", f)
    for n in nodes:
        cluster.configure(n.path, batch_rows=BATCH, timeout_s=TIMEOUT_S)
    made = nodes[0].inside("cluster", "create")
    if not ok(made.code == 0, "the cluster's tables are made from a node"):
        print("# " + made.err)
        return
    s1, s2 = cluster.shards

    def shard_dies(_):
        s2.kill()

    mid_batch(nodes[0], cluster.shards, shard_dies, lambda _: s2.start(), "a shard is killed")
    mid_batch(nodes[1], cluster.shards, lambda _: hosts[1].cut(), lambda _: hosts[1].mend(), "a node is cut off")
    mid_batch(nodes[2], cluster.shards, lambda p: p.kill(), lambda _: None, "a shipper is killed, its batch in doubt")
    ship_all(nodes, "with everything back, each node ships to its log's end")
    ship_all(nodes, "and again, with nothing new")

    days = {(r["date"], r["family"]): r["addresses"]
            for r in nodes[0].rows_inside("--engine", "clickhouse", "census", "--by", "day")}
    equal(days, truth_days(truth), "the cluster's addresses by day and family are the simulator's truth")
    total = cluster.rows("SELECT uniqExact(log, entry) FROM ebb.events WHERE kind != 0")
    equal(int(total[0][0]), rows, "each row of the truth is there once")
    apart = sum(sum(r["addresses"] for r in census(n, "--by", "family")) for n in nodes)
    united = sum(r["addresses"] for r in nodes[1].rows_inside("--engine", "clickhouse", "census", "--by", "family"))
    ok(united < apart, "a bot that two sinkholes saw counts once: %d addresses, the nodes' sums are %d" % (united, apart))
    same_questions(nodes[2], merged)
    for n in nodes:
        result = n.inside("cluster", "verify")
        if not ok(result.code == 0, "%s: rows and log agree" % n.host.name):
            print("# " + result.err)
        n.verifies("%s: the log holds" % n.host.name)


main()
done()
