"""Runs of ebb in which a call fails (test/fault.c is preloaded): what is counted, which calls to let fail, and
many such runs beside each other."""
import collections
import concurrent.futures
import errno
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading

from ebbtest import EBB

LIBRARY = os.environ.get("EBB_FAULT") or os.path.join(os.path.dirname(EBB), "test", "libfault.so")
ALL = bool(os.environ.get("EBB_FAULT_ALL"))
JOBS = int(os.environ.get("EBB_FAULT_JOBS", "2"))

KINDS = ["write", "send", "fsync", "rename", "malloc", "mmap", "accept", "connect", "open", "truncate"]

# How a kind fails: (errno, mode); the chosen N take turns, or with ALL each gets every one.
HOW = {
    "write": [(errno.ENOSPC, "once"), (errno.ENOSPC, "from"), (errno.EINTR, "once"), (errno.EIO, "once"), (0, "short")],
    "send": [(errno.ECONNRESET, "once"), (errno.EINTR, "once"), (errno.EPIPE, "from"), (0, "short")],
    "fsync": [(errno.EIO, "once"), (errno.EIO, "from"), (errno.ENOSPC, "once")],
    "rename": [(errno.EIO, "once"), (errno.ENOSPC, "from")],
    "malloc": [(errno.ENOMEM, "once"), (errno.ENOMEM, "from")],
    "mmap": [(errno.ENOMEM, "once"), (errno.ENOMEM, "from")],
    "accept": [(errno.EMFILE, "once"), (errno.ECONNABORTED, "once"), (errno.EINTR, "once"), (errno.ENFILE, "every")],
    "connect": [(errno.ECONNREFUSED, "once"), (errno.ETIMEDOUT, "from"), (errno.EINTR, "once")],
    "open": [(errno.EMFILE, "once"), (errno.ENOSPC, "from"), (errno.EACCES, "once")],
    "truncate": [(errno.ENOSPC, "once"), (errno.EIO, "from")],
}

# struct fault_state of fault.c
HEAD, ROLE, HIT = struct.Struct("<4Q"), struct.Struct("<16s%dQ" % len(KINDS)), struct.Struct("<16sIIQ")
ROLES_MAX, HITS_MAX, SITES_MAX = 16, 64, 4096
STATE_BYTES = HEAD.size + ROLES_MAX * ROLE.size + HITS_MAX * HIT.size + 2 * 8 * SITES_MAX


class Fault:
    """One fault to be, or with nth 0 none: the environment for it, and what came of it."""

    def __init__(self, call="", nth=0, number=0, mode="once", role=""):
        self.call, self.nth, self.number, self.mode, self.role = call, nth, number, mode, role
        fd, self.state = tempfile.mkstemp(prefix="ebb-fault-")
        os.truncate(fd, STATE_BYTES)
        os.close(fd)

    def __str__(self):
        how = errno.errorcode.get(self.number, "short")
        return "%s%s %d %s%s" % (self.role + " " if self.role else "", self.call, self.nth, how,
                                 "" if self.mode in ("once", "short") else " " + self.mode)

    def env(self, base=None):
        return dict(base or os.environ, LD_PRELOAD=LIBRARY, FAULT_STATE=self.state, FAULT_PROGRAM="ebb",
                    FAULT_ROLE=self.role, FAULT_CALL=self.call, FAULT_NTH=str(self.nth),
                    FAULT_ERRNO=str(self.number), FAULT_MODE=self.mode)

    def read(self):
        """Takes in what the library noted, and removes it."""
        with open(self.state, "rb") as f:
            raw = f.read()
        os.unlink(self.state)
        self.injected, roles, self.loaded, _ = HEAD.unpack_from(raw)
        self.seen = {}
        for i in range(min(roles, ROLES_MAX)):
            name, *seen = ROLE.unpack_from(raw, HEAD.size + i * ROLE.size)
            self.seen[name.rstrip(b"\0").decode()] = dict(zip(KINDS, seen))
        at = HEAD.size + ROLES_MAX * ROLE.size + HITS_MAX * HIT.size
        self.sites = sorted(n for n in struct.unpack_from("<%dQ" % SITES_MAX, raw, at + 8 * SITES_MAX) if n)
        return self


