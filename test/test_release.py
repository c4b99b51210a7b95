"""Releases: figures for the public are suppressed, rounded and kept so that no small count shows in one of them or in their
difference; the progress page says what the release says, and its proof holds."""
import base64
import datetime
import hashlib
import html
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

from ebbtest import EBB, ROOT, SIM, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole, free_port

START = datetime.date(2011, 3, 14)
TAKEDOWN = "2011-03-16"
EVIL = "<script>alert(1)</script>\"'>&"
place = folder()


def day(n):
    return (START + datetime.timedelta(days=n)).isoformat()


# ---- which country an address is in: a MaxMind DB of our own ----


def mmdb_value(v):
    """MaxMind DB file format 2.0: a map, an array, a text or (type, number)."""
    if isinstance(v, dict):
        return bytes([7 << 5 | len(v)]) + b"".join(mmdb_value(k) + mmdb_value(x) for k, x in v.items())
    if isinstance(v, list):
        return bytes([len(v), 11 - 7]) + b"".join(map(mmdb_value, v))
    if isinstance(v, str):
        return bytes([2 << 5 | len(v)]) + v.encode()
    kind, number = v
    raw = number.to_bytes(8, "big").lstrip(b"\0")
    return (bytes([len(raw), kind - 7]) if kind > 7 else bytes([kind << 5 | len(raw)])) + raw


def country_mmdb(by_16):
    """{(first, second byte): country}: a tree of 24-bit records over /16 networks."""
    data, at = b"", {}
    for country in sorted(set(by_16.values())):
        at[country] = len(data)
        data += mmdb_value({"country": {"iso_code": country}})
    nodes = [[None, None]]
    for (a, b), country in by_16.items():
        node, bits = 0, a << 8 | b
        for i in range(15, -1, -1):
            side = bits >> i & 1
            if i == 0:
                nodes[node][side] = country
            else:
                if nodes[node][side] is None:
                    nodes.append([None, None])
                    nodes[node][side] = len(nodes) - 1
                node = nodes[node][side]
    n = len(nodes)
    tree = b"".join((n if r is None else n + 16 + at[r] if isinstance(r, str) else r).to_bytes(3, "big") for pair in nodes for r in pair)
    u16, u32, u64 = 5, 6, 9
    about = {"node_count": (u32, n), "record_size": (u16, 24), "ip_version": (u16, 4), "database_type": "Country", "languages": ["en"],
             "binary_format_major_version": (u16, 2), "binary_format_minor_version": (u16, 0), "build_epoch": (u64, 1300000000),
             "description": {"en": "for a test"}}
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + mmdb_value(about)


COUNTRIES = ("AT", "DE", "FR", "LI", "US")
MMDB = write(os.path.join(place, "country.mmdb"), country_mmdb({(100, i): c for i, c in enumerate(COUNTRIES)} |
                                                               {(101, i): c for i, c in enumerate(COUNTRIES)} |
                                                               {(102, i): c for i, c in enumerate(COUNTRIES)}))

# ---- a world: every host calls once a day from its own address ----

FIRST = {"US": 1000, "DE": 300, "FR": 57, "LI": 3}


