"""The scenes that doc/scale.md tells of: fleets of the plan under failures, and what the bench of three nodes and two
shards measured beside what the same flow says of it. Every scene gives a row of words and numbers."""
import fluid
import plan
import queues

HOUR = 3600.0
DAYS = 4
VALIDATION_ROWS = 1000000
STEP = 60.0
TOLERANCE = 0.5  # of the predicted catch-up, on a machine that others used as well


def fleet_of(d, load, size):
    """The plan's fleet as a flow of log entries: each node takes what its tightest resource lets it."""
    per_node = load["entries_peak"] / (d.given("utilisation") * max(v for k, v in size["need"].items() if "shards" not in k))
    store = d.cost("ch_rows_s") * d.given("shard_cores")
    return fluid.Fleet(size["nodes"], per_node, d.cost("ship_rows_s") * d.given("cases_a_node"), size["shards"], store)


def scenes(d, load, size):
    """(name, outages, share rerouted, reroute seconds, retry) over three days; the failure at the second day's peak."""
    at = 24 * HOUR + 20 * HOUR
    again = fluid.Retry(0.9, 60, 30)
    return (
        ("nothing fails", (), 1.0, 60, again),
        ("a machine is gone for an hour, anycast takes over in a minute", (("node", 0, at, at + HOUR),), 1.0, 60, again),
        ("the same, moved by DNS with a TTL of 300 s", (("node", 0, at, at + HOUR),), 1.0, 300, again),
        ("the same, addresses that cannot move (bots know them)", (("node", 0, at, at + HOUR),), 0.0, 0, again),
        ("a shard is gone for four hours", (("shard", 0, at, at + 4 * HOUR),), 1.0, 60, again),
        ("all shards are gone for a day", tuple(("shard", s, at, at + 24 * HOUR) for s in range(size["shards"])), 1.0, 60, again),
        ("a machine is cut off from the cluster for a day", (("link", 0, at, at + 24 * HOUR),), 1.0, 60, again),
    )


def play(d, load):
    """Rows: name, most utilised, share not answered, backlog at most (entries), bytes of it a node, catch-up seconds."""
    size = plan.fleet(d, load)
    depth = max(0.0, load["entries_peak"] * plan.DAY / load["entries_day"] - 1)
    rows = []
    for name, outages, share, reroute, retry in scenes(d, load, size):
        fleet = fleet_of(d, load, size)
        fleet.share, fleet.reroute_s = share, reroute
        r = fluid.run(fleet, fluid.diurnal(load["entries_day"] / plan.DAY, depth), DAYS * 24 * HOUR, outages, retry, STEP)
        entry = (load["log_day"] + load["blob_day"]) / load["entries_day"]
        rows.append((name, r["busiest"], r["drop_share"], r["most_backlog"], r["most_backlog"] * entry / size["nodes"], r["caught_up_s"]))
    return size, rows


def waits(d):
    """A sensor process as a queue: mean and 99.9th percentile of the wait in ms, by protocol and utilisation."""
    rows = []
    for rho in (0.3, 0.6, 0.8, 0.95):
        mean, _, high = queues.md1(rho, 1.0, 100000)
        rows.append((rho, queues.md1_theory(rho, 1.0), mean, high))
    return rows


def storms():
    """(retry seconds, back-off, how many times the usual rate while nobody answers, and just after)."""
    rows = []
    for retry, backoff in ((60, 1.0), (60, 2.0), (600, 1.0)):
        during, after = queues.storm(600, 1200, retry, 3600, backoff=backoff)
        rows.append((retry, backoff, during, after))
    return rows


def rings(d, load, size, blob):
    """Seconds until a node's rings (64 MiB a sensor) are full at its peak rate while the recorder stands still, and the
    share lost when it stands still for twice as long, once an hour."""
    sensors = plan.sensors(d)
    rate = load["entries_peak"] / size["nodes"]
    capacity = sensors * 64 * 2 ** 20 / (d.cost("ring_bytes") + blob)
    drain = rate * d.given("cases_a_node") / max(1e-9, load["recorder_cores"] / size["nodes"])
    holds = capacity / rate
    return holds, queues.ring_loss(rate, capacity, drain, 2 * holds, 86400, 3600)


def rebuilt(run):
    """The bench's second half as a flow: what was left after the outage, with the rates before it. Shards and shippers
    share the machine's two cores there, so all shards together are one server. Seconds."""
    left = float(run["catch_up_rows"])
    fleet = fluid.Fleet(3, 1.0, run["alone_rate"], 1, run["before_rate"])
    return fluid.run(fleet, lambda t: 0.0, 4 * left / run["before_rate"] + 10, step=0.05 + left / run["before_rate"] / 2000, backlog=left)["caught_up_s"]


def validation(d):
    """(events, measured seconds, predicted seconds) of each run of bench/cluster.py in scale.json that has enough to
    catch up with: of fewer rows than a few batches a shard and node, a batch's time is all that there is."""
    return [(run["events"], run["catch_up_s"], rebuilt(run)) for run in d.json["bench"]
            if run.get("catch_up_rows", 0) >= VALIDATION_ROWS]
