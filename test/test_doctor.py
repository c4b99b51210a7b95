"""The doctor: each check is made to go wrong, in a case of its own or on the one that is at hand, and says so in words
that tell what to do. What needs another kernel, clock or disk is in the unit test of its thresholds."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

from ebbtest import EBB, Case, done, equal, folder, ok, run, skip, write
from people import people
from sinkhole import Sinkhole
from tsa import openssl

PUT_ACT = os.environ.get("EBB_PUT_ACT", "")


def doctor(case, *args, env=None):
    got = run(EBB, "-C", case.path, "doctor", "--json", *args, env=env)
    return got, got.rows()


def look(case, check, *args, what=None, env=None):
    _, rows = doctor(case, *args, env=env)
    return [r for r in rows if r["check"] == check and (what is None or r["what"] == what)]


def says(case, check, state, words, name, *args, what=None, env=None, todo=True):
    rows = look(case, check, *args, what=what, env=env)
    good = any(r["state"] == state and words in r["seen"] + " | " + (r["todo"] or "") and (bool(r["todo"]) or not todo) for r in rows)
    if not ok(good, name):
        print("#   %s" % "\n#   ".join(map(str, rows)))


def config(case, text):
    with open(os.path.join(case.path, "ebb.yaml")) as f:
        was = f.read()
    write(os.path.join(case.path, "ebb.yaml"), text if callable(text) is False else text(was))
    return was


# ---- as it comes ----

case = Case()
got, rows = doctor(case)
ok(got.code == 0 or any(r["state"] == "wrong" for r in rows), "exit 1 goes with a row that is wrong, and only with one")
names = [r["check"] for r in rows]
for want in ("config", "clock", "disk space", "disk type", "disk speed", "open files", "sandbox", "log", "log end", "views", "networks",
             "public suffixes", "rules", "orders", "delegation", "permissions", "seal key", "accounts", "nodes", "cluster"):
    ok(want in names, "there is a check: " + want)
ok(all(r["state"] in ("ok", "warn", "wrong", "skipped") and r["seen"] for r in rows), "each row has a state and what was seen")
ok(all(r["todo"] for r in rows if r["state"] in ("warn", "wrong")), "and what to do, where there is something to be done")
ok("check" in case.ebb("doctor", "--csv").out.split("\n")[0] and "state" in case.ebb("doctor").out.split("\n")[0], "CSV and text")
equal(case.ebb("doctor", "--resolver", "127.0.0.1").code, 2, "a resolver is only for --ask")
equal(case.ebb("doctor", "x").code, 2, "no argument")
says(case, "delegation", "skipped", "--ask", "without --ask it makes no traffic")
says(case, "seal key", "skipped", "ebb serve", "no seal's key yet", todo=False)
ok(not [f for f in os.listdir(case.path) if f.startswith(".doctor")], "it leaves nothing behind")

# ---- config ----

was = config(case, "nonsense: [\n")
got, rows = doctor(case)
ok(got.code == 1 and any(r["check"] == "config" and r["state"] == "wrong" for r in rows) and len(rows) > 20,
   "an ebb.yaml that cannot be read is wrong, and the other checks go on")
write(case.path + "/ebb.yaml", "cleanup:\n  sending: true\n")
says(case, "config", "wrong", "from.mail", "sending without a sender: said as everywhere")
write(case.path + "/ebb.yaml", "cleanup:\n  sending: true\n  from: {org: O, name: N, mail: a@example.org, domain: example.org}\n"
      "  returns: /nowhere/Maildir\n  smarthost: {host: mx.example, ca: ca.pem}\nevidence:\n  tsa: {url: \"http://127.0.0.1:1/\", ca: tsa.pem}\n"
      "nodes: {listen: \"127.0.0.1:8441\"}\nweb: {public: \"127.0.0.1:8080\"}\n")
for what in ("cleanup.returns", "cleanup.smarthost.ca", "evidence.tsa.ca"):
    says(case, "config whole", "wrong", "No such file", "a file that is named and not there: " + what, what=what)
says(case, "config whole", "warn", "ebb node add", "a centre without nodes", what="nodes.listen")
says(case, "config whole", "warn", "public_url", "pages without an address", what="web.public")
says(case, "contacts", "wrong", "nobody", "and sending without contacts")
write(case.path + "/ebb.yaml", "enrichment: {libloc: \"/nowhere/db\", mmdb_asn: \"/nowhere/asn.mmdb\"}\nrules: /nowhere\n")
says(case, "networks", "wrong", "/nowhere/db", "a database that is not there", what="libloc")
says(case, "networks", "wrong", "/nowhere/asn.mmdb", "neither is the other", what="mmdb_asn")
says(case, "rules", "wrong", "/nowhere", "rules that are not there")
for age, state in ((1, "ok"), (100, "warn"), (3000, "wrong")):
    made = int(time.time()) - age * 86400
    write(case.path + "/loc.db", b"LOCDBXX\x01" + struct.pack(">Q", made) + b"\0" * 64)
    write(case.path + "/ebb.yaml", "enrichment: {libloc: \"%s/loc.db\"}\n" % case.path)
    says(case, "networks", state, "%d days old" % age, "a database of %d days: %s" % (age, state), what="libloc", todo=state != "ok")
write(case.path + "/ebb.yaml", "enrichment: {libloc: \"\"}\n")
says(case, "networks", "warn", "not known", "no database at all")
write(case.path + "/ebb.yaml", "serve:\n  listen:\n    - {protocol: http, address: \"127.0.0.1\", port: 8080}\n  certificates:\n    - {chain: no.pem, key: no.key}\n")
says(case, "listeners", "wrong", "no.pem", "a certificate that is not there")
says(case, "certificates", "wrong", "no.pem", "is told by both")
says(case, "orders", "warn", "no order in force", "listeners without an order")
says(case, "serve", "warn", "does not run", "and without a daemon")
write(case.path + "/ebb.yaml", was)

# ---- certificates ----


def certificate(days):
    d = folder()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=t.example", "-keyout",
            d + "/key.pem", "-out", d + "/cert.pem", "-days", str(days))
    return d


for days, state in ((400, "ok"), (5, "warn")):
    d = certificate(days)
    write(case.path + "/ebb.yaml", "web:\n  public_certificate: %s/cert.pem\n  public_key: %s/key.pem\n" % (d, d))
    says(case, "certificates", state, "holds for", "a certificate of %d days: %s" % (days, state), todo=state != "ok")
fake = shutil.which("faketime")
if fake:
    got = run(fake, "+10 days", EBB, "-C", case.path, "doctor", "--json").rows()
    ok(any(r["check"] == "certificates" and r["state"] == "wrong" and "over" in r["seen"] for r in got), "and when it is over")
else:
    skip("and when it is over", "no faketime")
write(case.path + "/web.pem", "no certificate\n")
write(case.path + "/ebb.yaml", "web:\n  public_certificate: web.pem\n  public_key: web.pem\n")
says(case, "certificates", "wrong", "not a certificate", "a file that is none")
write(case.path + "/ebb.yaml", was)

# ---- the clock ----

if PUT_ACT:
    ahead = Case()
    # as a clock that was an hour ahead leaves it: the entry is put by a process whose clock is
    if fake:
        subprocess.run([fake, "+1 hour", PUT_ACT, ahead.path], input="60 a0\n", text=True, check=True, stdout=subprocess.DEVNULL)
        says(ahead, "clock and log", "wrong", "still to come", "an entry of the future")
    else:
        skip("an entry of the future", "no faketime")
says(case, "clock and log", "ok", "newest entry", "else not", todo=False)

# ---- the log ----

broken = Case()
people(broken, rita="custodian")
with open(broken.segments()[-1], "ab") as f:
    f.write(b"\0\0\0\x20torn")
says(broken, "log end", "warn", "piece of one", "a torn tail")
write(broken.path + "/keys/log.key.next", "nothing\n")
says(broken, "log key", "warn", "interrupted", "a rotation that was interrupted")
os.remove(broken.path + "/keys/log.key.next")
path = os.path.join(broken.path, "log", "checkpoint")
with open(path, "rb") as f:
    checkpoint = f.read()
write(path, checkpoint.replace(b"\n2\n", b"\n1\n"))
got, rows = doctor(broken)
ok(got.code == 1 and any(r["state"] == "wrong" and "signature" in r["seen"] for r in rows), "a checkpoint that was changed")
write(path, checkpoint)
tiles = [os.path.join(d, f) for d, _, fs in os.walk(broken.path + "/log/tile") for f in fs]
newest = max(t for t in tiles if "/tile/0/" in t)
with open(newest, "r+b") as f:
    f.write(b"\xff")
got, rows = doctor(broken)
ok(got.code == 1 and any(r["check"] == "log" and r["state"] == "wrong" for r in rows), "a tile that was changed")
empty = Case(os.path.join(folder(), "none"), init=False)
os.makedirs(empty.path)
got, rows = doctor(empty)
ok(got.code == 1 and rows[0]["check"] == "case" and rows[0]["state"] == "wrong", "a folder that is no case")
write(case.path + "/ebb.yaml", was.split("\nevidence:")[0] + "\nevidence:\n  tsa: {url: \"http://127.0.0.1:1/\", ca: ca.pem}\n")
says(case, "time stamps", "warn", "none was ever given", "a time stamp authority that was never asked")
write(case.path + "/ebb.yaml", was)

# ---- keys ----

for name, mode, want in (("keys", 0o755, "chmod 0700"), ("keys/log.key", 0o644, "chmod 0600"), ("ebb.yaml", 0o666, "chmod go-w"),
                         ("journal", 0o750, "chmod 0700")):
    path = os.path.join(case.path, name)
    before = os.stat(path).st_mode & 0o7777
    os.chmod(path, mode)
    says(case, "permissions", "wrong", want, "%s with mode %04o" % (name, mode), what=name)
    os.chmod(path, before)
says(case, "permissions", "ok", "", "and as they should be", todo=False)
if os.geteuid() == 0:
    os.chown(case.path + "/keys/log.key", 12345, 12345)
    says(case, "permissions", "wrong", "12345", "a key of another user", what="keys/log.key")
    os.chown(case.path + "/keys/log.key", 0, 0)
else:
    skip("a key of another user", "not root")
write(case.path + "/secret", "x\n")
os.chmod(case.path + "/secret", 0o644)
write(case.path + "/ebb.yaml", "cleanup:\n  smarthost: {host: mx.example, user: u, password_file: secret}\n")
says(case, "passwords", "wrong", "chmod 0600", "a password that others may read")
os.remove(case.path + "/secret")
says(case, "passwords", "wrong", "make the file", "or that is not there")
write(case.path + "/ebb.yaml", was)

# ---- limits ----

low = run("sh", "-c", "ulimit -n 256; exec \"$0\" -C \"$1\" doctor --json", EBB, case.path).rows()
ok(any(r["check"] == "open files" and r["state"] == "wrong" and "LimitNOFILE" in r["todo"] for r in low), "too few open files")
core = run("sh", "-c", "ulimit -c unlimited 2>/dev/null; ulimit -c; exec \"$0\" -C \"$1\" doctor --json", EBB, case.path)
if core.out.startswith("unlimited"):
    ok("core files" in core.out, "core files")
else:
    skip("core files", "they cannot be turned on here")

# ---- the disk ----

small = os.path.join(folder(), "disk")
os.makedirs(small)
script = ("mount -t tmpfs -o size=4m,nr_inodes=%d tmpfs \"$1\" && cp -r \"$2\" \"$1/case\" && exec \"$0\" -C \"$1/case\" doctor --json")
for inodes, check, state in ((0, "disk type", "warn"), (0, "disk space", "wrong"), (90, "disk files", "ok")):
    got = run("unshare", "-m", "sh", "-c", script % inodes, EBB, small, case.path) if os.geteuid() == 0 else None
    if got is None or not got.out:
        skip(check, "no mount namespace")
        continue
    rows = [r for r in got.rows() if r["check"] == check]
    ok(rows and rows[0]["state"] == state, "%s on a small tmpfs: %s" % (check, rows[0]["seen"] if rows else "missing"))
if os.geteuid() == 0:
    got = run("unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=4m tmpfs \"$1\" && cp -r \"$2\" \"$1/case\" && mount -o remount,ro \"$1\" && "
              "exec \"$0\" -C \"$1/case\" doctor --json", EBB, small, case.path)
    if got.out:
        ok(any(r["check"] == "disk speed" and r["state"] == "wrong" and "written to" in r["seen"] for r in got.rows()), "a disk that cannot be written to")
    else:
        skip("a disk that cannot be written to", "no mount namespace")

# ---- accounts ----

says(case, "accounts", "warn", "there are none", "no accounts")
some = Case()
who = people(some, rita="custodian", rene="reviewer")
says(some, "accounts", "warn", "one custodian", "one custodian", what="custodian")
who["rita"].ebb(some, "account", "add", who["rene"].public, "--roles", "reviewer",
                "--until", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400)))
says(some, "accounts", "warn", "ends within", "an account that ends soon", what="rene")
who["rita"].ebb(some, "account", "close", "rene", "--why", "left")
says(some, "accounts", "warn", "two persons", "nobody for what needs two", what="two persons")

# ---- orders ----


def must(c, *args):
    got = c.ebb(*args)
    if got.code:
        raise RuntimeError("%s: %s" % (" ".join(args), got.err))


def day(n):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * 86400))


owned = Case()
must(owned, "case", "order", "add", "--id", "soon", "--court", "C", "--from", "2020-01-01", "--until", day(5))
says(owned, "orders", "warn", "nothing is seized", "an order without assets", what="soon")
must(owned, "case", "asset", "add", "a.example", "--order", "soon")
says(owned, "ends soon", "warn", "soon", "an order that ends soon")
must(owned, "case", "order", "add", "--id", "gone", "--court", "C", "--from", "2020-01-01", "--until", "2099-01-01")
must(owned, "case", "asset", "add", "b.example", "--order", "gone")
must(owned, "case", "order", "close", "gone", "--why", "over")
says(owned, "orders", "wrong", "still under it", "an order that is closed, with assets under it", what="gone")

# ---- delegation ----


class Resolver:
    """Answers A from a table, over UDP on loopback: name -> addresses, an rcode, or None (silence)."""

    def __init__(self, table):
        self.table, self.asked = table, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind, end = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0], at + 5
            self.asked.append((name, kind))
            answer = self.find(name)
            if answer is None:
                continue
            if answer == "junk":
                self.socket.sendto(query[:3] + os.urandom(40), peer)
                continue
            rcode, records = (answer, []) if isinstance(answer, int) else (0, [])
            if rcode == 0 and kind == 1:
                records = [(1, socket.inet_aton(a)) for a in answer if ":" not in a]
            if rcode == 0 and kind == 28:
                records = [(28, socket.inet_pton(socket.AF_INET6, a)) for a in answer if ":" in a]
            if rcode == 0 and kind == 2:
                records = [(2, b"\x03ns1\x07example\x00")]
            body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", k, 1, 60, len(d)) + d for k, d in records)
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(records), 0, 0) + query[12:end] + body, peer)

    def find(self, name):
        if name in self.table:
            return self.table[name]
        return self.table.get("*." + name.partition(".")[2], 3)


resolver = Resolver({"here.example": ["192.0.2.1"], "elsewhere.example": ["198.51.100.7"], "shared.example": ["192.0.2.1", "198.51.100.7"],
                     "failing.example": 2, "silent.example": None, "*.wild.example": ["192.0.2.1"], "junk.example": "junk",
                     "six.example": ["2001:db8::1"]})
named = Sinkhole(policies="""
    - name: default
      dns: {records: ["* A 192.0.2.1", "* AAAA 2001:db8::1", "@ MX 10 mx"]}
