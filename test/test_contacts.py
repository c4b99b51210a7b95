"""Whom to tell: tables, registries' dumps and statistics, RDAP from a server on loopback, the queue."""
import gzip
import http.server
import json
import os
import threading
import time

from ebbtest import Case, done, equal, feed_text, folder, ok, write

case = Case()
files = folder()


def path(name, text):
    return write(os.path.join(files, name), text)


def must(*args):
    result = case.ebb(*args)
    if result.code:
        ok(False, "%s: %s" % (" ".join(map(str, args)), result.err.strip()))
    return result


def refused(name, words, *args, code=1, of=None):
    before = case.rows("status")[0]["log_size"]
    result = (of or case).ebb(*args)
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and
              case.rows("status")[0]["log_size"] == before, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def find(*addresses):
    result = case.ebb("contacts", "find", *addresses, "--json")
    return {row["address"]: row for row in result.rows()}, result.code


def told(address):
    row = find(address)[0][address]
    return (row["contact"], row["source"], row["network"])


# ---- wrong use ----
refused("a file is wanted", "wants a file", "contacts", "import", code=2)
refused("an unknown source", "no such source", "contacts", "import", "--source", "nic", "x", code=2)
refused("what is no address", "no address", "contacts", "find", "192.0.2.300", code=2)
refused("a file that is not there", "No such file", "contacts", "import", os.path.join(files, "none"))
refused("a file of no format", "that ebb knows", "contacts", "import", path("junk", "hello\nworld\n"))
refused("binary junk", "that ebb knows", "contacts", "import", path("bin", os.urandom(4096)))
refused("an RPSL dump of nobody", "--source", "contacts", "import",
        path("anon", "inetnum: 192.0.2.0 - 192.0.2.255\nabuse-c: A\n"))
refused("nothing that could be taken", "no contact", "contacts", "import",
        path("empty.csv", "match,contact\nnonsense,abuse@isp.example\n"), "--quiet")
equal(find("192.0.2.1"), ({"192.0.2.1": {"address": "192.0.2.1", "contact": None, "source": "none", "handle": None,
                                         "name": None, "network": None, "made": None, "entry": None}}, 1),
      "nobody known: none, and exit 1")

# ---- an operator's table ----
table = path("ours.csv", '''# whom we know
match,contact,name
192.0.2.0/24,abuse@isp.example,ISP
192.0.2.7,Desk@ISP.example,"Desk, the ""one"""
AS64500,noc@as.example,Big AS
SE,cert@se.example,Sweden
no network,abuse@isp.example,
0.0.0.0/0,all@isp.example,
10.0.0.0/7,all@isp.example,
192.0.2.9,not an address,
192.0.2.1/24,host@bits.example,
2001:db8::/32,six@isp.example,Six
%s
''' % ("x" * 200000))
rejects = os.path.join(files, "rejects")
row = case.rows("contacts", "import", table, "--rejects", rejects, "--made", "2026-01-02")[0]
equal((row["source"], row["format"], row["rows"], row["rejected"], row["made"]),
      ("operator", "csv", 5, 6, "2026-01-02T00:00:00.000000Z"), "an operator's table")
lines = [json.loads(line) for line in open(rejects)]
equal([line["number"] for line in lines], [7, 8, 9, 10, 11, 13], "rejects name their lines")
ok(all(line["why"] and line["file"] == table for line in lines), "and say why")
equal(told("192.0.2.1"), ("abuse@isp.example", "operator", "192.0.2.0/24"), "a network")
equal(told("192.0.2.7"), ("desk@isp.example", "operator", "192.0.2.7/32"), "a longer one within it")
equal(told("2001:db8:1::1"), ("six@isp.example", "operator", "2001:db8::/32"), "IPv6")
equal(find("192.0.2.7", "198.51.100.1")[1], 0, "one of two known: exit 0")
equal(find("192.0.2.7")[0]["192.0.2.7"]["name"], 'Desk, the "one"', "quotes are undone")
equal(find("192.0.2.7")[0]["192.0.2.7"]["made"], "2026-01-02T00:00:00.000000Z", "the age is shown")

