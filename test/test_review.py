"""The review of leads: order, status, marks, notes, decisions by two people, what was known before."""
import json
import os
import sqlite3
import subprocess

from ebbtest import Case, EBB, done, equal, feed_text, folder, ok, run, write
from people import people

os.environ.pop("EBB_ACCOUNT", None)
case = Case()
work = folder()
who = people(case, carl="custodian", rita="reviewer", rob="reviewer", cora="counsel", olaf="operator", anna="auditor")
carl, rita, rob, cora, olaf, anna = (who[n] for n in ("carl", "rita", "rob", "cora", "olaf", "anna"))


def path(name):
    return os.path.join(work, name)


def size():
    return case.rows("status")[0]["log_size"]


def refused(name, words, by, *args, code=1):
    """Fails in one line that has these words; nothing is on the log."""
    before = size()
    result = by.ebb(case, *args) if by else case.ebb(*args)
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and size() == before, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def submit(words, *args):
    result = case.ebb("lead", "submit", "--text", write(path("text"), words), "--json", *args)
    if result.code:
        raise RuntimeError(result.err)
    row = result.rows()[0]
    write(path("receipt-%d" % row["lead"]), row["receipt"])
    return row["lead"]


def listed(*args):
    return [r["lead"] for r in case.rows("lead", "list", *args)]


def lead(n):
    return [r for r in case.rows("lead", "list", "--all") if r["lead"] == n][0]


def shown(n):
    return case.rows("lead", "show", str(n))


def do(by, *args):
    row = by.rows(case, *map(str, args))[0]
    return row


# ---- the order in which to read them
a, b, c = submit("the panel is at panel.example"), submit("noise"), submit("more noise")
dear = submit("worth more", "--work", "2")
equal(listed(), [dear, a, b, c], "a class that paid more has its turn first, and one turn")
equal([lead(a)[k] for k in ("status", "assigned", "tags", "four_eyes", "pending", "news", "claims")],
      ["received", None, [], False, 0, False, 0], "a lead as it comes")
equal(lead(a)["received"], case.rows("lead", "show", str(a))[0]["time"][:10], "its day alone is known")
equal(anna.rows(case, "lead", "list")[0]["lead"], dear, "an auditor lists")
equal(listed("--limit", "2"), [dear, a], "so many")
refused("no such status", "no such status", None, "lead", "list", "--status", "nice", code=2)
refused("no such lead", "no such lead", None, "lead", "show", "99999")
refused("a lead that is no number", "index", None, "lead", "show", "x", code=2)

# ---- status
refused("nobody is named", "say who you are", None, "lead", "mark", str(a), "--status", "triage")
refused("an auditor does nothing", "wants a role", anna, "lead", "mark", str(a), "--status", "triage")
refused("nor does an operator", "wants a role", olaf, "lead", "mark", str(a), "--status", "triage")
refused("nor counsel", "wants a role", cora, "lead", "tag", str(a), "x")
refused("what cannot follow", "what may follow is: triage duplicate closed", rita, "lead", "mark", str(a), "--status",
        "corroborated", "--why", "x")
refused("received is not given back", "--status", rita, "lead", "mark", str(a), "--status", "received", code=2)
refused("a decision wants a reason", "--why", rita, "lead", "mark", str(b), "--status", "closed", code=2)
refused("a reason of blanks", "--why", rita, "lead", "mark", str(b), "--status", "closed", "--why", "  ", code=2)
refused("a reason that hides text", "--why", rita, "lead", "mark", str(b), "--status", "closed", "--why", "a\u202eb", code=2)
refused("a reason with a line's end", "--why", rita, "lead", "mark", str(b), "--status", "closed", "--why", "a\nb", code=2)
refused("a reason that is too long", "--why", rita, "lead", "mark", str(b), "--status", "closed", "--why", "x" * 5000, code=2)
refused("a duplicate of nothing", "--of", rita, "lead", "mark", str(b), "--status", "duplicate", "--why", "x", code=2)
refused("a duplicate of itself", "itself", rita, "lead", "mark", str(b), "--status", "duplicate", "--of", str(b), "--why", "x")
refused("a duplicate of no lead", "no such lead", rita, "lead", "mark", str(b), "--status", "duplicate", "--of", "1", "--why", "x")
row = do(rita, "lead", "mark", a, "--status", "triage")
equal((row["lead"], row["what"], row["value"], row["state"]), (a, "status", "triage", "done"), "triage")
do(rita, "lead", "mark", b, "--status", "duplicate", "--of", a, "--why", "the same words")
equal((lead(b)["status"], lead(b)["of"]), ("duplicate", a), "a duplicate")
refused("a duplicate of a duplicate", "duplicate itself", rita, "lead", "mark", str(c), "--status", "duplicate", "--of",
        str(b), "--why", "x")
