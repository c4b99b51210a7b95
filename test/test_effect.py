"""Did it help: a trial from the draw to the hazard ratio, on made-up networks whose cleaning is known."""
import datetime
import math
import os
import random

from smarthost import Smarthost
from ebbtest import Case, EBB, SHARED, done, equal, feed_text, folder, ok, run, skip, write

BEGIN = datetime.date(2021, 3, 1)
BEFORE, TRIAL, DATA, GONE = 8, 28, 40, 7  # days: seen before it, of the trial, of data behind its begin
NETWORKS, PER_NETWORK = 160, 24
ROW = {"protocol": "tcp", "dst_ip": "192.0.2.10", "dst_port": 80, "infection": "testbot", "tag": "testbot",
       "http_url": "/gate.php", "http_host": "c2.example.net", "http_agent": "Mozilla/4.0"}


def abuse(network):
    return "abuse@net%d.example" % network


def contacts_table():
    return "match,contact,name\n" + "".join("198.18.%d.0/24,%s,Net %d\n" % (n, abuse(n), n) for n in range(NETWORKS))


class World:
    """Addresses of each network, seen on nine days of ten until they are clean; networks differ in how diligent
    they are. Some come later. With `renumber` an address becomes another one on so many days."""

    def __init__(self, seed, ratio, renumber=0.0):
        self.rng = random.Random(seed)
        self.ratio, self.renumber = ratio, renumber
        self.case = Case()
        self.dir = folder()
        self.next = [1] * NETWORKS
        self.diligence = [self.rng.gammavariate(6, 1 / 6) for _ in range(NETWORKS)]
        self.hosts = [self.host(n) for n in range(NETWORKS) for _ in range(PER_NETWORK)]
        self.told = {}
        path = os.path.join(self.dir, "contacts.csv")
        write(path, contacts_table())
        self.case.rows("contacts", "import", "--source", "operator", path)

    def host(self, network):
        number = self.next[network]
        self.next[network] = number % 250 + 1
        return [network, number]

    def days(self, first, n):
        """One file with n days' contacts; the sick may get clean behind each."""
        rows = []
        for day in range(n):
            date = first + datetime.timedelta(days=day)
            for network, number in self.hosts:
                if self.rng.random() < 0.9:
                    rows.append(dict(ROW, timestamp="%s %02d:10:00" % (date, self.rng.randrange(24)),
                                     src_ip="198.18.%d.%d" % (network, number), src_port=40000))
            self.step()
        path = os.path.join(self.dir, "%s.csv" % first)
        write(path, feed_text(rows))
        result = self.case.rows("import", path)[0]
        equal((result["events"], result["rejected"]), (len(rows), 0), "%d days, %d contacts" % (n, len(rows)))

    def step(self):
        alive = []
        for network, number in self.hosts:
            hazard = 0.025 * self.diligence[network] * (self.ratio if self.told.get(abuse(network)) else 1)
            if self.rng.random() < math.exp(-hazard):
                alive.append(self.host(network) if self.rng.random() < self.renumber else [network, number])
        for network in range(NETWORKS):
            if self.rng.random() < 0.25:
                alive.append(self.host(network))
        self.hosts = alive

    def sends(self):
        """Every second network takes XARF, the others CSV. Reports go out on the trial's first evening."""
        server = Smarthost()
        networks = "".join("    - {match: \"%s\", format: %s}\n" % (abuse(n), "xarf" if n % 2 else "csv") for n in range(NETWORKS))
        write(os.path.join(self.case.path, "ebb.yaml"),
              "cleanup:\n  sending: true\n  from: {org: Test, name: Test, mail: reports@ebb.example, domain: ebb.example}\n"
              "  smarthost: {host: \"127.0.0.1\", port: %d, tls: none, sender: \"bounces@ebb.example\"}\n"
              "  per_minute: 1000000\n  gone_days: %d\n  networks:\n%s" % (server.port, GONE, networks))
        result = self.case.ebb("cleanup", "send", "--at", "%sT20:00:00Z" % BEGIN)
        server.stop()
        equal((result.code, {contact for contact, _ in server.taken}),
              (0, {c for c, told in self.told.items() if told}), "those drawn are told, and no other")

    def run(self, send=False):
        self.days(BEGIN - datetime.timedelta(days=BEFORE), BEFORE)
        end = BEGIN + datetime.timedelta(days=TRIAL)
        row = self.case.rows("cleanup", "trial", "spring", "--percent", "40", "--seed", "lot", "--from", BEGIN.isoformat(),
                             "--until", end.isoformat())[0]
        equal((row["contacts"], row["controls"]), (NETWORKS, NETWORKS * 40 // 100), "lots are drawn")
        for arm in self.case.rows("cleanup", "trial", "spring", "--arms"):
            self.told[arm["contact"]] = arm["arm"] == "told"
        if send:
            self.sends()
        self.days(BEGIN, DATA)
        return self.case.rows("cleanup", "effect", "--gone-days", str(GONE))


# published figures need no case
figures = os.path.join(SHARED, "published", "rustock-figures.csv")
if os.path.exists(figures):
    result = run(EBB, "census", "published", figures, "--at", "2011-05-14", "--json")
    rows = {(r["what"], r["date"]): r for r in result.rows()}
    week7 = rows["decline after 7 weeks", "2011-05-14"]
    ok(-45 <= week7["weibull"] <= -43, "Rustock after seven weeks: the Weibull says -43 to -45 percent (%s)" % week7["weibull"])
    ok(-39 <= week7["exponential_first"] <= -37, "one rate through the first two totals: about -38 (%s)" % week7["exponential_first"])
    ok(abs(week7["weibull_off"]) < 1, "published is -44.2")
    ok(week7["low"] < week7["weibull"] < week7["high"] and week7["high"] - week7["low"] > 10 and
       "no interval" in week7["range"], "three points: a range of shapes and counting errors, which is called that")
    ok("no confidence interval" in result.err and "no residual" in result.err, "and why there is no interval")
    equal(rows["decline at this day", "2011-05-14"]["weibull"], week7["weibull"], "--at")
    total = rows["unique addresses", "2011-09-15"]
    ok(abs(total["weibull"] - 421866) < 5, "the Weibull goes through all three")
    half = [r for r in rows.values() if r["what"] == "half-life"][0]
    ok(60 < half["weibull"] < 70 and half["low"] < 60 and half["high"] > 70, "half-life (%s)" % half["weibull"])
else:
    skip("Rustock's published totals", "no " + figures)
head = "what,date,value,unit,estimator,source\n"


def published(text, *more):
    return run(EBB, "census", "published", write(os.path.join(folder(), "p.csv"), text), "--json", *more)


equal(published(head).code, 1, "no total")
ok("two totals" in published(head + "unique addresses,2011-01-01,5,a,e,s\n").err, "one total is not enough")
equal(published(head + "unique addresses,soon,5,a,e,s\n").code, 1, "a total without a date")
equal(published(head + "unique addresses,2011-02-01,5,a,e,s\nunique addresses,2011-01-01,4,a,e,s\n").code, 1, "back in time")
equal(published("a,b\n1,2\n").code, 1, "no such columns")
two = published(head + "unique addresses,2011-01-01,100,a,e,s\nunique addresses,2011-01-31,50,a,e,s\n")
half = [r for r in two.rows() if r["what"] == "half-life"]
ok(two.code == 0 and half[0]["exponential_first"] == 30 and half[0]["weibull"] is None, "two totals: one rate, no Weibull")
up = published(head + "unique addresses,2011-01-01,100,a,e,s\nunique addresses,2011-01-31,150,a,e,s\n"
               "unique addresses,2011-03-31,190,a,e,s\n")
half = [r for r in up.rows() if r["what"] == "half-life"]
ok(half[0]["weibull"] is None and "no half-life" in up.err, "a rise has no half-life")
equal(published(head + "unique addresses,2011-01-01,100,a,e,s\nunique addresses,2011-01-31,50,a,e,s\n", "--at", "2010-01-01").code,
      2, "--at before the first total")

# no trial
case = Case()
result = case.ebb("cleanup", "effect")
ok(result.code == 1 and "no trial" in result.err, "without a trial and without reports there is nothing to say")
ok("no such trial" in case.ebb("cleanup", "effect", "--trial", "autumn").err, "a trial that is not there")
equal(case.ebb("cleanup", "effect", "--by", "shoe").code, 2, "--by what is not there")
equal(case.ebb("cleanup", "effect", "--gone-days", "0").code, 2, "--gone-days 0")

# an effect
world = World(3, 1.5)
rows = world.run(send=True)
equal([r["arm"] for r in rows], ["told", "control", "told / control"], "a row an arm, and their comparison")
effect = rows[2]
ok(effect["low"] < 1.5 < effect["high"] and effect["low"] > 1 and effect["p"] < 0.01,
   "a hazard ratio of 1.5 is found (%s, %s to %s, p %s)" % (effect["hazard_ratio"], effect["low"], effect["high"], effect["p"]))
ok(rows[0]["cleaned_percent"] > rows[1]["cleaned_percent"] + 5 and rows[0]["median_days"] < TRIAL,
   "told networks are clean earlier (%s and %s percent)" % (rows[0]["cleaned_percent"], rows[1]["cleaned_percent"]))
equal(sum(r["contacts"] for r in rows[:2]), NETWORKS, "each contact is in one arm")
ok(rows[1]["cleaned_percent"] > 30, "controls clean, too (%s percent)" % rows[1]["cleaned_percent"])
ok("renumbering" in effect["note"] and "permuted" in effect["method"] and effect["randomised"], "with method and bias")
equal(world.case.rows("cleanup", "effect", "--gone-days", str(GONE)), rows, "the same again")
text = world.case.ebb("cleanup", "effect", "--gone-days", str(GONE))
ok(text.code == 0 and "renumbering" in text.err and "reached" not in text.err, "which the notes say, too")
equal((rows[0]["reached"], rows[1]["reached"]), (NETWORKS * 6 // 10, 0), "all who were drawn were reached, and no control")
for by, groups in (("format", {"csv", "xarf"}), ("channel", {"mail"})):
    result = world.case.ebb("cleanup", "effect", "--by", by, "--gone-days", str(GONE), "--json")
    parts = result.rows()
    ok(result.code == 0 and {r["arm"] for r in parts} == groups and "no lot did" in result.err and
       not any(r["randomised"] or r["p"] is not None for r in parts) and
       sum(r["contacts"] for r in parts) == rows[0]["contacts"] and
       sum(r["spells"] for r in parts) == rows[0]["spells"], "the told by %s: described, not tested" % by)
    ok(len(parts) == 1 or sum(r["hazard_ratio"] is not None for r in parts) == 1, "beside the largest group")
    ok({r["arm"] for r in world.case.rows("cleanup", "effect", "--by", by, "--curves")} == groups, "with curves")
curves = world.case.rows("cleanup", "effect", "--curves", "--gone-days", str(GONE))
for arm in ("told", "control"):
    mine = [r for r in curves if r["arm"] == arm]
    ok(mine[0]["day"] == 0 and mine[0]["share"] == 1 and mine[-1]["day"] <= TRIAL and
       all(a["share"] >= b["share"] for a, b in zip(mine, mine[1:])) and
       all(r["low"] <= r["share"] <= r["high"] for r in mine[1:] if r["low"] is not None), "the curve of the arm " + arm)
early = world.case.ebb("cleanup", "effect", "--gone-days", str(GONE), "--until", "2021-03-05", "--json")
ok(early.code == 1 and "no claim" in early.err, "before data reach gone-days behind the begin nothing is claimed")
equal(world.case.ebb("cleanup", "effect", "--family", "otherbot").code, 1, "a family that nobody has")

# none
world = World(6, 1.0)
rows = world.run()
ok("not reached" in world.case.ebb("cleanup", "effect", "--gone-days", "7").err, "told by lot, but nothing was sent: it says so")
ok(rows[2]["p"] > 0.05 and rows[2]["low"] < 1 < rows[2]["high"],
   "where there is none, none is reported (%s, p %s)" % (rows[2]["hazard_ratio"], rows[2]["p"]))

# renumbering pulls the ratio to 1
rows = World(5, 1.8, renumber=0.05).run()
ok(1 < rows[2]["hazard_ratio"] < 1.6, "renumbering pulls the ratio towards 1 (%s)" % rows[2]["hazard_ratio"])

# told, but no control arm
world = World(7, 1.0)
world.days(BEGIN - datetime.timedelta(days=BEFORE), BEFORE)
world.told = {abuse(n): True for n in range(NETWORKS)}
world.sends()
world.days(BEGIN, 20)
result = world.case.ebb("cleanup", "effect", "--gone-days", str(GONE), "--json")
rows = result.rows()
equal((result.code, [(r["arm"], r["contacts"], r["hazard_ratio"], r["p"], r["randomised"]) for r in rows]),
      (1, [("told", NETWORKS, None, None, False)]), "without a control arm: rates, no ratio, and exit 1")
ok(rows[0]["cleaned"] > 100 and "no claim can be made" in result.err and "Cetin" in result.err, "and why")
done()
