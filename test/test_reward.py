"""The reward: offers, milestones, claims by receipt, the checklist, awards by two people, payouts, the ledger."""
import json
import os
import sqlite3
import subprocess
import time

from ebbtest import Case, done, equal, folder, ok, run, write
from people import people

os.environ.pop("EBB_ACCOUNT", None)
case = Case()
work = folder()
who = people(case, carl="custodian", dora="custodian", rita="reviewer", cora="counsel", anna="auditor", olaf="operator")
carl, dora, rita, cora, anna, olaf = (who[n] for n in ("carl", "dora", "rita", "cora", "anna", "olaf"))


def path(name):
    return os.path.join(work, name)


def size():
    return case.rows("status")[0]["log_size"]


def refused(name, words, by, *args, code=1):
    """Fails in one line that has these words; nothing is on the log."""
    before = size()
    result = by.ebb(case, *map(str, args)) if by else case.ebb(*map(str, args))
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and size() == before, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def do(by, *args):
    return by.rows(case, *map(str, args))[0]


def submit(words):
    result = case.ebb("lead", "submit", "--text", write(path("text"), words), "--json")
    if result.code:
        raise RuntimeError(result.err)
    row = result.rows()[0]
    write(path("receipt-%d" % row["lead"]), row["receipt"])
    return row["lead"]


def ago(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400))


def ledger(*args):
    return case.rows("reward", "ledger", *args)


def money():
    row = ledger("--offer", "the reward")[0]
    return [row[k] for k in ("pending", "awarded", "paid", "unpaid", "left")]


terms = write(path("terms.pdf"), b"%PDF-1.4 the terms\n")
verdict = write(path("verdict.pdf"), b"%PDF-1.4 a verdict\n")

# ---- offers
cora.ebb(case, "case", "order", "add", "--id", "order-1", "--from", ago(20))
cora.ebb(case, "case", "order", "add", "--id", "over", "--from", ago(20), "--until", ago(1))
equal(ledger(), [], "no offer yet")
OFFER = ("reward", "offer", "the reward", "--terms", terms)
for amount, why in (("0", "nothing"), ("-5", "not an amount"), ("1e6", "not an amount"), ("250,000", "not an amount"),
                    ("1.234", "not an amount"), ("99999999999999999999", "too large"), ("92233720368547758.08", "too large"),
                    ("", "not an amount"), ("\u0661", "not an amount"), ("1 ", "not an amount")):
    refused("no amount: %r" % amount, why, cora, *OFFER, "--amount", amount, code=2)
refused("no currency", "not a currency", cora, *OFFER, "--amount", "5", "--currency", "XXX", code=2)
refused("digits behind the point that the currency lacks", "not an amount", cora, *OFFER, "--amount", "5.5", "--currency", "JPY", code=2)
refused("no terms", "--terms", cora, "reward", "offer", "x", "--amount", "5", code=2)
refused("no such terms", "/none", cora, "reward", "offer", "x", "--amount", "5", "--terms", "/none")
refused("empty terms", "empty", cora, "reward", "offer", "x", "--amount", "5", "--terms", write(path("empty"), ""))
refused("a name of digits", "index", cora, "reward", "offer", "12", "--amount", "5", "--terms", terms, code=2)
refused("a name that hides text", "name", cora, "reward", "offer", "a\u202eb", "--amount", "5", "--terms", terms, code=2)
refused("a condition that is none", "--conditions", cora, *OFFER, "--amount", "5", "--conditions", "arrest trial", code=2)
refused("an offer that ends before it begins", "ends before", cora, *OFFER, "--amount", "5", "--from", ago(1), "--until", ago(2), code=2)
refused("under an order that is over", "expired", cora, *OFFER, "--amount", "5", "--order", "over")
refused("before its order", "begins before order", cora, *OFFER, "--amount", "5", "--order", "order-1", "--from", ago(30))
refused("by a reviewer", "wants a role", rita, *OFFER, "--amount", "5")
refused("by an auditor", "wants a role", anna, *OFFER, "--amount", "5")
refused("by nobody", "say who you are", None, *OFFER, "--amount", "5")
o = do(cora, *OFFER, "--amount", "250000.00", "--order", "order-1", "--from", ago(10), "--note", "for new information")["index"]
refused("twice", "there already", cora, *OFFER, "--amount", "5")
row = ledger()[0]
equal([row[k] for k in ("offer", "currency", "amount", "pending", "awarded", "paid", "unpaid", "left", "balances", "document")],
      ["the reward", "USD", "250000.00", "0.00", "0.00", "0.00", "0.00", "250000.00", True, "terms.pdf"], "an offer in the ledger")
