"""What the integration tests share: a TAP voice, the binaries, case folders that go away."""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ.get("EBB_SOURCE_ROOT") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EBB = os.environ.get("EBB") or os.path.join(ROOT, "build", "ebb")
SIM = os.environ.get("EBB_SIM") or os.path.join(ROOT, "build", "ebb-sim")
SHARED = os.environ.get("EBB_SHARED_DATA") or os.path.join(os.path.dirname(ROOT), "shared", "data")

_count = 0
_failed = 0


def ok(good, name):
    """One check. Says what is wrong on the lines behind it when `good` is an explanation."""
    global _count, _failed
    _count += 1
    print("%sok %d - %s" % ("" if good else "not ", _count, name.replace("#", "no. ")), flush=True)
    _failed += not good
    return bool(good)


def equal(got, want, name):
    if not ok(got == want, name):
        print("#   got %.2000r\n#  want %.2000r" % (got, want), flush=True)
    return got == want


def skip(name, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, name, why), flush=True)


def done():
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)


def folder():
    """A folder that is removed at the end."""
    path = tempfile.mkdtemp(prefix="ebb-test-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class Result:
    def __init__(self, run):
        self.code, self.out, self.err = run.returncode, run.stdout, run.stderr

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


def run(*args, timeout=300, **more):
    """Any program, to its end; text in and out."""
    return Result(subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, text=True, errors="surrogateescape",
                                 timeout=timeout, **more))


class Case:
    """A case in a folder of its own."""

    def __init__(self, path=None, init=True):
        self.path = path or os.path.join(folder(), "case")
        if init:
            made = run(EBB, "init", self.path)
            if made.code:
                raise RuntimeError(made.err)

    def ebb(self, *args, **more):
        return run(EBB, "-C", self.path, *args, **more)

    def rows(self, *args):
        """A reading command's JSON Lines; fails the test when the command does."""
        result = self.ebb(*args, "--json")
        if result.code:
            ok(False, "%s: %s" % (" ".join(args), result.err.strip()))
        return result.rows()

    def events(self, *filters):
        return self.rows("events", *filters)

    def verifies(self, name):
        result = self.ebb("log", "verify")
        if not ok(result.code == 0, name):
            print("#   %s" % result.err.strip())

    def segments(self):
        base = os.path.join(self.path, "journal")
        return sorted(os.path.join(base, f) for f in os.listdir(base) if f.endswith(".seg"))


SHADOWSERVER_COLUMNS = [
    "timestamp", "protocol", "src_ip", "src_port", "src_asn", "src_geo", "src_region", "src_city",
    "src_hostname", "src_naics", "src_sector", "device_vendor", "device_type", "device_model", "dst_ip",
    "dst_port", "dst_asn", "dst_geo", "dst_region", "dst_city", "dst_hostname", "dst_naics",
    "dst_sector", "public_source", "infection", "family", "tag", "application", "version", "event_id",
    "http_url", "http_host", "http_agent", "forwarded_by", "ssl_cipher", "http_referer"]


def feed_text(rows, columns=SHADOWSERVER_COLUMNS):
    """A sinkhole_http report: strings quoted, integers bare, empty cells unquoted."""
    def cell(v):
        if v is None or v == "":
            return ""
        return str(v) if isinstance(v, int) else '"%s"' % str(v).replace('"', '""')
    lines = [",".join('"%s"' % c for c in columns)]
    lines += [",".join(cell(row.get(c)) for c in columns) for row in rows]
    return "\n".join(lines) + "\n"


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path


def comparable(events):
    """Events without what differs between two runs of the same import: log positions."""
    out = []
    for event in events:
        event = dict(event)
        event.pop("index")
        event.pop("import", None)
        out.append(json.dumps(event, sort_keys=True))
    return sorted(out)
