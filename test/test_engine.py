"""Two engines, one answer: census, events and spam from the case's own views, and from the cluster that it ships to,
field by field; two nodes in a cluster beside a case that has both their files; hostile words; shards that are down or
do not tell the truth."""
import http.server
import json
import os
import random
import re
import threading

import clickhouse
from ebbtest import Case, SIM, done, equal, feed_text, folder, ok, run, skip, write

why = clickhouse.missing()
if why:
    skip("the engines beside each other", why)
    done()

where = folder()
cluster = clickhouse.Cluster(shards=2)


def ship(case):
    r = case.ebb("cluster", "ship", "--json", "--quiet")
    if r.code:
        ok(False, "cluster ship: " + r.err.strip())


def remote(case, *args):
    r = case.ebb("--engine", "clickhouse", *args, "--json", "--quiet")
    if r.code:
        ok(False, "--engine clickhouse %s: %s" % (" ".join(args), r.err.strip()))
    return r.rows()


def same(case, *args, drop=()):
    """The question to both engines; what differs is said."""
    local = case.rows(*args)
    there = remote(case, *args)
    for row in there:
        for key in drop:
            row.pop(key, None)
    if local == there:
        return len(local)
    for i, (a, b) in enumerate(zip(local, there)):
        if a != b:
            print("#   row %d: local %s\n#   cluster %s" % (i, json.dumps(a)[:1200], json.dumps(b)[:1200]))
            break
    print("#   %d rows, %d from the cluster" % (len(local), len(there)))
    return None


def all_same(case, name, questions, drop=()):
    """One check of many questions: (empty ones say nothing) how many rows were compared."""
    rows = 0
    for q in questions:
        n = same(case, *q, drop=drop)
        if n is None:
            ok(False, "%s: %s" % (name, " ".join(q)))
            return
        rows += n
    ok(rows > 0, "%s: %d questions, %d rows, each field the same" % (name, len(questions), rows))


# ---- a case with all sorts of things in it ----

HOSTILE = ["rustock", "o'brien", "back\\slash", "x'; DROP TABLE ebb.events_local; --", "tab\tnew\nline", "\\'", "\\x41", "%s{}`",
           "é漢", "\x7f\x01\x1f", "'", "\\", "unknown", "a" * 300]
INVALID = [b"in\xff\xfevalid", b"\xc3(", b"\xed\xa0\x80"]


