"""The published decline of Rustock comes back out: the census equals the simulator's truth exactly."""
import json
import os

from ebbtest import Case, SIM, done, equal, folder, ok, run

where = folder()
feed, truth_path = os.path.join(where, "feed.csv.zst"), os.path.join(where, "truth.json")
made = run(SIM, "--quiet", "--scale", "0.05", "--feed", feed, "--truth", truth_path, "rustock")
equal(made.code, 0, "the simulator writes a feed and its truth")
with open(truth_path) as f:
    truth = json.load(f)

case = Case()
result = case.rows("import", feed)[0]
equal((result["events"], result["rejected"]), (truth["totals"]["rows"], 0), "every row comes in")


def distinct(since, until):
    return sum(r["addresses"] for r in case.rows("census", "--by", "family", "--since", since, "--until", until))


weeks = [distinct(w["since"], w["until"]) for w in truth["weeks"]]
equal(weeks, [w["addresses"] for w in truth["weeks"]], "distinct addresses of each of %d weeks" % len(weeks))
decline = 100 * (1 - weeks[12] / weeks[0])
ok(abs(decline - 56.12) < 1, "after 84 days %.2f %% are gone (published: 56.12 %%)" % decline)
ok(abs(100 * (1 - weeks[25] / weeks[0]) - 73.66) < 1, "and in week 26 %.2f %% (published: about 73.66 %%)" % (
    100 * (1 - weeks[25] / weeks[0])))

days = case.rows("census", "--by", "day")
equal([d["addresses"] for d in days], [d["addresses"] for d in truth["days"]], "distinct addresses of each day")
equal([d["date"] for d in days], [d["date"] for d in truth["days"]], "and the days themselves")
ok(all(d["new"] + d["returning"] == d["addresses"] for d in days), "new and returning make up each day")
equal(sum(d["new"] for d in days), truth["totals"]["addresses"], "every address is new once")
countries = {r["country"]: r["addresses"] for r in case.rows("census", "--by", "country")}
equal(countries, {r["country"]: r["addresses"] for r in truth["by_country"] if r["addresses"]},
      "distinct addresses by country, by the offline database")

snapshot = os.path.join(case.path, "views", "census")
before = open(snapshot, "rb").read()
equal(case.ebb("rebuild", "census").code, 0, "rebuild")
ok(open(snapshot, "rb").read() == before, "the rebuilt census is byte-identical")
case.verifies("the log verifies")
done()
