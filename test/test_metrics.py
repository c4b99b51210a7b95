"""What the desk shows of a running sinkhole: the same figures as `ebb status`, in a format that a strict
reader takes; and mails are there to be read as soon as they are acknowledged."""
import re
import smtplib
import socket
import urllib.error
import urllib.request

from ebbtest import done, equal, ok
from sinkhole import Sinkhole

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*"\})? (-?[0-9]+(?:\.[0-9]+)?)')


def parse(text):
    """Series to value. Raises ValueError on whatever text format 0.0.4 does not allow."""
    series, family, seen, pending = {}, None, set(), None
    if not text.endswith("\n"):
        raise ValueError("no line feed at the end")
    for line in text[:-1].split("\n"):
        word = line.split(" ")
        if line.startswith("# HELP "):
            pending = word[2]
        elif line.startswith("# TYPE "):
            if word[2] != pending or word[2] in seen or word[3] not in ("counter", "gauge") or len(word) != 4:
                raise ValueError(line)
            family = word[2]
            seen.add(family)
        else:
            m = SAMPLE.fullmatch(line)
            if not m or m[1] != family or m[1] + (m[2] or "") in series:
                raise ValueError(line)
            series[m[1] + (m[2] or "")] = float(m[3])
    return series


def get(path):
    """Status and body."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (hole.desk, path), timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


hole = Sinkhole()
hole.order()
hole.asset("127.0.0.0/8", "seized.example", family="rustock")
hole.start()
first = parse(get("/metrics")[1])
ok(len(first) > 60, "metrics in text format 0.0.4")
equal(get("/healthz"), (200, "ok\n"), "healthz")
equal(get("/readyz"), (200, "ready\n"), "readyz")

mails = []
with smtplib.SMTP("127.0.0.1", hole.port["smtp"], timeout=10) as smtp:
    for i in range(25):
        body = "Subject: %d\r\n\r\n%s\r\n" % (i, "pills and more pills " * (i * 20 + 1))
        smtp.sendmail("a@sender.example", ["b@seized.example"], body.encode())
        mails.append(body)
events = hole.settled(25, "--kind", "smtp")
equal(len(events), 25, "25 mails, acknowledged")
digests = [e["smtp"]["blob"] for e in events]
texts = {}
for digest in digests:
    r = hole.ebb("blob", "get", digest)
    texts[digest] = r.out if r.code == 0 else None
equal([d for d in digests if texts[d] is None], [], "each can be read beside the recorder")
ok(all(body.split("\r\n\r\n")[1].strip() in (t or "").replace("\n", "\r\n").replace("\r\r", "\r")
       for body, t in zip(mails, (texts[d] for d in digests))), "and is what was sent")
verdict = hole.ebb("blob", "verify", "--json")
equal((verdict.code, verdict.rows()[0]["blobs"] >= 25), (0, True), "the packs hold")

status, now = hole.serve(), parse(get("/metrics")[1])
for sensor in status["sensors"]:
    label = '{sensor="%d"}' % sensor["slot"]
    equal({k: now["ebb_sensor_%s_total%s" % (k, label)] for k in ("smtp_mails", "recorded", "dropped", "accepted")},
          {k: sensor[k] for k in ("smtp_mails", "recorded", "dropped", "accepted")},
          "sensor %d: metrics and status agree" % sensor["slot"])
equal(sum(v for k, v in now.items() if k.startswith("ebb_sensor_smtp_mails_total")), 25, "25 mails counted")
equal(now["ebb_recorder_events_total"] - first["ebb_recorder_events_total"], 25, "and journalled")
equal(now["ebb_log_entries"], status["recorder"]["log_size"], "the log's size")

equal((get("/api/q/status")[0], get("/api/nothing")[0]), (401, 404), "all else wants a session")
ok(get("/etc/passwd") == get("/") and "root:" not in get("/etc/passwd")[1], "a path is a state of the front end, and no file")
with socket.create_connection(("127.0.0.1", hole.desk), timeout=5) as s:
    s.sendall(b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    equal(s.recv(65536).split(b" ")[1], b"405", "GET and HEAD only")
equal(hole.stop(), 0, "a clean stop")
equal(hole.ebb("blob", "verify").code, 0, "after which the packs still hold")
done()
