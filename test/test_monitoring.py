"""Dashboard and alerts speak of metrics that there are, and of what Prometheus and Grafana take."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from ebbtest import ROOT, done, equal, ok, skip
from sinkhole import Sinkhole

SECONDS = 60
NAME = re.compile(r"\bebb_[a-z0-9_]+\b")
FOLDER = os.path.join(ROOT, "dist", "monitoring")

# Those of a running sinkhole, and those that the code can print besides (a cluster, nodes)
hole = Sinkhole()
hole.order()
hole.start()
with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % hole.desk, timeout=10) as r:
    text = r.read().decode()
equal(hole.stop(), 0, "a sinkhole came and went")
live = set(re.findall(r"^# TYPE (\S+)", text, re.M))
ok(len(live) > 40, "%d metrics" % len(live))
written = set()
for path in glob.glob(os.path.join(ROOT, "src", "app", "**", "*.c"), recursive=True):
    with open(path) as f:
        written |= {m for s in re.findall(r'"((?:[^"\\]|\\.)*)"', f.read()) for m in NAME.findall(s)}

with tempfile.TemporaryDirectory() as work:
    made = os.path.join(work, "dashboard.json")
    r = subprocess.run([sys.executable, os.path.join(FOLDER, "dashboard.py"), made], capture_output=True, text=True, timeout=SECONDS)
    equal((r.returncode, r.stderr), (0, ""), "the dashboard is made")
    with open(made) as f:
        board = json.load(f)
panels = [p for p in board["panels"] if p["type"] != "row"]
queries = [t["expr"] for p in panels for t in p["targets"]]
ok(len(panels) > 15 and board["schemaVersion"] >= 38 and board["uid"] and board["title"], "%d panels" % len(panels))
equal(len({p["id"] for p in board["panels"]}), len(board["panels"]), "each with a number of its own")
taken, overlaps = set(), []
for p in board["panels"]:
    g = p["gridPos"]
    cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
    if cells & taken or g["x"] + g["w"] > 24:
        overlaps.append(p["title"])
    taken |= cells
equal(overlaps, [], "none over another, none beyond the edge")
names = {v["name"] for v in board["templating"]["list"]}
equal(sorted({v for q in queries for v in re.findall(r"\$\{?(\w+)", q)} - names), [], "variables are defined")
equal([q for q in queries if "%s" in q or q.count("(") != q.count(")") or q.count("{") != q.count("}")], [], "queries are whole")

with open(os.path.join(FOLDER, "ebb-alerts.yml")) as f:
    alerts = f.read()
for what, said in (("dashboard", " ".join(queries) + json.dumps(board["templating"])), ("alerts", " ".join(re.findall(r"expr: (.*)", alerts)))):
    used = set(NAME.findall(said))
    equal(sorted(n for n in used if n not in live and n not in written), [], "%s: %d metrics, all of them there" % (what, len(used)))
    kinds = {n: re.search(r"^# TYPE %s (\w+)" % n, text, re.M)[1] for n in used & live}
    counted = set(re.findall(r"(?:rate|increase)\((ebb_[a-z0-9_]+)", said))
    equal(sorted(n for n in counted if kinds.get(n, "counter") != "counter"), [], "%s: only counters have rates" % what)
labels = set(re.findall(r"\{(\w+)=", text))
ok({"role", "sensor"} <= labels, "labels that alerts name")
equal(len(re.findall(r"- alert:", alerts)), len(re.findall(r"severity: (?:page|ticket)", alerts)), "each alert says how urgent it is")
equal(len(re.findall(r"- alert:", alerts)), len(re.findall(r"summary:", alerts)), "and what it is about")

if shutil.which("promtool"):
    r = subprocess.run(["promtool", "check", "rules", os.path.join(FOLDER, "ebb-alerts.yml")], capture_output=True, text=True, timeout=SECONDS)
    equal(r.returncode, 0, "promtool: rules")
    r = subprocess.run(["promtool", "check", "config", "--syntax-only", os.path.join(FOLDER, "prometheus.yml")], capture_output=True, text=True, timeout=SECONDS)
    equal(r.returncode, 0, "promtool: config")
    r = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=SECONDS)
    equal((r.returncode, r.stdout + r.stderr), (0, ""), "promtool: the metrics themselves")
    with tempfile.TemporaryDirectory() as work:  # as a rule each query of the dashboard is parsed as well
        rules = os.path.join(work, "rules.yml")
        with open(rules, "w") as f:
            json.dump({"groups": [{"name": "q", "rules": [{"record": "q%d" % i, "expr": q.replace("$case", "c").replace("$instance", "i")}
                                                          for i, q in enumerate(queries)]}]}, f)
        r = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, timeout=SECONDS)
        ok(r.returncode == 0, "promtool: %d queries of the dashboard" % len(queries)) or print("# " + r.stdout + r.stderr)
    with tempfile.TemporaryDirectory() as work:
        rules = os.path.join(work, "test.yml")
        with open(rules, "w") as f:
            json.dump({"rule_files": [os.path.join(FOLDER, "ebb-alerts.yml")], "evaluation_interval": "1m", "tests": [{
                "interval": "1m",
                "input_series": [{"series": 'ebb_storage_full{instance="a",case="c"}', "values": "0 1x20"},
                                 {"series": 'ebb_recorder_lost_total{instance="a",case="c"}', "values": "0x30"}],
                "alert_rule_test": [
                    {"eval_time": "5m", "alertname": "EbbNothingRecorded", "exp_alerts": [{
                        "exp_labels": {"severity": "page", "instance": "a", "case": "c"}, "exp_annotations": {
                            "summary": "a: the disk is full, nothing is recorded",
                            "description": "Less is free than limits.free_disk_mib. Bots are answered, mails are told to come again, the rest is lost and counted."}}]},
                    {"eval_time": "15m", "alertname": "EbbLoses", "exp_alerts": []}]}]}, f)
        r = subprocess.run(["promtool", "test", "rules", rules], capture_output=True, text=True, timeout=SECONDS)
        ok(r.returncode == 0, "promtool: a full disk raises its alert") or print("# " + r.stdout + r.stderr)
else:
    skip("promtool", "it is not here")
done()
