"""Captures: counts beside tshark's, on real captures where they are there."""
import glob
import os
import shutil

from ebbtest import Case, SHARED, done, equal, ok, run, skip

# Where ours and tshark's differ on purpose, and why.
EXPLAINED = {}


def tshark(path, display_filter, *fields):
    args = ["tshark", "-n", "-r", path, "-Y", display_filter]
    if fields:
        args += ["-T", "fields"] + [x for f in fields for x in ("-e", f)]
    result = run(*args)
    return [line for line in result.out.splitlines() if line]


def counts(path):
    case = Case()
    rows = case.rows("import", path)
    events = case.events()
    case.verifies(os.path.basename(path) + ": verifies")
    kinds = [e["kind"] for e in events]
    mails = [e for e in events if e["kind"] == "smtp" and e["smtp"].get("blob")]
    return {"dns": kinds.count("dns"), "http": kinds.count("http"), "mails": len(mails)}, events, rows[0]


def field_values(lines):
    return [v for line in lines for v in line.split(",")]


paths = sorted(glob.glob(os.path.join(SHARED, "pcap", "*.pcap*")))
if not paths:
    skip("real captures", "no folder of real captures")
elif not shutil.which("tshark"):
    skip("real captures", "no tshark")
    paths = []
for path in paths:
    name = os.path.basename(path)
    ours, events, row = counts(path)
    theirs = {
        "dns": len(tshark(path, "dns.flags.response == 0 && !icmp && !_ws.malformed")),
        "http": len(field_values(tshark(path, "http.request", "http.request.method"))),
        "mails": len(tshark(path, "imf && smtp")),
    }
    theirs.update(EXPLAINED.get(name, {}))
    equal(ours, theirs, name + ": DNS queries, HTTP requests, mails")
    uris = sorted(field_values(tshark(path, "http.request", "http.request.method")))
    equal(sorted(e["http"]["method"] for e in events if e["kind"] == "http"), uris, name + ": methods")

bot = os.path.join(SHARED, "pcap", "suricata-http-checkin-instid.pcap")
if os.path.exists(bot) and paths:
    _, events, _ = counts(bot)
    hits = [e for e in events if e["kind"] == "http"]
    ok(hits and all(e["family"] and e["bot_id"] for e in hits), "InstID check-ins: family and bot id")
irc = os.path.join(SHARED, "pcap", "suricata-irc-botnet-2004.pcap")
if os.path.exists(irc) and paths:
    _, events, _ = counts(irc)
    ok(any(e["protocol"] == "irc" and e["family"] for e in events), "the IRC botnet is recognised")
for innocent in ("zeek-1000-requests-one-dropped-response.pcap.gz", "zeek-pipelined-requests.pcap", "zeek-smtp.pcap"):
    path = os.path.join(SHARED, "pcap", innocent)
    if os.path.exists(path) and paths:
        _, events, _ = counts(path)
        equal([e["family"] for e in events if e["family"]], [], innocent + ": no family is claimed")
done()
