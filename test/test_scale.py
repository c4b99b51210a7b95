"""The arithmetic and the simulation behind doc/scale.md: nothing is lost or made on the way, queues wait as theory says,
caches hide what theory says, and the tables in the document are those of its data."""
import math
import os
import sys

from ebbtest import ROOT, done, equal, ok

sys.path.insert(0, os.path.join(ROOT, "sim", "scale"))

import data  # noqa: E402
import fluid  # noqa: E402
import plan  # noqa: E402
import queues  # noqa: E402
import scenes  # noqa: E402
import tables  # noqa: E402

HOUR = 3600.0


def near(a, b, part):
    return abs(a - b) <= part * abs(b)


def flow():
    # run() itself asserts that what arrived was taken or dropped, and what was taken was shipped or waits.
    fleet = fluid.Fleet(3, 400.0, 300.0, 2, 450.0)
    load = fluid.diurnal(700.0, 0.5)
    quiet = fluid.run(fleet, load, 48 * HOUR, step=10.0)
    ok(quiet["dropped"] == 0 and near(quiet["first"], 700.0 * 48 * HOUR, 1e-9), "flow: a day's waves add up to the mean; none lost")
    hard = fluid.run(fleet, load, 48 * HOUR, (("node", 0, 20 * HOUR, 22 * HOUR), ("shard", 1, 30 * HOUR, 33 * HOUR),
                                              ("link", 2, 10 * HOUR, 12 * HOUR)), fluid.Retry(0.8, 60, 5), 10.0)
    ok(hard["dropped"] > 0 and hard["again"] > 0 and hard["most_backlog"] > 3 * HOUR * 150, "flow: failures lose, come again and pile up")
    # One node, no waves: a shard away for T at rate r leaves rT, gone after rT / (c - r).
    one = fluid.Fleet(1, 1000.0, 500.0, 1, 500.0)
    r = fluid.run(one, lambda t: 200.0, 4 * HOUR, (("shard", 0, HOUR, 2 * HOUR),), step=1.0)
    ok(near(r["most_backlog"], 200.0 * HOUR, 0.01), "flow: what waits is rate times outage")
    ok(near(r["caught_up_s"], 200.0 * HOUR / 300.0, 0.01), "flow: caught up after that, by what is left of the rate")
    two = fluid.run(fluid.Fleet(1, 1000.0, 500.0, 2, 250.0), lambda t: 200.0, 4 * HOUR, (("shard", 0, HOUR, 2 * HOUR),), step=1.0)
    ok(near(two["most_backlog"], 100.0 * HOUR, 0.01), "flow: what belongs to the other shard does not wait")
    ok(near(two["caught_up_s"], 100.0 * HOUR / 150.0, 0.01), "flow: and the shard that was away catches up by itself")
    many = fluid.run(fluid.Fleet(40, 100.0, 80.0, 8, 500.0), fluid.diurnal(2000.0, 0.3), 24 * HOUR,
                     (("node", 3, HOUR, 2 * HOUR), ("node", 4, HOUR, 2 * HOUR), ("shard", 1, HOUR, 3 * HOUR)), step=60.0)
    ok(near(many["first"], 2000.0 * 24 * HOUR, 1e-9) and many["backlog"] < 2000.0 * 60, "flow: many nodes alike are one that stands for all")
    gone = fluid.run(fluid.Fleet(2, 1000.0, 500.0, 1, 1000.0, share=0.0), lambda t: 200.0, 4 * HOUR,
                     (("node", 0, HOUR, 2 * HOUR),), step=1.0)
    ok(near(gone["drop_share"], 0.5 / 4, 1e-6), "flow: a node without a substitute loses its share")


def waiting():
    for rho in (0.3, 0.6, 0.8):
        mean, _, _ = queues.md1(rho, 1.0, 200000, seed=7)
        ok(near(mean, queues.md1_theory(rho, 1.0), 0.08), "M/D/1 at %.0f%%: the mean wait is Pollaczek's and Khinchine's" % (100 * rho))
    for rate, ttl in ((0.01, 60), (0.5, 60), (5.0, 20)):
        seen = queues.cache(rate, ttl, 3000 * (ttl + 1 / rate), seed=3)
        ok(near(seen, queues.cache_theory(rate, ttl), 0.05), "a cache asked %g times a second, %d s kept" % (rate, ttl))
    ok(near(sum(queues.resolvers(1e6, 5000)), 1e6, 1e-9), "every bot is behind some resolver")
    ok(near(queues.seen_dns(1e6, 1, 24, 0), 1e6 * 24 / 86400, 1e-9), "without a cache every query is seen")
    equal(queues.ring_loss(100.0, 1000.0, 500.0, 5.0, 3600, 60), 0.0, "a ring holds what fits")
    ok(near(queues.ring_loss(100.0, 1000.0, 1e9, 20.0, 3600, 60), 1000.0 / 6000.0, 1e-6), "and loses what does not")
    during, after = queues.storm(2000, 1200, 60, 1800)
    ok(near(during, 20, 0.2) and after <= during * 1.3, "who asks every minute instead of every twenty asks twenty times as often")


def document():
    d = data.Data()
    for case in data.CASES:
        x = plan.bots(d, case)
        ok(x["peak"] >= x["mean"] > 0 and x["entries_day"] >= x["polls_day"], "bots, %s: a peak, and an entry for each contact" % case)
    one, ten = plan.mails(d, "middle"), plan.mails(d, "middle", 10)
    ok(all(near(ten[k], 10 * one[k], 1e-9) for k in one if one[k] and not k.startswith("row_")), "ten times the mails take ten times as much")
    ok(near(one["mean"], 3e10 / 86400, 1e-9), "30 billion a day are 347 thousand a second")
    unsourced = [k for k, m in d.measured.items() if not (m.get("by") and m.get("when"))] + \
        [k for k, a in d.assumed.items() if not a.get("source")]
    equal(unsourced, [], "each figure says what measured it, each assumption where it is from")
    with open(os.path.join(ROOT, "doc", "scale.md")) as f:
        text = f.read()
    missing = [n for n in tables.ALL if "<!-- table %s -->" % n not in text]
    equal(missing, [], "doc/scale.md has every table")
    again = tables.fill(text, d)
    if not ok(again == text, "doc/scale.md's tables are those of doc/scale.json (else: scripts/scale --update)"):
        for a, b in zip(text.splitlines(), again.splitlines()):
            if a != b:
                print("#  has  %s\n#  want %s" % (a, b))
                break
    for events, measured, predicted in scenes.validation(d):
        ok(abs(math.log(predicted / measured)) < math.log(1 + scenes.TOLERANCE),
           "%d events: the catch-up that was measured (%.1f s) is predicted (%.1f s) to %d%%" % (events, measured, predicted, 100 * scenes.TOLERANCE))


flow()
waiting()
document()
done()