# ---- a registry's dump, split, packed, in any order ----
networks = """% This is a made-up dump
#

inetnum:        192.0.2.0 - 192.0.2.255
netname:        BEHIND-OPERATOR
org:            ORG-ONE-RIPE
source:         RIPE

inetnum:        198.51.100.0 - 198.51.100.127
netname:        BY-ORG
country:        DE
org:            org-one-ripe
last-modified:  2026-03-04T05:06:07Z
source:         RIPE # Filtered

inetnum:        198.51.100.64 - 198.51.100.95
netname:        OWN-ROLE
abuse-c:        TWO-RIPE
org:            ORG-ONE-RIPE
source:         RIPE

inetnum:        203.0.113.0 - 203.0.113.255
netname:        LOST
org:            ORG-GONE-RIPE
source:         RIPE

inetnum:        203.0.112.0 - 203.0.112.255
netname:        PLACEHOLDER
abuse-c:        THREE-RIPE
source:         RIPE

inetnum:        0.0.0.0 - 255.255.255.255
netname:        EVERYTHING
abuse-c:        TWO-RIPE
source:         RIPE

inetnum:        198.18.5.9 - 198.18.5.1
abuse-c:        TWO-RIPE
source:         RIPE

inet6num:       2001:db8:8000::/33
netname:        SIX
mnt-irt:        IRT-ONE
source:         RIPE

aut-num:        AS64511
as-name:        AS-NAME
org:            ORG-ONE-RIPE
source:         RIPE
"""
others = """organisation:   ORG-ONE-RIPE
org-name:       One Ltd
org:            ORG-ONE-RIPE
abuse-c:
+               one-ripe # goes on
e-mail:         person@private.example
source:         RIPE

role:           Abuse
nic-hdl:        ONE-RIPE
e-mail:         unread@ripe.net
abuse-mailbox:  ABUSE@One.example
source:         RIPE

role:           Abuse two
nic-hdl:        TWO-RIPE
abuse-mailbox:  nobody@two.example
abuse-mailbox:  two@two.example
source:         RIPE

role:           Abuse three
nic-hdl:        THREE-RIPE
abuse-mailbox:  unread@ripe.net
source:         RIPE

irt:            IRT-ONE
abuse-mailbox:  irt@one.example
source:         RIPE
"""
packed = path("ripe.db.inetnum.gz", gzip.compress(networks.encode()))
other = path("ripe.db.others", others)
rows = case.rows("contacts", "import", packed, other)
equal([(r["source"], r["format"], r["rows"], r["rejected"]) for r in rows],
      [("ripe", "rpsl", 8, 1), ("ripe", "rpsl", 5, 0)], "a split dump")
equal(rows[0]["made"], "2026-03-04T05:06:07.000000Z"[:10] + "T00:00:00.000000Z", "as new as its newest object")
equal(told("198.51.100.1"), ("abuse@one.example", "ripe", "198.51.100.0/25"), "by its organisation's abuse-c")
equal(told("198.51.100.70"), ("two@two.example", "ripe", "198.51.100.64/27"), "by its own, past a placeholder")
equal(told("192.0.2.1")[1], "operator", "the operator's table is trusted first")
equal(told("203.0.113.1")[1], "none", "what an object in no file says is not known")
equal(told("203.0.112.1")[1], "none", "a placeholder is nobody")
equal(told("8.8.8.8")[1], "none", "a network of everything is none")
equal(told("2001:db8:8000::1")[1:], ("operator", "2001:db8::/32"), "the operator's wider network still wins")
equal(find("198.51.100.1")[0]["198.51.100.1"]["handle"], "ONE-RIPE", "the object that names it")
equal(find("198.51.100.1")[0]["198.51.100.1"]["name"], "One Ltd", "and the holder")

# the same in the other order gives the same answers
again = Case()
again.ebb("contacts", "import", other, packed)
equal([r["contact"] for r in again.rows("contacts", "find", "198.51.100.1", "198.51.100.70", "2001:db8:8000::1")],
      ["abuse@one.example", "two@two.example", "irt@one.example"], "files in any order")

