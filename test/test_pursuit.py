"""A whole case, as a team would work it: from an order to a conviction and a split reward. Each step by the command
line, each by the account whose business it is; then the log holds, every act names its account, every line of the
affidavit traces to entries, and a rebuild from the log alone gives the same databases."""
import json
import os
import sqlite3
import sys
import time

from ebbtest import ROOT, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole
from smarthost import Smarthost

FOLDER = folder()


def at(days, form="%Y-%m-%d"):
    return time.strftime(form, time.gmtime(time.time() + days * 86400))


def paper(name, text="%PDF-1.4 a document of the case\n"):
    return write(os.path.join(FOLDER, name), text)


def by(person, *args):
    """The command's rows; a failure is one of the test's."""
    result = person.ebb(case, *args, "--json")
    if not ok(result.code == 0, " ".join(str(a) for a in args[:3])):
        print("# %s" % result.err.strip())
        return []
    return result.rows()


def plain(person, *args):
    result = person.ebb(case, *args)
    if not ok(result.code == 0, " ".join(str(a) for a in args[:3])):
        print("# %s" % result.err.strip())
    return result


def refused(name, words, person, *args):
    before = case.rows("status")[0]["log_size"]
    result = person.ebb(case, *args)
    if not ok(result.code and words in result.err and case.rows("status")[0]["log_size"] == before, name):
        print("# %d %s" % (result.code, result.err.strip()))


def index(rows):
    return rows[0]["index"] if rows else 0


# ---- the team ----

# With "live" the acts go by way of a running `ebb serve`.
LIVE = sys.argv[1:] == ["live"]
host = Smarthost()
case = Sinkhole(listen={"dns": ("dns", "")}) if LIVE else Case()
if not LIVE:
    write(os.path.join(case.path, "ebb.yaml"), "name: whole\n")
with open(os.path.join(case.path, "ebb.yaml"), "a") as f:
    f.write("""
cleanup:
  sending: true
  from: {org: "Example Corp", name: "Digital Crimes", mail: "notice@corp.example", domain: "corp.example", page: "https://corp.example/notice"}
  smarthost: {host: 127.0.0.1, port: %d, tls: none, sender: bounces@corp.example}
  per_minute: 1000000
""" % host.port)
who = people(case, carla="custodian,counsel", cora="custodian,counsel", otto="operator", rita="reviewer", rolf="reviewer",
             audrey="auditor")
carla, cora, otto, rita, rolf, audrey = who.values()

# ---- observations and authority ----

rows = [{"timestamp": "%s 10:00:00" % at(-3), "src_ip": "192.0.2.%d" % n, "src_asn": 64500, "src_geo": "DE",
         "dst_ip": "198.51.100.1", "dst_port": 80, "infection": "rustock", "family": "rustock",
         "http_host": "c2.example"} for n in range(1, 30)]
plain(otto, "import", write(os.path.join(FOLDER, "feed.csv"), feed_text(rows)))
seen = case.events("--limit", "3")
if LIVE:
    case.start()
by(carla, "case", "order", "add", "--id", "order-1", "--court", "District Court", "--docket", "2:11-cv-00222",
   "--jurisdiction", "US", "--document", paper("order.pdf"), "--from", at(-5), "--until", at(400))
by(otto, "case", "asset", "add", "c2.example", "--order", "order-1", "--family", "rustock")

# ---- who is behind it ----

by(otto, "case", "subject", "add", "John Doe 1", "--kind", "person")
by(otto, "case", "subject", "add", "John Doe 2")
known = by(otto, "case", "subject", "fact", "John Doe 1", "--type", "domain", "--value", "c2.example",
           "--entries", seen[0]["index"], "--confidence", "90")
by(otto, "case", "subject", "fact", "John Doe 1", "--type", "payment", "--value", "WMID 000000000000", "--document",
   paper("invoice.txt", "an invoice\n"), "--confidence", "70")
by(otto, "case", "subject", "link", "John Doe 1", "--asset", "c2.example", "--relation", "rents", "--entries",
   seen[0]["index"])
refused("a fact has a source", "source", otto, "case", "subject", "fact", "John Doe 1", "--type", "handle", "--value", "x")
facts_then = by(otto, "case", "facts", "--commit")

# ---- notice ----

WORDS = os.path.join(ROOT, "rules", "notice", "notice.%s.%s")
for language, form in (("en", "txt"), ("ru", "txt"), ("en", "advertisement"), ("ru", "advertisement")):
    name = "seizure" if form == "txt" else "ad"
    more = ["--translation-of", name, "--translator", "Sworn Translators Ltd"] if language == "ru" else []
    by(otto, "notice", "template", "add", WORDS % (language, form), "--name", name if language == "en" else name + "-ru",
       "--language", language, *more)
by(carla, "notice", "hearing", "order-1", "--when", at(60), "--deadline", at(45), "--place", "Seattle")
by(otto, "notice", "party", "add", "Owner of c2.example", "--order", "order-1", "--language", "en")
by(otto, "notice", "party", "add", "Владелец", "--order", "order-1", "--language", "ru")
by(otto, "notice", "contact", "add", "Owner of c2.example", "--channel", "mail", "--address", "owner@c2owner.example",
   "--found", "WHOIS of c2.example")
