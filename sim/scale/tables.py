"""The tables of doc/scale.md, each between <!-- table NAME --> and <!-- end -->, written from scale.json."""
import math

import plan
import scenes
from data import CASES, Data


def short(x):
    """Three figures that count, with the words that people use."""
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if abs(x) >= size * 0.9995:
            return "%.3g%s" % (x / size, word)
    if abs(x) >= 1000:
        return format(int(float("%.3g" % x)), ",")
    return "%.3g" % x


def size(x):
    for unit, word in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if abs(x) >= unit * 0.9995:
            return "%s %s" % (short(x / unit), word)
    return "%s bytes" % short(x)


def span(seconds):
    if seconds is None:
        return "not within the four days"
    for unit, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= unit * 1.995:
            return "%.2g %s" % (seconds / unit, word)
    return "%.2g s" % seconds


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows]) + "\n"


def costs(d):
    return table(("what", "measured", "by", "when"), [
        (m["unit"] + ("; " + m["note"] if "note" in m else ""), short(m["value"]), "`%s`" % m["by"] if "/" in m["by"] and not m["by"].startswith("doc/") else m["by"], m["when"])
        for m in d.measured.values()])


def assumptions(d):
    return table(("assumed", "low", "middle", "high", "from"), [
        (a["unit"],) + (tuple(short(a[c]) for c in CASES) if "low" in a else ("", short(a["value"]), "")) + (a["source"],)
        for a in d.assumed.values()])


def prices(d):
    return table(("price", "low", "middle", "high"), [
        (p["unit"],) + tuple(short(p[c]) for c in CASES) for p in d.prices.values() if isinstance(p, dict)])


def summary(d):
    rows = []
    for name, of in (("ten million bots", plan.bots), ("30 billion mails a day", plan.mails)):
        for c in CASES:
            x = of(d, c)
            f = plan.fleet(d, x)
            m = plan.money(d, x, f, c)
            rows.append((name if c == "low" else "", c, short(x["peak"]), short(f["nodes"]), short(f["shards"]), short(x["bytes_peak"] / plan.GBIT),
                         size(x["log_day"] + x["blob_day"]), f["first"], short(m["month"])))
    return table(("", "case", "a second at the peak", "machines", "shards", "Gbit/s", "to keep, a day", "machines are decided by", "EUR a month"), rows)


LOAD_ROWS = (
    ("a day", "polls_day", short), ("a second, mean", "mean", short), ("a second, peak hour", "peak", short),
    ("TLS handshakes a second, peak", "tls_peak", short), ("DNS queries a second that caches let through, peak", "dns_peak", short),
    ("entries on the logs a day", "entries_day", short), ("packets a second, peak, both ways", "packets_peak", short),
    ("Gbit/s, peak, both ways", "bytes_peak", lambda x: short(x / plan.GBIT)), ("cores of sensors, busy at the peak", "sensor_cores", short),
    ("cores of recorders, busy at the peak", "recorder_cores", short), ("open connections, peak", "connections", short),
    ("log a day", "log_day", size), ("mails kept whole, a day", "blob_day", size), ("census rows (addresses on a day)", "sightings_day", short))


def load(d, of, skip=()):
    loads = [of(d, c) for c in CASES]
    fleets = [plan.fleet(d, x) for x in loads]
    rows = [(name,) + tuple(show(x[key]) for x in loads) for name, key, show in LOAD_ROWS if key not in skip]
    rows += [("machines", ) + tuple(short(f["nodes"]) for f in fleets), ("what decides that", ) + tuple(f["first"] for f in fleets),
             ("ClickHouse shards", ) + tuple(short(f["shards"]) for f in fleets),
             ("rows on the shards in %d days" % d.given("shard_days"),) + tuple(short(x["rows_day"] * d.given("shard_days")) for x in loads)]
    return table(("", "low", "middle", "high"), rows)


def bots(d):
    return load(d, plan.bots, ("blob_day",))


def mails(d):
    return load(d, plan.mails, ("tls_peak", "dns_peak", "sightings_day", "entries_day"))


def money(d):
    rows = []
    for name, of in (("ten million bots", plan.bots), ("30 billion mails a day", plan.mails)):
        for c in CASES:
            x = of(d, c)
            m = plan.money(d, x, plan.fleet(d, x), c)
            rows.append((name if c == "low" else "", c, short(m["cores"]), size(m["disk_tb"] * plan.TB), size(m["archive_tb"] * plan.TB),
                         short(m["gbit"])) + tuple(short(m["parts"][p]) for p in ("cores", "disk", "archive", "network")) + (short(m["month"]),))
    return table(("", "case", "cores", "fast disk", "archive", "Gbit/s", "EUR cores", "disk", "archive", "network", "**EUR a month**"), rows)


def evidence(d):
    rows = []
    for keep in (1, 10, 100, 1000, 10000):
        x = plan.mails(d, "middle")
        day = x["blob_day_all"] / keep
        rows.append(("1 in %s" % short(keep), size(day), size(day * d.given("evidence_days")), short(d.given("mails_a_day") / keep),
                     short(day * d.given("evidence_days") / plan.TB * d.price("archive_tb_month"))))
    return table(("kept whole", "a day", "in %d days" % d.given("evidence_days"), "mails a day", "EUR a month of storage at its end"), rows)


