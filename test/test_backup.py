"""Backups: taken while the case is written to, incremental, verified, restored; killed, on a full disk, and made by
somebody who means harm."""
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from ebbtest import EBB, SIM, Case, done, equal, feed_text, folder, ok, run, skip, write
from sinkhole import Sinkhole, exchange

rng = random.Random(1108)
PLANTED = "planted-string-that-must-go"


def feed(n, seed, day=15):
    r = random.Random(seed)
    return feed_text([{"timestamp": "2011-03-%02d 00:00:00" % (day + i % 10), "protocol": "tcp",
                       "src_ip": "%d.%d.%d.%d" % (r.randrange(11, 100), r.randrange(256), r.randrange(256),
                                                  r.randrange(256)),
                       "src_port": 1024 + i % 60000, "family": "rustock", "infection": "rustock",
                       "http_url": "POST /index.php?%s=%d HTTP/1.1" % (PLANTED, i)} for i in range(n)])


def mails(path, n, seed):
    """An mbox; its first mail is too large for a pack."""
    r = random.Random(seed)
    out = []
    for i in range(n):
        body = "".join("%s pills for %d.\n" % (PLANTED, r.randrange(10 ** 9)) for _ in range(r.randrange(5, 60)))
        if i == 0:
            body += "".join("%030d\n" % r.randrange(10 ** 30) for _ in range(12000))
        out.append("From a@example.org Wed Mar 16 10:00:00 2011\n"
                   "Received: from x (x [192.0.2.%d]) by sinkhole.example; Wed, 16 Mar 2011 10:%02d:00 +0000\n"
                   "From: <a%d@example.org>\nTo: <b@example.net>\nSubject: cheap pills %d\n"
                   "Date: Wed, 16 Mar 2011 10:00:00 +0000\nMessage-ID: <%d@example.org>\n\n%s\n" % (
                       1 + i % 250, i % 60, i, i, i, body))
    return write(path, "".join(out))


def census(case):
    return {by: case.rows("census", "--by", by) for by in ("day", "country", "asn", "network")}


def backup(case, where, *more, code=0, name=None):
    result = case.ebb("backup", where, "--json", *more)
    if result.code != code:
        ok(False, "%s: backup gives %d: %s" % (name or where, result.code, result.err.strip()))
    return json.loads(result.out) if result.code == 0 else result.err


def verify(where):
    result = run(EBB, "backup", "verify", where, "--json")
    return result.code, (json.loads(result.out) if result.out else {}), result.err


def restored(where, name):
    path = os.path.join(folder(), "again")
    result = run(EBB, "restore", where, path, "--json")
    ok(result.code == 0 or result.err.strip(), name)
    if result.code:
        print("# " + result.err.strip())
    return Case(path, init=False)


def manifest(where):
    with open(os.path.join(where, "manifest.json")) as f:
        return json.load(f)


# ---- by itself ----

where = folder()
case = Case()
case.ebb("import", write(os.path.join(where, "a.csv"), feed(3000, 1)))
case.ebb("import", mails(os.path.join(where, "mails.mbox"), 120, 2))
place = os.path.join(where, "backup")
first = backup(case, place)
ok(first["copied_bytes"] > 0 and first["kept_bytes"] == 0, "first: everything is copied")
again = backup(case, place)
ok(again["copied_bytes"] == 0 and again["kept_files"] == first["files"], "again: nothing is")
equal(again["manifest_sha256"], first["manifest_sha256"], "the same case gives the same manifest, byte for byte")
case.ebb("import", write(os.path.join(where, "b.csv"), feed(500, 3)))
more = backup(case, place)
ok(0 < more["copied_bytes"] < first["copied_bytes"] / 2, "after 500 rows more: what is new is copied (%d of %d bytes)" % (
    more["copied_bytes"], more["bytes"]))
code, verdict, err = verify(place)
ok(code == 0 and verdict["holds"] and verdict["entries"] == more["entries"] and verdict["blobs"] >= 120,
   "it verifies: %s entries, %s blobs %s" % (verdict.get("entries"), verdict.get("blobs"), err.strip()))
