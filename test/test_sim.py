"""The simulator: its feed and capture are counted again here, by other means, and compared with
the truth that it states."""
import collections
import csv
import datetime
import gzip
import hashlib
import json
import math
import os
import re
import shutil
import subprocess

from ebbtest import SHARED, SIM, done, equal, folder, ok, run, skip, write

tmp = folder()

# Two kinds of feed, DNS, shared addresses, everything that visits.
MIXED = """
start: 2024-02-27
days: 9
hosts: 300
survival: {curve: exponential, scale_days: 8}
reinfection: {probability: 0.4, mean_days: 2}
activity: {daily: 0.8, checkins: 2, peak: 19, depth: 0.9}
sensors: [192.0.2.1, 192.0.2.2, "2001:db8:0:1::1"]
families:
  - {name: web, tag: t, kind: http, bot_id: guid, share: 2, host: a.example.com, port: 8080,
     path: "/x?id={id}", agent: 'He said "no", then left', referer: "http://a.example.com/{id}"}
  - {name: irc, kind: raw, bot_id: hex16, port: 6667, payload: "NICK {id}\\r\\n"}
  - {name: names, kind: dns, bot_id: hex16, host: "{id}.b.example.com"}
ases:
  - {asn: 3320, country: DE, weight: 2, utc_offset: 1, ipv6: 0.5, nat: {share: 0.5, hosts: 3},
     dhcp: {mean_days: 0.5, across: 0.5}, networks: [79.192.0.0/20, 87.128.0.0/20, "2003:c0::/40"]}
  - {asn: 3215, country: FR, weight: 1, networks: [90.0.0.0/24], dhcp: {mean_days: 3}}
scanners:
  - {asn: 64496, country: US, count: 5, behaviour: sweep, daily: 0.7, networks: [203.0.113.0/25]}
  - {asn: 64496, country: US, count: 3, behaviour: probe, checkins: 4, networks: [203.0.113.128/25]}
sandboxes:
  - {asn: 64497, country: NL, count: 4, daily: 0.5, checkins: 2, networks: [198.51.100.0/24]}
"""


def path(name):
    return os.path.join(tmp, name)


def sim(*args):
    result = run(SIM, "--quiet", *args)
    if result.code:
        print("# " + result.err, flush=True)
    return result


def load(name):
    with open(path(name)) as f:
        return json.load(f)


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def rows_of(*names):
    for name in names:
        with open(path(name), newline="") as f:
            yield from csv.DictReader(f)


def differ(pairs):
    """Where two lists of numbers part, as a comment; empty when they do not."""
    return ["%s: counted %r, stated %r" % p for p in pairs if p[1] != p[2]]


def agree(pairs, name):
    bad = differ(pairs)
    if not ok(not bad, name):
        for line in bad[:5]:
            print("#   " + line, flush=True)


class Count:
    """The feed, counted with Python's sets."""

    def __init__(self, truth, *feeds):
        self.noise = set(truth["scanners"]) | set(truth["sandboxes"])
        self.start = datetime.date.fromisoformat(truth["totals"]["since"])
        self.day = collections.defaultdict(set)
        self.family_day = collections.defaultdict(set)
        self.group = collections.defaultdict(set)
        self.rows = collections.Counter()
        self.last, self.unordered = {}, 0
        for feed in feeds:
            last = ""
            for r in rows_of(feed):
                self.unordered += r["timestamp"] < last
                last = r["timestamp"]
                self.take(r)

    def take(self, r):
        date, ip = r["timestamp"][:10], r["src_ip"]
        self.rows[date] += 1
        self.day[date].add(ip)
        self.family_day[r["infection"], date].add(ip)
        if ip not in self.noise:
            week = (datetime.date.fromisoformat(date) - self.start).days // 7
            for key in (("week", week), ("country", r["src_geo"]), ("asn", int(r["src_asn"])),
                        ("country", r["src_geo"], week), ("asn", int(r["src_asn"]), week)):
                self.group[key].add(ip)

    def check(self, truth, what):
        days = truth["days"]
        ever, before, pairs, family_pairs = set(), set(), [], []
        for d in days:
            date = d["date"]
            clean = self.day[date] - self.noise
            pairs += [(date + " addresses", len(clean), d["addresses"]),
                      (date + " all", len(self.day[date]), d["addresses_all"]),
                      (date + " new", len(clean - ever), d["new"]),
                      (date + " returning", len(clean & ever), d["returning"]),
                      (date + " gone", len(before - clean), d["gone"]),
                      (date + " rows", self.rows[date], d["rows"] + d["rows_ipv6"]),
                      (date + " ipv6", sum(":" in a for a in clean), d["addresses_ipv6"])]
            ever |= clean
            before = clean
            for family, f in d["by_family"].items():
                family_pairs.append((date + " " + family, len(self.family_day[family, date]),
                                     f["addresses_all"]))
        agree(pairs, what + ": addresses, new, returning, gone and rows by day")
        agree(family_pairs, what + ": addresses by day and family")
        agree([("week %d" % w["week"], len(self.group["week", w["week"] - 1]), w["addresses"])
               for w in truth["weeks"]], what + ": addresses by week")
        for by in ("country", "asn"):
            agree([(str(g[by]), len(self.group[by, g[by]]), g["addresses"])
                   for g in truth["by_" + by]], what + ": addresses by " + by)
            agree([("%s week %d" % (g[by], w + 1), len(self.group[by, g[by], w]), n)
                   for g in truth["by_" + by] for w, n in enumerate(g["weeks"])],
                  what + ": addresses by week and " + by)
        equal(len(ever), truth["totals"]["addresses"], what + ": addresses in all")
        equal(sum(self.rows.values()), truth["totals"]["rows"] + truth["totals"]["rows_ipv6"],
              what + ": rows in all")
        equal(self.unordered, 0, what + ": rows are in order of time")


