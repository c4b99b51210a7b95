"""make bench: ebb beside its peers, on one pinned core, in one run. Medians of EBB_BENCH_RUNS (5).

Prints a table of rates and ratios; every ratio is of runs that alternate, so that the machine's moods
hit both sides. Nothing here is a test: a slow machine fails nothing."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import cleanup
from peers import PIN, ClickHouse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
EBB = os.path.join(BUILD, "ebb")
SIM = os.path.join(BUILD, "ebb-sim")
RUNS = int(os.environ.get("EBB_BENCH_RUNS", "5"))
SCALE = os.environ.get("EBB_BENCH_SCALE", "0.05")


def timed(args, **more):
    """Wall seconds, CPU seconds and peak MB of a command on the benchmark's core, and its output."""
    begun = time.monotonic()
    process = subprocess.Popen(PIN + [str(a) for a in args], stdout=subprocess.PIPE, **more)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError("%s: status %d" % (args, status))
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.decode()


def report(what, ours, unit, peer=None, peer_name=""):
    median = statistics.median(ours)
    line = "%-44s %14s %s" % (what, format(round(median), ","), unit)
    if peer:
        ratio = statistics.median(o / p for o, p in zip(ours, peer))
        line += "   %s: %s %s   ratio %.2fx" % (peer_name, format(round(statistics.median(peer)), ","), unit, ratio)
    print(line, flush=True)


def new_case(work):
    """A case that has been used before: its table of networks is built, once, when the first file comes in.
    Never one in the place of another: for minutes after a folder was deleted, ext4 looks for its inodes at
    every file that is made."""
    case = tempfile.mkdtemp(prefix="case-", dir=work)
    subprocess.run([EBB, "--quiet", "init", case], check=True)
    first = os.path.join(work, "first.csv")
    with open(first, "w") as f:
        f.write('"timestamp","src_ip","infection","tag"\n"2011-03-01 00:00:00","192.0.2.1","none","first"\n')
    subprocess.run([EBB, "--quiet", "-C", case, "import", first], check=True, stdout=subprocess.DEVNULL)
    return case


def count_lines(path):
    with open(path, "rb") as f:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: f.read(1 << 22), b""))


def feed_import(work):
    feed = os.path.join(work, "feed.csv")
    subprocess.run([SIM, "--quiet", "--scale", SCALE, "--feed", feed, "rustock"], check=True)
    rows = count_lines(feed) - 1
    with open(feed) as f:
        columns = [c.strip().strip('"') for c in f.readline().split(",")]
    server = ClickHouse()
    ours, cpu, theirs, memory = [], [], [], []
    load = "INSERT INTO feed FORMAT CSVWithNames"
    count = "SELECT toDate(timestamp) AS day, uniqExact(src_ip) FROM feed GROUP BY day ORDER BY day FORMAT TSV"
    types = {"timestamp": "DateTime", "src_port": "UInt16", "dst_port": "UInt16", "src_asn": "UInt32",
             "dst_asn": "UInt32"}
    try:
        for i in range(RUNS + 1):  # the first is a warm-up
            case = new_case(work)
            wall, used, peak, _ = timed([EBB, "--quiet", "-C", case, "import", feed])
            _, _, _, days = timed([EBB, "-C", case, "census", "--by", "day", "--json"])
            mine = [(d["date"], d["addresses"]) for d in map(json.loads, days.splitlines())
                    if d["family"] != "none"]
            server.query("DROP TABLE IF EXISTS feed")
            server.query("CREATE TABLE feed (%s) ENGINE = MergeTree PARTITION BY tuple() ORDER BY (timestamp, src_ip)"
                         % ", ".join("%s %s" % (c, types.get(c, "String")) for c in columns))
            begun = time.monotonic()
            with open(feed, "rb") as f:
                server.query(load, stdin=f)
            counted = [tuple(line.split("\t")) for line in server.query(count).splitlines()]
            their_wall = time.monotonic() - begun
            if [(d, int(n)) for d, n in counted] != mine:
                print("the two disagree about addresses by day")
            if i:
                ours.append(rows / wall)
                cpu.append(rows / used)
                theirs.append(rows / their_wall)
                memory.append(peak)
    finally:
        server.stop()
    report("feed import, %s rows" % format(rows, ","), ours, "rows/s", theirs, "ClickHouse")
    report("  by CPU time", cpu, "rows/s")
    report("  peak memory", memory, "MB")
    verify = [rows / timed([EBB, "--quiet", "-C", case, "log", "verify"])[0] for _ in range(RUNS)]
    report("log verify of that case", verify, "entries/s")
    for by in ("day", "country", "network"):
        seconds = [timed([EBB, "-C", case, "census", "--by", by, "--json"])[0] for _ in range(RUNS)]
        report("census --by %s, from cold" % by, [1000 * s for s in seconds], "ms")


def capture_import(work):
    pcap = os.path.join(work, "capture.pcap")
    subprocess.run([SIM, "--quiet", "--scale", SCALE, "--pcap", pcap, "--pcap-days", "2", "rustock"], check=True)
    megabytes = os.path.getsize(pcap) / 1e6
    fields = ["frame.time_epoch", "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "http.request.method",
              "http.request.uri", "http.host", "http.user_agent", "http.referer"]
    tshark = ["tshark", "-n", "-r", pcap, "-Y", "http.request", "-T", "fields"]
    for field in fields:
        tshark += ["-e", field]
    ours, theirs = [], []
    for i in range(RUNS + 1):
        case = new_case(work)
        wall = timed([EBB, "--quiet", "-C", case, "import", pcap])[0]
        their_wall, _, _, out = timed(tshark, stderr=subprocess.DEVNULL)
        events = sum(1 for _ in subprocess.run([EBB, "-C", case, "events", "--json", "--kind", "http"],
                                               stdout=subprocess.PIPE, check=True).stdout.splitlines())
        if events != len(out.splitlines()):
            print("the two disagree: %d events, %d of tshark's" % (events, len(out.splitlines())))
        if i:
            ours.append(megabytes * 1000 / wall)
            theirs.append(megabytes * 1000 / their_wall)
    report("capture import, %.0f MB" % megabytes, ours, "kB/s", theirs, "tshark")


def programs(work):
    """Benchmarks that are programs of their own; they print key=value lines."""
    for name, args in (("bench_journal", ["all", os.path.join(work, "log")]), ("bench_census", []),
                       ("bench_enrich", []), ("bench_classify", [os.path.join(ROOT, "rules")]), ("bench_wire", []),
                       ("bench_mail", ["all"]), ("bench_mime", []), ("bench_campaigns", ["5"]), ("bench_estimate", [os.path.join(work, "estimate")])):
        program = os.path.join(BUILD, "bench", name)
        if os.path.exists(program):
            print("\n" + name, flush=True)
            subprocess.run(PIN + [program] + args, cwd=work, env=dict(os.environ, EBB_SOURCE_ROOT=ROOT))


def getting_clean(work):
    cleanup.cleanup(work, EBB, timed, new_case)
    cleanup.estimate(work, EBB, SIM, timed, new_case, SCALE)


def main():
    work = tempfile.mkdtemp(prefix="ebb-bench-", dir=os.environ.get("EBB_BENCH_DIR"))
    print("core %s, %d runs, medians\n" % (PIN[-1], RUNS))
    wanted = sys.argv[1:] or ["feed", "capture", "programs", "cleanup"]
    try:
        for name, part in (("feed", feed_import), ("capture", capture_import), ("programs", programs), ("cleanup", getting_clean)):
            if name in wanted:
                part(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
