"""An exported proof, checked with openssl and a few lines of Python (verify_proof.py)."""
import os
import sys

from ebbtest import Case, ROOT, done, equal, feed_text, folder, ok, run, write

VERIFY = os.path.join(ROOT, "test", "verify_proof.py")

case = Case()
rows = [{"timestamp": "2011-03-16 00:00:01", "protocol": "tcp", "src_ip": "88.64.%d.%d" % (i >> 8, i & 255),
         "src_port": 1025, "family": "rustock", "infection": "rustock"} for i in range(700)]
case.rows("import", write(os.path.join(folder(), "a.csv"), feed_text(rows)))
size = case.rows("status")[0]["log_size"]
vkey = os.path.join(case.path, "log", "vkey")
out = folder()
for index in (0, 1, 255, 256, 257, 511, size - 1):
    proof = os.path.join(out, "proof-%d" % index)
    equal(case.ebb("log", "prove", str(index), "--output", proof).code, 0, "prove %d" % index)
    checked = run(sys.executable, VERIFY, vkey, proof, os.path.join(case.path, "log"))
    ok(checked.code == 0, "entry %d of %d is proved: %s" % (index, size, (checked.err or checked.out).strip()[-200:]))
proof = open(os.path.join(out, "proof-256")).read()
lines = proof.split("\n")
for i, line in enumerate(lines):
    if len(line) < 20:
        continue
    # another letter in the middle of a line: each line must matter
    flipped = lines[:i] + [line[:10] + ("A" if line[10] != "A" else "B") + line[11:]] + lines[i + 1:]
    bad = write(os.path.join(out, "bad"), "\n".join(flipped))
    ok(run(sys.executable, VERIFY, vkey, bad, os.path.join(case.path, "log")).code != 0,
       "a proof with line %d changed is refused" % (i + 1))
equal(case.ebb("log", "prove", str(size)).code, 1, "there is no proof past the end")
done()
