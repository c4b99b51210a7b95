"""Flow: what arrives at nodes, is taken onto their logs, and is shipped to shards, in steps of time. Nodes and shards
fail and come back; who was not answered tries again; what is not shipped waits on the log. Plain arithmetic: no random
numbers, so the same input gives the same output.

Three quantities are conserved, and run() checks them at its end:
    arrived = first tries + tries again
    arrived = taken + dropped (not answered)
    taken   = shipped + backlog
"""
import math

DAY = 86400.0


class Fleet:
    """nodes: how many. take: units a second that one can take. share: of a node's arrivals that go to the others when
    it is down, after `reroute_s` (anycast, health checks); the rest is lost until it is back.
    shards: how many. ship: units a second that one node's shipper can send. store: units a second that one shard takes.
    A unit belongs to one shard (that of its address), and each shard has a position of its own on each log: one that is
    away is waited for by its own units alone."""

    def __init__(self, nodes, take, ship, shards, store, share=1.0, reroute_s=60.0):
        self.nodes, self.take, self.ship, self.shards, self.store = nodes, take, ship, shards, store
        self.share, self.reroute_s = share, reroute_s


class Retry:
    """Of those not answered, `share` come again after `after_s`, at most `times` times."""

    def __init__(self, share=0.0, after_s=60.0, times=1):
        self.share, self.after_s, self.times = share, after_s, times


def diurnal(mean, depth, peak_h=20.0):
    """Units a second at a time; depth 0.5: half as many again at the peak, half at night."""
    return lambda t: mean * (1 + depth * math.cos(2 * math.pi * (t / 3600.0 - peak_h) / 24.0))


class Group:
    """Nodes or shards that have the same outages, and so the same fate: one stands for all."""

    def __init__(self, count, outages):
        self.count, self.outages = count, outages

    def since(self, kind, t):
        """Since when they have been down at that time; None when they are up."""
        for k, since, until in self.outages:
            if k == kind and since <= t < until:
                return since
        return None

    def up(self, t, *kinds):
        return all(self.since(k, t) is None for k in kinds)


def groups(total, outages, kinds):
    """`total` nodes or shards, grouped; those without any outage are the last group."""
    own = {}
    for kind, number, since, until in outages:
        if kind in kinds:
            own.setdefault(number, []).append((kind, since, until))
    by = {}
    for number, list_ in own.items():
        by[tuple(sorted(list_))] = by.get(tuple(sorted(list_)), 0) + 1
    found = [Group(n, list_) for list_, n in sorted(by.items())]
    if total > len(own):
        found.append(Group(total - len(own), ()))
    return found


def arrivals(fleet, nodes, offered, t):
    """What arrives at one node of each group when `offered` comes to each, and what nobody hears in all."""
    per, lost, moved, up = [0.0] * len(nodes), 0.0, 0.0, 0
    for i, g in enumerate(nodes):
        since = g.since("node", t)
        if since is None:
            up += g.count
            per[i] = offered
        else:
            away = offered * fleet.share if t - since >= fleet.reroute_s else 0.0
            moved += g.count * away
            lost += g.count * (offered - away)
    if not up:
        return per, lost + moved
    for i, g in enumerate(nodes):
        if g.since("node", t) is None:
            per[i] += moved / up
    return per, lost


def ship_step(fleet, nodes, shards, backlog, t, step):
    """What one node of each group ships to all shards of each group in a step: as much as its shipper can, and of that
    what the shards take, each node its part."""
    sent = [[0.0] * len(shards) for _ in nodes]
    for i, g in enumerate(nodes):
        if not g.up(t, "node", "link"):
            continue
        able = [backlog[i][k] if s.up(t, "shard") else 0.0 for k, s in enumerate(shards)]
        part = min(1.0, fleet.ship * step / sum(able)) if any(able) else 0.0
        sent[i] = [a * part for a in able]
    for k, s in enumerate(shards):
        wanted = sum(g.count * sent[i][k] for i, g in enumerate(nodes))
        room = s.count * fleet.store * step
        if wanted > room:
            for i in range(len(nodes)):
                sent[i][k] *= room / wanted
    return sent


def run(fleet, load, seconds, outages=(), retry=None, step=1.0, backlog=0.0):
    """load(t): units a second in all, spread evenly over the nodes. outages: (kind, number, since, until), kind one of
    node (takes nothing, ships nothing), link (ships nothing: the way to the cluster is cut), shard. backlog: what waits
    on all logs together at the beginning. Returns totals."""
    retry = retry or Retry()
    nodes = groups(fleet.nodes, outages, ("node", "link"))
    shards = groups(fleet.shards, outages, ("shard",))
    waits = [[backlog / fleet.nodes * s.count / fleet.shards for s in shards] for _ in nodes]
    pending = {}  # step -> tries again, by how often they tried
    first = again = taken = dropped = shipped = 0.0
    most_backlog = most_rate = busy = left = 0.0
    caught = None
    steps, delay = int(round(seconds / step)), max(1, int(round(retry.after_s / step)))
    ends = max([o[3] for o in outages], default=0.0)
    for i in range(steps):
        t = i * step
        fresh = load(t) * step
        tries = [fresh] + pending.pop(i, [])  # by how often they tried before
        everything = sum(tries)
        first += fresh
        again += everything - fresh
        per, bad = arrivals(fleet, nodes, everything / fleet.nodes, t)
        for j, g in enumerate(nodes):
            ok = min(per[j], fleet.take * step)
            bad += g.count * (per[j] - ok)
            taken += g.count * ok
            busy = max(busy, per[j] / (fleet.take * step))
            for k, s in enumerate(shards):
                waits[j][k] += ok * s.count / fleet.shards
        dropped += bad
        if bad and retry.share and everything:
            come = [bad * (x / everything) * retry.share if n < retry.times else 0.0 for n, x in enumerate(tries)]
            if i + delay < steps and any(come):
                pending[i + delay] = come
        sent = ship_step(fleet, nodes, shards, waits, t, step)
        left = 0.0
        for j, g in enumerate(nodes):
            for k in range(len(shards)):
                waits[j][k] -= sent[j][k]
                shipped += g.count * sent[j][k]
                left += g.count * waits[j][k]
        most_backlog, most_rate = max(most_backlog, left), max(most_rate, everything / step)
        if left > 0.5 * fresh + 1e-9 * (taken + backlog):  # less is under way, not behind
            caught = None
        elif caught is None and t >= ends:
            caught = t + step
    arrived = first + again
    assert math.isclose(arrived, taken + dropped, rel_tol=1e-9, abs_tol=1e-6), "arrived = taken + dropped"
    assert math.isclose(taken + backlog, shipped + left, rel_tol=1e-9, abs_tol=1e-6), "taken = shipped + backlog"
    return {"first": first, "again": again, "taken": taken, "dropped": dropped, "shipped": shipped, "backlog": left,
            "most_backlog": most_backlog, "most_rate": most_rate, "busiest": busy,
            "caught_up_s": None if caught is None else max(0.0, caught - ends), "drop_share": dropped / arrived if arrived else 0.0}