# ---- ARIN's text ----
arin = path("arin_db.txt", """NetHandle:      NET-1
OrgID:          ONE
NetName:        ARIN-NET
NetRange:       100.64.0.0 - 100.64.2.255
Updated:        2026-02-03
Source:         ARIN

NetHandle:      NET-2
OrgID:          RIPE
NetName:        RIPE-BLOCK
NetRange:       62.0.0.0 - 62.255.255.255
NetType:        allocated to RIPE NCC

OrgID:          ONE
OrgName:        Arin One
OrgAbuseHandle: AB1-ARIN

OrgID:          RIPE
OrgName:        RIPE NCC
OrgAbuseHandle: AB1-ARIN

POCHandle:      AB1-ARIN
IsRole:         Y
Mailbox:        abuse@arin-one.example
""")
row = case.rows("contacts", "import", arin)[0]
equal((row["source"], row["format"], row["contacts"]), ("arin", "arin", 2), "ARIN's bulk text, a range as prefixes")
equal(told("100.64.2.9"), ("abuse@arin-one.example", "arin", "100.64.2.0/24"), "ARIN's contact")
equal(told("62.1.1.1")[1], "none", "another registry's block is not ARIN's customer")

# ---- statistics, CERTs ----
statistics = path("delegated-ripencc-extended-latest", """2|ripencc|1764370799|4|19830705|20261128|+0100
ripencc|*|ipv4|*|2|summary
ripencc|FR|ipv4|203.0.112.0|512|20100712|allocated|opaque
ripencc|FR|ipv4|203.0.114.0|768|20100712|assigned|opaque
ripencc|FR|ipv6|2001:db8::|32|20100712|allocated|opaque
ripencc|FR|asn|64500|1|20100712|allocated|opaque
ripencc||ipv4|192.168.0.0|256||available|
ripencc|FR|ipv4|203.0.114.0|-5|20100712|assigned|opaque
ripencc|FR|ipv4|255.255.255.0|512|20100712|assigned|opaque
ripencc|FR
""")
certs = path("certs.csv", "country,contact,name\nFR,cert@fr.example,CERT of FR\nXX YY,a@b.example,none\n")
rows = case.rows("contacts", "import", statistics, certs)
equal([(r["source"], r["format"], r["rows"], r["rejected"]) for r in rows],
      [("ripe", "delegated", 3, 3), ("cert", "csv", 1, 1)], "statistics and CERTs")
equal(told("203.0.113.1"), ("cert@fr.example", "cert", None), "the CERT of the country that the registry says")
equal(told("198.51.100.1")[1], "ripe", "the dump of the same registry is still there")

sources = {(r["source"], r["format"]): r for r in case.rows("contacts")}
equal(sorted(sources), [("arin", "arin"), ("cert", "csv"), ("operator", "csv"), ("ripe", "delegated"), ("ripe", "rpsl")],
      "the sources")
equal(sources["ripe", "delegated"]["made"], "2026-11-28T00:00:00.000000Z", "how old each is")

# a newer table of a source replaces the old one
path("ours.csv", "192.0.2.0/24,new@isp.example,New\n")
must("contacts", "import", table)
equal(told("192.0.2.7"), ("new@isp.example", "operator", "192.0.2.0/24"), "a new table replaces the old one")
equal(told("2001:db8:8000::1")[:2], ("irt@one.example", "ripe"), "whole")

# ---- the queue ----
feed = [{"timestamp": "2026-05-0%d 00:00:01" % (1 + i % 3), "protocol": "tcp", "src_ip": ip, "src_port": 1000 + i,
         "dst_ip": "192.0.2.200", "dst_port": 80, "infection": "rustock", "family": "rustock", "tag": "rustock",
         "http_url": "/login.php", "http_host": "x.example"}
        for i, ip in enumerate(["198.51.100.1", "100.99.0.1", "100.99.0.2", "100.99.7.1", "8.8.4.4"])]
must("import", path("2026-05-01-sinkhole_http.csv", feed_text(feed)))
known = case.events("--src", "8.8.4.4")[0]
if known["asn"]:
    must("contacts", "import", "--source", "apnic",
         path("apnic.db.aut-num", "aut-num: AS%d\nmnt-irt: IRT-X\n\nirt: IRT-X\nabuse-mailbox: as@irt.example\n" % known["asn"]))
    equal(told("8.8.4.4"), ("as@irt.example", "apnic", None), "by its AS, where the network is in no table")
