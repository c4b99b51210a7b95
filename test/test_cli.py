"""The command line as scripts rely on it: names, rows, exit codes."""
import json
import os

from ebbtest import Case, EBB, done, equal, feed_text, folder, ok, run, write

ROW = {"timestamp": "2011-03-16 00:00:01", "protocol": "tcp", "src_ip": "88.64.0.1", "src_port": 1025,
       "src_asn": 3209, "src_geo": "DE", "dst_ip": "192.0.2.80", "dst_port": 80,
       "infection": "rustock", "family": "rustock", "tag": "spam", "http_url": "POST /index.php HTTP/1.1",
       "http_host": "192.0.2.80", "http_agent": "Mozilla/4.0"}


def row(day, ip, **more):
    return dict(ROW, timestamp="2011-03-%02d 10:00:00" % day, src_ip=ip, **more)


# usage
equal(run(EBB).code, 2, "no command is wrong usage")
equal(run(EBB, "frobnicate").code, 2, "an unknown command too")
equal(run(EBB, "--help").code, 0, "--help")
ok("census" in run(EBB, "help").out, "help lists the commands")
ok("--members" not in run(EBB, "census", "--help").out and "--by" in run(EBB, "census", "--help").out,
   "a command's help lists its options")
equal(run(EBB, "census", "--nonsense").code, 2, "an unknown option")
bad = run(EBB, "-C", folder(), "census")
equal((bad.code, bad.err.count("\n")), (1, 1), "not a case: one line, exit 1")
ok(bad.err.startswith("ebb: ") and "not a case" in bad.err, "and it says so")

# init
case = Case()
ok(os.path.exists(os.path.join(case.path, "ebb.yaml")), "init writes ebb.yaml")
equal(os.stat(os.path.join(case.path, "keys")).st_mode & 0o777, 0o700, "keys/ is private")
equal(run(EBB, "init", case.path).code, 1, "init does not replace a case")
case.verifies("an empty case verifies")
equal(case.rows("census"), [], "an empty census has no rows")

# import
feed = write(os.path.join(folder(), "feed.csv"), feed_text([
    row(16, "88.64.0.1"), row(16, "88.64.0.2"), row(16, "88.64.0.1"),
    row(17, "88.64.0.2"), row(17, "88.64.0.3"),
    row(19, "88.64.0.1", family="conficker", infection="conficker"),
    row(19, "88.64.0.1")]))
done_rows = case.rows("import", feed)
equal(len(done_rows), 1, "a row a file")
first = done_rows[0]
equal([first[k] for k in ("file", "format", "records", "events", "rejected", "already_imported")],
      [feed, "shadowserver", 7, 7, 0, False], "import's row")
equal(len(first["sha256"]), 64, "with the file's SHA-256")
again = case.rows("import", feed)[0]
equal([again["events"], again["already_imported"]], [0, True], "importing again adds nothing")
equal(len(case.events()), 7, "as many events as rows")

# events
event = case.events("--limit", "1")[0]
names = ["index", "time", "sensor", "protocol", "src_ip", "src_port", "dst_ip", "dst_port", "asn", "as_name",
         "country", "network", "family", "bot_id", "role"]
equal([n for n in names if n not in event], [], "an event has every name of the design")
equal([event[k] for k in ("time", "sensor", "protocol", "src_ip", "src_port", "dst_ip", "dst_port", "family",
                          "role")],
      ["2011-03-16T10:00:00.000000Z", "import", "http", "88.64.0.1", 1025, "192.0.2.80", 80, "rustock",
       "unjudged"], "and their values")
