"""The daemon: start, reload, kills under load, full disk, limits, exact counts, acts while it runs."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request

from ebbtest import EBB, SIM, Case, done, equal, folder, ok, run, skip
from sinkhole import Sinkhole, exchange, free_port

UNLIMITED = "dns_responses: 0, address_connections: 5000"
FAMILIES = (("seized.example", "dgabot"), ("checkin.example.net", "httpbot"), ("spam.example", "spambot"))


def botnet(hole):
    """The order and the assets of ebb-sim's scenario `live`."""
    hole.order()
    for name, family in FAMILIES:
        hole.asset(name, family=family)
    hole.asset("127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", family="ircbot")


def live(hole, *args, names=("dns", "http", "smtp", "raw"), prefix="", timeout=300):
    """Plays the scenario; its truth."""
    ports = []
    for name in names:
        ports += ["--" + name, hole.port[prefix + name]]
    result = run(SIM, "live", "--quiet", *ports, *args, "live", timeout=timeout)
    if result.code:
        ok(False, "ebb-sim live: " + result.err.strip())
        return {}
    return json.loads(result.out)


def acts(hole, kind):
    return hole.ebb("log", "acts", "--kind", kind).rows()


def by_family(hole):
    found = {}
    for row in hole.rows("census", "--by", "family"):
        found[row["family"]] = found.get(row["family"], 0) + row["addresses"]
    return found


def counted(hole):
    """Events on the log; from `ebb status`, which does not read the log."""
    return hole.serve()["recorder"]["events"]


# ---- wrong starts ----

case = Case()
with open(os.path.join(case.path, "ebb.yaml"), "w") as f:
    f.write("serve: {listen: []}\n")
result = case.ebb("serve")
ok(result.code == 2 and "nothing to listen on" in result.err, "nothing to listen on: exit 2, and says so")
with open(os.path.join(case.path, "ebb.yaml"), "w") as f:
    f.write("serve: {listen: [{protocol: dns, address: \"127.0.0.1\", port: %d}], policies: [{name: default, dns: "
            "{records: [\"* A not-an-address\"]}}]}\n" % free_port())
result = case.ebb("serve")
ok(result.code == 2 and "default" in result.err and "not-an-address" in result.err, "a bad record is named: " + result.err.strip())
with open(os.path.join(case.path, "ebb.yaml"), "w") as f:
    f.write("serve: {limits: {connections: 0}, listen: [{protocol: dns, port: 5300}]}\n")
result = case.ebb("serve")
ok(result.code == 2 and "connections" in result.err, "a limit outside its range is named")

# ---- a sinkhole, alive ----

LISTEN = dict(Sinkhole.LISTEN, pdns=("dns", "proxy: true"), phttp=("http", "proxy: true"), psmtp=("smtp", "proxy: true"),
              praw=("raw", "proxy: true"))
hole = Sinkhole(listen=LISTEN, limits=UNLIMITED, more="  balancers: [\"127.0.0.0/8\"]")
botnet(hole)
hole.start()
status = hole.serve()
equal([p["role"] for p in status["processes"] if p["pid"]], ["supervisor", "recorder", "desk", "courier", "keeper"], "the roles run")
equal(len([s for s in status["sensors"] if s["pid"]]), 2, "two sensors")
result = hole.ebb("serve")
ok(result.code == 1, "a second daemon on the case is refused: " + result.err.strip())
ok("running" in hole.ebb("status").out, "ebb status says that it runs")

# ---- every contact once, through PROXY and without ----

truth = live(hole, "--proxy", "--days", "4", prefix="p")
equal((truth.get("failed"), truth.get("resent")), (0, 0), "every contact was answered, none sent twice")
time.sleep(0.5)
equal(counted(hole), truth["contacts"] + len(acts(hole, "gap")), "each is one observation")
want = {f["family"]: f["addresses"] for f in truth["families"]}
equal(by_family(hole), want, "the census of each family is the simulator's truth")
events = hole.events()
equal(hole.rows("status")[0]["drops"], 0, "nothing was dropped")
mails = [e for e in events if e["kind"] == "smtp"]
ok(all(e["smtp"].get("blob") for e in mails) and len(mails) == truth["protocols"]["smtp"], "each mail has its blob")

# ---- reload ----

for round in range(3):
    results = []
    thread = threading.Thread(target=lambda: results.append(live(hole, "--seconds", "4", "--rate", "1500")))
    before = counted(hole)
    thread.start()
    time.sleep(1)
    if round == 0:
        hole.process.send_signal(signal.SIGHUP)
    else:
        equal(hole.ebb("reload").code, 0, "ebb reload")
    thread.join()
    time.sleep(0.5)
    truth = results[0]
    equal((truth.get("failed"), truth.get("resent")), (0, 0), "no contact was lost in reload %d" % (round + 1))
