"""Referrals: what is in one, what is left out, that only the agency opens it, that a failure leaves nothing."""
import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time

from ebbtest import Case, EBB, done, equal, folder, ok, run, skip, write
from people import people

if not shutil.which("gpg"):
    skip("referrals", "no gpg")
    done()

case = Case()
work = folder()
team = people(case, carol="custodian operator reviewer counsel", oscar="operator", ada="auditor")
carol, oscar, ada = team["carol"], team["oscar"], team["ada"]
os.environ.pop("EBB_ACCOUNT", None)


def path(*names):
    return os.path.join(work, *names)


def read(*names):
    with open(path(*names), "rb") as f:
        return f.read()


def size():
    return case.rows("status")[0]["log_size"]


def must(person, *args):
    result = person.ebb(case, *args)
    if result.code:
        ok(False, "%s: %s" % (" ".join(map(str, args)), result.err.strip()))
    return result


# ---- an agency's keys, made by gpg in homes of their own

def gpg(home, *args, stdin=None):
    return subprocess.run(["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", *args], input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def agent_off(home):
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


homes = []


def new_home(name):
    home = folder()  # short: an agent's socket is in it
    os.chmod(home, 0o700)
    homes.append(home)
    return home


def make_key(home, user, algorithm="default", usage="default", expire="never", fake=None):
    args = ["--passphrase", "", "--pinentry-mode", "loopback"]
    if fake:
        args += ["--faked-system-time", fake]
    made = gpg(home, *args, "--quick-gen-key", user, algorithm, usage, expire)
    if made.returncode:
        ok(False, "a key: " + made.stderr.decode())


def exported(home, name, *args):
    return write(path(name), gpg(home, "--armor", *args, "--export").stdout)


agency = new_home("agency")
make_key(agency, "Agency <agency@example.org>")
key = exported(agency, "agency.asc")
fingerprint = re.search(rb"fpr:+([0-9A-F]+):", gpg(agency, "--with-colons", "--list-keys").stdout).group(1).decode()

# ---- a case

order = must(carol, "case", "order", "add", "--id", "order-1", "--court", "District Court", "--docket", "2:11-cv-00222",
             "--from", "2011-03-16")
for name in ("John Doe 1", "John Doe 2", "John Doe 3"):
    must(carol, "case", "subject", "add", name, "--kind", "person", "--note", "NOTE-OF-" + name.replace(" ", "-"))
document = write(path("panel.pdf"), b"%PDF-1.4 what the panel said\n")
facts = [carol.rows(case, "case", "subject", "fact", "John Doe 1", "--type", "handle", "--value", "kilo", "--entries",
                    "1-3", "--confidence", "81", "--note", "NOTE-OF-FACT")[0]["index"],
         carol.rows(case, "case", "subject", "fact", "John Doe 1", "--type", "name", "--value", "Кило Примеров",
                    "--document", document, "--confidence", "42", "--observed", "2011-02-01")[0]["index"]]
must(carol, "case", "subject", "fact", "John Doe 3", "--type", "handle", "--value", "not-in-it", "--entries", "1")
must(carol, "case", "subject", "link", "John Doe 1", "--to", "John Doe 2", "--relation", "works-with", "--entries", "2")
summary = write(path("summary.txt"), "The group rented servers.\n\nЗапрос: установить личности.\n")
losses = write(path("losses.csv"), 'what,amount,currency,source\n"Bank A, Ltd",1250000.50,USD,statement\n'
                                   "Bank B,99.50,USD,letter\nShop C,1000,JPY,letter\n")

# Words that nothing else has, in a lead, an addition to it, and its contact.
TEXT, MORE, CONTACT = "PLANTED-TEXT of an informant", "PLANTED-ADDITION", "PLANTED-CONTACT"
submitted = case.ebb("lead", "submit", "--text", write(path("lead.txt"), TEXT), "--contact",
                     write(path("contact.txt"), CONTACT), write(path("../../etc-passwd".replace("/", "_")), b"\0evil"),
                     write(path("empty"), b""), "--json")
ok(submitted.code == 0, "a lead " + submitted.err)
lead_row = submitted.rows()[0]
lead = lead_row["lead"] if "lead" in lead_row else lead_row["index"]
write(path("receipt"), lead_row["receipt"] + "\n")
said = case.ebb("lead", "return", "--receipt", path("receipt"), "--say", write(path("more.txt"), MORE),
                write(path("more.bin"), b"\1\2\3"))
ok(said.code == 0, "and an addition " + said.err)
must(carol, "case", "subject", "fact", "John Doe 1", "--type", "mail", "--value", "kilo@example.net", "--lead", lead)
must(carol, "exhibit", "export", "proofs", "--entries", "1-3", "--output", path("proofs"))

serial = 0


def export(*args, by=carol, name="ref", recipient=key, agency_name="Example Police, Cyber Division", **more):
    """One into a folder of its own; the folder, or what went wrong."""
    global serial
    serial += 1
    out = path("out%d" % serial)
    result = by.ebb(case, "referral", "export", name, "--agency", agency_name, "--recipient", recipient, "--output", out,
                    "--json", *args, **more)
    return result, out


def leftovers():
    """Homes of gpg that were not removed."""
    return [os.path.join(d, f) for d in ("/dev/shm", "/tmp", os.environ.get("XDG_RUNTIME_DIR") or "/dev/shm")
            if os.path.isdir(d) for f in os.listdir(d) if f.startswith("ebb-gpg-")]


homes_before = set(leftovers())


def refused(what, words, *args, code=1, **more):
    before = size()
    result, out = export(*args, **more)
    good = (result.code == code and words in result.err and result.err.count("\n") == 1 and not os.path.exists(out) and
            size() == before)
    if not ok(good, what):
        print("#   %d %s left: %s" % (result.code, result.err.strip(), os.path.exists(out)))


def all_bytes(root):
    """Every file's bytes, and the PDF's words."""
    data = b""
    for base, _, files in os.walk(root):
        for f in files:
            with open(os.path.join(base, f), "rb") as opened:
                data += opened.read()
            if f.endswith(".pdf") and shutil.which("pdftotext"):
                data += subprocess.run(["pdftotext", "-raw", os.path.join(base, f), "-"], stdout=subprocess.PIPE,
                                       timeout=60).stdout
    return data


# ---- a whole one

result, out = export("--summary", summary, "--losses", losses, "--exhibit", path("proofs"), "--subject",
                     "John Doe 1, John Doe 2", "--limits", "Not to be disclosed onwards.", "--lead", lead)
equal(result.code, 0, "a referral " + result.err)
row = result.rows()[0]
root = os.path.join(out, "ref")
manifest_bytes = open(os.path.join(root, "manifest.json"), "rb").read()
manifest = json.loads(manifest_bytes)
equal(row["sha256"], hashlib.sha256(manifest_bytes).hexdigest(), "the manifest's hash is printed")
equal((row["recipient"], manifest["recipient"]), (fingerprint, fingerprint), "and the key")
equal((manifest["agency"], manifest["limits"], manifest["left_out"]),
      ("Example Police, Cyber Division", "Not to be disclosed onwards.", []), "the manifest says for whom, within which limits")


def check_manifest(root, manifest, name):
    listed = {f["path"]: f for f in manifest["files"]}
    there = set()
    good = True
    for base, _, files in os.walk(root):
        for f in files:
            full = os.path.join(base, f)
            relative = os.path.relpath(full, root)
            if relative in ("manifest.json", "manifest.sig"):
                continue
            there.add(relative)
            data = open(full, "rb").read()
            entry = listed.get(relative)
            good &= bool(entry) and entry["size"] == len(data) and entry["sha256"] == hashlib.sha256(data).hexdigest()
    ok(good and there == set(listed), name)


check_manifest(root, manifest, "files are as the manifest has them")
equal(len(manifest["files"]), row["files"], "as many as the act says")
modes = {oct(os.stat(os.path.join(base, f)).st_mode & 0o777) for base, _, files in os.walk(out) for f in files}
ok(modes == {"0o600"} and os.stat(out).st_mode & 0o777 == 0o700, "nobody else may read them")

verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", os.path.join(root, "account.pem"), "-rawin", "-in",
          os.path.join(root, "manifest.json"), "-sigfile", os.path.join(root, "manifest.sig")]