do(rita, "lead", "mark", c, "--status", "closed", "--why", "says nothing")
equal(listed(), [dear, a, b], "what is closed is not listed")
equal(listed("--all"), [dear, a, b, c], "or is, when asked for")
equal(listed("--status", "closed"), [c], "by status")
do(rita, "lead", "mark", c, "--status", "triage", "--why", "it may say something")
equal(listed("--status", "triage"), [a, c], "opened again")

# ---- assignment, tags
refused("to nobody", "--to", rita, "lead", "assign", str(a), code=2)
refused("to who is not there", "no such account", rita, "lead", "assign", str(a), "--to", "nobody")
refused("to who cannot read it", "no reviewer", rita, "lead", "assign", str(a), "--to", "anna")
do(rita, "lead", "assign", a, "--to", "rob")
equal((lead(a)["assigned"], listed("--assigned", "rob"), listed("--assigned", "rita")), ("rob", [a], []), "an assignment")
for bad in ("Upper", "a b", "", "x" * 65, "-a", "a\u202e", "a,b"):
    refused("no tag: %.10r" % bad, "tag", rita, "lead", "tag", str(a), "--", bad, code=2)
rows = rita.rows(case, "lead", "tag", str(a), "money", "panel-host")
equal([r["value"] for r in rows], ["money", "panel-host"], "two tags")
do(rita, "lead", "tag", c, "money")
equal((lead(a)["tags"], listed("--tag", "money"), listed("--tag", "mon")), (["money", "panel-host"], [a, c], []), "tags")
do(rita, "lead", "tag", c, "money", "--remove")
equal(listed("--tag", "money"), [a], "a tag is taken away")

# ---- notes
PLANTED = "the landlord's cousin saw the pelican"
note = do(rita, "lead", "note", a, "--text", write(path("note"), PLANTED))
equal((note["what"], note["state"]), ("note", "done"), "a note")
found = subprocess.run(["grep", "-r", "-l", "pelican", case.path], stdout=subprocess.PIPE).stdout
equal(found, b"", "is nowhere to be read")
ok(PLANTED not in case.ebb("lead", "show", str(a), "--json").out, "nor shown")
refused("an auditor writes none", "wants a role", anna, "lead", "note", str(a), "--text", path("note"))
refused("an empty note", "empty", rita, "lead", "note", str(a), "--text", write(path("empty"), " \n"))
refused("a note of other bytes", "--text", rita, "lead", "note", str(a), "--text", write(path("latin"), b"\xff\xfe"))
refused("no such file", "/none", rita, "lead", "note", str(a), "--text", "/none")

# ---- conflict of interest
refused("a conflict wants a reason", "--why", rita, "lead", "conflict", str(c), code=2)
refused("of nobody", "no such account", rita, "lead", "conflict", str(c), "--of", "nobody", "--why", "x")
do(rob, "lead", "conflict", c, "--why", "a neighbour")
refused("twice", "has a conflict", rob, "lead", "conflict", str(c), "--why", "a neighbour")
for args in (("mark", "--status", "known", "--why", "x"), ("tag", "x"), ("note", "--text", path("note")),
             ("assign", "--to", "rita"), ("four-eyes",)):
    refused("who has a conflict does not " + args[0], "conflict of interest", rob, "lead", args[0], str(c), *args[1:])
