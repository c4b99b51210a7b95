"""Mail in: the same mail by swaks to the live sink, as eml, in an mbox, a Maildir, a tar and a capture has one
blob; archives, Maildirs that are watched, trusted relays; all real mails where they are there."""
import collections
import fcntl
import gzip
import hashlib
import io
import json
import mailbox
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import time

from ebbtest import EBB, SHARED, Case, done, equal, folder, ok, run, skip, write
from sinkhole import Sinkhole

TMP = folder()
FROM = b"From bot@mail.example  Sun Apr  8 13:07:32 2007\n"


def put(name, data):
    path = os.path.join(TMP, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return write(path, data)


def canonical(lf):
    """A mail of LF lines as it is on the wire."""
    return (lf if lf.endswith(b"\n") else lf + b"\n").replace(b"\n", b"\r\n")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def blobs(case, *more):
    return [e["smtp"]["blob"] for e in case.events("--kind", "smtp", *more)]


def in_mbox(*mails):
    """mboxrd, as qmail's documentation has it."""
    return b"".join(FROM + re.sub(rb"^(>*From )", rb">\1", m, flags=re.M) + b"\n" for m in mails)


def in_tar(members, kind=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


# ---- captures ----

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Capture:
    """One TCP connection, packet by packet."""

    def __init__(self, client=("192.0.2.66", 40000), server=("198.51.100.2", 25)):
        self.ends = [(socket.inet_aton(a), p) for a, p in (client, server)]
        self.seq = [1000, 2000]
        self.at = 1176051600
        self.out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
        self.packet(0, 2, b"")
        self.packet(1, 0x12, b"")
        self.packet(0, 0x10, b"")

    def packet(self, side, flags, data):
        (src, sport), (dst, dport) = self.ends[side], self.ends[1 - side]
        tcp = struct.pack(">HHIIBBHHH", sport, dport, self.seq[side], self.seq[1 - side] if flags & 0x10 else 0,
                          0x50, flags, 65535, 0, 0) + data
        pseudo = src + dst + struct.pack(">BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + src + dst
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        frame = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + tcp
        self.out += struct.pack("<IIII", self.at, 0, len(frame), len(frame)) + frame
        self.at += 1
        self.seq[side] = (self.seq[side] + len(data) + (1 if flags & 3 else 0)) & 0xffffffff

    def say(self, side, data):
        for i in range(0, len(data), 1400):
            self.packet(side, 0x18, data[i:i + 1400])

    def finish(self):
        self.packet(0, 0x11, b"")
        self.packet(1, 0x11, b"")
        return self.out


def in_capture(wire):
    c = Capture()
    stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", wire)
    c.say(1, b"220 mx.example ESMTP\r\n")
    for line, reply in ((b"EHLO pc.example\r\n", b"250 mx.example\r\n"),
                        (b"MAIL FROM:<bot@mail.example>\r\n", b"250 ok\r\n"),
                        (b"RCPT TO:<victim@seized.example>\r\n", b"250 ok\r\n"), (b"DATA\r\n", b"354 go\r\n"),
                        (stuffed + b".\r\n", b"250 ok\r\n"), (b"QUIT\r\n", b"221 bye\r\n")):
        c.say(0, line)
        c.say(1, reply)
    return c.finish()


# ---- the same mail by each way ----

MAILS = {
    "plain": b"From: a@b.example\nTo: c@d.example\nSubject: plain\n\nhello\n",
    "dots": b"Subject: dots\n\n.\n..\n.x\nFrom here it goes on\n>From there\n>>From beyond\n\nFrom a@b Sun Apr  8 13:07 2007\n",
    "bytes": b"Subject: bytes\nX: \xe4\xf6 \xc3\xa4\n\n\xff\xfe 8 bit\ttab \rbare\n" + b"x" * 5000 + b"\n",
    "headers only": b"Subject: headers only\nTo: x@y.example\n",
    "blank lines": b"\nSubject: none\n\n\n\n",
}
REAL = os.path.join(SHARED, "mail", "trec07p-first-15000.tar.zst")


def real_mails(numbers):
    """Some real ones, without what the mailbox put around them."""
    if not os.path.exists(REAL) or not shutil.which("zstd"):
        return {}
    unpacked = subprocess.run(["zstd", "-dcq", REAL], stdout=subprocess.PIPE, check=True).stdout
    out = {}
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        for info in tar:
            n = int(re.search(r"(\d+)\.eml$", info.name).group(1)) if info.isfile() else 0
            if n in numbers:
                out[n] = tar.extractfile(info).read()
    return out


def without_mbox(data):
    """A file with one mail of an mbox: no From_ line, no empty line behind it, no quoting."""
    data = data[data.index(b"\n") + 1:]
    if data.endswith(b"\n\n"):
        data = data[:-1]
    return re.sub(rb"^>(>*From )", rb"\1", data, flags=re.M)


real = real_mails(range(1, 15001))
if not real:
    skip("real mails", "no folder of real mail, or no zstd")
for number in (1, 2, 77, 4242):
    if number in real:
        MAILS["real %d" % number] = without_mbox(real[number])

for name, mail in MAILS.items():
    want = sha(canonical(mail))
    case = Case()
    wire = canonical(mail)
    box = mailbox.Maildir(os.path.join(TMP, "maildir " + name))
    box.add(mail)
    ways = {
        "eml": put(name + "/lf.eml", mail), "eml of CRLF lines": put(name + "/crlf.eml", wire),
        "eml without its last line end": put(name + "/cut.eml", mail[:-1]),
        "mbox": put(name + "/one.mbox", in_mbox(mail)),
        "mbox of CRLF lines": put(name + "/crlf.mbox", in_mbox(mail).replace(b"\n", b"\r\n")),
        "packed mbox": put(name + "/mbox.gz", gzip.compress(in_mbox(mail, mail))),
        "tar": put(name + "/a.tar", in_tar([("a.eml", mail), ("b/cur/b:2,S", wire)])),
        "capture": put(name + "/a.pcap", in_capture(wire)),
    }
    if name == "blank lines":
        for way in ("eml", "eml of CRLF lines", "eml without its last line end"):
            ways.pop(way)  # nothing says that these are mails
    rows = case.rows("import", *ways.values())
    for way, row in zip(ways, rows):
        ok(row["events"] > 0 and row["rejected"] == 0, "%s: %s" % (name, way))
    beside = Case()  # the Maildir's file has come in as an eml
    beside.ebb("import", os.path.join(TMP, "maildir " + name))
    equal(set(blobs(case) + blobs(beside)), {want}, name + ": one blob, whichever way")

if not shutil.which("swaks"):
    skip("swaks", "not installed")
else:
    hole = Sinkhole(listen={"smtp": ("smtp", "")})
    hole.order()
    hole.asset("seized.example")
    hole.start()
    want = []
    for name, mail in MAILS.items():
        if b"\\n" in mail or name in ("bytes", "blank lines", "headers only") or re.search(rb"%[A-Z_]+%", mail):
            continue  # swaks makes something else of these
        # it puts a CRLF behind the file's last byte, whatever that is
        result = run("swaks", "--server", "127.0.0.1", "--port", hole.port["smtp"], "--from", "bot@mail.example",
                     "--to", "victim@seized.example", "--data", "@" + put(name + "/swaks", mail[:-1]))
        equal(result.code, 0, name + ": swaks delivers it")
        want.append(sha(canonical(mail)))
    events = hole.settled(len(want), "--kind", "smtp")
    equal([e["smtp"]["blob"] for e in events], want, "live: the blobs of the files")
    equal(hole.stop(), 0, "the sinkhole ends")
    hole.must("import", os.path.join(TMP, "plain", "lf.eml"), os.path.join(TMP, "plain", "a.pcap"))
    equal(blobs(hole).count(sha(canonical(MAILS["plain"]))), 3, "beside the imported ones in one case")
    for name in MAILS:
        if sha(canonical(MAILS[name])) not in want:
            continue
        hole.must("import", put(name + "/also.eml", MAILS[name]), put(name + "/also.mbox", in_mbox(MAILS[name])),
                  put(name + "/also.pcap", in_capture(canonical(MAILS[name]))))
        placed = {m["campaign"] for m in hole.rows("campaigns", "--members") if m["blob"] == sha(canonical(MAILS[name]))}
        equal(len(placed), 1, name + ": live, as eml, in an mbox and in a capture: one campaign")

# ---- what mbox programs write ----

case = Case()
path = os.path.join(TMP, "python.mbox")
box = mailbox.mbox(path)
for mail in ("dots", "plain"):
    box.add(MAILS[mail])
box.close()
case.ebb("import", "--format", "mboxo", path)
lost = MAILS["dots"].replace(b"\n>From there", b"\nFrom there")  # what mboxo cannot keep
equal(blobs(case), [sha(canonical(lost)), sha(canonical(MAILS["plain"]))], "an mboxo of Python's")
body = b"x\n\n" + FROM + b"y\n"
case.ebb("import", put("cl2", FROM + b"Content-Length: %d\n\n%s\n" % (len(body), body) + in_mbox(MAILS["plain"])))
equal(blobs(case)[2:], [sha(canonical(b"Content-Length: %d\n\n%s" % (len(body), body))), sha(canonical(MAILS["plain"]))],
      "an mboxcl2")

# ---- rejects, exactly once ----

case = Case()
path = put("some.tar", in_tar([("1.eml", MAILS["plain"]), ("README", b"what this is\n"), ("2.eml", MAILS["dots"]),
                               ("x" * 150 + "/3.eml", MAILS["bytes"])], tarfile.GNU_FORMAT))
rejects = os.path.join(TMP, "rejects")
rows = case.rows("import", "--rejects", rejects, path)
equal((rows[0]["format"], rows[0]["records"], rows[0]["events"], rows[0]["rejected"]), ("tar", 4, 3, 1), "a tar with a stranger")
with open(rejects) as f:
    row = json.loads(f.read())
equal((row["unit"], row["number"], row["why"]), ("mail", 2, "README: not a mail"), "which is named")
equal([e["record"] for e in case.events()], [1, 3, 4], "records are those of the archive")
rows = case.rows("import", path)
equal((rows[0]["events"], rows[0]["already_imported"]), (0, True), "a second time nothing comes in")
result = case.ebb("import", put("cut.tar.gz", gzip.compress(in_tar([("%d.eml" % i, MAILS["bytes"]) for i in range(50)]))[:-40]),
                  "--json")
ok(result.code == 0 and result.rows()[0]["events"] >= 0 and result.rows()[0]["rejected"] == 1, "a torn archive: one reject")
equal(case.ebb("import", TMP).code, 1, "a folder that is no Maildir is refused")
ok("not a Maildir" in case.ebb("import", TMP).err, "and said to be none")

case = Case()
long = b"Subject: " + b"a" * 1100000 + b"\n\nx\n"
case.rows("import", put("long.eml", long), put("long.pcap", in_capture(canonical(long))))
equal([len(e["smtp"]["subject"]) for e in case.events()], [16384, 16384], "a subject that no entry can hold is cut")

# ---- Received, by configuration ----

RELAYED = (b"Received: from relay.our.example (relay.our.example [10.0.0.5])\n\tby store.our.example (Postfix) with ESMTP\n"
           b"\tfor <victim@our.example>; Sun, 8 Apr 2007 13:00:05 +0000\n"
           b"Received: from pc (dsl.isp.example [192.0.2.66])\n\tby relay.our.example with SMTP; Sun, 8 Apr 2007 12:59:59 +0000\n"
           b"Received: from bank.example (bank.example [198.51.100.1])\n\tby pc with SMTP; Sun, 8 Apr 2007 10:00:00 +0000\n"
           b"Subject: relayed\n\nx\n")
path = put("relayed.eml", RELAYED)


def configured(text):
    case = Case()
    with open(os.path.join(case.path, "ebb.yaml"), "w") as f:
        f.write(text)
    return case


def relayed(text):
    event = configured(text)
    event.ebb("import", path)
    event = event.events()[0]
    return event["src_ip"], event["smtp"]["helo"], event["time"][:19], event["sensor"]


TOP = ("10.0.0.5", "relay.our.example", "2007-04-08T13:00:05", "import")
SECOND = ("192.0.2.66", "pc", "2007-04-08T12:59:59", "import")
equal(relayed("name: x"), TOP, "nobody trusted: the topmost counts")
for relay in ("10.0.0.5", "10.0.0.0/8", "relay.our.example", "\"*.our.example\""):
    equal(relayed("mail: {trusted_relays: [%s]}" % relay), SECOND, "trusted: %s; what is below is not believed" % relay)
equal(relayed("mail: {trusted_relays: [10.0.0.5], sensor_by_host: true}"), SECOND[:3] + ("relay.our.example",),
      "the sensor is the host that took it in")
result = configured("mail: {trusted_relays: [10.0.0.5, \"no host\"]}").ebb("status")
ok(result.code == 1 and "mail.trusted_relays[1]" in result.err, "a wrong relay is named by its key")
result = configured("mail: {strip_headers: [\"X-Ok\", \"X-*-No\"]}").ebb("status")
ok(result.code == 1 and "mail.strip_headers[1]" in result.err, "so is a wrong header")
result = configured("mail: {relays: []}").ebb("status")
ok(result.code == 1 and "relays" in result.err, "and an unknown key")
equal(configured(open(os.path.join(Case().path, "ebb.yaml")).read()).ebb("status").code, 0, "what init writes is read again")

# ---- Maildirs ----

MD = os.path.join(TMP, "watched")
for part in ("new", "cur", "tmp"):
    os.makedirs(os.path.join(MD, part))


def deliver(name, data, how="move"):
    write(os.path.join(MD, "tmp", name), data)
    if how == "move":
        os.rename(os.path.join(MD, "tmp", name), os.path.join(MD, "new", name))
    else:
        os.link(os.path.join(MD, "tmp", name), os.path.join(MD, "new", name))
        os.unlink(os.path.join(MD, "tmp", name))


case = Case()
deliver("100.a", b"Subject: 1\n\n")
write(os.path.join(MD, "cur", "099.b:2,S"), b"Subject: 0\n\n")
write(os.path.join(MD, "tmp", "098.c"), b"Subject: half\n\n")
deliver("101.empty", b"")
result = case.ebb("import", "--json", MD)
equal(([os.path.basename(r["file"]) for r in result.rows()], result.code), (["099.b:2,S", "100.a"], 0),
      "new and cur in the order of names, tmp and empty ones passed over")
ok("101.empty" in result.err, "which is said")
equal(case.ebb("import", os.path.join(MD, "new"), "--quiet").code, 0, "new/ alone")
equal(len(case.events()), 2, "nothing is taken twice")

watcher = subprocess.Popen([EBB, "-C", case.path, "import", "--watch", "--json", "--quiet", MD], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)


def wait_for(n, name, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(case.events()) < n:
        time.sleep(0.1)
    equal(sorted(e["smtp"]["subject"] for e in case.events()), sorted(str(i) for i in range(n)), name)


time.sleep(1)
deliver("200.a", b"Subject: 2\n\n")
deliver("201.a", b"Subject: 3\n\n", "link")
wait_for(4, "watched: what is moved and what is linked in")
os.rename(os.path.join(MD, "new", "200.a"), os.path.join(MD, "cur", "200.a:2,S"))
with open(os.path.join(MD, "new", "202.a"), "wb") as f:
    f.write(b"Subject")
    f.flush()
    time.sleep(0.7)
    f.write(b": 4\n\n")
wait_for(5, "a read mail is not taken twice, one that is written in place when it is whole")
for i in range(5, 205):
    deliver("3%03d.a" % i, b"Subject: %d\n\n" % i)
wait_for(205, "two hundred at once")

# the lock (an open file description lock) is free meanwhile; and it waits for whoever has it
def soon(what, seconds=30):
    """The first answer that is true: what is on the log is seen before the watcher has let go of the case."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.1)


def lock(f):
    try:
        fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
        return True
    except OSError:
        return False


other = put("other.eml", b"From: x\nSubject: 205\n\n")
ok(soon(lambda: case.ebb("import", other).code == 0), "others can import between two batches")

with open(os.path.join(case.path, "journal", "lock"), "r+b") as f:
    ok(soon(lambda: lock(f)), "and take the lock")
    deliver("400.a", b"Subject: 206\n\n")
    time.sleep(1.5)
    equal(len(case.events()), 206, "while somebody else has the case, it waits")
wait_for(207, "and goes on afterwards")
watcher.send_signal(signal.SIGTERM)
out, err = watcher.communicate(timeout=30)
equal((watcher.returncode, len(out.splitlines())), (0, 204), "SIGTERM ends it; it told of each that came in, once")
case.verifies("the log holds")

# ---- all real mails ----

if real:
    case = Case()
    began = time.monotonic()
    row = case.rows("import", REAL)[0]
    print("# %d mails in %.1f s" % (row["events"], time.monotonic() - began))
    equal((row["format"], row["records"], row["events"], row["rejected"]), ("tar", 15000, 15000, 0), "one event a real mail")
    events = case.events()
    want = [sha(canonical(without_mbox(real[n]))) for n in range(1, 15001)]
    equal(sum(e["smtp"]["blob"] != w for e, w in zip(events, want)), 0, "each with the bytes of the wire")
    ok(all(e["src_ip"] and e["smtp"]["helo"] and e["smtp"]["mail_from"] for e in events), "with client, name, sender")

    def day_of(data):
        top = re.search(rb"^Received:(.*\n(?:[ \t].*\n)*)", data, re.M).group(1)
        return time.strftime("%Y-%m-%d", time.gmtime(mailbox.email.utils.mktime_tz(
            mailbox.email.utils.parsedate_tz(top.rpartition(b";")[2].decode().strip()))))

    equal(collections.Counter(e["time"][:10] for e in events), collections.Counter(day_of(real[n]) for n in real),
          "arrival days, as Python reads the topmost Received")
    boxes = Case()
    rows = boxes.rows("import", put("all.mbox", b"".join(real[n] for n in range(1, 15001))))
    equal((rows[0]["format"], rows[0]["events"], rows[0]["rejected"]), ("mbox", 15000, 0), "all of them in one mbox")
    equal(blobs(boxes), want, "the same blobs")
    relayed = configured("mail: {trusted_relays: [plg2.math.uwaterloo.ca]}")
    relayed.ebb("import", REAL)
    moved = [(a, b) for a, b in zip(events, relayed.events()) if a["src_ip"] != b["src_ip"]]
    ok(len(moved) > 2000 and all(a["src_ip"] == "129.97.186.80" for a, _ in moved) and
       sum(e["src_ip"] == "129.97.186.80" for e in relayed.events()) < 20, "a trusted relay's clients are seen")
done()