def check_books(truth, what):
    """Hosts are conserved."""
    alive, bad = truth["totals"]["hosts"], 0
    for i, d in enumerate(truth["days"]):
        alive += d["reinfected"]
        bad += d["hosts_alive"] != alive or d["hosts_seen"] > d["hosts_alive"]
        alive -= d["cleaned"]
    ok(not bad and alive == truth["totals"]["hosts_alive_after"], what + ": alive, cleaned and reinfected add up")


def small_networks(name):
    """One network of the bundled scenario's first AS."""
    return re.search(r"networks: *\[ *([^], ]+)", run(SIM, "--show", name).out).group(1)


def start_of(name, days):
    start = re.search(r"(?m)^start: *(\S+)", run(SIM, "--show", name).out).group(1)
    return (datetime.date.fromisoformat(start) + datetime.timedelta(days)).isoformat()


# the command line
equal(run(SIM).code, 2, "no scenario is wrong usage")
equal(run(SIM, "--frobnicate", "small").code, 2, "an unknown option too")
equal(run(SIM, "small").code, 2, "nothing to write")
equal(run(SIM, "--truth", path("x"), "--seed", "-1", "small").code, 2, "a seed below 0")
equal(run(SIM, "--truth", path("x"), "--scale", "nan", "small").code, 2, "a scale that is no number")
equal(run(SIM, "--truth", path("x"), "--days", "0", "small").code, 2, "no days")
equal(run(SIM, "--truth", path("x"), "--feed", path("x"), "small").code, 2, "two outputs in one file")
ok(run(SIM, "--help").code == 0 and "--feed" in run(SIM, "--help").out, "--help")
equal(run(SIM, "--show", "small").out.splitlines()[0][0], "#", "--show prints a scenario")
absent = run(SIM, "--truth", path("x"), path("nowhere.yaml"))
equal((absent.code, absent.err.count("\n")), (2, 1), "no such scenario: one line, exit 2")
ok(absent.err.startswith("ebb-sim: ") and "nowhere.yaml" in absent.err, "and it names the file")
bad = write(path("bad.yaml"), MIXED.replace("weight: 1", "weight: -1"))
refused = run(SIM, "--truth", path("x"), bad)
ok(refused.code == 2 and "weight" in refused.err, "a bad value: exit 2, names the key")
ok(not os.path.exists(path("x")), "and nothing was written")
equal(run(SIM, "--truth", os.path.join(tmp, "no", "x"), "small").code, 1, "a folder that is not there")
if os.path.exists("/dev/full"):
    full = run(SIM, "--feed", "/dev/full", "small")
    ok(full.code == 1 and "No space" in full.err, "a full disk")
write(path("mixed.yaml"), MIXED)
equal(run(SIM, "--feed", path("x"), path("mixed.yaml")).code, 2, "IPv6 hosts need --feed6")
directory = run(SIM, "--truth", path("x"), tmp)
ok(directory.code == 2 and directory.err.count("\n") == 1, "a folder is no scenario")

