"""Time stamps of a real `openssl ts` responder, cosignatures of a witness; both hostile, too."""
import base64
import hashlib
import os
import struct
import subprocess
import threading
import time

from ebbtest import EBB, Case, done, equal, folder, ok, run, write
from people import people
from tsa import Authority, Server, hang, openssl

REPLY = "application/timestamp-reply"


def configure(case, text):
    write(os.path.join(case.path, "ebb.yaml"), "name: stamped\nevidence:\n" + text)


def size(case):
    return case.rows("status")[0]["log_size"]


def refused(name, words, *command):
    before = size(case), os.path.exists(witnessed)
    result = case.ebb(*command, timeout=60)
    good = result.code == 1 and words in result.err and len(result.err.splitlines()) <= 2
    if not ok(good and (size(case), os.path.exists(witnessed)) == before, name):
        print("#   %d %s (log %s, was %s)" % (result.code, (result.out + result.err).strip(), size(case), before))


case = Case()
witnessed = os.path.join(case.path, "log", "checkpoint.witnessed")
carla = people(case, carla="custodian")["carla"]

# ---- nothing is configured ----

refused("without an authority", "names no authority", "log", "timestamp")
refused("without witnesses", "names none", "log", "witness")
equal(case.rows("log", "stamps"), [], "no stamps yet")
for text, word in (("  tsa: {url: \"ftp://tsa.example/\", ca: x}\n", "evidence.tsa.url"),
                   ("  tsa: {url: \"http://tsa.example/\"}\n", "evidence.tsa.ca"),
                   ("  tsa: {url: \"http://tsa.example/\", ca: x, policy: abc}\n", "evidence.tsa.policy"),
                   ("  witnesses: [{url: \"http://w.example/\", vkey: nonsense}]\n", "evidence.witnesses[0].vkey"),
                   ("  timeout_s: 100000\n", "evidence.timeout_s"),
                   ("  stamps: 1\n", "stamps")):
    configure(case, text)
    result = case.ebb("log", "stamps")
    ok(result.code and word in result.err, "a wrong config: %s" % word)

# ---- the authority ----

good, foreign = Authority(), Authority("Another TSA")
behave = {"answer": lambda handler, body: (200, REPLY, good.reply(body))}
server = Server(lambda handler, body: behave["answer"](handler, body))
write(os.path.join(case.path, "ca.pem"), open(good.at("root.pem")).read())
CONFIG = "  tsa: {url: \"%stsr\", ca: ca.pem}\n  timeout_s: 4\n" % server.url
configure(case, CONFIG)


