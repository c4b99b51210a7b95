"""Accounts: keys under passphrases, rights, signatures; the same with and without the daemon."""
import os
import sqlite3
import subprocess

from ebbtest import EBB, Case, done, equal, folder, ok, run, write
from people import PASSPHRASE, Person, people
from sinkhole import Sinkhole


def size(where):
    return where.rows("status")[0]["log_size"]


def refused(name, words, where, call, code=1):
    """Fails in one line with these words, and nothing is on the log."""
    before = size(where)
    result = call()
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and size(where) == before,
              name):
        print("#   %d %s" % (result.code, result.err.strip()))


# ---- keys ----

rita = Person("rita")
text = open(rita.key).read()
ok(text.startswith("ebb-account-key v1\nname rita\n") and PASSPHRASE not in text, "a key file")
equal(os.stat(rita.key).st_mode & 0o777, 0o600, "is its owner's alone")
result = run(EBB, "account", "key", "rita", "--output", rita.key, env=rita.env)
ok(result.code == 1 and "already" in result.err, "and is never replaced")
short = dict(rita.env, EBB_PASSPHRASE_FILE=write(os.path.join(rita.dir, "short"), "short\n"))
result = run(EBB, "account", "key", "x", "--output", os.path.join(rita.dir, "x"), env=short)
ok(result.code == 1 and "8 bytes" in result.err and not os.path.exists(os.path.join(rita.dir, "x")),
   "a passphrase that is too short is refused")
for name in ("", "a b", "../x", "-x", "a\nb", "\u202ertl"):
    result = run(EBB, "account", "key", "--output", os.path.join(rita.dir, "y"), "--", name, env=rita.env)
    ok(result.code == 2 and not os.path.exists(os.path.join(rita.dir, "y")), "%r is no account's name" % name)

# ---- the first account, and rights ----

case = Case()
refused("the first account is a custodian", "custodian", case,
        lambda: case.ebb("account", "add", rita.public, "--roles", "reviewer"))
refused("a role that there is not", "--roles", case,
        lambda: case.ebb("account", "add", rita.public, "--roles", "king"), code=2)
who = people(case, carla="custodian", otto="operator", conny="counsel", audrey="auditor")
carla, otto, conny, audrey = who.values()
refused("accounts are added by somebody", "say who you are", case,
        lambda: case.ebb("account", "add", rita.public, "--roles", "reviewer"))
refused("and not by an operator", "custodian", case,
        lambda: otto.ebb(case, "account", "add", rita.public, "--roles", "reviewer"))
refused("nor by who is no account", "no such account", case,
        lambda: rita.ebb(case, "account", "add", rita.public, "--roles", "reviewer"))
carla.rows(case, "account", "add", rita.public, "--roles", "reviewer", "--why", "joins")
rows = case.rows("account", "list")
equal([(r["account"], r["roles"], r["state"], r["reads_leads"]) for r in rows],
      [("audrey", "auditor", "open", False), ("carla", "custodian", "open", True), ("conny", "counsel", "open", False),
       ("otto", "operator", "open", False), ("rita", "reviewer", "open", True)], "the list")
refused("an auditor does nothing", "may not do this", case,
        lambda: audrey.ebb(case, "case", "order", "add", "--id", "o"))
refused("who has no key file cannot act", "the key of account", case,
        lambda: case.ebb("--account", "otto", "--key", "/nonexistent", "case", "order", "add", "--id", "o"))
wrong = dict(otto.env, EBB_PASSPHRASE_FILE=write(os.path.join(otto.dir, "wrong"), "not the passphrase\n"))
refused("nor who has forgotten the passphrase", "a wrong passphrase", case,
        lambda: case.ebb("case", "order", "add", "--id", "o", env=wrong))
refused("nor with another's key", "of account rita, not of otto", case,
        lambda: case.ebb("--key", rita.key, "case", "order", "add", "--id", "o", env=otto.env))
otto.rows(case, "case", "order", "add", "--id", "signed")
case.rows("case", "order", "add", "--id", "unsigned")
acts = {a["id"]: a for a in case.ebb("log", "acts", "--kind", "order").rows()}
ok(acts["signed"]["account"] == "otto" and len(acts["signed"]["sig"]) == 128, "an act names its account and is signed")
ok("account" not in acts["unsigned"], "what needs no account has none")