twin = restored(place, "it is restored")
twin.verifies("what was restored verifies")
equal(census(twin), census(case), "and has the same census")
equal(twin.rows("spam", "--by", "day"), case.rows("spam", "--by", "day"), "and the same spam")
equal(twin.ebb("log", "checkpoint").out, case.ebb("log", "checkpoint").out, "and the same checkpoint, byte for byte")
equal(twin.ebb("blob", "verify", "--json").code, 0, "its blobs hold")
equal(sorted(os.listdir(twin.path + "/keys")), sorted(os.listdir(case.path + "/keys")), "its keys are there")
equal(run(EBB, "restore", place, twin.path).code, 1, "an existing case is not overwritten")

# ---- held, and going on ----

held = twin.ebb("import", os.path.join(where, "a.csv"))
ok(held.code == 1 and "held" in held.err, "nothing is added to what was restored: %s" % held.err.strip())
case.ebb("import", write(os.path.join(where, "c.csv"), feed(20, 4)))
later = write(os.path.join(where, "later"), case.ebb("log", "checkpoint").out)
fork = twin.ebb("restore", "--go-on", "--latest", later)
ok(fork.code == 1 and "fork" in fork.err, "where the log went on elsewhere, it does not go on here")
earlier = write(os.path.join(where, "earlier"), twin.ebb("log", "checkpoint").out)
ok(twin.ebb("restore", "--go-on", "--latest", earlier).code == 0, "where it did not, it does")
gaps = [json.loads(line) for line in twin.ebb("log", "acts", "--kind", "gap").out.splitlines()]
ok(gaps and gaps[-1]["what"] == "restored from a backup", "that it was restored is on the log")
ok(twin.ebb("import", os.path.join(where, "a.csv")).code == 0, "and it can be written to")
twin.verifies("and verifies then")
ok(backup(twin, os.path.join(where, "of-twin"))["entries"] == more["entries"] + 1, "and is backed up in turn")
stale = case.ebb("backup", os.path.join(where, "of-twin"))
ok(stale.code == 0, "the same log, and longer: taken")
stale = twin.ebb("backup", os.path.join(where, "of-twin"))
ok(stale.code == 1 and "lost some" in stale.err, "a log that became shorter does not replace a longer one's backup")
other = Case()
ok("another log" in other.ebb("backup", place).err, "nor does another log")

# ---- without keys ----

bare = os.path.join(where, "bare")
backup(case, bare, "--without-keys")
ok(not [f for f in manifest(bare)["files"] if f["path"].startswith(("keys/", "desk/"))], "without keys: none are in it")
reader = restored(bare, "it is restored all the same")
reader.verifies("and verifies")
equal(census(reader), census(case), "and is read")

# ---- redactions ----

at = [e["index"] for e in case.events() if PLANTED in json.dumps(e)][7]
backup(case, place)
ok(case.ebb("log", "redact", str(at), "--who", "court", "--why", "order").code == 0, "an entry is redacted")
redacted = backup(case, place)
code, verdict, err = verify(place)
ok(code == 0 and verdict["redacted"] == 1, "its backup obeys, and verifies: %s" % err.strip())
needle = "%s=%d" % (PLANTED, [e for e in other.events()] and 0 or 7)


def bytes_below(path):
    for top, _, names in os.walk(path):
        for n in names:
            with open(os.path.join(top, n), "rb") as f:
                yield os.path.join(top, n), f.read()


# ---- damage ----

def damaged(name, change, want=None):
    copy = os.path.join(folder(), "copy")
    shutil.copytree(place, copy)
    change(copy)
    code, verdict, err = verify(copy)
    good = code == 1 and (want is None or want in err)
    if not ok(good, "damage is found: %s" % name):
        print("# %d %s" % (code, err.strip()))
    path = os.path.join(folder(), "made")
    result = run(EBB, "restore", copy, path)
    if not ok(result.code == 1 and not os.path.exists(os.path.join(path, "ebb.yaml")), "and not restored: %s" % name):
        print("# %d %s" % (result.code, result.err.strip()))


def stored(copy, ends):
    return [os.path.join(copy, f["at"]) for f in manifest(copy)["files"] if f["path"].endswith(ends)]


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


damaged("a byte of a segment", lambda c: flip(stored(c, ".seg")[0], 70000), "offset")
damaged("a byte of a pack", lambda c: flip(stored(c, ".pack")[0], 5000), "offset")
damaged("a segment that ends early", lambda c: os.truncate(stored(c, ".seg")[0], 50000), "offset 50000")
damaged("a file that is gone", lambda c: os.unlink(stored(c, ".zst")[0]), ".zst")
damaged("a key", lambda c: flip(stored(c, "log.key")[0], 40), "log.key")
damaged("a file that is a link now", lambda c: (os.unlink(stored(c, "ebb.yaml")[0]),
                                               os.symlink("/etc/passwd", stored(c, "ebb.yaml")[0])))


