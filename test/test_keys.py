"""Keys that are replaced: the log's, followed by an independent reader, under verification, exhibits and a witness; the
seal's, with what was sealed before and after; kill -9 in the middle."""
import base64
import glob
import hashlib
import os
import random
import shutil
import signal
import smtplib
import stat
import struct
import subprocess
import time
import urllib.error
import urllib.request

import verify_proof
from ebbtest import EBB, Case, done, equal, folder, ok, run, write
from people import people
from sinkhole import Sinkhole, free_port
from tsa import Authority, Server, openssl

KILLS = int(os.environ.get("EBB_KILLS", "8"))


def read(*path):
    with open(os.path.join(*path), "rb") as f:
        return f.read()


def vkey(case):
    return read(case.path, "log", "vkey").decode()


def rotate(who, case, what="log", why="once a year"):
    return who.ebb(case, "key", "rotate", what, "--why", why, "--json")


def follow(file, known):
    """log/rotated/ID without a line of ebb: the entry is under the old key's checkpoint, and its statement is signed
    by both keys; the next key."""
    old = verify_proof.read_vkey(known)
    head, _, note = file.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise verify_proof.Wrong("not a proof with its entry")
    extra, index = base64.b64decode(lines[1][6:]), int(lines[2].split(" ")[1])
    leaf, salt, payload = extra[:68], extra[68:84], extra[84:]
    if hashlib.sha256(salt + payload).digest() != leaf[36:] or leaf[1] != 128:
        raise verify_proof.Wrong("the entry is another")
    text = verify_proof.open_note(note, old)
    size, root = int(text.split("\n")[1]), base64.b64decode(text.split("\n")[2])
    path = [base64.b64decode(line) for line in lines[3:]]
    got = verify_proof.root_of(hashlib.sha256(b"\0" + leaf).digest(), index, size, path)
    if got != root:
        raise verify_proof.Wrong("not in the log")
    start = payload.index(b"ebb log key rotation v1\n")
    end = payload.index(b"\n", payload.index("\n\n\u2014 ".encode(), start) + 2)
    end = payload.index(b"\n", end + 1) + 1
    statement = payload[start:end].decode()
    first, origin, at, before, after = verify_proof.open_note(statement, old).split("\n")[:5]
    verify_proof.open_note(statement, verify_proof.read_vkey(after + "\n"))
    if before + "\n" != known or int(at) != index or not after.startswith(origin + "+"):
        raise verify_proof.Wrong("the statement is of another key")
    return after + "\n"


def raises(f, *args):
    try:
        f(*args)
    except Exception:  # any: it did not go through
        return True
    return False


# ---- the log's ----

case = Case()
who = people(case, rita="custodian", paul="operator", conny="counsel")
rita, paul = who["rita"], who["paul"]
k0, since = vkey(case), write(os.path.join(folder(), "since"), read(case.path, "log", "checkpoint"))
proof0 = case.ebb("log", "prove", "1").out
secret0 = read(case.path, "keys", "log.key")

equal(case.ebb("key", "rotate", "log").code, 2, "a reason is wanted")
equal(case.ebb("key", "rotate", "desk", "--why", "x").code, 2, "of keys that ebb itself replaces")
for by, words in ((paul, "custodian"), (None, "account")):
    got = rotate(by, case) if by else case.ebb("key", "rotate", "log", "--why", "x")
    ok(got.code == 1 and words in got.err, "not by %s: %s" % (by.name if by else "nobody", got.err.strip()))
equal((vkey(case), sorted(os.listdir(os.path.join(case.path, "keys")))), (k0, ["log.key"]), "which left nothing")

got = rotate(rita, case)
row = got.rows()[0] if got.code == 0 else {}
if not ok(got.code == 0, "by a custodian"):
    print("# " + got.err)
k1 = vkey(case)
equal((row.get("from"), row.get("to"), k1 != k0), (k0.strip(), k1.strip(), True), "from the one key to the other")
equal(sorted(os.listdir(os.path.join(case.path, "keys"))), ["log.key"], "the old key's file is gone")
equal(stat.S_IMODE(os.stat(os.path.join(case.path, "keys", "log.key")).st_mode), 0o600, "the new one is private")
ok(secret0.split(b"+")[4].strip() not in b"".join(read(p) for p in glob.glob(case.path + "/**", recursive=True)
                                                  if os.path.isfile(p)), "and the old secret is nowhere in the case")
both = read(case.path, "log", "checkpoint").decode()
for key, name in ((k0, "old"), (k1, "new")):
    ok(not raises(verify_proof.open_note, both, verify_proof.read_vkey(key)), "the first checkpoint is signed by the %s key" % name)
