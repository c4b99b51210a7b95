"""`ebb-sim mail`: what it writes is read again by other means (Python's mailbox, email, tarfile, hashlib, a
small SMTP server) and held against its labels and its truth."""
import collections
import csv
import email
import email.policy
import hashlib
import ipaddress
import json
import mailbox
import os
import re
import socket
import struct
import tarfile
import threading

from ebbtest import SIM, done, equal, folder, ok, run
from sinkhole import Sinkhole

tmp = folder()


def path(name):
    return os.path.join(tmp, name)


def mail(*args, want=0):
    result = run(SIM, "mail", "--quiet", *args)
    if result.code != want:
        print("# exit %d: %s" % (result.code, result.err), flush=True)
    return result


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def labels(name):
    with open(path(name), newline="") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def sha(data):
    return hashlib.sha256(data).hexdigest()


# the command line
for args in ([], ["--frobnicate"], ["--mbox", path("x"), "--mails", "-1"], ["--mbox", path("x"), "--families", "0"],
             ["--mbox", path("x"), "--families", "65"], ["--mbox", path("x"), "--campaigns", "10", "--mails", "5"],
             ["--mbox", path("x"), "--start", "yesterday"], ["--mbox", path("x"), "--start", "2011-02-01T01:00:00Z"],
             ["--mbox", path("x"), "--days", "0"], ["--feed", path("x"), "--checkins", "1.5"],
             ["--mbox", path("x"), "--proxy"], ["--live"], ["--mbox", path("x"), "small"],
             ["--live", "--smtp-port", "1", "--mbox", path("x")]):
    result = run(SIM, "mail", *args)
    ok(result.code == 2 and result.err.startswith("ebb-sim: ") and result.err.count("\n") == 1,
       "wrong usage: %s" % " ".join(args).replace(tmp, ""))
ok(not os.path.exists(path("x")), "and nothing was written")
equal(mail("--mbox", path("no/where"), want=1).code, 1, "a folder that is not there")
if os.path.exists("/dev/full"):
    equal(mail("--mbox", "/dev/full", want=1).code, 1, "a full disk")
ok("--mbox" in run(SIM, "mail", "--help").out, "--help")

# one seed, one set of mails, whichever way they are kept
SIZE = ["--mails", "3000", "--ham", "300"]
mail(*SIZE, "--mbox", path("a.mbox"), "--labels", path("a.tsv"), "--truth", path("a.json"), "--feed", path("a.csv"))
mail(*SIZE, "--mbox", path("b.mbox"), "--labels", path("b.tsv"), "--truth", path("b.json"), "--feed", path("b.csv"))
for kind in ("mbox", "tsv", "json", "csv"):
    ok(read("a." + kind) == read("b." + kind), "the same seed gives the same bytes: " + kind)
mail(*SIZE, "--seed", "2", "--mbox", path("b.mbox"), "--labels", path("b.tsv"))
ok(not {r["sha256"] for r in labels("a.tsv")} & {r["sha256"] for r in labels("b.tsv")}, "another seed gives other mails")
mail(*SIZE, "--eml", path("eml"), "--tar", path("a.tar"), "--maildir", path("maildir"), "--labels", path("e.jsonl"))
rows = labels("a.tsv")
with open(path("e.jsonl")) as f:
    json_rows = [json.loads(line) for line in f]
equal(len(rows), 3300, "a label a mail")
equal([[str(v) for k, v in r.items() if k != "file"] for r in json_rows],
      [[v for k, v in r.items() if k != "file"] for r in rows], "labels as TSV and as JSON Lines are the same")
wire = [read("eml/%s.eml" % r["number"]) for r in rows]
equal([sha(w) for w in wire], [r["sha256"] for r in rows], "eml: the labels' hashes")
box = mailbox.mbox(path("a.mbox"), create=False)
from_box = [re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(k)).replace(b"\n", b"\r\n") for k in box.keys()]
equal(len(from_box), len(rows), "mbox: as many mails")
equal([sha(m) for m in from_box], [r["sha256"] for r in rows], "mbox: the same mails")
with tarfile.open(path("a.tar")) as tar:
    equal([sha(tar.extractfile(m).read()) for m in tar], [r["sha256"] for r in rows], "tar: the same mails, in order")
folder_of = mailbox.Maildir(path("maildir"), create=False)
equal(sorted(sha(folder_of.get_bytes(k).replace(b"\n", b"\r\n")) for k in folder_of.keys()),
      sorted(r["sha256"] for r in rows), "Maildir: the same mails")
