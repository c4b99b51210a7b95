#!/usr/bin/env python3
"""Roles: what addresses are taken for, on made-up botnets with known truth, and by hand."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ebbtest import SIM, Case, done, equal, feed_text, folder, ok, run, write, SHARED, skip

SMALL = os.environ.get("EBB_ROLES_LONG") is None  # more seeds and mixes when it is set

HEAD = """start: 2024-01-01
days: 28
hosts: 5000
survival: {curve: weibull, shape: 0.7, scale_days: 20}
reinfection: {probability: 0.2, mean_days: 5}
activity: {daily: 0.8, checkins: 2.5, peak: 20, depth: 0.7}
sensors: [192.0.2.10, 192.0.2.11, 198.51.100.10, 203.0.113.10]
"""
ACTORS = """scanners:
  - {asn: 64496, country: US, count: 25, behaviour: sweep, daily: 0.9, checkins: 2,
     networks: [203.0.113.128/26], path: /, agent: scan/1.0}
  - {asn: 64496, country: US, count: 25, behaviour: probe, daily: 0.3, checkins: 3,
     networks: [203.0.113.192/27], path: /robots.txt}
sandboxes:
  - {asn: 64497, country: US, count: 30, daily: 0.4, checkins: 3, networks: [198.51.100.128/26]}
"""
FAMILIES = {
    "with ids": """families:
  - {name: instid, kind: http, bot_id: guid, host: checkin.example.net,
     path: "/gate.php?InstID={id}&v=2", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}
""",
    "without ids": """families:
  - {name: alpha, kind: http, bot_id: none, share: 3, host: a.example.net, path: /gate.php, agent: "Mozilla/5.0"}
  - {name: beta, kind: http, bot_id: none, share: 2, host: b.example.net, path: /login.php?x=1, method: POST,
     body: 50, agent: "Mozilla/4.0"}
""",
    "three, one silent, without ids": """families:
  - {name: alpha, kind: http, bot_id: none, share: 3, host: a.example.net, path: /gate.php, agent: "Mozilla/5.0"}
  - {name: beta, kind: http, bot_id: none, share: 2, host: b.example.net, path: /login.php?x=1, method: POST,
     body: 50, agent: "Mozilla/4.0"}
  - {name: gamma, kind: raw, bot_id: none, share: 1, port: 6667, payload: "HELLO\\r\\n"}
""",
    "http, irc and dns": """families:
  - {name: instid, kind: http, bot_id: guid, share: 3, host: checkin.example.net,
     path: "/gate.php?InstID={id}&v=2", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}
  - {name: ircbot, kind: raw, bot_id: hex16, share: 1, port: 6667,
     payload: "NICK {id}\\r\\nUSER {id} 0 * :{id}\\r\\n"}
  - {name: dgabot, kind: dns, bot_id: hex16, share: 2, host: "{id}.seized.example"}
""",
}
NETWORKS = {
    "DHCP": """ases:
  - {asn: 9829, country: IN, weight: 4, utc_offset: 5.5, networks: [117.192.0.0/12],
     nat: {share: 0.4, hosts: 4}, dhcp: {mean_days: 1}}
  - {asn: 3320, country: DE, weight: 3, utc_offset: 1, networks: [79.192.0.0/12, 87.128.0.0/12],
     nat: {share: 0.2, hosts: 2}, dhcp: {mean_days: 1, across: 0.5}}
  - {asn: 7922, country: US, weight: 2, utc_offset: -6, networks: [73.0.0.0/12],
     nat: {share: 0.3, hosts: 3}, dhcp: {mean_days: 60}}
""",
    "fixed addresses": """ases:
  - {asn: 9829, country: IN, weight: 4, utc_offset: 5.5, networks: [117.192.0.0/12],
     nat: {share: 0.4, hosts: 4}, dhcp: {mean_days: 0}}
  - {asn: 7922, country: US, weight: 2, utc_offset: -6, networks: [73.0.0.0/12],
     nat: {share: 0.3, hosts: 3}, dhcp: {mean_days: 0}}
""",
    "large NAT": """ases:
  - {asn: 55836, country: IN, weight: 5, utc_offset: 5.5, networks: [49.32.0.0/13],
     nat: {share: 0.95, hosts: 40}, dhcp: {mean_days: 0.5, across: 1}}
  - {asn: 9829, country: IN, weight: 3, utc_offset: 5.5, networks: [117.192.0.0/12],
     nat: {share: 0.5, hosts: 3}, dhcp: {mean_days: 3}}
