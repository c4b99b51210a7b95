"""The package's files agree with each other: one list of what a build needs, units that systemd takes and that are hardened, a bill of
materials in its form, scripts without slips."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

from ebbtest import EBB, ROOT, done, equal, ok, skip

SECONDS = 120


def read(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=ROOT, **more)


# ---- one list ----
control = read("debian", "control")
wanted = [re.split(r"[ (<\[]", w.strip())[0] for w in re.search(r"^Build-Depends:((?:.*\n)(?: .*\n)*)", control, re.M)[1].split(",")]
wanted = [w for w in wanted if w and not w.startswith(("debhelper", "dh-"))]
listed = run("scripts/deps", "--list").stdout.split()
equal(sorted(set(wanted) - set(listed)), [], "scripts/deps installs what debian/control's Build-Depends has")
equal(wanted, sorted(wanted), "which is in order")
used = set(re.findall(r"(?:dependency|find_library)\('([a-z0-9_.-]+)'", read("meson.build")))
ok(len(used) > 25 and len(wanted) > 30, "%d libraries, %d packages" % (len(used), len(wanted)))
version = re.search(r"version: '([0-9.]+)'", read("meson.build"))[1]
equal(re.match(r"ebb \(([0-9.]+)\)", read("debian", "changelog"))[1], version, "changelog and meson.build: one version")
equal(json.loads(read("web", "package.json"))["version"], version, "and the front end's")
package_list = run("scripts/deps", "--package", "--list").stdout.split()
ok({"debhelper", "lintian", "debootstrap"} <= set(package_list), "what making packages needs")

# ---- units ----
units = sorted(glob.glob(os.path.join(ROOT, "dist", "systemd", "*@.service")))
timers = sorted(glob.glob(os.path.join(ROOT, "dist", "systemd", "*@.timer")))
equal(sorted(os.path.basename(t)[:-6] for t in timers), sorted(os.path.basename(u)[:-8] for u in units if "ebb@" not in u), "a timer for each job")
with tempfile.TemporaryDirectory() as work:
    for path in units + timers:
        out = os.path.join(work, os.path.basename(path).replace("@.", "@case.").replace("evidence", "timestamp"))
        r = run("dist/systemd/unit.py", path, out, "@COMMAND@=timestamp", "@BINDIR@=/usr/bin")
        if r.returncode:
            ok(False, r.stderr)
    made = sorted(os.listdir(work))
    equal(len(made), len(units) + len(timers), "%d units" % len(made))
    commands = set(re.findall(r'^COMMAND\("([a-z0-9 -]+)"', read("src", "app", "options.def"), re.M))
    for name in made:
        with open(os.path.join(work, name)) as f:
            text = f.read()
        if name.endswith(".service"):
            missing = [k for k in ("User=ebb", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "SystemCallFilter=@system-service",
                                   "MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=", "UMask=0077") if "\n" + k not in text]
            equal(missing, [], "%s: hardened" % name)
            called = re.findall(r"^ExecStart=/usr/bin/ebb (?:-C \S+ )?(?:--quiet )?((?:[a-z]+ ?)+)", text, re.M)
            equal([c for c in called if not any(c.strip() == k or c.strip().startswith(k + " ") for k in commands)], [], "%s: its command is there" % name)
        pages = re.findall(r"man:([a-z.-]+)\((\d)\)", text)
        equal([p for p in pages if not os.path.exists(os.path.join(ROOT, "man", "%s.%s.scd" % p))], [], "%s: its manual is there" % name)
    if shutil.which("systemd-analyze"):
        for name in made:
            path = os.path.join(work, name)
            with open(path) as f:
                text = f.read().replace("/usr/bin/ebb", "/bin/true")
            with open(path, "w") as f:
                f.write(text)
        # Folders of units other than this one hold whatever this machine has
        said = [run("systemd-analyze", "verify", "--man=no", os.path.join(work, n), env=dict(os.environ, SYSTEMD_UNIT_PATH=work + ":")) for n in made]
        equal([line for r in said for line in r.stderr.splitlines() if "ebb" in line], [], "systemd takes them all")
        exposed = {}
        for name in made:
            if name.endswith(".service"):
                r = run("systemd-analyze", "security", "--offline=true", os.path.join(work, name))
                m = re.search(r"exposure level for \S+: ([0-9.]+)", r.stdout)
                exposed[name] = float(m[1]) if m else 10.0
        print("# " + " ".join("%s %.1f" % pair for pair in sorted(exposed.items())))
        equal([n for n, level in exposed.items() if level > 1.5], [], "systemd-analyze security: none above 1.5")
    else:
        skip("systemd-analyze", "it is not here")

# ---- the bill of materials ----
with tempfile.TemporaryDirectory() as work:
    def bom(name, **env):
        path = os.path.join(work, name)
        r = run("scripts/sbom", "--binary", EBB, "--lock", "web/package-lock.json", "--version", version, path, env=dict(os.environ, **env))
        if r.returncode:
            print("# " + r.stderr)
            return b"{}"
        with open(path, "rb") as f:
            return f.read()
    first = bom("a", LC_ALL="C.UTF-8", TZ="Asia/Tokyo")
    equal(first, bom("b", LC_ALL="C", TZ="UTC"), "the same build, the same bill")
    doc = json.loads(first)
    parts = doc["components"]
    refs = [c["bom-ref"] for c in parts]
    equal((doc["bomFormat"], doc["specVersion"], doc["version"]), ("CycloneDX", "1.5", 1), "CycloneDX 1.5")
    ok(re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", doc["serialNumber"]), "its serial number")
    equal(len(refs), len(set(refs)), "%d components, each once" % len(refs))
    equal([c for c in parts if c["type"] != "library" or not c["name"] or c["scope"] not in ("required", "optional", "excluded")], [], "of known kinds")
    known = set(refs) | {doc["metadata"]["component"]["bom-ref"]}
    equal([r for d in doc["dependencies"] for r in [d["ref"]] + d["dependsOn"] if r not in known], [], "what depends is there")
    equal([h for c in parts for h in c.get("hashes", []) if h["alg"] != "SHA-512" or len(h["content"]) != 128], [], "hashes of 64 bytes")
    equal([x for c in parts for x in c.get("licenses", []) if list(x) not in (["license"], ["expression"])], [], "licences in their form")
    names = {c["name"] for c in parts}
    ok({"vite", "preact", "libsodium-wrappers-sumo"} <= names, "the front end's")
    if shutil.which("dpkg-query"):
        ok({"libcurl4", "libsodium23", "libyara9"} <= names and all(c.get("purl") for c in parts if c.get("group") == "debian"), "the libraries'")
    ok("timestamp" in json.loads(bom("c", SOURCE_DATE_EPOCH="1300233600"))["metadata"], "a time where one is said")

# ---- scripts ----
for name in ("debian/tests/case", "debian/tests/service", "debian/ebb.postinst", "debian/ebb.prerm", "debian/ebb.postrm", "scripts/chroot-test",
             "scripts/reproduce", "scripts/dist-deb", "scripts/deps"):
    r = run("sh", "-n", name)
    equal((r.returncode, r.stderr), (0, ""), "%s: sh takes it" % name)
ok("rm -rf" not in read("debian", "ebb.postrm") and "userdel" not in read("debian", "ebb.postrm"), "purging deletes no case")
done()
