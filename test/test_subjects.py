"""Subjects: facts with sources, links, merges that are taken back; what was known at a tree size, committed to and
proved; exports; the same database from the log alone."""
import csv
import hashlib
import io
import json
import os
import re
import sqlite3
import subprocess
import uuid

from case_uco import wrong_in
from ebbtest import SHARED, Case, Result, done, equal, folder, ok, run, skip, write
from people import people
from sinkhole import Sinkhole

STIX = os.path.join(SHARED, "schemas", "stix-2.1", "schemas")
SCO_SPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")

# A line of JSON may have U+2028 in it, which str.splitlines() takes for an end.
Result.rows = lambda self: [json.loads(line) for line in self.out.split("\n") if line]

case = Case()
who = people(case, carla="custodian", otto="operator", audrey="auditor")
otto, audrey = who["otto"], who["audrey"]
papers = folder()
paper = write(os.path.join(papers, "bill.txt"), "a hosting bill\n")


def size(where=case):
    return where.rows("status")[0]["log_size"]


def act(*args):
    """A command that records something: its row."""
    return otto.rows(case, "case", *args)[0]


def refused(name, words, *args, code=1, by=None):
    """Fails in one line with these words, and nothing is on the log."""
    before = size()
    result = (by or otto).ebb(case, "case", *args)
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and not result.out and
              size() == before, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def column(rows, *keys):
    return [tuple(r[k] for k in keys) if len(keys) > 1 else r[keys[0]] for r in rows]


# ---- subjects ----

one = act("subject", "add", "John Doe 1", "--kind", "person", "--note", "the operator")["index"]
two = act("subject", "add", "John Doe 2")["index"]
gang = act("subject", "add", "Группа «Восток»", "--kind", "group")["index"]
equal(column(case.rows("case", "subject", "list"), "subject", "kind", "facts", "links", "into", "index", "account"),
      [("John Doe 1", "person", 0, 0, None, one, "otto"), ("John Doe 2", "unknown", 0, 0, None, two, "otto"),
       ("Группа «Восток»", "group", 0, 0, None, gang, "otto")], "subjects are listed as they were recorded")
equal(column(case.rows("case", "subject", "list", "--limit", "1", "--after", str(one)), "index"), [two], "by pages")
refused("a name twice", "there is a subject of that name", "subject", "add", "john DOE 1")
for name, words in (("", "without blanks"), (" a", "without blanks"), ("12", "digits alone"), ("a\nb", "control"),
                    ("a\u202eb", "reorder"), ("a\u200eb", "reorder"), ("a\x07", "control"), ("x" * 201, "more than 200")):
    refused("a name %.12r" % name, words, "subject", "add", name, code=2)
refused("a name that is not UTF-8", "UTF-8", "subject", "add", "a\udcff", code=2)
refused("no name", "one name", "subject", "add", code=2)
refused("a kind that there is not", "--kind", "subject", "add", "X", "--kind", "king", code=2)
refused("an auditor", "may not do this", "subject", "add", "X", by=audrey)
result = case.ebb("case", "subject", "add", "X")
ok(result.code == 1 and "say who you are" in result.err, "nobody")

# ---- facts ----


def fact(of, kind, value, *more):
    return act("subject", "fact", of, "--type", kind, "--value", value, *more)


before_facts = size()
handle = fact("John Doe 1", "handle", "@Cosma2k", "--entries", "1 2-3", "--confidence", "80", "--observed", "2011-03-16",
              "--note", "forum")["index"]
same = fact("John Doe 2", "handle", "cosma2K", "--document", paper)
equal((same["same"], same["sha256"]), (str(handle), hashlib.sha256(b"a hosting bill\n").hexdigest()),
      "who records what is known is told; the document's hash")
result = case.ebb("blob", "get", same["sha256"])
equal(result.out, "a hosting bill\n", "the document is kept")
name = fact("John Doe 1", "name", "Иван Example", "--entries", "2,3", "--document", paper)["index"]
mail = fact("John Doe 2", "mail", "Boss@Example.ORG", "--entries", "2")["index"]
domain = fact("John Doe 1", "domain", "Bücher.example", "--entries", "2")["index"]
for kind, value in (("address", "192.0.2.1"), ("address", "2001:DB8::/32"), ("address", "1 Example Street"),
                    ("phone", "+49 (30) 1234"), ("payment", "de02 1203 0000 0000 2020 51"),
                    ("messenger", "icq:123"), ("other", 'says "hi"')):
    fact("John Doe 1", kind, value, "--entries", "2")
