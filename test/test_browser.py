"""Real browser tests: the case of browser_case.py is served, and the scripts of test/browser drive Chromium through the
public pages and the desk. `test_browser.py PART...` runs some parts only: public speed flows logins desk xss."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

import ebbtest
from ebbtest import EBB, ROOT, done, equal, ok, run, skip, write

from browser_case import INFECTED, NOT_SEEN, PAYLOADS, BrowserCase

LIMIT = 400  # seconds for the browser; what is more hangs
PASSWORD = "a password for the desk, for tests"
source = os.path.join(ROOT, "test", "browser")


def needed():
    """What is missing to run this, or None."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return "no %s (scripts/deps installs it)" % program
    return None if chromium() else "no chromium (scripts/deps installs it)"


def chromium():
    return os.environ.get("EBB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def place():
    """The build folder's copy of the scripts, with the packages of the lock file beside them."""
    folder = os.environ.get("EBB_BROWSER_DIR") or os.path.join(ebbtest.folder(), "browser")
    os.makedirs(os.path.join(folder, "pictures"), exist_ok=True)
    for name in os.listdir(source):
        if name.endswith((".mjs", ".json")):
            shutil.copy(os.path.join(source, name), folder)
    with open(os.path.join(source, "package-lock.json"), "rb") as f:
        want = hashlib.sha256(f.read()).hexdigest()
    stamp = os.path.join(folder, "node_modules", ".lock-sha256")
    if not os.path.exists(stamp) or open(stamp).read() != want:
        made = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        if made.code:
            return folder, "npm ci: " + made.err.strip().splitlines()[-1]
        write(stamp, want)
    return folder, None


def describe(case, folder):
    """What the scripts are told: setup.json."""
    login = case.must("desk", "login", "olaf", "--password-file", case.file("password", PASSWORD + "\n")).out.strip()
    return {
        "ebb": EBB, "case": case.path, "chromium": chromium(), "pictures": os.path.join(folder, "pictures"),
        "python": sys.executable, "verify": os.path.join(ROOT, "test", "verify_proof.py"), "work": case.place,
        "public": case.public, "face": case.face, "desk": case.desk, "infected": INFECTED, "notSeen": NOT_SEEN,
        "payloads": PAYLOADS, "notice": case.notice, "order": os.path.join(case.place, "order.pdf"),
        "releases": [r["entry"] for r in case.rows("release")][::-1], "takedown": case.takedown,
        "login": {"account": "olaf", "password": PASSWORD, "totp": login},
        "people": {name: {"key": p.key, "passphrase": open(p.env["EBB_PASSPHRASE_FILE"]).read().strip(),
                          "env": {k: p.env[k] for k in ("EBB_ACCOUNT", "EBB_KEY", "EBB_PASSPHRASE_FILE")}}
                   for name, p in case.who.items()}}


def drive(folder, setup, parts):
    """Runs the scripts; their lines of TAP become ours."""
    env = dict(os.environ, EBB_BROWSER_SETUP=write(os.path.join(setup["work"], "setup.json"), json.dumps(setup)))
    node = subprocess.Popen(["node", os.path.join(folder, "run.mjs"), *parts], stdin=subprocess.DEVNULL, cwd=folder, env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    end = time.monotonic() + LIMIT
    planned = None
    for line in node.stdout:
        line = line.rstrip("\n")
        words = line.split(" - ", 1)
        if words[0].startswith(("ok ", "not ok ")):
            ok(line.startswith("ok"), words[-1])
        elif line.startswith("1.."):
            planned = line
        elif line:
            print("# " + line.lstrip("# "), flush=True)
        if time.monotonic() > end:
            node.kill()
    node.wait()
    ok(planned is not None, "the browser's scripts went to their end")


def main():
    missing = needed()
    if missing:
        skip("real browser tests", missing)
        return done()
    folder, missing = place()
    if missing:
        skip("real browser tests", missing)
        return done()
    start = time.monotonic()
    case = BrowserCase()
    print("# the case: %s" % ", ".join("%s %.1f s" % s for s in case.make().items()), flush=True)
    case.start()
    case.hostile_traffic()
    case.live()
    setup = describe(case, folder)
    if os.environ.get("EBB_BROWSER_WAIT"):  # to look at it by hand
        print("# public http://localhost:%d/ (PROXY), desk http://localhost:%d/, case %s" % (case.public, case.desk, case.path), flush=True)
    drive(folder, setup, sys.argv[1:])
    equal([p["role"] for p in case.serve()["processes"] if p.get("restarts")], [], "no process of the daemon had to be started again")
    case.kill()
    shutil.copy(os.path.join(case.path, "serve.log"), os.path.join(folder, "serve.log"))
    case.verifies("and the log holds")
    print("# %.0f s in all; pictures in %s" % (time.monotonic() - start, setup["pictures"]), flush=True)
    return done()


main()
