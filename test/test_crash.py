"""Nothing acknowledged is lost: kill -9, a full disk, a torn tail; then the import goes on."""
import os
import random
import shutil
import signal
import subprocess
import time

from ebbtest import Case, EBB, comparable, done, equal, feed_text, folder, ok, run, skip, write

KILLS = int(os.environ.get("EBB_KILLS", "50"))
TEARS = int(os.environ.get("EBB_TEARS", "25"))
ROWS = int(os.environ.get("EBB_CRASH_ROWS", "60000"))
rng = random.Random(20110316)


def feed(n, seed):
    r = random.Random(seed)
    return feed_text([{"timestamp": "2011-%02d-%02d 00:00:00" % (3 + i % 3, 1 + i % 28), "protocol": "tcp",
                       "src_ip": "%d.%d.%d.%d" % (r.randrange(11, 100), r.randrange(256), r.randrange(256),
                                                  r.randrange(256)),
                       "src_port": 1024 + i % 60000, "family": "rustock", "infection": "rustock",
                       "http_url": "POST /index.php?topic=%d HTTP/1.1" % i} for i in range(n)])


where = folder()
path = write(os.path.join(where, "feed.csv"), feed(ROWS, 1))
calm = Case()
begun = time.monotonic()
equal(calm.rows("import", path)[0]["events"], ROWS, "undisturbed: every row")
calm_seconds = time.monotonic() - begun
calm_events = comparable(calm.events())


def lines(case):
    """The events as the table has them, without their indexes: quicker to compare than all that is in them."""
    return sorted(line.partition(",")[2] for line in run(EBB, "-C", case.path, "events", "--csv").out.splitlines())


calm_lines = lines(calm)
WHOLE_EVERY = 10  # of so many cases one is compared in all members of its events
calm_census = calm.rows("census", "--by", "day")


def same_as_calm(case, name):
    """The import goes on, and ends where the undisturbed one did."""
    result = case.ebb("import", path, "--json")
    good = result.code == 0
    verified = case.ebb("log", "verify")
    same_as_calm.cases += 1
    whole = same_as_calm.cases % WHOLE_EVERY == 1
    events, wanted = (comparable(case.events()), calm_events) if whole else (lines(case), calm_lines)
    good = good and verified.code == 0 and events == wanted and \
        case.rows("census", "--by", "day") == calm_census
    if not ok(good, name):
        print("# import: %s %s\n# verify: %s\n# %d events, %d wanted" % (
            result.code, result.err.strip(), verified.err.strip(), len(events), len(wanted)))
    return good


same_as_calm.cases = 0


def kill_during(case, seconds):
    """Starts an import and kills it; True when it was still at work."""
    process = subprocess.Popen([EBB, "-C", case.path, "import", path], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    running = process.poll() is None
    if running:
        process.send_signal(signal.SIGKILL)
    process.wait()
    return running


killed = unverified = 0
for _ in range(KILLS):
    case = Case()
    for _ in range(2):  # and once more while it goes on
        killed += kill_during(case, rng.uniform(0.01, calm_seconds))
        unverified += run(EBB, "-C", case.path, "log", "verify").code != 0
    if not same_as_calm(case, "killed: %d so far" % killed):
        break
    shutil.rmtree(os.path.dirname(case.path))
ok(killed >= KILLS, "%d of %d kills hit a running import" % (killed, 2 * KILLS))
equal(unverified, 0, "the log verified after each kill, before anything was mended")

# the last segment cut at a random length, as a torn write leaves it
for i in range(TEARS):
    case = Case()
    kill_during(case, rng.uniform(0.05, calm_seconds))
    last = case.segments()[-1]
    size = os.path.getsize(last)
    os.truncate(last, size - rng.randrange(min(size, 5000 if i % 2 else size)))
    if not same_as_calm(case, "cut from %d to %d bytes" % (size, os.path.getsize(last))):
        break
    shutil.rmtree(os.path.dirname(case.path))

# a full disk: a small tmpfs
mount = os.path.join(where, "small")
os.mkdir(mount)
if os.geteuid() != 0 or run("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", mount).code:
    skip("a full disk", "cannot mount a small tmpfs")
else:
    try:
        for megabytes in (1, 3, 7, 11, 16):
            case = Case(os.path.join(mount, "case"))
            filler = write(os.path.join(mount, "filler"), b"")
            free = os.statvfs(mount)
            room = free.f_bavail * free.f_frsize - megabytes * (1 << 20)
            with open(filler, "wb") as f:
                f.write(b"\0" * max(0, room))
            full = case.ebb("import", path)
            ok(full.code == 1 and "No space left" in full.err and full.err.count("\n") <= 2,
               "%d MB left: one clear error: %s" % (megabytes, full.err.strip()[:150]))
            equal(case.ebb("log", "verify").code, 0, "%d MB left: the log verifies while the disk is full" % megabytes)
            os.unlink(filler)
            same_as_calm(case, "%d MB left: room again, and it goes on" % megabytes)
            shutil.rmtree(case.path)
    finally:
        run("umount", mount)
done()