refused("nor is it given to them", "conflict of interest", rita, "lead", "assign", str(c), "--to", "rob")
ok(rob.ebb(case, "lead", "read", str(c)).code != 0, "nor do they read it")
equal(rob.ebb(case, "lead", "read", str(a)).code, 0, "they read others")
refused("they do not lift it themselves", "custodian", rob, "lead", "conflict", str(c), "--off", "--why", "x")
refused("nor does another reviewer", "custodian", rita, "lead", "conflict", str(c), "--of", "rob", "--off", "--why", "x")
do(carl, "lead", "conflict", c, "--of", "rob", "--off", "--why", "moved away")
do(rob, "lead", "tag", c, "seen")

# ---- four eyes
do(rita, "lead", "four-eyes", a)
refused("twice", "has the four-eyes mark", rita, "lead", "four-eyes", str(a))
d = do(rita, "lead", "mark", a, "--status", "corroborated", "--why", "the panel answers")
equal((d["state"], lead(a)["status"], lead(a)["pending"]), ("pending", "triage", 1), "a decision waits for another person")
refused("not one's own", "own act", rita, "approve", str(d["index"]), "--why", "x")
refused("not by an auditor", "the role", anna, "approve", str(d["index"]), "--why", "x")
refused("not by counsel", "the role", cora, "approve", str(d["index"]), "--why", "x")
refused("not without reason", "--why", rob, "approve", str(d["index"]), code=2)
refused("not of what wants none", "wants no second person", rob, "approve", str(lead(a)["lead"]), "--why", "x")
refused("not of a note", "waits for nobody", rob, "approve", str(note["index"]), "--why", "x")
refused("not of what is not there", "no such act", rob, "approve", "999999", "--why", "x")
carl.ebb(case, "account", "close", "rob", "--why", "on leave")
refused("not by an account that is closed", "closed", rob, "approve", str(d["index"]), "--why", "x")
carl.ebb(case, "account", "add", rob.public, "--roles", "reviewer")
row = do(rob, "approve", d["index"], "--why", "seen it answer")
equal((row["what"], row["state"], lead(a)["status"], lead(a)["pending"]), ("approved", "approved", "corroborated", 0), "approved")
refused("once", "settled", carl, "approve", str(d["index"]), "--refuse", "--why", "x")
off = do(rob, "lead", "four-eyes", a, "--off", "--why", "in a hurry")
equal((off["state"], lead(a)["four_eyes"]), ("pending", True), "the mark goes by two people only")
row = do(rita, "approve", off["index"], "--refuse", "--why", "no")
equal((row["state"], lead(a)["four_eyes"]), ("refused", True), "or stays")
first = do(rita, "lead", "mark", a, "--status", "referred", "--why", "to the agency")
second = do(rita, "lead", "mark", a, "--status", "closed", "--why", "done")
do(rob, "approve", second["index"], "--why", "yes")
result = rob.ebb(case, "approve", str(first["index"]), "--why", "yes", "--json")
ok(result.code == 1 and "cannot follow" in result.err and result.rows()[0]["state"] == "overtaken",
   "a decision that comes too late does not count")
do(rita, "lead", "mark", a, "--status", "triage", "--why", "again")

# ---- what was known before
write(path("feed.csv"), feed_text([{"timestamp": "2011-03-16 09:00:00", "protocol": "tcp", "src_ip": "192.0.2.7",
                                    "src_port": 4000, "infection": "rustock", "http_host": "seen.example"}]))
must = case.ebb("import", path("feed.csv"))
ok(must.code == 0, "a feed is imported")
for args in (("case", "order", "add", "--id", "order-1", "--from", "2011-01-01"),
             ("case", "asset", "add", "taken.example", "--order", "order-1")):
    result = cora.ebb(case, *args)
    if result.code:
        print("# %s" % result.err)