mail(*SIZE, "--mbox", path("c.mbox"), "--crlf")
equal(read("c.mbox"), read("a.mbox").replace(b"\n", b"\r\n"), "--crlf")

# mails are what a mail may be
ok(all(b"\n" not in w.replace(b"\r\n", b"") and b"\r" not in w.replace(b"\r\n", b"") for w in wire), "lines end in CRLF")
ok(max(len(line) for w in wire for line in w.split(b"\r\n")) <= 998, "no line is longer than RFC 5322 allows")
parsed = [email.message_from_bytes(w, policy=email.policy.default) for w in wire]
defects = [d for m in parsed for p in m.walk() for d in p.defects]
ok(not defects, "Python's parser finds no defect%s" % (": %r" % defects[:3] if defects else ""))
equal(sorted({m.get_content_type() for m in parsed}),
      ["multipart/alternative", "multipart/mixed", "multipart/related", "text/html", "text/plain"], "five forms")
encodings = {str(p["content-transfer-encoding"]).lower() for m in parsed for p in m.walk() if p["content-transfer-encoding"]}
equal(encodings, {"7bit", "8bit", "quoted-printable", "base64"}, "four encodings")
charsets = {p.get_content_charset() for m in parsed for p in m.walk() if p.get_content_maintype() == "text"}
equal(charsets, {"us-ascii", "iso-8859-1", "windows-1252", "utf-8"}, "four charsets")


def words_of(message):
    """All text that it has, of all parts, without tags."""
    out = [str(message["subject"])]
    for part in message.walk():
        if part.get_content_maintype() == "text":
            text = part.get_content()
            out.append(re.sub(r"<[^>]*>", "", text) if part.get_content_type() == "text/html" else text)
    return " ".join(out)


# labels say what stands in the mails
spam = [(r, m, w) for r, m, w in zip(rows, parsed, wire) if r["kind"] == "spam"]
ok(all(m["received"].split("[")[1].split("]")[0] == r["address"] for r, m in zip(rows, parsed)), "Received has the address")
ok(all(email.utils.parsedate_to_datetime(m["received"].split(";")[1].strip()).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
       == r["time"] for r, m in zip(rows, parsed)), "and the time")
ok(all("<%s>" % r["to"] in m["received"] for r, m in zip(rows, parsed)), "and the recipient")
equal([r["time"] for r in rows], sorted(r["time"] for r in rows), "mails come in the order of time")
texts = ["".join(re.sub(r"\s", "", p.get_content()) for p in m.walk() if p.get_content_maintype() == "text") for m in parsed]
linked = [(r, t) for r, t in zip(rows, texts) if r["domain"]]
ok(len(linked) > 1000 and all(r["domain"] in t for r, t in linked), "the link's host stands in the mail")
ok(all("http" not in t.replace("http://www.w3", "").replace("http-equiv", "") for r, t in zip(rows, texts)
       if not r["domain"]), "and where none is named there is no link")
truth = json.loads(read("a.json"))
plain = {c["campaign"] for c in truth["campaigns"] if c["disguise"] == "none"}
ok(all(brand in re.sub(r"\s+", " ", words_of(m)).lower() for r, m, w in spam if r["campaign"] in plain
       for brand in r["brands"].split(",")), "undisguised brands are where the labels say")
disguised = [r for r, m, w in spam if r["campaign"] not in plain and r["brands"]
             and not all(b in re.sub(r"\s+", " ", words_of(m)).lower() for b in r["brands"].split(","))]
ok(len(disguised) > 50, "disguised ones are not found that way: %d mails" % len(disguised))
RESERVED = re.compile(r"(^|\.)(example|test|invalid|localhost|example\.(com|net|org))$")
hosts = set()
for m in parsed:
    for part in m.walk():
        if part.get_content_maintype() == "text":
            hosts.update(re.findall(r"https?://([^/\s\"<>?]+)", part.get_content()))
    hosts.update(re.findall(r"@([\w.-]+\w)", "%s %s" % (m["from"], m["to"])))
NETS = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def is_reserved(host):
    try:
        return any(ipaddress.ip_address(host) in net for net in NETS)
    except ValueError:
        return bool(RESERVED.search(host))


equal([h for h in sorted(hosts) if not is_reserved(h)][:5], [], "only reserved names, no real host")
ok(len(hosts) > 300, "many hosts: %d" % len(hosts))

# the truth, counted again
count = collections.Counter()
for r in rows:
    date = r["time"][:10]
    count[date, r["kind"]] += 1
    if r["kind"] == "spam":
        for key in ("family", "topic", "campaign"):
            count[date, key, r[key]] += 1
            count[key, r[key]] += 1
