#!/usr/bin/env python3
"""Shipping to a ClickHouse cluster of two shards on loopback: what is there is the log's, once, whatever is killed when;
and servers that are none."""
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import clickhouse
from ebbtest import EBB, SIM, Case, equal, done, folder, ok, run, skip

WHY = clickhouse.missing()
if WHY:
    skip("shipping to ClickHouse", WHY)
    done()

cluster = clickhouse.Cluster(2)
case = Case()
cluster.configure(case.path)
feed = os.path.join(folder(), "feed.csv")
run(SIM, "--quiet", "--feed", feed, "--days", "20", "small")
case.ebb("import", "--quiet", feed)
size = len(case.ebb("events", "--json").out.splitlines())


def ship(*more, code=0, name=None, timeout=60):
    r = case.ebb("cluster", "ship", *more, timeout=timeout)
    if r.code != code:
        print("# %s" % r.err.strip())
    if name:
        equal(r.code, code, name)
    return r


def counts():
    """rows, distinct entries of this log"""
    return tuple(int(n) for n in cluster.rows("SELECT count(), uniqExact(log, entry) FROM ebb.events")[0])


def census():
    rows = cluster.rows("SELECT family, uniqExact(address) FROM ebb.sightings GROUP BY family")
    return {family: int(n) for family, n in rows}


def local_census():
    return {r["family"]: r["addresses"] for r in case.ebb("census", "--by", "family", "--json").rows()}


def check(name):
    want = len(case.ebb("events", "--json").out.splitlines())
    equal(counts(), (want, want), name + ": each event is there once")
    v = case.ebb("cluster", "verify", "--quiet")
    ok(v.code == 0, name + ": verify holds") or print("#", v.err)
    equal(census(), local_census(), name + ": the census is the local one")


def empty():
    for s in cluster.shards:
        s.query("DROP DATABASE IF EXISTS ebb")
    case.ebb("cluster", "create", "--quiet")


# ---- set-up, ship, ship again ----
r = ship(code=1)
ok("ebb.events_local" in r.err or "ebb doesn't exist" in r.err.lower() or "doesn't exist" in r.err, "without tables it says so")
equal([case.ebb("cluster", "create").code for _ in range(2)], [0, 0], "tables are made, twice")
ok("CREATE TABLE" in case.ebb("cluster", "create", "--print").out and "<yandex>" in case.ebb("cluster", "create", "--servers").out,
   "statements and the servers' part are printed")
ship(name="ship")
check("shipped")
before = len(case.ebb("log", "checkpoint").out)
ship(name="ship once more")
equal(counts(), (size, size), "nothing came twice")
rows = case.ebb("cluster", "--json").rows()
ok([r["shard"] for r in rows] == ["s1", "s2"] and sum(r["rows"] for r in rows) == size and all(r["state"] == "up" for r in rows)
   and all(r["version"] for r in rows), "cluster lists the shards")
entries = case.ebb("status", "--json").out
log_size = [int(re.search(r'"log_size":(\d+)', case.ebb("status", "--json").out).group(1)) for _ in range(2)
            if ship().code == 0]
ok(log_size[0] == log_size[1], "an idle log does not grow by being shipped")

# ---- a row and its proof ----
first = case.ebb("events", "--json", "--limit", "1").rows()[0]
origin = case.ebb("log", "checkpoint").out.splitlines()[0]
row = case.ebb("cluster", "row", origin, str(first["index"])).rows()[0]
event = dict(row["event"])
equal({k: event.get(k) for k in ("time", "src_ip", "family", "sensor")},
      {k: first.get(k) for k in ("time", "src_ip", "family", "sensor")}, "a row is the event")
import hashlib
leaf = bytes.fromhex(row["header"]) + hashlib.sha256(bytes.fromhex(row["salt"]) + bytes.fromhex(row["payload"])).digest()
proof = case.ebb("log", "prove", str(first["index"])).out.splitlines()
at = proof.index("")
index = int(next(line for line in proof[:at] if line.startswith("index ")).split()[1])
hashes = []
import base64
for line in proof[1:at]:
    if not line.startswith(("index ", "extra ")):
        hashes.append(base64.b64decode(line))