equal(row["unmet"], ["identification", "arrest", "conviction"], "and what is not on record yet")
equal(case.ebb("blob", "get", row["sha256"]).out, "%PDF-1.4 the terms\n", "its terms are kept")

# ---- claims, by the receipt alone
leads = [submit("lead %d" % i) for i in range(4)]
a, b, c, d = leads
for lead in (a, b, d):
    result = case.ebb("lead", "return", "--receipt", path("receipt-%d" % lead), "--claim", "the reward")
    ok(result.code == 0, "a claim by the receipt alone" + result.err)
claims = case.rows("reward", "claims")
equal([(r["lead"], r["offer"], r["in_time"], r["yes"], r["award"]) for r in claims],
      [(lead, "the reward", True, 0, None) for lead in (a, b, d)], "claims")
equal([(r["check"], r["answer"]) for r in case.rows("reward", "check", str(a))][:2], [("voluntary", "open"), ("lawful", "open")], "the checklist")
checks = [r["check"] for r in case.rows("reward", "check", str(a))]
equal(claims[0]["missing"], checks, "is open")

# ---- the checklist
refused("no such line", "see `ebb reward check", rita, "reward", "check", a, "--check", "nice", "--answer", "yes", "--why", "x", code=2)
refused("no such answer", "--answer", rita, "reward", "check", a, "--check", "voluntary", "--answer", "perhaps", "--why", "x", code=2)
refused("no reason", "--why", rita, "reward", "check", a, "--check", "voluntary", "--answer", "yes", code=2)
refused("of who claims nothing", "has not claimed", rita, "reward", "check", c, "--check", "voluntary", "--answer", "yes", "--why", "x")
refused("by an auditor", "wants a role", anna, "reward", "check", a, "--check", "voluntary", "--answer", "yes", "--why", "x")
refused("new, when nothing was decided to be new", "lead decide", rita, "reward", "check", a, "--check", "new", "--answer", "yes", "--why", "x")


def ready(lead, name):
    """Corroborated, with a new fact."""
    do(rita, "lead", "mark", lead, "--status", "triage")
    do(rita, "lead", "mark", lead, "--status", "corroborated", "--why", "it holds")
    fact = do(rita, "case", "subject", "fact", "John Doe 1", "--type", "name", "--value", name, "--lead", lead)["index"]
    do(rita, "lead", "decide", lead, "--fact", fact, "--verdict", "new", "--why", "nobody knew")


def answer_all(lead, but=None):
    for check in checks:
        if check != but:
            do(rita, "reward", "check", lead, "--check", check, "--answer", "yes", "--why", "looked at")


doe = do(rita, "case", "subject", "add", "John Doe 1", "--kind", "person")["index"]
refused("an award to who was not corroborated", "corroborated", cora, "reward", "award", a, "--amount", "5", "--why", "x")
ready(a, "Name A")
ready(b, "Name B")
answer_all(a, but="terms")
row = case.rows("reward", "claims")[0]
equal((row["yes"], row["missing"], row["new_facts"], row["status"]), (len(checks) - 1, ["terms"], 1, "corroborated"), "answered but for one line")

# ---- awards
for amount, why in (("250000.01", "what is left"), ("9999999999999999999999", "too large"), ("0", "nothing"), ("-1", "not an amount"), ("1.001", "not an amount")):
    refused("no award of %s" % amount, why, cora, "reward", "award", a, "--amount", amount, "--why", "x")
