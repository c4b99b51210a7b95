"""Nodes and their centre: three nodes report to one `ebb serve`; their censuses join to the truth; a log that is rolled
back or forked is caught at its next report, and nothing that anybody else can send raises an alarm."""
import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import time

from ebbtest import EBB, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole, free_port

PORT = free_port()
FAMILIES = ["rustock", "cutwail", "grum"]


def rows_of(seed, n=300):
    """Feed rows of one sinkhole: addresses that the others see, too."""
    rng = random.Random(seed)
    out = []
    for _ in range(n):
        k = rng.randrange(220)
        address = "198.51.100.%d" % k if k % 4 else "2001:db8:%x::%x" % (k // 40, k)
        out.append({"timestamp": "2011-03-%02d %02d:00:00" % (10 + rng.randrange(9), rng.randrange(24)),
                    "src_ip": address, "src_port": 1000 + k, "src_asn": 64496 + k // 50,
                    "src_geo": ["DE", "US", "BR", "NL", "FR"][k // 50], "dst_ip": "192.0.2.1", "dst_port": 80,
                    "infection": FAMILIES[rng.randrange(3)], "family": FAMILIES[rng.randrange(3)], "tag": "x",
                    "http_host": "x.example"})
    return out


class Node(Case):
    """A sensor node: a case of its own, fed by imports."""

    def __init__(self, name, path=None, init=True):
        super().__init__(path, init)
        self.name = name

    def configure(self, vkey):
        write(os.path.join(self.path, "ebb.yaml"),
              'nodes:\n  centre: "http://127.0.0.1:%d"\n  centre_vkey: "%s"\n' % (PORT, vkey))

    def vkey(self):
        with open(os.path.join(self.path, "log", "vkey")) as f:
            return f.read().split("\n")[0]

    def origin(self):
        return self.vkey().split("+")[0]

    def feed(self, seed, n=300):
        path = write(os.path.join(folder(), "%s-%d.csv" % (self.name, seed)), feed_text(rows_of(seed, n)))
        result = self.ebb("import", "--format", "shadowserver", path)
        if result.code:
            raise RuntimeError(result.err)
        return path

    def push(self):
        return self.ebb("node", "push", "--json")

    def checkpoint(self):
        with open(os.path.join(self.path, "log", "checkpoint"), encoding="utf-8") as f:
            return f.read()

    def size(self):
        return int(self.checkpoint().split("\n")[1])

    def copy(self, name):
        path = os.path.join(folder(), "case")
        shutil.copytree(self.path, path)
        return Node(name, path, init=False)


def request(method, path, body=b"", wait=10):
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=wait)
    c.request(method, path, body)
    r = c.getresponse()
    out = r.status, r.getheader("Content-Type") or "", r.read()
    c.close()
    return out


def post(body, path="/add-checkpoint"):
    """The throttle is not what is tested: too many requests are asked again."""
    for _ in range(50):
        out = request("POST", path, body if isinstance(body, bytes) else body.encode())
        if out[0] != 429:
            return out
        time.sleep(0.2)
    return out


centre = Sinkhole(listen={"http": ("http", "")}, sensors=1,
                  top='nodes:\n  listen: "127.0.0.1:%d"\n  silent_minutes: 60' % PORT)
oscar = people(centre, oscar="custodian operator")["oscar"]
VKEY = centre.must("node", "--vkey").out.strip()
equal(centre.must("node", "--vkey").out.strip(), VKEY, "the centre's key as a witness is made once")
ok(base64.b64decode(VKEY.split("+", 2)[2])[0] == 4, "and is a cosigner's")


def state(name):
    return {r["node"]: r for r in centre.rows("node")}[name]


def verdicts():
    result = centre.ebb("node", "check", "--json")
    return result.code, {r["node"]: r for r in result.rows()}


# ---- nodes are known ----

nodes = [Node(n) for n in ("alpha", "beta", "gamma")]
alpha, beta, gamma = nodes
files = [n.feed(i + 1) for i, n in enumerate(nodes)]
for n in nodes:
    n.configure(VKEY)
ok(oscar.ebb(centre, "node", "add", "alpha", alpha.vkey()).code == 0, "a node is added before the centre runs")
centre.start()
for n in (beta, gamma):
    result = oscar.ebb(centre, "node", "add", n.name, n.vkey())
    ok(result.code == 0 and VKEY in result.out, "%s while it runs, and is told the key to trust" % n.name)
for args, what in ((("other", alpha.vkey()), "another node's log"), (("a/b", Node("x").vkey()), "a name that is none"),
                   (("own", open(os.path.join(centre.path, "log", "vkey")).read().strip()), "our own log"),
                   (("bad", "x+00000000+AAAA"), "a key that is none")):
    ok(oscar.ebb(centre, "node", "add", *args).code != 0, "refused: %s" % what)
ok(centre.ebb("node", "add", "nobody", Node("y").vkey()).code == 1, "refused: by nobody")

# ---- they report ----

for n in nodes:
    result = n.push()
    ok(result.code == 0, "%s reports" % n.name) or print("# " + result.err)
    row = result.rows()[0]
    ok(row["log_size"] == n.size() and row["census_position"] <= n.size() and row["sent_bytes"] > 0,
       "its checkpoint and all of its census")
    s = state(n.name)
    ok(s["log_size"] == n.size() and s["state"] == "holds" and s["census_position"] == row["census_position"],
       "the centre knows it")
row = alpha.push().rows()[0]
equal(row["sent_bytes"], 0, "a census that has not changed is not sent again")
equal(verdicts()[0], 0, "all hold")

with open(os.path.join(alpha.path, "log", "checkpoint.centre"), encoding="utf-8") as f:
    ok(VKEY.split("+")[0] in f.read(), "the cosigned checkpoint is kept by the node")
hashed = hashlib.sha256(alpha.origin().encode()).hexdigest()
status, kind, body = request("GET", "/%s/checkpoint" % hashed)
ok(status == 200 and body.decode().count("\u2014 ") == 2 and body.decode().startswith(alpha.origin()),
   "monitors get the checkpoint with both signatures")
equal(request("GET", "/%s/checkpoint" % ("0" * 64))[0], 404, "of an unknown log: 404")

# ---- any tlog-witness client ----

write(os.path.join(beta.path, "ebb.yaml"), 'evidence:\n  witnesses:\n    - {url: "http://127.0.0.1:%d/", vkey: "%s"}\n'
      % (PORT, VKEY))
beta.feed(20, 10)
result = beta.ebb("log", "witness", "--json")
ok(result.code == 0 and result.rows()[0]["result"] == "signed", "`ebb log witness` works with the centre as it is")
equal(state("beta")["log_size"], result.rows()[0]["size"], "and what it signed is seen")
beta.configure(VKEY)
beta.push()

# ---- the joined census is the truth ----

truth = Case()
for path in files + [None]:
    if path:
        run(EBB, "-C", truth.path, "import", "--format", "shadowserver", path)
own = Node("own").feed(9)
truth.ebb("import", "--format", "shadowserver", own)
extra = write(os.path.join(folder(), "extra.csv"), feed_text(rows_of(20, 10)))
truth.ebb("import", "--format", "shadowserver", extra)
centre.stop()
centre.must("import", "--format", "shadowserver", own)
for by in ("day", "country", "asn", "network", "family", "address"):
    got, want = centre.rows("census", "--nodes", "--by", by), truth.rows("census", "--by", by)
    ok(len(want) >= 3 and got == want, "by %s: joined, it is the census of one case with all of it" % by)
alone = sum(r["addresses"] for c in (centre, *nodes) for r in c.rows("census", "--by", "family"))
ok(alone > 1.5 * sum(r["addresses"] for r in truth.rows("census", "--by", "family")), "where a sum would count bots twice")
ok("alpha" in centre.ebb("census", "--nodes").err, "it says which nodes are in it")
ok(centre.ebb("census", "--nodes", "--estimate").code == 2, "hosts are one node's to estimate")

# ---- restart, and a node that comes and goes ----

centre.start()
gamma.feed(30, 5)
ok(gamma.push().code == 0 and state("gamma")["log_size"] == gamma.size(), "after a restart it goes on")
ok(oscar.ebb(centre, "node", "remove", "gamma", "--why", "moved").code == 0, "a node goes")
equal(state("gamma")["state"], "gone", "and is gone")
result = gamma.push()
ok(result.code == 1 and "404" in result.err, "what it sends is refused") or print("# " + result.err)
equal(post("old 0\n\n" + gamma.checkpoint())[0], 404, "by 404")
with_gamma = centre.rows("census", "--nodes", "--by", "address")
ok(oscar.ebb(centre, "node", "add", "gamma", gamma.vkey()).code == 0 and gamma.push().code == 0, "and comes back")
equal(centre.rows("census", "--nodes", "--by", "address"), with_gamma, "what it saw was never gone")

# ---- every answer of the specification ----

good = "old %d\n\n%s" % (alpha.size(), alpha.checkpoint())
status, kind, body = post(good)
ok(status == 200 and body.decode().startswith("\u2014 %s " % VKEY.split("+")[0]), "the same checkpoint is cosigned again")
status, kind, body = post("old 0\n\n" + alpha.checkpoint())
ok(status == 409 and kind == "text/x.tlog.size" and body == b"%d\n" % alpha.size(), "a wrong old size: 409 and the known one")
equal(post("old 0\n\n" + Node("z").checkpoint())[0], 404, "an unknown log: 404")
lines = alpha.checkpoint().split("\n")
forged = "\n".join([lines[0], str(int(lines[1]) + 1)] + lines[2:])
equal(post("old %d\n\n%s" % (alpha.size(), forged))[0], 403, "a signature that does not hold: 403")
twin = Node("twin")
equal(post("old %d\n\n%s\n\n%s" % (alpha.size(), "\n".join(lines[:3]), twin.checkpoint().split("\n\n")[1]))[0], 403,
      "signed by another: 403")
equal(post("old %d\n\n%s" % (alpha.size() + 1, alpha.checkpoint()))[0], 400, "an old size over the checkpoint's: 400")
equal(post("old %d\n%s\n\n%s" % (alpha.size(), base64.b64encode(bytes(32)).decode(), alpha.checkpoint()))[0], 422,
      "a proof where there is to be none: 422")
for body, what in ((b"", "nothing"), (b"\0\xff" * 200, "bytes"), (b"old 1\n", "half a request"), (b"old 01\n\n" + good.encode(), "a leading zero"),
                   (("old 0\n" + "A" * 44 + "\n\n" + alpha.checkpoint()).encode() * 3, "more than one"),
                   (("old 0\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64 + "\n" + alpha.checkpoint()).encode(),
                    "64 hashes")):
    equal(post(body)[0], 400, "%s: 400" % what)
equal(request("GET", "/add-checkpoint")[0], 405, "GET: 405")
equal(request("POST", "/elsewhere", b"x")[0], 404, "elsewhere: 404")
equal(post(b"x" * 70000)[0], 413, "a body over 64 KiB: 413")
equal(post(b"x" * 1000, "/census")[0], 400, "no statement: 400")
equal(post(b"x" * 1000, "/census/%s/0" % hashed)[0], 404, "a part of a census that nobody announced: 404")
slow = socket.create_connection(("127.0.0.1", PORT))
slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nold ")
equal(post(good)[0], 200, "who is slow keeps nobody waiting")
equal(verdicts()[0], 0, "and nothing of that was an alarm")

# ---- replays ----

older = alpha.checkpoint()
backup = alpha.copy("backup")
older_size = alpha.size()
alpha.feed(40, 20)
ok(alpha.push().code == 0, "alpha grows")
equal(post("old %d\n\n%s" % (older_size, older))[0], 409, "its older checkpoint once more: 409")
equal(post("old 0\n\n" + older)[0], 409, "however it is sent")
code, found = verdicts()
ok(code == 0 and found["alpha"]["state"] == "holds", "a replay is no alarm")

# ---- a log that was rolled back: the report from an old backup ----

result = backup.push()
ok(result.code == 1 and "rolled back" in result.err, "a node that was restored from an old copy says what has happened") \
    or print("# " + result.err)
code, found = verdicts()
ok(code == 1 and found["alpha"]["state"] == "rollback", "and the centre has an alarm at its first report")
equal(found["gamma"]["state"], "holds", "of that node alone")
evidence = centre.must("blob", "get", found["alpha"]["sha256"]).out
ok(evidence.startswith("ebb node statement v1\n" + alpha.origin()), "with what the node has signed")
alarms = state("alpha")["alarms"]
backup.push()
time.sleep(1.1)
backup.push()
equal(state("alpha")["alarms"], alarms, "the same again is the same alarm")
ok("a node's log does not hold" in centre.said(), "it is in the service's log")
served = centre.serve()["nodes"]
ok({n["name"]: n["alarms"] for n in served}["alpha"] == 1, "and in `ebb status`")
desk = http.client.HTTPConnection("127.0.0.1", centre.desk, timeout=5)
desk.request("GET", "/metrics")
ok('ebb_node_alarms{node="alpha"} 1' in desk.getresponse().read().decode(), "and in the metrics")
ok(oscar.ebb(centre, "node", "add", "alpha", alpha.vkey(), "--why", "the restored copy was shut down").code == 0
   and verdicts()[0] == 0, "it stays until somebody answers for it")
ok(alpha.push().code == 0, "the log itself goes on")

# ---- rolled back, and grown again ----

again = backup.copy("again")
again.feed(50, 400)
ok(again.size() > alpha.size(), "a restored copy that has grown beyond what was seen")
result = again.push()
ok(result.code == 1 and "another root" in result.err, "says what has happened") or print("# " + result.err)
code, found = verdicts()
ok(code == 1 and found["alpha"]["state"] in ("fork", "rollback"), "and is caught at its first report")
oscar.ebb(centre, "node", "add", "alpha", alpha.vkey())
shorter = backup.copy("shorter")
shorter.feed(51, 1)
time.sleep(1.1)  # a statement has its second, and only one of a later second than the last is heard
ok(backup.size() < shorter.size() < alpha.size(), "one that has grown a little")
ok(shorter.push().code == 1 and verdicts()[1]["alpha"]["state"] in ("fork", "rollback"), "is caught, too")
oscar.ebb(centre, "node", "add", "alpha", alpha.vkey())
equal(verdicts()[0], 0, "answered for")

# ---- a fork: two copies go on ----

one, two = beta.copy("one"), beta.copy("two")
one.feed(60, 30)
two.feed(61, 60)
ok(one.push().code == 0, "the first of two copies goes on")
result = two.push()
ok(result.code == 1 and verdicts()[1]["beta"]["state"] == "fork", "the second is caught at its first report")
ok(one.push().code == 1 and "alarm" in one.push().err, "while the alarm is open, no census is taken")
oscar.ebb(centre, "node", "add", "beta", beta.vkey())
ok(one.push().code == 0, "until it is answered for")

# ---- the same size, another root; by a plain witness's client alone ----

three = gamma.copy("three")
for n, seed in ((gamma, 70), (three, 71)):
    n.feed(seed, 7)
ok(gamma.push().code == 0 and gamma.size() == three.size() and gamma.checkpoint() != three.checkpoint(),
   "two logs of one size")
write(os.path.join(three.path, "ebb.yaml"), 'evidence:\n  witnesses:\n    - {url: "http://127.0.0.1:%d", vkey: "%s"}\n'
      % (PORT, VKEY))
result = three.ebb("log", "witness")
ok(result.code == 1 and verdicts()[1]["gamma"]["state"] == "fork", "two roots of one size are caught by `ebb log witness`")
known = {r["node"]: r for r in centre.rows("node")}
note = centre.must("blob", "get", verdicts()[1]["gamma"]["sha256"]).out
ok(three.checkpoint() in note, "the evidence is what was sent")
oscar.ebb(centre, "node", "add", "gamma", gamma.vkey())

# ---- killed between the entry and the answer ----

killed = 0
for i in range(6):
    alpha.feed(80 + i, 3)
    pid = centre.pids("recorder")[0]
    body = "old %d\n" % state("alpha")["log_size"]
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    push = __import__("subprocess").Popen([EBB, "-C", alpha.path, "node", "push"], stdout=-1, stderr=-1)
    time.sleep(0.02 + 0.03 * i)
    os.kill(pid, signal.SIGKILL)
    killed += 1
    push.communicate(timeout=60)
    end = time.monotonic() + 10
    while time.monotonic() < end and (not centre.pids("recorder") or centre.pids("recorder")[0] == pid):
        time.sleep(0.05)
result = alpha.push()
ok(result.code == 0, "%d recorders were killed while it reported: it goes on" % killed) or print("# " + result.err)
code, found = verdicts()
ok(code == 0 and found["alpha"]["log_size"] == alpha.size(), "with one history, and no alarm") or print(found)
pid = centre.pids("centre")[0]
os.kill(pid, signal.SIGKILL)
end = time.monotonic() + 10
while time.monotonic() < end and centre.pids("centre") in ([], [pid]):
    time.sleep(0.05)
ok(alpha.push().code == 0, "the centre's process was killed: it is there again")

# ---- censuses that are not what they say ----

store = os.path.join(centre.path, "nodes", hashed)
name = [f for f in os.listdir(store) if f.startswith("census.")][0]
kept = open(os.path.join(store, name), "rb").read()
write(os.path.join(store, name), kept[:-1] + bytes([kept[-1] ^ 1]))
result = centre.ebb("census", "--nodes", "--json")
ok(result.code == 0 and "without alpha" in result.err, "a census that was changed is left out, and that is said")
write(os.path.join(store, name), kept)
ok("without alpha" not in centre.ebb("census", "--nodes").err, "put right, it is in again")

# ---- silence ----

centre.stop()
centre.verifies("the centre's log verifies")
centre.top = centre.top.replace("silent_minutes: 60", "silent_minutes: 1")
done()
