"""Exhibits: verified by their own script with nothing but openssl and coreutils at hand, and failing when any byte is
another; redaction; forgeries that keep the manifest right; what is refused leaves nothing behind."""
import base64
import glob
import hashlib
import json
import os
import random
import re
import shutil
import subprocess

from ebbtest import EBB, SHADOWSERVER_COLUMNS, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole

TOOLS = ["sh", "openssl", "sha256sum", "base64", "od", "tr", "cut", "head", "tail", "cat", "sort", "wc", "rm", "mktemp",
         "dirname", "date", "printf", "env"]
FLIPS = int(os.environ.get("EBB_FLIPS", "300"))

box = folder()
for tool in TOOLS:
    os.symlink(shutil.which(tool), os.path.join(box, tool))


def verify(path, script="verify.sh"):
    """In an environment that has these tools and nothing else."""
    return run(os.path.join(box, "sh"), os.path.join(path, script), env={"PATH": box}, timeout=120)


def jail():
    """A root that has these tools, their libraries, and nothing else; None where it cannot be."""
    root = folder()
    for tool in TOOLS:
        path = os.path.realpath(shutil.which(tool))
        libraries = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True).stdout
        for lib in re.findall(r"(/[^ ]+) \(", libraries):
            os.makedirs(root + os.path.dirname(lib), exist_ok=True)
            if not os.path.exists(root + lib):
                shutil.copy(lib, root + lib)
        os.makedirs(root + "/bin", exist_ok=True)
        shutil.copy(path, os.path.join(root, "bin", tool))
    os.makedirs(root + "/tmp")
    for lib in ("lib", "lib64"):
        if os.path.isdir(root + "/usr/" + lib) and not os.path.exists(root + "/" + lib):
            os.symlink("usr/" + lib, root + "/" + lib)
    return root


def copy(path):
    to = os.path.join(folder(), "bundle")
    shutil.copytree(path, to)
    return to


def files(path):
    return sorted(os.path.relpath(os.path.join(d, f), path) for d, _, names in os.walk(path) for f in names)


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def size(case):
    return case.rows("status")[0]["log_size"]


# ---- a case ----

case = Case()
who = people(case, carla="custodian", conny="counsel", audrey="auditor", rene="reviewer")
carla, conny, audrey, rene = who.values()
order_file = write(os.path.join(folder(), "order.pdf"), "%PDF-1.4 IT IS ORDERED\n")
conny.rows(case, "case", "order", "add", "--id", "o1", "--court", "District Court", "--docket", "2:11-cv-222",
           "--document", order_file, "--until", "2035-01-01")
conny.rows(case, "case", "order", "add", "--id", "o2", "--court", "Elsewhere")
conny.rows(case, "case", "asset", "add", "--order", "o1", "sinkhole.example", "192.0.2.80")
conny.rows(case, "case", "asset", "add", "--order", "o2", "other.example")
secret = ["203.0.113.77", "bot-7f3a"]
rows = [{"timestamp": "2011-03-%02d 10:00:00" % (10 + i), "protocol": "http", "src_ip": secret[0] if i == 3 else
         "192.0.2.%d" % i, "src_port": 1025, "src_asn": 64500, "src_geo": "DE" if i % 2 else "FR", "family": "rustock",
         "infection": "rustock", "http_url": "/%s" % secret[1] if i == 3 else "/", "http_host": "sinkhole.example",
         "dst_port": 80} for i in range(12)]
feed = write(os.path.join(folder(), "feed.csv"), feed_text(rows, SHADOWSERVER_COLUMNS))
equal(case.ebb("import", "--format", "shadowserver", feed).code, 0, "a feed")
events = case.events()
equal(len(events), 12, "its events")


def export(name, *args, by=carla, code=0, words=""):
    path = os.path.join(folder(), "bundle")
    before = size(case)
    result = by.ebb(case, "exhibit", "export", name, *args, "--output", path, "--json")
    if code == 0:
        if not ok(result.code == 0 and size(case) == before + 1, "export: %s" % " ".join(args)):
            print("#   %s" % result.err.strip())
        return path, result.rows()[0] if result.code == 0 else {}
    if not ok(result.code == code and words in result.err and size(case) == before and not os.path.exists(path) and
              not glob.glob(path + "*"), "refused: %s %r" % (" ".join(args), words)):
        print("#   %d %s" % (result.code, result.err.strip()))
    return path, {}