def rows_of(n, hosts, family="rustock", net=100):
    """One contact of each host of each country on day n."""
    out = []
    for country, count in sorted(hosts.items()):
        c = COUNTRIES.index(country)
        for i in range(count):
            out.append(dict(timestamp="%s %02d:%02d:00" % (day(n), i % 24, i % 60), protocol="tcp",
                            src_ip="%d.%d.%d.%d" % (net, c, i // 250, 1 + i % 250), src_port=1024 + i, src_asn=64500 + c,
                            dst_ip="198.18.0.1", dst_port=80, infection=family, family=family))
    return out


def world(days, hosts, tiny):
    """Besides, two smaller families in one of the countries."""
    return [row for n in days for row in rows_of(n, hosts) + rows_of(n, {"DE": 40}, EVIL, 101) + rows_of(n, {"DE": tiny}, "tiny", 102)]


def feed(case, name, rows):
    result = case.rows("import", write(os.path.join(place, name), feed_text(rows)))
    if not result or result[0]["rejected"] or not result[0]["events"]:
        ok(False, "%s comes in: %r" % (name, result))


def with_web(case, **keys):
    path = os.path.join(case.path, "ebb.yaml")
    text = open(path).read()
    for key, value in keys.items():
        text, n = re.subn(r"(?m)^  %s: \S+" % key, "  %s: %s" % (key, value), text)
        if n != 1:
            raise RuntimeError("ebb.yaml has no %s" % key)
    write(path, text)


class Releases:
    """Everything that was published of a case, as an attacker has it."""

    def __init__(self, case, by):
        self.case, self.by, self.docs, self.entries = case, by, [], []

    def make(self, until, *more):
        made = self.by.ebb(self.case, "release", "make", "--until", until, "--json", *more)
        if made.code:
            raise RuntimeError(made.err)
        self.entries.append(made.rows()[0]["index"])
        self.docs.append(json.loads(self.case.ebb("release", "show", self.entries[-1], "--json").out))
        return self.docs[-1]


def table(doc, name, key):
    return {r[key]: r for r in doc[name]}


PORT = free_port()
case = Sinkhole(listen={"http": ("http", "")}, sensors=1, top="""
enrichment:
  mmdb_country: "%s"
web:
  public: "127.0.0.1:%d"
  public_url: "https://takedown.example"
  takedown: "%s"
""" % (MMDB, PORT, TAKEDOWN))
who = people(case, carla="custodian", olga="operator", rita="reviewer", conny="counsel", audrey="auditor")
olga = who["olga"]
feed(case, "a.csv", world(range(8), FIRST, 4))

# ---- who may, and when ----

result = case.ebb("release", "show")
ok(result.code == 1 and "nothing was published" in result.err, "nothing was published yet: said so")
equal(case.rows("release"), [], "an empty list")
for name in ("rita", "audrey", "carla"):
    result = who[name].ebb(case, "release", "make", "--until", day(8))
    ok(result.code == 1 and "may not" in result.err, "%s may not publish" % name)
equal(case.ebb("release", "make", "--until", day(8)).code, 1, "nor may nobody")
for args in (["--until", "2999-01-01"], ["--until", "2011-03-18T12:00:00Z"], ["--until", "soon"], ["x"],
             ["--since", day(8), "--until", day(8)], ["--until", day(8), "--since", "1999-01-01"]):
    if olga.ebb(case, "release", "make", *args).code != 2:
        ok(False, "release make %s: not refused" % " ".join(args))
result = olga.ebb(case, "release", "make", "--until", "2001-01-01")
ok(result.code == 1 and "nothing" in result.err, "nothing was seen before: nothing to publish")
equal(olga.ebb(case, "release", "make", "--until", day(8), "--replaces", "3").code, 1, "corrects what is no release: refused")
before = case.ebb("log", "checkpoint").out
dry = [olga.ebb(case, "release", "make", "--until", day(8), "--dry-run", "--json").out for _ in range(2)]
ok(dry[0] == dry[1] and dry[0].startswith('{"format":"ebb-release-1"'), "a dry run prints the figures, the same bytes each time")
equal(case.ebb("log", "checkpoint").out, before, "and leaves the log as it is")

# ---- one release ----

book = Releases(case, olga)
first = book.make(day(8))
equal(json.dumps(json.loads(dry[0])), json.dumps(first), "the release is what the dry run said")
act = case.ebb("log", "acts", "--kind", "release").rows()[0]
shown = case.ebb("release", "show", "--json").out
equal(act["sha256"], hashlib.sha256(shown.encode()).hexdigest(), "the act has the figures' SHA-256")
equal((act["account"], act["rule"], act["size"]), ("olga", "minimum=10 round=10", first["log"]["size"]), "who, rule, size")
equal((first["since"], first["until"], first["takedown"]), (TAKEDOWN, day(8), TAKEDOWN), "from the takedown on")
equal(len(first["days"]), 6, "a row a day since then")
countries = table(first, "countries", "country")
equal(countries["LI"], {"country": "LI", "suppressed": True}, "three hosts: suppressed")
equal(countries["FR"], {"country": "FR", "suppressed": True}, "and the next smallest along with them")
ok(abs(countries["US"]["addresses"] - 1000) <= 5 and abs(countries["DE"]["addresses"] - 344) <= 5, "the others as they are, rounded")
families = table(first, "families", "family")
ok("tiny" not in json.dumps(first) and first["families_suppressed"] == 2, "a small family has no name; one more goes along")
equal(list(families), ["rustock"], "the others have")


def numbers(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("rule", "log", "half_life", "spam", "previous", "replaces", "families_suppressed"):
                continue
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


ok(all(n % 10 == 0 and n >= 10 for n in numbers(first)), "every number is a multiple of ten, and none below it")
ok("suppressed" in case.ebb("release", "show").out and "suppressed" in case.ebb("release", "show", "--csv").out,
   "shown as a table: what is suppressed is said to be")
result = olga.ebb(case, "release", "make", "--until", day(8))
ok(result.code == 1 and "nothing has changed" in result.err, "again, with nothing new: refused")

# ---- the difference of two ----

SECOND = dict(FIRST, DE=303, US=1030, LI=12)
feed(case, "b.csv", world(range(8, 15), SECOND, 4))
result = olga.ebb(case, "release", "make", "--until", day(15), "--json")
ok("less than a day old" in result.err, "two releases on a day: warned")
book.entries.append(result.rows()[0]["index"])
book.docs.append(json.loads(case.ebb("release", "show", "--json").out))
second = book.docs[-1]
now = table(second, "countries", "country")
equal(now["DE"]["addresses"], countries["DE"]["addresses"], "three more addresses: the same number as before")
ok(now["US"]["addresses"] > countries["US"]["addresses"], "thirty more: another")
equal(now["LI"], {"country": "LI", "suppressed": True}, "twelve, three before: their difference would show; still suppressed")
equal(now["FR"], {"country": "FR", "suppressed": True}, "and the same one goes along")
equal(second["previous"], book.entries[0], "the one before it is named")
old_days, new_days = table(first, "days", "date"), table(second, "days", "date")
moved = [d for d in old_days if "addresses" in old_days[d] and old_days[d]["addresses"] != new_days[d]["addresses"]]
equal(moved, [], "days that were published stay as they were")

THIRD = dict(SECOND, LI=40)
feed(case, "c.csv", world(range(15, 22), THIRD, 25))
third = book.make(day(22))
last = table(third, "countries", "country")
ok(last["LI"].get("addresses") == 40 and "addresses" in last["FR"], "well above the minimum: both are shown")
equal(sorted(table(third, "families", "family")), sorted([EVIL, "rustock", "tiny"]), "so are the families, whatever they are called")
# A late file: a day that was published changes by less than the minimum, another by more.
feed(case, "late.csv", rows_of(3, {"AT": 7}) + rows_of(4, {"AT": 60}))
fourth = book.make(day(22), "--replaces", str(book.entries[-1]))
late = table(fourth, "days", "date")
equal(late[day(3)]["addresses"], new_days[day(3)]["addresses"], "seven addresses came late: nothing shows")
ok(late[day(4)]["addresses"] >= new_days[day(4)]["addresses"] + 50, "sixty: they do")


def attack(old, new):
    """Published counts of both releases that differ by less than the minimum: a small count in the difference."""
    found = []
    for name, key in (("days", "date"), ("countries", "country"), ("families", "family")):
        a, b = table(old, name, key), table(new, name, key)
        for k in a:
            for stat in ("infected", "hosts", "addresses"):
                if stat in a[k] and stat in b.get(k, {}) and 0 < abs(a[k][stat] - b[k][stat]) < 20:
                    found.append((name, k, stat))
    return found


def solve(doc):
    """Bounds of what the suppressed countries hold together, by total and all others."""
    shown_rows = [r for r in doc["countries"] if "addresses" in r]
    if len(shown_rows) == len(doc["countries"]) or "addresses" not in doc["week"]:
        return None
    slack = 5 * (len(shown_rows) + 1)
    rest = doc["week"]["addresses"] - sum(r["addresses"] for r in shown_rows)
    return len(doc["countries"]) - len(shown_rows), rest - slack, rest + slack


for a in range(len(book.docs)):
    for b in range(a + 1, len(book.docs)):
        if attack(book.docs[a], book.docs[b]):
            ok(False, "the difference of releases %d and %d says %r" % (a, b, attack(book.docs[a], book.docs[b])[:3]))
bounds = [solve(d) for d in book.docs]
ok(all(b is None or (b[0] >= 2 and b[2] >= 10 + 9) for b in bounds), "nor can suppressed countries be solved for: %r" % bounds)
rows = case.rows("release")
equal([r["entry"] for r in rows], book.entries[::-1], "the list, newest first")
equal([r["state"] for r in rows], ["published", "corrected", "published", "published"], "and what became of each")
result = olga.ebb(case, "release", "withdraw", book.entries[1], "--why", "a feed was counted twice")
equal(result.code, 0, "one is withdrawn")
equal([r["state"] for r in case.rows("release")], ["published", "corrected", "withdrawn", "published"], "which is said")
equal(olga.ebb(case, "release", "withdraw", book.entries[1], "--why", "again").code, 1, "not twice")
equal(olga.ebb(case, "release", "withdraw", "3", "--why", "none").code, 1, "nor what is no release")
equal(who["audrey"].ebb(case, "release", "withdraw", book.entries[0], "--why", "x").code, 1, "nor by an auditor")
case.verifies("the log verifies")

# ---- the public page of a running case ----


def get(port, path, expect=200):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=10) as r:
            status, body, kind = r.status, r.read(), r.headers["Content-Type"]
    except urllib.error.HTTPError as e:
        status, body, kind = e.code, e.read(), e.headers["Content-Type"]
    if status != expect:
        ok(False, "%s: HTTP %d" % (path, status))
    return body, kind


def text_of(page):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)).replace("\u202f", "").replace("\u00a0", " "))


