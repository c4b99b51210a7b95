"""What the cluster's test and bench share: one simulated botnet as seen by three sinkholes, and its truth."""
import json
import os
import subprocess

from ebbtest import SIM

NODES = 3
COLUMNS_SMALL = ("timestamp", "src_ip", "infection", "tag")


def make(work, scenario, scale, keep=None, seed=1, quiet=True):
    """One feed a node in `work`, and the truth. A row goes to the node of the sensor that saw it: a host that makes
    contact with several is seen by several. keep: these columns alone. Returns (paths, rows a node, truth)."""
    truth = os.path.join(work, "truth.json")
    sim = subprocess.Popen([SIM, "--quiet", "--seed", str(seed), "--scale", repr(scale), "--feed", "-", "--truth", truth,
                            scenario], stdout=subprocess.PIPE, bufsize=1 << 20)
    paths = [os.path.join(work, "node%d.csv" % (n + 1)) for n in range(NODES)]
    files = [open(p, "wb", 1 << 20) for p in paths]
    counts = [0] * NODES
    header = sim.stdout.readline()
    names = [c.strip().strip('"') for c in header.decode().split(",")]
    kept = [names.index(c) for c in keep] if keep else None
    sensor, of = names.index("dst_ip"), {}
    width = sensor + 1 if not kept else max(kept + [sensor]) + 1
    for f in files:
        f.write(header if not kept else b",".join(b'"%s"' % c.encode() for c in keep) + b"\n")
    writes = [f.write for f in files]
    for line in sim.stdout:
        # No cell before the family has a comma in it.
        cells = line.split(b",", width)
        n = of.setdefault(cells[sensor], len(of) % NODES)
        counts[n] += 1
        writes[n](b",".join([cells[i] for i in kept]) + b"\n" if kept else line)
    for f in files:
        f.close()
    if sim.wait():
        raise RuntimeError("ebb-sim: %d" % sim.returncode)
    with open(truth) as f:
        return paths, counts, json.load(f)


def truth_days(truth):
    """(date, family) -> addresses as a census has them, scanners and all."""
    days = {}
    for d in truth["days"]:
        for family, f in d["by_family"].items():
            if f["addresses_all"]:
                days[d["date"], family] = f["addresses_all"]
    return days