equal(run(*verify).code, 0, "openssl verifies the signature")
changed = write(path("changed.json"), manifest_bytes.replace(b"Cyber", b"Kyber"))
ok(run(*[changed if a.endswith("manifest.json") else a for a in verify]).code != 0, "and refuses another manifest")
accounts = {a["account"]: a for a in case.rows("account", "list")}
pem = open(os.path.join(root, "account.pem")).read()
der = run("openssl", "pkey", "-pubin", "-in", os.path.join(root, "account.pem"), "-text", "-noout").out
ok(re.sub(r"[^0-9a-f]", "", der.split("pub:")[1]).endswith(accounts["carol"]["sign"]), "the key is the account's")
readme = open(os.path.join(root, "README.txt")).read()
steps = [line.strip() for line in readme.splitlines() if line.startswith("       ") and ("sha256sum" in line or "openssl" in line)]
equal(len(steps), 2, "README.txt has what to type")
for step in steps:
    equal(run("sh", "-c", step, cwd=root).code, 0, "and it works: " + step[:20])
equal(run("sh", os.path.join(root, "exhibits", "proofs", "verify.sh")).code, 0, "the exhibit verifies where it is now")

# what it says
subjects = json.load(open(os.path.join(root, "subjects.json")))["subjects"]
equal([s["name"] for s in subjects], ["John Doe 1", "John Doe 2"], "the subjects that were named")
known = {r["value"]: r for r in subjects[0]["known"]}
equal((known["kilo"]["confidence"], known["kilo"]["source"], known["kilo"]["note"], known["kilo"]["by"]),
      (81, {"entries": "1-3"}, "NOTE-OF-FACT", "carol"), "a fact with its source")