FACT = ("subject", "fact", "John Doe 1", "--type", "handle", "--value", "x")
refused("a fact without a source", "wants a source", *FACT)
refused("an entry that is not there", "no entry", *FACT, "--entries", "2 100000")
refused("entries that are none", "--entries", *FACT, "--entries", "two", code=1)
refused("entries backwards", "--entries", *FACT, "--entries", "3-2", code=1)
refused("entries beyond all numbers", "--entries", *FACT, "--entries", "99999999999999999999999", code=1)
refused("entries of blanks", "names none", *FACT, "--entries", " , ", code=1)
refused("a document that is not there", "No such file", *FACT, "--document", "/none")
refused("an empty document", "empty", *FACT, "--document", write(os.path.join(papers, "empty"), ""))
refused("a document whose name would break a line", "control", *FACT, "--document", "a\nb", code=2)
refused("a lead that is not there", "no such lead", *FACT, "--lead", "2")
refused("an order is no lead", "no such lead", *FACT, "--lead", "0")
refused("a subject that is not there", "no such subject", "subject", "fact", "Nobody", *FACT[3:], "--entries", "2")
refused("a type that there is not", "--type", "subject", "fact", "John Doe 1", "--type", "shoe", "--value", "x",
        "--entries", "2", code=2)
refused("no value", "--value", "subject", "fact", "John Doe 1", "--type", "handle", "--entries", "2", code=2)
refused("a value that hides something", "hide or reorder", "subject", "fact", "John Doe 1", "--type", "handle",
        "--value", "a\u202eb", "--entries", "2", code=2)
refused("a value that is too long", "more than", "subject", "fact", "John Doe 1", "--type", "handle", "--value",
        "x" * 5000, "--entries", "2", code=2)
for confidence in ("0", "101", "-1", "99999999999999999999", "x"):
    refused("confidence " + confidence, "--confidence", *FACT, "--entries", "2", "--confidence", confidence, code=2)
refused("a day that is none", "--observed", *FACT, "--entries", "2", "--observed", "yesterday", code=2)

# ---- searching ----


def found(*args):
    return column(case.rows("case", "subject", "search", *args), "index")


equal(found("osma2"), [handle, same["index"]], "a part of a value, letters folded")
equal(found("ЕКСАМ"), [], "what is not there")
equal(found("иВАН"), [name], "beyond ASCII, too")
equal(found("xn--bcher"), [domain], "a domain by its A-label")
equal(found("bücher"), [domain], "or as it was found")
equal(found("+4930"), [i for i in found("4930")], "a phone number without its blanks")
equal(len(found("4930")), 1, "is found")
equal(found("co"), [handle, same["index"]], "two letters: those that begin so")
equal(found("os"), [], "not those that have them within")
equal(found("osma", "--type", "mail"), [], "by type")
equal(found("boss@", "--type", "mail"), [mail], "found")
equal(found("osma", "--limit", "1"), [handle], "the first one")
for text in ('"', '" OR "', "a*b", "NEAR(", "%%%", "___", "'; DROP TABLE facts; --"):
    equal(case.ebb("case", "subject", "search", text).code, 0, "searching for %r" % text)
equal(found('s "hi'), [int(case.rows("case", "subject", "search", "says")[0]["index"])], "quotes are found")
equal(case.ebb("case", "subject", "search", "").code, 2, "nothing is searched for")

# ---- links ----

