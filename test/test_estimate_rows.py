"""The rows of `census --estimate`: what scripts rely on, whatever was thrown away in between."""
import json
import os

from ebbtest import Case, SIM, done, equal, folder, ok, run

where = folder()
feed, truth_path = os.path.join(where, "feed.csv"), os.path.join(where, "truth.json")
made = run(SIM, "--quiet", "--scale", "0.01", "--feed", feed, "--truth", truth_path, "rustock")
equal(made.code, 0, "the simulator writes a feed and its truth")
with open(truth_path) as f:
    truth = json.load(f)

case = Case()
case.rows("import", feed)
rows = case.rows("census", "--estimate")
days, ranges = [r for r in rows if "date" in r], [r for r in rows if "since" in r]
equal([r["date"] for r in days], [d["date"] for d in truth["days"]], "a row a day")
equal([r["addresses_raw"] for r in days], [d["addresses"] for d in truth["days"]], "with its addresses, as the census has them")
ok(all(r["hosts_low"] <= r["hosts"] <= r["hosts_high"] for r in days), "hosts lie within their intervals")
ok(all(r["alive"] + 1 >= r["hosts"] for r in days), "no more hosts make contact than are alive")
equal(len(ranges), 1, "then a row of the range")
whole = ranges[0]
equal((whole["since"], whole["until"], whole["family"]), (truth["totals"]["since"], truth["totals"]["until"], "rustock"), "of all days")
equal(whole["addresses_raw"], truth["totals"]["addresses"], "distinct addresses")
for key in ("hosts", "half_life", "alive", "days_to_90", "shape", "nat_multiplicity", "checkins_a_day", "active_share", "renumbering"):
    value = whole[key + "_days" if key in ("half_life", "renumbering") else key]
    ok(whole[key + "_low"] <= value <= whole[key + "_high"], "%s has an interval: %s to %s" % (key, whole[key + "_low"], whole[key + "_high"]))
ok(whole["method"] in ("contacts", "presence"), "the method is said: %s" % whole["method"])
ok(whole["assumptions"] and all(isinstance(a, str) for a in whole["assumptions"]), "and what it assumes")
ok(whole["address_half_life_days"] > 0, "addresses decline by a curve of their own")
true_hosts = truth["totals"]["hosts_seen"]
ok(abs(whole["hosts"] / true_hosts - 1) < 0.1, "hosts of the range: %d (truth: %d)" % (whole["hosts"], true_hosts))

family = case.rows("census", "--estimate", "--by", "family")
equal(family, ranges, "--by family: the range alone")
equal(case.rows("census", "--estimate", "--by", "family", "--family", "rustock"), ranges, "--family")
equal(case.rows("census", "--estimate", "--family", "none"), [], "a family that was not seen has no row")
week = case.rows("census", "--estimate", "--since", "2011-03-27", "--until", "2011-04-03")
equal([r["date"] for r in week[:-1]], ["2011-03-%d" % d for d in range(27, 32)] + ["2011-04-01", "2011-04-02"], "--since and --until")
equal((week[-1]["since"], week[-1]["until"], week[-1]["addresses_raw"]), ("2011-03-27", "2011-04-03", truth["weeks"][1]["addresses"]), "bound the range")
ok(week[-1]["half_life_low"] is None, "a week is too short for an interval of the half-life")

countries = case.rows("census", "--estimate", "--by", "country")
ok(len(countries) > 10 and countries[0]["country"] == "IN", "--by country: most hosts first")
equal([r["hosts"] for r in countries], sorted((r["hosts"] for r in countries), reverse=True), "in order")
equal({r["country"]: r["addresses"] for r in countries},
      {r["country"]: r["addresses"] for r in case.rows("census", "--by", "country") if r["country"]}, "with the census's addresses")
ases = case.rows("census", "--estimate", "--by", "asn")
few = [r for r in ases if r["half_life_days"] is None]
ok(few and all(r["no_half_life"] for r in few), "segments without a half-life say why")
ok(len(few) < len(ases) and all(r["no_half_life"] is None for r in ases if r["half_life_days"]), "others have one")
equal(len(case.rows("census", "--estimate", "--by", "asn", "--limit", 3)), 3, "--limit")
equal(case.rows("census", "--estimate", "--by", "asn", "--limit", 3), ases[:3], "are the first ones")

equal(case.rows("census", "--estimate"), rows, "the same again")
ok(case.rows("census", "--estimate", "--seed", 7) != rows, "other random numbers: other intervals")
path = os.path.join(case.path, "views", "activity")
with open(path, "rb") as f:
    before = f.read()
equal(case.ebb("rebuild", "activity").code, 0, "rebuild")
with open(path, "rb") as f:
    ok(f.read() == before, "the rebuilt view is byte-identical")
with open(path, "wb") as f:
    f.write(before[:-100])
equal(case.rows("census", "--estimate"), rows, "a damaged view is made anew")

half = Case()
lines = open(feed, "rb").read().splitlines(keepends=True)
for name, part in (("b.csv", lines[len(lines) // 2:]), ("a.csv", lines[1:len(lines) // 2])):
    with open(os.path.join(where, name), "wb") as f:
        f.write(lines[0] + b"".join(part))
    half.rows("import", os.path.join(where, name))
    half.rows("census", "--estimate", "--by", "family")
equal(half.rows("census", "--estimate"), rows, "two files, the later first, and looked at in between: the same")

text = case.ebb("census", "--estimate").out
ok("rustock, 2011-03-20 to 2011-09-17" in text and "half-life of hosts" in text and "It is assumed that" in text,
   "the text ends with the method and what it assumes")
csv = case.ebb("census", "--estimate", "--csv").out.splitlines()
ok(csv[0].startswith("date,family,addresses,hosts,hosts_low,hosts_high,") and len(csv) == 1 + len(days), "CSV: one table")
equal(case.ebb("census", "--estimate", "--by", "network").code, 2, "by network there are no estimates")
done()
