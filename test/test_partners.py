"""What partners fetch: tokens, the API over HTTPS and its refusals, daily files; rows compared with the feed that
was imported."""
import csv
import hashlib
import http.client
import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

from ebbtest import Case, done, equal, feed_text, folder, ok, run, skip, write
from sinkhole import Sinkhole, free_port

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
DAYS = ["2011-03-16", "2011-03-17", "2011-03-18"]
place = folder()


def feed_row(day, hour, ip, family, port, **more):
    return dict(timestamp="%s %02d:00:00" % (day, hour), protocol="tcp", src_ip=ip, src_port=port, src_asn=64500, src_geo="DE",
                dst_ip="198.18.0.1", dst_port=80, infection=family, family=family, http_url="/gate.php",
                http_host="c2.example", http_agent="Mozilla/4.0, \"odd\" \u00e9", **more)


# Three days of two networks and an IPv6 one; addresses come back, some with another family.
ROWS = []
for d, day in enumerate(DAYS):
    for i in range(60):
        if (i + d) % 3:
            ROWS.append(feed_row(day, 1 + i % 20, "192.0.2.%d" % (i + 1), "rustock" if i % 5 else "waledac", 1000 + 100 * d + i))
        if i % 4 == d:
            ROWS.append(feed_row(day, 2 + i % 20, "203.0.113.%d" % (i + 1), "rustock", 2000 + 100 * d + i))
        if i < 5:
            ROWS.append(feed_row(day, 3, "2001:db8:7::%x" % (i + 1), "rustock", 3000 + i))
FEED = write(os.path.join(place, "feed.csv"), feed_text(ROWS))


def expected(inside, family=None, days=None):
    """(address, family) -> (time, port) of the latest contact."""
    latest = {}
    for row in ROWS:
        key = (row["src_ip"], row["family"])
        if inside(row["src_ip"]) and (not family or row["family"] == family):
            if key not in latest or row["timestamp"] > latest[key][0]:
                latest[key] = (row["timestamp"], row["src_port"])
    if days:
        seen = {(row["src_ip"], row["family"]) for row in ROWS if row["timestamp"][:10] in days}
        latest = {key: value for key, value in latest.items() if key in seen}
    return latest


def by_csv(text):
    rows = list(csv.DictReader(io.StringIO(text)))
    found = {(r["src_ip"], r["infection"] or r["family"]): (r["timestamp"], int(r["src_port"])) for r in rows}
    ok(len(found) == len(rows), "no address twice with a family")
    return found