equal(known["Кило Примеров"]["source"], {"document": "panel.pdf", "sha256": hashlib.sha256(open(document, "rb").read()).hexdigest()},
      "a document with its hash")
equal(known["kilo@example.net"]["source"], {"lead": lead}, "a lead")
evidence = list(csv.DictReader(open(os.path.join(root, "evidence.csv"))))
equal([(e["source"], e["entry"]) for e in evidence if int(e["fact"]) == facts[0]],
      [("entry", "1"), ("entry", "2"), ("entry", "3")], "every entry behind it")


def leaf_hash(index):
    return hashlib.sha256(b"\0" + read("proofs", "entries", "%d.leaf" % index)).hexdigest()


equal([e["sha256"] for e in evidence if int(e["fact"]) == facts[0]], [leaf_hash(i) for i in (1, 2, 3)],
      "with the hash of its leaf, as the exhibit has it")
custody = list(csv.DictReader(open(os.path.join(root, "custody.csv"))))
ok({("fact", "carol"), ("exhibit", "carol"), ("account", "carol")} <= {(c["act"], c["by"]) for c in custody}, "custody")
ok(all(c["about"] for c in custody), "each says about what")
timeline = list(csv.DictReader(open(os.path.join(root, "timeline.csv"))))
equal(timeline[0]["what"], "John Doe 1: name Кило Примеров (observed)", "the timeline, from the first")
equal([t["time"] for t in timeline], sorted(t["time"] for t in timeline), "in order")
equal(json.load(open(os.path.join(root, "losses.json")))["totals"],
      [{"currency": "USD", "amount": "1250100.00", "rows": 2}, {"currency": "JPY", "amount": "1000", "rows": 1}], "losses")
stix = json.load(open(os.path.join(root, "subjects.stix.json")))
equal(stix["type"], "bundle", "STIX")
everything = all_bytes(root)
ok(b"not-in-it" not in everything, "nothing of other subjects")
if shutil.which("pdftotext"):
    words = subprocess.run(["pdftotext", "-raw", os.path.join(root, "referral.pdf"), "-"], stdout=subprocess.PIPE,
                           timeout=60).stdout.decode()
    for word in ("Example Police, Cyber Division", "Not to be disclosed onwards.", "The group rented servers.",
                 "Запрос: установить личности.", "kilo", "Кило Примеров", "1250100.00", fingerprint, "how informants can be reached"):
        ok(word in words, "the PDF has: " + word)
    equal(run("pdfinfo", os.path.join(root, "referral.pdf")).out.count("Tagged:          yes"), 1, "it is tagged")