doe = do(rita, "case", "subject", "add", "John Doe 1", "--kind", "person")["index"]
other = do(rita, "case", "subject", "add", "John Doe 2", "--kind", "person")["index"]


def fact(by, type, value, *args):
    return do(by, "case", "subject", "fact", "John Doe 1", "--type", type, "--value", value, *args)["index"]


early = fact(rita, "domain", "Known.Example.", "--entries", "1", "--note", "from the seizure")
early_link = do(rita, "case", "subject", "link", "John Doe 1", "--to", "John Doe 2", "--relation", "works-with", "--entries", "1")["index"]
rival = submit("an earlier lead says the same")
n = submit("the lead that is tested")
facts = {name: fact(rita, type, value, "--lead", str(n)) for name, type, value in (
    ("known", "domain", "known.example"), ("taken", "domain", "taken.example"), ("address", "address", "192.0.2.7"),
    ("host", "domain", "seen.example"), ("new", "handle", "Bot Herder"), ("rival", "mail", "boss@mail.example"))}
link = do(rita, "case", "subject", "link", "John Doe 2", "--to", "John Doe 1", "--relation", "works-with", "--lead", n)["index"]
fact(rita, "handle", "bot herder", "--entries", "1")  # after the lead
by_rival = fact(rita, "mail", "boss@mail.example", "--lead", str(rival))
rows = case.rows("lead", "novelty", str(n))
known = {name: [(r["known"], r["entry"]) for r in rows if r["fact"] == entry] for name, entry in facts.items()}
equal(known["known"], [("fact", early)], "the same, recorded before the lead")
equal([k for k, _ in known["taken"]], ["asset"], "an asset of the case")
equal([k for k, _ in known["address"]], ["event"], "an address that made contact")
equal([k for k, _ in known["host"]], ["event"], "a domain that was asked for")
equal(known["new"], [("nothing", None)], "what was recorded later proves nothing")
equal(known["rival"], [("earlier lead", by_rival)], "an earlier lead that says the same, whenever that was drawn from it")
equal([(r["known"], r["entry"]) for r in rows if r["fact"] == link], [("link", early_link)], "a link between the same two")
ok(all(r["position"] == n for r in rows), "what counts is when the lead came")
r = [r for r in rows if r["fact"] == facts["known"]][0]
equal((r["account"], r["note"], r["subject"], r["type"]), ("rita", "from the seizure", "John Doe 1", "domain"), "by whom, why")
equal(case.rows("lead", "novelty", str(c)), [], "of a lead without facts: nothing")
equal(anna.rows(case, "lead", "novelty", str(n))[0]["fact"], facts["known"], "an auditor sees it, too")

refused("no verdict", "--verdict", rita, "lead", "decide", str(n), "--fact", str(facts["new"]), "--verdict", "maybe",
        "--why", "x", code=2)
refused("no fact", "--fact", rita, "lead", "decide", str(n), "--verdict", "new", "--why", "x", code=2)
refused("a fact of another lead", "not drawn from", rita, "lead", "decide", str(n), "--fact", str(by_rival), "--verdict",
        "new", "--why", "x")
refused("no reason", "--why", rita, "lead", "decide", str(n), "--fact", str(facts["new"]), "--verdict", "new")
refused("new, against what the log proves", "prove", rita, "lead", "decide", str(n), "--fact", str(facts["known"]), "--verdict", "new")
refused("entries that are not there", "--known", rita, "lead", "decide", str(n), "--fact", str(facts["new"]), "--verdict",
        "new", "--why", "x", "--known", "99999999999")
refused("an auditor decides nothing", "wants a role", anna, "lead", "decide", str(n), "--fact", str(facts["new"]),
        "--verdict", "new", "--why", "x")