def spread(n, most):
    """`most` numbers of 1..n at most: the first ones, then evenly to the last one."""
    if n <= most:
        return list(range(1, n + 1))
    first = min(50, most // 2)
    rest = most - first
    return list(range(1, first + 1)) + sorted({first + 1 + (n - first - 1) * i // max(rest - 1, 1) for i in range(rest)})


def faults(seen, most, kinds=KINDS, role="", sites=()):
    """The faults to inject where `seen` calls of each kind were counted, `most` of a kind unless ALL is wanted. Of
    memory, the first call from each place that asks for it comes first."""
    made = []
    for kind in kinds:
        n = seen.get(kind, 0)
        bound = most.get(kind, most[""]) if isinstance(most, dict) else most
        if ALL:
            bound = n if kind != "malloc" else max(5000, bound)
        chosen = set(spread(n, bound))
        if kind == "malloc":
            near = [s for s in sites if s <= n]
            near = near if ALL or len(near) <= bound * 2 // 3 else [near[i * len(near) // (bound * 2 // 3)] for i in range(bound * 2 // 3)]
            chosen = set(spread(n, max(bound - len(near), 1))) | set(near)
        ways = HOW[kind]
        for i, nth in enumerate(sorted(chosen)):
            turn = [w for w in range(len(ways)) if ALL or (i + w) % len(ways) == 0]
            for w in turn:
                number, mode = ways[w]
                made.append((kind, nth if mode != "every" else max(nth, 2), number, mode, role))
    return made


CLEAR = re.compile(r"^(ebb: \S.*|time=\S+ level=(error|warn|info) what=.*|Usage: .*|ebb [a-z]+: .*)$")
SANITIZER = re.compile(r"AddressSanitizer|UndefinedBehavior|runtime error:|LeakSanitizer|assertion|Assertion|corrupt(ed|ion)? ?(size|double|top|unsorted)")


def unclear(code, err):
    """Why this end of a command is not a clear one; None when it is."""
    if code < 0:
        return "died of %s: %s" % (signal.Signals(-code).name, err.strip()[-300:])
    if code not in (0, 1, 2):
        return "exit %d: %s" % (code, err.strip()[-300:])
    if SANITIZER.search(err):
        return "said: %s" % err.strip()[-1500:]
    if code and not any(CLEAR.match(line) for line in err.splitlines()):
        return "exit %d without a clear error: %r" % (code, err[-300:])
    return None


class Runs:
    """Counts what was injected, and says what went wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = collections.defaultdict(collections.Counter)  # scenario -> kind -> faults
        self.missed = collections.Counter()
        self.wrong = collections.defaultdict(list)
        self.ends = collections.defaultdict(collections.Counter)

    def each(self, scenario, wanted, one):
        """one(fault, folder) -> a complaint or None, in a folder of its own."""
        def run(spec):
            fault = Fault(*spec)
            place = tempfile.mkdtemp(prefix="ebb-fault-")
            try:
                complaint = one(fault, place)
            except (subprocess.TimeoutExpired, RuntimeError, OSError, ValueError, KeyError) as why:
                complaint = "%s: %s" % (type(why).__name__, str(why)[:500])
            if os.path.exists(fault.state):
                fault.read()
            with self.lock:
                self.count[scenario][fault.call] += fault.injected
                self.missed[scenario] += fault.injected == 0
                if complaint:
                    self.wrong[scenario].append("%s: %s" % (fault, complaint))
            if complaint and os.environ.get("EBB_FAULT_KEEP"):
                print("# kept %s: %s" % (place, fault), flush=True)
            else:
                shutil.rmtree(place, ignore_errors=True)
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for _ in pool.map(run, wanted):
                pass
        return self.wrong[scenario]

    def table(self):
        lines = ["%-14s %s   total" % ("injected", " ".join("%8s" % k for k in KINDS))]
        for name, row in self.count.items():
            lines.append("%-14s %s %7d" % (name, " ".join("%8d" % row[k] for k in KINDS), sum(row.values())))
        total = collections.Counter()
        for row in self.count.values():
            total.update(row)
        lines.append("%-14s %s %7d" % ("all", " ".join("%8d" % total[k] for k in KINDS), sum(total.values())))
        return lines