act("order", "add", "--id", "o-1", "--from", "2011-01-01")
case_asset = act("asset", "add", "evil.example", "203.0.113.7:8080", "--order", "o-1", "--family", "rustock")
names = write(os.path.join(papers, "names.csv"), "name,from,until\na.listed.example,2011-03-01,2031-03-09\n")
listed = act("asset", "import", names, "--order", "o-1", "--family", "dga")["index"]
link = act("subject", "link", "John Doe 2", "--asset", "evil.example", "--relation", "owns", "--entries", "2")
of_list = act("subject", "link", "John Doe 2", "--asset", "a.listed.example", "--relation", "rents", "--entries", "2")
by_entry = act("subject", "link", "John Doe 1", "--asset", str(link["asset"]), "--relation", "uses", "--entries", "2")
other = act("subject", "link", "John Doe 1", "--to", "Группа «Восток»", "--relation", "works-with", "--document", paper,
            "--confidence", "90")
equal((of_list["asset"], by_entry["asset"], other["other"], link["campaign"]), (listed, link["asset"], gang, None),
      "assets by name and entry, names of lists, subjects")
LINK = ("subject", "link", "John Doe 1", "--entries", "2", "--relation", "owns")
refused("a link to nothing", "one of --to", *LINK, code=2)
refused("a link to two things", "one of --to", *LINK, "--to", "John Doe 2", "--asset", "evil.example", code=2)
refused("an asset that is not there", "no such asset", *LINK, "--asset", "good.example")
refused("an entry that is no asset", "no such asset", *LINK, "--asset", "1")
refused("an asset that cannot be", "--asset", *LINK, "--asset", "not an asset")
refused("a subject that is not there", "no such subject", *LINK, "--to", "Nobody")
refused("a link to itself", "itself", *LINK, "--to", "John Doe 1")
refused("a campaign that is not there", "no such campaign", *LINK, "--campaign", "7")
refused("a campaign that cannot be", "--campaign", *LINK, "--campaign", "x")
refused("no relation", "--relation", "subject", "link", "John Doe 1", "--entries", "2", "--to", "John Doe 2", code=2)
refused("a relation of odd letters", "--relation", *LINK[:-1], "Owns it", "--to", "John Doe 2", code=2)
refused("a link without a source", "wants a source", "subject", "link", "John Doe 1", "--relation", "owns", "--to",
        "John Doe 2")

# ---- merge, split, withdraw ----


def values(of, *more):
    return column([r for r in case.rows("case", "subject", "show", of, *more) if r["what"] == "fact"], "index")


alone = values("John Doe 1")
before_merge = size()
merged = act("subject", "merge", "John Doe 1", "John Doe 2", "--why", "the same handle")["index"]
equal(values("John Doe 1"), sorted(alone + [same["index"], mail]), "a merge: one has the other's facts")
equal(values("John Doe 2"), values(str(one)), "who asks for the other gets the one")
equal(values("John Doe 1", "--at", str(before_merge)), alone, "as it was before")
equal(column(case.rows("case", "subject", "list"), "subject", "into"),
      [("John Doe 1", None), ("John Doe 2", one), ("Группа «Восток»", None)], "the list says so")
refused("into itself", "itself", "subject", "merge", "John Doe 1", "John Doe 1", "--why", "x")
refused("twice", "already", "subject", "merge", "Группа «Восток»", "John Doe 2", "--why", "x")
refused("in a circle", "circle", "subject", "merge", "John Doe 2", "John Doe 1", "--why", "x")
refused("without a reason", "--why", "subject", "merge", "John Doe 1", "Группа «Восток»", code=2)
refused("a split of what is not merged", "is not merged", "subject", "split", "John Doe 2", "John Doe 1", "--why", "x")
refused("two subjects are wanted", "two subjects", "subject", "merge", "John Doe 1", "--why", "x", code=2)
chain = act("subject", "merge", "Группа «Восток»", "John Doe 1", "--why", "leads it")["index"]
equal(values("John Doe 2"), values("Группа «Восток»"), "merges in a chain")
act("subject", "split", "Группа «Восток»", "John Doe 1", "--why", "no")
equal((values("Группа «Восток»"), values("John Doe 1")), ([], sorted(alone + [same["index"], mail])),
      "a split takes back one merge, and not the other")
before_withdrawal = size()
gone = act("subject", "withdraw", str(mail), "--why", "another person's")["index"]
ok(mail not in values("John Doe 1") and mail in values("John Doe 1", "--at", str(before_withdrawal)),
   "what was withdrawn is known no more, and was before")