# ---- whole entries ----

listed = "%d %d-%d" % (events[3]["index"], events[5]["index"], events[6]["index"])
path, row = export("Exhibit A", "--entries", "5 " + listed, "--blobs", "--certification", "Carla Example")
equal((row["entries"], row["opened"], row["redacted"], row["erased"], row["blobs"]), (5, 5, 0, 0, 1),
      "the entries, and whose key signed")
result = verify(path)
if not ok(result.code == 0, "it verifies with openssl and coreutils alone"):
    print("# %s" % (result.out + result.err))
ok(result.out.splitlines()[-1].startswith("The exhibit holds: 5 entries"), "and says so")
if os.geteuid() == 0:
    root = jail()
    shutil.copytree(path, root + "/bundle")
    result = run(shutil.which("unshare"), "-n", shutil.which("chroot"), root, "/bin/sh", "/bundle/verify.sh", env={"PATH": "/bin"})
    if not ok(result.code == 0 and result.out == verify(path).out, "also in a root with nothing else in it, without a network"):
        print("# %s" % (result.out + result.err))
manifest = json.loads(read(path, "manifest.json"))
equal((manifest["name"], manifest["entries"], manifest["signer"], manifest["query"]),
      ("Exhibit A", 5, {"account": "carla", "entry": 1}, '--entries "5 %s"' % listed), "the manifest's facts")
equal(sorted(f["path"] for f in manifest["files"]) + ["manifest.json", "manifest.sha256", "manifest.sig"],
      sorted(set(files(path)) - {"manifest.json", "manifest.sha256", "manifest.sig"}) +
      ["manifest.json", "manifest.sha256", "manifest.sig"], "the manifest has every file")
ok(all(hashlib.sha256(read(path, f["path"])).hexdigest() == f["sha256"] and len(read(path, f["path"])) == f["size"]
       for f in manifest["files"]), "with its hash and size")
act = case.ebb("log", "acts", "--kind", "exhibit").rows()[0]
equal((act["account"], act["sha256"], act["entries"], act["size"]),
      ("carla", hashlib.sha256(read(path, "manifest.json")).hexdigest(), 5, manifest["size"]), "the act names the manifest")
event = json.loads(read(path, "entries", "%d.json" % events[3]["index"]))
equal(event["entry"], events[3], "an entry for people to read")
equal(hashlib.sha256(b"\0" + read(path, "entries/5.leaf")).hexdigest(), json.loads(read(path, "entries/5.json"))["leaf_hash"],
      "its leaf")
equal(read(path, "blobs", hashlib.sha256(read(order_file)).hexdigest()), read(order_file), "the order's document")
draft = read(path + "-certification.txt").decode()
ok(draft.startswith("DRAFT") and act["sha256"] in draft and manifest["root"] in draft and "Carla Example" in draft and
   "902(13)" in draft and "902(14)" in draft and "penalty of perjury" in draft, "a draft of a certification")
ok(read(path + "-certification.pdf").startswith(b"%PDF-") and run("pdftotext", path + "-certification.pdf", "-").out.count("DRAFT") >= 4,
   "as PDF, marked on each page")

# ---- any byte ----

random.seed(2011)
spots = [(f, i) for f in files(path) for i in range(len(read(path, f)))]
chosen = random.sample(spots, FLIPS)
missed = []
work = copy(path)
for name, offset in chosen:
    data = read(work, name)
    other = bytes([data[offset] ^ random.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))])
    write(os.path.join(work, name), data[:offset] + other + data[offset + 1:])
    if verify(work).code == 0:
        missed.append((name, offset, data[offset], other))
    write(os.path.join(work, name), data)
equal(missed, [], "%d bytes changed, of %d in %d files: each is noticed" % (FLIPS, len(spots), len(files(path))))
equal(verify(work).code, 0, "and none was left changed")
for name in files(path):
    os.rename(os.path.join(work, name), os.path.join(work, "..", "away"))
    if verify(work).code == 0:
        missed.append(name)
    os.rename(os.path.join(work, "..", "away"), os.path.join(work, name))
