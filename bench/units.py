"""What an observation takes: a served case a protocol, played to by ebb-sim (check-ins, names, short mails, mails of
campaigns), and a feed's rows. Bytes an entry in the segments, in the published log, in blobs and in views; CPU time an
entry of the sensor and of the recorder. One client, so the figures are of an unloaded sinkhole. doc/scale.md uses it."""
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test"))
os.environ.setdefault("EBB", os.path.join(ROOT, "build", "ebb"))
os.environ.setdefault("EBB_SIM", os.path.join(ROOT, "build", "ebb-sim"))

from ebbtest import SIM, Case, folder  # noqa: E402
from sinkhole import Sinkhole  # noqa: E402

CONTACTS = int(os.environ.get("EBB_BENCH_CONTACTS", "20000"))
ONCE = "enrich-"  # a table of networks, once a machine


def size(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files if not f.startswith(ONCE))


def parts(case):
    return {p: size(os.path.join(case, p)) for p in ("journal", "log", "blobs", "views")}


def say(what, before, after, n):
    print("%-10s %7d entries  " % (what, n) + "  ".join("%s %6.1f" % (p, (after[p] - before[p]) / n) for p in after) +
          "  bytes each", flush=True)


def scenario(work, kind):
    """The bundled one with one family."""
    text = subprocess.run([SIM, "--show", "live"], stdout=subprocess.PIPE, text=True, check=True).stdout
    families = re.search(r"(?ms)^families:\n(.*?)(?=^ases:)", text)
    wanted = [f for f in re.split(r"(?m)^(?=  - name:)", families.group(1)) if "kind: %s\n" % kind in f]
    path = os.path.join(work, kind + ".yaml")
    with open(path, "w") as f:
        f.write(text.replace(families.group(0), "families:\n" + "".join(wanted) + "\n"))
    return path


def roles(hole):
    """CPU seconds of sensor and recorder so far."""
    serve = json.loads(hole.ebb("status", "--json").out)["serve"]
    pids = {p["role"]: p["pid"] for p in serve["processes"]}
    pids["sensor"] = serve["sensors"][0]["pid"]
    used = {}
    for role in ("sensor", "recorder"):
        with open("/proc/%d/schedstat" % pids[role]) as f:
            used[role] = int(f.read().split()[0]) / 1e9
    return used


def live(work, what, kind, command):
    hole = Sinkhole(limits="dns_responses: 0, address_connections: 10000", sensors=1)
    hole.order()
    hole.asset("seized.example", "checkin.example.net", "spam.example", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24")
    hole.start()
    before, used = parts(hole.path), roles(hole)
    said = subprocess.run([SIM] + command(hole.port[kind]), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    then = roles(hole)
    hole.stop()
    n = sum(1 for _ in hole.ebb("events", "--kind", kind, "--json").out.splitlines())
    if not n:
        print("%s: nothing came (%s %s)" % (kind, said.stdout.strip(), said.stderr.strip()))
        return
    say(what, before, parts(hole.path), n)
    print("%18s sensor %.1f us, recorder %.1f us" % ("", 1e6 * (then["sensor"] - used["sensor"]) / n,
                                                      1e6 * (then["recorder"] - used["recorder"]) / n), flush=True)


def played(work, kind):
    return lambda port: ["live", "--contacts", str(CONTACTS), "--" + kind, str(port), scenario(work, kind)]


def campaigns(port):
    return ["mail", "--live", "--quiet", "--smtp-port", str(port), "--mails", str(CONTACTS)]


def feed(work):
    path = os.path.join(work, "feed.csv")
    subprocess.run([SIM, "--quiet", "--scale", "0.002", "--feed", path, "rustock"], check=True)
    case = Case()
    before = parts(case.path)
    rows = case.ebb("import", path, "--json").rows()[0]["events"]
    say("feed", before, parts(case.path), rows)


def main():
    work = folder()
    for kind in ("dns", "http", "raw", "smtp"):
        live(work, kind, kind, played(work, kind))
    live(work, "campaigns", "smtp", campaigns)
    feed(work)


main()
