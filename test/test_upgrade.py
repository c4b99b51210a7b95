"""Cases that older versions made: today's ebb opens, verifies and counts them as they did; what a newer one wrote it refuses.
old_cases/NAME.tar.gz was made by the commit in NAME; NAME.json is what that version said of it."""
import glob
import json
import os
import struct
import tarfile

from ebbtest import EBB, Case, done, equal, folder, ok, run

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "old_cases")

for archive in sorted(glob.glob(os.path.join(HERE, "*.tar.gz"))):
    name = os.path.basename(archive)[:-7]
    where = folder()
    with tarfile.open(archive) as tar:
        tar.extractall(where, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # Debian 12's Python has none
    with open(archive[:-7] + ".json") as f:
        said = json.load(f)
    case = Case(os.path.join(where, "case"), init=False)
    dry = case.ebb("upgrade", "--dry-run", "--json")
    ok(dry.code == 0, "%s: looked at %s" % (name, dry.err.strip()))
    result = case.ebb("upgrade", "--json")
    if not ok(result.code == 0, "%s: upgraded" % name):
        print("# " + result.err.strip())
    again = case.ebb("upgrade", "--json")
    ok(again.code == 0 and "anew" not in again.out, "%s: once" % name)
    case.verifies("%s: its log verifies" % name)
    equal(json.loads(case.ebb("log", "verify", "--json").out)["root"], said["root"], "%s: under the root that it had" % name)
    days = [{k: r[k] for k in ("date", "family", "addresses")} for r in case.rows("census", "--by", "day")]
    equal(days, said["days"], "%s: the same census" % name)
    equal(len(case.events()), said["events"], "%s: the same events" % name)
    if said["blob"]:
        equal(case.ebb("blob", "get", said["blob"]).code, 0, "%s: its mails are read" % name)
    backup = os.path.join(where, "backup")
    ok(case.ebb("backup", backup).code == 0 and run(EBB, "backup", "verify", backup).code == 0, "%s: it can be backed up" % name)

# ---- a newer version's ----


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


newer = Case()
with open(newer.segments()[0], "r+b") as f:
    head = bytearray(f.read(64))
    head[8:12] = struct.pack(">I", 2)
    head[60:64] = struct.pack(">I", crc32c(bytes(head[:60])))
    f.seek(0)
    f.write(head)
result = newer.ebb("upgrade")
ok(result.code == 1 and "newer" in result.err, "a newer version's case is refused: %s" % result.err.strip())
lost = Case()
os.rmdir(os.path.join(lost.path, "blobs")) if not os.listdir(os.path.join(lost.path, "blobs")) else None
for view in os.listdir(os.path.join(lost.path, "views")):
    os.unlink(os.path.join(lost.path, "views", view))
result = lost.ebb("upgrade")
ok(result.code == 0, "what is missing is made %s" % result.err.strip())
done()
