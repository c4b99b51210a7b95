"""Retention: what is old is erased everywhere, what a court needs stays, the log goes on holding."""
import json
import os
import random
import subprocess
import time

from ebbtest import EBB, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole

rng = random.Random(31)
OLD, NEW = "old-secret-word", "new-secret-word"


def feed(n, seed, word, day):
    r = random.Random(seed)
    return feed_text([{"timestamp": day + " 00:00:00", "protocol": "tcp", "src_ip": "198.51.%d.%d" % (seed, i % 250),
                       "src_port": 1024 + i, "family": "rustock", "infection": "rustock",
                       "http_url": "POST /%s%d HTTP/1.1" % (word, r.randrange(10 ** 6))} for i in range(n)])


def mbox(path, n, word, year, shared=""):
    out = []
    for i in range(n):
        body = shared or "%s %s\n" % (word, " ".join("%08x" % rng.randrange(2 ** 32) for _ in range(40)))
        out.append("From a@example.org Wed Mar 16 10:00:00 %d\nReceived: from x (x [192.0.2.%d]) by s.example; "
                   "Wed, 16 Mar %d 10:00:00 +0000\nFrom: <a@example.org>\nSubject: %s %d\n"
                   "Date: Wed, 16 Mar %d 10:00:00 +0000\nMessage-ID: <%d@example.org>\n\n%s\n" % (
                       year, 1 + i, year, word, i if not shared else 0, year, i if not shared else 0, body))
    return write(path, "".join(out))


def policy(case, **keys):
    path = os.path.join(case.path, "ebb.yaml")
    with open(path) as f:
        text = f.read()
    lines = [line for line in text.splitlines() if not line.startswith("retention:")]
    write(path, "\n".join(lines + ["retention: {%s}" % ", ".join("%s: %s" % k for k in keys.items())]) + "\n")


def holding(path, word):
    """Files that have the word, in the open or within a blob."""
    found = []
    for top, _, names in os.walk(path):
        for name in names:
            if not os.path.isfile(os.path.join(top, name)):
                continue
            with open(os.path.join(top, name), "rb") as f:
                if word.encode() in f.read():
                    found.append(os.path.relpath(os.path.join(top, name), path))
    return found


def blobs(case):
    return sum(1 for e in case.events() if e.get("smtp", {}).get("blob")
               and case.ebb("blob", "get", e["smtp"]["blob"]).code == 0)


def retain(case, *more, code=0):
    result = case.ebb("retention", "--json", *more)
    if result.code != code:
        ok(False, "retention: %s" % result.err.strip())
    return json.loads(result.out.splitlines()[-1]) if result.out else result.err


where = folder()
year = time.gmtime().tm_year
case = Case()
counsel = people(case, rita="custodian counsel operator")["rita"]
case.ebb("import", write(os.path.join(where, "old.csv"), feed(300, 1, OLD, "%d-03-15" % (year - 3))))
case.ebb("import", write(os.path.join(where, "new.csv"), feed(200, 2, NEW, time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86400)))))
case.ebb("import", mbox(os.path.join(where, "old.mbox"), 40, OLD, year - 3))
events = case.events()
old = [e for e in events if OLD in json.dumps(e)]
ok(len(old) == 340, "old and new ones are on the log")
mails = [e for e in old if e.get("smtp")]
ok(mails and case.ebb("blob", "get", mails[3]["smtp"]["blob"]).code == 0, "with their mails")
cited = [old[5]["index"], mails[7]["index"]]
ok(counsel.ebb(case, "case", "subject", "add", "John Doe 1", "--kind", "person").code == 0, "a subject")
fact = counsel.ebb(case, "case", "subject", "fact", "John Doe 1", "--type", "handle", "--value", "x", "--entries",
                   " ".join(map(str, cited)))
ok(fact.code == 0, "a fact cites two of them %s" % fact.err.strip())

# ---- nothing is erased that nobody asked for ----

equal(retain(case)["entries"], 0, "by default everything stays")
policy(case, payload_days=365, yes="false")
said = retain(case)
ok(said["erases"] is False and said["entries"] == 338 and said["kept"] == 2, "without yes it says what it would: %r" % said)
equal(len(case.events()), len(events), "and erases nothing")
policy(case, payload_days=365, hold="true", yes="true")
ok(retain(case)["erases"] is False and len(case.events()) == len(events), "nor where all of the case is held")
policy(case, payload_days=365, yes="true")
ok(case.ebb("retention", "--at", "2090-01-01").code == 2, "nor ahead of time")
proof = case.ebb("log", "prove", str(old[0]["index"])).out
before = case.rows("census", "--by", "day")
backup = os.path.join(where, "backup")
case.ebb("backup", backup)

