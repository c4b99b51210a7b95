"""What is exported for partners who block: taken by named-checkzone and by nft themselves, and compared with
the assets that are in force."""
import ipaddress
import os
import re
import resource
import shutil
import subprocess
import time

from ebbtest import EBB, Case, done, equal, folder, ok, run, skip, write

case = Case()


def must(*args):
    result = case.ebb(*args)
    if result.code:
        raise RuntimeError("%s: %s" % (" ".join(args), result.err))
    return result


def order(name, since="2020-01-01", until="2099-01-01"):
    must("case", "order", "add", "--id", name, "--court", "C", "--docket", "1", "--from", since, "--until", until)


def export(*more):
    return must("case", "asset", "export", *more)


LONG = ".".join(["a" * 60] * 4) + ".com"  # 247 bytes: no room for a zone's name
order("o-1")
order("o-2")
order("later", "2098-01-01")
order("closed")
must("case", "asset", "add", "seized.example.com", "*.wild.example.net", "xn--bcher-kva.example", LONG, "_srv.example.org",
     "192.0.2.1", "192.0.2.0/25", "192.0.2.127", "198.51.100.7:8080", "198.51.100.7:53/udp", "[2001:db8::1]:443/tcp",
     "2001:db8:0:1::/64", "2001:db8::5:0:0:1", "2001:db8:1:2:3:4:5:6", "port:6667", "--order", "o-1", "--family", "one")
must("case", "asset", "add", "other.example.com", "203.0.113.9", "203.0.113.10", "--order", "o-2", "--family", "two")
must("case", "asset", "add", "not-yet.example.com", "--order", "later")
must("case", "asset", "add", "no-more.example.com", "203.0.113.77", "--order", "closed")
must("case", "asset", "add", "released.example.com", "--order", "o-1")
must("case", "order", "close", "closed", "--why", "done")
must("case", "asset", "release", "released.example.com", "--why", "done")
names = write(os.path.join(folder(), "list.csv"), "name,from,until,registrar\n"
              "dga-now.com,2020-01-01,2099-01-01,R\ndga-gone.com,2020-01-01,2020-01-02,R\n"
              "dga-released.com,2020-01-01,2099-01-01,R\n*.dga-below.org,2020-01-01,2099-01-01,R\n")
must("case", "asset", "import", names, "--order", "o-1", "--family", "one")
must("case", "asset", "release", "dga-released.com", "--why", "done")

WANT_NAMES = {"seized.example.com", "*.wild.example.net", "xn--bcher-kva.example", LONG, "_srv.example.org",
              "other.example.com", "dga-now.com", "*.dga-below.org"}

# ---- text ----

lines = [line for line in export("--format", "text").out.splitlines() if not line.startswith("#")]
equal({line for line in lines if re.search("[g-z]", line) and "/tcp" not in line and "/udp" not in line}, WANT_NAMES,
      "text: the names in force, those of lists, too")
equal(sorted(line for line in lines if line not in WANT_NAMES),
      sorted(["192.0.2.0/25", "203.0.113.9", "203.0.113.10", "2001:db8:0:1::/64", "2001:db8::5:0:0:1",
              "2001:db8:1:2:3:4:5:6", "198.51.100.7:8080/tcp", "198.51.100.7:8080/udp", "198.51.100.7:53/udp",
              "[2001:db8::1]:443/tcp"]), "text: addresses, none within another; ports by transport")
equal({line for line in export("--format", "text", "--family", "two").out.splitlines() if line[0] != "#"},
      {"other.example.com", "203.0.113.9", "203.0.113.10"}, "by family")
equal({line for line in export("--format", "text", "--order", "o-2").out.splitlines() if line[0] != "#"},
      {"other.example.com", "203.0.113.9", "203.0.113.10"}, "by order")

# ---- RPZ ----

