"""Feeds: what comes out is what Python's csv module reads in, cell by cell."""
import collections
import csv
import glob
import io
import os
import random

from ebbtest import Case, SHARED, SHADOWSERVER_COLUMNS, comparable, done, equal, feed_text, folder, ok, skip, write

# where a column goes when it does not stay in feed{}
TOP = {"src_ip": "src_ip", "dst_ip": "dst_ip", "ip": "src_ip"}


def check_file(path):
    case = Case()
    result = case.rows("import", path)[0]
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    name = os.path.basename(path)
    equal((result["records"], result["events"], result["rejected"]), (len(rows), len(rows), 0), name + ": counts")
    events = sorted(case.events(), key=lambda e: e["record"])
    for row, event in zip(rows, events):
        stamp = row["timestamp"].replace(" ", "T") + ".000000Z"
        got = (event["time"], event["src_ip"], str(event["src_port"] or ""))
        src = row.get("src_ip") or row.get("ip")
        port = row.get("src_port") or row.get("port") or ""
        if got != (stamp, src.lower(), port):
            equal(got, (stamp, src, port), "%s: record %d" % (name, event["record"]))
        for column in ("src_asn", "asn", "src_geo", "geo", "infection", "type", "family", "tag", "src_naics", "src_region"):
            if row.get(column) and event["feed"].get(column) != row[column]:
                equal(event["feed"].get(column), row[column], "%s: record %d, %s" % (name, event["record"], column))
    case.verifies(name + ": verifies")
    # the census by itself, from the events alone
    seen = collections.defaultdict(set)
    for e in events:
        if e["role"] != "resolver":
            seen[e["time"][:10], e["family"] or "unknown"].add(e["src_ip"])
    equal({(r["date"], r["family"]): r["addresses"] for r in case.rows("census", "--by", "day")},
          {k: len(v) for k, v in seen.items()}, name + ": census by day")


shared = sorted(glob.glob(os.path.join(SHARED, "shadowserver", "*.csv")))
for path in shared:
    check_file(path)
if not shared:
    skip("shared feed samples", "no folder of real feeds")

# resolvers are not victims
dns = os.path.join(SHARED, "shadowserver", "event4_sinkhole_dns.csv")
if os.path.exists(dns):
    case = Case()
    case.rows("import", dns)
    equal({e["role"] for e in case.events()}, {"resolver"}, "the DNS report's addresses are resolvers")
    equal(case.rows("census", "--by", "family"), [], "and are not counted as infected")

# random cells, quotes and newlines and all, beside Python's reader
rng = random.Random(7)
ALPHABET = ['a', 'b', ' ', ',', '"', '\n', "'", 'é', '漢', ';', '\t', '|', '0']
rows = []
for i in range(3000):
    rows.append({"timestamp": "2020-02-%02d 0%d:00:00" % (1 + i % 28, i % 10), "protocol": "tcp",
                 "src_ip": "203.%d.%d.%d" % (rng.randrange(1, 100), rng.randrange(256), rng.randrange(256)),
                 "src_port": rng.randrange(1, 65536), "family": "fam%d" % (i % 7), "infection": "fam%d" % (i % 7),
                 "tag": "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(12))).strip() or "t",
                 "src_region": "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(30))).strip() or "r"})
text = feed_text(rows)
back = list(csv.DictReader(io.StringIO(text, newline="")))
case = Case()
made = case.rows("import", write(os.path.join(folder(), "random.csv"), text))[0]
equal((made["events"], made["rejected"]), (3000, 0), "random cells: all rows")
wrong = [e["record"] for e in case.events()
         if (e["feed"].get("tag"), e["feed"].get("src_region")) !=
         (back[e["record"] - 1]["tag"], back[e["record"] - 1]["src_region"])]
equal(wrong, [], "random cells: as Python reads them")

# the same rows in other packing and other column order give the same events
shuffled = SHADOWSERVER_COLUMNS[::-1]
import gzip
other = Case()
path = os.path.join(folder(), "random.csv.gz")
with gzip.open(path, "wb") as f:
    f.write(feed_text(rows, shuffled).encode())
other.rows("import", path)
ok(comparable(other.events()) == comparable(case.events()), "gzip and another column order: the same events")

# unknown columns are kept
extra = feed_text([dict(rows[0], severity="critical", x_new="42")], SHADOWSERVER_COLUMNS + ["severity", "x_new"])
case = Case()
case.rows("import", write(os.path.join(folder(), "extra.csv"), extra))
feed = case.events()[0]["feed"]
equal((feed.get("severity"), feed.get("x_new")), ("critical", "42"), "unknown columns are kept in feed{}")
done()
