"""Faults in `ebb serve`, in one of its roles at a time: while it starts, answers bots, takes mail and ends. What was
acknowledged is on the log, once; nothing is there twice; what is missing is counted as a gap; it stops when it is
told to; and the next one serves."""
import os
import smtplib
import socket
import struct

from ebbtest import folder
from fault import Fault, SANITIZER, faults
from sinkhole import Sinkhole, exchange

TOP = "enrichment:\n  libloc: \"\""
DNS, HTTP, MAILS = 8, 3, 2
LISTEN = {"dns": ("dns", ""), "http": ("http", ""), "smtp": ("smtp", "")}
WAIT = 8  # seconds, for what starts at once when it starts at all

# Kinds worth while in each role, and how many of each.
ROLES = {
    "ebb-recorder": {"write": 5, "fsync": 5, "rename": 3, "malloc": 4, "open": 2, "truncate": 2, "mmap": 1, "accept": 2,
                     "send": 1},
    "ebb-sensor": {"write": 1, "send": 4, "malloc": 3, "accept": 4, "mmap": 1},
    "main": {"write": 1, "malloc": 3, "mmap": 1, "truncate": 1, "send": 1, "open": 1},
    "ebb-keeper": {"write": 1, "fsync": 1, "rename": 1, "malloc": 1},
    "ebb-desk": {"accept": 2, "malloc": 1, "send": 1},
}


def query(name, port):
    """An A query by UDP; its answer, or None."""
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    packet = struct.pack(">6H", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.4)
        try:
            s.connect(("127.0.0.1", port))
            s.send(packet)
            return s.recv(4096)
        except OSError:
            return None


def mail(port, number):
    """True when it was acknowledged."""
    try:
        with smtplib.SMTP("127.0.0.1", port, "bot%d.example" % number, timeout=4) as s:
            s.sendmail("a@example.net", ["b@seized.example"],
                       "Subject: mail %d\r\nMessage-ID: <m%d@example.net>\r\n\r\nbuy\r\n" % (number, number))
            return True
    except (OSError, smtplib.SMTPException):
        return False


class Served:
    """One run: what was answered and acknowledged."""

    def __init__(self, path, env):
        self.s = Sinkhole(LISTEN, path=path, sensors=1, top=TOP, env=env)
        self.s.order()
        self.s.asset("seized.example", "127.0.0.0/8", family="rustock")
        self.answered, self.mails, self.trouble, self.act = [], [], None, None

    def traffic(self):
        s = self.s
        for i in range(DNS):
            if query("n%d.seized.example" % i, s.port["dns"]):
                self.answered.append("n%d.seized.example" % i)
        for i in range(HTTP):
            try:
                exchange(s.port["http"], b"GET /gate%d.php HTTP/1.1\r\nHost: c2.seized.example\r\n\r\n" % i, 1)
            except OSError:
                pass
        try:
            exchange(s.desk, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 1)
        except OSError:
            pass
        self.act = self.s.ebb("case", "asset", "add", "late.example", "--order", "order-1", env=None, timeout=100).code
        for i in range(MAILS):
            if mail(s.port["smtp"], i):
                self.mails.append(i)

    def serve(self):
        """Starts, is spoken to, is stopped; why that is not as it should be, or None."""
        try:
            self.s.start(WAIT)
        except RuntimeError as why:
            self.trouble = str(why)
        if self.s.process and self.s.process.poll() is None:
            self.traffic()
            code = self.s.stop(40)
        else:
            code = self.s.process.poll() if self.s.process else 0
            self.s.process = None
        said = self.s.said()
        if SANITIZER.search(said):
            return "said: " + said[-2000:]
        if (self.trouble or code) and not ("level=error" in said or "ebb: " in said or "level=warn" in said):
            return "exit %s, no clear error: %s" % (code, said[-1000:])
        if code and code < 0:
            return "died of signal %d: %s" % (-code, said[-1000:])
        if "signal=11" in said or "signal 11" in said or "signal=6" in said:
            return "a role died of a signal: " + said[-2000:]
        return None


class Serve:
    def __init__(self, role):
        self.role, self.most = role, ROLES[role]
        self.name = "serve-" + role.replace("ebb-", "").replace("main", "supervisor")

    def prepare(self):
        counted = Fault(role=self.role)
        calm = Served(os.path.join(folder(), "case"), counted.env())
        wrong = calm.serve()
        if wrong or calm.trouble or len(calm.answered) != DNS or len(calm.mails) != MAILS:
            raise RuntimeError("undisturbed: %s %s" % (wrong, calm.trouble or (calm.answered, calm.mails)))
        self.counted = counted.read()

    def faults(self):
        seen = self.counted.seen.get(self.role, {})
        return faults(seen, dict(self.most, **{"": 1}), [k for k in self.most], self.role, self.counted.sites)

    def run(self, fault, place):
        served = Served(os.path.join(place, "case"), fault.env())
        try:
            wrong = served.serve()
            return wrong or self.judge(served)
        finally:
            served.s.kill()

    def judge(self, served):
        case = served.s
        said = " (%s)" % case.said()[-1500:]
        verified = case.ebb("log", "verify")
        if verified.code:
            return "does not verify after it: " + verified.err + said
        case.env = None
        os.unlink(os.path.join(case.path, "serve.log"))
        case.start(30)  # undisturbed; takes in what is left
        if not query("after.seized.example", case.port["dns"]):
            return "the next one does not answer" + said
        case.stop()
        events = case.events()
        names = [e["dns"]["qname"].rstrip(".").lower() for e in events if e["protocol"] == "dns"]
        mails = [e["smtp"] for e in events if e["protocol"] == "smtp"]
        if len(set(names)) != len(names):
            return "twice on the log: %s%s" % (names, said)
        gaps = len(case.ebb("log", "acts", "--kind", "gap").out.splitlines())
        if set(served.answered) - set(names) and not gaps:
            return "answered, not on the log, and no gap: %s%s" % (set(served.answered) - set(names), said)
        acts = case.ebb("log", "acts", "--kind", "asset").out.count("late.example")
        if acts > 1 or (served.act == 0 and acts != 1):
            return "an act that ended with %s is %d times on the log%s" % (served.act, acts, said)
        greeted = [str(m) for m in mails if "mail" in str(m)]
        if len(greeted) < len(served.mails):
            return "%d mails were acknowledged, %d are there%s" % (len(served.mails), len(greeted), said)
        verified = case.ebb("log", "verify")
        return "does not verify at the end: " + verified.err + said if verified.code else None


SCENARIOS = [Serve(role) for role in ROLES]