def links(copy):
    os.rename(os.path.join(copy, "data", "journal"), os.path.join(copy, "j"))
    os.symlink("../j", os.path.join(copy, "data", "journal"))


damaged("a folder that is a link now", links)


def lie(change):
    def do(copy):
        m = manifest(copy)
        change(m, copy)
        write(os.path.join(copy, "manifest.json"), json.dumps(m))
    return do


def add(m, **more):
    m["files"].append(dict(m["files"][0], **more))
    m["files"].sort(key=lambda f: f["path"])


def plant(m, copy, path, data=b"x"):
    at = "data/planted"
    write(os.path.join(copy, at), data)
    add(m, path=path, at=at, size=len(data), sha256=hashlib.sha256(data).hexdigest())


outside = os.path.join(where, "outside")
for bad in ("../outside", "/etc/ebb-test", "a/../../outside", "./a", "a//b", "a/", "views/census", "run/control", ".hidden",
            "journal/lock", "log/tile/0/000", "a\nb", "x" * 600, "a/b/c/d/e/f/g/h/i/j/k", "restored/../x", ""):
    damaged("a path %.30r" % bad, lie(lambda m, c, bad=bad: plant(m, c, bad)), "manifest.json")
for bad in ("../manifest.json", "/etc/passwd", "manifest.json", "data/../../x", "data"):
    damaged("kept at %r" % bad, lie(lambda m, c, bad=bad: m["files"][0].update(at=bad)), "manifest.json")
damaged("a file twice", lie(lambda m, c: m["files"].insert(1, m["files"][0])), "twice")
damaged("two files in one", lie(lambda m, c: m["files"][1].update(at=m["files"][0]["at"])), "kept in one")
damaged("a file that is a folder", lie(lambda m, c: plant(m, c, "ebb.yaml/x")), "folder")
damaged("a huge size", lie(lambda m, c: m["files"][2].update(size=2 ** 62)))
damaged("sizes that run over", lie(lambda m, c: [f.update(size=2 ** 62) for f in m["files"][:4]]), "cannot be")
damaged("a negative size", lie(lambda m, c: m["files"][0].update(size=-1)))
damaged("more entries than there are", lie(lambda m, c: m.update(entries=m["entries"] + 1)))
damaged("another checkpoint", lie(lambda m, c: m.update(checkpoint=m["checkpoint"].replace("\n", "\n\n", 1))))
damaged("no ebb.yaml", lie(lambda m, c: m.update(files=[f for f in m["files"] if f["path"] != "ebb.yaml"])))
damaged("a segment that is left out", lie(lambda m, c: m.update(files=[f for f in m["files"]
                                                                      if not f["path"].endswith(".seg")])))
damaged("a newer version's", lie(lambda m, c: m.update(ebb_backup=2)), "newer")
damaged("not JSON", lambda c: write(os.path.join(c, "manifest.json"), "{" * 5000))
damaged("no manifest", lambda c: os.unlink(os.path.join(c, "manifest.json")))
ok(not os.path.exists(outside), "nothing was written outside")
equal(case.ebb("backup", case.path).code, 1, "a case is not backed up into itself")
equal(case.ebb("backup", folder() + "/../").code, 1, "nor over what is somebody else's")

# ---- killed, and on a full disk ----

target = os.path.join(where, "killed")
backup(case, target)
bad = runs = 0
for i in range(10):
    case.ebb("import", write(os.path.join(where, "k%d.csv" % i), feed(400, 100 + i)))
    process = subprocess.Popen([EBB, "-C", case.path, "backup", target], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0.0, 0.06))
    process.kill()
    runs += process.wait() != 0
    code, verdict, err = verify(target)
    bad += code != 0
    if code:
        print("# " + err.strip())
equal(bad, 0, "killed %d times out of 10: what the backup was before holds each time" % runs)
last = backup(case, target)
code, verdict, err = verify(target)
ok(code == 0 and verdict["entries"] == last["entries"], "and it goes on")
names = {os.path.join(target, f["at"]) for f in manifest(target)["files"]}
ok(not [p for p, _ in bytes_below(os.path.join(target, "data")) if p not in names], "nothing is left over")


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


