"""Three sinkholes and two ClickHouse shards, each in a network namespace of its own: shards die, nodes are cut off,
shippers are killed; afterwards the cluster has the simulator's truth exactly, and answers as one log would."""
import collections
import os
import re
import shutil
import signal
import subprocess
import time

import clickhouse
import netns
from cluster_sim import NODES, make, truth_days
from ebbtest import EBB, SIM, Case, done, equal, folder, ok, run, skip
from people import people
from sinkhole import Sinkhole

BATCH = 2000  # rows: several batches a node
SLICE_S = 0.01
TIMEOUT_S = 3  # of a call to a shard
SHIP_S = 90  # for all of a node, at most
HOSTS = 4000
MAILS = 300  # a node
CENTRE_PORT = 8441

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
        result = self.ebb("import", *feed)
        if result.code:
            raise RuntimeError(result.err)

    def reports_to(self, url, vkey, ca):
        path = os.path.join(self.path, "ebb.yaml")
        with open(path) as f:
            text = re.sub(r"(?m)^nodes:\n(?:[ #].*\n|\n)*?(?=^\S|\Z)", "", f.read())
        with open(path, "w") as f:
            f.write(text.rstrip("\n") + "\nnodes: {centre: \"%s\", centre_vkey: \"%s\", ca: %s}\n" % (url, vkey, ca))

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


def mails(n):
    """A node's mails: campaigns of its own."""
    path = os.path.join(work, "node%d.mbox" % n)
    result = run(SIM, "mail", "--quiet", "--seed", n, "--mails", MAILS, "--campaigns", 5, "--mbox", path)
    if result.code:
        raise RuntimeError(result.err)
    return path


def shipped(shard):
    try:
        return int(shard.query("SELECT count() FROM ebb.events_local"))
    except (RuntimeError, ValueError, subprocess.TimeoutExpired):
        return 0


def paced(process, condition, seconds):
    """Lets it run in slices, looking between them: or a quick machine is done before anybody looked. It is stopped then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        if condition():
            return True
        process.send_signal(signal.SIGCONT)
        time.sleep(SLICE_S)
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
    ok(paced(process, lambda: sum(shipped(s) for s in shards) >= before + BATCH, SHIP_S), name + ": in the middle")
    disturb(process)
    process.send_signal(signal.SIGCONT)
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


def same_volumes(node, merged):
    for by in ("day", "sensor", "topic"):
        keys = (by if by != "day" else "date", "mails", "bytes")
        got, want = ([{k: r.get(k) for k in keys} for r in rows] for rows in (
            node.rows_inside("--engine", "clickhouse", "spam", "--by", by), merged.rows("spam", "--by", by)))
        ok(sum(r["mails"] for r in want) == NODES * MAILS, "one log has all mails")
        equal(sorted_rows(got), sorted_rows(want), "cluster and one log: spam --by %s (%d rows)" % (by, len(want)))


def begin_centre(host):
    """A served case in that namespace, with a certificate for its address. Returns it and the certificate."""
    pem, key = os.path.join(work, "centre.pem"), os.path.join(work, "centre.key")
    made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
               "/CN=centre", "-addext", "subjectAltName=IP:" + host.address, "-keyout", key, "-out", pem)
    if made.code:
        raise RuntimeError(made.err)
    there = os.path.join(work, "ebb-there")
    with open(there, "w") as f:
        f.write("#!/bin/sh\nexec %s %s \"$@\"\n" % (" ".join(host.prefix), EBB))
    os.chmod(there, 0o755)
    centre = Sinkhole(listen={"http": ("http", "")}, sensors=1, binary=there,
                      top="nodes: {listen: \"%s:%d\", certificate: %s, key: %s}" % (host.address, CENTRE_PORT, pem, key))
    return centre, people(centre, oscar="custodian operator")["oscar"], pem


def alarms(centre):
    return {r["node"]: r["state"] for r in centre.ebb("node", "check", "--json").rows() if r["state"] != "holds"}


def with_centre(net, nodes, truth):
    """The nodes report to a centre in a namespace of its own; one is cut off, one is rolled back."""
    place = net.add("centre")
    centre, oscar, pem = begin_centre(place)
    vkey = centre.must("node", "--vkey").out.strip()
    for n in nodes:
        with open(os.path.join(n.path, "log", "vkey")) as f:
            added = oscar.ebb(centre, "node", "add", n.host.name, f.read().split("\n")[0])
        if added.code:
            raise RuntimeError(added.err)
        n.reports_to("https://%s:%d" % (place.address, CENTRE_PORT), vkey, pem)
    old = os.path.join(work, "old")
    shutil.copytree(nodes[0].path, old)
    centre.start()
    for n in nodes[:2]:
        pushed = n.inside("node", "push")
        if not ok(pushed.code == 0, "%s: the centre takes checkpoint and census" % n.host.name):
            print("# " + pushed.err)
    nodes[2].host.cut()
    ok(nodes[2].inside("node", "push").code == 1, "a node that is cut off says that it did not reach the centre")
    nodes[2].host.mend()
    equal(nodes[2].inside("node", "push").code, 0, "and reaches it when the cable is back")
    days = {(r["date"], r["family"]): r["addresses"] for r in centre.rows("census", "--by", "day", "--nodes")}
    equal(days, truth_days(truth), "the centre's census over all nodes is the simulator's truth")
    equal(alarms(centre), {}, "no alarm")
    more = nodes[0].ebb("import", mails(NODES + 1))
    ok(more.code == 0 and nodes[0].inside("node", "push").code == 0, "the log grows, and is cosigned")
    shutil.rmtree(nodes[0].path)
    shutil.copytree(old, nodes[0].path)
    ok(nodes[0].inside("node", "push").code == 1, "the node's log is rolled back: its next report fails")
    equal(alarms(centre), {nodes[0].host.name: "rollback"}, "and the centre has the alarm")
    centre.stop()


def main():
    feeds, counts, truth = simulate()
    rows = truth["totals"]["rows"]
    equal(sum(counts), rows, "three nodes' feeds are all of the simulator's %d rows" % rows)
    net = netns.Net()
    places = [net.add("s%d" % i) for i in (1, 2)]
    hosts = [net.add("node%d" % i) for i in range(1, NODES + 1)]
    cluster = clickhouse.Cluster(hosts=[p.address for p in places], prefixes=[p.prefix for p in places], namespaces=True)
    inputs = [[f, mails(n + 1)] for n, f in enumerate(feeds)]
    nodes = [Node(h, i) for h, i in zip(hosts, inputs)]
    merged = Case()
    for i in inputs:
        merged.ebb("import", *i)
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
    total = cluster.rows("SELECT uniqExact(log, entry), count() FROM ebb.events FINAL WHERE counts != ''")
    equal([int(x) for x in total[0]], [rows, rows], "each row of the truth is there, once")
    apart = sum(sum(r["addresses"] for r in n.rows("census", "--by", "family")) for n in nodes)
    united = sum(r["addresses"] for r in nodes[1].rows_inside("--engine", "clickhouse", "census", "--by", "family"))
    ok(united < apart, "a bot that two sinkholes saw counts once: %d addresses, the nodes' sums are %d" % (united, apart))
    same_questions(nodes[2], merged)
    same_volumes(nodes[0], merged)
    for n in nodes:
        result = n.inside("cluster", "verify")
        if not ok(result.code == 0, "%s: rows and log agree" % n.host.name):
            print("# " + result.err)
        n.verifies("%s: the log holds" % n.host.name)
    with_centre(net, nodes, truth)


main()
done()