# one seed, one botnet
both = ["--feed", path("a.csv"), "--truth", path("a.json"), "--pcap", path("a.pcap"), "small"]
sim(*both)
first = [read(n) for n in ("a.csv", "a.json", "a.pcap")]
sim(*both)
ok(first == [read(n) for n in ("a.csv", "a.json", "a.pcap")], "the same seed gives the same bytes")
sim("--seed", "2", *both)
ok(all(x != read(n) for x, n in zip(first, ("a.csv", "a.json", "a.pcap"))), "another seed gives others")
sim("--feed", path("a.csv.gz"), "small")
with gzip.open(path("a.csv.gz")) as f:
    ok(f.read() == first[0], "gzip holds the same rows")
if shutil.which("zstd"):
    sim("--feed", path("a.csv.zst"), "small")
    ok(subprocess.run(["zstd", "-dcq", path("a.csv.zst")], stdout=subprocess.PIPE).stdout == first[0],
       "zstd holds the same rows")
else:
    skip("zstd holds the same rows", "no zstd")
sim("--feed", path("a.csv"), "--days", "10", "small")
ok(first[0].startswith(read("a.csv")) and 0 < len(read("a.csv")) < len(first[0]),
   "ten days are the beginning of 28")
equal(run(SIM, "--quiet", "--feed", "-", "small").out.encode(), first[0], "- is standard output")
# Equal on every machine: no libm, no contraction. Changes to the model change this on purpose.
GOLDEN = "f1cbd3cf0321a1c33b89bfddc721646696d3fef23cee0630fbc4498a483a0723"
equal(hashlib.sha256(first[0]).hexdigest(), GOLDEN, "the feed of `small` is as pinned")

# networks that are told, beacons, fixed leases
told = write(path("told.txt"), "AS64510 # no such AS\n%s\n" % small_networks("small"))
plain = ["--days", "20", "--feed", path("p.csv"), "--truth", path("p.json"), "small"]
sim(*plain)
sim("--told", told, "--told-from", start_of("small", 7), "--hazard", "3", *[a.replace("p.", "q.") for a in plain])
before, after = load("p.json"), load("q.json")
equal((after["told"]["since"], after["told"]["hazard"], after["told"]["asns"]), (after["days"][7]["date"], 3, [64510]),
      "the truth says who was told, when, and what it does")
ok("told" not in before and "hosts_alive_told" not in before["days"][8], "and nothing where nobody was")
equal(before["days"][:7], after["days"][:7], "before that day nothing changes")
ok(after["totals"]["hosts_alive_after"] < before["totals"]["hosts_alive_after"], "from then on more hosts are cleaned")
ok(0 < after["told"]["hosts"] < after["totals"]["hosts"] and
   all(d["hosts_alive_told"] <= d["hosts_alive"] and d["cleaned_told"] <= d["cleaned"] for d in after["days"][7:]),
   "hosts that are told, day by day")
check_books(after, "told")
sim("--told", told, "--told-from", start_of("small", 7), "--hazard", "1", *[a.replace("p.", "r.") for a in plain])
equal(read("r.csv"), read("p.csv"), "a hazard of 1 changes nothing")
for args in (["--told", told], ["--hazard", "2"], ["--told", told, "--told-from", "2011-01-01", "--hazard", "0"],
             ["--told", told, "--told-from", "soon", "--hazard", "2"], ["--told", told, "--told-from", "1999-01-01", "--hazard", "2"],
             ["--told", write(path("wrong.txt"), "10.0.0.0/8\nx\n"), "--told-from", start_of("small", 1), "--hazard", "2"],
             ["--told", path("nowhere"), "--told-from", start_of("small", 1), "--hazard", "2"]):
    refused = run(SIM, "--truth", path("x"), *args, "small")
    if (refused.code, refused.err.count("\n")) != (2, 1):
        ok(False, "%s: exit %d: %s" % (" ".join(args), refused.code, refused.err))
beacon = write(path("beacon.yaml"), re.sub(r"(?m)^activity:.*(\n  .*)*", "activity: {daily: 1, interval_minutes: 40}",
                                           run(SIM, "--show", "small").out))
sim("--days", "3", "--feed", path("b.csv"), "--truth", path("b.json"), beacon)
Count(load("b.json"), "b.csv").check(load("b.json"), "beacons")
equal(load("b.json")["parameters"]["activity"]["interval_minutes"], 40, "the truth says that there are beacons")