equal(event["country"], "DE", "the country comes from the database")
ok(event["asn"] and event["as_name"] and event["network"], "AS and network too")
equal(event["http"]["method"], "POST", "http{}")
ok(event["feed"]["src_asn"] == "3209" and event["feed"]["infection"] == "rustock", "feed{} keeps the feed's words")
equal(len(case.events("--family", "conficker")), 1, "filter by family")
equal(len(case.events("--src", "88.64.0.1")), 4, "filter by address")
equal(len(case.events("--src", "88.64.0.0/30")), 7, "filter by network")
equal(len(case.events("--since", "2011-03-17", "--until", "2011-03-18")), 2, "filter by time")
equal(case.ebb("events", "--src", "nonsense").code, 2, "a filter that is none")
ok(case.ebb("events").out.count("\n") == 8, "the table has a heading and a line an event")
equal(len(case.ebb("events", "--csv").out.splitlines()), 8, "so has CSV")

# census
days = case.rows("census", "--by", "day")
equal([(d["date"], d["family"], d["addresses"], d["new"], d["returning"], d["gone"]) for d in days],
      [("2011-03-16", "rustock", 2, 2, 0, 0),
       ("2011-03-17", "rustock", 2, 1, 1, 1),
       ("2011-03-19", "conficker", 1, 1, 0, 0),
       ("2011-03-19", "rustock", 1, 0, 1, 0)], "census by day")
equal([(r["family"], r["addresses"]) for r in case.rows("census", "--by", "family")],
      [("rustock", 3), ("conficker", 1)], "census by family")
equal([(r["country"], r["family"], r["addresses"]) for r in case.rows("census", "--by", "country")],
      [("DE", "rustock", 3), ("DE", "conficker", 1)], "census by country")
equal(sum(r["addresses"] for r in case.rows("census", "--by", "network", "--family", "rustock")), 3, "by network")
equal([r["addresses"] for r in case.rows("census", "--by", "asn", "--family", "rustock", "--until", "2011-03-17")],
      [2], "by AS, before a date")
csv = case.ebb("census", "--by", "day", "--csv").out.splitlines()
ok(csv[0].startswith("date,family,addresses,new,returning,gone") and csv[1].startswith("2011-03-16,rustock,2,2,0,0"),
   "CSV has the same columns")
equal(case.ebb("census", "--by", "shoe-size").code, 2, "an unknown grouping")

# views
before = open(os.path.join(case.path, "views", "census"), "rb").read()
equal(case.ebb("rebuild", "census").code, 0, "rebuild census")
ok(before == open(os.path.join(case.path, "views", "census"), "rb").read(), "is byte-identical")
os.unlink(os.path.join(case.path, "views", "census"))
equal(case.rows("census", "--by", "day"), days, "a deleted view comes back by itself")

# log
status = case.rows("status")[0]
equal(status["log_size"], status["views"]["registry"]["position"], "status: no lag")
ok(all(k in status for k in ("checkpoint", "views", "sensors", "drops")), "status has what scripts rely on")
checkpoint = case.ebb("log", "checkpoint").out
equal(checkpoint.splitlines()[1], str(status["log_size"]), "the checkpoint has the log's size")
old = write(os.path.join(folder(), "old"), checkpoint)
case.verifies("the log verifies")

# redact
target = case.events("--src", "88.64.0.3")[0]["index"]
equal(case.ebb("log", "redact", str(target)).code, 2, "redacting wants who and why")
equal(case.ebb("log", "redact", str(target), "--who", "court", "--why", "order 7").code, 0, "redact")
case.verifies("a redacted log verifies")
equal(case.events("--src", "88.64.0.3"), [], "the event is gone")
equal(sum(r["addresses"] for r in case.rows("census", "--by", "family", "--family", "rustock")), 2,
      "and is not counted any more")
raw = b"".join(open(s, "rb").read() for s in case.segments())
ok(bytes([88, 64, 0, 3]) not in raw, "its bytes are not on the disk any more")
equal(case.ebb("log", "verify", "--since-checkpoint", old).code, 0, "consistent with the older checkpoint")
verdict = json.loads(case.ebb("log", "verify", "--json").out)
equal((verdict["holds"], verdict["redacted"]), (True, 1), "verify --json")
forged = write(os.path.join(folder(), "forged"), checkpoint.replace("\n", "x\n", 1))
equal(case.ebb("log", "verify", "--since-checkpoint", forged).code, 1, "a forged checkpoint is refused")
done()