case.start()
try:
    deadline = time.monotonic() + 30
    page = b""
    while time.monotonic() < deadline and b"headline" not in page:
        try:
            page = get(PORT, "/")[0]
        except OSError:
            pass
        time.sleep(0.3)
    page = page.decode()
    newest = book.docs[-1]
    seen = text_of(page)
    ok(newest["days"][-1]["infected"] and "About %d machines" % newest["days"][-1]["infected"] in seen, "the headline is the newest release's")
    for part, want in (("interval", "between %d and %d machines" % (newest["days"][-1]["infected_low"], newest["days"][-1]["infected_high"])),
                       ("range", "called from %d addresses" % newest["range"]["addresses"])):
        ok(want in seen, "the %s, too: %s" % (part, want))
    every = [str(r[s]) for r in newest["countries"] for s in ("hosts", "addresses") if s in r]
    every += [str(r[s]) for r in newest["days"] for s in ("infected", "hosts", "addresses") if s in r]
    ok(all(re.search(r"(?<!\d)%s(?!\d)" % n, seen) for n in every), "every number of the release is on the page (%d of them)" % len(every))
    ok(len(page.encode()) < 100 << 10, "the page has %d bytes" % len(page.encode()))
    ok("<script>alert" not in page and html.escape(EVIL, quote=False)[:20] in page, "a family's name is text, whatever it is")
    ok(" style=" not in page and "<style" not in page and "javascript:" not in page and not re.search(r" on\w+=", page), "nothing inline")
    ok(page.count("/proof/%d" % book.entries[-1]) >= 5, "the proof is linked beside every part")
    ok(re.search(r'<svg[^>]*role="img"[^>]*aria-labelledby="base-chart-title base-chart-desc"', page), "the chart has a title and a description")
    ok('<figure id="map" hidden data-src="/progress.json"' in page, "the map has its place")
    for language, word in (("ru", "Заражено"), ("ar", "جهاز")):
        other = get(PORT, "/?lang=" + language)[0].decode()
        ok(word in other and "progress." not in text_of(other), "in " + language)
        ok('class="chart-box" dir="ltr"' in other, "charts go from left to right")
    # what programs read
    data = json.loads(get(PORT, "/progress.json")[0])
    equal(data["release"], book.entries[-1], "progress.json: the newest")
    equal({r["country"]: r["value"] for r in data["countries"]}, {r["country"]: r.get("hosts") for r in newest["countries"]}, "its map")
    raw = get(PORT, data["figures"])[0]
    equal(hashlib.sha256(raw).hexdigest(), data["sha256"], "the figures have the SHA-256 that is said")
    equal(json.loads(raw), newest, "and are the release")
    # the proof, by somebody else's program
    proof = get(PORT, data["proof"])[0].decode()
    extra = base64.b64decode(re.search(r"(?m)^extra (\S+)$", proof).group(1))
    names = {}
    for name, content in (("vkey", get(PORT, "/log/vkey")[0]), ("proof", proof), ("leaf", extra[:68]), ("salt", extra[68:84]), ("payload", extra[84:])):
        names[name] = write(os.path.join(place, name), content)
    verify = run(sys.executable, os.path.join(ROOT, "test", "verify_proof.py"), *(names[n] for n in ("vkey", "proof", "leaf", "salt", "payload")))
    ok(verify.code == 0 and "entry %d is in the log" % book.entries[-1] in verify.out, "the proof holds: " + (verify.out or verify.err).strip())
    ok(bytes.fromhex(data["sha256"]) in extra[84:], "what it proves has the figures' SHA-256")
    write(names["payload"], extra[84:-1] + bytes([extra[-1] ^ 1]))
    equal(run(sys.executable, os.path.join(ROOT, "test", "verify_proof.py"), *(names[n] for n in ("vkey", "proof", "leaf", "salt", "payload"))).code, 1,
          "with one bit changed it does not")
    ok(get(PORT, "/log/checkpoint")[0].decode().split("\n")[0] == newest["log"]["origin"], "the checkpoint is the log's")
    # nothing else of the log
    bad = [n for n in list(range(0, 12)) + [book.entries[0] - 1, book.entries[-1] + 1, 10 ** 6, 2 ** 63, 2 ** 64 - 1] if n not in book.entries]
    for n in bad:
        for path in ("/proof/%d", "/releases/%d", "/releases/%d.json"):
            get(PORT, path % n, 404)
    ok(True, "no other entry can be read or proved (%d tried)" % len(bad))
    ok("withdrawn" in text_of(get(PORT, "/releases/%d" % book.entries[1])[0].decode()), "a withdrawn release says so")
    corrected = text_of(get(PORT, "/releases/%d" % book.entries[2])[0].decode())
    ok("corrected by release %d" % book.entries[3] in corrected, "and a corrected one")
    old = get(PORT, "/releases/%d" % book.entries[0])[0].decode()
    ok("Not published" in text_of(old) and "Liechtenstein" in old and "France" in old, "what is suppressed is named as such")
    listed = get(PORT, "/releases")[0].decode()
    ok(all("/releases/%d" % n in listed for n in book.entries), "all are listed")
    # a new one shows within seconds, by way of the daemon
    made = olga.ebb(case, "release", "make", "--until", day(23), "--json")
    equal(made.code, 0, "a release by way of the daemon")
    entry = made.rows()[0]["index"] if made.code == 0 else 0
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and json.loads(get(PORT, "/progress.json")[0])["release"] != entry:
        time.sleep(0.3)
    equal(json.loads(get(PORT, "/progress.json")[0])["release"], entry, "is on the page within seconds")