else:
    must("contacts", "import", "--source", "apnic", path("apnic", "inetnum: 8.8.4/24\nabuse-mailbox: as@irt.example\n"))
queue = case.rows("contacts", "queue")
equal([(r["network"], r["addresses"]) for r in queue], [("100.99.0.0/24", 2), ("100.99.7.0/24", 1)],
      "networks with nobody to tell, most addresses first")
equal([r["last_seen"][:10] for r in queue], ["2026-05-03", "2026-05-01"], "when they were last seen")
equal(len(case.rows("contacts", "queue", "--limit", "1")), 1, "--limit")


# ---- RDAP ----
def entity(roles, mails, handle="H", inner=None, **more):
    card = [["version", {}, "text", "4.0"], ["fn", {}, "text", handle]]
    card += [["email", p, "text", m] for m, p in ((m, {}) if isinstance(m, str) else m for m in mails)]
    return dict({"objectClassName": "entity", "handle": handle, "roles": roles, "vcardArray": ["vcard", card],
                 "entities": inner or []}, **more)


def network(first, last, entities, **more):
    return dict({"objectClassName": "ip network", "handle": "NET", "name": "NAME", "startAddress": first,
                 "endAddress": last, "rdapConformance": ["rdap_level_0"], "entities": entities,
                 "notices": [{"title": "Terms", "description": ["..."]}]}, **more)


ANSWERS = {
    # nested in the holder, as ARIN and LACNIC have it
    "100.99.0.0": network("100.99.0.0", "100.99.3.255", [
        entity(["registrant"], ["holder@x.example"], "ORG", [entity(["technical"], ["tech@x.example"], "T"),
                                                            entity(["abuse"], ["abuse@nested.example"], "AB-1")])]),
    # beside it, as RIPE has it; several mailboxes, one preferred
    "100.99.7.0": network("100.99.7.0", "100.99.7.255", [
        entity(["abuse", "technical"], ["nobody@x.example", ("second@x.example", {"pref": "2"}),
                                        ("First@X.example", {"pref": "1"})], "AR-1")]),
    "101.0.0.0": network("101.0.0.0", "101.0.0.255", [entity(["registrant", "administrative", "technical"], ["a@b.example"])]),
    "101.0.1.0": network("101.0.1.0", "101.0.1.255", [entity(["abuse"], ["redacted@redacted.invalid", "unread@ripe.net"])]),
    "101.0.2.0": network("101.0.2.0", "101.0.2.255", [entity(["abuse"], ["gone@irt.example"], remarks=[
        {"title": "remarks", "description": ["gone@irt.example is invalid"]}])]),
    "101.0.3.0": network("101.0.99.0", "101.0.99.255", [entity(["abuse"], ["other@x.example"])]),
    "101.0.4.0": network("0.0.0.0", "255.255.255.255", [entity(["abuse"], ["all@x.example"])]),
    "101.0.5.0": {"objectClassName": "domain"},
    "101.0.6.0": [[[]]],
    "101.0.7.0": network("101.0.7.0", "101.0.7.255", [entity(["abuse"], [])] * 5000),
    "101.0.9.0": network("101.0.9.0", "101.0.9.255", [entity(["abuse"], ["x@removed.example"], status=["removed"]),
                                                     entity(["abuse"], ["kept@x.example"], "KEPT")]),
}
deep = entity(["abuse"], ["deep@x.example"])
for _ in range(50):
    deep = entity(["registrant"], [], inner=[deep])
ANSWERS["101.0.8.0"] = network("101.0.8.0", "101.0.8.255", [deep])
asked, busy = [], {"101.0.20.0": 1, "101.0.21.0": 99}