# the columns
sample = os.path.join(SHARED, "shadowserver", "event4_sinkhole_http.csv")
if os.path.exists(sample):
    with open(sample) as f:
        equal(first[0].split(b"\n")[0].decode(), f.readline().rstrip("\n"), "the report's columns")
else:
    skip("the report's columns", "no sample report here")

# the truth, counted again
sim("--feed", path("small.csv"), "--truth", path("small.json"), "small")
small = load("small.json")
Count(small, "small.csv").check(small, "small")
check_books(small, "small")
dns_free = MIXED.replace("kind: dns", "kind: http").replace('host: "{id}.b.example.com"', 'host: b, path: "/{id}"')
write(path("web.yaml"), dns_free)
sim("--feed", path("web.csv"), "--feed6", path("web6.csv"), "--truth", path("web.json"), path("web.yaml"))
web = load("web.json")
Count(web, "web.csv", "web6.csv").check(web, "mixed")
check_books(web, "mixed")
ok(web["totals"]["addresses_ipv6"] > 100, "mixed: there is IPv6")
equal([len(web["scanners"]), len(web["sandboxes"])], [8, 4], "mixed: scanners and sandboxes are listed")
agents = {r["http_agent"] for r in rows_of("web.csv") if r["infection"] == "web" and r["src_ip"] not in set(web["scanners"])}
equal(agents, {'He said "no", then left'}, "quotes and commas in a cell")

# bot ids tell hosts apart behind one address
sim("--scale", "0.2", "--feed", path("nat.csv"), "--truth", path("nat.json"), "nat")
nat = load("nat.json")
Count(nat, "nat.csv").check(nat, "nat")
ids, behind = collections.defaultdict(set), collections.defaultdict(set)
for r in rows_of("nat.csv"):
    bot = r["http_url"].split("b=")[1].split(" ")[0]
    ids[r["timestamp"][:10]].add(bot)
    behind[r["timestamp"][:10], r["src_ip"]].add(bot)
agree([(d["date"], len(ids[d["date"]]), d["hosts_seen"]) for d in nat["days"]],
      "nat: hosts seen are the bot ids of the day")
equal(len(set().union(*ids.values())), nat["totals"]["hosts_seen"], "nat: and of all days")
ok(max(len(b) for b in behind.values()) <= 40, "nat: no more hosts behind an address than a line has")
ok(nat["days"][0]["hosts_seen"] > 1.5 * nat["days"][0]["addresses"], "nat: more hosts than addresses on a day")
ok(nat["totals"]["addresses"] > 2 * nat["totals"]["hosts"], "nat: more addresses than hosts in a month")
distance = max(abs(d["hosts_alive"] / 4000 - math.exp(-i / 60)) for i, d in enumerate(nat["days"]))
ok(distance < 1.63 / math.sqrt(4000), "nat: survival follows the curve (Kolmogorov, 1%%): %.4f" % distance)

# Rustock at 1:20: published 1,601,619 in week one; -56.12% at 84 days; -73.66% in week 26
sim("--scale", "0.05", "--truth", path("rustock.json"), "rustock")
rustock = load("rustock.json")
weeks = [w["addresses"] for w in rustock["weeks"]]
ok(abs(weeks[0] * 20 / 1601619 - 1) < 0.02, "rustock: week one, %d x 20" % weeks[0])
ok(abs(100 * (1 - weeks[12] / weeks[0]) - 56.12) < 1, "rustock: 84 days, %.2f%%" % (100 * (1 - weeks[12] / weeks[0])))
ok(abs(100 * (1 - weeks[25] / weeks[0]) - 73.66) < 1.5, "rustock: week 26, %.2f%%" % (100 * (1 - weeks[25] / weeks[0])))
equal(len(rustock["days"]), 182, "rustock: 182 days")
equal([rustock["scanners"], rustock["sandboxes"]], [[], []], "rustock: nobody but bots")