case.ebb("import", mails(os.path.join(where, "mails2.mbox"), 60, 9))
before = verify(target)[1]
full = run(EBB, "-C", case.path, "backup", target, preexec_fn=small_files)
ok(full.code == 1 and "File too large" in full.err, "no room: an error that says so: %s" % full.err.strip())
equal(verify(target)[1], before, "and the old backup holds")
if os.geteuid() == 0 and run("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder_ := folder()).code == 0:
    try:
        full = case.ebb("backup", os.path.join(folder_, "b"))
        ok(full.code == 1 and "No space left" in full.err, "a full disk: %s" % full.err.strip())
    finally:
        run("umount", folder_)
else:
    skip("a full disk", "no right to mount one")

# ---- under load ----

served = Sinkhole(sensors=2, limits="dns_responses: 0, address_connections: 5000")
served.order()
served.asset("rustock.example", "*.rustock.example", policy="default", family="rustock")
served.start()
stop = threading.Event()
sent = [0]


def play():
    i = 0
    while not stop.is_set():
        i += 1
        try:
            exchange(served.port["http"], ("POST /i.php?%d HTTP/1.1\r\nHost: a.rustock.example\r\nContent-Length: 5000\r\n"
                                           "Connection: close\r\n\r\n" % i).encode() + os.urandom(2500).hex().encode(),
                     shut=False)
            sent[0] += 1
        except OSError:
            time.sleep(0.02)


players = [threading.Thread(target=play) for _ in range(3)]
simulator = subprocess.Popen([SIM, "live", "--to", "127.0.0.1", "--dns", str(served.port["dns"]), "--http",
                              str(served.port["http"]), "--smtp", str(served.port["smtp"]), "--seconds", "12", "--quiet", "live"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for p in players:
    p.start()
loaded = os.path.join(where, "loaded")
sizes, copies = [], []
try:
    for i in range(4):
        time.sleep(0.7)
        got = backup(served, loaded)
        sizes.append(got["entries"])
        copies.append((got["copied_bytes"], got["kept_bytes"]))
        code, verdict, err = verify(loaded)
        ok(code == 0 and verdict["entries"] == got["entries"], "under load: backup %d verifies (%d entries) %s" % (
            i + 1, got["entries"], err.strip()))
finally:
    stop.set()
    for p in players:
        p.join()
    simulator.terminate()
    simulator.wait()
ok(sizes == sorted(set(sizes)), "the case was growing all the while: %r" % sizes)
ok(copies[-1][1] > 0, "the later ones were incremental: %r" % copies)
under_load = restored(loaded, "a backup that was taken under load is restored")
under_load.verifies("it verifies")
served.stop()
print("# %d requests of ours, %d entries in all" % (sent[0], served.rows("status")[0]["log_size"]))
end = str(sizes[-1])


def events_to(case):
    return [e for e in case.rows("events") if e["index"] < sizes[-1]]


equal(events_to(under_load), events_to(served), "its events are the original's up to its position")
# the census of the original at that position: a log cut there, counted anew
cut = os.path.join(folder(), "cut")
shutil.copytree(served.path, cut, ignore=shutil.ignore_patterns("run", "views"))
made = run("python3", "-c", """
import sys, struct
# the record of entry N begins where the ones before it end
path, n = sys.argv[1], int(sys.argv[2])
data = open(path, 'rb').read()
at = 64
while at + 16 <= len(data):
    length, _, index = struct.unpack('>IIQ', data[at:at + 16])
    if index == n:
        break
    at += 100 + length
open(path, 'wb').write(data[:at])
""", os.path.join(cut, "journal", "0000000000000000.seg"), end)
shutil.rmtree(os.path.join(cut, "log"))
shutil.copytree(os.path.join(under_load.path, "log"), os.path.join(cut, "log"))
os.unlink(os.path.join(cut, "journal", "committed"))
os.makedirs(os.path.join(cut, "views"), exist_ok=True)
equal(census(under_load), census(Case(cut, init=False)), "its census is the original's at that position")
final = backup(served, loaded)
whole = restored(loaded, "the last backup, of the stopped case, is restored")
equal(census(whole), census(served), "its census is the original's")
equal(whole.rows("census", "--by", "family"), served.rows("census", "--by", "family"), "by family, too")
ok(sum(r["addresses"] for r in served.rows("census", "--by", "family")) > 0, "and it is not empty")
done()