ok(hole.serve()["reloads"] == 3, "three reloads")
with open(os.path.join(hole.path, "ebb.yaml"), "a") as f:
    f.write("nonsense: 1\n")
hole.ebb("reload")
time.sleep(1)
ok("reload failed" in hole.said() and "nonsense" in hole.said(), "a bad config is refused and named")
hole.configure()
equal(len([s for s in hole.serve()["sensors"] if s["pid"]]), 2, "and everything goes on as before")

# ---- kills under load ----


def back_within(role, old, seconds=1.5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if hole.pids(role) and old not in hole.pids(role) and len(hole.pids(role)) == (2 if role == "sensor" else 1):
                return True
        except (TypeError, KeyError, IndexError):
            pass  # no recorder to ask, for a moment
        time.sleep(0.05)
    return False


events_before = len(hole.events())
gaps_before = len(acts(hole, "gap"))
results = []
thread = threading.Thread(target=lambda: results.append(live(hole, "--seconds", "6", "--rate", "2000")))
thread.start()
for _ in range(3):
    time.sleep(1.2)
    pid = hole.pids("recorder")[0]
    os.kill(pid, signal.SIGKILL)
    ok(back_within("recorder", pid), "kill -9 of the recorder: back in a moment")
thread.join()
time.sleep(1)
truth = results[0]
equal((truth.get("failed"), truth.get("resent")), (0, 0), "clients noticed nothing of it")
equal(len(hole.events()) - events_before, truth["contacts"], "and each contact is on the log once")
equal(len([g for g in acts(hole, "gap")[gaps_before:] if g["what"] == "recorder died"]), 3, "three gaps are on the log")

mails_before = len(hole.events("--kind", "smtp"))
thread = threading.Thread(target=lambda: results.append(live(hole, "--seconds", "5", "--rate", "2000")))
thread.start()
for role in ("sensor", "desk", "courier", "sensor"):
    time.sleep(0.8)
    pid = hole.pids(role)[0]
    os.kill(pid, signal.SIGKILL)
    ok(back_within(role, pid), "kill -9 of a %s: back in a moment" % role)
thread.join()
time.sleep(1)
truth = results[1]
ok(len([g for g in acts(hole, "gap") if g["what"] == "sensor died"]) >= 2, "the sensors' deaths are on the log")
acked = truth["protocols"]["smtp"] - truth["failed"]
ok(len(hole.events("--kind", "smtp")) - mails_before >= acked, "no acknowledged mail is lost")
blobs = {e["smtp"]["blob"] for e in hole.events("--kind", "smtp")}
ok(len(blobs) > 100, "mails of %d texts are kept" % len(blobs))

# ---- acts while it runs ----


def answer_of(name, port=None):
    return re.search(r"status: (\w+)", run("kdig", "@127.0.0.1", "-p", port or hole.port["dns"], "+timeout=2", "+retry=0",
                                           name, "A").out + "status: none").group(1)


if shutil.which("kdig"):
    equal(answer_of("new.example"), "REFUSED", "not seized yet")
    hole.asset("new.example")
    time.sleep(0.3)
    equal(answer_of("www.new.example"), "NOERROR", "an asset that is added counts at once")
    hole.must("case", "asset", "release", "new.example", "--why", "given back")
    time.sleep(0.3)
    equal(answer_of("www.new.example"), "REFUSED", "and no more once it is released")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    hole.asset("brief.example", until=soon)
    time.sleep(0.3)
    equal(answer_of("brief.example"), "NOERROR", "in force until its time")
    time.sleep(3.5)
    equal(answer_of("brief.example"), "REFUSED", "and no longer, without an act")
    hole.must("case", "order", "close", "order-1", "--why", "dismissed")
    time.sleep(0.3)
    equal(answer_of("a.seized.example"), "REFUSED", "an order that is closed ends all authority under it")
else:
    skip("acts while it runs", "kdig is not installed")

# ---- metrics ----

text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % hole.desk, timeout=5).read().decode()
ok("ebb_" in text and "# TYPE" in text and "dns_queries" in text, "metrics on the desk's listener")
equal(urllib.request.urlopen("http://127.0.0.1:%d/healthz" % hole.desk, timeout=5).status, 200, "healthz")

equal(hole.stop(), 0, "a clean stop")
hole.verifies("the log verifies")
before = by_family(hole)
hole.must("rebuild")
equal(by_family(hole), before, "the census that is rebuilt from the log is the same")
result = hole.ebb("status", "--json")
equal(json.loads(result.out)["serve"], None, "ebb status without a daemon")

# ---- a full disk ----


def small_disk(megabytes):
    path = folder()
    made = run("mount", "-t", "tmpfs", "-o", "size=%dm" % megabytes, "none", path)
    return path if made.code == 0 else None