stated = collections.Counter()
for day in truth["days"]:
    stated[day["date"], "spam"], stated[day["date"], "ham"] = day["mails"], day["ham"]
    for group, key in (("families", "family"), ("topics", "topic"), ("campaigns", "campaign")):
        for name, n in day[group].items():
            stated[day["date"], key, name] = n
            stated[key, name] += n
equal(+stated, +count, "volumes by day, family, topic and campaign")
sizes = [c["mails"] for c in truth["campaigns"]]
equal([sum(sizes), len(sizes), {c["campaign"]: c["mails"] for c in truth["campaigns"]}],
      [3000, 200, {c: count["campaign", c] for c in {r["campaign"] for r in rows if r["kind"] == "spam"}}], "campaigns' sizes")
ok(max(sizes) > 300 and sum(n <= 10 for n in sizes) >= 40, "from one mail to hundreds")
first = {r["campaign"]: r["time"] for r in reversed(rows)}
ok(all(c["first"] == first[c["campaign"]] for c in truth["campaigns"]), "campaigns' first mails")
of = collections.defaultdict(set)
for r in rows:
    of[r["campaign"]].add(r["family"])
ok(all(of[c["campaign"]] <= set(c["families"]) for c in truth["campaigns"]), "families send their campaigns")
ok(any(len(f) == 2 for f in of.values()), "some are rented to two")
ok(any(len({r["domain"] for r in rows if r["campaign"] == c["campaign"]}) > 5 for c in truth["campaigns"]), "domains rotate")
senders = collections.defaultdict(set)
for r in rows:
    senders[r["address"]].add(r["family"])
ok(all(len(f) == 1 for f in senders.values()), "no address is of two families")
with open(path("a.csv"), newline="") as f:
    checkins = list(csv.DictReader(f))
ok(all(senders[c["src_ip"]] <= {c["family"]} for c in checkins if c["src_ip"] in senders), "check-ins name the family")
known = {c["src_ip"] for c in checkins}
share = sum(a in known for a, f in senders.items() if f != {""}) / sum(f != {""} for f in senders.values())
ok(0.2 < share < 0.4, "a share of the senders checks in: %.2f" % share)

# campaigns are alike within and not among one another
shingles = collections.defaultdict(list)
for r, m, w in spam:
    if len(shingles[r["campaign"]]) < 2:
        words = re.findall(r"[a-z]+", words_of(m).lower())
        shingles[r["campaign"]].append(set(zip(words, words[1:], words[2:])))
within = sorted(len(a & b) / max(1, len(a | b)) for a, b in (s for s in shingles.values() if len(s) == 2))
names = sorted(shingles)
among = [len(a & b) / max(1, len(a | b)) for i, x in enumerate(names) for y in names[:i]
         for a, b in [(shingles[x][0], shingles[y][0])]]