tree = int(proof[at + 2])
root = base64.b64decode(proof[at + 3])
h, fn, sn = hashlib.sha256(b"\0" + leaf).digest(), index, tree - 1  # RFC 9162, 2.1.3.2
for p in hashes:
    if fn & 1 or fn == sn:
        h = hashlib.sha256(b"\1" + p + h).digest()
        while not fn & 1 and fn:
            fn, sn = fn >> 1, sn >> 1
    else:
        h = hashlib.sha256(b"\1" + h + p).digest()
    fn, sn = fn >> 1, sn >> 1
ok(sn == 0 and h == root and index == first["index"], "its leaf is in the log's tree")
ok(case.ebb("cluster", "row", origin, "1").code == 1, "an entry that is no observation has no row")

# ---- what verify finds ----
shard = [s for s in cluster.shards if s.query("SELECT count() FROM ebb.events_local WHERE entry = %d" % first["index"]).strip() == "1"][0]
columns = "log, entry, day, time, kind, sensor, protocol, src, src_port, dst, dst_port, asn, country, family, bot_id, role, counts, network, bits, header, salt, payload"
shard.query("INSERT INTO ebb.events_local SELECT %s FROM ebb.events_local WHERE entry = %d" % (columns, first["index"]))
v = case.ebb("cluster", "verify", "--quiet")
ok(v.code == 1 and "entry %d is there twice" % first["index"] in v.err, "verify names an entry that is there twice")
shard.query("ALTER TABLE ebb.events_local DELETE WHERE entry = %d" % first["index"])
time.sleep(1)
v = case.ebb("cluster", "verify", "--quiet")
ok(v.code == 1 and "entry %d is not there" % first["index"] in v.err, "and one that is wanting")
shard.query("INSERT INTO ebb.events_local SELECT %s FROM (SELECT * FROM ebb.events_local LIMIT 1)"
            % columns.replace("log, entry", "log, toUInt64(%d)" % first["index"]))
v = case.ebb("cluster", "verify", "--quiet")
ok(v.code == 1 and re.search(r"entry %d: \w+ differs" % first["index"], v.err), "and one that differs")

# ---- a shard that lost all it had ----
shard.query("DROP TABLE ebb.events_local")
case.ebb("cluster", "create", "--quiet")
ship("--again", shard.name, name="ship again to a shard that lost what it had")
check("after it")

# ---- killed in the middle ----
empty()
cluster.configure(case.path, batch_rows=1000)