for percent in ("100.1", "0", "-5", "1/3", "0.0000001"):
    refused("no award of %s%%" % percent, "percentage", cora, "reward", "award", a, "--percent", percent, "--why", "x")
refused("both", "not both", cora, "reward", "award", a, "--percent", "5", "--amount", "5", "--why", "x")
refused("neither", "--amount or --percent", cora, "reward", "award", a, "--why", "x", code=2)
refused("no reason", "--why", cora, "reward", "award", a, "--amount", "5", code=2)
refused("by a reviewer", "wants a role", rita, "reward", "award", a, "--amount", "5", "--why", "x")
refused("to who claimed nothing", "corroborated", cora, "reward", "award", c, "--amount", "5", "--why", "x")
refused("to no lead", "no such lead", cora, "reward", "award", 1, "--amount", "5", "--why", "x")
first = do(cora, "reward", "award", a, "--percent", "66.666666", "--why", "it led to the arrest")
equal((first["amount"], first["state"], first["left"]), ("166666.66", "pending", "83333.34"), "a percentage is rounded down, the rest stays")
equal(money(), ["166666.66", "0.00", "0.00", "0.00", "83333.34"], "a pending award holds its share")
refused("a second one to the same lead", "already", cora, "reward", "award", a, "--amount", "5", "--why", "x")
refused("shares that exceed the offer, pending ones counted", "what is left of the offer, which is 83333.34 USD", carl,
        "reward", "award", b, "--percent", "33.4", "--why", "x")
rita.ebb(case, "lead", "conflict", str(b), "--of", "cora", "--why", "a friend")
refused("by who has a conflict of interest", "conflict of interest", cora, "reward", "award", b, "--amount", "5", "--why", "x")
second = do(carl, "reward", "award", b, "--amount", "83333.34", "--why", "it named him")
equal(money(), ["250000.00", "0.00", "0.00", "0.00", "0.00"], "all of it is awarded")
refused("one's own award", "own act", cora, "approve", first["index"], "--why", "x")
refused("by a reviewer", "the role", rita, "approve", first["index"], "--why", "x")
refused("by who has a conflict", "conflict of interest", cora, "approve", second["index"], "--why", "x")
equal(do(carl, "approve", first["index"], "--why", "agreed")["state"], "approved", "another person approves")
equal(do(dora, "approve", second["index"], "--refuse", "--why", "too much")["state"], "refused", "or refuses")
refused("once", "settled", carl, "approve", second["index"], "--why", "x")
equal(money(), ["0.00", "166666.66", "0.00", "166666.66", "83333.34"], "what was refused is left again")
second = do(carl, "reward", "award", b, "--amount", "50000", "--why", "it named him")
do(dora, "approve", second["index"], "--why", "agreed")
equal(money(), ["0.00", "216666.66", "0.00", "216666.66", "33333.34"], "two shares")

# ---- milestones
MILESTONE = ("reward", "milestone", "the reward", "--subject", "John Doe 1", "--document", verdict)
PAY = ("reward", "pay", first["index"], "--method", "wire")
refused("a payout before anything", "no identification is on record", carl, *PAY)
refused("an arrest before the identification", "identification comes first", cora, *MILESTONE, "--what", "arrest", "--when", ago(4))
refused("a milestone before the offer", "before the offer", cora, *MILESTONE, "--what", "identification", "--when", ago(15))
refused("in the future", "future", cora, *MILESTONE, "--what", "identification", "--when", "2099-01-01", code=2)
refused("without document", "--document", cora, "reward", "milestone", "the reward", "--what", "arrest", code=2)
refused("of nobody", "no such subject", cora, "reward", "milestone", "the reward", "--what", "identification", "--subject", "Doe 9", "--document", verdict)
refused("of no offer", "no such offer", cora, "reward", "milestone", "another", "--what", "identification", "--document", verdict)
refused("of no kind", "--what", cora, *MILESTONE, "--what", "trial", code=2)
refused("by a reviewer", "wants a role", rita, *MILESTONE, "--what", "identification")
do(cora, *MILESTONE, "--what", "identification", "--when", ago(6))
refused("an arrest before it", "before the identification", cora, *MILESTONE, "--what", "arrest", "--when", ago(7))
do(cora, *MILESTONE, "--what", "arrest", "--when", ago(4))
refused("twice", "on record already", cora, *MILESTONE, "--what", "arrest", "--when", ago(3))
refused("a payout before the conviction", "no conviction is on record", carl, *PAY)
conviction = do(cora, *MILESTONE, "--what", "conviction", "--when", ago(1))["index"]
equal(ledger()[0]["unmet"], [], "all is on record")
refused("a payout before the checklist is complete", "checklist", carl, *PAY)
do(rita, "reward", "check", a, "--check", "terms", "--answer", "no", "--why", "not yet")
refused("or when a line of it says no", "checklist", carl, *PAY)
do(rita, "reward", "check", a, "--check", "terms", "--answer", "yes", "--why", "signed")