equal(missed, [], "each file is missed")
for name in ("extra", ".hidden", "..hidden", "entries/extra", "entries/.x", "blobs/..x", "a: b", "sub/file", ".sub/file",
             "entries/sub/file", "timestamp/x", "-rf"):
    there = os.path.isdir(os.path.join(work, os.path.dirname(name)))
    os.makedirs(os.path.join(work, os.path.dirname(name)), exist_ok=True)
    write(os.path.join(work, name), "x")
    if verify(work).code == 0:
        missed.append(name)
    os.remove(os.path.join(work, name))
    if not there:
        os.rmdir(os.path.join(work, os.path.dirname(name)))
os.rename(os.path.join(work, "vkey"), os.path.join(work, "..", "vkey"))
os.symlink("../vkey", os.path.join(work, "vkey"))
missed += ["link"] if verify(work).code == 0 else []
equal(missed, [], "so is each one that is added, and a link in a file's place")


# ---- forgeries with a manifest that fits ----

def seal(where, keep=()):
    """The manifest of the files as they are; the signature goes, as a forger has no key."""
    for name in {"manifest.sig", "account.pem", "account.entry"} - set(keep):
        if os.path.exists(os.path.join(where, name)):
            os.remove(os.path.join(where, name))
    text = read(where, "manifest.json").decode()
    facts = text[:text.index('"files": [')]
    names = [f for f in files(where) if not f.startswith("manifest.")]
    lines = ['  {"sha256": "%s", "size": %d, "path": "%s"}' % (hashlib.sha256(read(where, f)).hexdigest(),
                                                               len(read(where, f)), f) for f in names]
    write(os.path.join(where, "manifest.json"), facts + '"files": [\n' + ",\n".join(lines) + "\n]}\n")
    write(os.path.join(where, "manifest.sha256"),
          "%s  manifest.json\n" % hashlib.sha256(read(where, "manifest.json")).hexdigest())


def forged(name, words, change):
    where = copy(path)
    change(where)
    seal(where)
    result = verify(where)
    if not ok(result.code != 0 and words in result.out, "forged: " + name):
        print("#   %d %s" % (result.code, (result.out + result.err)[-300:]))


def edit(name, change):
    return lambda where: write(os.path.join(where, name), change(read(where, name)))


def flip(at):
    return lambda d: d[:at] + bytes([d[at] ^ 1]) + d[at + 1:]


one = "entries/%d" % events[3]["index"]
two = "entries/%d" % events[5]["index"]


def swap(ending):
    def change(where):
        a, b = read(where, one + ending), read(where, two + ending)
        write(os.path.join(where, one + ending), b)
        write(os.path.join(where, two + ending), a)
    return change


def swap_lines(data, a, b):
    lines = data.split(b"\n")
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def swap_size(data):
    lines = data.split(b"\n")
    lines[1] = b"%d" % (int(lines[1]) + 1)
    return b"\n".join(lines)


def rename(where):
    for ending in (".leaf", ".cbor", ".salt", ".proof", ".json"):
        os.rename(os.path.join(where, one + ending), os.path.join(where, "entries/9999" + ending))


forged("what an entry says", "says something else", edit(one + ".cbor", lambda d: d.replace(b"DE", b"US")))
forged("its salt", "says something else", edit(one + ".salt", flip(0)))
forged("its time", "is not in the log", edit(one + ".leaf", flip(11)))
forged("its commitment", "is not in the log", edit(one + ".leaf", flip(67)))
forged("a leaf that is longer", "is no leaf", edit(one + ".leaf", lambda d: d + b"x"))
forged("the proof's index", "is not in the log", edit(one + ".proof", lambda d: d.replace(b"index 1", b"index 2")))
forged("a hash of the proof", "is not in the log", edit(one + ".proof", lambda d: swap_lines(d, 2, 3)))


forged("a shorter proof", "is not in the log", edit(one + ".proof", lambda d: b"\n".join(d.split(b"\n")[:2] + d.split(b"\n")[3:])))
forged("an entry at another place", "is not in the log", rename)
forged("one entry for another", "is not in the log", swap(".leaf"))
forged("one's words for another's", "says something else", lambda w: (swap(".cbor")(w), swap(".salt")(w)))
forged("a larger tree", "signature", edit("checkpoint", lambda d: swap_size(d)))