disk = small_disk(64)
if disk and shutil.which("kdig"):
    try:
        hole = Sinkhole(path=os.path.join(disk, "case"), limits=UNLIMITED + ", free_disk_mib: 8, ring_mib: 1")
        botnet(hole)
        hole.start()
        live(hole, "--contacts", "2000")
        ballast = os.path.join(disk, "ballast")
        free = os.statvfs(disk)
        with open(ballast, "wb") as f:
            f.write(b"\0" * (free.f_bavail * free.f_frsize - (6 << 20)))
        time.sleep(1)
        ok(hole.serve()["recorder"]["storage_full"], "a full disk is seen")
        equal(answer_of("full.seized.example", hole.port["dns"]), "NOERROR", "and clients are answered")
        reply = exchange(hole.port["smtp"], b"EHLO x\r\nMAIL FROM:<a@mail.example>\r\nQUIT\r\n")
        ok(b"452" in reply, "a mail is deferred, not lost")
        truth = live(hole, "--contacts", "30000", names=("dns",))
        equal(truth["failed"], 0, "30,000 queries answered")
        time.sleep(0.5)
        dropped = hole.rows("status")[0]["drops"]
        ok(dropped > 0, "what the rings could not hold was counted (%d)" % dropped)
        before = counted(hole)
        os.unlink(ballast)
        time.sleep(3)
        gaps = acts(hole, "gap")
        ok(any(g["what"] == "disk full" for g in gaps), "the gap is on the log")
        equal(sum(g["count"] for g in gaps if g["what"] == "ring full"), dropped, "drops on the log are the drops counted")
        equal(len(hole.events("--kind", "dns")) + dropped,
              hole.total("dns_queries"), "what was kept in the rings is on the log: queries = events + drops")
        equal(hole.stop(), 0, "a clean stop after it")
        hole.verifies("the log verifies")
    finally:
        hole.kill()
        run("umount", "-l", disk)
else:
    skip("a full disk", "needs root for a small tmpfs, and kdig")

# ---- crowds ----

hole = Sinkhole(limits="dns_responses: 0, connections: 1500, address_connections: 1200, memory_mib: 16, head_ms: 60000",
                sensors=1)
botnet(hole)
hole.start()


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) / 1024


sensor = hole.pids("sensor")[0]
before = resident(sensor)
crowd = []
for i in range(2000):
    s = socket.socket()
    s.bind(("127.0.%d.%d" % (1 + i // 200, 1 + i % 200), 0))
    s.settimeout(2)
    try:
        s.connect(("127.0.0.1", hole.port["http"]))
        s.sendall(b"GET / HTTP/1.1\r\nX: ")
    except OSError:
        pass
    crowd.append(s)
time.sleep(0.5)
grown = resident(sensor) - before
ok(grown < 16, "2,000 slow clients: the sensor grew by %.1f MB" % grown)
ok(exchange(hole.port["http"], b"GET /me HTTP/1.1\r\nHost: a.seized.example\r\n\r\n").startswith(b"HTTP/1.1 200"),
   "another client is answered")
ok(hole.total("connections") <= 1500, "no more connections than allowed")
for s in crowd:
    s.close()
one_address = []
for i in range(1300):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect(("127.0.0.1", hole.port["raw"]))
    except OSError:
        pass
    one_address.append(s)
time.sleep(0.3)
ok(hole.total("connections_limited") > 0, "one address has its limit")
with socket.socket() as s:
    s.bind(("127.0.0.9", 0))
    s.settimeout(3)
    s.connect(("127.0.0.1", hole.port["http"]))
    s.sendall(b"GET /other HTTP/1.0\r\nHost: a.seized.example\r\n\r\n")
    ok(s.recv(100).startswith(b"HTTP/1.1 200"), "others are answered")
for s in one_address:
    s.close()
big = socket.create_connection(("127.0.0.1", hole.port["smtp"]), 5)
big.settimeout(20)
big.recv(1000)
big.sendall(b"EHLO big\r\nMAIL FROM:<a@mail.example>\r\nRCPT TO:<v@seized.example>\r\nDATA\r\n")
time.sleep(0.3)
big.recv(4000)
piece = (b"x" * 998 + b"\r\n") * 64
try:
    for i in range(1000):  # 64 MB
        big.sendall(piece)
    big.sendall(b".\r\n")
    reply = big.recv(1000)
except OSError:
    reply = b"552"
ok(b"552" in reply or b"452" in reply or reply == b"", "a mail of 64 MB is not taken")
ok(resident(sensor) - before < 40, "and the sensor stays small (%.1f MB more)" % (resident(sensor) - before))
big.close()
equal(hole.pids("sensor")[0], sensor, "the sensor is the same all the while")
equal(hole.stop(), 0, "a clean stop")
hole.verifies("the log verifies")
done()