case.verifies("the log holds")
equal(case.ebb("log", "verify", "--since-checkpoint", since).code, 0, "consistent with a checkpoint of the old key")
file0 = os.path.join(case.path, "log", "rotated", k0.split("+")[1])
equal(follow(read(file0).decode(), k0), k1, "who knows the old key alone finds the new one, without ebb")
equal(run(EBB, "key", "follow", write(os.path.join(folder(), "k0"), k0), file0).out, k1, "and with it")
ok(run(EBB, "key", "follow", write(os.path.join(folder(), "k1"), k1), file0).code == 1, "not from another key")

paul.rows(case, "case", "order", "add", "--id", "o1", "--court", "District Court")
now = read(case.path, "log", "checkpoint").decode()
ok(raises(verify_proof.open_note, now, verify_proof.read_vkey(k0)), "the next checkpoint is not the old key's any more")


def proved(proof, key, index):
    d = folder()
    names = {n: write(os.path.join(d, n), v) for n, v in (("vkey", key), ("proof", proof))}
    return run("python3", os.path.join(os.path.dirname(verify_proof.__file__), "verify_proof.py"), names["vkey"], names["proof"],
               os.path.join(case.path, "log")).code == 0


ok(proved(proof0, k0, 1), "an old proof holds under the old key")
ok(proved(case.ebb("log", "prove", "1").out, k1, 1), "a new one under the new key")
ok(not proved(proof0, k1, 1) and not proved(case.ebb("log", "prove", "1").out, k0, 1), "and not the other way round")

keys = case.rows("key")
equal([(r["state"], r["public"], bool(r["entry"]), r["account"] or "") for r in keys if r["what"] == "log"],
      [("replaced", k0.strip(), False, ""), ("in use", k1.strip(), True, "rita")], "ebb key lists them")
equal([r["account"] for r in keys if r["what"] == "account"], ["conny", "paul", "rita"], "and the accounts'")

# ---- exhibits, time stamps, witnesses across it ----

authority = Authority()
write(os.path.join(case.path, "ca.pem"), read(authority.at("root.pem")))
server = Server(lambda handler, body: (200, "application/timestamp-reply", authority.reply(body)))


class Witness:
    """A tlog-witness that knows some keys of one log; 403 for a checkpoint that none of them signed."""

    def __init__(self, *known):
        self.dir, self.name, self.known, self.size = folder(), "witness.example/w", list(known), 0
        self.key = os.path.join(self.dir, "key")
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.id = hashlib.sha256(self.name.encode() + b"\n\x04" + public).digest()[:4]
        self.vkey = "%s+%s+%s" % (self.name, self.id.hex(), base64.b64encode(b"\x04" + public).decode())

    def answer(self, _handler, body):
        head, _, note = body.decode().partition("\n\n")
        if all(raises(verify_proof.open_note, note, verify_proof.read_vkey(k)) for k in self.known):
            return 403, "text/plain", b""
        if int(head.split("\n")[0].split(" ")[1]) != self.size:
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        text, when = note.partition("\n\n")[0].encode() + b"\n", int(time.time())
        self.size = int(text.split(b"\n")[1])
        message = write(os.path.join(self.dir, "m"), b"cosignature/v1\ntime %d\n" % when + text)
        sig = openssl("pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", message)
        return 200, "text/plain", ("\u2014 %s %s\n" % (self.name, base64.b64encode(self.id + struct.pack(">Q", when) + sig).decode())).encode()


witness = Witness(k0)
at = Server(witness.answer)
with open(os.path.join(case.path, "ebb.yaml")) as f:
    config = f.read().split("\nevidence:")[0]
write(os.path.join(case.path, "ebb.yaml"), config + "\nevidence:\n  tsa: {url: \"%s\", ca: ca.pem}\n  timeout_s: 10\n"
      "  witnesses:\n    - {url: \"%s\", vkey: \"%s\"}\n" % (server.url, at.url, witness.vkey))
ok("403" in rita.ebb(case, "log", "witness").out, "a witness that knows the old key alone refuses the new")
equal(follow(read(file0).decode(), witness.known[-1]), k1, "it follows")
witness.known = [k1]
equal(rita.ebb(case, "log", "witness").code, 0, "and signs")
equal(rita.ebb(case, "log", "timestamp").code, 0, "a time stamp")


def export(name):
    path = os.path.join(folder(), "bundle")
    got = rita.ebb(case, "exhibit", "export", name, "--entries", "1-3", "--output", path)
    if got.code:
        print("# " + got.err)
    return path


def holds(path, name):
    got = run("sh", os.path.join(path, "verify.sh"))
    if not ok(got.code == 0, name):
        print("# " + (got.out + got.err).replace("\n", "\n# "))
    return got.out