ok(within[len(within) // 2] > 0.5 > max(among), "likeness within campaigns %.2f (median), among them %.2f (most)" % (
    within[len(within) // 2], max(among)))


# live: a small server that writes down what it hears
class Server:
    def __init__(self, proxy=False, refuse=b""):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.proxy, self.refuse, self.heard = proxy, refuse, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, peer = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(conn, peer[0]), daemon=True).start()

    def talk(self, conn, address):
        said, data = [], None
        with conn, conn.makefile("rb") as lines:
            try:
                if self.proxy:
                    head = lines.read(16)
                    rest = lines.read(struct.unpack(">H", head[14:16])[0])
                    address = socket.inet_ntoa(rest[:4])
                conn.sendall(b"220 sink.example\r\n")
                for line in lines:
                    if data is not None:
                        if line == b".\r\n":
                            self.heard.append((address, said, b"".join(data)))
                            data = None
                            conn.sendall(b"250 taken\r\n")
                        else:
                            data.append(line[1:] if line.startswith(b".") else line)
                        continue
                    said.append(line)
                    verb = line[:4].upper()
                    if self.refuse and self.refuse in line:
                        conn.sendall(b"550 no\r\n")
                    elif verb == b"EHLO":
                        conn.sendall(b"250-sink.example\r\n250-PIPELINING\r\n250 SIZE 100000000\r\n")
                    elif verb == b"DATA":
                        data = []
                        conn.sendall(b"354 go on\r\n")
                    elif verb == b"QUIT":
                        conn.sendall(b"221 bye\r\n")
                        return
                    else:
                        conn.sendall(b"250 ok\r\n")
            except OSError:
                return


LIVE = ["--live", "--mails", "400", "--campaigns", "40", "--ham", "20"]
for proxy in (False, True):
    server = Server(proxy)
    result = mail(*LIVE, "--smtp-port", str(server.port), *(["--proxy"] if proxy else []), "--labels", path("l.tsv"),
                  "--truth", path("l.json"))
    what = "live, PROXY: " if proxy else "live: "
    counts = json.loads(result.out)
    equal((counts["sent"], counts["accepted"], counts["failed"]), (420, 420, 0), what + "all mails are taken")
    rows = labels("l.tsv")
    equal(sorted((a, sha(m)) for a, s, m in server.heard), sorted((r["address"], r["sha256"]) for r in rows),
          what + "the labels' mails come from the labels' addresses")
    mail("--no-received", "--mails", "400", "--campaigns", "40", "--ham", "20", "--labels", path("f.tsv"))
    equal(sorted(r["sha256"] for r in labels("f.tsv")), sorted(r["sha256"] for r in rows),
          what + "and are those of --no-received")
    envelope = {sha(m): s for a, s, m in server.heard}
    ok(all(any(r["from"].encode() in line for line in envelope[r["sha256"]]) and
           any(r["to"].encode() in line for line in envelope[r["sha256"]]) for r in rows), what + "the envelope")
    shapes = collections.defaultdict(set)
    for r in rows:
        shapes[r["family"]].add(tuple(re.sub(rb"[\w.\[\]-]+@[\w.-]+", b"A", re.sub(rb"(?i)^([eh][eh]lo +)[^\r\n]*", rb"\1H", line))
                                      for line in envelope[r["sha256"]] if not line.upper().startswith(b"QUIT")))
    sizes = re.compile(rb"SIZE=\d+")
    shapes = {f: {tuple(sizes.sub(b"SIZE=", x) for x in t) for t in s} for f, s in shapes.items()}
    ok(all(len(s) == 1 for f, s in shapes.items() if f), what + "a family has one dialect")
    ok(len({next(iter(s)) for f, s in shapes.items() if f}) >= len(shapes) - 2, what + "families differ in theirs")
    live_truth = json.loads(read("l.json"))
    equal(sum(d["mails"] for d in live_truth["days"]), 400, what + "truth has what was taken")
    server.socket.close()
server = Server(refuse=b"@trap.example")
result = mail(*LIVE, "--smtp-port", str(server.port), "--labels", path("l.tsv"))
counts = json.loads(result.out)
ok(counts["failed"] > 20 and counts["accepted"] + counts["failed"] == 420, "refused recipients: mails fail")
equal(sorted(r["sha256"] for r in labels("l.tsv")), sorted(sha(m) for a, s, m in server.heard), "and have no label")
server.socket.close()
with socket.create_server(("127.0.0.1", 0)) as closed:
    port = closed.getsockname()[1]
counts = json.loads(mail(*LIVE, "--smtp-port", str(port)).out)
equal((counts["accepted"], counts["failed"]), (0, 420), "nobody listens")
for address in ("192.0.2.1", "10.0.0.1", "0.0.0.0", "::2", "example.com", "128.0.0.1"):
    refused = mail(*LIVE, "--smtp-port", "25", "--to", address, "--labels", path("never"), want=2)
    ok(refused.code == 2 and "--to" in refused.err and not os.path.exists(path("never")), "no word to " + address)

# ebb's own sink keeps the same bytes, from the same addresses
hole = Sinkhole({"psmtp": ("smtp", "proxy: true"), "smtp": ("smtp", "")}, limits="address_connections: 5000",
                more="  balancers: [\"127.0.0.0/8\"]")
hole.order()
hole.asset("192.0.2.25", "127.0.0.1")
hole.start()
for name, proxy in (("psmtp", ["--proxy"]), ("smtp", [])):
    before = len(hole.events("--kind", "smtp"))
    counts = json.loads(mail(*LIVE, *proxy, "--smtp-port", str(hole.port[name]), "--labels", path("l.tsv")).out)
    equal((counts["accepted"], counts["failed"]), (420, 0), "ebb serve, %s: all mails are taken" % name)
    events = [e for e in hole.settled(before + 420, "--kind", "smtp")[before:] if e["smtp"].get("blob")]
    equal(sorted((e["src_ip"], e["smtp"]["blob"]) for e in events),
          sorted((r["address"], r["sha256"]) for r in labels("l.tsv")), "ebb serve, %s: addresses and blobs" % name)
hole.stop()

done()