""",
    # a pool that is so small that each address has many hosts, one after the other
    "a crowded pool": """ases:
  - {asn: 9829, country: IN, weight: 4, utc_offset: 5.5, networks: [117.192.0.0/18],
     nat: {share: 0.2, hosts: 3}, dhcp: {mean_days: 1}}
""",
}
RULES = """
rule dgabot
{
    meta:
        family = "dgabot"
        confidence = 60
        source = "the simulator"
        description = "names below seized.example"
        bot_id = "$id"
        bot_id_trim = 15
    strings:
        $id = /[0-9a-f]{16}\\.seized\\.example/
    condition:
        ebb_kind == "dns" and $id
}
"""


def addresses(truth, what):
    return {a["address"] if isinstance(a, dict) else a for a in truth[what]}


def judged(case):
    """What the log says, the latest for each address."""
    roles = {}
    for act in case.rows("log", "acts", "--kind", "roles_judged"):
        for line in case.ebb("blob", "get", act["sha256"]).out.splitlines()[1:]:
            address, role, _ = line.split(",")
            roles[address] = role
    return roles


class Score:
    def __init__(self):
        self.right = self.said = self.there = 0

    def add(self, truth, got):
        self.right += len(truth & got)
        self.said += len(got)
        self.there += len(truth)

    def text(self):
        return "precision %.3f, recall %.3f (%d of %d found, %d wrong)" % (
            self.right / max(self.said, 1), self.right / self.there, self.right, self.there, self.said - self.right)

    def good(self):
        return self.right >= 0.95 * self.said and self.right >= 0.95 * self.there


def play(scenario, seed, pcap=False):
    """A world, brought in and judged."""
    work = folder()
    path, truth = os.path.join(work, "feed"), os.path.join(work, "truth.json")
    made = run(SIM, "--seed", seed, "--truth", truth,
               *(["--pcap", path, "--pcap-days", 400, "--pcap-packets", 100000000] if pcap else ["--feed", path]), scenario)
    if made.code:
        ok(False, "the simulator: %s" % made.err)
    case = Case()
    if pcap:
        shutil.copytree(os.environ["EBB_RULES"], os.path.join(work, "rules"))
        write(os.path.join(work, "rules", "sim.yar"), RULES)
        config = os.path.join(case.path, "ebb.yaml")
        with open(config) as f:
            text = f.read()
        write(config, "\n".join(line for line in text.splitlines() if not line.startswith("rules:")) +
              "\nrules: %s\n" % os.path.join(work, "rules"))
    brought = case.ebb("import", path)
    if brought.code:
        ok(False, "import: %s" % brought.err)
    os.unlink(path)
    case.rows("census", "judge")
    with open(truth) as f:
        return case, json.load(f)


def world(name, worlds):
    """Several worlds together: scanners and sandboxes are found, and nothing else."""
    scanner, sandbox = Score(), Score()
    for case, truth in worlds:
        roles = judged(case)
        scanner.add(addresses(truth, "scanners"), {a for a, r in roles.items() if r == "scanner"})
        sandbox.add(addresses(truth, "sandboxes"), {a for a, r in roles.items() if r == "sandbox"})
    print("# %s: scanners %s; sandboxes %s" % (name, scanner.text(), sandbox.text()), flush=True)
    ok(scanner.good(), "%s: scanners" % name)
    ok(sandbox.good(), "%s: sandboxes" % name)


def made(families, networks, seed):
    return write(os.path.join(folder(), "%d.yaml" % seed), HEAD + FAMILIES[families] + NETWORKS[networks] + ACTORS)


seeds = (1, 2) if SMALL else (1, 2, 3, 4, 5)
world("small", (play("small", seed) for seed in (1, 2, 3, 4, 5)))
mixes = [("with ids", "DHCP"), ("without ids", "fixed addresses"), ("without ids", "a crowded pool"),
         ("three, one silent, without ids", "large NAT"), ("with ids", "large NAT")]
if not SMALL:
    mixes = [(f, n) for f in FAMILIES for n in NETWORKS if "dns" not in f]
for families, networks in mixes:
    world("%s, %s" % (families, networks), (play(made(families, networks, s), s) for s in seeds))
for networks in ("DHCP",) if SMALL else NETWORKS:
    world("http, irc and dns from a capture, %s" % networks,
          (play(made("http, irc and dns", networks, s), s, True) for s in seeds))

# ---- the commands ----

case, truth = play("small", 1)
roles = {r["role"]: r for r in case.rows("census", "--roles")}
parts = [r for name, r in roles.items() if name != "all"]
equal({k: sum(r[k] for r in parts) for k in ("addresses", "raw", "contacts")},
      {k: roles["all"][k] for k in ("addresses", "raw", "contacts")}, "roles add up")
equal(roles["all"]["addresses"], truth["totals"]["addresses_all"], "to all addresses that there are")
equal(sum(r["addresses"] for r in parts if r["counts"]), truth["totals"]["addresses"], "those that count are the victims'")
equal(roles["scanner"]["counts"], False, "scanners do not count")
by_family = case.rows("census", "--by", "family", "--victims")
raw = case.rows("census", "--by", "family")
equal([r["addresses"] for r in by_family], [r["addresses"] for r in raw], "raw counts stay as they are")
ok(all("victims" not in r for r in raw), "judged ones are shown when they are asked for")
want = {f["family"] if "family" in f else f["name"]: f["addresses"] for f in truth["families"]}
equal({r["family"]: r["victims"] for r in by_family}, want, "and are the truth's, by family")
days = {(r["date"], r["family"]): r["victims"] for r in case.rows("census", "--victims")}
want = {(d["date"], name): f["addresses"] for d in truth["days"] for name, f in d["by_family"].items() if f["addresses"]}
equal({k: v for k, v in days.items() if v}, want, "and by day")
some = case.rows("census", "--roles", "--family", "ircbot", "--since", "2024-01-05", "--until", "2024-01-10")
ok(0 < some[-1]["addresses"] < roles["all"]["addresses"], "roles of a family and some days")
equal(case.ebb("census", "--roles", "--by", "day").code, 2, "--roles has no groups")
equal(case.ebb("census", "--by", "address", "--victims").code, 2, "--victims is of groups")

scanner = sorted(addresses(truth, "scanners"))[0]
told = case.rows("census", "explain", scanner)[0]
equal((told["role"], told["counts"], told["overruled"]), ("scanner", False, False), "explain says what an address is")
spoke = [t for t in told["tests"] if t["speaks"]]
ok(sum(t["weight"] for t in spoke if t["role"] == "scanner") >= 2 and
   all(t["value"] >= t["threshold"] for t in spoke), "by tests that reach their thresholds")
ok(all(t["value"] is None or t["value"] < t["threshold"] for t in told["tests"] if not t["speaks"]),
   "and shows those that do not")
equal(sum(s["contacts"] for s in told["sources"]), len(case.events("--src", scanner)), "with all of its contacts")
equal([e["src_ip"] for e in case.events("--from-index", str(told["sources"][0]["latest"]), "--limit", "1")], [scanner],
      "and the entry of the latest")
ok(told["entry"] is not None, "the judgement is on the log")
out = case.ebb("census", "explain", scanner).out
ok("scanner" in out and "asks-nothing" in out and "measured" in out, "explain as text")
equal(case.ebb("census", "explain", "192.0.2.99").code, 1, "an address that was never seen")
equal(case.ebb("census", "explain", "nonsense").code, 2, "no address")

before = case.rows("status")[0]["log_size"]
again = case.rows("census", "judge")[0]
equal((again["changed"], case.rows("status")[0]["log_size"]), (0, before), "judging again changes nothing, and says nothing")

# ---- a person says otherwise ----

victim = case.rows("census", "--by", "address", "--limit", "1")[0]["address"]


def role_of(address):
    return case.rows("census", "explain", address)[0]["role"]


equal(role_of(victim), "victim", "a victim")
equal(case.ebb("census", "overrule", victim, "--role", "researcher").code, 2, "overruling wants a reason")
equal(case.ebb("census", "overrule", victim, "--role", "king", "--why", "x").code, 2, "and a role that there is")
equal(case.ebb("census", "overrule", "nonsense", "--role", "victim", "--why", "x").code, 2, "and a network")
equal(case.ebb("census", "overrule", victim, "--why", "x").code, 1, "what nobody said cannot be taken back")
equal(case.ebb("census", "overrule", victim, "--why", "a\nb", "--role", "other").code, 2, "a reason is one line")
network = ".".join(victim.split(".")[:2]) + ".0.0/16"
equal(case.ebb("census", "overrule", network, "--role", "scanner", "--why", "wide", "--by", "ann").code, 0, "a network is overruled")
equal(case.ebb("census", "overrule", victim, "--role", "researcher", "--why", "told us", "--by", "ben").code, 0,
      "and one address of it")
told = case.rows("census", "explain", victim)[0]
equal((told["role"], told["tests_say"], told["by"], told["why"]), ("researcher", "victim", "ben", "told us"),
      "the longest prefix counts, and the tests are shown beside it")
act = case.rows("log", "acts", "--kind", "role_overruled")[-1]
equal((act["role"], act["by"], act["index"]), ("researcher", "ben", told["entry"]), "it is an entry")
roles = {r["role"]: r for r in case.rows("census", "--roles")}
equal(roles["researcher"]["addresses"], 1, "roles go by it")
ok(roles["researcher"]["overruled"] == 1 and roles["all"]["overruled"] >= 1, "and say so")
equal(case.ebb("census", "overrule", victim, "--why", "they left").code, 0, "taken back")
equal(role_of(victim), "scanner", "the wider one counts again")
equal(case.ebb("census", "overrule", network, "--why", "a mistake").code, 0, "taken back, too")
equal(role_of(victim), "victim", "the tests count again")

# ---- ranges that the operator knows ----

config = os.path.join(case.path, "ebb.yaml")
with open(config) as f:
    text = f.read()
known = "cleanup:\n  known:\n    - {network: %s, role: researcher, why: friends}\n" % network
lines, keep = [], True
for line in text.splitlines():
    if line.startswith("cleanup:"):
        keep = False
    elif line and not line[0].isspace() and not line.startswith("#"):
        keep = True
    if keep:
        lines.append(line)
write(config, "\n".join(lines) + "\n" + known)
told = case.rows("census", "explain", victim)
if told:
    equal((told[0]["role"], told[0]["why"], told[0]["tests"][0]["test"]), ("researcher", "friends", "known-range"),
          "a range that the operator knows")
write(config, text)

# ---- views ----

with_roles = case.ebb("census", "--roles", "--json").out
for view in ("sources", "judgements"):
    path = os.path.join(case.path, "views", view)
    ok(os.path.exists(path), "%s is kept" % view) if view == "sources" else None
    for damage in (b"", b"ebb-src\n" + os.urandom(4000)):
        write(path, damage)
        ok(case.ebb("census", "--roles", "--json").out == with_roles, "damaged %s are made anew" % view)
    equal(case.ebb("rebuild", view).code, 0, "rebuild %s" % view)
    ok(case.ebb("census", "--roles", "--json").out == with_roles, "gives the same")
case.verifies("the log verifies")

# ---- by hand: one visit each, to a feed's sinkhole ----


def row(ip, when, family, url="GET /gate.php?id=%s HTTP/1.1", host="c2.example.net", agent="Mozilla/4.0", dst="198.51.100.1"):
    return {"timestamp": "2024-01-%02d %02d:00:00" % when, "protocol": "tcp", "src_ip": ip, "src_port": 1025,
            "dst_ip": dst, "dst_port": 80, "infection": family, "family": family, "http_url": url % ip if "%" in url else url,
            "http_host": host, "http_agent": agent}


rows = [row("10.1.%d.%d" % (i // 50, i % 50 + 1), (day, i % 24), "alpha") for day in range(1, 8) for i in range(100)]
rows.append(row("203.0.113.1", (3, 4), "alpha", "GET / HTTP/1.1", "198.51.100.1",
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"))
rows.append(row("203.0.113.2", (3, 4), "alpha", "GET /robots.txt HTTP/1.0", "198.51.100.1", "curl/7.88.1"))
case = Case()
case.ebb("import", write(os.path.join(folder(), "feed.csv"), feed_text(rows)))
equal([role_of(a) for a in ("203.0.113.1", "203.0.113.2", "10.1.0.1")], ["scanner", "scanner", "victim"],
      "Googlebot with one visit, a tool, a victim")

# ---- real data: few addresses, none of which is known to be a scanner ----

samples = os.path.join(SHARED, "shadowserver")
if os.path.isdir(samples):
    case = Case()
    for name in sorted(os.listdir(samples)):
        case.ebb("import", os.path.join(samples, name))
    roles = {r["role"]: r["addresses"] for r in case.rows("census", "--roles")}
    print("# Shadowserver's samples: %s" % roles)
    equal((roles["scanner"], roles["sandbox"]), (0, 0), "no victim of a real feed is called a scanner")
    ok(roles["resolver"] > 0, "resolvers of its DNS report are resolvers")
else:
    skip("real feeds", "../shared/data is not there")
captures = os.path.join(SHARED, "pcap")
if os.path.isdir(captures):
    case = Case()
    for name in ("suricata-http-checkin-instid.pcap", "suricata-irc-botnet-2004.pcap"):
        case.ebb("import", os.path.join(captures, name))
    roles = {r["role"]: r["addresses"] for r in case.rows("census", "--roles")}
    print("# captures of bots: %s" % roles)
    equal((roles["scanner"], roles["sandbox"]), (0, 0), "nor is one of a real capture")
else:
    skip("real captures", "../shared/data is not there")
done()