# ---- payouts
refused("by counsel", "wants a role", cora, *PAY)
refused("without saying how", "--method", carl, "reward", "pay", first["index"], code=2)
refused("more than the award", "more than what is left of the award", carl, *PAY, "--amount", "166666.67")
refused("of no award", "no such award", carl, "reward", "pay", 1, "--method", "wire")
refused("in the future", "future", carl, *PAY, "--when", "2099-01-01", code=2)
refused("a refused award", "checklist", carl, "reward", "pay", second["index"], "--method", "wire")
row = do(carl, *PAY, "--amount", "100000.66", "--reference", "TX-1", "--document", verdict)
equal((row["state"], row["left"]), ("paid in part", "66666.00"), "a part is paid")
refused("a paid award is not taken back", "paid", carl, "reward", "withdraw", first["index"], "--why", "x")
refused("not more than what is left of it", "more than", carl, *PAY, "--amount", "66666.01")
row = do(dora, *PAY)
equal((row["state"], row["amount"], row["left"]), ("paid", "66666.00", "0.00"), "the rest is paid")
refused("nothing more", "more than", carl, *PAY)
equal(money(), ["0.00", "216666.66", "166666.66", "50000.00", "33333.34"], "the ledger has it")
refused("a withdrawal wants a reason", "--why", carl, "reward", "withdraw", second["index"], code=2)
refused("not by a reviewer", "wants a role", rita, "reward", "withdraw", second["index"], "--why", "x")
do(carl, "reward", "withdraw", conviction, "--why", "overturned on appeal")
answer_all(b)
refused("what was overturned is no condition any more", "no conviction", carl, "reward", "pay", second["index"], "--method", "wire")
do(carl, "reward", "withdraw", second["index"], "--why", "the informant was charged")
refused("once", "taken back", carl, "reward", "withdraw", second["index"], "--why", "x")
refused("nor paid then", "taken back", carl, "reward", "pay", second["index"], "--method", "wire")
equal(money(), ["0.00", "166666.66", "166666.66", "0.00", "83333.34"], "what was taken back is left again")
refused("an offer with awards is not taken back", "has awards", carl, "reward", "withdraw", o, "--why", "x")

# ---- the informant is told, by the receipt alone
result = rita.ebb(case, "lead", "answer", str(a), "--payment", "--text", write(path("how"), "come to the notary"))
ok(result.code == 0, "payment instructions: " + result.err)
row = [r for r in case.rows("reward", "claims") if r["lead"] == a][0]
equal((row["informed"], row["state"], row["paid"], row["amount"]), (True, "approved", "166666.66", "166666.66"), "where the claim stands")
ok("notary" in case.ebb("lead", "return", "--receipt", path("receipt-%d" % a), "--json").out, "and the informant reads how")

# ---- no award to who took the lead back
case.ebb("lead", "return", "--receipt", path("receipt-%d" % d), "--withdraw")
refused("an award to a lead that was taken back", "withdrawn", carl, "reward", "award", d, "--amount", "5", "--why", "x")
do(carl, "lead", "delete", b, "--why", "asked for")
refused("or is to be deleted", "deleted", carl, "reward", "award", b, "--amount", "5", "--why", "x")

