"""Bad input: one clear error or a counted reject; the rest comes in; nothing crashes."""
import gzip
import json
import os
import struct
import subprocess
import threading
import time
import zlib

from ebbtest import Case, EBB, SHADOWSERVER_COLUMNS, done, equal, feed_text, folder, ok, run, write

where = folder()
GOOD = {"timestamp": "2011-03-16 00:00:01", "protocol": "tcp", "src_ip": "88.64.0.1", "src_port": 1025,
        "family": "rustock", "infection": "rustock"}


def put(name, data):
    return write(os.path.join(where, name), data)


def refused(path, why, name, *options):
    """Nothing of the file comes in; one line says why."""
    case = Case()
    result = case.ebb("import", path, *options)
    ok(result.code == 1 and why in result.err and result.err.count("\n") == 1,
       "%s: %s" % (name, result.err.strip()[-160:] or "no error"))
    case.verifies(name + ": the log verifies")


def rejected(data, events, rejects, why, name, suffix=".csv"):
    """What is good comes in, the rest is counted and listed with its reason."""
    case = Case()
    listing = os.path.join(where, "rejects")
    path = put(name.replace(" ", "-") + suffix, data)
    result = case.ebb("import", path, "--json", "--rejects", listing)
    if not ok(result.code == 0, name + ": imported"):
        print("# " + result.err)
        return
    row = json.loads(result.out)
    equal((row["events"], row["rejected"]), (events, rejects), name + ": counts")
    lines = [json.loads(line) for line in open(listing)]
    equal(len(lines), rejects, name + ": the list has every reject")
    ok(all(any(w in line["why"] for w in why.split("|")) for line in lines),
       "%s: with its reason: %s" % (name, lines[:1] and lines[0]["why"]))
    case.verifies(name + ": the log verifies")


refused(put("empty.csv", b""), "empty", "an empty file")
refused(where, "directory", "a directory")
refused(os.path.join(where, "missing"), "No such file", "a missing file")
refused(put("noise.bin", os.urandom(4000)), "format", "noise")
refused(put("noise.pcap", b"\xd4\xc3\xb2\xa1" + b"\xff" * 40), "noise.pcap", "a capture header of nonsense")
refused(put("text.txt", "hello\nworld\n"), "format", "plain text")
refused(put("nocolumn.csv", feed_text([GOOD], [c for c in SHADOWSERVER_COLUMNS if c != "src_ip"])), "src_ip",
        "a column missing", "--format", "shadowserver")
if os.geteuid() != 0:
    locked = put("locked.csv", feed_text([GOOD]))
    os.chmod(locked, 0)
    refused(locked, "Permission denied", "an unreadable file")
fifo = os.path.join(where, "fifo")
os.mkfifo(fifo)
refused(fifo, "regular file", "a pipe")

good = feed_text([GOOD])
line = good.splitlines()[1]
rejected(good + line.replace("2011-", "3000-", 1) + "\n" + line + "\n", 2, 1, "time", "year 3000")
rejected(good + '"2011-03-16 00:00:01","tcp",88\n' + line + "\n", 2, 1, "cell|column", "too few cells")
rejected(good + line.replace('"88.64.0.1"', '"88.64.0.999"') + "\n" + line + "\n", 2, 1, "address", "bad address")
rejected(good + line.replace("1025", "70000") + "\n" + line + "\n", 2, 1, "port", "bad port")
rejected(good + line.replace('"tcp"', '"t"cp"') + "\n" + line + "\n", 2, 1, "quote", "broken quotes")
rejected(good + line.replace("rustock", "rus\0tock", 1) + "\n" + line + "\n", 2, 1, "NUL", "a NUL")
rejected(good + line.replace("rustock", "x" * 10_000_000, 1) + "\n" + line + "\n", 2, 1, "long|larger|over",
         "a 10 MB line")
rejected(good + '"never closed\n' + (line + "\n") * 5, 6, 1, "quote", "a quote left open")
rejected(good.encode() + line.replace("rustock", "r\xfcstock").encode("latin-1") + b"\n", 2, 0, "", "latin-1 cells")
rejected("\ufeff" + good.replace("\n", "\r\n"), 1, 0, "", "a byte order mark and CRLF")