""")
named.order()
named.asset("here.example", "elsewhere.example", "shared.example", "failing.example", "silent.example", "lapsed.example", "*.wild.example",
            "junk.example", "six.example")
ask = ("--ask", "--resolver", "127.0.0.1:%d" % resolver.port)
begin = time.monotonic()
_, rows = doctor(named, *ask)
took = time.monotonic() - begin
rows = {r["what"] or "": r for r in rows if r["check"] == "delegation"}
for name, state, words in (("elsewhere.example", "wrong", "198.51.100.7 (name server ns1.example)"), ("shared.example", "warn", "somebody else"),
                           ("failing.example", "warn", "rcode 2"), ("silent.example", "warn", "no answer"),
                           ("lapsed.example", "wrong", "no such name"), ("junk.example", "warn", "")):
    row = rows.get(name, {})
    if not ok(row.get("state") == state and words in row["seen"] + " | " + row["todo"], "%s: %s" % (name, words)):
        print("#   %s" % row)
ok("here.example" not in rows and "wild.example" not in rows and "six.example" not in rows and "3 come here" in rows[""]["seen"],
   "those that come here are counted: " + rows[""]["seen"])
ok(any(n.endswith(".wild.example") and len(n) > 15 for n, _ in resolver.asked), "of a wildcard a name below it is asked for")
ok(took < 40, "in a bounded time (%.1f s)" % took)
asked = len(resolver.asked)
doctor(named)
equal(len(resolver.asked), asked, "and without --ask nothing is asked")
got = look(named, "delegation", "--ask", "--resolver", "nonsense")
ok(got and got[0]["state"] == "wrong" and "ADDRESS" in got[0]["seen"], "a resolver that is none")
named.asset("192.0.2.9", "127.0.0.1")
says(named, "addresses", "warn", "interface", "an address that this machine does not have", what="192.0.2.9")

# ---- served ----

served = Sinkhole(sensors=1)
served.order()
served.asset("a.example")
served.start()
_, rows = doctor(served)
state = {(r["check"], r["what"] or ""): r for r in rows}
equal([state.get((c, ""), {}).get("state") for c in ("serve", "log", "seal key", "orders")], ["ok"] * 4, "a served case is well")
ok("running daemon" in state[("open files", "")]["seen"], "limits are the daemon's")
equal(state[("log end", "")]["state"], "skipped", "the log's end is the recorder's")
served.stop()
write(served.path + "/keys/seal.pub", "00" * 32 + "\n")
says(served, "seal key", "wrong", "rotate seal", "the seal's files do not fit")

done()