else:
    skip("the PDF's words", "no poppler-utils")

# the lead
equal(open(os.path.join(root, "leads", str(lead), "text.txt")).read(), TEXT, "the lead that was named, in full")
told = json.load(open(os.path.join(root, "leads", str(lead), "lead.json")))
files = {f["name"]: f for f in told["files"]}
equal(sorted(f["size"] for f in told["files"]), [0, 5], "with its files")
ok(all(re.fullmatch(r"file-\d{3}", f["path"]) for f in told["files"]), "under names of ours")
for f in told["files"]:
    equal(os.path.getsize(os.path.join(root, "leads", str(lead), f["path"])), f["size"], "as large as they were")
additions = [d for d in os.listdir(os.path.join(root, "leads", str(lead))) if d.startswith("addition-")]
ok(len(additions) == 1 and MORE in open(os.path.join(root, "leads", str(lead), additions[0], "text.txt")).read(),
   "and what was added")
ok(CONTACT.encode() not in everything, "never how to reach the informant")

# ---- opened by the agency, and by nobody else
sealed = os.path.join(out, "ref.tar.gpg")
ok(b"PLANTED" not in open(sealed, "rb").read(), "the archive is encrypted")
opened = gpg(agency, "--decrypt", sealed)
equal(opened.returncode, 0, "gpg opens it")
with tarfile.open(fileobj=io.BytesIO(opened.stdout)) as tar:
    members = tar.getmembers()
    ok(all(m.name.startswith("ref/") and m.isreg() and m.uid == 0 and m.mode == 0o644 for m in members), "a plain tar")
    equal(len({m.mtime for m in members}), 1, "with one time")
    same = all(tar.extractfile(m).read() == open(os.path.join(out, m.name), "rb").read() for m in members)
    ok(same and len(members) == row["files"] + 2, "it has the folder's files, all of them")
write(path("opened.tar"), opened.stdout)
os.mkdir(path("unpacked"))
equal(run("tar", "-xf", path("opened.tar"), "-C", path("unpacked")).code, 0, "tar unpacks it")
check_manifest(path("unpacked", "ref"), manifest, "to what the manifest says")
stranger = new_home("stranger")
make_key(stranger, "Stranger <stranger@example.org>")
ok(gpg(stranger, "--decrypt", sealed).returncode != 0, "another's key does not open it")
packets = gpg(agency, "--list-packets", sealed)
equal(packets.stdout.count(b":pubkey enc packet:"), 1, "there is one recipient")

# ---- the act
case.verifies("the log holds")
acts = [a for a in case.rows("acts") if a["kind"] == "referral"] if case.ebb("acts", "--json").code == 0 else None
if acts is not None:
    act = acts[-1]
    equal((act["name"], act["agency"], act["recipient"], act["sha256"], act["files"], act["account"], act["leads"]),
          ("ref", "Example Police, Cyber Division", fingerprint, row["sha256"], row["files"], "carol", str(lead)),
          "the act says what went to whom")
equal(set(leftovers()) - homes_before, set(), "no key ring is left")

# ---- limits
result, out = export("--losses", losses, "--subject", "John Doe 1", "--without", "leads,confidence names notes")
equal(result.code, 0, "one within limits " + result.err)
everything = all_bytes(os.path.join(out, "ref"))
ok(b"PLANTED" not in everything, "no lead's contents unless it is named")
for word in (b"NOTE-OF", b"carol", b"oscar", b"lead_", b"\"lead\"", b"confidence\":", b"of 100"):
    ok(word not in everything, "left out: " + word.decode())
equal(sorted(json.load(open(os.path.join(out, "ref", "manifest.json")))["left_out"]), ["confidence", "leads", "names", "notes"],
      "the manifest says what was left out")