result = export()
ok("names too long" in result.err and "ports that this format cannot tell" in result.err, "what is passed over is said")
zone = write(os.path.join(folder(), "rpz.zone"), result.out)
CHECK = shutil.which("named-checkzone")
RPZ = "rpz.partner.example"


def owners(text):
    """named-compilezone's output -> owners of CNAME . records, relative to the zone."""
    found = set()
    for line in text.splitlines():
        owner, _, _, kind, *data = line.split()
        if kind == "CNAME":
            if data != ["."]:
                ok(False, "another target: " + line)
            found.add(owner[:-len("." + RPZ + ".")])
    return found


def rpz_ip(text):
    net = ipaddress.ip_network(text)
    if net.version == 4:
        return "%d.%s.rpz-ip" % (net.prefixlen, ".".join(reversed(str(net.network_address).split("."))))
    short = str(net.network_address)
    parts = ["zz" if part == "" else part for part in re.sub("^::|::$", ":", short).split(":")]
    return "%d.%s.rpz-ip" % (net.prefixlen, ".".join(reversed(parts)))


want = set()
for name in WANT_NAMES - {LONG}:
    want |= {name} if name.startswith("*.") else {name, "*." + name}
want |= {rpz_ip(text) for text in ["192.0.2.0/25", "203.0.113.9", "203.0.113.10", "2001:db8:0:1::/64", "2001:db8::5:0:0:1",
                                   "2001:db8:1:2:3:4:5:6"]}
if CHECK:
    checked = run(CHECK, "-q", "-D", "-o", "-", RPZ, zone)
    equal(checked.code, 0, "named-checkzone takes the zone: " + checked.err.strip())
    equal(owners(checked.out), want, "each name and address, and nothing else")
else:
    skip("named-checkzone", "bind9-utils is not installed")
serial = [line.split() for line in result.out.splitlines() if " SOA " in line][0][4]
ok(abs(int(serial) - time.time()) < 60, "the serial is the time")
target = os.path.join(folder(), "out.zone")
export("--output", target)
strip = lambda text: [line for line in text.splitlines() if "SOA" not in line and line[0] != ";"]
equal(strip(open(target).read()), strip(result.out), "--output: the same, in a file")
equal(os.listdir(os.path.dirname(target)), ["out.zone"], "and nothing beside it")
equal(case.ebb("case", "asset", "export", "--output", "/nonexistent/x").code, 1, "a file that cannot be written: exit 1")

# ---- nftables ----

result = export("--format", "nftables")
ok("names, which this format has no place for" in result.err, "nftables: names are passed over, which is said")
sets = write(os.path.join(folder(), "c2.nft"), result.out)


def in_namespace(script, **more):
    return run("unshare", "-n", "sh", "-c", script, **more)


if not shutil.which("nft"):
    skip("nft", "not installed")
elif in_namespace("nft list ruleset").code:
    skip("nft", "no network namespace for us")
else:
    checked = in_namespace("nft -c -f %s" % sets)
    equal(checked.code, 0, "nft -c takes the file: " + checked.err.strip())
    loaded = in_namespace("nft -f {0} && nft -f {0} && nft -j list ruleset".format(sets))
    equal(loaded.code, 0, "nft loads it twice: " + loaded.err.strip())
    text = in_namespace("nft -f %s && nft list ruleset" % sets).out
    for part in ["192.0.2.0/25", "203.0.113.9", "2001:db8:0:1::/64", "2001:db8::5:0:0:1", "198.51.100.7 . udp . 53",
                 "198.51.100.7 . tcp . 8080", "2001:db8::1 . tcp . 443"]:
        if part not in text:
            ok(False, "%s is in no set" % part)
    rules = write(os.path.join(folder(), "rules.nft"), "add chain inet ebb out { type filter hook output priority 0; }\n" + "".join(
        "add rule inet ebb out %s\n" % line[len("#   "):] for line in result.out.splitlines() if line.startswith("#   ip")))
    checked = in_namespace("nft -f %s && nft -f %s && nft list chain inet ebb out" % (sets, rules))
    equal((checked.code, checked.out.count("counter packets")), (0, 4), "the rules in its comment work: " + checked.err.strip())

