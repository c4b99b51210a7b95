#!/usr/bin/env python3
"""A census over a cluster: two ClickHouse servers on this machine, one thread each, filled inside the server with the
sightings (and events) of a botnet that declines over 180 days; `ebb --engine clickhouse census` is timed over it.

    python3 bench/cluster_census.py [--events 1000000,10000000] [--no-events] [--dir DIR] [--keep] [--ask-only]

What is filled: hosts that are clean after a time that is drawn (mean 100 days), active on nine days of ten, eight events a
day; leases of 3, 14, 60 days or for ever; 30000 networks of uneven size. So many hosts that the events come to the
number asked for: 1000 hosts and 180 days are 625,000 events.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import peers

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DAYS, FIRST = 180, 15055  # 2011-03-22
PER_DAY = 8
HOSTS_PER_EVENT = 1600000 / 1000e6
PASSES = 3

EXTRA = """  <max_concurrent_queries>20</max_concurrent_queries>
  <merge_tree><parts_to_throw_insert>3000</parts_to_throw_insert><parts_to_delay_insert>3000</parts_to_delay_insert></merge_tree>
"""


class Server(peers.ClickHouse):
    """One shard: its HTTP port is what ebb asks."""

    def __init__(self, folder, number, core):
        self.dir, self.number, self.core = os.path.join(folder, "shard%d" % number), number, core
        self.http, self.tcp = peers.free_port(), peers.free_port()
        for sub in ("data", "tmp"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        with open(os.path.join(self.dir, "config.xml"), "w") as f:
            text = peers.CONFIG.format(dir=self.dir, http=self.http, tcp=self.tcp, inter=peers.free_port())
            f.write(text.replace("</yandex>", EXTRA + "</yandex>"))
        with open(os.path.join(self.dir, "users.xml"), "w") as f:
            f.write(peers.USERS)
        self.process = subprocess.Popen(
            ["nice", "taskset", "-c", str(core), "clickhouse-server", "--config-file", os.path.join(self.dir, "config.xml")],
            cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                self.ask("SELECT 1")
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("clickhouse-server does not answer: %s/err" % self.dir)

    def ask(self, sql, timeout=36000):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/" % self.http, data=sql.encode(), timeout=timeout) as r:
                return r.read().decode()
        except urllib.error.HTTPError as e:
            raise RuntimeError("%s\n%s" % (sql[:500], e.read().decode()[:500]))

    def cpu(self):
        """CPU seconds of the server so far."""
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read_bytes(self):
        rows = self.ask("SELECT event, value FROM system.events WHERE event IN ('ReadCompressedBytes', "
                        "'CompressedReadBufferBytes', 'SelectedMarks')")
        return {k: int(v) for k, v in (line.split("\t") for line in rows.splitlines())}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tables():
    """The local tables' statements, from the definition that ebb makes them by."""
    with open(os.path.join(ROOT, "src", "view", "clickhouse.def")) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    out = []
    for m in re.finditer(r'TABLE\((\w+), "([^"]*)", "([^"]*)", "([^"]*)"\)(.*?)\nEND', text, re.S):
        name, engine, partition, order, body = m.groups()
        columns = ", ".join("%s %s" % c for c in re.findall(r'COLUMN\((\w+), "([^"]*)"\)', body))
        out.append("CREATE TABLE IF NOT EXISTS %%s.%s_local (%s) ENGINE = %s PARTITION BY %s ORDER BY (%s)"
                   % (name, columns, engine, partition, order))
    return out


def shard_of(v4):
    """clickhouse_shard() of fact_source(), for two shards."""
    x = "bitOr(toUInt64(%s), toUInt64(4294967296))" % v4
    for k in (18397679294719823053, 14181476777654086739):
        x = "(bitXor(%s, bitShiftRight(%s, 33)) * toUInt64(%d))" % (x, x, k) if "*" not in x else \
            "(bitXor(y1, bitShiftRight(y1, 33)) * toUInt64(%d))" % k
    return x


# What a host is: its life, its network, its lease; h is its number, d the day from 0.
HOST = """
    (cityHash64(h, 1) / 18446744073709551616.) AS u, toUInt32(-100 * log(u + 1e-12)) AS life,
    toUInt32(30000 * pow(cityHash64(h, 2) / 18446744073709551616., 2)) AS net,
    [3, 14, 14, 14, 60, 60, 60, 9999, 9999, 9999][h % 10 + 1] AS lease"""
ADDRESS = "toUInt32(83886080 + net * 16384 + cityHash64(h, intDiv(d + h % 97, lease)) % 16384)"
ACTIVE = "d <= life AND cityHash64(h, d, 3) % 10 != 0"
WHERE_SHARD = "bitAnd(bitXor(y2, bitShiftRight(y2, 33)), 1) = %d"
SOURCE = "bitOr(toUInt64(v4), toUInt64(4294967296))"
Y = ("{s} AS y0, bitXor(y0, bitShiftRight(y0, 33)) * toUInt64(18397679294719823053) AS y1, "
     "bitXor(y1, bitShiftRight(y1, 33)) * toUInt64(14181476777654086739) AS y2").format(s=SOURCE)
