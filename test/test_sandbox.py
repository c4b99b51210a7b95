"""What each process of `ebb serve` can do and cannot: the self-test, as root and as nobody; the systemd
unit; what it tells the service manager."""
import ctypes
import errno
import os
import pwd
import re
import shutil
import sys
import signal
import socket
import time

from ebbtest import EBB, ROOT, equal, folder, ok, run, skip, done
from sinkhole import Sinkhole

ROLES = ["supervisor", "sensor", "recorder", "desk", "courier", "partners", "public", "keeper"]
# The issue's own words, and who may do it after all.
FORBIDDEN = {
    "read a file outside": ["supervisor"],
    "connect out by TCP": ["supervisor", "courier"],
    "connect out by TCP to another port than it was told": ["supervisor"],
    "connect out by UDP": ["supervisor"],
    "connect out by TCP Fast Open": [],
    "connect to a stranger's abstract socket": [],
    "make a TCP socket": ["supervisor", "courier"],
    "execute a program": [],
    "trace": [],
    "read the parent's memory": [],
    "signal the parent": [],
    "fork": ["supervisor", "desk"],  # a query runs in a child of the desk
    "write a file outside": [],
    "turn memory into code": [],
    "mount": [],
    "set up io_uring": [],
    "load BPF": [],
    "make a namespace": [],
    "use the kernel's keys": [],
}


def check_rows(result, who):
    rows = result.rows()
    equal(result.code, 0, "the self-test holds, %s" % who)
    for row in rows:
        if not row["holds"]:
            ok(False, "%(role)s: %(act)s: expected %(expected)s, was %(result)s" % row)
    equal([r for r in ROLES + ["unconfined"] if not any(row["role"] == r for row in rows)], [],
          "every role is tried, %s" % who)
    return {(row["role"], row["act"]): row for row in rows}


def test_selftest():
    rows = check_rows(run(EBB, "selftest", "--json"), "as we are")
    for act, may in FORBIDDEN.items():
        for role in ROLES:
            row = rows[role, act]
            want = "allowed" if role in may else "denied"
            if row["expected"] != want or not row["result"].startswith(want):
                if "Landlock" not in row["result"]:
                    ok(False, "%s may not: %s (%s)" % (role, act, row["result"]))
    free = [row for (role, _), row in rows.items() if role == "unconfined"]
    ok(len(free) > 40 and all(row["result"] == "allowed" for row in free),
       "without a role the same acts succeed, so that the roles are what forbids them")
    text = run(EBB, "selftest")
    ok(text.code == 0 and re.search(r"^sensor +connect out by TCP +denied +denied \(EPERM\)", text.out, re.M),
       "as a table, too")
    equal(run(EBB, "selftest", "x").code, 2, "it takes no argument")


def test_as_nobody():
    if os.geteuid() != 0:
        skip("the self-test as nobody", "not root: that is how it was run above")
        return
    place = folder()
    shutil.copy(EBB, os.path.join(place, "ebb"))
    os.chmod(place, 0o711)
    scratch = os.path.join(place, "tmp")
    os.mkdir(scratch)
    os.chown(scratch, 65534, 65534)
    check_rows(run(os.path.join(place, "ebb"), "selftest", "--json", user=65534, group=65534, extra_groups=[],
                   cwd="/", env=dict(os.environ, TMPDIR=scratch)), "as nobody")
    equal(os.listdir(scratch), [], "nothing is left behind")


def hide_landlock():
    """In a child, before it executes: the kernel does not know Landlock."""
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    filter_ = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(0x7fff0000)))  # SCMP_ACT_ALLOW
    call = lib.seccomp_syscall_resolve_name(b"landlock_create_ruleset")
    lib.seccomp_rule_add(filter_, ctypes.c_uint32(0x00050000 | errno.ENOSYS), call, 0)
    if lib.seccomp_load(filter_):
        os._exit(99)


def test_without_landlock():
    result = run(EBB, "selftest", "--json", preexec_fn=hide_landlock)
    if result.code == 99:
        skip("without Landlock", "cannot hide it")
        return
    rows = check_rows(result, "on a kernel without Landlock")
    ok("no Landlock" in result.err, "which is said")
    equal(rows["recorder", "read a file outside"]["result"], "allowed (needs Landlock ABI 1)",
          "the rows say what the kernel cannot forbid")
    equal({row["act"] for (role, _), row in rows.items() if role == "sensor" and "Landlock" in row["result"]}, set(),
          "the sensor needs none of it")


# --- the unit ---

UNIT = os.path.join(ROOT, "dist", "systemd", "ebb@.service")


def call_sets():
    """systemd's names for groups of calls -> the calls."""
    sets, name = {}, None
    for line in run("systemd-analyze", "syscall-filter", "--no-pager").out.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = set()
        elif line.startswith("#") or not line.strip():
            name = None if line.startswith("#") else name
        elif name and line.startswith("    ") and not line.strip().startswith("#"):
            sets[name].add(line.strip())
    return sets


def expand(sets, name):
    if not name.startswith("@"):
        return {name}
    return set().union(*(expand(sets, n) for n in sets[name]))


def allowed_calls(sets, unit):
    """As systemd.exec(5), SystemCallFilter=, says."""
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        names = set().union(*(expand(sets, n) for n in line.lstrip("~").split()))
        calls = calls - names if line.startswith("~") else calls | names
    return calls | expand(sets, "@default")