rows = case.rows("case", "subject", "show", "John Doe 1", "--all")
equal([(r["what"], r["note"]) for r in rows if r["index"] in (mail, gone)],
      [("withdrawn fact", None), ("withdrawn", "another person's")], "--all shows it, and why")
refused("withdrawn twice", "already", "subject", "withdraw", str(mail), "--why", "x")
refused("what is no fact", "no fact", "subject", "withdraw", str(one), "--why", "x")
refused("what is not there", "no fact", "subject", "withdraw", "99999999", "--why", "x")
refused("what is no number", "wants the entry", "subject", "withdraw", "x", "--why", "x", code=2)
lines = case.rows("case", "subject", "timeline", "John Doe 1")
equal(lines[0]["index"], handle, "the timeline begins with what was so first")
ok(column(lines, "time") == sorted(column(lines, "time")), "and goes by time")
equal([r["what"] for r in lines if r["index"] in (merged, chain, gone)], ["merge", "merge", "withdrawn"],
      "merges and withdrawals are in it")
for shape in ("--csv", ""):
    for words in (("show", "John Doe 1"), ("timeline", "1"), ("list",), ("search", "cosma")):
        words = [str(one) if w == "1" else w for w in words]
        result = case.ebb("case", "subject", *words, *([shape] if shape else []))
        ok(result.code == 0 and "cosma" in result.out.lower() or words == ["list"], "%s %s" % (words[0], shape))
reader = csv.DictReader(io.StringIO(case.ebb("case", "subject", "show", "John Doe 1", "--csv").out))
equal([int(r["index"]) for r in reader if r["what"] == "fact"], values("John Doe 1"), "CSV has the same")

# ---- what was known ----


def known(at=None):
    return column(case.rows("case", "facts", *(["--at", str(at)] if at is not None else [])), "index")


equal(known(before_facts), [], "before the first fact nothing is known")
equal(known(handle), [], "a fact is not known in a tree that ends before it")
equal(known(handle + 1), [handle], "and known in the next one")
ok(mail in known(before_withdrawal) and mail not in known(), "withdrawals count from their entry on")
subject_of = {r["index"]: r["subject"] for r in case.rows("case", "facts", "--at", str(before_merge))}
equal(subject_of[same["index"]], "John Doe 2", "as it was held to be before the merge")
equal({r["index"]: r["subject"] for r in case.rows("case", "facts")}[same["index"]], "John Doe 1", "and after")
equal({r["index"]: r["subject"] for r in case.rows("case", "facts", "--at", str(chain + 1))}[same["index"]],
      "Группа «Восток»", "and while it was in another one, by way of the first")
refused("a tree size beyond the log", "entries", "facts", "--at", "999999", code=2)
refused("two things at once", "one of", "facts", "--commit", "--root", code=2)

# The commitment, computed again from the log's own tiles: leaves as published, hashes as RFC 9162 says.


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves):
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\0", leaves[0])
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root_of(leaves[:k]), root_of(leaves[k:]))