def breaks(d):
    """Nodes or shards that each resource alone asks for, middle case; the most of each column stands out."""
    loads = [(name, of(d, "middle", t)) for name, of in (("bots", plan.bots), ("mails", plan.mails)) for t in (1, 10, 100)]
    needs = [plan.limits(d, x) for _, x in loads]
    worst = [max((k for k in n if "shards" not in k), key=lambda k: n[k]) for n in needs]
    rows = [(k,) + tuple(("**%s**" if k == w else "%s") % short(n[k]) for n, w in zip(needs, worst)) for k in needs[0]]
    return table(("machines (or shards) that it alone asks for", "bots x1", "x10", "x100", "mails x1", "x10", "x100"), rows)


def failures(d):
    out = []
    for name, of in (("Ten million bots", plan.bots), ("30 billion mails a day", plan.mails)):
        fleet, rows = scenes.play(d, of(d, "middle"))
        out.append("%s, middle case: %d machines, %d shards.\n\n" % (name, fleet["nodes"], fleet["shards"]) + table(
            ("what happens", "busiest machine", "not answered", "entries waiting at most", "of log, a machine", "caught up after"),
            [(n, "%.0f%%" % (100 * b), "%.2g%%" % (100 * s), short(w), size(y), "at once" if c is not None and c <= scenes.STEP else span(c)) for n, b, s, w, y, c in rows]))
    return "\n".join(out)


def waits(d):
    return table(("sensor busy", "mean wait, theory", "mean wait, simulated", "99.9th percentile", "the same for a mail, ms"), [
        ("%.0f%%" % (100 * rho), "%.2f" % t, "%.2f" % m, "%.1f" % h, "%.2g" % (h * d.cost("smtp_us") / 1000)) for rho, t, m, h in scenes.waits(d)])


def storm(d):
    return table(("they retry every", "pausing", "while nobody answers", "in the first minutes after"), [
        ("%d s" % r, "twice as long each time" if b > 1 else "always as long", "%.1f times the usual" % x, "%.1f times" % y)
        for r, b, x, y in scenes.storms()])


def ring(d):
    rows = []
    for name, of, blob in (("check-ins", plan.bots, 0), ("mails, with their bytes", plan.mails, d.given("mail_bytes"))):
        x = of(d, "middle")
        holds, lost = scenes.rings(d, x, plan.fleet(d, x), blob)
        rows.append((name, span(holds), "%.2g%%" % (100 * lost)))
    return table(("at a machine's peak", "rings are full after", "lost when the recorder stands still for twice as long, once an hour"), rows)


def bench(d):
    rows = []
    for r in d.json["bench"]:
        q = r["queries"]
        rows.append((short(r["events"]), short(r["import_rate"]), short(r["alone_rate"]), short(r["before_rate"]), short(r["catch_up_rate"]),
                     "%.2f" % r["ship_us"], "%.2f" % r["shard_us"], "%.0f" % sum(r["shard_bytes"].values()),
                     "%.2f" % q["census by day"]["cluster"], "%.2f" % q["census by country"]["cluster"],
                     "%.2f" % q["events by address"]["cluster"], "yes" if not r["wrong"] else "no"))
    return table(("events", "imported/s", "shipped/s, one node", "three nodes", "catching up", "us CPU of ebb", "of ClickHouse",
                  "bytes on the shards", "census by day, s", "by country, s", "events of an address, s", "equals the truth"), rows)


def growth(d):
    """Powers of the number of events that times grow with, from one size to the next: 1 is linear."""
    rows = []
    for a, b in zip(d.json["bench"], d.json["bench"][1:]):
        span = math.log(b["events"] / a["events"])
        powers = [math.log((b["events"] / b["alone_rate"]) / (a["events"] / a["alone_rate"])) / span] + [
            math.log(b["queries"][q]["cluster"] / a["queries"][q]["cluster"]) / span
            for q in ("census by day", "census by country", "census by family", "events by address")]
        rows.append(("%s to %s" % (short(a["events"]), short(b["events"])),) + tuple("%.2f" % x for x in powers))
    return table(("events", "shipping, one node", "census by day", "by country", "by family", "events of an address"), rows)


def validation(d):
    return table(("events", "catch-up measured", "predicted", "off by"), [
        (short(n), "%.1f s" % m, "%.1f s" % p, "%+.0f%%" % (100 * (p - m) / m)) for n, m, p in scenes.validation(d)])


ALL = {f.__name__: f for f in (summary, costs, assumptions, prices, bots, mails, evidence, money, breaks, failures, waits, storm, ring, bench, growth, validation)}


def fill(text, d=None):
    """The document with every table written anew."""
    d = d or Data()
    for name, make in ALL.items():
        begin, end = "<!-- table %s -->\n" % name, "<!-- end -->"
        at = text.find(begin)
        if at < 0:
            continue
        to = text.index(end, at)
        text = text[:at] + begin + "\n" + make(d) + "\n" + text[to:]
    return text