# truncated gzip: what was whole comes in
packed = gzip.compress("".join([good] + [line + "\n"] * 20000).encode())
case = Case()
cut = case.ebb("import", put("cut.csv.gz", packed[:len(packed) // 2]), "--json")
row = json.loads(cut.out or "{}")
ok(cut.code == 0 and 0 < row["events"] < 20001 and row["rejected"] >= 1,
   "truncated gzip: %s events, %s rejected" % (row.get("events"), row.get("rejected")))
case.verifies("truncated gzip: the log verifies")

# a bomb: hundreds of megabytes of one letter in a few hundred kilobytes
squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
block = squeeze.compress(good.encode())
megabyte = b"A" * (1 << 20)
bomb = os.path.join(where, "bomb.csv.gz")
with open(bomb, "wb") as f:
    f.write(block)
    for _ in range(400):
        f.write(squeeze.compress(megabyte))
    f.write(squeeze.flush())
case = Case()
begun = time.monotonic()
result = subprocess.run(["/usr/bin/env", "bash", "-c", 'ulimit -v 4000000; exec "$0" "$@"', EBB, "-C", case.path,
                         "import", bomb], capture_output=True, text=True)
ok(result.returncode in (0, 1) and result.stderr.strip(), "a gzip bomb ends with a word: %s" % result.stderr.strip()[:150])
ok(time.monotonic() - begun < 60, "and in time")
case.verifies("a gzip bomb: the log verifies")

# captures
def capture(packets, link=1):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for seconds, data in packets:
        out += struct.pack("<IIII", seconds, 0, len(data), len(data)) + data
    return out


query = bytes.fromhex("123401000001000000000000076578616d706c65036f72670000010001")
udp = struct.pack(">HHHH", 4000, 53, 8 + len(query), 0) + query
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([88, 64, 0, 1]),
                 bytes([192, 0, 2, 53])) + udp
frame = b"\2" * 12 + b"\x08\x00" + ip
whole = capture([(1300000000, frame), (1300000001, frame)])
rejected(whole, 2, 0, "", "a small capture", ".pcap")
rejected(whole[:-10], 1, 1, "trunc", "a capture cut short", ".pcap")
rejected(capture([(1300000000, frame), (1300000001, frame[:20]), (1300000002, frame)]), 2, 1, "trunc|short",
         "a packet cut short", ".pcap")
rejected(capture([(1300000000, frame), (1, frame)]), 1, 1, "time", "a clock that was wrong", ".pcap")
refused(put("odd.pcap", capture([(1300000000, frame)], 147)), "link", "an unknown link type")

# a file that changes while it is read (larger than what is kept in memory)
big = os.path.join(where, "big.csv")
with open(big, "w") as f:
    f.write(good)
    for i in range(400):
        f.write((line + "\n") * 2000)
case = Case()
process = subprocess.Popen([EBB, "-C", case.path, "import", big], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
time.sleep(0.4)
with open(big, "r+") as f:
    f.seek(os.path.getsize(big) - 2000)
    f.write("CHANGED")
_, said = process.communicate()
if process.returncode == 0:  # it was faster than us: then all of the first reading is in
    ok(True, "the file was read before it changed")
else:
    ok("chang" in said, "a changed file is noticed: %s" % said.strip()[:120])
case.verifies("a changed file: the log verifies")
os.unlink(big)

# two writers at once
case = Case()
slow = put("slow.csv", good + (line + "\n") * 400000)
first = subprocess.Popen([EBB, "-C", case.path, "import", slow], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(0.25)
second = case.ebb("import", put("other.csv", good))
ok(first.poll() is None and second.code == 1 and "writ" in second.err + "writ" * (second.code == 0),
   "a second writer is refused: %s" % second.err.strip())
reader = case.ebb("events", "--json", "--limit", "3")
equal(reader.code, 0, "a reader is not")
first.wait()
equal(case.rows("import", os.path.join(where, "other.csv"))[0]["events"], 1, "and comes in afterwards")
case.verifies("two writers: the log verifies")

# a case that a newer version wrote
case = Case()
case.rows("import", put("v.csv", good))
SEGMENT_VERSION = 8  # where the header has it (doc/format.md), under a CRC-32C of the bytes before
segment = case.segments()[0]


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


raw = bytearray(open(segment, "rb").read())
equal(struct.pack(">I", crc32c(raw[:60])), bytes(raw[60:64]), "the segment's header is as documented")
raw[SEGMENT_VERSION + 3] += 1
raw[60:64] = struct.pack(">I", crc32c(raw[:60]))
write(segment, bytes(raw))
for command in ("events", "import"):
    result = case.ebb(command, *([os.path.join(where, "slow.csv")] if command == "import" else []))
    ok(result.code == 1 and "newer" in result.err, "a newer version's case, %s: %s" % (command, result.err.strip()))
raw[SEGMENT_VERSION + 3] -= 1
raw[60:64] = struct.pack(">I", crc32c(raw[:60]))
write(segment, bytes(raw))
case.verifies("and with the version put back it verifies")
config = os.path.join(case.path, "ebb.yaml")
text = open(config).read()
write(config, text + "\nfrom_the_future: 1\n")
result = case.ebb("events")
ok(result.code == 1 and "from_the_future" in result.err, "an unknown config key is named: %s" % result.err.strip())
done()