# a key of the same name that somebody else made
fake = Person("otto")
refused("another key of the same name", "signature", case,
        lambda: fake.ebb(case, "case", "order", "add", "--id", "fake"))

# ---- closing ----

carla.rows(case, "account", "close", "otto", "--why", "left")
refused("a closed account does nothing", "closed", case, lambda: otto.ebb(case, "case", "order", "add", "--id", "o"))
refused("and is closed once", "already", case, lambda: carla.ebb(case, "account", "close", "otto", "--why", "x"))
refused("one that never was", "no such account", case, lambda: carla.ebb(case, "account", "close", "x", "--why", "x"))
refused("--why is wanted", "--why", case, lambda: carla.ebb(case, "account", "close", "conny"), code=2)

# ---- another passphrase ----

new = write(os.path.join(rita.dir, "new"), "another passphrase\n")
old = rita.env["EBB_PASSPHRASE_FILE"]
result = run(EBB, "--passphrase-file", new, "account", "passphrase", rita.key, "--old-passphrase-file", old,
             "--cost", "interactive")
ok(result.code == 0 and not result.err, "a key file gets another passphrase")
refused("the old one opens it no more", "a wrong passphrase", case,
        lambda: rita.ebb(case, "case", "subject", "add", "John Doe 1"))
rita.env["EBB_PASSPHRASE_FILE"] = new
ok(rita.ebb(case, "case", "subject", "add", "John Doe 1").code == 0, "the new one does")

# ---- key files that somebody made up ----

good = open(rita.key).read()
for name, text in (("empty", ""), ("cut", good[:-20]), ("memory", good.replace("memory 67108864", "memory 99999999999999")),
                   ("name", good.replace("name rita", "name ../rita")), ("hex", good.replace("salt ", "salt zz")),
                   ("long", good + "x" * 5000)):
    bad = write(os.path.join(rita.dir, "bad"), text)
    refused("a key file that is none: " + name, "key", case,
            lambda: case.ebb("--key", bad, "case", "subject", "add", "X", env=rita.env))

# ---- by way of the daemon ----

hole = Sinkhole(listen={"dns": ("dns", "")})
who = people(hole, carla="custodian", otto="operator")
hole.start()
who["otto"].rows(hole, "case", "order", "add", "--id", "live")
refused("the daemon knows the rights, too", "may not do this", hole,
        lambda: who["otto"].ebb(hole, "account", "add", rita.public, "--roles", "reviewer"))
who["carla"].rows(hole, "account", "add", rita.public, "--roles", "reviewer")
refused("and keys", "signature", hole, lambda: fake.ebb(hole, "case", "order", "add", "--id", "fake"))
ok(rita.ebb(hole, "case", "subject", "add", "John Doe 1").code == 0, "a new account acts at once")
hole.stop()
hole.verifies("the log holds")


# ---- each act, looked at again ----

for where in (case, hole):
    result = where.ebb("account", "check", "--json")
    ok(result.code == 0 and not result.out and "0 wrong" in result.err, "every act was signed by who had the right")
# ---- a rebuild gives the same database ----

def dump(where, view):
    db = sqlite3.connect(os.path.join(where.path, "views", view))
    lines = list(db.iterdump())
    db.close()
    return [line for line in lines if 'INSERT INTO "about"' not in line]


for where in (case, hole):
    where.rows("account", "list")
    before = dump(where, "casebook")
    ok(where.ebb("rebuild", "casebook").code == 0 and any("accounts" in line for line in before) and
       dump(where, "casebook") == before, "rebuilt from the log alone, the casebook is the same")
# ---- acts that came by another way ----

# a subject "John Doe 99" by nobody, and an account by nobody
smuggled = subprocess.run([os.environ["EBB_PUT_ACT"], case.path], text=True, capture_output=True, timeout=60,
                          input="89 a1646e616d656b4a6f686e20446f65203939\n"
                                "88 a3646e616d6563657665647369676e5820" + "00" * 32 +
                                "65726f6c657369637573746f6469616e\n").stdout.split()
result = case.ebb("account", "check", "--json")
equal([(str(r["index"]), r["kind"]) for r in result.rows()], [(smuggled[0], "subject"), (smuggled[1], "account")],
      "acts that came by another way show")
equal(result.code, 1, "and the exit code says so")
done()