class Registry(http.server.BaseHTTPRequestHandler):
    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # it has heard enough

    def do_GET(self):
        ip = self.path.rsplit("/", 1)[1]
        key = ip.rsplit(".", 1)[0] + ".0"
        asked.append((self.server.server_port, ip))
        if busy.get(key, 0) > 0:
            busy[key] -= 1
            return self.say(429, Retry_After="1" if key == "101.0.20.0" else "3600")
        if key == "101.0.30.0":
            return self.say(301, Location="http://127.0.0.1:%d/rdap/ip/100.99.0.1" % second.server_port)
        if key == "101.0.31.0":
            return self.say(301, Location="http://127.0.0.1:%d/evil/ip/1" % third.server_port)
        if key == "101.0.32.0":
            return self.say(302, Location=self.path)
        if key == "101.0.33.0":
            return self.say(200, b"{" * 3000000)
        if key == "101.0.34.0":
            return self.say(200, b"\x1f\x8b" + os.urandom(2000))
        if key == "101.0.35.0":
            return self.say(500, b"oops")
        if key == "101.0.20.0":
            return self.say(200, json.dumps(network("101.0.20.0", "101.0.20.255", [entity(["abuse"], ["late@x.example"])])).encode())
        if key in ANSWERS:
            return self.say(200, json.dumps(ANSWERS[key]).encode(), Content_Type="application/rdap+json")
        self.say(404, json.dumps({"errorCode": 404, "title": "not found"}).encode())

    def log_message(self, *args):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


first, second, third = serve(), serve(), serve()


def configure(of, servers, on="true", per_minute=60000):
    config = os.path.join(of.path, "ebb.yaml")
    lines, out, inside = open(config).read().split("\n"), [], False
    for line in lines:
        if line.startswith("  rdap:"):
            line = "  rdap: {on: %s, per_minute: %d, keep_days: 30, servers: [%s]}" % (
                on, per_minute, ", ".join('"%s"' % s for s in servers))
        out.append(line)
    write(config, "\n".join(out))


base = "http://127.0.0.1:%d/rdap" % first.server_port
refused("off by default", "cleanup.rdap.on", "contacts", "ask")
equal(asked, [], "and nobody was asked")
configure(case, [])
refused("no servers", "cleanup.rdap.servers", "contacts", "ask")
configure(case, ["http://192.0.2.1/rdap/"])
result = case.ebb("contacts", "ask", "100.99.0.1")
ok(result.code and "https" in result.err, "http only to loopback")
configure(case, ["ftp://127.0.0.1/"])
ok(case.ebb("contacts", "ask", "100.99.0.1").code, "no other protocol")
configure(case, [base, "http://127.0.0.1:%d/rdap/" % second.server_port])

rows = case.rows("contacts", "ask")
equal(sorted((r["contact"], r["network"], r["result"]) for r in rows if r["address"] != "8.8.4.4"),
      [("abuse@nested.example", "100.99.0.0/22", "found"), ("first@x.example", "100.99.7.0/24", "found")],
      "the queue is asked about, a network once")
equal(told("100.99.0.2"), ("abuse@nested.example", "rdap", "100.99.0.0/22"), "the answer counts")
equal(case.rows("contacts", "queue"), [], "the queue is empty")
before = len(asked)
must("contacts", "ask")
must("contacts", "ask", "100.99.1.77")
equal(len(asked), before, "what was answered is not asked again")

# a fresh case for single questions
lone = Case()
configure(lone, [base, "http://127.0.0.1:%d/rdap/" % second.server_port])
questions = {"101.0.0.1": ("", "nobody"), "101.0.1.1": ("", "nobody"), "101.0.2.1": ("", "nobody"),
             "101.0.3.1": ("", "the answer is about another network"),
             "101.0.4.1": ("", "the answer is about a registry's whole block"),
             "101.0.5.1": ("", "the answer is about no network"), "101.0.6.1": ("", "the answer is no JSON object"),
             "101.0.8.1": ("", "nobody"), "101.0.9.1": ("kept@x.example", "found"),
             "101.0.20.1": ("late@x.example", "found"), "101.0.34.1": ("", "the answer is no JSON object"),
             "101.0.99.1": ("", "no network")}
result = lone.ebb("contacts", "ask", *questions, "--json")
equal({r["address"]: (r["contact"], r["result"]) for r in result.rows()}, questions, "answers of every kind")
ok(all(r["entry"] is not None for r in result.rows()), "each is on the log")
unanswered = {"101.0.7.1": "the answer is too large", "101.0.31.1": "redirected to a server that is not configured",
              "101.0.32.1": "redirected too often", "101.0.33.1": "the answer is too large",
              "101.0.35.1": "HTTP status 500"}
