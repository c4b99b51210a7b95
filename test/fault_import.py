"""Faults in imports: a feed, mail with its blobs, a capture."""
import os
import shutil

from ebbtest import SIM, Case, feed_text, folder, run, write
from fault import Fault, faults, unclear

# Enrichment's database takes half a second to read; it is not what is tried here.
CONFIG = "commit_interval_ms: 20\nenrichment:\n  libloc: \"\"\n"
MAILS = 12
ROWS = 120


def quick(case, more=""):
    write(os.path.join(case.path, "ebb.yaml"), CONFIG + more)
    return case


def feed():
    return feed_text([{"timestamp": "2011-03-%02d 00:00:%02d" % (1 + i % 28, i % 60), "protocol": "tcp",
                       "src_ip": "11.2.%d.%d" % (i // 200, i % 200 + 1), "src_port": 1024 + i, "family": "rustock",
                       "infection": "rustock", "http_url": "POST /index.php?topic=%d HTTP/1.1" % i} for i in range(ROWS)])


def mbox():
    mails = []
    for i in range(MAILS):
        mails.append("From bot@example.net Wed Mar 16 10:00:%02d 2011\n"
                     "Received: from host%d.example (host [192.0.2.%d]) by mx.example.org; Wed, 16 Mar 2011 10:00:%02d +0000\n"
                     "From: a%d@example.net\nTo: b@example.org\nSubject: cheap pills %d\nMessage-ID: <m%d@example.net>\n\n"
                     "buy cheap pills at http://pills%d.example.com/ today\n%s\n"
                     % (i, i, i + 1, i, i, i, i, i % 3, "word%d " % i * 2000))
    return "".join(mails)


class Import:
    """One file imported; the truth is what an undisturbed import gives."""

    def __init__(self, name, made, most):
        self.name, self.made, self.most = name, made, most

    def prepare(self):
        self.place = folder()
        self.file = self.made(self.place)
        self.args = ["import", self.file]
        self.template = quick(Case(os.path.join(self.place, "template")))
        calm = self.copy(os.path.join(self.place, "calm"))
        counted = Fault()
        result = calm.ebb("import", self.file, env=counted.env())
        if result.code:
            raise RuntimeError(result.err)
        self.counted = counted.read()
        self.truth = self.state(calm)

    def faults(self):
        return faults(self.counted.seen.get("main", {}), self.most, sites=self.counted.sites)

    def copy(self, path):
        shutil.copytree(self.template.path, path)
        return Case(path, init=False)

    def state(self, case):
        events = case.ebb("events", "--csv")
        census = case.ebb("census", "--by", "day", "--csv")
        if events.code or census.code:
            raise RuntimeError("reading: %s%s" % (events.err, census.err))
        return sorted(line.partition(",")[2] for line in events.out.splitlines()), census.out

    def run(self, fault, place):
        case = self.copy(os.path.join(place, "case"))
        hit = case.ebb("import", self.file, env=fault.env(), timeout=60)
        why = unclear(hit.code, hit.err)
        if why:
            return why
        verified = case.ebb("log", "verify")
        if verified.code:
            return "does not verify after it: %s (import: %d %s)" % (verified.err, hit.code, hit.err)
        if hit.code == 0:
            if self.state(case) != self.truth:
                return "said that it succeeded, and is not the truth: %s" % hit.err
            return None
        again = case.ebb("import", self.file, timeout=60)
        if again.code:
            return "the second import fails: %s (first: %s)" % (again.err, hit.err)
        if self.state(case) != self.truth:
            return "not the truth after the second import (first: %s)" % hit.err
        verified = case.ebb("log", "verify")
        return "does not verify at the end: %s" % verified.err if verified.code else None


def capture(place):
    """A day of a small botnet, as ebb-sim writes it to a capture."""
    path = os.path.join(place, "day.pcap")
    made = run(SIM, "--quiet", "--pcap", path, "--pcap-packets", "300", "--days", "1", "live")
    if made.code:
        raise RuntimeError(made.err)
    return path


SCENARIOS = [
    Import("import-feed", lambda place: write(os.path.join(place, "feed.csv"), feed()), {"": 60, "malloc": 60}),
    Import("import-mail", lambda place: write(os.path.join(place, "spam.mbox"), mbox()), {"": 60, "malloc": 60}),
    Import("import-capture", capture, {"": 30, "malloc": 30}),
]