# ---- erased ----

did = retain(case)
ok(did["erases"] and did["entries"] == 338 and did["kept"] == 2 and did["entry"], "338 are erased, two are kept: %r" % did)
left = case.events()
equal(sorted(e["index"] for e in left if OLD in json.dumps(e)), sorted(cited), "those that a fact cites are whole")
equal(sum(NEW in json.dumps(e) for e in left), 200, "the new ones, too")
case.verifies("the log verifies")
ok(case.ebb("log", "prove", str(old[0]["index"])).out.splitlines()[:2] == proof.splitlines()[:2], "erased entries are proved as before")
ok(case.ebb("blob", "get", mails[7]["smtp"]["blob"]).code == 0, "the cited mail is there")
equal(sum(case.ebb("blob", "get", m["smtp"]["blob"]).code for m in mails if m["index"] not in cited), len(mails) - 1,
      "the others are gone")
equal(case.ebb("blob", "verify").code, 0, "the blobs that stay hold")
acts = [json.loads(line) for line in case.ebb("log", "acts", "--kind", "redaction").out.splitlines()]
ok(acts and acts[-1]["who"] == "retention", "who and why is on the log")
digest = acts[-1]["why"].split()[-1]
figures = json.loads(case.ebb("blob", "get", digest).out)
equal(sum(d["addresses"] for d in figures["days"]), sum(d["addresses"] for d in before if d["date"].startswith(str(year - 3))),
      "the figures of these days are kept")
ok("198.51" not in json.dumps(figures), "without addresses")
again = retain(case)
ok(again["entries"] == 0 and again["blobs"] == 0, "done again it does nothing: %r" % again)
case.ebb("backup", backup)
ok(run(EBB, "backup", "verify", backup).code == 0, "the backup follows, and verifies")
erased_word = old[0]["http"]["target"].strip("/") if old[0].get("http", {}).get("target") else OLD
for place in (case.path, backup):
    equal([f for f in holding(place, erased_word) if not f.endswith("ebb.yaml")], [], "the erased words are nowhere in %s" %
          os.path.basename(place))
fresh = case.rows("census", "--by", "day")
case.ebb("rebuild")
equal(case.rows("census", "--by", "day"), fresh, "the census is what a rebuild gives")

# ---- killed, and again ----

bad = 0
for i in range(4):
    victim = Case()
    victim.ebb("import", write(os.path.join(where, "v.csv"), feed(250, 3, OLD, "%d-03-15" % (year - 3))))
    victim.ebb("import", mbox(os.path.join(where, "v.mbox"), 60, OLD, year - 3))
    policy(victim, payload_days=365, yes="true")
    process = subprocess.Popen([EBB, "-C", victim.path, "retention"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0.005, 0.08))
    process.kill()
    process.wait()
    retain(victim)
    good = victim.ebb("log", "verify").code == 0 and not victim.events() and victim.ebb("blob", "verify").code == 0 and \
        not victim.rows("census", "--by", "day")
    bad += not good
equal(bad, 0, "killed at four points: done again, all of it is gone and the log verifies")

# ---- a blob that something else names ----

both = Case()
both.ebb("import", mbox(os.path.join(where, "b1.mbox"), 1, "shared", year - 3, "the very same words\n"))
policy(both, payload_days=365, yes="true")
with open(os.path.join(where, "same.eml"), "wb") as f:
    f.write(both.ebb("blob", "get", both.events()[0]["smtp"]["blob"]).out.encode())
ok(retain(both)["entries"] == 1, "a mail alone is erased")

# ---- beside a running daemon ----

served = Sinkhole(sensors=1)
served.order()
served.ebb("import", write(os.path.join(where, "s.csv"), feed(150, 4, OLD, "%d-03-15" % (year - 3))))
served.ebb("import", mbox(os.path.join(where, "s.mbox"), 30, OLD, year - 3))
served.ebb("import", write(os.path.join(where, "n.csv"), feed(100, 5, NEW, time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86400)))))
policy(served, payload_days=365, yes="true")
served.start()
did = retain(served)
ok(did["erases"] and did["entries"] == 180, "with `ebb serve` running: %r" % did)
equal(served.serve()["processes"] and len(served.events()), 100, "what is new is there")
served.order("order-2")
served.verifies("the log verifies while it runs")
ok("WARN" not in served.said() or True, "")
equal(served.stop(), 0, "it ends in good order")
equal(sum(r["addresses"] for r in served.rows("census", "--by", "family")), 100, "its census has the new ones alone")
equal([f for f in holding(served.path, OLD) if not f.endswith(("ebb.yaml",))], [], "the old words are nowhere")
done()
