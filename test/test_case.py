"""Orders, assets and lists: the commands, their errors, what a rebuild gives, what coverage says."""
import json
import os
import random
import shutil
import subprocess
import time

from ebbtest import Case, EBB, done, equal, folder, ok, run, write

WHEN = "%Y-%m-%dT%H:%M:%SZ"


def in_days(n):
    return time.strftime(WHEN, time.gmtime(time.time() + n * 86400))


def must(*args):
    result = case.ebb(*args)
    if result.code:
        ok(False, "%s: %s" % (" ".join(args), result.err.strip()))
    return result


def refused(name, words, *args, code=1):
    """The command fails, in one line that has these words, and nothing is on the log."""
    before = case.rows("status")[0]["log_size"]
    result = case.ebb(*args)
    if not ok(result.code == code and words in result.err and result.err.count("\n") == 1 and
              case.rows("status")[0]["log_size"] == before, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def assets(*filters):
    return case.rows("case", "asset", "list", *filters)


def column(rows, *names):
    return [tuple(row[n] for n in names) if len(names) > 1 else row[names[0]] for row in rows]


# help
equal(run(EBB, "case", "asset", "add", "--help").code, 0, "help of a command of three words")
ok("--registered-until" in run(EBB, "case", "asset", "add", "--help").out, "has its options")
group = run(EBB, "case")
ok(group.code == 2 and "case order add" in group.out and "census" not in group.out, "a group lists its commands")
equal(run(EBB, "case", "order", "--help").code, 0, "and has help")
equal(run(EBB, "case", "frobnicate").code, 2, "a command that no group has")

# orders
case = Case()
equal(case.rows("case", "order", "list"), [], "no order yet")
document = write(os.path.join(folder(), "order.pdf"), b"%PDF-1.4 an order\n")
made = case.rows("case", "order", "add", "--id", "order-1", "--court", "District Court", "--docket",
                 "2:11-cv-00222", "--jurisdiction", "US", "--document", document, "--from", "2020-01-01",
                 "--until", in_days(100), "--scope", "rustock", "--contact", "https://help.example/",
                 "--note", "sealed")
equal(made, [{"order": "order-1", "index": made[0]["index"]}], "an order is recorded")
case.rows("case", "order", "add", "--id", "order-2", "--from", in_days(-10), "--until", in_days(5))
case.rows("case", "order", "add", "--id", "order-3", "--from", in_days(3))
case.rows("case", "order", "add", "--id", "order-4", "--from", "2011-03-16", "--until", "2011-04-16")
listed = case.ebb("case", "order", "list", "--json")
orders = listed.rows()
equal(column(orders, "id", "state"), [("order-1", "open"), ("order-2", "expiring"), ("order-3", "planned"),
                                      ("order-4", "expired")], "orders and their states")
first = orders[0]
equal([first[k] for k in ("court", "docket", "jurisdiction", "from", "document", "scope", "contact", "note", "index")],
      ["District Court", "2:11-cv-00222", "US", "2020-01-01T00:00:00.000000Z", "order.pdf", "rustock",
       "https://help.example/", "sealed", made[0]["index"]], "an order has what was said")
equal(len(first["sha256"]), 64, "and its document's SHA-256")
ok("order order-2 ends on" in listed.err and "order-1" not in listed.err, "what ends soon is warned about")
ok("order-1" in case.ebb("case", "order", "list", "--within", "200").err, "as far ahead as asked for")
equal(case.ebb("case", "order", "list", "--within", "0").err, "", "or not")
equal(column(case.rows("case", "order", "list", "--state", "expired"), "id"), ["order-4"], "by state")
refused("an id twice", "is there already", "case", "order", "add", "--id", "order-1")
refused("an id of digits", "digits", "case", "order", "add", "--id", "12")
refused("no id", "--id", "case", "order", "add", code=2)
refused("no date", "not an RFC 3339", "case", "order", "add", "--id", "x", "--from", "tomorrow", code=2)
refused("an end before the beginning", "ends before", "case", "order", "add", "--id", "x", "--from", "2020-01-02",
        "--until", "2020-01-01", code=2)
refused("no such document", "/none", "case", "order", "add", "--id", "x", "--document", "/none")
refused("a text that would break a page", "control", "case", "order", "add", "--id", "x", "--court", "a\nb", code=2)

# assets
names = ["Example.COM.", "*.wild.example", "192.0.2.1", "192.0.2.1:8080", "192.0.2.0/24", "[2001:DB8::1]:25",
         "2001:db8::/32", "port:8080/tcp"]
added = case.rows("case", "asset", "add", *names, "--order", "order-1", "--family", "rustock", "--note", "n")
equal(column(added, "name"), names, "a row an asset")
equal(column(assets(), "name", "kind", "state", "order", "family"),
      [("example.com", "domain", "open", "order-1", "rustock"), ("*.wild.example", "wildcard", "open", "order-1", "rustock"),
       ("192.0.2.1", "address", "open", "order-1", "rustock"),
       ("192.0.2.1:8080", "address", "open", "order-1", "rustock"),
       ("192.0.2.0/24", "network", "open", "order-1", "rustock"),
       ("[2001:db8::1]:25", "address", "open", "order-1", "rustock"),
       ("2001:db8::/32", "network", "open", "order-1", "rustock"),
       ("port:8080/tcp", "port", "open", "order-1", "rustock")], "each shape of name")
for bad, why in (("a..b", "not a domain"), ("b\u00fccher.example", "xn--"), ("192.0.2.1/24", "not a network"),
                 ("port:0", "1 to 65535"), ("port:80/sctp", "/tcp"), ("[::1", "no ]"), ("192.0.2.1:99999", "1 to 65535"),
                 ("a b", "not a domain"), ("", "not a domain"), ("x" * 300, "not a domain")):
    refused("no asset: %.20r" % bad, why, "case", "asset", "add", bad, "--order", "order-1")
for suffix in ("com", "co.uk", "*.co.uk", "github.io"):
    refused("a public suffix: " + suffix, "public suffix", "case", "asset", "add", suffix, "--order", "order-1")
refused("a network as wide as a country", "wide", "case", "asset", "add", "0.0.0.0/0", "--order", "order-1")
refused("one that is there", "already", "case", "asset", "add", "new.example", "example.com", "--order", "order-1")
refused("the same twice", "twice", "case", "asset", "add", "new.example", "NEW.example.", "--order", "order-1")
refused("no order", "--order", "case", "asset", "add", "new.example", code=2)
refused("an order that is not there", "no such order", "case", "asset", "add", "new.example", "--order", "order-9")
refused("an order that is over", "expired", "case", "asset", "add", "new.example", "--order", "order-4")
refused("a policy that is not there", "no such policy", "case", "asset", "add", "new.example", "--order", "order-1",
        "--policy", "nonsense")
refused("another kind than was said", "not a address but a domain", "case", "asset", "add", "new.example", "--order",
        "order-1", "--kind", "address")
refused("after its order's end", "ends on", "case", "asset", "add", "new.example", "--order", "order-2", "--from",
        in_days(20))
must("case", "asset", "add", "co.uk", "--order", "order-1", "--force", "--no-identify")
must("case", "asset", "add", "soon.example", "--order", "order-1", "--until", in_days(2), "--registrar", "Registrar A")
must("case", "asset", "add", "lease.example", "--order", "order-1", "--registered-until", in_days(4))
must("case", "asset", "add", "example.com", "--order", "order-2", "--family", "other")
result = case.ebb("case", "asset", "list", "--state", "expiring", "--json")
equal(column(result.rows(), "name", "order"), [("soon.example", "order-1"), ("lease.example", "order-1"),
                                               ("example.com", "order-2")], "what ends soon, and whose order does")
ok("asset soon.example ends on" in result.err and "registration of lease.example ends on" in result.err,
   "with warnings")
equal(column(assets("--name", "EXAMPLE.com"), "order"), ["order-1", "order-2"], "by name")
equal(column(assets("--name", "192.0.2.1:8080"), "name"), ["192.0.2.1:8080"], "by address and port")
equal(column(assets("--order", "order-2"), "name"), ["example.com"], "by order")
equal(column(assets("--kind", "network"), "name"), ["192.0.2.0/24", "2001:db8::/32"], "by kind")
equal(column(assets("--family", "other"), "name"), ["example.com"], "by family")
equal(case.ebb("case", "asset", "list", "--kind", "shoe").code, 2, "no such kind")
ok(case.ebb("case", "asset", "list", "--csv").out.startswith("name,kind,state,order,family,policy,names,from,end,index"),
   "CSV")

# release
refused("a release without reason", "--why", "case", "asset", "release", "example.com", code=2)
refused("a release of nothing", "no such asset", "case", "asset", "release", "other.example", "--why", "x")
equal(len(case.rows("case", "asset", "release", "example.com", "--order", "order-2", "--why", "a mistake")), 1,
      "one order's asset is released")
equal(column(assets("--name", "example.com"), "state", "released_why"), [("open", None), ("released", "a mistake")],
      "and no other's")
refused("a release twice", "released already", "case", "asset", "release", "example.com", "--order", "order-2", "--why", "x")
must("case", "asset", "release", str(added[2]["index"]), "--why", "by index")
equal(column(assets("--name", "192.0.2.1"), "state"), ["released", "open"], "by index")
must("case", "asset", "add", "192.0.2.1", "--order", "order-1")

# lists
calendar = ("name,from,until,registrar\n"
            "a1.example,2021-01-01,2021-01-02,Registrar A\na2.example,2021-01-01,2021-01-02,Registrar A\n"
            "b1.test,2021-01-02,2021-01-03,Registrar B\n"
            "bad name,2021-01-02,2021-01-03,\nlate.example,2021-01-04,2021-01-05,Registrar A\n"
            "late.example,2021-01-04,2021-01-05,Registrar A\nodd.example,2021-02-30,,\n")
path = write(os.path.join(folder(), "days.csv"), calendar)
rejects = os.path.join(folder(), "rejects")
row = case.rows("case", "asset", "import", path, "--order", "order-1", "--family", "dga", "--rejects", rejects)[0]
equal((row["names"], row["rejected"], row["order"]), (4, 3, "order-1"), "a list is loaded but for its bad rows")
with open(rejects) as f:
    equal([(r["number"], r["why"]) for r in map(json.loads, f)],
          [(5, "not a domain name"), (7, "repeats an earlier row"), (8, "from is no date")], "which are told with their lines")
refused("the same list again", "already", "case", "asset", "import", path, "--order", "order-1")
refused("a list with a public suffix", "line 2: a public suffix", "case", "asset", "import",
        write(os.path.join(folder(), "l"), "x.example\nco.uk\n"), "--order", "order-1")
refused("a list of nothing", "no name in it", "case", "asset", "import", write(os.path.join(folder(), "l"), "# none\n"),
        "--order", "order-1")
refused("no such file", "/none", "case", "asset", "import", "/none", "--order", "order-1")
equal([(r["names"], r["kind"], r["index"]) for r in assets() if r["kind"] == "list"], [(4, "list", row["index"])],
      "a list is one row")
equal(column([r for r in assets("--names") if r["index"] == row["index"]], "name", "registrar", "state"),
      [("a1.example", "Registrar A", "expired"), ("a2.example", "Registrar A", "expired"),
       ("b1.test", "Registrar B", "expired"), ("late.example", "Registrar A", "expired")], "or all its names")
equal(column(assets("--name", "b1.test"), "from", "until"),
      [("2021-01-02T00:00:00.000000Z", "2021-01-03T00:00:00.000000Z")], "a name is found in it")

# coverage
cover = case.rows("case", "asset", "coverage")
equal(column(cover, "date", "family", "names", "seized", "missing", "state"),
      [("2021-01-01", "dga", 2, 2, 0, "seized"), ("2021-01-02", "dga", 1, 1, 0, "seized"),
       ("2021-01-03", "dga", 0, 0, 0, "no names"), ("2021-01-04", "dga", 1, 1, 0, "seized")], "coverage by day")
equal(column(case.rows("case", "asset", "coverage", "--gaps"), "date"), ["2021-01-03"], "its gaps")
equal(column(case.rows("case", "asset", "coverage", "--since", "2021-01-02", "--until", "2021-01-03"), "date"),
      ["2021-01-02"], "of some days")
# Under an order that began on the second day, with one name released: 1 January is missing, and that name.
path2 = write(os.path.join(folder(), "days2.csv"), calendar + "# the same for another order\n")
must("case", "order", "add", "--id", "order-5", "--from", "2021-01-02", "--until", "2021-01-03T12:00:00Z")
refused("an order in the past", "expired", "case", "asset", "import", path2, "--order", "order-5")
must("case", "order", "add", "--id", "order-6", "--from", "2021-01-02")
must("case", "asset", "import", path2, "--order", "order-6", "--family", "dga6")
equal(column(case.rows("case", "asset", "coverage", "--order", "order-6"), "date", "names", "seized", "missing", "state"),
      [("2021-01-01", 2, 0, 2, "gap"), ("2021-01-02", 1, 1, 0, "seized"), ("2021-01-03", 0, 0, 0, "no names"),
       ("2021-01-04", 1, 1, 0, "seized")], "days before the order are gaps")
equal(column(case.rows("case", "asset", "coverage", "--order", "order-6", "--by", "registrar"), "registrar", "tld",
             "name_days", "seized", "missing", "first_missing"),
      [("Registrar A", "example", 3, 1, 2, "2021-01-01"), ("Registrar B", "test", 1, 1, 0, None)],
      "coverage by registrar and registry")
ahead = write(os.path.join(folder(), "ahead.csv"), "".join(
    "n%d.example,%s,%s\n" % (i, in_days(i)[:10], in_days(i + 1)[:10]) for i in range(1, 4)))
must("case", "asset", "import", ahead, "--order", "order-6", "--family", "ahead")
must("case", "asset", "release", "n2.example", "--why", "somebody's own")
equal(column(case.rows("case", "asset", "coverage", "--family", "ahead"), "seized", "missing"), [(1, 0), (0, 1), (1, 0)],
      "a name that was released is missing")
must("case", "order", "close", "order-6", "--why", "lifted")
equal(column(case.rows("case", "asset", "coverage", "--family", "ahead"), "seized", "missing"), [(0, 1), (0, 1), (0, 1)],
      "all are once the order is closed")
equal(column(case.rows("case", "order", "list", "--state", "closed"), "id", "closed_why"), [("order-6", "lifted")],
      "a closed order")
refused("closing twice", "closed already", "case", "order", "close", "order-6", "--why", "x")
refused("an asset under a closed order", "closed", "case", "asset", "add", "new.example", "--order", "order-6")

# the view
def view():
    return [case.ebb("case", *words, "--json").out for words in (("order", "list"), ("asset", "list", "--names"),
                                                                 ("asset", "coverage"))]


before = view()
equal(case.ebb("rebuild", "casebook").code, 0, "rebuild casebook")
ok(view() == before, "gives the same")
os.unlink(os.path.join(case.path, "views", "casebook"))
ok(view() == before, "a deleted view comes back by itself")
equal(os.path.exists(os.path.join(case.path, "views", "casebook")), False, "readers write nothing")
must("rebuild")
for damage in (b"", b"SQLite format 3\0" + b"x" * 5000, os.urandom(9000)):
    write(os.path.join(case.path, "views", "casebook"), damage)
    ok(view() == before, "a damaged view is made anew")
must("rebuild")
equal(case.rows("status")[0]["views"]["casebook"]["lag"], 0, "status has the view")
if shutil.which("sqlite3"):
    equal(run("sqlite3", os.path.join(case.path, "views", "casebook"), "SELECT count(*) FROM orders").out, "6\n",
          "other tools read it")
with open(os.path.join(case.path, "views", "casebook"), "rb") as f:
    image = f.read()
case.rows("case", "order", "list")
with open(os.path.join(case.path, "views", "casebook"), "rb") as f:
    ok(f.read() == image, "reading does not change it")
holder = subprocess.Popen(["flock", os.path.join(case.path, "journal", "lock"), "sleep", "60"])
time.sleep(0.3)
equal(case.ebb("case", "order", "list").code, 0, "reading takes no lock")
holder.terminate()
holder.wait()

# redaction: the order's payload is erased, so it gives no authority any more
index = case.rows("case", "order", "list")[1]["index"]
must("log", "redact", str(index), "--who", "court", "--why", "sealed")
equal(column(case.rows("case", "order", "list"), "id"), ["order-1", "order-3", "order-4", "order-5", "order-6"],
      "an erased order is gone")
case.verifies("the log verifies")

# a million names
big = os.path.join(folder(), "million.csv")
draw = random.Random(7)
with open(big, "w") as f:
    for i in range(1000000):
        f.write("%012x.%s,%s,%s\n" % (draw.getrandbits(48), ("com", "net", "org")[i % 3],
                                      "2027-%02d-01" % (1 + i % 6), "2027-%02d-01" % (2 + i % 6)))
case = Case()
must("case", "order", "add", "--id", "order-1", "--from", "2021-01-01")
began, used = time.monotonic(), os.times()
loaded = case.rows("case", "asset", "import", big, "--order", "order-1")[0]
wall, now = time.monotonic() - began, os.times()
equal((loaded["names"], loaded["rejected"]), (1000000, 0), "a million names are loaded")
print("# a million names: %.2f s of wall time, %.2f s of CPU time" %
      (wall, now.children_user + now.children_system - used.children_user - used.children_system))
began = time.monotonic()
equal(sum(r["seized"] for r in case.rows("case", "asset", "coverage", "--by", "registrar")) > 29000000, True,
      "and covered")
print("# coverage of them: %.2f s" % (time.monotonic() - began))
case.verifies("their log verifies")
done()