def test_unit():
    if not shutil.which("systemd-analyze"):
        skip("the unit", "no systemd-analyze")
        return
    path = os.path.join(folder(), "ebb@case.service")
    run(sys.executable, os.path.join(os.path.dirname(UNIT), "unit.py"), UNIT, path, "@COMMAND@=", "@BINDIR@=/usr/bin")
    with open(path) as f:
        unit = f.read()
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", path).out
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    if not found:
        skip("the unit's exposure", "this systemd-analyze does not look at files")
    else:
        ok(float(found.group(1)) < 1.5, "systemd finds an exposure of %s, below 1.5" % found.group(1))
    broken = [line for line in run("systemd-analyze", "verify", path).err.splitlines()
              if "not executable" not in line and "man" not in line]
    equal(broken, [], "systemd takes the unit as it is written")
    sets = call_sets()
    calls = allowed_calls(sets, unit)
    ok("read" in calls and "capset" not in calls and "execve" in calls, "its filter is understood")
    known = set().union(*sets.values())
    with open(os.path.join(ROOT, "src", "app", "serve", "sandbox_roles.def")) as f:
        needed = set(re.findall(r"^CALL(?:_IF|_OPTION)?\((\w+),", f.read(), re.M))
    refused = (needed & known) - calls
    equal(sorted(refused - {"capset", "sched_setaffinity", "setrlimit"}), [],
          "it leaves every call that a role needs, but those that may fail")


# --- a running one ---

def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_running():
    hole = Sinkhole(listen={"dns": ("dns", "")})
    hole.start()
    s = status_of(hole.process.pid)
    equal((s["NoNewPrivs"].strip(), s["Seccomp"].strip(), s["CapEff"].strip().strip("0")), ("1", "2", ""),
          "supervisor: locked in, no capability")
    for role in ["recorder", "sensor", "courier", "desk"]:
        for pid in hole.pids(role):
            s = status_of(pid)
            equal((s["NoNewPrivs"].strip(), s["Seccomp"].strip()), ("1", "2"), "%s: locked in" % role)
            equal({s[c].strip().strip("0") for c in ["CapInh", "CapPrm", "CapEff", "CapAmb"]}, {""},
                  "%s: no capability" % role)
            equal(s["Threads"].strip(), "1", "%s: one thread" % role)
    equal(hole.stop(), 0, "a clean stop")


def give(path, uid):
    os.chmod(os.path.dirname(path), 0o711)
    for place, folders, files in os.walk(path):
        for name in [place] + [os.path.join(place, f) for f in folders + files]:
            os.chown(name, uid, -1, follow_symlinks=False)


def test_dropped():
    """Started by root, it is somebody else when its sockets are bound."""
    if os.geteuid() != 0:
        skip("root becomes the user of serve.user", "not root")
        return
    who = pwd.getpwnam("nobody")
    hole = Sinkhole(listen={"dns": ("dns", "")}, more="  user: nobody")
    give(hole.path, who.pw_uid)
    hole.start()
    pids = [hole.process.pid] + [pid for role in ROLES[1:] for pid in hole.pids(role)]
    equal({(status_of(pid)["Uid"], status_of(pid)["Gid"], status_of(pid)["Groups"].strip()) for pid in pids},
          {("\t".join([str(who.pw_uid)] * 4), "\t".join([str(who.pw_gid)] * 4), "")},
          "all %d processes are the user's, with its group and no other" % len(pids))
    hole.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while "what=\"reloaded\"" not in hole.said() and time.monotonic() < end:
        time.sleep(0.1)
    ok("what=\"reloaded\"" in hole.said(), "it can be reloaded")
    equal(hole.stop(), 0, "and stopped")
    hole = Sinkhole(listen={"dns": ("dns", "")}, more="  user: nobody-of-that-name")
    result = hole.ebb("serve", timeout=30)
    ok(result.code != 0 and "nobody-of-that-name" in result.err, "a user that is not there is an error")
    hole = Sinkhole(listen={"dns": ("dns", "")}, more="  user: root")
    result = hole.ebb("serve", timeout=30)
    ok(result.code != 0 and "root" in result.err, "so is root")


def listen_for_notices(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(name)
    s.settimeout(30)
    return s


def notice(s, wanted, wait=30):
    """The next message with that line; other ones (the watchdog's, a status) are passed over."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        lines = s.recv(4096).decode().split("\n")
        if wanted in lines:
            return lines
    return []


def test_notices(name, where):
    s = listen_for_notices("\0" + name[1:] if name.startswith("@") else name)
    hole = Sinkhole(listen={"dns": ("dns", "")},
                    env=dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="400000"))
    hole.start()
    ok(notice(s, "READY=1"), "%s: READY=1" % where)
    ok(notice(s, "WATCHDOG=1"), "%s: WATCHDOG=1" % where)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    hole.process.send_signal(signal.SIGHUP)
    lines = notice(s, "RELOADING=1")
    at = [int(line.split("=")[1]) for line in lines if line.startswith("MONOTONIC_USEC=")]
    ok(len(at) == 1 and before <= at[0] <= before + 30000000, "%s: RELOADING=1 with its time" % where)
    ok(notice(s, "READY=1"), "%s: READY=1 again" % where)
    hole.process.send_signal(signal.SIGTERM)
    ok(notice(s, "STOPPING=1"), "%s: STOPPING=1" % where)
    hole.process.wait(30)
    s.close()


test_selftest()
test_as_nobody()
test_without_landlock()
test_unit()
if run(EBB, "serve", "--help").code == 0:
    test_running()
    test_dropped()
    test_notices(os.path.join(folder(), "notify"), "a path")
    test_notices("@ebb-test-%d" % os.getpid(), "an abstract name")
else:
    skip("a running sinkhole", "this build has no `ebb serve`")
done()