MAPPED = "toFixedString(concat(unhex('00000000000000000000ffff'), reverse(reinterpretAsString(bitOr(toUInt64(%s), toUInt64(4294967296))))), 17)"


def fixed16(v4):
    # four bytes, most significant first, behind ::ffff: a fifth byte keeps reinterpretAsString from cutting zeros
    return ("toFixedString(concat(unhex('00000000000000000000ffff'), substring(reverse(reinterpretAsString("
            "bitOr(toUInt64(%s), toUInt64(4294967296)))), 2, 4)), 16)" % v4)


def fill_sightings(server, db, hosts, step=100000):
    for begin in range(0, hosts, step):
        n = min(step, hosts - begin)
        server.ask("""
INSERT INTO {db}.sightings_local SELECT 'rustock', v4, {address}, 1000 + any(net) % 5000,
    toFixedString(['DE','US','CN','IN','BR','RU','FR','GB','IT','TR','VN','ID','PL','UA','RO','ES','MX','JP','KR','NL'][any(net) % 20 + 1], 2),
    {network}, 18 + 1, intDiv(day, 64) AS chunk, groupBitOrState(bitShiftLeft(toUInt64(1), day % 64))
FROM (SELECT h, net, {day} + d AS day, {v4} AS v4, {y} FROM
        (SELECT number + {begin} AS h, {host} FROM numbers({n})) ARRAY JOIN range({days}) AS d WHERE {active} AND {shard})
GROUP BY v4, chunk SETTINGS max_insert_block_size=4000000, min_insert_block_size_rows=4000000, min_insert_block_size_bytes=2000000000"""
                   .format(db=db, address=fixed16("v4"), network=fixed16("83886080 + any(net) * 16384"), day=FIRST,
                           v4=ADDRESS, y=Y, begin=begin, host=HOST, n=n, days=DAYS, active=ACTIVE,
                           shard=WHERE_SHARD % server.number))
    server.ask("OPTIMIZE TABLE %s.sightings_local FINAL" % db)


def fill_events_day(server, db, hosts, d):
    """One day's events; entries go on from day to day, each shard has its own share of them."""
    server.ask("""
INSERT INTO {db}.events_local SELECT 1, toUInt64({d}) * 20000000 + h * {per} + k, toDate({day}), toInt64({day}) * 86400000000
    + toInt64(k) * 10800000000, 2, 's1', 'http', {address}, 1024, toFixedString('', 16), 80, 1000 + net % 5000,
    ['DE','US','CN','IN','BR','RU','FR','GB','IT','TR','VN','ID','PL','UA','RO','ES','MX','JP','KR','NL'][net % 20 + 1],
    'rustock', '', '', 'rustock', {network}, 19, toFixedString('', 36), toFixedString('', 16), ''
FROM (SELECT h, net, {v4} AS v4, {y} FROM (SELECT number AS h, {d} AS d, {host} FROM numbers({hosts})) WHERE {active} AND {shard})
ARRAY JOIN range({per}) AS k
SETTINGS max_insert_block_size=2000000, min_insert_block_size_rows=2000000, min_insert_block_size_bytes=2000000000"""
               .format(db=db, d=d, per=PER_DAY, day=FIRST + d, address=fixed16("v4"), network=fixed16("83886080 + net * 16384"),
                       v4=ADDRESS, y=Y, host=HOST, hosts=hosts, active=ACTIVE, shard=WHERE_SHARD % server.number))


def fill(servers, db, events, want_events):
    hosts = int(events * HOSTS_PER_EVENT)
    begin = time.time()
    for s in servers:
        s.ask("CREATE DATABASE IF NOT EXISTS " + db)
        for statement in tables():
            s.ask(statement % db)
        if int(s.ask("SELECT count() FROM %s.sightings_local" % db)) == 0:
            s.ask("INSERT INTO %s.logs_local VALUES (1, 'bench.example/log', '')" % db)
            fill_sightings(s, db, hosts)
            say("%s: shard %d has its sightings after %.0f s" % (db, s.number, time.time() - begin))
    if not want_events:
        return
    for d in range(DAYS):
        for s in servers:
            if int(s.ask("SELECT count() FROM %s.events_local WHERE day = toDate(%d)" % (db, FIRST + d))) == 0:
                fill_events_day(s, db, hosts, d)
        if shutil.disk_usage(servers[0].dir).free < 30 << 30:
            raise RuntimeError("less than 30 GB are free: stopped after %d days" % d)
    say("%s: filled after %.0f s" % (db, time.time() - begin))


