#!/usr/bin/env python3
"""Shipping to ClickHouse: events a second of wall time and of ebb's CPU time (reader and the process that connects
together, on one core; the server on the other), and beside it `clickhouse-client` inserting the same rows from a file.

    python3 bench/ship.py [--events 3000000] [--case DIR] [--perf FILE]

The case: a feed of the simulator, imported. EBB and EBB_SIM name the binaries: release builds."""
import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test"))
import clickhouse

EBB = os.environ.get("EBB") or os.path.join(ROOT, "build", "ebb")
SIM = os.environ.get("EBB_SIM") or os.path.join(ROOT, "build", "ebb-sim")
OURS, THEIRS = ["taskset", "-c", "0"], ["taskset", "-c", "1"]


def used():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


A_DAY = 497000  # contacts of the simulator's "rustock"


def make(path, events):
    feed = os.path.join(os.path.dirname(path), "feed.csv")
    subprocess.run([EBB, "init", path], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([SIM, "--quiet", "--days", str(-(-events // A_DAY)), "--feed", feed, "rustock"], check=True)
    subprocess.run([EBB, "-C", path, "import", "--quiet", feed], check=True, stdout=subprocess.DEVNULL)
    os.remove(feed)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--events", type=int, default=3000000)
    a.add_argument("--case")
    a.add_argument("--perf")
    o = a.parse_args()
    why = clickhouse.missing()
    if why:
        sys.exit(why)
    work = tempfile.mkdtemp(prefix="ebb-bench-ship-")
    cluster = clickhouse.Cluster(1, prefixes=[THEIRS], threads=1)
    shard = cluster.shards[0]
    try:
        path = o.case or os.path.join(work, "case")
        if not os.path.exists(path):
            make(path, o.events)
        cluster.configure(path)
        subprocess.run([EBB, "-C", path, "cluster", "create", "--quiet"], check=True)
        subprocess.run([EBB, "-C", path, "cluster"], check=True, stdout=subprocess.DEVNULL)  # its views are there
        perf = ["perf", "record", "-g", "-o", o.perf] if o.perf else []
        cpu, server, begun = used(), shard.cpu_seconds(), time.time()
        subprocess.run(perf + OURS + [EBB, "-C", path, "cluster", "ship", "--again", "all"], check=True, stdout=subprocess.DEVNULL)
        wall, cpu, server = time.time() - begun, used() - cpu, shard.cpu_seconds() - server
        rows = int(shard.query("SELECT count() FROM ebb.events"))
        size = int(shard.query("SELECT sum(bytes) FROM system.parts WHERE active AND database = 'ebb'"))
        print("ebb: %d events, %.1f s: %.0f events/s; %.0f a CPU second of ebb, %.0f of the server; %.1f bytes a row on its disk"
              % (rows, wall, rows / wall, rows / cpu, rows / server, size / rows))
        for format_ in ("Native", "TabSeparated"):
            data = os.path.join(work, "rows." + format_)
            with open(data, "wb") as f:
                subprocess.run(["clickhouse-client", "--host", shard.host, "--port", str(shard.tcp), "--user", cluster.user,
                                "--password", cluster.password, "--query", "SELECT * FROM ebb.events_local FORMAT " + format_],
                               check=True, stdout=f)
            shard.query("CREATE DATABASE IF NOT EXISTS peer")
            shard.query("DROP TABLE IF EXISTS peer.events")
            shard.query("CREATE TABLE peer.events AS ebb.events_local ENGINE = ReplacingMergeTree() PARTITION BY toYYYYMM(day) "
                        "ORDER BY (log, entry)")
            cpu, server, begun = used(), shard.cpu_seconds(), time.time()
            with open(data, "rb") as f:
                subprocess.run(OURS + ["clickhouse-client", "--host", shard.host, "--port", str(shard.tcp), "--user", cluster.user,
                                       "--password", cluster.password, "--query", "INSERT INTO peer.events FORMAT " + format_],
                               check=True, stdin=f)
            wall, cpu, server = time.time() - begun, used() - cpu, shard.cpu_seconds() - server
            print("clickhouse-client, %s: %.1f s: %.0f rows/s; %.0f a CPU second of the client, %.0f of the server"
                  % (format_, wall, rows / wall, rows / cpu, rows / server))
            os.remove(data)
    finally:
        cluster.remove()
        shutil.rmtree(work, ignore_errors=True)


main()