def by_json(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return {(r["src_ip"], r["family"]): (r["time"][:19].replace("T", " "), r["src_port"]) for r in rows}


isp = lambda ip: ip.startswith("192.0.2.") or ip.startswith("2001:db8:7:")
other = lambda ip: ip.startswith("203.0.113.")

# ---- tokens ----

case = Case()
result = case.ebb("partners", "add", "isp", "192.0.2.0/24", "AS64500", "2001:db8:7::/48", "--why", "agreed")
token = result.out.strip()
ok(result.code == 0 and TOKEN.fullmatch(token), "a token, 32 bytes as base64url, is all that is printed")
ok("not shown again" in result.err, "which is said")
act = case.ebb("log", "acts", "--kind", "partner").rows()[0]
equal(act["token"], hashlib.sha256(token.encode()).hexdigest(), "its SHA-256 is on the log")
everywhere = "".join(open(os.path.join(d, f), errors="replace").read() for d, _, files in os.walk(case.path) for f in files)
ok(token not in everywhere, "the token itself is nowhere in the case")
rows = case.rows("partners")
equal([(r["partner"], r["state"], r["networks"], r["why"], r["by"], r["until"]) for r in rows],
      [("isp", "open", "192.0.2.0/24 AS64500 2001:db8:7::/48", "agreed", "operator", None)], "the list")
ok("token" not in rows[0] and act["token"][:16] not in case.ebb("partners").out, "which has no tokens")
again = case.ebb("partners", "add", "isp", "192.0.2.0/25").out.strip()
ok(TOKEN.fullmatch(again) and again != token, "a name again: another token")
equal([r["networks"] for r in case.rows("partners")], ["192.0.2.0/25"], "which replaces it")
equal(case.ebb("partners", "revoke", "isp", "--why", "over").code, 0, "revoke")
equal([(r["state"], r["why"]) for r in case.rows("partners")], [("revoked", "over")], "it stays in the list")
equal(case.ebb("partners", "revoke", "isp").code, 1, "not twice")
equal(case.ebb("partners", "revoke", "nobody").code, 1, "nor one that is not there")
for args in (["x"], [], ["../x", "AS1"], ["x", "0.0.0.0/0"], ["x", "AS0"], ["x", "10.0.0.1/8"], ["x", "::/0"], ["x y", "AS1"],
             ["x", "AS1", "--until", "2001-01-01"], ["x", "AS1", "--until", "soon"]):
    if case.ebb("partners", "add", *args).code != 2:
        ok(False, "partners add %s: not refused" % " ".join(args))
equal(len(case.ebb("log", "acts", "--kind", "partner").rows()), 3, "wrong ones are refused, nothing is recorded")

# ---- daily files ----

equal(case.ebb("import", FEED).code, 0, "import")
case.ebb("partners", "add", "isp", "192.0.2.0/24", "2001:db8:7::/48")
case.ebb("partners", "add", "other", "203.0.113.0/24")
case.ebb("partners", "add", "gone", "203.0.113.0/24")
case.ebb("partners", "revoke", "gone")
result = case.rows("partners", "files", "--day", DAYS[1])
equal([(r["partner"], r["date"], r["rows"]) for r in result],
      [("isp", DAYS[1], len(expected(isp, days=DAYS[1:2]))), ("other", DAYS[1], len(expected(other, days=DAYS[1:2])))],
      "a file a partner, not for the revoked one")
files = {r["partner"]: r["file"] for r in result}
equal(files["isp"], os.path.join(case.path, "partners", "isp", DAYS[1] + ".csv"), "where they are")
equal(by_csv(open(files["isp"], newline="").read()), expected(isp, days=DAYS[1:2]), "one partner's addresses of the day")
equal(by_csv(open(files["other"], newline="").read()), expected(other, days=DAYS[1:2]), "the other's")
equal(oct(os.stat(files["isp"]).st_mode & 0o777), "0o600", "nobody else may read them")
equal(sorted(os.listdir(os.path.dirname(files["isp"]))), [DAYS[1] + ".csv"], "and nothing is left beside them")
target = folder()
for name, ending in (("json", "jsonl"), ("stix", "stix.json"), ("csv", "csv")):
    equal(case.ebb("partners", "files", "--day", DAYS[1], "--format", name, "--output", target).code, 0, "as " + name)
equal(by_json(open(os.path.join(target, "isp", DAYS[1] + ".jsonl")).read()), expected(isp, days=DAYS[1:2]), "JSON Lines: the same")
bundle = json.load(open(os.path.join(target, "isp", DAYS[1] + ".stix.json")))
equal((bundle["type"], len([o for o in bundle["objects"] if o["type"] == "sighting"])), ("bundle", len(expected(isp, days=DAYS[1:2]))),
      "STIX: a sighting each")
result = case.rows("partners", "files", "--output", folder())
equal([r["rows"] for r in result], [0, 0], "default: yesterday, when nothing was seen")
equal(len(open(result[0]["file"]).read().splitlines()), 1, "a file with headings alone")
equal(case.ebb("partners", "files", "--format", "xml").code, 2, "an unknown format: exit 2")
back = Case()
result = back.rows("import", files["isp"])[0]
equal((result["rejected"], result["events"]), (0, len(expected(isp, days=DAYS[1:2]))), "our own importer takes the file")
case.ebb("census", "overrule", "192.0.2.2", "--role", "researcher", "--why", "ours")
got = by_csv(open(case.rows("partners", "files", "--day", DAYS[1])[0]["file"], newline="").read())
ok(("192.0.2.2", "rustock") not in got and ("192.0.2.4", "rustock") in got, "who is no victim is not told of")

# ---- wrong configs ----

CERT, KEY, ELSE = (os.path.join(place, n) for n in ("cert.pem", "key.pem", "else.pem"))
made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", KEY, "-out",
           CERT, "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
equal(made.code, 0, "a certificate")
run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", ELSE)


def config(listen, cert="", key=""):
    return "cleanup:\n  partners: {listen: \"%s\", certificate: \"%s\", key: \"%s\"}" % (listen, cert, key)


for listen, cert, key, want in (("0.0.0.0:%d" % free_port(), "", "", "loopback"), ("127.0.0.1:1", CERT, "", "go together"),
                                ("127.0.0.1:1", CERT, ELSE, "another's"), ("127.0.0.1:1", KEY, KEY, "certificate"),
                                ("nowhere", "", "", "ADDRESS:PORT")):
    hole = Sinkhole(top=config(listen, cert, key))
    result = hole.ebb("serve", timeout=30)
    ok(result.code == 2 and want in result.err, "refused: " + result.err.strip())

# ---- the API ----

port = free_port()
hole = Sinkhole(top=config("127.0.0.1:%d" % port, CERT, KEY))
equal(hole.ebb("import", FEED).code, 0, "a feed")
tokens = {name: hole.must("partners", "add", name, *nets).out.strip() for name, nets in
          (("isp", ["192.0.2.0/24", "2001:db8:7::/48"]), ("other", ["203.0.113.0/24"]), ("nothing", ["AS65551", "10.0.0.0/8"]))}
hole.start()
CONTEXT = ssl.create_default_context(cafile=CERT)


def ask(path, token=None, method="GET", headers=None, timeout=10):
    """Status, headers, text."""
    c = http.client.HTTPSConnection("127.0.0.1", port, context=CONTEXT, timeout=timeout)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = "Bearer " + tokens.get(token, token)
    c.request(method, path, headers=headers)
    r = c.getresponse()
    got = r.status, r.headers, r.read().decode()
    c.close()
    return got


def answers(who, want=200, path="/v1/infections?limit=1"):
    try:
        return ask(path, who)[0] == want
    except (OSError, http.client.HTTPException):
        return False


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    return condition()


ok(until(lambda: answers("isp")), "the API answers")
ok("partners" in [p["role"] for p in hole.serve()["processes"] if p["pid"]], "in a role of its own")
status, headers, text = ask("/v1/")
ok(status == 200 and "since=" in text, "help, for anybody")
equal({name: headers[name] for name in ("Cache-Control", "X-Content-Type-Options", "Content-Type")},
      {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "text/plain; charset=utf-8"},
      "headers as the desk's")
status, headers, text = ask("/v1/infections", "isp")
equal((status, headers["Content-Type"], headers["Ebb-More"]), (200, "text/csv; charset=utf-8", "false"), "CSV unless told")
equal(by_csv(text), expected(isp), "a partner's own addresses, each with its latest contact")
equal(by_csv(ask("/v1/infections", "other")[2]), expected(other), "another sees its own")
equal(len(ask("/v1/infections", "nothing")[2].splitlines()), 1, "and who has none sees none")
row = list(csv.DictReader(io.StringIO(text)))[0]
equal((row["http_host"], row["http_agent"], row["dst_port"]), ("c2.example", "Mozilla/4.0, \"odd\" \u00e9", "80"),
      "the contact in detail")
status, headers, text = ask("/v1/infections?format=json", "isp")
equal((headers["Content-Type"], by_json(text)), ("application/x-ndjson", expected(isp)), "JSON Lines")
indexes = [json.loads(line)["index"] for line in text.splitlines()]
equal(indexes, sorted(indexes), "in the order of the log")
equal(headers["Ebb-After"], str(indexes[-1]), "Ebb-After is the last one's")
status, headers, text = ask("/v1/infections?format=stix&limit=50", "isp")
bundle = json.loads(text)
equal((headers["Content-Type"], bundle["type"], sum(o["type"] == "sighting" for o in bundle["objects"])),
      ("application/stix+json;version=2.1", "bundle", 50), "STIX")
equal(ask("/v1/infections?format=stix&limit=50", "isp")[2], text, "the same bytes each time")
equal(by_csv(ask("/v1/infections?family=waledac", "isp")[2]), expected(isp, family="waledac"), "by family")
equal(by_json(ask("/v1/infections?format=json&since=%s&until=%s" % tuple(DAYS[:2]), "isp")[2]), expected(isp, days=DAYS[:1]),
      "seen on a day, although seen again later")
equal(by_json(ask("/v1/infections?format=json&since=" + DAYS[2], "isp")[2]), expected(isp, days=DAYS[2:]), "since")
equal(by_json(ask("/v1/infections?format=json&until=" + DAYS[0], "isp")[2]), {}, "until before all")
equal(by_csv(ask("/v1/files/%s.csv" % DAYS[1], "isp")[2]), expected(isp, days=DAYS[1:2]), "the day's file")

# pages and polls
found, after, pages = {}, "0", 0
while pages < 100:
    status, headers, text = ask("/v1/infections?format=json&limit=7&after=" + after, "isp")
    found.update(by_json(text))
    pages += 1
    after = headers["Ebb-After"]
    if headers["Ebb-More"] != "true":
        break
equal((found, pages), (expected(isp), -(-len(expected(isp)) // 7)), "page by page: the same")
equal(ask("/v1/infections?format=json&after=" + after, "isp")[2], "", "nothing new behind it")
new = feed_row("2011-03-19", 5, "192.0.2.200", "rustock", 4000)
fresh = feed_row("2011-03-19", 6, "203.0.113.200", "rustock", 4001)
hole.stop()
equal(hole.ebb("import", write(os.path.join(place, "new.csv"), feed_text([new, fresh]))).code, 0, "more comes in")
hole.start()
ok(until(lambda: answers("isp")), "after a restart")
status, headers, text = ask("/v1/infections?format=json&after=" + after, "isp")
equal(by_json(text), {("192.0.2.200", "rustock"): ("2011-03-19 05:00:00", 4000)}, "a poll gets the new one alone")
status, headers, text = ask("/v1/infections", "other")
etag = headers["ETag"]
status, headers, text = ask("/v1/infections", "other", headers={"If-None-Match": etag})
equal((status, text, headers["ETag"]), (304, "", etag), "unchanged: 304")
equal(ask("/v1/infections?family=rustock&limit=3", "other", headers={"If-None-Match": etag})[0], 200, "another answer: 200")
status, headers, text = ask("/v1/infections", "other", method="HEAD")
equal((status, text, headers["ETag"]), (200, "", etag), "HEAD")

# refusals
for path, who, method, want in (("/v1/infections", None, "GET", 401), ("/v1/infections", "x" * 43, "GET", 401),
                                ("/v1/infections", tokens["isp"][:-1], "GET", 401), ("/v1/files/%s.csv" % DAYS[0], None, "GET", 401),
                                ("/", "isp", "GET", 404), ("/v1/infections/", "isp", "GET", 404), ("/v1/files/", "isp", "GET", 404),
                                ("/v1/files/../infections", "isp", "GET", 404), ("/v1/files/2011-02-30.csv", "isp", "GET", 404),
                                ("/v1/infections?x=1", "isp", "GET", 400), ("/v1/infections?limit=0", "isp", "GET", 400),
                                ("/v1/infections?since=2011-03-18&until=2011-03-17", "isp", "GET", 400),
                                ("/v1/infections?since", "isp", "GET", 400), ("/v1/infections?since=%00", "isp", "GET", 400),
                                ("/v1/infections?family=%ff", "isp", "GET", 400),
                                ("/v1/infections?limit=1&limit=2", "isp", "GET", 400), ("/v1/files/2011-03-16.csv?limit=1", "isp", "GET", 400),
                                ("/v1/infections", "isp", "POST", 405), ("/v1/infections", "isp", "DELETE", 405)):
    status, headers, text = ask(path, who, method)
    if status != want or not text or len(text) > 200:
        ok(False, "%s %s: %d, not %d" % (method, path, status, want))
equal(ask("/v1/infections")[1]["WWW-Authenticate"], 'Bearer realm="ebb"', "refusals, each with its status and a short text")
equal(ask("/v1/infections", headers={"Authorization": "Basic " + tokens["isp"]})[0], 401, "another scheme")
with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
    s.sendall(b"GET /v1/ HTTP/1.0\r\n\r\n")
    try:
        got = s.recv(100)
    except OSError:
        got = b""
    ok(not got.startswith(b"HTTP"), "no plain HTTP where there is a certificate")
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    only = ssl.create_default_context(cafile=CERT)
    only.minimum_version = only.maximum_version = version
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        with only.wrap_socket(s, server_hostname="localhost") as t:
            equal(t.version(), {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name], "TLS")
idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(40)]
equal(ask("/v1/infections?limit=1", "other")[0], 200, "idle connections do not keep others out")
for s in idle:
    s.close()

# rate: its own for each partner
codes = [ask("/v1/infections?limit=1", "nothing")[0] for _ in range(80)]
ok(codes[0] == 200 and codes.count(429) >= 5, "too many requests: 429 (%d of %d)" % (codes.count(429), len(codes)))
status, headers, text = ask("/v1/infections?limit=1", "nothing")
ok(status == 200 or headers["Retry-After"] == "1", "which says when to come again")
equal(ask("/v1/infections?limit=1", "other")[0], 200, "others are not kept out")

# rights that end
brief = hole.must("partners", "add", "brief", "203.0.113.0/24", "--until",
                  time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6))).out.strip()
ok(until(lambda: answers(brief), 5), "a right for some seconds")
ok(until(lambda: answers(brief, 403), 10), "is over: 403")
hole.must("partners", "revoke", "other", "--why", "test")
ok(until(lambda: answers("other", 401), 5), "a revoked token: 401")
ok("partner=isp" in hole.said(), "who fetched is in the log lines")
ok(not any(t in hole.said() for t in tokens.values()), "without tokens")

# what is erased, and a kill
pid = hole.pids("partners")[0]
os.kill(pid, signal.SIGKILL)


def restarted():
    try:
        return answers("isp") and hole.pids("partners")[0] != pid
    except (IndexError, KeyError, TypeError):
        return False


ok(until(restarted, 10), "killed: back in a moment")
equal(hole.ebb("reload").code, 0, "reload")
ok(until(lambda: hole.serve()["reloads"] == 1), "reloaded")
ok(until(restarted, 10), "and it answers")
hole.stop()
equal(hole.ebb("log", "redact", str(indexes[0]), "--who", "court", "--why", "ordered").code, 0, "an entry is erased")
hole.start()
ok(until(lambda: answers("isp")), "a process that may not remove stale views answers all the same")
status, headers, text = ask("/v1/infections?format=json", "isp")
ok(indexes[0] not in [json.loads(line)["index"] for line in text.splitlines()], "what was erased is not told any more")
equal(hole.stop(), 0, "stop")

# plain HTTP for a reverse proxy
hole = Sinkhole(top=config("[::1]:%d" % port))
hole.start()
until(lambda: hole.pids("partners"))
c = http.client.HTTPConnection("::1", port, timeout=10)
c.request("GET", "/v1/")
equal(c.getresponse().status, 200, "without a certificate on loopback: plain HTTP")
c.close()
hole.stop()
done()