by(otto, "notice", "contact", "add", "Владелец", "--channel", "mail", "--address", "owner2@c2owner.example",
   "--found", "WHOIS of c2.example")
refused("an auditor gives no notice", "may not do this", audrey, "notice", "send", "--template", "seizure")
sent = plain(otto, "notice", "send", "--template", "seizure")
for _ in range(300):  # the courier of a running daemon takes its time
    if len(host.taken) == 2:
        break
    time.sleep(0.1)
equal(sorted(to for to, _ in host.taken), ["owner2@c2owner.example", "owner@c2owner.example"], "both are written to")
publication = by(otto, "notice", "publish", "Daily Example", "--order", "order-1", "--place", "Moscow", "--template", "ad",
                 "--from", at(-2), "--days", "30", "--output", os.path.join(FOLDER, "ad.pdf"))
ok(os.path.exists(os.path.join(FOLDER, "ad.pdf")) and open(os.path.join(FOLDER, "ad.pdf"), "rb").read(5) == b"%PDF-",
   "the advertisement is a PDF")
by(otto, "notice", "insertion", index(publication), "--planned", at(-2), "--what", "published", "--when", at(-2), "--page", "7",
   "--document", paper("clipping.png", "a picture of a newspaper\n"))

# ---- an informant ----

tip = write(os.path.join(FOLDER, "tip.txt"), "The person behind handle cosma2k lives at 1 Example Street.\n")
photo = write(os.path.join(FOLDER, "photo.jpg"), b"\xff\xd8\xff\xe0 not much of a picture")
given = case.rows("lead", "submit", photo, "--text", tip, "--proof", os.path.join(FOLDER, "proof"))
receipt = write(os.path.join(FOLDER, "receipt"), given[0]["receipt"])
given = case.rows("lead", "submit", "--text", write(os.path.join(FOLDER, "tip2.txt"), "I know where the money went.\n"))
receipt2 = write(os.path.join(FOLDER, "receipt2"), given[0]["receipt"])
leads = [r["lead"] for r in by(rita, "lead", "list")]
equal(len(leads), 2, "two leads wait")
ok("cosma2k" not in case.ebb("lead", "list").out and "cosma2k" not in case.ebb("log", "acts").out, "nothing of it shows")
texts = {lead: plain(rita, "lead", "read", lead).out for lead in leads}
first = [lead for lead in leads if "cosma2k" in texts[lead]][0]
second = [lead for lead in leads if lead != first][0]
refused("an auditor reads no lead", "", audrey, "lead", "read", first)

# ---- review: what was new ----

by(rita, "lead", "mark", first, "--status", "triage", "--why", "plausible")
by(rita, "lead", "assign", first, "--to", "rita", "--why", "speaks the language")
by(rita, "lead", "four-eyes", first, "--why", "a large reward")
new = by(rita, "case", "subject", "fact", "John Doe 1", "--type", "handle", "--value", "cosma2k", "--lead", first)
old = by(rita, "case", "subject", "fact", "John Doe 1", "--type", "domain", "--value", "C2.example", "--lead", first)
novelty = {r["fact"]: r for r in by(rita, "lead", "novelty", first)}
decided = by(rita, "lead", "decide", first, "--fact", index(new), "--verdict", "new", "--why", "nothing of it was on the log")
by(rita, "lead", "decide", first, "--fact", index(old), "--verdict", "known", "--known", index(known), "--why", "from the feed")
marked = by(rita, "lead", "mark", first, "--status", "corroborated", "--why", "the handle is that of the invoice")
refused("nobody approves their own", "own", rita, "approve", index(marked), "--why", "mine")
for act in (decided, marked):
    plain(rolf, "approve", index(act), "--why", "agreed")
money = by(rita, "case", "subject", "fact", "John Doe 2", "--type", "payment", "--value", "an account in Limassol", "--lead", second)
by(rita, "lead", "decide", second, "--fact", index(money), "--verdict", "new", "--why", "nobody had said so")
by(rita, "lead", "mark", second, "--status", "triage", "--why", "plausible")
by(rita, "lead", "mark", second, "--status", "corroborated", "--why", "an account that the bank knows")
plain(rita, "lead", "answer", first, "--text", write(os.path.join(FOLDER, "answer.txt"), "Thank you. Can you say since when?\n"))
back = case.ebb("lead", "return", "--receipt", receipt)
ok(back.code == 0 and "Can you say since when?" in back.out, "the informant reads the answer with the receipt alone")

# ---- identification, arrest, conviction; a split reward ----

by(carla, "reward", "offer", "reward", "--amount", "250000", "--currency", "USD", "--terms", paper("terms.txt", "terms\n"),
   "--order", "order-1")
for receipt_file in (receipt, receipt2):
    claimed = case.ebb("lead", "return", "--receipt", receipt_file, "--claim", "reward")
    ok(claimed.code == 0, "claimed by the receipt: " + claimed.err.strip())