finally:
    case.stop()

# ---- a simulated botnet: what is published is what the case says ----

sim = Case()
with_web(sim, takedown='"2011-03-16"')
made = run(SIM, "--quiet", "--scale", "0.004", "--feed", os.path.join(place, "sim.csv"), "rustock")
equal(made.code, 0, "a small Rustock")
sim.rows("import", os.path.join(place, "sim.csv"))
oscar = people(sim, carla="custodian", oscar="operator")["oscar"]
book = Releases(sim, oscar)
for until in ("2011-03-27", "2011-03-28", "2011-04-20"):
    doc = book.make(until)
estimate = [r for r in sim.rows("census", "--estimate", "--since", doc["since"], "--until", doc["until"]) if r["family"] == "rustock"]
truth = {r["date"]: r for r in estimate if "date" in r}
whole = [r for r in estimate if "date" not in r][0]
off = [d["date"] for d in doc["days"] if "hosts" in d and abs(d["hosts"] - truth[d["date"]]["hosts"]) >= 20]
equal(off, [], "hosts by day are those of `census --estimate`, rounded or kept")
equal((doc["half_life"]["days"], doc["half_life"]["low"], doc["half_life"]["high"]),
      tuple(round(whole[k], 1) for k in ("half_life_days", "half_life_low", "half_life_high")), "so is the half-life, with its interval")
few = [r["country"] for r in doc["countries"] if r.get("suppressed")]
week = {r["country"]: r["victims"] for r in sim.rows("census", "--by", "country", "--victims", "--since", doc["week"]["since"], "--until", doc["week"]["until"])}
small = [c for c, n in week.items() if n < 10]
ok(set(small) <= set(few) and len(few) >= 2, "every country below the minimum is suppressed (%d of %d)" % (len(few), len(week)))
ok(all(not attack(book.docs[a], book.docs[b]) for a in range(3) for b in range(a + 1, 3)), "no small difference between any two releases")
done()