# ---- ipset ----

result = export("--format", "ipset")
ok(all(re.fullmatch(r"#.*|create ebb_c2_\w+ hash:net(,port)? family inet6? maxelem \d+|(flush|destroy) ebb_c2_\w+|"
                    r"swap ebb_c2_\w+ ebb_c2_\w+|add ebb_c2_\w+ [0-9a-f.:/]+(,(tcp|udp):\d+)?", line)
       for line in result.out.splitlines()), "ipset: nothing but what ipset restore knows")
path = write(os.path.join(folder(), "c2.ipset"), result.out)
if not shutil.which("ipset"):
    skip("ipset", "not installed")
elif in_namespace("ipset list").code:
    skip("ipset", "the kernel has no ipset for us")
else:
    loaded = in_namespace("ipset restore -exist < {0} && ipset restore -exist < {0} && ipset save".format(path))
    equal(loaded.code, 0, "ipset restore takes it twice: " + loaded.err.strip())
    ok("add ebb_c2_v4 192.0.2.0/25" in loaded.out and "add ebb_c2_v4_ports 198.51.100.7,udp:53" in loaded.out and
       "_new" not in loaded.out, "the sets have it")

# ---- wrong use ----

equal(case.ebb("case", "asset", "export", "--format", "xml").code, 2, "an unknown format: exit 2")
equal(case.ebb("case", "asset", "export", "x").code, 2, "it takes no argument")
equal(case.ebb("case", "asset", "export", "--order", "none").code, 1, "an order that is not there: exit 1")
empty = Case()
result = empty.ebb("case", "asset", "export")
equal((result.code, " SOA " in result.out), (0, True), "nothing in force: an empty zone")
if CHECK:
    equal(run(CHECK, "-q", RPZ, write(os.path.join(folder(), "e"), result.out)).code, 0, "which named-checkzone takes")
if shutil.which("nft") and not in_namespace("nft list ruleset").code:
    equal(in_namespace("nft -c -f " + write(os.path.join(folder(), "e"), empty.ebb("case", "asset", "export", "--format",
                                                                                  "nftables").out)).code, 0,
          "empty sets for nft")
text = open(os.path.join(empty.path, "ebb.yaml")).read()
write(os.path.join(empty.path, "ebb.yaml"), re.sub("(?m)^name:.*", 'name: "x\\\\n@ NS evil.example."', text))
result = empty.ebb("case", "asset", "export")
ok(result.code == 0 and not any(line.startswith("@ NS evil") for line in result.out.splitlines()),
   "a case's name cannot end the comment: " + result.err.strip())

# ---- many ----

COUNT = 1000000
big = Case()
big.ebb("case", "order", "add", "--id", "o", "--court", "C", "--docket", "1", "--from", "2020-01-01", "--until", "2099-01-01")
path = os.path.join(folder(), "many.csv")
with open(path, "w") as f:
    f.write("name,from,until,registrar\n")
    for i in range(COUNT):
        f.write("h%06x.example%d.com,2020-01-01,2099-01-01,R\n" % (i, i % 7))
equal(big.ebb("case", "asset", "import", path, "--order", "o").code, 0, "a million names")
target = os.path.join(folder(), "many.zone")
before = resource.getrusage(resource.RUSAGE_CHILDREN)
process = subprocess.Popen([EBB, "-C", big.path, "case", "asset", "export", "--output", target])
_, status, usage = os.wait4(process.pid, 0)
process.returncode = 0
equal(status, 0, "are exported")
print("# %.1f s of CPU, %d MB at most" % (usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024))
ok(usage.ru_maxrss < 300 * 1024, "in bounded memory")
with open(target) as f:
    equal(sum(1 for line in f if " CNAME ." in line), 2 * COUNT, "each with what is below it")
done()
