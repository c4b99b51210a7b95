"""Sending abuse reports: each goes out once, whatever breaks or is killed; what is in doubt is left to a
person; what comes back is read. Against a smarthost of the test's own, and against a real Postfix."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import postfix
from ebbtest import Case, EBB, done, equal, feed_text, folder, ok, run, skip, write
from sinkhole import Sinkhole
from smarthost import Smarthost

QUEUE = os.environ.get("EBB_QUEUE_REPORTS") or os.path.join(os.path.dirname(EBB), "test", "queue_reports")
LATER = "%Y-%m-%dT%H:%M:%SZ"
OUR_ID = re.compile(rb"^Message-ID:\s*<([^>]*@ebb\.example)>", re.M | re.I)


def later(hours):
    return time.strftime(LATER, time.gmtime(time.time() + hours * 3600))


def section(server, **more):
    """The cleanup section of ebb.yaml."""
    smarthost = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "bounces@ebb.example"}
    keys = {"sending": "true", "per_minute": 1000000, "per_contact_day": 1000}
    for key, value in more.items():
        (smarthost if key in ("host", "port", "tls", "ca", "user", "password_file", "sender") else keys)[key] = value
    return ("cleanup:\n  from: {org: Test, name: Test, mail: reports@ebb.example, domain: ebb.example}\n" +
            "  smarthost: {%s}\n" % ", ".join("%s: %s" % pair for pair in smarthost.items()) +
            "".join("  %s: %s\n" % pair for pair in keys.items()))


class Sender(Case):
    def __init__(self, server, **more):
        super().__init__()
        self.server = server
        self.configure(**more)

    def configure(self, **more):
        write(os.path.join(self.path, "ebb.yaml"), section(self.server, **more))

    def queue(self, *reports):
        """(contact, id, bytes[, hours ago]) -> the reports' numbers."""
        text = "".join(" ".join(str(x) for x in report) + "\n" for report in reports)
        made = subprocess.run([QUEUE, self.path], input=text, capture_output=True, text=True, timeout=120)
        if made.returncode:
            raise RuntimeError(made.stderr)
        return [int(n) for n in made.stdout.split()]

    def plan(self, contacts):
        """A botnet with an address in each of as many networks, each with its contact."""
        place = folder()
        now = time.time()
        network = ["100.%d.%d" % (64 + i // 256, i % 256) for i in range(len(contacts))]
        rows = [{"timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - 3600 - i)), "protocol": "tcp",
                 "src_ip": net + ".7", "src_port": 40000, "dst_ip": "198.51.100.7", "dst_port": 80,
                 "infection": "rustock", "family": "rustock", "http_url": "/x", "http_host": "c2.example"}
                for i, net in enumerate(network)]
        table = ["match,contact,name"] + ["%s.0/24,%s,network" % pair for pair in zip(network, contacts)]
        for args in (["import", "--format", "shadowserver", write(os.path.join(place, "feed.csv"), feed_text(rows))],
                     ["contacts", "import", write(os.path.join(place, "contacts.csv"), "\n".join(table) + "\n")]):
            result = self.ebb(*args)
            if result.code:
                raise RuntimeError(result.err)

    def queued(self):
        return {act["message_id"]: (act["report"] if "report" in act else act["index"], act["contact"])
                for act in self.acts("report_queued")}

    def acts(self, kind="report_tried"):
        return [json.loads(line) for line in self.ebb("log", "acts", "--kind", kind).out.splitlines()]

    def states(self):
        """Report -> the latest result on the log."""
        return {act["report"]: act["result"] for act in self.acts()}

    def send(self, *more, **options):
        result = self.ebb("cleanup", "send", "--no-new", "--json", *more, **options)
        return result

    def begin(self):
        """Sends, in a process group of its own."""
        return subprocess.Popen([EBB, "-C", self.path, "cleanup", "send", "--no-new"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def kill(process, group):
    if group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    process.stderr.close()


def at(stage, what, who=None, times=1):
    """A plan: `what` at that stage, to that contact or all, so often."""
    left = [times]

    def plan(now, contact):
        if now != stage or (who and contact != who) or not left[0]:
            return None
        left[0] -= 1
        return what
    return plan


def one(host_plan, size=3000, **more):
    """A case with one report, and its smarthost."""
    host = Smarthost(host_plan, **more)
    case = Sender(host)
    number, = case.queue(("abuse@isp.example", "one@ebb.example", size))
    return host, case, number


# --- what goes out ---

def test_plain():
    host = Smarthost()
    case = Sender(host)
    numbers = case.queue(*[("abuse%d@isp.example" % i, "id%d@ebb.example" % i, 100000 if i == 3 else 500)
                           for i in range(20)])
    result = case.send()
    rows = result.rows()
    equal((result.code, [(r["report"], r["contact"], r["result"], r["attempt"]) for r in rows]),
          (0, [(n, "abuse%d@isp.example" % i, "sent", 1) for i, n in enumerate(numbers)]), "twenty reports are sent")
    equal(rows[0]["reply"], "250 2.0.0 taken as 1", "with the smarthost's words")
    equal(host.connections, 1, "over one connection")
    equal([c for c in host.commands if c[:4] in ("EHLO", "QUIT")], ["EHLO ebb.example", "QUIT"], "greeted and ended")
    equal({c for c in host.commands if c.startswith("MAIL")}, {"MAIL FROM:<bounces@ebb.example>"},
          "from the address where bounces go")
    queued = case.acts("report_queued")
    for i in (0, 3):
        blob = subprocess.run([EBB, "-C", case.path, "blob", "get", queued[i]["sha256"]], capture_output=True)
        ok(blob.stdout == host.taken[i][1] and len(blob.stdout) > 200, "the exact bytes, dots and all")
    tried = case.acts()
    order = [(a["report"], a["result"]) for a in tried]
    equal(order, [pair for n in numbers for pair in ((n, "trying"), (n, "sent"))],
          "each is on the log before it goes out, and its result behind")
    again = case.send()
    equal((again.code, again.out, len(host.taken)), (0, "", 20), "nothing is sent again")
    case.verifies("the log verifies")
    host.stop()


def test_addresses():
    for address, name in (("::1", '"::1"'), ("127.0.0.1", "localhost")):
        try:
            host = Smarthost(address=address)
        except OSError as error:
            skip("a smarthost at %s" % address, str(error))
            continue
        case = Sender(host, host=name)
        case.queue(("a@isp.example", "a@x", 200))
        result = case.send()
        equal((result.code, len(host.taken)), (0, 1), "a smarthost at %s, named %s" % (address, name))
        host.stop()


def test_options():
    host = Smarthost()
    case = Sender(host)
    numbers = case.queue(("a@isp.example", "a1@x", 200), ("B@isp.example", "b1@x", 200), ("a@isp.example", "a2@x", 200))
    equal([r["report"] for r in case.send("--limit", "1").rows()], numbers[:1], "--limit")
    equal([r["report"] for r in case.send("--contact", "b@ISP.example").rows()], numbers[1:2], "--contact, in any case")
    equal([r["report"] for r in case.send().rows()], numbers[2:], "then the rest")
    equal(case.send("--limit", "0").code, 2, "--limit 0")
    equal(case.ebb("cleanup", "send", "x").code, 2, "an argument")
    # a day's number
    case.configure(per_contact_day=2)
    case.queue(*[("full@isp.example", "f%d@x" % i, 200) for i in range(5)])
    result = case.send()
    equal((len(result.rows()), "3 wait" in result.err), (2, True), "no more a contact and day than is allowed")
    equal(case.send().rows(), [], "nor by another call")
    equal(len(case.send("--at", later(25)).rows()), 2, "the next day some more")
    # a minute's number
    case.configure(per_minute=120)
    case.queue(*[("m%d@isp.example" % i, "m%d@x" % i, 200) for i in range(4)])
    begun = time.monotonic()
    process = case.begin()
    wait_for(lambda: len(host.taken) >= 9)
    time.sleep(0.1)
    between = case.ebb("cleanup", "contact", "somebody@isp.example", "--as", "dead")
    process.wait(timeout=30)
    process.stderr.close()
    took = time.monotonic() - begun
    ok(1.4 < took < 15 and len(set(host.ids())) == 12, "no more a minute than is allowed")
    equal(between.code, 0, "and others may write in the pauses")
    host.stop()


def test_off():
    host = Smarthost()
    case = Sender(host, sending="false")
    case.queue(("a@isp.example", "a1@x", 200))
    before = len(case.acts())
    result = case.send()
    ok(result.code == 2 and "sending is off" in result.err and result.err.count("\n") == 1, "sending is off: an error")
    equal((len(case.acts()), host.connections), (before, 0), "and nothing happens")
    secret = os.path.join(folder(), "password")
    write(secret, "tea\n")
    os.chmod(secret, 0o644)
    case.configure(user="us", password_file=secret)
    result = case.send()
    ok(result.code == 2 and "chmod 600" in result.err, "a password that others may read")
    os.chmod(secret, 0o600)
    case.configure(user="us", password_file=secret, host="192.0.2.1")
    result = case.send()
    ok(result.code == 2 and "in the clear" in result.err, "a password in the clear")
    case.configure(host="no/host")
    equal(case.send().code, 2, "a host that is none")
    equal(host.connections, 0, "nothing was connected to")
    host.stop()


def test_tls():
    place = folder()
    names = [os.path.join(place, n) for n in ("cert.pem", "key.pem", "other.pem", "other.key", "password")]
    for cert, key, name in ((names[0], names[1], "localhost"), (names[2], names[3], "other.example")):
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                   "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=" + name, "-addext",
                   "subjectAltName=DNS:" + name)
        equal(made.code, 0, "a certificate for " + name)
    write(names[4], "tea for two\n")
    os.chmod(names[4], 0o600)
    for tls in ("starttls", "tls"):
        host = Smarthost(tls=tls, certificate=names[:2], users={"us": "tea for two"})
        case = Sender(host, tls=tls, host="localhost", ca=names[0], user="us", password_file=names[4])
        case.queue(("a@isp.example", "a1@x", 200), ("b@isp.example", "b1@x", 200))
        result = case.send()
        equal((result.code, len(host.taken)), (0, 2), "%s with a login" % tls)
        write(names[4], "coffee\n")
        case.queue(("c@isp.example", "c1@x", 200))
        result = case.send(timeout=120)
        ok(result.code == 1 and "535" in result.err and len(host.taken) == 2, "%s: a wrong password" % tls)
        equal([a for a in case.acts() if a["report"] not in (1, 2)], [], "costs no report an attempt")
        write(names[4], "tea for two\n")
        case.configure(tls=tls, host="localhost", ca=names[2], user="us", password_file=names[4])
        result = case.send(timeout=120)
        ok(result.code == 1 and "certificate" in result.err.lower() and len(host.taken) == 2,
           "%s: a certificate of nobody we know" % tls)
        host.stop()
        host.certificate = names[2:4]
        host.start()
        result = case.send(timeout=120)
        ok(result.code == 1 and len(host.taken) == 2, "%s: a certificate for another name" % tls)
        host.stop()
    host = Smarthost()
    case = Sender(host, tls="starttls", host="localhost", ca=names[0])
    case.queue(("a@isp.example", "a1@x", 200))
    result = case.send(timeout=120)
    ok(result.code == 1 and not host.taken and "MAIL" not in " ".join(host.commands), "no STARTTLS: nothing is sent")
    host.stop()


# --- what goes wrong ---

def test_replies():
    plans = {"4xx": at("rcpt", "451 4.7.1 greylisted"), "5xx": at("rcpt", "550 5.1.1 nobody"),
             "after": at("dot", "554 5.7.1 spam"), "later": at("dot", "452 4.3.1 full"), "data": at("data", "451 no")}
    for name, plan in plans.items():
        host, case, n = one(plan)
        other, = case.queue(("b@isp.example", "two@ebb.example", 300))
        result = case.send()
        want = "refused" if name in ("5xx", "after") else "deferred"
        equal((result.code, case.states()), (0, {n: want, other: "sent"}), "%s: %s, and the next is sent" % (name, want))
        equal(host.ids(), ["two@ebb.example"], "%s: it was not taken" % name)
        equal(case.send().rows(), [], "%s: not tried again at once" % name)
        rows = case.send("--at", later(0.3)).rows()
        if want == "deferred":
            equal([(r["result"], r["attempt"]) for r in rows], [("sent", 2)], "%s: later it is sent" % name)
        else:
            equal(rows, [], "%s: nor later" % name)
        host.stop()
    # doubling, and the end
    host, case, n = one(lambda stage, contact: "451 4.3.0 later" if stage == "rcpt" else None)
    case.send()
    equal(len(case.send("--at", later(0.26)).rows()), 1, "a quarter of an hour: the second attempt")
    equal(len(case.send("--at", later(0.4)).rows()), 0, "then twice as long")
    equal(len(case.send("--at", later(0.6)).rows()), 1, "the third")
    row = case.send("--at", later(97)).rows()[0]
    ok(row["result"] == "refused" and row["reply"].startswith("given up after 96 hours: 451 4.3.0"), "given up")
    host.stop()
    # the sender is not ours to use: no fault of the report's
    host, case, n = one(lambda stage, contact: "550 5.7.1 not you" if stage == "mail" else None)
    result = case.send(timeout=120)
    ok(result.code == 1 and "not you" in result.err and set(case.states().values()) <= {"deferred"},
       "a sender that is refused stops all of it")
    host.stop()


def test_cuts():
    for stage in ("connect", "greeting", "ehlo", "mail", "rcpt", "data", "body", "dot", "half"):
        host, case, n = one(at(stage, "cut"), size=8000000 if stage == "body" else 3000)
        result = case.send()
        states = case.states()
        if stage in ("connect", "greeting", "ehlo"):
            equal((result.code, states, host.ids()), (0, {n: "sent"}, ["one@ebb.example"]),
                  "cut at %s: no attempt yet; knocked at again, and sent" % stage)
        elif stage in ("dot", "half"):
            equal(states, {n: "doubtful"}, "cut at %s: in doubt" % stage)
            ok("in doubt" in result.err, "and said so")
            equal(case.send("--at", later(100)).rows(), [], "never sent again by itself")
        else:
            equal((states, host.ids()), ({n: "deferred"}, []), "cut at %s: to be tried again" % stage)
            case.send("--at", later(0.3))
            equal((case.states(), host.ids()), ({n: "sent"}, ["one@ebb.example"]), "cut at %s: and sent, once" % stage)
        host.stop()


def test_down():
    host, case, n = one(None)
    host.stop()
    begun = time.monotonic()
    result = case.send(timeout=120)
    ok(result.code == 1 and "smarthost 127.0.0.1" in result.err and result.err.count("\n") == 1 and not case.acts(),
       "nobody is there: an error, and no attempt")
    ok(time.monotonic() - begun > 10, "after some knocks")
    process = case.begin()
    time.sleep(1.5)
    host.start()
    equal(process.wait(timeout=60), 0, "it comes back meanwhile")
    process.stderr.close()
    equal(host.ids(), ["one@ebb.example"], "and it is sent")
    case.queue(("a@isp.example", "a@x", 200))
    host.stop()
    process = case.begin()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    equal((process.wait(timeout=20), b"interrupted" in process.stderr.read()), (1, True), "^C ends the waiting")
    process.stderr.close()


# --- kills ---

def test_kills():
    for stage, group, want in (("dot", False, "sent"), ("dot", True, "doubtful"), ("rcpt", False, "deferred"),
                               ("rcpt", True, "deferred")):
        go, there = threading.Event(), threading.Event()

        def hold():
            there.set()
            go.wait(30)
        host, case, n = one(at(stage, hold))
        process = case.begin()
        ok(there.wait(20), "it is sending")
        equal(case.states(), {n: "trying"}, "the log says so")
        if stage == "dot" and not group:
            busy = case.ebb("cleanup", "send", "--no-new", timeout=60)
            ok(busy.code == 1 and "somebody else" in busy.err, "a second one does not send")
        kill(process, group)
        what = "killed at %s, %s" % (stage, "all of it" if group else "but not who talks to the smarthost")
        if stage == "dot" and not group:
            threading.Timer(1, go.set).start()
        else:
            go.set()
        case.send(timeout=60)
        equal(case.states(), {n: want}, "%s: %s" % (what, want))
        case.send("--at", later(0.3))
        equal((case.states()[n], host.ids().count("one@ebb.example")),
              ("doubtful" if want == "doubtful" else "sent", 1), "%s: it went out once" % what)
        case.verifies("%s: the log verifies" % what)
        host.stop()


def test_settle():
    host = Smarthost(lambda stage, contact: "cut" if stage == "dot" else None)
    case = Sender(host)
    a, b, c, d = case.queue(*[("%s@isp.example" % x, "%s@x" % x, 200) for x in "abcd"])
    for _ in range(4):
        case.send(timeout=120)
    equal(set(case.states().values()), {"doubtful"}, "four in doubt")
    host.plan = lambda stage, contact: None
    equal(case.ebb("cleanup", "settle").code, 2, "settle what?")
    equal(case.ebb("cleanup", "settle", str(a)).code, 2, "as what?")
    equal(case.ebb("cleanup", "settle", str(a), "--as", "lost").code, 2, "as nothing there is")
    equal(case.ebb("cleanup", "settle", "999999", "--as", "sent").code, 1, "a report that is none")
    equal(case.ebb("cleanup", "settle", str(a), "--as", "sent", "--why", "their ticket 5", "--by", "ada").code, 0, "sent")
    equal(case.ebb("cleanup", "settle", str(b), str(c), "--as", "again").code, 0, "again")
    equal(case.ebb("cleanup", "settle", str(d), "--as", "cancelled").code, 0, "cancelled")
    refused = case.ebb("cleanup", "settle", str(a), "--as", "again")
    ok(refused.code == 1 and "is sent" in refused.err, "what was sent is not sent again")
    act = [x for x in case.acts() if x["report"] == a][-1]
    equal((act["result"], act["by"], act["why"]), ("sent", "ada", "their ticket 5"), "who said so, and why")
    rows = case.send().rows()
    equal([(r["report"], r["result"], r["attempt"]) for r in rows], [(b, "sent", 2), (c, "sent", 2)], "again, at once")
    equal(sorted(host.ids()), ["b@x", "c@x"], "those two")
    host.stop()


def test_contacts():
    host = Smarthost()
    case = Sender(host)
    a, b = case.queue(("gone@isp.example", "a@x", 200), ("here@isp.example", "b@x", 200))
    bad, = case.queue(("no<address>@isp.example", "c@x", 200))
    equal(case.ebb("cleanup", "contact", "Gone@isp.example", "--as", "dead", "--why", "left").code, 0, "a dead contact")
    rows = case.send().rows()
    equal([(r["report"], r["result"], r["reply"]) for r in rows],
          [(a, "cancelled", "contact is dead"), (b, "sent", "250 2.0.0 taken as 1"),
           (bad, "cancelled", "contact is no address")], "is not written to, nor what is no address")
    equal(len(host.taken), 1, "one was sent")
    case.ebb("cleanup", "contact", "gone@isp.example", "--as", "alive")
    case.ebb("cleanup", "settle", str(a), "--as", "again")
    equal([r["result"] for r in case.send().rows()], ["sent"], "alive again, sent again")
    for args in (["x@y"], ["x@y", "--as", "ill"], ["--as", "dead"], ["nobody", "--as", "dead"], ["a@b", "c@d", "--as", "dead"]):
        equal(case.ebb("cleanup", "contact", *args).code, 2, "contact %s: wrong usage" % " ".join(args))
    host.stop()


# --- what comes back ---

def bounce(contact, message_id, status="5.1.1", action="failed"):
    return ("From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nContent-Type: multipart/report; "
            "report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\nContent-Type: "
            "message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: %s\r\n"
            "Status: %s\r\nDiagnostic-Code: smtp; 550 no such user here\r\n\r\n--b\r\nContent-Type: "
            "text/rfc822-headers\r\n\r\nMessage-ID: <%s>\r\n\r\n--b--\r\n" % (contact, action, status, message_id))


def test_returns():
    host = Smarthost()
    box = os.path.join(folder(), "box")
    for part in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(box, part))
    case = Sender(host, returns=box)
    numbers = case.queue(*[("a@isp.example", "a%d@x" % i, 200) for i in range(4)], ("b@isp.example", "b@x", 200))
    case.send()

    def put(name, text, part="new"):
        write(os.path.join(box, part, name), text)
    put("1", bounce("a@isp.example", "a0@x"))
    put("2", bounce("a@isp.example", "a1@x", "4.4.1", "delayed"))
    put("3", "From: b@isp.example\r\nSubject: Re: hosts\r\nIn-Reply-To: <b@x>\r\n\r\nwho?\r\n", "cur")
    put("4", "From: b@isp.example\r\nAuto-Submitted: auto-replied\r\nSubject: [5]\r\nReferences: <b@x>\r\n\r\nok\r\n")
    put("5", "From: spam@else.example\r\nSubject: buy\r\n\r\nnow\r\n")
    put("6", "")
    put("7", bounce("a@isp.example", "a0@x"))  # the same bytes again
    rows = case.rows("cleanup", "returns")
    equal([(r["report"], r["what"], r["contact"], r["status"]) for r in rows],
          [(numbers[0], "bounce", "a@isp.example", "5.1.1"), (numbers[1], "delay", "a@isp.example", "4.4.1"),
           (numbers[4], "reply", "b@isp.example", None), (numbers[4], "auto-reply", "b@isp.example", None),
           (None, "reply", "spam@else.example", None)], "what came back, once each")
    equal(rows[0]["text"], "550 no such user here", "the other server's words")
    kept = subprocess.run([EBB, "-C", case.path, "blob", "get", rows[0]["sha256"]], capture_output=True)
    equal(kept.stdout.decode(), bounce("a@isp.example", "a0@x"), "the mail is kept")
    equal(case.rows("cleanup", "returns"), [], "it is taken in once")
    os.rename(os.path.join(box, "new", "1"), os.path.join(box, "cur", "1:2,S"))
    equal(case.rows("cleanup", "returns", box), [], "also when it was moved")
    equal(len(os.listdir(os.path.join(box, "new"))) + len(os.listdir(os.path.join(box, "cur"))), 7, "no mail was touched")
    # hard bounces of two reports: the contact is dead
    late, = case.queue(("a@isp.example", "late@x", 200))
    equal([r["result"] for r in case.send().rows()], ["sent"], "one hard bounce is none")
    put("8", bounce("a@isp.example", "a2@x", "5.7.1"))
    case.rows("cleanup", "returns")
    later_, = case.queue(("a@isp.example", "later@x", 200))
    equal([r["result"] for r in case.send().rows()], ["cancelled"], "two are: the contact is dead")
    # what was in doubt had gone out
    host.plan = at("dot", "cut")
    doubt, = case.queue(("c@isp.example", "c@x", 200))
    case.send()
    put("9", "From: c@isp.example\r\nSubject: Re\r\nIn-Reply-To: <c@x>\r\n\r\nthanks\r\n")
    case.rows("cleanup", "returns")
    equal(case.states()[doubt], "sent", "an answer to one in doubt settles it")
    equal(case.ebb("cleanup", "returns", folder()).code, 1, "no Maildir")
    case.configure()
    equal(case.ebb("cleanup", "returns").code, 2, "which Maildir?")
    host.stop()


# --- the daemon ---

def test_daemon():
    go, there = threading.Event(), threading.Event()

    def hold():
        there.set()
        go.wait(30)
    host = Smarthost()
    hole = Sinkhole(listen={"dns": ("dns", "")})
    with open(os.path.join(hole.path, "ebb.yaml"), "a") as f:
        f.write(section(host))
    case = Sender.__new__(Sender)
    case.path, case.server = hole.path, host
    case.plan(["p%d@isp.example" % i for i in range(7)])
    numbers = case.queue(*[("a%d@isp.example" % i, "a%d@x" % i, 2000) for i in range(10)])
    hole.start()
    ok(wait_for(lambda: len(host.taken) == 10), "the daemon sends what is queued")
    ok(wait_for(lambda: list(case.states().values()) == ["sent"] * 10), "and journals it")
    equal(host.connections, 1, "over one connection")
    result = case.ebb("cleanup", "send", "--contact", "p3@isp.example")
    ok(result.code == 0 and "1 reports queued" in result.err and "it sends" in result.err,
       "a command queues, and leaves the sending to it")
    result = case.ebb("cleanup", "send")
    ok("6 reports queued" in result.err, "the rest")
    ok(wait_for(lambda: sorted(c for c, _ in host.taken)[10:] == ["p%d@isp.example" % i for i in range(7)]),
       "all go out")
    ok(wait_for(lambda: list(case.states().values()) == ["sent"] * 17), "and are journalled")
    equal(case.ebb("cleanup", "contact", "dead@isp.example", "--as", "dead").code, 0, "a dead contact, by the daemon")
    equal(hole.stop(), 0, "it stops")
    # killed while it waits for an answer: nobody sends it again
    host.plan = at("dot", hold)
    more = case.queue(("b@isp.example", "b@x", 2000), ("dead@isp.example", "d@x", 200), ("c@isp.example", "c@x", 200))
    hole.start()
    ok(there.wait(20), "it is sending again")
    for pid in hole.pids("courier"):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    go.set()
    ok(wait_for(lambda: len(case.states()) == 20 and "trying" not in case.states().values()), "killed and started again")
    equal([case.states()[n] for n in more], ["sent", "cancelled", "sent"], "what it was at is known")
    equal(sorted(host.ids()), sorted(i for i in case.queued() if i != "d@x"), "each went out once")
    # reload with sending off
    equal(hole.stop(), 0, "a clean stop")
    case.verifies("the log verifies")
    host.stop()


# --- Postfix ---

def test_postfix(n=5000):
    why = postfix.missing()
    if why:
        skip("%d reports through Postfix" % n, why)
        return
    begun = time.monotonic()
    contacts = ["abuse%d@isp%d.example" % (i, i % 50) for i in range(n)]
    boxes = {c: "box" for i, c in enumerate(contacts) if i % 4}
    boxes.update({"x@isp%d.example" % i: "box" for i in range(50)})
    boxes["bounces@ebb.example"] = "returns"
    mta = postfix.Postfix(boxes).start()
    case = Sender(mta)
    case.plan(contacts)
    result = case.ebb("cleanup", "send", "--queue-only")
    ids = {i: report for i, (report, _) in case.queued().items()}
    contact_of = {report: contact for report, contact in case.queued().values()}
    numbers = sorted(ids.values())
    equal((result.code, sorted(contact_of.values())), (0, sorted(contacts)), "%d digests are queued" % n)

    def sent():
        return sum(state == "sent" for state in case.states().values())
    process = case.begin()
    ok(wait_for(lambda: sent() > n / 5, 120), "it is sending")
    mta.stop()
    time.sleep(0.5)
    mta.start()
    ok(wait_for(lambda: sent() > n / 2, 120), "Postfix was restarted, and it goes on")
    kill(process, True)
    result = case.send("--at", later(1), timeout=240)
    if result.code:
        result = case.send("--at", later(2), timeout=240)
    equal(result.code, 0, "killed and started again, it comes to the end")
    states = case.states()
    case.send("--at", later(24), timeout=240)
    states = case.states()
    equal(sorted(states), sorted(numbers), "every report was tried")
    doubtful = [number for number in numbers if states[number] == "doubtful"]
    equal(sorted(set(states.values()) - {"doubtful"}), ["sent"], "all were sent, or are in doubt")
    ok(len(doubtful) <= 3, "in doubt: %d" % len(doubtful))
    ok(mta.wait_idle(90), "Postfix has delivered")
    arrived, back = {}, {}
    for data in mta.files("box"):
        name = OUR_ID.search(data).group(1).decode()
        arrived[name] = arrived.get(name, 0) + 1
    for data in mta.files("returns"):
        name = OUR_ID.search(data).group(1).decode()
        back[name] = back.get(name, 0) + 1
    seen = {**arrived, **back}
    equal([i for i in ids if i not in seen and ids[i] not in doubtful], [], "none is lost")
    equal([i for i, count in seen.items() if count != 1], [], "none was sent twice")
    equal(len(arrived) + len(back), len(seen), "none was delivered and sent back")
    # a person looks at those in doubt
    for number in doubtful:
        was = [i for i in ids if ids[i] == number][0] in seen
        case.ebb("cleanup", "settle", str(number), "--as", "sent" if was else "again", "--why", "Postfix's log")
    case.send(timeout=120)
    ok(mta.wait_idle(60), "and Postfix again")
    equal(sum(1 for _ in mta.files("box")) + sum(1 for _ in mta.files("returns")), n, "all %d arrived or came back" % n)
    rows = case.rows("cleanup", "returns", os.path.join(mta.mail, "returns"))
    equal(len(rows), n // 4, "a quarter came back")
    equal({(r["what"], r["status"]) for r in rows}, {("bounce", "5.1.1")}, "as bounces")
    equal([r for r in rows if contact_of[r["report"]] != r["contact"]], [], "of the right reports")
    equal(sorted(r["contact"] for r in rows), sorted(c for c in contacts if c not in boxes), "from the right networks")
    equal(case.rows("cleanup", "returns", os.path.join(mta.mail, "returns")), [], "each once")
    case.verifies("the log verifies")
    mta.stop()
    print("# %d reports in %.0f s" % (n, time.monotonic() - begun))


TESTS = [test_plain, test_addresses, test_options, test_off, test_tls, test_replies, test_cuts, test_down, test_kills, test_settle,
         test_contacts, test_returns, test_daemon, test_postfix]
only = os.environ.get("ONLY")
for test in TESTS:
    if not only or only in test.__name__:
        test()
done()
