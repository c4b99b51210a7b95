"""A case with 100,000 subjects and a million facts: how long the commands take, from start to end, with a warm cache.
bench/subjects.py FOLDER-FOR-SCRATCH [SUBJECTS FACTS]; EBB and EBB_BENCH_SUBJECTS name the binaries."""
import json
import os
import resource
import shutil
import subprocess
import sys
import time

EBB = os.environ["EBB"]
FILL = os.environ["EBB_BENCH_SUBJECTS"]
RUNS = 7


def timed(*args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    made = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wall = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if made.returncode:
        sys.exit("%s: %s" % (args, made.stderr.decode()))
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, made.stdout


def main():
    where = os.path.join(sys.argv[1], "subjects-case")
    subjects, facts = sys.argv[2:4] if len(sys.argv) > 3 else ("100000", "1000000")
    if not os.path.exists(where):
        timed(EBB, "init", where)
        print("written in %.1f s (CPU %.1f s)" % timed(FILL, where, subjects, facts)[:2])
    wall, cpu, _ = timed(EBB, "-C", where, "rebuild", "pursuit")
    print("rebuilt in %.1f s (CPU %.1f s), %d MB" %
          (wall, cpu, os.path.getsize(os.path.join(where, "views", "pursuit")) >> 20), flush=True)
    commands = [
        ("list, first page", "case", "subject", "list", "--limit", "50"),
        ("list, a page in the middle", "case", "subject", "list", "--limit", "50", "--after", "60000"),
        ("show one by name", "case", "subject", "show", "John Doe 77777"),
        ("timeline of one", "case", "subject", "timeline", "John Doe 77777"),
        ("search: a rare part", "case", "subject", "search", "panda98765"),
        ("search: a common part", "case", "subject", "search", "panda"),
        ("search: everywhere", "case", "subject", "search", "example"),
        ("search: common parts, no hit", "case", "subject", "search", "panda.example.panda"),
        ("search: common, rare type", "case", "subject", "search", "panda", "--type", "mail"),
        ("search: common, no hit of type", "case", "subject", "search", "example", "--type", "payment"),
        ("search: two letters", "case", "subject", "search", "zz"),
        ("search: two common letters", "case", "subject", "search", "pa"),
        ("export of one, STIX", "case", "subject", "export", "John Doe 77777"),
        ("export of one, CASE", "case", "subject", "export", "John Doe 77777", "--format", "case"),
    ]
    for name, *words in commands:
        timed(EBB, "-C", where, *words, "--json" if "export" not in words else "--tlp=amber")
        runs = sorted(timed(EBB, "-C", where, *words, *(["--json"] if "export" not in words else []))[:2]
                      for _ in range(RUNS))
        wall, cpu = runs[RUNS // 2]
        out = timed(EBB, "-C", where, *words, *(["--json"] if "export" not in words else []))[2]
        print("%-32s %6.1f ms (CPU %5.1f ms)  %d lines" % (name, wall * 1e3, cpu * 1e3, out.count(b"\n")), flush=True)
    for name, *words in (("what was known, every fact", "case", "facts", "--json"),
                         ("its root", "case", "facts", "--root", "--json"),
                         ("list, all of them", "case", "subject", "list", "--json")):
        wall, cpu, out = timed(EBB, "-C", where, *words)
        print("%-32s %6.1f s  (CPU %5.1f s)   %d lines" % (name, wall, cpu, out.count(b"\n")), flush=True)
    if "--keep" not in sys.argv:
        shutil.rmtree(where)


main()
