"""Queues and caches, event by event: waits of a sensor (one server, fixed service time), what a bounded ring loses
while the recorder stands still, and what DNS caches hide. Each beside the theory that it must agree with."""
import heapq
import math
import random


def md1_theory(rho, service):
    """Mean wait in an M/D/1 queue (Pollaczek-Khinchine)."""
    return rho * service / (2 * (1 - rho))


def md1(rho, service, units, seed=1):
    """Waits of `units` arrivals in turn: mean and the 99th and 99.9th percentile, by Lindley's recursion."""
    rng = random.Random(seed)
    wait, waits = 0.0, []
    gap = service / rho
    for _ in range(units):
        waits.append(wait)
        wait = max(0.0, wait + service - rng.expovariate(1 / gap))
    waits.sort()
    return sum(waits) / units, waits[int(units * 0.99)], waits[int(units * 0.999)]


def ring_loss(rate, capacity, drain, stall_s, seconds, stall_every_s):
    """Units lost of a ring of `capacity` units that is filled at `rate` and drained at `drain` while the recorder does
    not stand still; every `stall_every_s` it stands still for `stall_s`. Share lost, by exact piecewise flow."""
    level = lost = t = 0.0
    while t < seconds:
        filled = level + rate * stall_s
        lost += max(0.0, filled - capacity)
        level = min(capacity, filled)
        t += stall_s
        run = max(0.0, stall_every_s - stall_s)
        level = max(0.0, level + (rate - drain) * run)
        if level > capacity:
            lost += level - capacity
            level = capacity
        t += run
    return lost / (rate * t)


def cache_theory(rate, ttl):
    """Queries a second that come through a cache which is asked `rate` times a second (Poisson) for one name."""
    return rate / (1 + rate * ttl)


def cache(rate, ttl, seconds, seed=1):
    """The same, counted."""
    rng = random.Random(seed)
    t, holds, through = rng.expovariate(rate), 0.0, 0
    while t < seconds:
        if t >= holds:
            through += 1
            holds = t + ttl
        t += rng.expovariate(rate)
    return through / seconds


def resolvers(bots, caches, exponent=1.0):
    """Bots behind each of the caches, largest first (Zipf)."""
    weights = [1 / (i + 1) ** exponent for i in range(caches)]
    scale = bots / sum(weights)
    return [w * scale for w in weights]


def seen_dns(bots, caches, lookups_a_day, ttl, exponent=1.0):
    """Queries a second that the sinkhole sees of `bots` that look one name up so often."""
    each = lookups_a_day / 86400.0
    return sum(cache_theory(n * each, ttl) if n * each * ttl > 0 else n * each
               for n in resolvers(bots, caches, exponent))


def storm(bots, interval_s, retry_s, outage_s, seed=1, backoff=1.0, bucket_s=60.0):
    """Bots that poll every `interval_s`, and while they get no answer every `retry_s` (each time `backoff` times
    longer, to at most the interval). The sinkhole is away from `interval_s` on for `outage_s`. Returns the largest
    rate during the outage and in the intervals after it, as multiples of the usual one."""
    rng = random.Random(seed)
    gone, back = interval_s, interval_s + outage_s
    end = back + 2 * interval_s
    heap = [(rng.random() * interval_s, retry_s) for _ in range(bots)]
    heapq.heapify(heap)
    counts = [0] * (int(end / bucket_s) + 1)
    while heap:
        t, pause = heapq.heappop(heap)
        if t >= end:
            continue
        counts[int(t / bucket_s)] += 1
        if gone <= t < back:
            heapq.heappush(heap, (t + pause, min(interval_s, pause * backoff)))
        else:
            heapq.heappush(heap, (t + interval_s * (0.95 + 0.1 * rng.random()), retry_s))
    usual = bots * bucket_s / interval_s
    during = max(counts[int(math.ceil(gone / bucket_s)):max(int(back / bucket_s), int(gone / bucket_s) + 1)])
    after = max(counts[int(math.ceil(back / bucket_s)):int(end / bucket_s)])
    return during / usual, after / usual
