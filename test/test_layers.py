"""Includes go downward only (doc/architecture.md)."""
import glob
import os
import re

from ebbtest import ROOT, equal, ok, done

ALLOWED = {
    "base": {"base"},
    "wire": {"wire", "base"},
    "event": {"event", "base"},
    "mail": {"mail", "base", "wire", "event"},
    "journal": {"journal", "base"},
    "import": {"import", "base", "wire", "event"},
    "net": {"net", "base", "wire", "event"},
    "stat": {"stat", "base"},
    "contact": {"contact", "base", "wire"},
    "report": {"report", "base", "wire"},
    "lead": {"lead", "base"},
    "print": {"print", "base"},
    "state": {"state", "base", "event", "mail", "wire", "contact"},
    "view": {"view", "base", "wire", "event", "mail", "journal", "stat", "state"},
    "web": {"web", "base", "wire"},
    "app": {"app", "web", "base", "lead", "print", "stat", "contact", "report", "wire", "event", "mail", "journal", "import", "net", "state", "view"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def violations(folder, text):
    """Includes in a file of that folder that its layer does not allow."""
    bad = []
    for path in INCLUDE.findall(text):
        layer = path.split("/")[0]
        if "/" not in path or layer not in ALLOWED[folder]:
            bad.append(path)
    return bad


equal(violations("wire", '#include "event/event.h"\n'), ["event/event.h"], "an upward include is found")
equal(violations("state", '#include "view/table.h"\n#include "base/buf.h"\n'), ["view/table.h"],
      "and only that one")
equal(violations("base", '#include "buf.h"\n'), ["buf.h"], "an include without its folder is found")

src = os.path.join(ROOT, "src")
equal(sorted(set(os.listdir(src)) - set(ALLOWED)), [], "every folder has a layer")
files = 0
for folder in sorted(os.listdir(src)):
    for path in sorted(glob.glob(os.path.join(src, folder, "**"), recursive=True)):
        if not path.endswith((".c", ".h", ".def")):
            continue
        with open(path) as f:
            bad = violations(folder, f.read())
        files += 1
        if bad:
            ok(False, "%s includes %s" % (os.path.relpath(path, src), ", ".join(bad)))
ok(files > 30, "%d files looked at" % files)
done()