def path_root(leaf_hash, index, n, path):
    """RFC 9162, 2.1.3.2."""
    at, last, node = index, n - 1, leaf_hash
    for p in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            node = sha(b"\1", p, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha(b"\1", node, p)
        at, last = at >> 1, last >> 1
    return node if last == 0 else None


def log_leaves():
    """Every leaf of the log, from the published entry bundles (C2SP tlog-tiles: 16-bit lengths)."""
    leaves, base = {}, os.path.join(case.path, "log", "tile", "entries")
    best = {}
    for folder_, _, files in os.walk(base):
        for f in files:
            path = os.path.relpath(os.path.join(folder_, f), base)
            m = re.match(r"((?:x\d{3}/)*\d{3})(?:\.p/(\d+))?$", path)
            number = int(m.group(1).replace("x", "").replace("/", ""))
            width = int(m.group(2) or 256)
            if width > best.get(number, (0,))[0]:
                best[number] = (width, os.path.join(folder_, f))
    for number, (width, path) in best.items():
        data, at = open(path, "rb").read(), 0
        for i in range(width):
            n = int.from_bytes(data[at:at + 2], "big")
            leaves[number * 256 + i] = data[at + 2:at + 2 + n]
            at += 2 + n
    return leaves


def held(at, acts):
    """The entries that held then, from the acts alone."""
    open_merges, entries, withdrawn = {}, [], set()
    for a in acts:
        if a["index"] >= at:
            break
        if a["kind"] in ("subject", "fact", "link"):
            entries.append(a["index"])
        elif a["kind"] == "subject_merged":
            open_merges[a["other"]] = a["index"]
        elif a["kind"] == "subject_split":
            del open_merges[a["other"]]
        elif a["kind"] == "withdrawn":
            withdrawn.add(a["entry"])
    return sorted(set(entries + list(open_merges.values())) - withdrawn)


case.ebb("log", "checkpoint")


def first_wins(pairs):
    """The act's kind, not a member of that name."""
    out = {}
    for k, v in pairs:
        out.setdefault(k, v)
    return out


acts = [json.loads(line, object_pairs_hook=first_wins) for line in case.ebb("log", "acts", "--json").out.splitlines()]
leaves = log_leaves()
sizes = [0, one, one + 1, handle + 1, before_merge, merged + 1, chain + 1, before_withdrawal, size()]
for at in sizes:
    entries = held(at, acts)
    want = root_of([i.to_bytes(8, "big") + leaves[i] for i in entries])
    row = case.rows("case", "facts", "--root", "--at", str(at))[0]
    equal((row["root"], row["facts"], row["size"]), (want.hex(), len(entries), at),
          "the commitment at tree size %d, computed by another program" % at)
made = act("facts", "--at", str(before_withdrawal), "--commit")
equal(case.rows("log", "acts")[-1]["kind"], "knowledge", "a commitment is on the log")
equal(case.rows("case", "facts", "--at", str(before_withdrawal), "--root")[0], made, "and is the same again")
refused("committed to twice", "already", "facts", "--at", str(before_withdrawal), "--commit")
refused("by an auditor", "may not do this", "facts", "--commit", by=audrey)


def check_proof(proof):
    """From what is printed alone: the payload and the blinding open the leaf, the path leads to the root."""
    b = bytes.fromhex
    leaf = b(proof["leaf"])
    return (len(leaf) == 76 and int.from_bytes(leaf[:8], "big") == proof["entry"] and
            leaf[-32:] == sha(b(proof["blinding"]), b(proof["payload"])) and
            b(proof["leaf_hash"]) == sha(b"\0", leaf) and
            path_root(b(proof["leaf_hash"]), proof["leaf_index"], proof["facts"],
                      [b(p) for p in proof["path"]]) == b(proof["root"]))


for entry in held(before_withdrawal, acts):
    proof = json.loads(case.ebb("case", "facts", "--at", str(before_withdrawal), "--prove", str(entry)).out)
    if not (check_proof(proof) and proof["committed"] == made["index"] and proof["root"] == made["root"]):
        ok(False, "the proof of entry %d" % entry)
proof = json.loads(case.ebb("case", "facts", "--at", str(before_withdrawal), "--prove", str(mail)).out)
ok(check_proof(proof) and b"Boss@Example.ORG" in bytes.fromhex(proof["payload"]), "a fact is shown, alone")
text = json.dumps(proof)
ok("cosma" not in text.lower() and b"cosma".hex() not in text.lower(), "and none of the others")
for key in ("leaf", "blinding", "payload", "root", "leaf_hash"):
    flipped = dict(proof, **{key: ("f" if proof[key][0] != "f" else "0") + proof[key][1:]})
    ok(not check_proof(flipped), "a proof with another %s does not hold" % key)
ok(not check_proof(dict(proof, leaf_index=proof["leaf_index"] ^ 1)), "nor at another place")
refused("what was not known then", "nothing that was known", "facts", "--at", str(handle), "--prove", str(handle))
refused("what was withdrawn", "nothing that was known", "facts", "--prove", str(mail))
refused("a proof of no number", "--prove", "facts", "--prove", "x", code=2)
equal(case.rows("case", "facts", "--at", "0", "--root")[0]["root"], hashlib.sha256().hexdigest(), "of nothing")

# ---- exports ----


def stix(*args):
    return json.loads(case.ebb("case", "subject", "export", *args).out)


def jsonld(*args):
    return json.loads(case.ebb("case", "subject", "export", "--format", "case", *args).out)


bundle = stix()
try:
    import jsonschema
    import referencing
    registry = referencing.Registry()
    by_id = {}
    for folder_, _, files in os.walk(STIX):
        for f in files:
            schema = json.load(open(os.path.join(folder_, f)))
            by_id[schema["$id"]] = schema
            registry = registry.with_resource(schema["$id"], referencing.Resource.from_contents(schema))
except ImportError:
    by_id = {}
if by_id:
    def wrong(document, ending):
        schema = next(s for i, s in by_id.items() if i.endswith(ending))
        validator = jsonschema.Draft202012Validator(schema, registry=registry,
                                                    format_checker=jsonschema.FormatChecker())
        return ["%s %s: %s" % (document["type"], list(e.path), e.message[:200]) for e in validator.iter_errors(document)]

    for args in ((), ("--at", str(before_merge), "--tlp", "red"), (str(gang), "--tlp", "white"), ("--tlp", "green")):
        made = stix(*args)
        # the bundle's own schema has forgotten notes (OASIS's repository, stix2.1)
        problems = wrong(dict(made, objects=[o for o in made["objects"] if o["type"] != "note"]), "/bundle.json")
        for o in made["objects"]:
            problems += wrong(o, "/%s.json" % o["type"])
        equal(problems, [], "STIX by its schemas: %s" % " ".join(args))
    ok(wrong(dict(bundle["objects"][2], name=None), "/threat-actor.json"), "they find what is wrong")
else:
    skip("STIX by its schemas", "no jsonschema, or no schemas")
contributing = {"ipv4-addr": ["value"], "ipv6-addr": ["value"], "domain-name": ["value"], "email-addr": ["value"],
                "user-account": ["account_type", "user_id", "account_login"]}
objects = {o["id"]: o for o in bundle["objects"]}
equal(len(objects), len(bundle["objects"]), "an object is in the bundle once")
for o in bundle["objects"]:
    if o["type"] in contributing:
        text = json.dumps({k: o[k] for k in contributing[o["type"]] if k in o}, sort_keys=True, separators=(",", ":"),
                          ensure_ascii=False)
        equal(o["id"], "%s--%s" % (o["type"], uuid.uuid5(SCO_SPACE, text)), "the id of %s" % text)
    elif o["type"] not in ("marking-definition", "bundle"):
        ok(uuid.UUID(o["id"].split("--")[1]).version == 5, "an id of what it names: " + o["type"])
    lost = [v for k, v in o.items() for v in (v if isinstance(v, list) else [v])
            if (k.endswith("_ref") or k.endswith("_refs")) and v not in objects]
    if lost:
        ok(False, "a reference leads nowhere: %s" % lost)
actors = {o["name"]: o for o in bundle["objects"] if o["type"] == "threat-actor"}
equal(sorted(actors), ["John Doe 1", "Группа «Восток»"], "a threat actor a subject; the merged one is none")
equal(actors["John Doe 1"]["aliases"], ["John Doe 2", "@Cosma2k", "cosma2K"], "but an alias")
tied = [(o["relationship_type"], objects[o["target_ref"]]["type"], o["confidence"]) for o in bundle["objects"]
        if o["type"] == "relationship" and o["source_ref"] == actors["John Doe 1"]["id"]]
for want in (("related-to", "user-account", 80), ("attributed-to", "identity", 50), ("owns", "domain-name", 50),
             ("rents", "domain-name", 50), ("works-with", "threat-actor", 90), ("related-to", "ipv6-addr", 50)):
    ok(want in tied, "STIX: %s" % (want,))
ok("boss@example.org" not in json.dumps(bundle).lower() and
   "Boss@example.org" in json.dumps(stix("--at", str(before_withdrawal))), "what was withdrawn is in the earlier one alone")
ok(stix() == bundle, "the same again")
equal(sorted(o["name"] for o in stix("--at", str(before_merge))["objects"] if o["type"] == "threat-actor"),
      ["John Doe 1", "John Doe 2", "Группа «Восток»"], "before the merge they were two")
ok(any(h.get("hashes", {}).get("SHA-256") == same["sha256"] for o in bundle["objects"]
       for h in o.get("external_references", [])), "documents by their hashes")

for args in ((), ("--at", str(before_merge)), (str(gang),)):
    graph = jsonld(*args)
    equal(wrong_in(graph), [], "CASE and UCO: classes, properties, references: %s" % " ".join(args))
graph = jsonld()
records = [n for n in graph["@graph"] if n["@type"] == "case-investigation:ProvenanceRecord"]
equal(len(records), len(known()), "a provenance record a fact and link")
entry_node = next(n for n in graph["@graph"] if n["@type"] == "uco-observable:ContentData" and
                  n["uco-core:externalReference"][0]["uco-core:externalIdentifier"] == str(handle))
equal(entry_node["uco-core:hasFacet"][0]["uco-observable:hash"]["uco-types:hashValue"]["@value"],
      sha(b"\0", leaves[handle]).hex(), "with the hash of its entry's leaf")
broken = json.loads(json.dumps(graph))
broken["@graph"][0]["uco-core:nonsense"] = "x"
del broken["@graph"][1]["@id"]
ok(len(wrong_in(broken)) >= 2, "the check finds what is wrong")
out = os.path.join(papers, "out.json")
ok(case.ebb("case", "subject", "export", "--output", out).code == 0 and json.load(open(out)) == bundle, "to a file")
refused("a format that there is not", "--format", "subject", "export", "--format", "x", code=2)
refused("a marking that there is not", "--tlp", "subject", "export", "--tlp", "x", code=2)
refused("a subject that was not there then", "not on the log", "subject", "export", "John Doe 1", "--at", "1")
refused("a subject that is not there at all", "no such subject", "subject", "export", "Nobody")

# ---- a campaign, by way of the daemon ----

hole = Sinkhole(listen={"dns": ("dns", "")})
person = people(hole, carla="custodian", otto="operator")["otto"]
letters = "".join("From a@b.example Mon Mar 14 00:00:0%d 2011\nFrom: a@b.example\nTo: c@d.example\nSubject: Cheap pills\n"
                  "Message-ID: <%d@x.example>\n\nBuy cheap pills now at http://pills.example/ today, the best offer in "
                  "town for you and all your friends.\n\n" % (i, i) for i in range(5))
hole.rows("import", write(os.path.join(papers, "spam.mbox"), letters))
campaign = hole.rows("campaigns")[0]["campaign"]
hole.start()
person.rows(hole, "case", "subject", "add", "John Doe 1")
row = person.rows(hole, "case", "subject", "link", "John Doe 1", "--campaign", str(campaign), "--relation", "sent",
                  "--document", paper)[0]
equal(row["campaign"], campaign, "a campaign is linked, by the daemon")
made = person.rows(hole, "case", "facts", "--commit")[0]
equal(hole.rows("case", "facts", "--root", "--at", str(made["size"]))[0], made, "and a commitment made")
hole.stop()
ok(any(o["type"] == "campaign" for o in json.loads(hole.ebb("case", "subject", "export").out)["objects"]),
   "STIX: the campaign")
equal(wrong_in(json.loads(hole.ebb("case", "subject", "export", "--format", "case").out)), [], "CASE: the campaign")

# ---- a hostile log, and a rebuild ----


def dump(where):
    db = sqlite3.connect(os.path.join(where.path, "views", "pursuit"))
    lines = list(db.iterdump())
    db.close()
    return [line for line in lines if 'INSERT INTO "about"' not in line]


def cbor(value):
    """What of CBOR acts use; keys in order."""
    def head(kind, n):
        for size_, code in ((24, None), (1 << 8, 24), (1 << 16, 25), (1 << 32, 26), (1 << 64, 27)):
            if n < size_:
                return bytes([kind << 5 | n]) if code is None else \
                    bytes([kind << 5 | code]) + n.to_bytes(1 << code - 24, "big")
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    keys = sorted(value, key=lambda k: (len(k), k))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(value[k]) for k in keys)