# ---- the ledger
lines = ledger("--lines")
equal([(r["from"], r["to"]) for r in lines][:4], [("fund", "left"), ("left", "pending"), ("left", "pending"), ("pending", "awarded")], "postings")


def cents(text):
    whole, part = text.split(".")
    return int(whole) * 100 + int(part)


ok(all(sum(cents(r[k]) for k in ("left", "pending", "awarded", "paid")) == 25000000 for r in lines), "the sum is the offer after each")
equal(case.ebb("reward", "ledger", "--offer", "none").code, 1, "no such offer")
second_offer = do(carl, "reward", "offer", "another", "--amount", "1000", "--currency", "JPY", "--terms", terms, "--conditions", "arrest")["index"]
equal((ledger("--offer", "another")[0]["amount"], ledger("--offer", "another")[0]["unmet"]), ("1000", ["arrest"]), "another currency")
refused("which offer is not said", "more than one", carl, "reward", "award", a, "--amount", "5", "--why", "x")
do(carl, "reward", "withdraw", second_offer, "--why", "a mistake")
refused("an offer that was taken back", "taken back", carl, "reward", "award", a, "--offer", "another", "--amount", "5", "--why", "x")


# ---- acts that were put on the log by no command
def cbor(value):
    """The deterministic CBOR of acts: maps of texts, numbers and bytes."""
    def head(major, n):
        for size_, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << 8 * size_:
                return bytes([major << 5 | code]) + n.to_bytes(size_, "big")
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: (len(k), k))
        return head(5, len(value)) + b"".join(cbor(k) + cbor(value[k]) for k in keys)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(0, value) if isinstance(value, int) else head(2, len(value)) + value


def put(kind, **act):
    act.update(account="cora", sig=bytes(64))
    result = subprocess.run([os.environ["EBB_PUT_ACT"], case.path], input="%d %s\n" % (kind, cbor(act).hex()),
                            stdout=subprocess.PIPE, text=True)
    return int(result.stdout) if result.returncode == 0 else None


if os.environ.get("EBB_PUT_ACT"):
    forged = put(115, offer=o, lead=a, amount=9000000, why="all of it")
    paid = put(116, award=forged, amount=9000000, method="wire")
    put(115, offer=o, lead=a, amount=(1 << 64) - 1, why="more than all")
    result = case.ebb("reward", "ledger", "--json")
    equal((result.code, [r["left"] for r in result.rows() if r["offer"] == "the reward"]), (0, ["83333.34"]),
          "awards beyond the offer do not count")
    ok("3 awards or payouts on the log do not count" in result.err, "which is said")
    lines = [r for r in ledger("--lines") if r["why"]]
    equal([(r["index"], r["why"].split(":")[0]) for r in lines][:2],
          [(forged, "more than what is left of the offer"), (paid, "the award is void")], "line by line, with why")


# ---- the log alone gives the same, and what is changed is found
def database():
    return sqlite3.connect(os.path.join(case.path, "views", "pursuit"))


def dump():
    with database() as db:
        return [line for line in db.iterdump() if "fact_words" not in line]


ledger()
before = dump()
equal(case.ebb("rebuild", "pursuit").code, 0, "rebuild")
ledger()
equal(dump(), before, "a rebuild gives the same database")
case.verifies("the log holds")
with database() as db:
    db.execute("UPDATE reward_ledger SET amount=amount+1 WHERE credit=4")
result = case.ebb("reward", "ledger")
ok(result.code == 1 and "does not balance" in result.err and result.err.count("\n") == 1, "a ledger that was changed does not balance")
case.ebb("rebuild", "pursuit")
equal(case.ebb("reward", "ledger").code, 0, "and does again")
for args in (("reward", "ledger"), ("reward", "ledger", "--lines"), ("reward", "claims"), ("reward", "check", str(a))):
    text, csv = case.ebb(*args, *(("--offer", "the reward") if "check" in args else ())), case.ebb(*args, "--csv")
    ok(text.code == 0 and text.out and csv.out, "as text and CSV: " + " ".join(args))
done()