forged("another root", "signature", edit("checkpoint", lambda d: d.replace(d.split(b"\n")[2], base64.b64encode(b"\1" * 32))))
forged("another log's name", "is no checkpoint of", edit("vkey", lambda d: b"x" + d))
forged("another key", "signature", edit("vkey", lambda d: d[:-8] + (b"AAAA" if d[-8:-4] != b"AAAA" else b"BBBB") + d[-4:]))
forged("a file that no entry names", "is another file", lambda w: write(os.path.join(w, "blobs", "0" * 64), "x"))
forged("another file under its name", "is another file",
       edit("blobs/" + hashlib.sha256(read(order_file)).hexdigest(), lambda d: d + b"x"))
other_blob = hashlib.sha256(b"x").hexdigest()
forged("a file that is said to be named", "does not name",
       lambda w: (write(os.path.join(w, "blobs", other_blob), "x"), write(os.path.join(w, one + ".blobs"), other_blob + "\n")))
forged("a named file that is not there", "is missing",
       lambda w: shutil.rmtree(os.path.join(w, "blobs")))
forged("words that are just left out", "its words are missing",
       lambda w: (os.remove(os.path.join(w, one + ".salt")), os.remove(os.path.join(w, one + ".cbor"))))
forged("no entries at all", "", lambda w: shutil.rmtree(os.path.join(w, "entries")))


def resign(where):
    """Somebody else's signature, with their own key in the place of carla's."""
    key = os.path.join(folder(), "key")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", key)
    write(os.path.join(where, "account.pem"), run("openssl", "pkey", "-in", key, "-pubout").out)
    seal(where, keep=("account.pem", "account.entry"))
    run("openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", os.path.join(where, "manifest.json"),
        "-out", os.path.join(where, "manifest.sig"))


where = copy(path)
resign(where)
result = verify(where)
ok(result.code and "does not name the key" in result.out, "forged: signed by a key that the log has not for the account")
where = copy(path)
data = read(where, "manifest.json").replace(b'"name":"Exhibit A"', b'"name":"Exhibit Z"')
write(os.path.join(where, "manifest.json"), data)
write(os.path.join(where, "manifest.sha256"), "%s  manifest.json\n" % hashlib.sha256(data).hexdigest())
result = verify(where)
ok(result.code and "signature over manifest" in result.out, "forged: the name, under the old signature")

# ---- redacted, erased ----

path, row = export("Redacted", "--query", "family=rustock protocol=http since=2011-03-13 limit=3", "--redact",
                   "src_ip,network http.target src_asn")
equal((row["entries"], row["opened"], row["redacted"]), (4, 1, 3), "a query, redacted")
result = verify(path)
ok(result.code == 0 and result.out.count("NOT PROVED: what it says") == 3, "the script says what is not proved")
everything = b"".join(read(path, f) for f in files(path))
there = [s for s in (secret[0].encode(), secret[1].encode(), bytes([203, 0, 113, 77]), b"203.0.113", b"cb00714d", b"192.0.2.4", b"64500")
         if s in everything]
equal(there, [], "what was left out is nowhere in the bundle")
index = events[3]["index"]
equal([f for f in files(path) if f.startswith("entries/%d." % index)],
      ["entries/%d.%s" % (index, e) for e in ("json", "leaf", "proof", "withheld")], "neither salt nor payload")
shown = json.loads(read(path, "entries/%d.json" % index))
equal((shown["state"], shown["left_out"], shown["entry"]["family"], shown["entry"]["src_ip"], shown["entry"]["feed"]["src_geo"]),
      ("redacted", "feed.src_asn http.target src_ip network", "rustock", None, "DE"), "the rest is shown")
ok("does NOT prove the words" in read(path, "README.txt").decode(), "the README says it plainly")
path, row = export("Order's docket", "--entries", "5", "--redact", "docket")
shown = json.loads(read(path, "entries/5.json"))
ok("docket" not in shown["entry"] and "sig" not in shown["entry"],
   "an act's signature goes, too: guesses could be tried against it")
case.ebb("log", "redact", str(events[7]["index"]), "--who", "court", "--why", "sealed")
path, row = export("Erased", "--entries", str(events[7]["index"]))
result = verify(path)
equal((result.code, row["erased"], "erased from the log" in result.out), (0, 1, True), "an entry that was erased")

# ---- an order with all that is under it ----

def kinds_of(path):
    return sorted(json.loads(read(path, f))["header"]["kind"] for f in files(path) if re.match("entries/.*json$", f))