ok(b"person 1" in everything and b"a source" in everything, "and what stands there instead")
ok(not os.path.exists(os.path.join(out, "ref", "subjects.stix.json")), "no STIX, which has it all")
if shutil.which("pdftotext"):
    words = subprocess.run(["pdftotext", "-raw", os.path.join(out, "ref", "referral.pdf"), "-"], stdout=subprocess.PIPE,
                           timeout=60).stdout.decode()
    for word in ("which facts come from informants", "our degrees of confidence", "the names of our people", "notes",
                 "the contents of leads"):
        ok(word in words.replace("\n", " "), "the cover says: " + word)
result, out = export("--losses", losses, "--without", "victims")
everything = all_bytes(os.path.join(out, "ref"))
ok(result.code == 0 and b"Bank A" not in everything and b"1250100.00" in everything, "of victims, sums alone")
refused("an exhibit that may have their addresses", "--redact", "--exhibit", path("proofs"), "--without", "victims")
must(carol, "exhibit", "export", "safe", "--entries", "1-3", "--redact", "src_ip bot_id", "--output", path("safe"))
result, out = export("--exhibit", path("safe"), "--without", "victims")
equal(result.code, 0, "one without them goes " + result.err)

# ---- what is refused
refused("no agency", "--agency", agency_name="", code=2)
refused("a name that is a path", "wants one name", name="../x", code=2)
refused("a hidden name", "wants one name", name=".x", code=2)
refused("a name that is too long", "wants one name", name="x" * 65, code=2)
refused("a bidi mark in the agency's name", "--agency", agency_name="a\u202eb", code=2)
refused("a control in the limits", "--limits", "--limits", "a\nb", code=2)
refused("nothing that can be left out", "--without", "--without", "salt", code=2)
refused("a lead that is left out", "--lead", "--lead", lead, "--without", "leads", code=2)
refused("no such subject", "no such subject", "--subject", "John Doe 1,John Doe 9")
refused("no such lead", "--lead", "--lead", "1")
refused("no list", "--lead", "--lead", "all")
refused("no such file", "none", "--summary", path("none"))
refused("a summary that is none", "UTF-8", "--summary", write(path("bad"), b"\xff\xfe"))
refused("a summary with NULs", "--summary", "--summary", write(path("bad"), b"a\0b"))
refused("an empty summary", "empty", "--summary", write(path("bad"), b" \n"))
HEAD = "what,amount,currency,source\n"
refused("an amount that overflows", "line 2", "--losses", write(path("bad"), HEAD + "A,99999999999999999999,USD,x\n"))
refused("a sum that overflows", "total of USD overflows", "--losses",
        write(path("bad"), HEAD + "A,92233720368547758.07,USD,x\nB,1,USD,x\n"))
refused("a table that is none", "wants 4 cells", "--losses", write(path("bad"), HEAD + "A,1\n"))
refused("nobody", "account", by=type("Nobody", (), {"ebb": staticmethod(lambda c, *a, **k: c.ebb(*a, **k))}), code=2)
refused("an auditor", "may not hand over", by=ada)
before = size()
result, out = export("--lead", lead, by=oscar)
ok(result.code == 1 and not os.path.exists(out) and size() == before, "a lead's contents, by who may not read them")
os.mkdir(path("there"))
result = carol.ebb(case, "referral", "export", "x", "--agency", "a", "--recipient", key, "--output", path("there"))
ok(result.code == 1 and "already" in result.err and os.listdir(path("there")) == [], "a folder that is there stays as it is")
result = carol.ebb(case, "referral", "export", "x", "--agency", "a", "--recipient", key, "--output", path("no", "such"))
ok(result.code == 1 and result.err.count("\n") == 1, "a folder that cannot be made")