def redirect(handler):
    handler.send_response(302)
    handler.send_header("Location", server.url + "elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def flip(reply, at=-20):
    reply = bytearray(reply)
    reply[at] ^= 1
    return bytes(reply)


def bad(name, words, answer):
    behave["answer"] = answer
    refused(name, words, "log", "timestamp")


bad("a refusal", "HTTP status 503", lambda h, b: (503, "text/plain", b"later"))
bad("garbage", "no time stamp response", lambda h, b: (200, REPLY, b"garbage"))
bad("nothing", "no time stamp response", lambda h, b: (200, REPLY, b""))
bad("an answer and more behind it", "no time stamp response", lambda h, b: (200, REPLY, good.reply(b) + b"x"))
bad("a huge answer", "larger than", lambda h, b: (200, REPLY, b"\x30" * (300 << 10)))


def endless(handler, body):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(20000):
            handler.wfile.write(b"x" * 4096)
    except OSError:
        pass


bad("an endless answer", "larger than", endless)
bad("a redirect is not followed", "HTTP status 302", lambda h, b: redirect(h))


bad("a server that hangs", "imeout", hang(6))
bad("a foreign authority", "certificate", lambda h, b: (200, REPLY, foreign.reply(b)))


def about(digest):
    """A stamp of something else, or with another nonce."""
    path = write(os.path.join(good.dir, "other"), digest)
    return openssl("ts", "-query", "-data", path, "-sha256", "-cert")


def without_nonce(handler, body):
    # imprint right, nonce of another question
    note = open(os.path.join(case.path, "log", "checkpoint"), "rb").read()
    return 200, REPLY, good.reply(about(note))


bad("another nonce", "nonce", without_nonce)
bad("another imprint", "imprint", lambda h, b: (200, REPLY, good.reply(about(b"something else"))))
first = {}


def replay(handler, body):
    first.setdefault("reply", good.reply(about(open(os.path.join(case.path, "log", "checkpoint"), "rb").read())))
    return 200, REPLY, first["reply"]


bad("an old answer again", "nonce", replay)
bad("one bit is changed", "does not hold", lambda h, b: (200, REPLY, flip(good.reply(b))))


bad("a request that was refused", "does not hold",
    lambda h, b: (200, REPLY, bytes.fromhex("30053003020102")))
weak = Authority("Web TSA", usage="server")
write(os.path.join(case.path, "weak.pem"), open(weak.at("root.pem")).read())
expired = Authority("Old TSA")
openssl("x509", "-req", "-in", expired.at("stamper.csr"), "-CA", expired.at("root.pem"), "-CAkey", expired.at("root.key"),
        "-set_serial", "8", "-extfile", expired.config, "-extensions", "stamper", "-days", "-1",
        "-out", expired.at("stamper.pem"))
write(os.path.join(case.path, "expired.pem"), open(expired.at("root.pem")).read())
configure(case, CONFIG.replace("ca.pem", "expired.pem"))


def any_reply(authority):
    """What `openssl ts` gives; it refuses by itself to stamp with some certificates."""
    def answer(handler, body):
        try:
            return 200, REPLY, authority.reply(body)
        except RuntimeError:
            return 200, REPLY, b"\x30\x03\x02\x01\x02"
    return answer


bad("an expired certificate", "expired", any_reply(expired))
configure(case, CONFIG.replace("ca.pem", "weak.pem"))
bad("a certificate that is none for time stamps", "", any_reply(weak))
configure(case, CONFIG.replace("ca.pem", "missing.pem"))
bad("certificates that are not there", "evidence.tsa.ca", any_reply(good))
configure(case, CONFIG.replace("ca.pem", "ebb.yaml"))
bad("a file without certificates", "no certificates", any_reply(good))
configure(case, CONFIG.replace("ca: ca.pem", "ca: ca.pem, policy: 1.3.6.1.4.1.99999.7"))
bad("a policy that the authority has not", "does not hold", any_reply(good))
configure(case, CONFIG.replace(str(server.port), "9"))
bad("nobody is there", "evidence.tsa.url", any_reply(good))
packs = os.path.join(case.path, "blobs", "pack")
ok(not os.path.isdir(packs) or not [f for f in os.listdir(packs) if f.endswith(".pack")],
   "nothing is kept of what does not hold")

configure(case, CONFIG.replace("ca: ca.pem", "ca: ca.pem, policy: 1.3.6.1.4.1.99999.2"))
behave["answer"] = any_reply(good)
before = open(os.path.join(case.path, "log", "checkpoint"), "rb").read()
was = size(case)
result = case.ebb("log", "timestamp", "--json")
equal(result.code, 0, "a time stamp: %s" % result.err.strip())
row = result.rows()[0]
equal((row["index"], row["size"], row["by"]), (was, was, "CN=Example TSA,O=Example"), "its row")
headers = server.requests[-1][1]
equal((server.requests[-1][0], headers["Content-Type"], headers.get("Accept")),
      ("/tsr", "application/timestamp-query", REPLY), "how it was asked")
act = case.ebb("log", "acts", "--kind", "timestamp").rows()[0]
ok("account" not in act and act["size"] == was, "a timer needs no account")
note = subprocess.run([EBB, "-C", case.path, "blob", "get", act["checkpoint"]], stdout=subprocess.PIPE).stdout
equal(note, before, "what was stamped is the checkpoint as it was published, byte for byte")
token, chain = os.path.join(good.dir, "token"), os.path.join(good.dir, "chain")
case.ebb("blob", "get", act["sha256"], "--output", token)
case.ebb("blob", "get", act["chain"], "--output", chain)
verify = openssl("ts", "-verify", "-data", write(os.path.join(good.dir, "note"), note), "-in", token, "-CAfile", chain)
ok(b"Verification: OK" in verify, "openssl finds that it holds")
ok(b"99999.2" in openssl("ts", "-reply", "-in", token, "-text"), "the policy is the one asked for")
result = case.ebb("log", "timestamp")
ok(result.code == 0 and "already" in result.err and size(case) == was + 1, "one a day")
result = carla.ebb(case, "log", "timestamp", "--force")
equal((result.code, size(case)), (0, was + 2), "or another, by who asks for it")
equal([a.get("account") for a in case.ebb("log", "acts", "--kind", "timestamp").rows()], [None, "carla"], "who is named")
rows = case.rows("log", "stamps")
equal([(r["what"], r["size"]) for r in rows], [("timestamp", was), ("timestamp", was + 1)], "the list")

# ---- a witness ----


class Witness:
    """C2SP tlog-witness, with Ed25519 by openssl; it knows one log."""

    def __init__(self, name="witness.example/w1"):
        self.dir, self.name = folder(), name
        self.key = os.path.join(self.dir, "key")
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        self.public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.id = hashlib.sha256(name.encode() + b"\n\x04" + self.public).digest()[:4]
        self.vkey = "%s+%s+%s" % (name, self.id.hex(), base64.b64encode(b"\x04" + self.public).decode())
        self.size, self.root, self.lock, self.said = 0, None, threading.Lock(), []

    def sign(self, text, when):
        message = b"cosignature/v1\ntime %d\n" % when + text
        signature = openssl("pkeyutl", "-sign", "-inkey", self.key, "-rawin",
                            "-in", write(os.path.join(self.dir, "message"), message))
        return "\u2014 %s %s\n" % (self.name, base64.b64encode(self.id + struct.pack(">Q", when) + signature).decode())

    def answer(self, handler, body):
        with self.lock:
            got = self.check(handler.path, body.decode())
            self.said.append(got[0])
            return got

    def check(self, path, body):
        if not path.endswith("/add-checkpoint"):
            return 404, "text/plain", b""
        head, _, note = body.partition("\n\n")
        old, *proof = head.split("\n")
        text, _, signatures = note.partition("\n\n")
        origin, count, root = text.split("\n")[:3]
        if origin != open(os.path.join(case.path, "log", "vkey")).read().split("+")[0]:
            return 404, "text/plain", b"unknown log\n"
        if not checkpoint_holds(text + "\n", signatures):
            return 403, "text/plain", b""
        old, count, root = int(old.split(" ")[1]), int(count), base64.b64decode(root)
        if old != self.size:
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        if not consistent(old, count, self.root, root, [base64.b64decode(p) for p in proof]):
            return 422, "text/plain", b""
        self.size, self.root = count, root
        return 200, "text/plain", self.sign(text.encode() + b"\n", int(time.time())).encode()


def checkpoint_holds(text, signatures):
    vkey = open(os.path.join(case.path, "log", "vkey")).read().strip()
    name, _, key = vkey.split("+", 2)
    for line in signatures.splitlines():
        if line.startswith("\u2014 %s " % name):
            der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(key)[1:]
            where = folder()
            return subprocess.run(
                ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", write(where + "/key", der), "-rawin",
                 "-in", write(where + "/text", text), "-sigfile",
                 write(where + "/sig", base64.b64decode(line.split(" ")[2])[4:])],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return False


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(first, second, first_root, second_root, proof):
    """RFC 9162, 2.1.4.2."""
    if first == 0:
        return not proof
    if first == second:
        return not proof and first_root == second_root
    if first & (first - 1) == 0:
        proof = [first_root] + proof
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    if not proof:
        return False
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


w1, w2 = Witness(), Witness("witness.example/w2")
behave1, behave2 = {"answer": w1.answer}, {"answer": w2.answer}
server1 = Server(lambda handler, body: behave1["answer"](handler, body))
server2 = Server(lambda handler, body: behave2["answer"](handler, body))
ONE = "  witnesses:\n    - {url: \"%s\", vkey: \"%s\"}\n" % (server1.url + "prefix", w1.vkey)
TWO = ONE + "    - {url: \"%s\", vkey: \"%s\"}\n" % (server2.url, w2.vkey)
configure(case, ONE + "  timeout_s: 4\n")


def lie(name, words, answer):
    behave1["answer"] = answer
    before = size(case)
    result = case.ebb("log", "witness", timeout=60)
    good = result.code == 1 and words in result.out and size(case) == before and not os.path.exists(witnessed)
    if not ok(good, "a witness that lies: " + name):
        print("#   %d %s" % (result.code, (result.out + result.err).strip()))


def text_of(body):
    return body.partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"


def plain(body):
    signature = openssl("pkeyutl", "-sign", "-inkey", w1.key, "-rawin", "-in",
                        write(os.path.join(w1.dir, "plain"), text_of(body)))
    line = base64.b64encode(w1.id + struct.pack(">Q", now) + signature).decode()
    return ("\u2014 %s %s\n" % (w1.name, line)).encode()


now = int(time.time())
lie("nothing", "no signature of its key", lambda h, b: (200, "text/plain", b""))
lie("garbage", "malformed", lambda h, b: (200, "text/plain", b"\xff\x00garbage\n"))
lie("no line's end", "no lines", lambda h, b: (200, "text/plain", w1.sign(text_of(b), now).encode()[:-1]))
lie("a signature of another's key", "no signature of its key",
    lambda h, b: (200, "text/plain", w2.sign(text_of(b), now).encode()))
lie("a signature of another checkpoint", "does not hold",
    lambda h, b: (200, "text/plain", w1.sign(text_of(b).replace(b"\n", b"x\n", 1), now).encode()))
lie("a signature without the time's prefix", "does not hold", lambda h, b: (200, "text/plain", plain(b)))


lie("a clock far ahead", "its clock is ahead", lambda h, b: (200, "text/plain", w1.sign(text_of(b), now + 86400).encode()))
lie("it does not know the log", "does not know this log", lambda h, b: (404, "text/plain", b"what?\x1b[31m\n"))
lie("it does not trust the key", "does not trust", lambda h, b: (403, "text/plain", b""))
lie("it has seen more than there is", "has lost some", lambda h, b: (409, "text/x.tlog.size", b"999999\n"))
lie("another size each time", "another size each time",
    lambda h, b: (409, "text/x.tlog.size", b"%d\n" % (1 + (b"old 1\n" in b))))
lie("another root", "two logs of this name", lambda h, b: (409, "text/x.tlog.size", b"0\n"))
for wrong in (b"", b"\n", b"-1\n", b"01\n", b"1", b"99999999999999999999999\n", b"1\n2\n"):
    lie("%r is no size" % wrong, "names no size", lambda h, b, w=wrong: (409, "text/x.tlog.size", w))
lie("a conflict of another kind", "refuses", lambda h, b: (409, "text/plain", b"1\n"))
lie("a huge answer", "larger than", lambda h, b: (200, "text/plain", b"x" * (300 << 10)))
lie("it hangs", "imeout", hang(6))

behave1["answer"] = w1.answer
was = size(case)
result = case.ebb("log", "witness", "--json")
equal((result.code, [r["result"] for r in result.rows()]), (0, ["signed"]), "a witness signs: %s" % result.err.strip())
equal((server1.requests[-1][0], w1.size, size(case)), ("/prefix/add-checkpoint", was, was + 1), "it has seen the log")
note = open(witnessed, "rb").read().decode()
ok(note.startswith(before.decode().split("\n")[0]) and note.count("\u2014") == 2 and w1.name in note, "the cosigned checkpoint")
case.verifies("the log verifies beside it")
ok(case.ebb("log", "verify", "--since-checkpoint", witnessed).code == 0, "readers of checkpoints take it as it is")
configure(case, TWO)
result = case.ebb("log", "witness", "--json")
equal((result.code, w1.said[-1], w2.said[-1:], w1.size, w2.size), (0, 200, [200], was + 1, was + 1),
      "two of them; the first is told a consistency proof at once")
behave1["answer"] = lambda h, b: (409, "text/x.tlog.size", b"%d\n" % 1) if b"old 1\n" not in b else (
    200, "text/plain", w1.sign(text_of(b), now).encode())
result = case.ebb("log", "witness", "--json")
equal([r["result"] for r in result.rows()], ["signed", "signed"], "who knows an older size than we thought is told from there")
behave1["answer"] = lambda h, b: (503, "text/plain", b"")
result = case.ebb("log", "witness", "--json")
ok(result.code == 1 and "1 of 2" in result.err and [r["result"] == "signed" for r in result.rows()] == [False, True],
   "one fails: the other's is kept, and the command says so")
acts = case.ebb("log", "acts", "--kind", "cosignature").rows()
equal([len(a["witnesses"].split()) for a in acts], [1, 2, 2, 1], "the acts name who signed")

# ---- in an exhibit, and from the log alone ----

exhibit = os.path.join(folder(), "x")
result = carla.ebb(case, "exhibit", "export", "Stamped", "--entries", "0-1", "--output", exhibit)
equal(result.code, 0, "an exhibit: %s" % result.err.strip())
result = run("sh", os.path.join(exhibit, "verify.sh"))
ok(result.code == 0 and "CN=Example TSA,O=Example stamped at" in result.out and
   "witness %s signed at" % w1.name in result.out and result.out.count("all entries of this exhibit") == 2,
   "has the stamp and the cosignature, and verifies")
for name in ("timestamp/token.tsr", "timestamp/checkpoint", "witness/checkpoint", "timestamp/ca.pem"):
    path = os.path.join(exhibit, name)
    data = open(path, "rb").read()
    write(path, data[:40] + bytes([data[40] ^ 1]) + data[41:])
    ok(run("sh", os.path.join(exhibit, "verify.sh")).code, "%s changed" % name)
    write(path, data)
stamps = case.rows("log", "stamps")
case.ebb("rebuild", "pursuit")
equal(case.rows("log", "stamps"), stamps, "a rebuild gives the same")
case.verifies("the log verifies")
server.stop()
server1.stop()
server2.stop()
done()