def background():
    return subprocess.Popen([EBB, "-C", case.path, "cluster", "ship", "--again", "all"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


for round_ in range(3):
    p = background()
    end = time.time() + 20
    while time.time() < end and p.poll() is None and counts()[0] < 1500 * (round_ + 1):
        time.sleep(0.005)
    p.send_signal(signal.SIGKILL)
    p.wait()
time.sleep(0.5)
n = counts()
equal(n[0], n[1], "a shipper that was killed leaves nothing twice")
ship("--again", "all", name="and the next goes on")
check("after kills of the shipper")

empty()
for round_ in range(2):
    p = background()
    end = time.time() + 20
    while time.time() < end and p.poll() is None:
        try:
            if counts()[0] >= 1000 * (round_ + 1):
                break
        except (OSError, RuntimeError):
            pass
    cluster.shards[round_ % 2].kill()
    time.sleep(0.2)
    cluster.shards[round_ % 2].start()
    p.wait(60)
ship("--again", "all", name="ship after kills of the servers")
check("after kills of the servers")

# ---- a shard is down, and comes back ----
more = os.path.join(folder(), "more.csv")
run(SIM, "--quiet", "--feed", more, "--days", "5", "--seed", "2", "small")
case.ebb("import", "--quiet", more)
one = int(cluster.shards[0].query("SELECT count() FROM ebb.events_local"))
cluster.shards[1].kill()
r = ship(code=1, name="a shard that is down is told of")
ok("shard s2" in r.err, "by its name")
ok(int(cluster.shards[0].query("SELECT count() FROM ebb.events_local")) > one, "the other goes on")
cluster.shards[1].start()
ship(name="it is back")
check("after an outage")

# ---- erased ----
victims = [r["index"] for r in case.ebb("events", "--json", "--limit", "400").rows()]
r = case.ebb("log", "redact", "--who", "rita", "--why", "order 7", "%d-%d" % (victims[0], victims[-1]))
if r.code:
    r = case.ebb("log", "redact", "--why", "order 7", *[str(v) for v in victims[:60]])
ok(r.code == 0, "entries are erased") or print("#", r.err)
ship(name="ship the redaction")
check("after a redaction")
ok(not [t for t in cluster.query("SHOW TABLES FROM ebb").split() if t.startswith("erased")], "no list of addresses is left")

# ---- another log of the same name ----
stolen = Case(os.path.join(folder(), "again"), init=False)
r = run(EBB, "init", "--origin", origin, stolen.path)
if r.code == 0:
    cluster.configure(stolen.path)
    stolen.ebb("import", "--quiet", feed)
    r = stolen.ebb("cluster", "ship")
    ok(r.code == 1 and "another log" in r.err, "a log that was made again under the same name is refused") or print("#", r.err)
    check("after it")

# ---- without payloads ----
bare = Case()
cluster.configure(bare.path, database="bare", payloads_off=True)
bare.ebb("import", "--quiet", feed)
bare.ebb("cluster", "create", "--quiet")
equal(bare.ebb("cluster", "ship").code, 0, "payloads_off: ship")
equal(cluster.query("SELECT sum(length(payload)), sum(header != toFixedString('', 36)), count() FROM bare.events").split(),
      ["0", "0", str(size)], "payloads_off: none are there")
equal(bare.ebb("cluster", "verify", "--quiet").code, 0, "payloads_off: verify holds")


# ---- servers that are none ----
class Bad(http.server.BaseHTTPRequestHandler):
    how = "garbage"

    def do_POST(self):
        n = int(self.headers.get("Content-Length", 0))
        if Bad.how == "close":
            self.connection.close()
            return
        self.rfile.read(n)
        if Bad.how == "garbage":
            body = os.urandom(3000)
        elif Bad.how == "huge":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(64):
                    self.wfile.write(b"1\t" * (1 << 19))
            except OSError:
                pass
            return
        elif Bad.how == "redirect":
            self.send_response(302)
            self.send_header("Location", cluster.shards[0].url + "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        elif Bad.how == "error":
            body = b"Code: 999, e.displayText() = DB::Exception: \x1b[31mno\x00" + b"x" * 100000
            self.send_response(500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        elif Bad.how == "slow":
            time.sleep(3)
            body = b""
        else:  # promises more than there is
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"18.16.1\t0\t")
            self.connection.close()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bad)
server.daemon_threads = True
server.handle_error = lambda *a: None
threading.Thread(target=server.serve_forever, daemon=True).start()
bad = Case()
path = os.path.join(bad.path, "ebb.yaml")
text = re.sub(r"(?m)^cluster:\n(?:[ #].*\n|\n)*?(?=^\S|\Z)", "", open(path).read())
with open(path, "w") as f:
    f.write(text.rstrip("\n") + "\ncluster:\n  timeout_s: 1\n  shards:\n    - {name: s1, url: \"http://127.0.0.1:%d\"}\n" % server.server_port)
for Bad.how in ("garbage", "huge", "redirect", "error", "slow", "short", "close"):
    r = bad.ebb("cluster", timeout=30)
    state = r.out.splitlines()[-1] if r.out else ""
    ok(r.code == 0 and "up" not in state.split()[-1:] and "\x1b" not in r.out and len(state) < 1000,
       "a server that is none (%s) is shown as such" % Bad.how) or print("#", r.code, r.out, r.err)
bad.ebb("import", "--quiet", feed)
Bad.how = "garbage"
begun = time.time()
r = bad.ebb("cluster", "ship", timeout=60)
ok(r.code == 1 and "makes no sense" in r.err and time.time() - begun < 30, "nothing is shipped to it, in bounded time")
server.shutdown()
cluster.stop()
done()