before = export("before")
holds(before, "an exhibit holds")
equal(rotate(rita, case, why="again").code, 0, "once more")
k2 = vkey(case)
holds(before, "the exhibit that was made before holds")
paul.rows(case, "case", "order", "add", "--id", "o2", "--court", "District Court")
after = export("after")
said = holds(after, "one that is made after, with a stamp and a witness from before")
ok(k0.strip() in said and k1.strip() in said and "stamped at" in said and "witness witness.example/w signed" in said,
   "it names the keys of before, stamp and witness")
equal(run(EBB, "key", "follow", write(os.path.join(folder(), "k0"), k0), *sorted(glob.glob(case.path + "/log/rotated/*"))).out, k2,
      "two steps from the first key")
equal(case.ebb("log", "verify", "--since-checkpoint", since).code, 0, "consistent with the first checkpoint")


def forge(name, change):
    to = os.path.join(folder(), "bundle")
    shutil.copytree(after, to)
    change(to)
    rows, manifest = [], os.path.join(to, "manifest.json")
    for line in read(manifest).decode().split("\n"):
        if '"path": "' in line:
            path = line.split('"path": "')[1].split('"')[0]
            old = line.split('"sha256": "')[1].split('"')[0]
            if os.path.exists(os.path.join(to, path)):
                line = line.replace(old, hashlib.sha256(read(to, path)).hexdigest())
        rows.append(line)
    write(manifest, "\n".join(rows))
    write(os.path.join(to, "manifest.sha256"), hashlib.sha256(read(manifest)).hexdigest() + "  manifest.json\n")
    for f in ("manifest.sig", "account.pem", "account.entry"):
        if os.path.exists(os.path.join(to, f)) and f == "manifest.sig":
            os.remove(os.path.join(to, f))
    got = run("sh", os.path.join(to, "verify.sh"))
    ok(got.code != 0 and not glob.glob("/tmp/escaped*"), "forged, %s: %s" % (name, got.out.strip().split("\n")[-1][:100]))


id1 = k1.split("+")[1]


def edit(old, new):
    def change(to):
        path = os.path.join(to, "rotated", id1)
        data = read(path)
        if old not in data:
            ok(False, "nothing to forge")
        write(path, data.replace(old, new, 1))
    return change


forge("another earlier key", edit(k1.strip().encode(), k0.strip().encode()))
forge("a key id that leads elsewhere", edit(b"+" + id1.encode() + b"+", b"+../../../tmp/escaped+"))
forge("a changed index", edit(b"rotation v1\n", b"rotation v1 \n"))

# ---- tampering ----

copy = os.path.join(folder(), "case")
shutil.copytree(case.path, copy)
tampered = Case(copy, init=False)
os.remove(os.path.join(copy, "log", "rotated", id1))
got = tampered.ebb("log", "verify")
ok(got.code == 1 and "log/rotated/" + id1 in got.err, "a file of log/rotated that is gone is missed: " + got.err.strip()[:90])
write(os.path.join(copy, "log", "rotated", id1), read(file0))
ok(tampered.ebb("log", "verify").code == 1, "so is another's in its place")
shutil.copy(os.path.join(case.path, "log", "rotated", id1), os.path.join(copy, "log", "rotated", id1))
tampered.verifies("with its own it holds")
write(os.path.join(copy, "log", "vkey"), k1)
got = tampered.ebb("log", "verify")
ok(got.code == 1, "back to an old key: " + got.err.strip()[:90])
got = tampered.ebb("log", "redact", str(row["entry"]), "--who", "x", "--why", "y")
ok(got.code == 1, "and no entry that replaces a key is erased")
got = rita.ebb(case, "log", "redact", str(row["entry"]), "--who", "x", "--why", "y")
ok(got.code == 1 and "replaces the log's key" in got.err, "that is said")
case.verifies("and nothing happened")

# ---- kill -9 ----