def say(text):
    print(text, flush=True)


CASE = """cluster:
  database: {db}
  shards:
"""


def make_case(folder, db, servers, ebb):
    case = os.path.join(folder, "case-" + db)
    shutil.rmtree(case, ignore_errors=True)
    subprocess.run([ebb, "init", case], check=True, stdout=subprocess.DEVNULL)
    path = os.path.join(case, "ebb.yaml")
    with open(path) as f:
        text = f.read()
    text = re.sub(r"(?m)^#? ?cluster:.*(\n[ #].*)*\n?", "", text)
    text += CASE.format(db=db) + "".join("    - {name: s%d, url: \"http://127.0.0.1:%d\"}\n" % (s.number, s.http) for s in servers)
    with open(path, "w") as f:
        f.write(text)
    return case


def timed(servers, args):
    cpu, read = [s.cpu() for s in servers], [s.read_bytes() for s in servers]
    begin = time.perf_counter()
    before = os.times()
    r = subprocess.run(args, stdout=subprocess.PIPE, text=True)
    took = time.perf_counter() - begin
    after = os.times()
    if r.returncode:
        raise RuntimeError("%s: %d" % (args, r.returncode))
    own = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return {"seconds": took, "server_cpu": sum(s.cpu() - c for s, c in zip(servers, cpu)), "ebb_cpu": own,
            "read": sum(s.read_bytes().get("CompressedReadBufferBytes", 0) - b.get("CompressedReadBufferBytes", 0)
                        for s, b in zip(servers, read)), "out": r.stdout}


def measure(servers, case, db, events, ebb):
    totals = [tuple(map(int, s.ask("SELECT count(), uniqExact(v4) FROM %s.sightings_local" % db).split())) for s in servers]
    rows = [int(s.ask("SELECT count() FROM %s.events_local" % db)) for s in servers]
    disk = sum(int(s.ask("SELECT sum(bytes) FROM system.parts WHERE active AND database = '%s'" % db) or 0) for s in servers)
    say("%s: %d events, %d sightings of %d addresses, %.2f GB" % (
        db, sum(rows), sum(t[0] for t in totals), sum(t[1] for t in totals), disk / 1e9))
    addresses = {}
    for by in ("day", "country", "asn", "network", "family"):
        passes = [timed(servers, [ebb, "-C", case, "--engine", "clickhouse", "census", "--by", by, "--json"]) for _ in range(PASSES)]
        best = min(passes, key=lambda p: p["seconds"])
        cpu = best["server_cpu"] + best["ebb_cpu"]
        lines = [json.loads(line) for line in best["out"].splitlines()]
        addresses[by] = sum(r["addresses"] for r in lines)
        say("%-6s by %-8s %7.3f s (worst %7.3f)  server CPU %7.2f s, ebb %6.2f s, %7.1f MB read, %6d rows; "
            "%.1f ms CPU a node-day (2 nodes' share of 180 days)" % (
                db, by, best["seconds"], max(p["seconds"] for p in passes), best["server_cpu"], best["ebb_cpu"],
                best["read"] / 1e6, len(lines), 1000 * cpu / (2 * DAYS)))
    if addresses["country"] != addresses["asn"] or addresses["family"] != sum(t[1] for t in totals):
        raise RuntimeError("counts differ: %r" % addresses)
    truth = {}
    for s in servers:
        for line in s.ask("SELECT toUInt16(day), uniqExact(src) FROM %s.events_local GROUP BY day" % db).splitlines():
            d, n = map(int, line.split())
            truth[d] = truth.get(d, 0) + n
    if truth:
        days = [json.loads(line) for line in timed(servers, [ebb, "-C", case, "--engine", "clickhouse", "census", "--json"])["out"].splitlines()]
        same = [r["addresses"] for r in days] == [truth[d] for d in sorted(truth)]
        say("%s: census by day %s what uniqExact says of the events" % (db, "equals" if same else "DIFFERS FROM"))
        if not same:
            raise RuntimeError("not exact")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--events", default="1000000,10000000")
    p.add_argument("--no-events", action="store_true", help="sightings only")
    p.add_argument("--fill-only", action="store_true")
    p.add_argument("--dir", help="for the servers' data, kept; default: one that goes away")
    a = p.parse_args()
    ebb = os.environ.get("EBB", os.path.join(ROOT, "build", "ebb"))
    folder = a.dir or tempfile.mkdtemp(prefix="ebb-census-")
    servers = [Server(folder, i, i % os.cpu_count()) for i in range(2)]
    try:
        for events in map(int, a.events.split(",")):
            db = "c%d" % events
            fill(servers, db, events, not a.no_events)
            if not a.fill_only:
                measure(servers, make_case(folder, db, servers, ebb), db, events, ebb)
    finally:
        for s in servers:
            s.stop()
        if not a.dir:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