row = do(rita, "lead", "decide", n, "--fact", facts["new"], "--verdict", "new", "--why", "nobody had the name", "--known", "1-3")
equal((row["what"], row["value"], row["state"]), ("novelty", "new", "done"), "new")
row = do(rita, "lead", "decide", n, "--fact", facts["known"], "--verdict", "part", "--why", "that it is theirs is new")
act = [json.loads(l) for l in case.ebb("log", "acts", "--kind", "novelty").out.splitlines()][-1]
equal((act["fact"], act["size"], act["known"], act["account"]), (facts["known"], n, str(early), "rita"),
      "the reason is an entry, with what was known and the lead's position")
equal({r["fact"]: r["verdict"] for r in case.rows("lead", "novelty", str(n)) if r["fact"] in (facts["new"], facts["known"])},
      {facts["new"]: "new", facts["known"]: "part"}, "verdicts are shown")
# What an informant adds later is judged by when it was added.
write(path("said"), "and the mail is late@mail.example")
between = fact(rita, "mail", "late@mail.example", "--entries", "1")
said = case.ebb("lead", "return", "--receipt", path("receipt-%d" % n), "--say", path("said"), "--json")
message = [json.loads(l) for l in case.ebb("log", "acts", "--kind", "lead_message").out.splitlines()][-1]["index"]
equal(lead(n)["news"], True, "a lead with news of its informant")
late = fact(rita, "mail", "late@mail.example", "--lead", str(n), "--entries", str(message))
rows = [r for r in case.rows("lead", "novelty", str(n)) if r["fact"] == late]
equal([(r["known"], r["entry"], r["position"]) for r in rows], [("fact", between, message)], "by when it was added")

# ---- links, search, history
do(rita, "lead", "link", n, "--subject", "John Doe 1")
do(rita, "lead", "link", n, "--fact", facts["new"])
refused("a link to nothing", "--subject or --fact", rita, "lead", "link", str(n), code=2)
refused("to no subject", "no such subject", rita, "lead", "link", str(n), "--subject", "John Doe 9")
refused("to no fact", "no such fact", rita, "lead", "link", str(n), "--fact", "1")
hits = case.rows("lead", "search", "nobody had")
equal([(h["lead"], h["kind"]) for h in hits], [(n, "novelty")], "a reason is found")
equal([h["lead"] for h in case.rows("lead", "search", "panel-host")], [a], "a tag is found")
equal([h["index"] for h in case.rows("lead", "search", "taken.example")], [facts["taken"]], "a fact is found")
equal(case.rows("lead", "search", "pelican"), [], "what is sealed is not")
equal(case.rows("lead", "search", "' OR 1=1; --"), [], "nor are tricks")
refused("a search for nothing", "one text", None, "lead", "search", "", code=2)
history = shown(a)
equal((history[0]["kind"], history[0]["value"]), ("lead", "triage"), "first the lead as it stands")
ok({"status", "assign", "tag", "note", "four-eyes", "two-eyes"} <= {h["what"] for h in history}, "then all that was done")
ok(all(h["account"] for h in history[1:]), "and by whom")

# ---- a withdrawal by the informant
gone = submit("I take this back")
case.ebb("lead", "return", "--receipt", path("receipt-%d" % gone), "--withdraw")
ok(gone not in listed() and gone in listed("--all"), "what was taken back is not read any more")
equal(lead(gone)["withdrawn"], True, "and says so")
refused("and not decided", "withdrawn", rita, "lead", "mark", str(gone), "--status", "triage")


# ---- the log alone gives the same
def dump():
    with sqlite3.connect(os.path.join(case.path, "views", "pursuit")) as db:
        return [line for line in db.iterdump() if "fact_words" not in line]


case.rows("lead", "list")
before = dump()
equal(case.ebb("rebuild", "pursuit").code, 0, "rebuild")
case.rows("lead", "list")
equal(dump(), before, "a rebuild gives the same database")
case.verifies("the log holds")
for args in (("lead", "list"), ("lead", "show", str(a)), ("lead", "search", "panel"), ("lead", "novelty", str(n))):
    text, csv = case.ebb(*args), case.ebb(*args, "--csv")
    ok(text.code == 0 and csv.code == 0 and text.out and csv.out, "as text and CSV: " + " ".join(args[:2]))
done()