for what in ("identification", "arrest", "conviction"):
    by(carla, "reward", "milestone", "reward", "--what", what, "--subject", "John Doe 1", "--document", paper(what + ".pdf", what))
claims = by(rita, "reward", "claims")
checks = [r["missing"] for r in claims if r["lead"] == first][0]
for lead in (first, second):
    for check in checks:
        by(rita, "reward", "check", lead, "--check", check, "--answer", "yes", "--why", "asked, and looked up")
award = by(carla, "reward", "award", first, "--percent", "80", "--why", "named him")
other = by(carla, "reward", "award", second, "--percent", "20", "--why", "found the money")
refused("the offer is spent", "offer", carla, "reward", "award", first, "--amount", "0.01", "--why", "more")
refused("no payout before another person approves", "approv", carla, "reward", "pay", index(award), "--method", "wire")
for a in (award, other):
    plain(cora, "approve", index(a), "--why", "the terms are met")
by(carla, "reward", "pay", index(award), "--method", "wire", "--reference", "TX-1")
by(carla, "reward", "pay", index(other), "--method", "cash", "--reference", "TX-2")
ledger = case.ebb("reward", "ledger", "--json")
ok(ledger.code == 0, "the ledger balances")

# ---- handing over ----

exhibit = os.path.join(FOLDER, "exhibit")
by(otto, "exhibit", "export", "exhibit-a", "--order", "order-1", "--entries", " ".join(str(e["index"]) for e in seen),
   "--blobs", "--certification", "the custodian of records", "--output", exhibit)
checked = run("sh", "verify.sh", cwd=exhibit)
if not ok(checked.code == 0, "the exhibit verifies with its own script"):
    print("# " + checked.out[-500:] + checked.err[-500:])
affidavit = os.path.join(FOLDER, "affidavit")
plain(otto, "notice", "affidavit", "--order", "order-1", "--declarant", "the operator", "--output", affidavit)
gpg = dict(os.environ, GNUPGHOME=folder())
os.chmod(gpg["GNUPGHOME"], 0o700)
run("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "agency@police.example",
    "default", "default", "1d", env=gpg)
key = write(os.path.join(FOLDER, "agency.asc"), run("gpg", "--armor", "--export", "agency@police.example", env=gpg).out)
referral = os.path.join(FOLDER, "referral")
by(carla, "referral", "export", "referral-1", "--agency", "Example Police", "--limits", "no names of informants", "--subject",
   "John Doe 1", "--summary", write(os.path.join(FOLDER, "summary.txt"), "What happened.\n"), "--exhibit", exhibit,
   "--recipient", key, "--output", referral)
run("gpgconf", "--kill", "all", env=gpg)

# ---- what the log says of all this ----

acts = case.ebb("log", "acts").rows()
byindex = {a["index"]: a for a in acts}
unsigned = {a["kind"] for a in acts if "account" not in a}
ok(not unsigned & {"subject", "fact", "link", "party", "party_contact", "notice", "notice_template", "hearing", "publication",
                   "insertion", "lead_review", "novelty", "approval", "offer", "milestone", "eligibility", "award", "payout",
                   "referral", "exhibit", "knowledge"}, "every act of the pursuit names its account")
ok(all(a["time"].endswith("T00:00:00.000000Z") or a["time"].endswith("T00:00:00Z") for a in acts
       if a["kind"] in ("lead", "lead_message")), "what has to do with an informant has the day alone")
kinds = {a["kind"] for a in acts}
equal(sorted({"account", "order", "asset", "subject", "fact", "link", "knowledge", "party", "notice", "publication", "insertion",
              "hearing", "lead", "lead_message", "lead_review", "novelty", "approval", "offer", "milestone", "eligibility",
              "award", "payout", "referral", "exhibit"} - kinds), [], "each step is on the log")


def entries_of(node):
    """Every index that the affidavit names."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "entries":
                yield from value
            else:
                yield from entries_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from entries_of(value)


with open(os.path.join(affidavit, "affidavit.json")) as f:
    sworn = json.load(f)
named = list(entries_of(sworn))
ok(named and all(n in byindex for n in named), "every line of the affidavit traces to entries (%d)" % len(named))
if LIVE:
    case.stop()
case.verifies("the log holds")
checked = case.ebb("account", "check")
ok(checked.code == 0 and "0 wrong" in checked.err, "every act was signed by who had the right")


def dump(view):
    db = sqlite3.connect(os.path.join(case.path, "views", view))
    lines = list(db.iterdump())
    db.close()
    # How far it was read: entries behind the last act are no reason to write it (the keeper of a daemon does not).
    return [line for line in lines if view == "casebook" or 'INSERT INTO "about"' not in line]


case.ebb("lead", "list")
before = {view: dump(view) for view in ("casebook", "pursuit")}
rebuilt = case.ebb("rebuild", "casebook")
ok(rebuilt.code == 0, "rebuilt from the log alone")
for view in before:
    again = dump(view)
    if not ok(again == before[view] and len(again) > 20, "the %s is the same" % view):
        for a, b in zip(before[view], again):
            if a != b:
                print("# %s\n# %s" % (a[:200], b[:200]))
                break
host.stop()
done()