path, row = export("Order", "--order", "o1", "--blobs")
ACCOUNT, ORDER, CLOSED, ASSET, RELEASED = 88, 70, 71, 72, 74
equal(kinds_of(path), [ORDER, ASSET, ASSET, ACCOUNT], "the order and its assets, and none of another's")
equal(verify(path).code, 0, "which verifies")
conny.rows(case, "case", "asset", "release", "sinkhole.example", "--why", "done")
conny.rows(case, "case", "order", "close", "o1", "--why", "over")
path, row = export("Order once more", "--order", "o1")
equal(kinds_of(path), [ORDER, CLOSED, ASSET, ASSET, RELEASED, ACCOUNT], "its closing and a release are under it")

# ---- trees of many shapes ----

bad = []
small = Case()
first = people(small, paul="custodian")["paul"]
for n in range(12):
    total = size(small)
    for last in {0, 1, total // 2, total - 1}:
        to = os.path.join(folder(), "b")
        made = first.ebb(small, "exhibit", "export", "n", "--entries", str(last), "--output", to)
        if made.code or verify(to).code:
            bad.append((size(small), last))
equal(bad, [], "trees of up to %d entries" % size(small))

# ---- refused ----

export("x", "--entries", "1", by=audrey, code=1, words="may not")
export("x", "--entries", "1", by=rene, code=1, words="may not")
before = size(case)
result = case.ebb("exhibit", "export", "x", "--entries", "1", "--output", os.path.join(folder(), "n"))
ok(result.code == 1 and "who acts" in result.err and size(case) == before, "nobody exports")
for args, code, words in (
        (("--entries", "999999"), 1, "no entry 999999"), (("--entries", "5-1"), 2, "--entries"),
        (("--entries", "1-99999999999"), 2, "--entries"), (("--entries", "a"), 2, "--entries"), ((), 2, "wants --entries"),
        (("--entries", ""), 1, "nothing matches"),
        (("--query", "family=nothing"), 1, "nothing matches"), (("--query", "famil=x"), 2, "is no key"),
        (("--query", "family"), 2, "KEY=VALUE"), (("--query", "country=DE country=FR"), 2, "is there twice"),
        (("--query", "asn=x"), 2, "asn wants"), (("--query", "src=999.1.1.1"), 2, "src wants"),
        (("--query", "since=2012-01-01 until=2011-01-01"), 2, "not before"), (("--query", "since=yesterday"), 2, "since wants"),
        (("--query", "limit=0"), 2, "limit wants"), (("--query", 'family="rustock'), 2, "KEY=VALUE"),
        (("--query", "kind=order"), 2, "kind wants"), (("--query", "x=" + "y" * 3000), 2, "too long"),
        (("--order", "o9"), 1, "no such order"), (("--entries", "1", "--redact", "../x"), 2, "--redact"),
        (("--entries", "1", "--redact", " ".join("m%d" % i for i in range(40))), 2, "--redact"),
        (("--entries", "1", "--certification", "\u202egnp.exe"), 2, "--certification")):
    export("x", *args, code=code, words=words)
for name in ("", "a\nb", "\u202egnp.exe", "x" * 300, "\x1b[31m"):
    export(name, "--entries", "1", code=2, words="name")
there = folder()
result = carla.ebb(case, "exhibit", "export", "x", "--entries", "1", "--output", there)
ok(result.code == 1 and "already" in result.err and os.listdir(there) == [], "a folder that is there is left alone")
result = carla.ebb(case, "exhibit", "export", "x", "--entries", "1", "--output", "/nonexistent/x")
ok(result.code == 1 and "/nonexistent/x" in result.err, "a folder that cannot be made")
path = os.path.join(folder(), "c")
write(path + "-certification.pdf", "mine")
result = carla.ebb(case, "exhibit", "export", "x", "--entries", "1", "--certification", "C", "--output", path)
ok(result.code == 1 and "already" in result.err and not os.path.exists(path) and read(path + "-certification.pdf") == b"mine",
   "nor is a certification replaced")
case.verifies("the log holds")

# ---- while the daemon writes ----

hole = Sinkhole(listen={"dns": ("dns", "")})
dora = people(hole, dora="custodian")["dora"]
hole.start()
path = os.path.join(folder(), "live")
result = dora.ebb(hole, "exhibit", "export", "Live", "--entries", "0-2", "--output", path)
if not ok(result.code == 0 and verify(path).code == 0, "while `ebb serve` writes"):
    print("# %s" % result.err)
hole.stop()
hole.verifies("its log holds")
done()