del ANSWERS["101.0.7.0"]["entities"][1000:]
unanswered.pop("101.0.7.1")
result = lone.ebb("contacts", "ask", *unanswered, "--json")
equal({r["address"]: r["result"] for r in result.rows()}, unanswered, "what is no answer is none")
equal((result.code, {r["entry"] for r in result.rows()}), (1, {None}), "and stays a question")
equal([a for a in asked if a[0] == third.server_port], [], "only configured servers are connected to")
result = lone.ebb("contacts", "ask", "101.0.7.1", "101.0.30.1", "--json")
equal([r["result"] for r in result.rows()], ["nobody", "the answer is about another network"],
      "many entities; a redirect to a configured server")
result = lone.ebb("contacts", "ask", "101.0.21.1", "101.0.22.1", "--json")
equal([r["result"] for r in result.rows()], ["busy (429)", "no network"], "who wants an hour is left alone")
equal(told("101.0.9.1")[1], "none", "another case's answers are its own")
equal([r["contact"] for r in lone.rows("contacts", "find", "101.0.9.200")], ["kept@x.example"], "found by it")

# servers that do not answer: three failures, then it is left alone
dead = Case()
configure(dead, ["http://127.0.0.1:1/"])
began = time.time()
result = dead.ebb("contacts", "ask", *["101.1.%d.1" % i for i in range(6)], "--json")
equal([r["entry"] for r in result.rows()], [None] * 6, "no server, no answers")
ok(result.rows()[-1]["result"] == "no server is left to ask" and time.time() - began < 60, "and it is given up")

# slowly
configure(lone, [base], per_minute=120)
began = time.time()
lone.ebb("contacts", "ask", "102.0.0.1", "102.0.1.1", "102.0.2.1", "102.0.3.1")
ok(time.time() - began >= 1.5, "no more than so many a minute")

# the registry that the statistics name is asked first
named = Case()
configure(named, ["http://127.0.0.1:%d/arin/" % first.server_port, "http://127.0.0.1:%d/ripe/" % second.server_port])
named.ebb("contacts", "import", statistics)
del asked[:]
named.ebb("contacts", "ask", "203.0.113.1")
equal(asked, [(second.server_port, "203.0.113.1")], "the registry of the network is asked")

# ---- the log has it all ----
answers = [find(a)[0][a] for a in ("192.0.2.7", "198.51.100.70", "100.99.7.9", "203.0.113.1", "100.64.2.9", "8.8.4.4")]
must("rebuild", "contacts")
equal([find(a)[0][a] for a in ("192.0.2.7", "198.51.100.70", "100.99.7.9", "203.0.113.1", "100.64.2.9", "8.8.4.4")],
      answers, "rebuilt, it says the same")
views = os.path.join(case.path, "views")
for name, cut in (("contacts", 30), ("contacts.index", 500)):
    whole = open(os.path.join(views, name), "rb").read() if os.path.exists(os.path.join(views, name)) else None
    if whole is None:
        continue
    for damaged in (whole[:cut], whole[:-1], whole[:cut] + bytes([whole[cut] ^ 1]) + whole[cut + 1:], b""):
        write(os.path.join(views, name), damaged)
        equal([find(a)[0][a] for a in ("192.0.2.7", "198.51.100.70", "100.99.7.9", "203.0.113.1", "100.64.2.9", "8.8.4.4")],
              answers, "with %s damaged, too" % name)
    write(os.path.join(views, name), whole)
case.verifies("the log holds")
lone.verifies("the other, too")

# a table over blob_max_mib is refused, with what to raise
small = Case()
config = os.path.join(small.path, "ebb.yaml")
write(config, open(config).read().replace("blob_max_mib: 64", "blob_max_mib: 1"))
big = path("big.csv", "".join("10.%d.%d.%d/32,abuse%d@isp.example,\n" % (i >> 16, i >> 8 & 255, i & 255, i)
                              for i in range(40000)))
result = small.ebb("contacts", "import", big)
ok(result.code == 1 and "raise blob_max_mib" in result.err, "a table over blob_max_mib says what to raise")
done()