def hostile_feed(seed, rows, first_day, days, bad=True):
    """A feed with families that move between networks, IPv4 and IPv6, under every name above."""
    rng = random.Random(seed)
    out = []
    nets = ["192.0.2.%d", "198.51.100.%d", "203.0.113.%d"]
    for i in range(rows):
        day = first_day + rng.randrange(days)
        six = rng.random() < 0.3
        src = ("2001:db8:%x:%x::%x" % (rng.randrange(3), rng.randrange(6), rng.randrange(1, 9)) if six
               else rng.choice(nets) % rng.randrange(1, 120))
        family = HOSTILE[min(int(rng.expovariate(0.5)), len(HOSTILE) - 1)]
        asn = 64496 + rng.randrange(6)
        out.append({"timestamp": "2011-%02d-%02d %02d:%02d:%02d" % (3 + day // 28, 1 + day % 28, rng.randrange(24), rng.randrange(60), i % 60),
                    "protocol": "tcp", "src_ip": src, "src_port": rng.randrange(1, 65536), "src_asn": asn,
                    "src_geo": rng.choice(["DE", "US", "FR", "", "ZZ"]), "dst_ip": "203.0.113.200", "dst_port": 80,
                    "infection": family if rng.random() < 0.9 else "", "http_host": rng.choice(HOSTILE),
                    "http_url": "/" + rng.choice(HOSTILE), "http_agent": rng.choice(HOSTILE)})
    data = feed_text(out).encode()
    for bytes_ in INVALID if bad else []:  # bytes that are no UTF-8, in the place of some names
        data = data.replace(b'"\xc3\xa9\xe6\xbc\xa2"', b'"' + bytes_ + b'"', 20)
    return data


sim = os.path.join(where, "sim.csv")
made = run(SIM, "--quiet", "--scale", "0.0008", "--days", "80", "--feed", sim, "--feed6", os.path.join(where, "sim6.csv"), "rustock")
equal(made.code, 0, "the simulator writes its feeds")
mails = os.path.join(where, "mails")
made = run(SIM, "mail", "--quiet", "--mails", "900", "--ham", "60", "--campaigns", "30", "--days", "40", "--mbox", mails + ".mbox",
           "--feed", mails + ".csv")
equal(made.code, 0, "and mails")
more = os.path.join(where, "more")
run(SIM, "mail", "--quiet", "--seed", "5", "--start", "2011-02-20", "--mails", "300", "--campaigns", "12", "--days", "20",
    "--mbox", more + ".mbox")
one = Case()
files = [sim, os.path.join(where, "sim6.csv"), mails + ".csv", mails + ".mbox", more + ".mbox",
         write(os.path.join(where, "hostile.csv"), hostile_feed(1, 2000, 0, 190 // 7 * 3))]
result = one.ebb("import", "--json", "--quiet", *[f for f in files if os.path.getsize(f)])
equal(result.code, 0, "all that is imported: %s" % result.err.strip()[:200])
zero = write(os.path.join(where, "zero.csv"), feed_text([
    {"timestamp": "2011-03-0%d 00:00:00" % d, "protocol": "tcp", "src_ip": ip, "src_port": 1, "dst_ip": "203.0.113.200", "dst_port": 80,
     "infection": "rustock"} for d, ip in ((1, "0.0.0.0"), (2, "255.255.255.255"), (3, "::1"), (3, "ffff::"), (4, "0.0.0.0"), (5, "0.0.0.1"))]))
one.rows("import", zero)
cluster.configure(one.path, database="one")
r = one.ebb("cluster", "create")
equal(r.code, 0, "the tables are made: %s" % r.err.strip())
ship(one)

# ---- the census ----

families = sorted({r["family"] for r in one.rows("census", "--by", "family")})
ok(len(families) >= 12, "%d families" % len(families))
ranges = [(), ("--since", "2011-03-10"), ("--until", "2011-03-20"), ("--since", "2011-03-05", "--until", "2011-03-06"),
          ("--since", "2011-03-31", "--until", "2011-05-20"), ("--since", "2011-05-02T12:00:00Z", "--until", "2011-07-01"),
          ("--since", "2012-01-01"), ("--until", "1999-01-01")]
names = ["rustock", "o'brien", "back\\slash", "x'; DROP TABLE ebb.events_local; --", "nobody", "unknown"]
for n, by in enumerate(("day", "country", "asn", "network", "family", "address")):
    # every range with every grouping, over the pairs of them
    questions = [("census", "--by", by)] + [("census", "--by", by, *more) for more in ranges[1 + n % 2::2]]
    questions += [("census", "--by", by, "--family", names[i], *ranges[(n + i) % 6]) for i in (0, 1 + n % 5)]
    questions.append(("census", "--by", by, "--limit", "3"))
    all_same(one, "census by " + by, questions)

# ---- events ----

total = same(one, "events", drop=("log",))
ok(total and total > 4000, "all %s events, each member the same" % total)
origin = remote(one, "events", "--limit", "1")[0]["log"]
ok(origin in open(os.path.join(one.path, "log", "checkpoint")).read(), "and each says its log: %s" % origin)
some = one.rows("events", "--limit", "4000")
busy = max({e["src_ip"] for e in some}, key=lambda ip: sum(e["src_ip"] == ip for e in some))
six = next(e["src_ip"] for e in one.events("--since", "2011-03-01") if e["src_ip"] and ":" in e["src_ip"])
filters = [("--family", f) for f in HOSTILE[1:10:2]] + [
    ("--family", ""), ("--src", busy), ("--src", six), ("--src", "192.0.2.0/26"), ("--src", "2001:db8::/32"), ("--src", "2001:db8:1:2::/64"),
    ("--src", "0.0.0.0"), ("--src", "0.0.0.0/0"), ("--src", "::/0"), ("--country", "DE"), ("--country", "o'"), ("--asn", "64497"),
    ("--asn", "18446744073709551615"), ("--protocol", "http"), ("--protocol", "a'b"), ("--kind", "smtp"), ("--kind", "feed"),
    ("--kind", "dns"), ("--sensor", "x\\"), ("--since", "2011-03-10", "--until", "2011-03-12"), ("--since", "2011-04-01", "--limit", "7"),
    ("--from-index", "5000", "--limit", "50"), ("--limit", "1"),
    ("--since", "1960-01-01", "--until", "2200-01-01", "--limit", "20"), ("--src", busy, "--since", "2011-03-01", "--family", "rustock")]
sensors = {e["sensor"] for e in some if e["sensor"]}
filters += [("--sensor", s) for s in sorted(sensors)[:2]]
all_same(one, "events", [("events", *f) for f in filters], drop=("log",))
text = one.ebb("--engine", "clickhouse", "events", "--csv", "--limit", "3").out
ok(text.splitlines()[0].endswith(",log") and text.count(origin) == 3, "a table has the log in a column of its own")

# ---- spam ----

BYS = ("day", "hour", "family", "topic", "brand", "campaign", "country", "asn", "sensor")
top = one.rows("spam", "--by", "campaign")[0]["campaign"]
asn = one.rows("spam", "--by", "asn")[0]["asn"]
some_family = next(r["family"] for r in one.rows("spam", "--by", "family") if r["family"])
some_topic = one.rows("spam", "--by", "topic")[0]["topic"]
brands = [r["brand"] for r in one.rows("spam", "--by", "brand") if r["brand"]]
spam_filters = [(), ("--since", "2011-02-10", "--until", "2011-03-01"), ("--family", some_family), ("--family", ""), ("--family", "o'x"),
                ("--topic", some_topic), ("--campaign", str(top)), ("--campaign", "999999999"), ("--country", "DE"),
                ("--sensor", "no'such"), ("--brand", brands[0] if brands else "x"), ("--since", "2031-01-01")]
if asn:
    spam_filters.append(("--asn", str(asn)))
for n, by in enumerate(BYS):
    all_same(one, "spam by " + by, [("spam", "--by", by, *f) for f in spam_filters[:1] + spam_filters[1 + n % 4::4]], drop=("log",))
series = [("spam", "impact", "--event", "2011-02-20"), ("spam", "impact", "--event", "2011-02-20", "--days", "14", "--cohort", "all"),
          ("spam", "changes"), ("spam", "changes", "--family", some_family), ("spam", "records"), ("spam", "records", "--of", "day"),
          ("spam", "--by", "day", "--baseline", "2011-02-05", "--cohort", "all"), ("spam", "--by", "day", "--share", "5")]
all_same(one, "spam impact, changes, records", series)
list_of = one.rows("campaigns")
merged = one.ebb("campaigns", "merge", str(list_of[0]["campaign"]), str(list_of[1]["campaign"]), "--by", "test", "--why", "they are one")
if ok(merged.code == 0, "two campaigns are merged: %s" % merged.err.strip()[:200]):
    ship(one)
    all_same(one, "spam of merged campaigns", [("spam", "--by", by, *f) for by in ("day", "campaign", "topic", "family")
             for f in ((), ("--campaign", str(list_of[0]["campaign"])), ("--campaign", str(list_of[1]["campaign"])))], drop=("log",))

# ---- what was sent twice counts once ----

before = [remote(one, "census", "--by", "country"), remote(one, "spam", "--by", "day"), len(remote(one, "events", "--kind", "smtp"))]
for shard in cluster.shards:
    for table in ("events", "mails", "sightings", "as_names", "campaign_roots"):
        shard.query("INSERT INTO one.%s_local SELECT * FROM one.%s_local" % (table, table))
equal([remote(one, "census", "--by", "country"), remote(one, "spam", "--by", "day"), len(remote(one, "events", "--kind", "smtp"))],
      before, "all rows once more: nothing counts twice")

# ---- two nodes ----

two, both = Case(), Case()
overlap = write(os.path.join(where, "two.csv"), hostile_feed(2, 1500, 20, 60, bad=False))
two.rows("import", overlap)
two.rows("import", sim)
cluster.configure(two.path, database="one")
ship(two)
for f in files:
    if os.path.getsize(f):
        both.rows("import", f)
for f in (zero, overlap):
    both.rows("import", f)
asker = Case()
cluster.configure(asker.path, database="one")
for by in ("day", "country", "asn", "network", "family", "address"):
    for more_ in (("--since", "2011-03-10", "--until", "2011-04-02"),) if by in ("country", "family") else ((),):
        there, local = remote(asker, "census", "--by", by, *more_), both.rows("census", "--by", by, *more_)
        equal(there == local, True, "two nodes, census by %s %s: %d rows as of a case that has both" % (by, " ".join(more_), len(local)))
        if there != local:
            for a, b in zip(local, there):
                if a != b:
                    print("#   %s\n#   %s" % (a, b))
                    break
alone = {r["family"]: r["addresses"] for r in one.rows("census", "--by", "family")}
added = {r["family"]: r["addresses"] for r in two.rows("census", "--by", "family")}
ok(remote(asker, "census", "--by", "family", "--family", "rustock")[0]["addresses"] < alone["rustock"] + added["rustock"],
   "an address that two sinkholes saw counts once")
logs = [e["log"] for e in remote(asker, "events")]
order = [log for i, log in enumerate(logs) if i == 0 or log != logs[i - 1]]
equal(len(logs), len(one.events()) + len(two.events()), "events of both, from a case with an empty log")
equal(order, sorted(order), "by log")
mails_there = remote(asker, "spam", "--by", "topic")
equal(sum(r["mails"] for r in mails_there), sum(r["mails"] for r in one.rows("spam", "--by", "topic")), "and mails")

# ---- no payloads ----

bare = Case()
bare.rows("import", files[-1])
cluster.configure(bare.path, database="bare", payloads_off=True)
bare.ebb("cluster", "create")
ship(bare)
full, columns = bare.events("--family", "o'brien"), remote(bare, "events", "--family", "o'brien")
KEPT = ("index", "time", "kind", "sensor", "protocol", "src_ip", "src_port", "dst_ip", "dst_port", "asn", "country", "network", "family",
        "bot_id", "role")
equal([{k: e[k] for k in KEPT} for e in columns], [{k: e[k] for k in KEPT} for e in full],
      "without payloads, %d events have what there are columns for" % len(full))

# ---- wrong usage ----

for args, words in (((), "local or clickhouse"), (("--victims",), "--victims"), (("--estimate",), "--estimate"), (("--roles",), "--roles")):
    r = one.ebb("--engine", "clickhouse" if args else "postgres", "census", *args)
    ok(r.code == 2 and words in r.err, "census %s: %s" % (" ".join(args), r.err.strip()))
r = one.ebb("status", "--engine", "clickhouse")
ok(r.code == 2 and "census" in r.err and "events" in r.err, "a command that does not know it: %s" % r.err.strip())
equal(one.ebb("status", "--engine", "local").code, 0, "--engine local is for all")
none = Case()
r = none.ebb("--engine", "clickhouse", "census")
ok(r.code == 1 and "shards" in r.err, "a case without a cluster: %s" % r.err.strip())

# ---- a shard that does not tell the truth ----


class Liar(http.server.BaseHTTPRequestHandler):
    """Answers as it is told."""
    answer, status = b"", 200

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        try:
            self.wfile.write(self.answer)
        except OSError:
            pass

    def log_message(self, *args):
        pass


liar = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
threading.Thread(target=liar.serve_forever, daemon=True).start()
with open(os.path.join(asker.path, "ebb.yaml")) as f:
    honest = f.read()
lied = re.sub(re.escape(cluster.shards[1].url), "http://127.0.0.1:%d" % liar.server_port, honest)
write(os.path.join(asker.path, "ebb.yaml"), lied)
QUESTIONS = (("census",), ("census", "--by", "network"), ("census", "--by", "address"), ("events",), ("spam", "--by", "hour"),
             ("spam", "--by", "campaign"), ("spam", "records"))
rng = random.Random(3)
answers = [b"Code: 241, e.displayText() = DB::Exception: Memory limit", b"\xeb", b"\xeb" * 1000, b"\xeb\xff\xff\xff\xff\xff\xff",
           b"<html>not a shard</html>", b"\xeb\x07rustock\x00" + b"\xff" * 12, bytes(rng.randrange(256) for _ in range(4096))]
bad = []
for answer in answers:
    Liar.answer = answer
    for q in QUESTIONS:
        r = asker.ebb("--engine", "clickhouse", *q, "--json", "--quiet", timeout=30)
        if r.code != 1 or "shard s2" not in r.err:
            bad.append((answer[:40], q, r.code, r.err[:200]))
ok(not bad, "%d wrong answers to %d questions: each is an error that names the shard" % (len(answers), len(QUESTIONS)))
for b in bad[:4]:
    print("#   %r" % (b,))
Liar.answer, Liar.status = b"Code: 60. DB::Exception: Table does not exist", 404
r = asker.ebb("--engine", "clickhouse", "census")
ok(r.code == 1 and "s2" in r.err and "Table does not exist" in r.err, "its words are told: %s" % r.err.strip())
liar.shutdown()
write(os.path.join(asker.path, "ebb.yaml"), honest)

# ---- a shard that is down ----

only = {}
for e in remote(asker, "events", "--limit", "400", "--kind", "feed"):
    only.setdefault(e["src_ip"], e)
cluster.shards[1].stop()
for q in QUESTIONS:
    r = asker.ebb("--engine", "clickhouse", *q, "--json", "--quiet", timeout=60)
    ok(r.code == 1 and "shard s2" in r.err and not (q[0] == "census" and r.out.strip()), "%s with a shard down: %s" % (
        " ".join(q), r.err.strip()))
fine = 0
for ip in list(only)[:8]:
    r = asker.ebb("--engine", "clickhouse", "events", "--src", ip, "--json", "--limit", "1")
    fine += r.code == 0 and bool(r.rows())
ok(0 < fine < 8, "an address is asked of its own shard: %d of 8 are answered" % fine)
done()
