"""Blobs through the command line: what an import keeps comes back, damage is told, erased is gone."""
import hashlib
import os
import random

from ebbtest import Case, done, equal, feed_text, folder, ok, write


def row(ip, family):
    return {"timestamp": "2011-03-16 10:00:00", "src_ip": ip, "src_port": 1025, "family": family,
            "infection": family, "protocol": "tcp", "dst_port": 80, "tag": family}



case = Case()
empty = case.ebb("blob", "verify", "--json")
equal((empty.code, empty.rows()[0]["blobs"]), (0, 0), "a case without blobs holds")
small = write(os.path.join(folder(), "small.csv"), feed_text([row("88.64.0.1", "rustock")]))
letters = random.Random(5)
large = write(os.path.join(folder(), "large.csv"), feed_text(
    [row("88.64.%d.%d" % (i >> 8, i & 255), "%060x" % letters.getrandbits(240))
     for i in range(6000)]))
for name in small, large:
    case.rows("import", name)
for name in small, large:
    data = open(name, "rb").read()
    digest = hashlib.sha256(data).hexdigest()
    out = os.path.join(folder(), "out")
    got = case.ebb("blob", "get", digest, "--output", out)
    stored = open(out, "rb").read() if got.code == 0 else b""
    ok(got.code == 0 and hashlib.sha256(stored).hexdigest() == digest,
       "%s comes back as it was imported" % os.path.basename(name))
equal(case.ebb("blob", "get", hashlib.sha256(open(small, "rb").read()).hexdigest()).out,
      open(small).read(), "on standard output, too")
missing = case.ebb("blob", "get", "0" * 64)
equal((missing.code, missing.err.count("\n")), (1, 1), "one that is not there: one line, exit 1")
equal(case.ebb("blob", "get", "xyz").code, 2, "no digest is wrong usage")
equal(case.ebb("blob", "get").code, 2, "nor is nothing")
whole = case.ebb("blob", "verify", "--json").rows()[0]
equal((whole["holds"], whole["damaged"]), (True, []), "all of them hold")
ok(whole["blobs"] >= 2, "and were looked at")
packs = os.path.join(case.path, "blobs", "pack")
ok(os.path.exists(os.path.join(packs, "00000001.pack")), "a small one is in a pack")
pack = os.path.join(packs, "00000001.pack")
data = bytearray(open(pack, "rb").read())
with open(pack, "r+b") as f:
    f.seek(32 + 32 + 36 + 12)
    f.write(bytes([data[32 + 32 + 36 + 12] ^ 1]))
hurt = case.ebb("blob", "get", hashlib.sha256(open(small, "rb").read()).hexdigest())
equal((hurt.code, hurt.out), (1, ""), "a damaged one is not given out")
with open(pack, "wb") as f:
    f.write(data)
singles = [os.path.join(d, f) for d, _, files in os.walk(os.path.join(case.path, "blobs"))
           for f in files if f.endswith(".zst")]
equal(len(singles), 1, "the large one is a file of its own")
with open(singles[0], "r+b") as f:
    f.seek(-9, 2)
    byte = f.read(1)
    f.seek(-9, 2)
    f.write(bytes([byte[0] ^ 1]))
hurt = case.ebb("blob", "verify", "--json")
equal((hurt.code, hurt.rows()[0]["damaged"]),
      (1, [hashlib.sha256(open(large, "rb").read()).hexdigest()]), "verify names what is damaged")
ok("damaged: " in case.ebb("blob", "verify").out, "for people, too")
done()
