"""Hosts, not addresses: the estimate against simulated botnets whose truth is known, over seeds and mixes. Distinct
addresses of the range are wrong by a factor; the estimate of hosts is not, and its intervals hold the truth."""
import json
import math
import os
import statistics

from ebbtest import Case, SIM, done, folder, ok, run, write

WHERE = folder()

BASE = """start: 2024-01-01
days: 42
hosts: {hosts}
survival: {{curve: weibull, shape: 0.8, scale_days: 45}}
{reinfection}
activity: {{daily: {daily}, checkins: {checkins}, peak: 20, depth: 0.6}}
sensors: [192.0.2.10, 192.0.2.11, 198.51.100.10]
families:
  - name: bot
    tag: bot
    kind: http
    bot_id: {bot_id}
    host: c2.example.net
    path: {path}
    agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)
ases:
  - {{asn: 9829, country: IN, weight: 4, utc_offset: 5.5, networks: [117.192.0.0/12], {india}}}
  - {{asn: 3320, country: DE, weight: 3, utc_offset: 1, networks: [79.192.0.0/12, 87.128.0.0/12], {germany}}}
  - {{asn: 7922, country: US, weight: 2, utc_offset: -6, networks: [73.0.0.0/12], {america}}}
{more}"""
SCANNERS = """scanners:
  - {asn: 64496, country: US, count: 20, behaviour: sweep, daily: 0.9, checkins: 2, networks: [203.0.113.128/25], path: /, agent: scan/1.0}
sandboxes:
  - {asn: 64497, country: US, count: 10, daily: 0.4, checkins: 3, networks: [198.51.100.128/26]}
"""
RENUMBERING = dict(india="dhcp: {mean_days: 1, across: 1}", germany="dhcp: {mean_days: 1, across: 0.5}", america="dhcp: {mean_days: 30}")
NAT = dict(india="nat: {share: 0.6, hosts: 6}, dhcp: {mean_days: 1, across: 1}", germany="nat: {share: 0.2, hosts: 2}, dhcp: {mean_days: 2}",
           america="nat: {share: 0.3, hosts: 3}, dhcp: {mean_days: 30}")
PLAIN = dict(hosts=6000, daily=0.8, checkins=2.5, bot_id="none", path="/gate.php", reinfection="", more="")
MIXES = {
    "renumbering": (5, dict(PLAIN, **RENUMBERING)),
    "renumbering, one contact a day": (5, dict(PLAIN, **RENUMBERING) | {"checkins": 1}),
    "renumbering, reinfection, scanners": (5, dict(PLAIN, **RENUMBERING) | {"reinfection": "reinfection: {probability: 0.2, mean_days: 5}", "more": SCANNERS}),
    "NAT, no bot ids": (10, dict(PLAIN, **NAT)),
    "NAT, bot ids": (5, dict(PLAIN, **NAT) | {"hosts": 1500, "bot_id": "guid", "path": "/gate.php?InstID={id}&v=2"}),
}
SEEDS = (1, 2, 3)


def world(mix, seed):
    """As a feed; with bot ids as a capture, from which the rules take them."""
    capture = mix["bot_id"] != "none"
    scenario, feed, truth = (os.path.join(WHERE, n) for n in ("s.yaml", "w.pcap" if capture else "w.csv", "truth.json"))
    write(scenario, BASE.format(**mix).encode())
    made = run(SIM, "--quiet", "--seed", seed, *(("--pcap-days", 0, "--pcap", feed) if capture else ("--feed", feed)), "--truth", truth, scenario)
    if made.code:
        raise RuntimeError(made.err)
    case = Case()
    case.rows("import", feed)
    with open(truth) as f:
        return case, json.load(f)


class Score:
    """Estimates beside what is true."""

    def __init__(self):
        self.errors, self.hits, self.widths = [], [], []

    def add(self, truth, row, key="hosts", low="hosts_low", high="hosts_high"):
        self.errors.append(abs(row[key] / truth - 1))
        self.hits.append(row[low] <= truth <= row[high])
        self.widths.append((row[high] - row[low]) / truth)

    def median(self):
        return 100 * statistics.median(self.errors)

    def coverage(self):
        return 100 * sum(self.hits) / len(self.hits)


ONLY = os.environ.get("EBB_TEST_MIX", "")  # to look at one
coverage = Score()
for name, (bound, mix) in MIXES.items():
    if ONLY not in name:
        continue
    day, week, whole, half, raw = Score(), Score(), Score(), Score(), []
    for seed in SEEDS:
        case, truth = world(mix, seed)
        rows = case.rows("census", "--estimate")
        days = {r["date"]: r for r in rows if r.get("date")}
        total = [r for r in rows if not r.get("date")][0]
        for t in truth["days"]:
            for score in (day, coverage):
                score.add(t["hosts_seen"], days[t["date"]])
        whole.add(truth["totals"]["hosts_seen"], total)
        coverage.add(truth["totals"]["hosts_seen"], total)
        raw.append(total["addresses"] / truth["totals"]["hosts_seen"])
        for t in truth["weeks"][:5]:
            of_week = [r for r in case.rows("census", "--estimate", "--by", "family", "--since", t["since"], "--until", t["until"])]
            for score in (week, coverage):
                score.add(t["hosts_seen"], of_week[0])
        true_half = 45 * math.log(2) ** (1 / 0.8)
        if "reinfection" not in name:
            half.add(true_half, total, "half_life_days", "half_life_low", "half_life_high")
    for what, score in (("day", day), ("week", week), ("range", whole)):
        ok(score.median() <= bound, "%s: hosts of a %s: median error %.1f %% (at most %d), interval holds the truth %.0f %% of %d times, median width %.0f %%" % (
            name, what, score.median(), bound, score.coverage(), len(score.errors), 100 * statistics.median(score.widths)))
    if half.errors:
        ok(half.median() <= 5, "%s: half-life: median error %.1f %% of %.1f days" % (name, half.median(), true_half))
    if "bot ids" in name and "no bot" not in name:
        ok(total["method"] == "bot-ids", "%s: and they are used" % name)
    print("# %s: distinct addresses of the range are %.1f times its hosts" % (name, statistics.median(raw)))
    if "renumbering" in name:
        ok(statistics.median(raw) > 2, "%s: where addresses are wrong by a factor of %.1f" % (name, statistics.median(raw)))
ok(coverage.coverage() >= 93, "of %d intervals %.1f %% hold the truth (at least 93 %%)" % (len(coverage.hits), coverage.coverage()))
done()