if "EBB_PUT_ACT" in os.environ:
    acts = [(89, {"name": "evil\u202egro.exe", "kind": "person"}), (89, {"name": "a\x1b[31mred\nb"}),
            (89, {"name": "John Doe 1"}), (89, {"name": b"\xff\xfe"}), (89, {"name": "x" * 100000}),
            (92, {"subject": one, "type": "handle", "value": "a\x1b]0;owned\x07", "entries": "1"}),
            (92, {"subject": one, "type": "domain", "value": "\u202egro.elpmaxe", "entries": "\u2028"}),
            (92, {"subject": 1 << 63, "type": "handle", "value": "x", "entries": "1"}),
            (92, {"subject": one, "type": "handle", "value": "x", "lead": (1 << 64) - 1}),
            (92, {"subject": one, "type": "handle", "value": "no source"}),
            (93, {"subject": one, "other": one, "entries": "1"}), (93, {"subject": one, "entries": "1"}),
            (93, {"subject": one, "asset": 77777, "relation": "O\u202ewns \x07", "entries": "1"}),
            (93, {"subject": one, "campaign": 5, "relation": "", "entries": "1"}),
            (90, {"into": one, "other": one}), (90, {"into": two, "other": one}), (91, {"into": two, "other": one}),
            (94, {"entry": 1 << 40, "why": "later"}), (94, {"entry": handle + 1, "why": "\x1b[2J"}),
            (95, {"root": bytes(32), "size": 1 << 60, "facts": 1}), (95, {"size": 1}),
            (95, {"root": bytes(32), "size": 5, "facts": 2}), (92, {})]
    text = "".join("%d %s\n" % (kind, cbor(a).hex()) for kind, a in acts)
    text += "".join("%d %s\n" % (kind, junk) for kind in range(89, 96) for junk in ("", "ff", "a1", "80", "a16161"))
    put = subprocess.run([os.environ["EBB_PUT_ACT"], case.path], text=True, capture_output=True, timeout=60, input=text)
    ok(put.returncode == 0, "hostile acts are on the log")
    for words in (("list",), ("show", "John Doe 1"), ("timeline", "John Doe 1"), ("search", "owned"), ("search", "gro")):
        result = case.ebb("case", "subject", *words)
        ok(result.code == 0 and not re.search("[\x00-\x09\x0b-\x1f\u202e\u2028]", result.out),
           "%s shows nothing that moves the cursor or turns text around" % words[0])
    equal(case.ebb("case", "facts").code, 0, "facts are listed")
    equal(wrong_in(jsonld()), [], "CASE of a hostile log")
    made = stix()
    if by_id:
        equal([p for o in made["objects"] for p in wrong(o, "/%s.json" % o["type"])], [], "STIX of a hostile log")
    result = case.ebb("case", "facts", "--at", "5", "--root")
    ok(result.code == 1 and "another root" in result.err, "a commitment that is wrong is found out")
    equal(column(case.rows("case", "subject", "list"), "subject")[-1], "John Doe 1 (%d)" % (size() - len(acts) - 35 + 2),
          "a name that is there already gets its entry behind it")
    ok(found("no source") == [], "a fact without a source is not taken in")
else:
    skip("hostile acts", "EBB_PUT_ACT is not set")
for where in (case, hole):
    where.rows("case", "subject", "list")
    before = dump(where)
    roots = [where.ebb("case", "facts", "--root", "--at", str(at)).out for at in (7, size(where))]
    ok(where.ebb("rebuild", "pursuit").code == 0 and len(before) > 20 and dump(where) == before,
       "rebuilt from the log alone, the database is the same")
    equal([where.ebb("case", "facts", "--root", "--at", str(at)).out for at in (7, size(where))], roots, "and the roots")
    where.verifies("the log holds")

# ---- redacted ----

result = who["carla"].ebb(case, "log", "redact", "--who", "carla", "--why", "order", str(handle))
if ok(result.code == 0, "a fact is redacted"):
    ok(handle not in known() and handle not in values("John Doe 1"), "and nobody knows it any more")
    row = case.ebb("case", "facts", "--at", str(before_withdrawal), "--root")
    ok(row.code == 1 and "redacted" in row.err, "the earlier commitment cannot be made again, and that is said")
    ok(check_proof(proof), "a proof that was given before still holds")
    case.verifies("and so does the log")
else:
    print("# " + result.err)
done()
