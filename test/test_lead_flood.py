"""A flood of leads: the line stays open, the price rises, and people reach triage."""
import os
import time

from ebbtest import Case, done, equal, ok, run, skip
from people import people

FLOOD, PEOPLE = 10000, 20

if not os.environ.get("EBB_LEAD_FLOOD"):
    skip("a flood", "no lead_flood")
    done()

# Receipts, right or wrong: nothing to be told by the clock.
timing = run(os.environ["EBB_LEAD_TIMING"], 40)
for line in timing.out.splitlines():
    print("# " + line)
equal(timing.code, 0, "right, wrong and unknown receipts take the same time, and it is work")

case = Case()
who = people(case, carl="custodian", rita="reviewer")
began = time.monotonic()
flood = run(os.environ["EBB_LEAD_FLOOD"], case.path, FLOOD, PEOPLE, timeout=900)
if not equal(flood.code, 0, "10,000 leads of a flooder and 20 others within an hour: all are taken"):
    print("# " + flood.err)
print("# %.0f s" % (time.monotonic() - began))
lines = [line.split() for line in flood.out.splitlines()]
real = [(int(l[1]), int(l[2]), int(l[3])) for l in lines if l[0] == "real" and len(l) == 4]
first, last = next((int(l[1]), int(l[2])) for l in lines if l[0] == "price")
hashes = {l[0]: float(l[1]) for l in lines if len(l) == 2}
equal(len(real), PEOPLE, "the 20 among them")
equal(first, 16, "the first cost little")
ok(24 <= last <= 26, "the last 500 times as much, and not more: %d bits" % last)
ok(all(a[1] <= b[1] + 1 for a, b in zip(real, real[1:])), "the price rises with demand")
ok(hashes["flooder"] > 100 * hashes["real"], "the flooder pays %.0f times what the 20 pay" % (hashes["flooder"] / hashes["real"]))

listed = who["rita"].ebb(case, "lead", "list", "--limit", "100", "--json")
if listed.code and "not yet" in listed.err:
    skip("triage", "no lead list yet")
else:
    rows = listed.rows()
    top = [row["lead"] for row in rows]
    missing = [entry for entry, _, _ in real if entry not in top]
    if not equal(missing, [], "all 20 are among the first 100 to be read"):
        print("# work of the first: %s" % [row["work"] for row in rows][:40])
    counted = sum(1 for _ in case.rows("lead", "list", "--limit", str(FLOOD * 2)))
    equal(counted, FLOOD + PEOPLE, "and the flooder's are there, too: nobody was refused")
    took = []
    for _ in range(3):
        began = time.monotonic()
        case.ebb("lead", "list", "--limit", "100")
        took.append(time.monotonic() - began)
    ok(min(took) < 1, "the list comes at once (%.0f ms)" % (min(took) * 1000))
case.verifies("the log holds")
done()