begin = time.monotonic()
equal(rotate(rita, case).code, 0, "how long one takes")
whole = time.monotonic() - begin
states, finished = set(), 0
rng = random.Random(1)
for i in range(KILLS):
    was = vkey(case)
    p = subprocess.Popen([EBB, "-C", case.path, "key", "rotate", "log", "--why", "kill"], env=rita.env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    if i % 2:  # from the first trace of it on
        while p.poll() is None and not os.path.exists(case.path + "/keys/log.key.next") and time.monotonic() < end:
            pass
        time.sleep(rng.random() * 0.03)
    else:
        time.sleep(whole * (0.3 + 0.7 * rng.random()))
    p.send_signal(signal.SIGKILL)
    p.wait(20)
    states.add((os.path.exists(case.path + "/keys/log.key.next"), vkey(case) != was, os.path.exists(case.path + "/keys/log.key.gone")))
    verify = case.ebb("log", "verify")
    opened = paul.ebb(case, "case", "order", "add", "--id", "k%d" % i, "--court", "Court")
    if verify.code or opened.code or case.ebb("log", "verify").code:
        ok(False, "killed: %s %s" % (verify.err, opened.err))
    finished += vkey(case) != was
    left = [f for f in os.listdir(case.path + "/keys") if f not in ("log.key",)]
    if left:
        ok(False, "left behind: %s" % left)
ok(True, "killed %d times: %d were finished, states met: %d" % (KILLS, finished, len(states)))
chain, at_key = 0, k0
while os.path.exists(os.path.join(case.path, "log", "rotated", at_key.split("+")[1])):
    at_key = follow(read(case.path, "log", "rotated", at_key.split("+")[1]).decode(), at_key)
    chain += 1
equal(at_key, vkey(case), "from the first key to the last, %d steps, by an independent reader" % chain)

# ---- the seal's ----

public_port = free_port()
hole = Sinkhole(listen={"smtp": ("smtp", "")}, sensors=1, top="web: {public: \"127.0.0.1:%d\", public_url: \"http://t.example\"}" % public_port)
hole.order()
hole.asset("victim.example")
root = people(hole, rosa="custodian")["rosa"]
h0 = vkey(hole)
equal(rotate(root, hole).code, 0, "the log's key, before it is served")
hole.start()
ok("stop `ebb serve`" in rotate(root, hole).err, "the log's key is not replaced while `ebb serve` runs")


def page(path):
    end = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (public_port, path), timeout=5) as a:
                return a.status, a.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, ""
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


status, text = page("/log/rotated/" + h0.split("+")[1])
equal((status, follow(text, h0), page("/log/vkey")[1]), (200, vkey(hole), vkey(hole)), "the public pages have what leads to the new key")
equal([page("/log/rotated/" + n)[0] for n in ("00000000", "..", "%2e%2e%2fvkey", "x" * 8)], [404, 400, 400, 404], "and nothing else under that path")


def login(password):
    with smtplib.SMTP("127.0.0.1", hole.port["smtp"], timeout=10) as s:
        s.ehlo("client")
        try:
            s.login("someone", password)
        except smtplib.SMTPException:
            pass
        try:
            s.sendmail("a@sender.example", ["x@victim.example"], "Subject: x\n\nbody\n")
        except smtplib.SMTPException:
            pass


def sealed(password):
    """The events whose credentials have it, as `ebb unseal` opens them."""
    found = []
    for e in hole.events():
        got = hole.ebb("unseal", e["index"])
        for line in got.out.split():
            try:
                if password.encode() in base64.b64decode(line):
                    found.append(e["index"])
            except ValueError:
                pass
    return found


def settled(password):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = sealed(password)
        if found:
            return found
        time.sleep(0.2)
    return []


login("first-secret")
ok(settled("first-secret"), "sealed to the first key, and opened")
public = read(hole.path, "keys", "seal.pub")
equal(rotate(root, hole, "seal").code, 0, "the seal's key is replaced while `ebb serve` runs")
ok(read(hole.path, "keys", "seal.pub") != public, "sensors seal to another now")
end = time.monotonic() + 10
while "reloaded" not in hole.said() and time.monotonic() < end:
    time.sleep(0.05)
login("second-secret")
ok(settled("second-secret") and sealed("first-secret"), "what is new and what is old is opened")
old = glob.glob(hole.path + "/keys/seal.*.key")
equal(len(old), 1, "by the key that is kept")
hidden = old[0] + ".away"
os.rename(old[0], hidden)
ok(not sealed("first-secret") and sealed("second-secret"), "without it what is old stays closed, what is new does not: sensors took it")
os.rename(hidden, old[0])
equal([r["state"] for r in hole.rows("key") if r["what"] == "seal"], ["in use", "opens what is old"], "ebb key lists both")
equal([r for r in (a.get("what") for a in hole.rows("log", "acts", "--kind", "key_rotated"))], ["log", "seal"], "both are on the log")
hole.stop()

# A crash between the entry and the files: as it was before them, with the next key beside.
new_secret = read(hole.path, "keys", "seal.key")
new_id = hashlib.sha256(bytes.fromhex(read(hole.path, "keys", "seal.pub").decode())).hexdigest()[:8]
write(os.path.join(hole.path, "keys", "seal.%s.key" % new_id), new_secret)
shutil.copy(old[0], os.path.join(hole.path, "keys", "seal.key"))
write(os.path.join(hole.path, "keys", "seal.pub"), public)
ok(any(r["check"] == "seal key" and r["state"] == "wrong" for r in hole.ebb("doctor", "--json").rows()), "the doctor sees it")
ok(sealed("first-secret") and sealed("second-secret"), "both are opened meanwhile")
equal(rotate(root, hole, "seal").code, 0, "rotating again finishes")
equal((read(hole.path, "keys", "seal.key"), len(hole.rows("log", "acts", "--kind", "key_rotated"))), (new_secret, 2),
      "with the key that the log names, and no second entry")
hole.verifies("the log holds")

done()