# keys
refused("no key file", "none", recipient=path("none"))
refused("a file that is no key", "no OpenPGP public key", recipient=summary)
refused("an empty file", "no OpenPGP public key", recipient=write(path("bad"), b""))
refused("a cut key", "--recipient", recipient=write(path("bad"), open(key, "rb").read()[:300]))
refused("a huge file", "bad", recipient=write(path("bad"), b"x" * (1 << 20)))
both = new_home("both")
gpg(both, "--import", key)
make_key(both, "Second <second@example.org>")
refused("two keys", "several keys", recipient=exported(both, "both.asc"))
signing = new_home("signing")
make_key(signing, "Signs <signs@example.org>", "ed25519", "sign")
refused("a key that cannot encrypt", "cannot encrypt", recipient=exported(signing, "signs.asc"))
old = new_home("old")
make_key(old, "Old <old@example.org>", expire="1d", fake="20200101T000000!")
refused("an expired key", "expired", recipient=exported(old, "old.asc"))
revoked = new_home("revoked")
make_key(revoked, "Gone <gone@example.org>")
certificate = [f for f in os.listdir(os.path.join(revoked, "openpgp-revocs.d"))][0]
text = open(os.path.join(revoked, "openpgp-revocs.d", certificate)).read().replace(":-----BEGIN", "-----BEGIN")
gpg(revoked, "--import", write(path("revocation"), text))
refused("a revoked key", "revoked", recipient=exported(revoked, "revoked.asc"))
half = new_home("half")
make_key(half, "Half <half@example.org>", "ed25519", "cert,sign", fake="20190101T000000!")
half_fpr = re.search(rb"fpr:+([0-9A-F]+):", gpg(half, "--with-colons", "--list-keys").stdout).group(1).decode()
added = gpg(half, "--passphrase", "", "--pinentry-mode", "loopback", "--faked-system-time", "20200101T000000!",
            "--quick-add-key", half_fpr, "cv25519", "encr", "1d")
if added.returncode == 0:
    refused("a key whose part for encryption is expired", "expired", recipient=exported(half, "half.asc"))
secret = write(path("secret.asc"), gpg(agency, "--armor", "--pinentry-mode", "loopback", "--passphrase", "",
                                       "--export-secret-keys").stdout)
refused("a secret key", "secret", recipient=secret)

# exhibits
refused("no exhibit", "manifest.json", "--exhibit", path("there"))
refused("the same twice", "two of one name", "--exhibit", path("proofs") + "," + path("proofs"))


def spoiled(name, change):
    shutil.copytree(path("proofs"), path("spoiled"))
    change(path("spoiled"))
    refused(name, "--exhibit", "--exhibit", path("spoiled"), "--summary", summary)
    shutil.rmtree(path("spoiled"))


def flip(root):
    file = os.path.join(root, "entries", "1.cbor")
    data = bytearray(open(file, "rb").read())
    data[3] ^= 1
    write(file, bytes(data))


def escape(root):
    file = os.path.join(root, "manifest.json")
    data = open(file).read().replace('"path": "README.txt"', '"path": "../panel.pdf"')
    write(file, data)


def link(root):
    os.remove(os.path.join(root, "vkey"))
    os.symlink("/etc/passwd", os.path.join(root, "vkey"))


spoiled("an exhibit of which a byte was changed", flip)
spoiled("one whose manifest points elsewhere", escape)
spoiled("one with a link in it", link)
spoiled("one that lacks a file", lambda root: os.remove(os.path.join(root, "vkey")))
spoiled("one with a file that became longer", lambda root: write(os.path.join(root, "vkey"), b"x" * 5000))
spoiled("one whose manifest is no JSON", lambda root: write(os.path.join(root, "manifest.json"), b"[[[[" * 1000))

# a full disk, and somebody who interrupts
def limited():
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


before = size()
result, out = export("--exhibit", path("proofs"), preexec_fn=limited)
ok(result.code == 1 and not os.path.exists(out) and size() == before and result.err.count("\n") == 1,
   "no room for it: nothing is left (%s)" % result.err.strip())
out = path("stopped")
process = subprocess.Popen([EBB, "-C", case.path, "referral", "export", "x", "--agency", "a", "--recipient", key, "--output", out],
                           env=carol.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
deadline = time.monotonic() + 30
while process.poll() is None and not os.path.exists(out) and time.monotonic() < deadline:
    time.sleep(0.0005)
process.send_signal(signal.SIGTERM)
_, words = process.communicate(timeout=60)
ok((process.returncode == 1 and not os.path.exists(out) and size() == before) or
   (process.returncode == 0 and size() == before + 1), "stopped half-way: all or nothing (%d %s)" % (process.returncode, words.strip()))
equal(set(leftovers()) - homes_before, set(), "no key ring is left of all these")
case.verifies("the log still holds")
for home in homes:
    agent_off(home)
done()
