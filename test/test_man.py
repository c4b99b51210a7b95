"""The manual: a page for every command and every key of ebb.yaml, and pages that mandoc finds nothing wrong with."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from ebbtest import EBB, ROOT, done, equal, ok, skip

SECONDS = 60
MAN = os.path.join(ROOT, "man")
sys.path.insert(0, MAN)
import page  # noqa: E402

sources = sorted(glob.glob(os.path.join(MAN, "*.scd")))
names = [os.path.basename(path)[:-4] for path in sources]
with open(os.path.join(MAN, "meson.build")) as f:
    listed = f.read()
listed = set(re.findall(r"'([a-z.-]+\.[15])'", listed)) | {"ebb-%s.1" % w for w in re.findall(r"'([a-z]+)'", listed[listed.index("foreach command"):])}
equal(sorted(set(names) - listed), [], "every page is built")

# ---- commands ----
told = [(page, command) for page, command in page.listed_commands(sources, ROOT)]
with open(os.path.join(ROOT, "src", "app", "options.def")) as f:
    text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    commands = re.findall(r'^COMMAND\("([a-z0-9 -]+)"', text, re.M)
ok(len(commands) > 150, "%d commands" % len(commands))
equal(sorted(set(commands) - {c for _, c in told}), [], "each has a page")
equal(sorted(c for _, c in told), sorted(commands), "and one only")
for path in sources:
    with open(path) as f:
        text = f.read()
    wrong = [w for m in re.finditer(r"^@(?:commands|synopsis) (.*)$", text, re.M) for w in m[1].split() if w not in {c.split()[0] for c in commands}]
    if wrong or re.search(r"^@commands (.*)$", text, re.M) and re.search(r"^@commands (.*)$", text, re.M)[1] != re.search(r"^@synopsis (.*)$", text, re.M)[1]:
        ok(False, "%s: commands that are not there: %s" % (path, wrong))
    see = [p for m in re.finditer(r"^@end (.*)$", text, re.M) for p in m[1].split()]
    gone = [p for p in see if "/" not in p and p.replace("(", ".").rstrip(")") not in names or "/" in p and not os.path.exists(os.path.join(ROOT, p))]
    # what others are writing at the time has no file yet; in a whole tree nothing is missing
    equal(gone, [], "%s: what it sends to is there" % os.path.basename(path))

# The option table as page.py reads it is the one of the program.
table = page.table(ROOT)
for name in ("census", "spam impact", "brands dossier", "lead purge", "case asset add"):
    said = subprocess.run([EBB] + name.split() + ["--help"], capture_output=True, text=True, timeout=SECONDS).stdout
    options = next(c[3] for c in table if c[0] == name)
    equal(["--%s %s" % (o, a or "") for o, a, _ in options], [re.match(r"  (--[a-z-]+ ?[A-Z_]*)", line)[1].rstrip() + (" " if "" == line[2:28].split(" ", 1)[1].strip() else "")
                                                               for line in said.splitlines() if line.startswith("  --")], "%s: its options" % name)

# ---- ebb.yaml ----
MACRO = re.compile(r'\b(?:TEXT|LONG_TEXT|NUMBER|ENUM|LIST|FLAG|TRUE|CYAML_FIELD_[A-Z_]+)\(\s*"([a-z_]+)"')
keys = set()
for path in glob.glob(os.path.join(ROOT, "src", "app", "config*.c")):
    with open(path) as f:
        keys |= set(MACRO.findall(f.read()))
with open(os.path.join(MAN, "ebb.yaml.5.scd")) as f:
    text = f.read()
known = {w.replace("\\", "") for w in re.findall(r"\*([a-z_\\]+)\*", text)}
with open(os.path.join(ROOT, "src", "net", "limits.def")) as f:
    limits = set(re.findall(r"^LIMIT\((\w+)", f.read(), re.M))
ok(len(keys) > 120, "%d keys of ebb.yaml" % len(keys))
equal(sorted(keys - known), [], "ebb.yaml(5) has all keys")
equal(sorted(w for w in known if "_" in w and w not in keys | limits), [], "and no others")

# ---- as roff ----
if not shutil.which("scdoc") or not shutil.which("mandoc"):
    skip("mandoc -T lint", "scdoc or mandoc is not here")
    done()
with tempfile.TemporaryDirectory() as work:
    bad = []
    for path in sources:
        out = os.path.join(work, os.path.basename(path)[:-4])
        try:
            with open(out, "w") as f:
                f.write(page.made(page.page(path, ROOT, "1", []), shutil.which("scdoc"), ROOT))
        except SystemExit as e:
            bad.append(str(e)[:500])
            continue
        lint = subprocess.run(["mandoc", "-T", "lint", out], capture_output=True, text=True, timeout=SECONDS)
        bad += (lint.stdout + lint.stderr).splitlines()
        shown = subprocess.run(["mandoc", "-T", "utf8", out], capture_output=True, text=True, timeout=SECONDS).stdout
        shown = re.sub(".\b", "", shown)
        for part in ("NAME", "DESCRIPTION", "SEE ALSO"):
            if not re.search("^%s$" % part, shown, re.M):
                bad.append("%s: no %s" % (path, part))
        if re.search(r"(^|\s)@[a-z]+|\\fB|^\| |\]\(", shown, re.M):
            bad.append("%s: shows what should be formatted: %s" % (path, re.search(r"(^|\s)@[a-z]+|\\fB|^\| |\]\(", shown, re.M)[0]))
    equal(bad[:20], [], "%d pages: mandoc finds nothing wrong" % len(sources))
done()