# the capture, read by tshark
def tshark(name, show, fields, prefer=()):
    args = ["tshark", "-n", "-r", path(name), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
            "-o", "udp.check_checksum:TRUE", "-Y", show, "-T", "fields"]
    for field in fields:
        args += ["-e", field]
    out = subprocess.run(args + list(prefer), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [line.split("\t") for line in out.stdout.splitlines()]


WRONG = ("tcp.analysis.flags || tcp.analysis.reused_ports || _ws.malformed || tcp.checksum.status == 0 || "
         "udp.checksum.status == 0 || ip.checksum.status == 0 || frame.time_delta < 0")


def check_capture(name, truth, what):
    stated = truth["pcap"]
    equal(tshark(name, WRONG, ["frame.number"]), [], what + ": no packet is wrong, late or sent twice")
    equal(len(tshark(name, "frame", ["frame.number"])), stated["packets"], what + ": packets")
    equal(len(tshark(name, "tcp.flags.syn == 1 && tcp.flags.ack == 0", ["frame.number"])),
          stated["connections"], what + ": connections")
    equal(len(tshark(name, "http.request", ["frame.number"], ["-d", "tcp.port==8080,http"])),
          stated["http_requests"], what + ": HTTP requests")
    equal(len(tshark(name, "dns.flags.response == 0", ["frame.number"])), stated["dns_queries"],
          what + ": DNS queries")
    equal(len(tshark(name, "dns.flags.response == 1 && dns.a == 192.0.2.1", ["frame.number"])),
          stated["dns_queries"], what + ": and as many answers")


if shutil.which("tshark"):
    sim("--pcap", path("small.pcap"), "--pcap-days", "2", "--truth", path("small.json"), "small")
    small = load("small.json")
    check_capture("small.pcap", small, "small")
    equal(small["pcap"]["days"], 2, "small: two days were asked for")
    equal(small["pcap"]["connections"], sum(d["checkins"] for d in small["days"][:2]),
          "small: a connection a contact")
    sim("--pcap", path("mixed.pcap"), "--pcap-days", "0", "--truth", path("mixed.json"), path("mixed.yaml"))
    mixed = load("mixed.json")
    check_capture("mixed.pcap", mixed, "mixed")
    equal(mixed["pcap"]["connections"] + mixed["pcap"]["dns_queries"], mixed["totals"]["checkins"],
          "mixed: every contact is there")
    sources = collections.defaultdict(set)
    show = "(tcp.flags.syn == 1 && tcp.flags.ack == 0) || dns.flags.response == 0"
    for time, v4, v6 in tshark("mixed.pcap", show, ["frame.time_epoch", "ip.src", "ipv6.src"]):
        sources[str(datetime.datetime.fromtimestamp(float(time), datetime.timezone.utc).date())].add(v4 or v6)
    agree([(d["date"], len(sources[d["date"]]), d["addresses_all"]) for d in mixed["days"]],
          "mixed: addresses by day")
    ok(any(":" in a for s in sources.values() for a in s), "mixed: IPv6 among them")
    sim("--pcap", path("cut.pcap"), "--pcap-packets", "500", "--truth", path("cut.json"), "small")
    cut = load("cut.json")
    check_capture("cut.pcap", cut, "cut")
    ok(500 <= cut["pcap"]["packets"] < 600 and cut["pcap"]["checkins_left_out"] > 0, "cut: at the limit of packets")

    # as the write-ups have it
    sim("--scale", "0.001", "--pcap", path("rustock.pcap"), "--truth", path("rustock.json"), "rustock")
    rustock = load("rustock.json")
    check_capture("rustock.pcap", rustock, "rustock")
    wanted = ["http.request.method", "http.request.uri", "http.request.version", "http.referer", "http.host",
              "http.content_type", "http.content_encoding", "http.user_agent", "http.content_length"]
    seen = {tuple(r) for r in tshark("rustock.pcap", "http.request", wanted)}
    equal(seen, {("POST", "/index.php?topic=33.117", "HTTP/1.1", "http://rustock.example.com",
                  "rustock.example.com", "application/x-www-form-urlencoded", "gzip",
                  "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)", "96")}, "rustock: the check-in of 2009-10")
    payloads = [bytes.fromhex(r[0]) for r in tshark("rustock.pcap", "http.request", ["tcp.payload"])]
    bodies = [p.split(b"\r\n\r\n", 1)[1] for p in payloads]
    ok(all(b"\r\nUA-CPU: x86\r\n" in p for p in payloads), "rustock: UA-CPU: x86")
    ok(bodies and all(len(b) == 96 and b[:2] != b"\x1f\x8b" for b in bodies), "rustock: 96 bytes that are no gzip")
    equal(len(set(bodies)), len(bodies), "rustock: each body is another")
else:
    skip("the capture, read by tshark", "no tshark")

done()
