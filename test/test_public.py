"""The public pages of a running case: what they are made of, what they say and to whom, and what they never show."""
import gzip
import hashlib
import html.parser
import http.client
import ipaddress
import json
import os
import re
import socket
import struct
import sys
import time

from ebbtest import EBB, ROOT, Case, done, equal, feed_text, folder, ok, run, write
from people import people
from sinkhole import Sinkhole, free_port

LANGUAGES = ("en", "ru", "ar")
SITE = "https://takedown.example"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
INFECTED, UNCLEAR, RESOLVER, NOT_SEEN = "203.0.113.7", "203.0.113.8", "203.0.113.9", "198.51.100.77"
NET6, NOT_SEEN6 = "2001:db8:7:1::", "2001:db8:8:8:1:2:3:4"
DAYS = ("2011-03-16", "2011-03-17", "2011-03-18")

# ---- asking ----


def proxy2(source):
    """A PROXY header, version 2, of a connection from there."""
    a = ipaddress.ip_address(source)
    to = ipaddress.ip_address("127.0.0.1" if a.version == 4 else "::1")
    body = a.packed + to.packed + struct.pack("!HH", 40000, 80)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11 if a.version == 4 else 0x21]) + struct.pack("!H", len(body)) + body


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()


def ask(path, source="192.0.2.250", method="GET", headers=None, port=None, body=None):
    """source None: no PROXY header."""
    s = socket.create_connection(("127.0.0.1", port or PORT), timeout=10)
    try:
        if source:
            s.sendall(proxy2(source))
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: takedown.example", "Connection: close"]
        lines += ["%s: %s" % kv for kv in (headers or {}).items()]
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        s.sendall("\r\n".join(lines + ["", ""]).encode() + (body or b""))
        r = http.client.HTTPResponse(s, method=method)
        r.begin()
        return Answer(r, r.read())
    finally:
        s.close()


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    return condition()


# ---- looking at pages ----

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(html.parser.HTMLParser):
    """Takes a page apart, and notes what is wrong with it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.tags, self.ids, self.words = [], [], [], set(), []
        if not text.startswith("<!doctype html>\n"):
            self.wrong.append("no doctype")
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append("not closed: %s" % self.open)
        self.check()

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.wrong.append("%s: an attribute twice" % tag)
        attrs = dict(attrs)
        self.tags.append(("svg:" + tag if "svg" in self.open else tag, attrs))
        if "id" in attrs:
            if attrs["id"] in self.ids:
                self.wrong.append("id twice: " + attrs["id"])
            self.ids.add(attrs["id"])
        for name, value in attrs.items():
            if name.startswith("on") or name == "style":
                self.wrong.append("%s %s" % (tag, name))
            if name in ("src", "href", "action", "formaction", "poster", "data", "srcset"):
                self.check_url(tag, name, value or "", attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        if "svg" not in self.open:
            self.wrong.append("%s closes itself" % tag)
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("</%s> where it does not belong" % tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.wrong.append("a style within the page")
        if self.open and self.open[-1] == "script" and data.strip():
            self.wrong.append("a script within the page")
        self.words.append(data)

    def check_url(self, tag, name, value, attrs):
        own = value.startswith("/") and not value.startswith("//") or value.startswith("#")
        known = [SITE, "https://help.example.org/", "https://cert.example.org/", "https://team.example.org/", "mailto:", "tel:",
                 "https://www.torproject.org/"]
        if tag == "a" or (tag == "link" and attrs.get("rel") in ("alternate", "canonical")):
            own = own or any(value.startswith(k) for k in known)
        if not own:
            self.wrong.append("%s %s=%s" % (tag, name, value))

    def count(self, tag):
        return sum(t == tag for t, _ in self.tags)

    def check(self):
        for tag in ("h1", "main", "title", "header", "footer"):
            if self.count(tag) != 1:
                self.wrong.append("%d %s" % (self.count(tag), tag))
        levels = [int(t[1]) for t, _ in self.tags if re.fullmatch("h[1-6]", t)]
        if levels[:1] != [1] or any(b > a + 1 for a, b in zip(levels, levels[1:])):
            self.wrong.append("headings: %s" % levels)
        labels = {a.get("for") for t, a in self.tags if t == "label"}
        for t, a in self.tags:
            if t in ("input", "select", "textarea") and a.get("type") not in ("hidden", "submit") and a.get("id") not in labels \
                    and not a.get("aria-label") and not a.get("aria-labelledby"):
                self.wrong.append("%s %s has no label" % (t, a.get("name")))
            if t in ("a", "div", "section") and a.get("aria-labelledby") and a["aria-labelledby"] not in self.ids:
                self.wrong.append("labelled by nothing: " + a["aria-labelledby"])
            if t == "a" and (a.get("href") or "").startswith("#") and a["href"][1:] not in self.ids:
                self.wrong.append("leads nowhere: " + a["href"])

    def links(self):
        return [a["href"] for t, a in self.tags if t == "a" and "href" in a]

    @property
    def shown(self):
        return " ".join("".join(self.words).split())


def page(path, source="192.0.2.250", headers=None, want=200):
    """A page that is as it has to be, or a check that fails and says what is wrong."""
    a = ask(path, source, headers=headers)
    p = Page(a.text)
    language = a.headers["Content-Language"]
    root = dict(p.tags[0][1]) if p.tags else {}
    if (root.get("lang"), root.get("dir")) != (language, "rtl" if language == "ar" else "ltr"):
        p.wrong.append("lang and dir: %s" % root)
    if a.status != want or a.headers["Content-Type"] != "text/html; charset=utf-8":
        p.wrong.append("%d %s" % (a.status, a.headers["Content-Type"]))
    if p.wrong:
        ok(False, "%s: %s" % (path, "; ".join(p.wrong[:5])))
    p.answer = a
    return p


# ---- a case ----

def config(port, proxy):
    return """name: "rustock %s"
cleanup:
  from: {org: "Org %s", name: "Case team", mail: "team@example.org", web: "https://team.example.org/", phone: "+1 555 0100",
         page: "%s/notices"}
web:
  public: "127.0.0.1:%d"
%s  public_url: "%s"
  help:
    - {country: AU, name: "Help in Australia %s", url: "https://cert.example.org/", phone: "+49 555 0100"}
    - {country: FR, name: "Help in France"}
    - {name: "Help for all", url: "https://help.example.org/"}
""" % (EVIL.replace('"', '\\"'), EVIL.replace('"', '\\"'), SITE, port,
       "  public_proxy: true\n  proxies: [\"127.0.0.1\"]\n" if proxy else "", SITE, EVIL.replace('"', '\\"'))


def row(day, hour, ip, **more):
    return dict(dict(timestamp="%s %02d:12:34" % (day, hour), protocol="tcp", src_ip=ip, src_port=1234, src_asn=64500, src_geo="DE",
                     dst_ip="198.18.0.1", dst_port=80, http_url="/gate.php", http_host="c2.example", http_agent="Mozilla/4.0"), **more)


rows = []
for i, day in enumerate(DAYS):
    for k in range(40): # so that something is usual
        rows.append(row(day, k % 24, "203.0.113.%d" % (100 + k), infection="rustock", family="rustock"))
    rows.append(row(day, 3 + i, INFECTED, infection="rustock", family="rustock"))
    rows.append(row(day, 9, "203.0.113.11", infection=EVIL, family=EVIL))
rows.append(row(DAYS[1], 5, NET6 + "abcd", infection="rustock", family="rustock"))
rows.append(row(DAYS[2], 5, NET6 + "beef", infection="rustock", family="rustock"))

place = folder()
PORT = free_port()
hole = Sinkhole(top=config(PORT, True))
who = people(hole, carla="custodian", oscar="operator", conny="counsel")


def must(person, *args):
    result = who[person].ebb(hole, *args, "--json")
    if result.code:
        raise RuntimeError("%s: %s" % (" ".join(map(str, args)), result.err))
    return result.rows()


ORDER_PDF = b"%PDF-1.4 an order\n"
order_file = write(os.path.join(place, "order.pdf"), ORDER_PDF)
SEALED_PDF = b"%PDF-1.4 a sealed order\n"
sealed_file = write(os.path.join(place, "sealed.pdf"), SEALED_PDF)
hole.must("case", "order", "add", "--id", "tro", "--court", "Court " + EVIL, "--docket", "2:11-cv-00222 " + EVIL, "--jurisdiction",
          "US", "--scope", "Shut down " + EVIL, "--document", order_file, "--from", "2020-01-01", "--until", "2099-01-01",
          "--note", "PRIVATE-NOTE")
hole.must("case", "order", "add", "--id", "sealed-order", "--court", "SEALED COURT", "--docket", "SEALED-1", "--document", sealed_file,
          "--from", "2020-01-01", "--until", "2099-01-01")
hole.asset("alpha.example", "192.0.2.17", "beta.example", order="tro")
hole.asset("hidden.example", order="sealed-order")
names = write(os.path.join(place, "names.csv"),
              "name,from,until\n" + "".join("n%05d.example,2021-01-01,\n" % i for i in range(20500)) + "future.example,2098-01-01,\n")
for language in ("en", "ru"):
    more = ["--translation-of", "notice", "--translator", "T"] if language == "ru" else []
    must("conny", "notice", "template", "add", os.path.join(ROOT, "rules/notice/notice.%s.html" % language), "--name", "notice",
         "--language", language, *more)
for party, language, order in (("Doe 1", "en", "tro"), ("Doe 2", "ru", "tro"), ("SEALED PARTY", "en", "sealed-order")):
    must("conny", "notice", "party", "add", party, "--order", order, "--language", language)
    must("conny", "notice", "contact", "add", party, "--channel", "web", "--address", SITE + "/notices", "--found", "FOUND-HOW")
    must("conny", "notice", "contact", "add", party, "--channel", "post", "--address", "PRIVATE-ADDRESS", "--found", "FOUND-HOW")
must("conny", "notice", "hearing", "tro", "--when", "2031-04-06T17:00:00Z", "--deadline", "2031-03-30", "--place", "Courtroom " + EVIL)
must("conny", "notice", "hearing", "sealed-order", "--when", "2031-04-06T17:00:00Z", "--deadline", "2031-03-30", "--place", "SEALED PLACE")
FIRST = must("conny", "notice", "serve", "Doe 1", "--channel", "web", "--template", "notice")[0]["index"]
hole.asset("later.example", order="tro", **{"from": "2098-01-01"})
imported = hole.ebb("case", "asset", "import", names, "--order", "tro")
equal(imported.code, 0, "a list of names: " + imported.err.strip()[:200])
letter = write(os.path.join(place, "letter.txt"), "SEALED LETTER")
BY_POST = must("conny", "notice", "serve", "SEALED PARTY", "--channel", "post", "--file", letter)[0]["index"]
equal(hole.ebb("import", write(os.path.join(place, "feed.csv"), feed_text(rows))).code, 0, "a feed")
dns = write(os.path.join(place, "dns.csv"), feed_text([row(DAYS[0], 1, RESOLVER, protocol="udp", infection="rustock", family="rustock")]))
hole.must("census", "overrule", "203.0.113.9/32", "--role", "resolver", "--why", "a resolver")
hole.ebb("import", dns)
hole.must("census", "overrule", "203.0.113.139/32", "--role", "researcher", "--why", "SECRET-WHY")
hole.start()
ok(until(lambda: ask("/healthz").status == 200, 15), "the public listener answers")
ok(until(lambda: json.loads(ask("/check.json", INFECTED).text)["complete"] and ask("/notices/%d" % FIRST).status == 200, 20),
   "and has read the case")

# ---- every page, in every language ----

ROUTES = [m for m in re.findall(r'^PAGE\("(\w+)", "([^"]+)"', open(os.path.join(ROOT, "src/app/public/routes.def")).read(), re.M)]
OTHER = {"/robots.txt", "/.well-known/security.txt", "/healthz", "/openapi.json", "/progress.json", "/check.json", "/log/checkpoint",
         "/log/vkey"}
PAGES = [path for method, path in ROUTES if method == "GET" and "{" not in path and path not in OTHER]
PAGES += ["/notices/%d" % FIRST, "/notices/%d/snapshots" % FIRST]
seen = {}
for path in PAGES:
    for language in LANGUAGES:
        p = page("%s?lang=%s" % (path, language))
        seen[path, language] = p
        if p.answer.headers["Content-Language"] != language:
            ok(False, "%s is not in %s" % (path, language))
        if not all(h.startswith(("http", "mailto:", "tel:", "#", "/log/", "/proof/")) or "?lang=" in h for h in p.links()):
            ok(False, "%s: a link loses the language: %s" % (path, [h for h in p.links() if "lang=" not in h][:5]))
ok(len(seen) >= 30, "%d pages were looked at" % len(seen))
for language in LANGUAGES:
    page("/nothing?lang=" + language, want=404)
equal(len({p.shown for (path, language), p in seen.items() if path == "/about"}), 3, "three languages, three texts")
texts = {path: seen[path, "en"].shown for path in PAGES}
raw_key = re.compile(r"\b(site|check|notices|progress|tips)\.[a-z]+(\.[a-z]+)?\b")
ok(not [m.group() for p in seen.values() for m in [raw_key.search(p.shown)] if m], "no key stands where a text should")
ok(all("<script>alert" not in p.answer.text and "<img" not in p.answer.text for p in seen.values()), "what is hostile stays text")
ok(EVIL in texts["/notices/%d" % FIRST] and EVIL in texts["/about"], "and is shown as such")
big = max(len(ask(path, headers={"Accept-Encoding": "gzip"}).body) for path in PAGES)
ok(big < 100000, "no page is larger than 100 KB (%d)" % big)
style = [a["href"] for t, a in seen["/about", "en"].tags if t == "link" and a.get("rel") == "stylesheet"]
a = ask(style[0])
ok(a.status == 200 and a.headers["Content-Type"].startswith("text/css") and "immutable" in a.headers["Cache-Control"],
   "the style, for good under its version's address")
ok("immutable" not in ask(style[0].split("?")[0] + "?v=0").headers["Cache-Control"], "and not under another's")

# ---- headers, methods, paths ----

a = ask("/about")
ok(all(w in a.headers["Content-Security-Policy"] for w in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")) and
   "unsafe" not in a.headers["Content-Security-Policy"], "a strict policy")
ok(a.headers["X-Content-Type-Options"] == "nosniff" and a.headers["Strict-Transport-Security"], "and the others")
ok("Set-Cookie" not in a.headers and "Server" not in a.headers, "no cookie, no name of a server")
for method, path, want in (("POST", "/about", 405), ("DELETE", "/notices", 405), ("PUT", "/nothing", 404), ("GET", "/about/", 404),
                           ("GET", "/notices/0%d" % FIRST, 404), ("GET", "/notices/x", 404), ("GET", "/notices/%d/" % FIRST, 404),
                           ("GET", "/notices/99999999999999999999999", 404), ("GET", "/notices/-1", 404), ("GET", "/About", 404),
                           ("GET", "/notices/%d/../%d" % (FIRST, FIRST), 404), ("GET", "//about", 404), ("GET", "/notices/%00", 400),
                           ("GET", "/assets/", 404), ("GET", "/assets/../ebb.yaml", 404)):
    got = ask(path, method=method, body=b"" if method in ("POST", "PUT") else None)
    if got.status != want and not (want == 404 and got.status == 400):
        ok(False, "%s %s: %d, not %d" % (method, path, got.status, want))
equal(ask("/about", method="POST", body=b"").headers["Allow"], "GET, HEAD", "what is allowed instead")
for path in ("/api/", "/api/q/status", "/api/acts/prepare", "/login", "/metrics", "/readyz", "/assets/desk.js", "/assets/desk.css",
             "/desk", "/v1/infections", "/ebb.yaml"):
    if ask(path).status != 404:
        ok(False, "%s is there" % path)
h = ask("/about", method="HEAD")
equal((h.status, h.body, h.headers["Content-Length"]), (200, b"", str(len(ask("/about").body))), "HEAD")

# ---- languages ----

for accept, want in (("", "en"), ("ru", "ru"), ("ar-EG,ar;q=0.9,en;q=0.1", "ar"), ("de", "en"), ("de;q=1,ru;q=0.1", "ru"),
                     ("x" * 2000, "en"), (",;q=,,,", "en")):
    got = ask("/about", headers={"Accept-Language": accept})
    if (got.headers["Content-Language"], "Accept-Language" in got.headers["Vary"]) != (want, True):
        ok(False, "Accept-Language: %s gives %s" % (accept[:40], got.headers["Content-Language"]))
equal(ask("/about?lang=ar", headers={"Accept-Language": "ru"}).headers["Content-Language"], "ar", "?lang= stands above the browser's")
equal(ask("/about?lang=xx", headers={"Accept-Language": "ru"}).headers["Content-Language"], "ru", "one that there is none of is no choice")
alternates = {a["hreflang"]: a["href"] for t, a in seen["/about", "ru"].tags if t == "link" and a.get("rel") == "alternate"}
equal(alternates, dict({l: SITE + "/about?lang=" + l for l in LANGUAGES}, **{"x-default": SITE + "/about"}), "each names the others")

# ---- caching ----

a, b = ask("/notices", headers={"Accept-Encoding": "gzip"}), ask("/notices")
ok(a.headers["Content-Encoding"] == "gzip" and gzip.decompress(a.body) == b.body, "packed, the same")
ok(a.headers["ETag"] != b.headers["ETag"], "under another tag")
for r, more in ((a, {"Accept-Encoding": "gzip"}), (b, {})):
    got = ask("/notices", headers=dict({"If-None-Match": r.headers["ETag"]}, **more))
    equal((got.status, got.body), (304, b""), "304 where nothing changed")
equal(ask("/notices?lang=ru", headers={"If-None-Match": b.headers["ETag"]}).status, 200, "another language: 200")
ok("max-age=" in b.headers["Cache-Control"] and int(re.search(r"max-age=(\d+)", b.headers["Cache-Control"]).group(1)) <= 10, "kept briefly")
equal(ask("/check").headers["Cache-Control"], "no-store", "the self-check is kept nowhere")
ok("SECOND HEARING" not in ask("/notices/%d" % FIRST).text, "before an act")
must("conny", "notice", "hearing", "tro", "--when", "2031-05-06T17:00:00Z", "--deadline", "2031-04-30", "--place", "SECOND HEARING")
began = time.monotonic()
ok(until(lambda: "SECOND HEARING" in ask("/notices/%d" % FIRST).text, 5), "and after it")
ok(time.monotonic() - began < 3, "within three seconds (%.1f)" % (time.monotonic() - began))
hole.must("case", "asset", "add", "gamma.example", "--order", "tro")
ok(until(lambda: "gamma.example" in ask("/notices/%d" % FIRST).text, 3), "an asset, too")

# ---- the legal notice ----

p = page("/notices/%d?lang=en" % FIRST)
for word in ("2:11-cv-00222", "alpha.example", "192.0.2.17", "30 April 2031", "6 May 2031", SITE + "/notices/%d" % FIRST,
             "20 504 names", hashlib.sha256(ORDER_PDF).hexdigest(), "team@example.org", "entry %d" % FIRST, "To Doe 1"):
    if word not in p.shown:
        ok(False, "the notice does not say " + word)
files = sorted({h.split("?")[0] for h in p.links() if h.startswith("/notices/%d/" % FIRST)})
equal([f.split("/")[-1] for f in files], ["names-1.csv", "names-2.csv", "notice.html", "order.pdf", "snapshots"], "what belongs to it")
a = ask("/notices/%d/order.pdf" % FIRST)
equal((a.status, a.body, a.headers["Content-Type"]), (200, ORDER_PDF, "application/pdf"), "the order's paper, byte by byte")
a = ask("/notices/%d/notice.html" % FIRST)
ok(hashlib.sha256(a.body).hexdigest() in p.shown, "the notice's bytes are those of its digest")
a = ask("/notices/%d/names-1.csv" % FIRST)
lines = a.text.splitlines()
ok(a.headers["Content-Disposition"].startswith("attachment") and a.headers["Content-Type"].startswith("text/csv"), "names as a file")
equal((lines[0], len(lines)), ("name,kind,from,until", 20001), "with a head, and so many as fit")
rest = ask("/notices/%d/names-2.csv" % FIRST).text.splitlines()
every = [l.split(",")[0].strip('"') for l in lines[1:] + rest[1:]]
equal((len(every), len(set(every))), (20504, 20504), "all names once")
ok({"alpha.example", "192.0.2.17", "beta.example", "gamma.example", "n00000.example", "n20499.example"} <= set(every), "and which")
for name in ("names-3.csv", "names-0.csv", "names-01.csv", "names-.csv", "names-99999999999.csv", "order.PDF", "sealed.pdf", "notice.txt",
             hashlib.sha256(SEALED_PDF).hexdigest(), hashlib.sha256(ORDER_PDF).hexdigest()):
    if ask("/notices/%d/%s" % (FIRST, name)).status != 404:
        ok(False, "%s is there" % name)
for entry in (BY_POST, BY_POST + 1, FIRST + 1, FIRST - 1, 0, 1, 2):
    for tail in ("", "/order.pdf", "/notice.txt", "/snapshots", "/names-1.csv"):
        if ask("/notices/%d%s" % (entry, tail)).status != 404:
            ok(False, "entry %d%s is no notice on the web" % (entry, tail))
SECRETS = ("SEALED", "sealed-order", "hidden.example", "PRIVATE", "FOUND-HOW", "later.example", "future.example", "SECRET-WHY", "carla", "Doe 2")
crawled, queue = {}, ["/", "/openapi.json", "/robots.txt", "/.well-known/security.txt", "/progress.json"]
while queue and len(crawled) < 300:
    path = queue.pop()
    if path in crawled or path.startswith("/tips/"):
        continue
    crawled[path] = ask(path)
    if crawled[path].headers["Content-Type"].startswith("text/html") and not path.endswith("/notice.html"):
        queue += [h.split("#")[0] for h in Page(crawled[path].text).links() if h.startswith("/")]
ok(len(crawled) > 20 and all(a.status == 200 for path, a in crawled.items()), "every link within the site leads somewhere (%d)" % len(crawled))
if any(a.status != 200 for a in crawled.values()):
    print("#  ", [(path, a.status) for path, a in crawled.items() if a.status != 200][:10])
found = [(path, w) for path, a in crawled.items() for w in SECRETS if w.encode() in a.body]
equal(found, [], "nothing of sealed orders, private notes and contacts, or names to come")

# permanent addresses: another notice, one that is taken back, an order that ends
russian = write(os.path.join(place, "russian.html"), "<!DOCTYPE html><title>x</title><p>\u0418\u0437\u0432\u0435\u0449\u0435\u043d\u0438\u0435 Doe 2<script>alert(3)</script>")
SECOND = must("conny", "notice", "serve", "Doe 2", "--channel", "web", "--file", russian)[0]["index"]
ok(until(lambda: ask("/notices/%d" % SECOND).status == 200, 5), "another notice, in Russian")
ok("Doe 2" in page("/notices/%d" % SECOND).shown and "\u0420\u0443\u0441\u0441\u043a\u0438\u0439" in page("/notices").shown, "with its language")

# ---- snapshots ----

shots = {(r["path"], r["language"]): r for r in must("oscar", "notice", "snapshot")}
equal(sorted(shots), sorted((path, l) for path in ("/notices", "/notices/%d" % FIRST, "/notices/%d" % SECOND) for l in LANGUAGES),
      "a snapshot a page and language")
good = True
for (path, language), r in shots.items():
    served = ask("%s?lang=%s" % (path, language)).body
    blob = hole.ebb("blob", "get", r["sha256"])
    if hashlib.sha256(served).hexdigest() != r["sha256"] or r["what"] != "new" or blob.out != served.decode():
        good = False
        print("#  ", path, language, r, hashlib.sha256(served).hexdigest(), blob.code, blob.err[:200], len(blob.out), len(served))
ok(good, "its digest is that of what is served, and its bytes are kept")
equal({r["what"] for r in hole.rows("notice", "snapshot")}, {"unchanged"}, "nothing changed: nothing new")
kinds = {r["index"]: r for r in hole.rows("log", "acts", "--kind", "snapshot")}
ok(set(kinds) == {r["index"] for r in shots.values()}, "they are on the log")
entry = shots["/notices/%d" % FIRST, "en"]["index"]
ok(until(lambda: "/proof/%d" % entry in ask("/notices/%d/snapshots" % FIRST).text, 5), "and their proofs are linked")
a = until(lambda: (lambda a: a if a.status == 200 else None)(ask("/proof/%d" % entry)), 5)
ok(a and a.text.startswith("c2sp.org/tlog-proof@v1\n"), "and there")
ok(until(lambda: ask("/proof/%d" % FIRST).status == 200, 5), "the notice's, too")
ok(ask("/proof/%d" % BY_POST).status == 404, "not that of a letter")
must("conny", "notice", "withdraw", str(FIRST), "--why", "SECRET-WHY")
ok(until(lambda: "was withdrawn" in ask("/notices/%d?lang=en" % FIRST).text, 5), "a notice that was taken back says so at its address")
p = page("/notices/%d?lang=en" % FIRST)
ok("alpha.example" not in p.shown and "SECRET-WHY" not in p.shown and ask("/notices/%d/order.pdf" % FIRST).status == 404, "and no more than that")
ok(ask("/notices/%d/snapshots" % FIRST).status == 200, "how it was is still on the log")
again = {(r["path"], r["language"]): r for r in must("oscar", "notice", "snapshot")}
equal(sorted(path for (path, l), r in again.items() if r["what"] == "new" and l == "en"), ["/notices", "/notices/%d" % FIRST],
      "what changed has a new snapshot")
equal(who["conny"].ebb(hole, "notice", "withdraw", str(FIRST), "--why", "x").code, 1, "not twice")
equal(who["oscar"].ebb(hole, "notice", "withdraw", "1", "--why", "x").code, 1, "nor what is no notice")
must("conny", "case", "order", "close", "tro", "--why", "SECRET-WHY")
ok(until(lambda: "time is over" in ask("/notices/%d?lang=en" % SECOND).text, 5), "an order that ended: the notice stays, and says so")
ok("SECRET-WHY" not in ask("/notices/%d" % SECOND).text and ask("/notices/%d/order.pdf" % SECOND).status == 200, "with its papers")

# ---- the self-check ----

def check(source, path="/check.json", **more):
    return json.loads(ask(path, source, **more).text)


got = check(INFECTED)
equal((got["address"], got["result"], got["families"]),
      (INFECTED, "infected", [{"family": "rustock", "first_day": DAYS[0], "last_day": DAYS[2], "days": 3}]), "what was seen, by days")
equal(got["window"], {"since": DAYS[0], "until": DAYS[2]}, "in which days")
p = page("/check?lang=en", INFECTED)
equal([w for w in (INFECTED, "rustock", "16 March 2011", "18 March 2011", "NAT", "DHCP", "Help in Australia", "Help for all",
                   "Microsoft Defender") if w not in p.shown], [], "on the page, too, with what to do and whom to call")
ok("Help in France" not in p.shown and "12:34" not in p.shown and "03:" not in p.shown, "not another country's help, no time of day")
got = check(NOT_SEEN)
equal((got["address"], got["result"], got["families"]), (NOT_SEEN, "nothing", []), "an address that was not seen")
p = page("/check?lang=en", NOT_SEEN)
ok(all(w in p.shown for w in ("proves nothing", "NAT", "DHCP", "Mobile networks", "Sleepers")), "which proves nothing, and why")
for source in (NOT_SEEN, RESOLVER, "203.0.113.139", INFECTED):
    for language in LANGUAGES:
        box = re.search(r'<section class="\w+" aria-labelledby="result">.*?</section>', ask("/check?lang=" + language, source).text, re.S).group()
        if re.search("clean|not infected|healthy|чист|не заражён|нет заражения|نظيف|سليم|غير مصاب", box):
            ok(False, "says that %s is clean (%s)" % (source, language))
equal(check(RESOLVER)["result"], "resolver", "a resolver is told that it asks for others")
got = check("203.0.113.139")
equal((got["result"], got["families"]), ("other", []), "who only looks on is not told what they are taken for")
ok("researcher" not in ask("/check", "203.0.113.139").text, "nor on the page")
got = check("203.0.113.11")
ok(got["result"] == "infected" and got["families"][0]["family"] == EVIL and page("/check", "203.0.113.11"), "a hostile name stays text")
got = check(NET6 + "1:2:3")
equal((got["address"], got["result"], got["families"][0]["last_day"]), (NET6 + "/64", "infected", DAYS[2]), "of IPv6 the /64 counts")
ok("IPv6" in page("/check?lang=en", NET6 + "1:2:3").shown, "and the page says so")
equal((check(NOT_SEEN6)["result"], check("2001:db8:7:2::abcd")["result"]), ("nothing", "nothing"), "another /64 is another")
for path in ("/check.json?address=%s" % INFECTED, "/check.json?ip=%s&src=%s&client=%s" % ((INFECTED,) * 3)):
    if check(NOT_SEEN, path)["address"] != NOT_SEEN:
        ok(False, "a parameter names another address")
forged = {"X-Forwarded-For": INFECTED, "Forwarded": "for=" + INFECTED, "X-Real-IP": INFECTED, "True-Client-IP": INFECTED,
          "CF-Connecting-IP": INFECTED, "X-Client-IP": INFECTED, "Via": INFECTED, "X-Forwarded": "for=" + INFECTED}
equal(check(NOT_SEEN, headers=forged)["address"], NOT_SEEN, "no header names another address")
equal(ask("/check.json", NOT_SEEN, method="POST", body=b"address=" + INFECTED.encode()).status, 405, "nor does a form")
equal(ask("/check.json/" + INFECTED).status, 404, "nor a path")
got = check("10.1.2.3")
ok(got["result"] == "inner" and "Tor" in got["note"], "an inner address is none of the Internet's")
try:
    broken = ask("/check.json", None)
    ok(broken.status != 200, "no PROXY header: no answer")
except (OSError, http.client.HTTPException):
    ok(True, "no PROXY header: no answer")

# ---- the description of what programs may ask ----

must("oscar", "release", "make", "--since", DAYS[0], "--until", "2011-03-19")
number = until(lambda: json.loads(ask("/progress.json").text)["release"], 10)
API = json.loads(ask("/openapi.json").text)
ok(until(lambda: ask("/proof/%d" % number).status == 200), "a release, with its proof")


def faults(value, schema, at="$"):
    """What of a value is not as the schema has it: so much of JSON Schema as the description uses."""
    if "$ref" in schema:
        target = API
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        yield from faults(value, target, at)
    for part in schema.get("allOf", []):
        yield from faults(value, part, at)
    if "anyOf" in schema and all(list(faults(value, part, at)) for part in schema["anyOf"]):
        yield "%s: none of what it may be: %r" % (at, value)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}
    if "type" in schema:
        wanted = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(isinstance(value, kinds[k]) and (k == "boolean" or not isinstance(value, bool)) for k in wanted):
            yield "%s: %r is no %s" % (at, value, wanted)
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield "%s: %r" % (at, value)
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield "%s: %r" % (at, value)
    if isinstance(value, int) and value < schema.get("minimum", value):
        yield "%s: %r" % (at, value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from ("%s: without %s" % (at, k) for k in schema.get("required", []) if k not in value)
        if schema.get("additionalProperties") is False:
            yield from ("%s: %s is not described" % (at, k) for k in value if k not in known)
        for k, v in value.items():
            if k in known:
                yield from faults(v, known[k], at + "." + k)
    if isinstance(value, list) and "items" in schema:
        for i, v in enumerate(value):
            yield from faults(v, schema["items"], "%s[%d]" % (at, i))


described = {p for p in API["paths"]}
equal(described - {path for method, path in ROUTES}, set(), "every path that is described is there")
equal({path for method, path in ROUTES if path.endswith(".json") or path.startswith(("/log/", "/proof/"))} - described, {"/openapi.json"},
      "and every one for programs is described")
for path, source in [("/progress.json", None), ("/releases/{id}.json", None), ("/log/checkpoint", None), ("/log/vkey", None), ("/proof/{id}", None)] + \
        [("/check.json", s) for s in (INFECTED, NOT_SEEN, RESOLVER, NOT_SEEN6, NET6 + "1", "203.0.113.11", "203.0.113.139", "127.0.0.1")]:
    a = ask(path.replace("{id}", str(number)), source or "192.0.2.250")
    content = API["paths"][path]["get"]["responses"][str(a.status)]["content"]
    kind = a.headers["Content-Type"].split(";")[0]
    wrong = ["%d %s" % (a.status, kind)] if a.status != 200 or kind not in content else []
    if kind == "application/json" and not wrong:
        wrong = list(faults(json.loads(a.text), content[kind]["schema"]))
    if wrong:
        ok(False, "%s: %s" % (path, "; ".join(wrong[:5])))
a = ask("/releases/%d.json" % (number + 1))
ok(a.status == 404 and not list(faults(json.loads(a.text), API["components"]["schemas"]["Error"])), "errors, too")
ok(list(faults({"address": 1}, API["components"]["schemas"]["Check"])), "(what is not as described is found)")
for path in ("/?lang=en", "/releases?lang=ar", "/releases/%d?lang=ru" % number):
    page(path)

# nothing is kept of who asks
size = hole.rows("status")[0]["log_size"]
asking = ["198.51.100.%d" % i for i in range(1, 60)] + ["2001:db8:aaaa:%x::77" % i for i in range(1, 20)]
for source in asking:
    ask("/check", source)
    ask("/check.json", source)
    ask("/notices", source)
time.sleep(1.5)
equal(hole.rows("status")[0]["log_size"], size, "no entry comes of asking")
hole.stop()
needles = set()
for source in asking:
    needles |= {source.encode(), ipaddress.ip_address(source).packed} if ":" in source else {source.encode() + b'"', source.encode() + b" "}
needles |= {bytes([0] * 10 + [255, 255]) + ipaddress.ip_address(s).packed for s in asking if ":" not in s}
found = []
for folder_, _, files in os.walk(hole.path):
    for f in files:
        path = os.path.join(folder_, f)
        data = open(path, "rb").read() if os.path.isfile(path) else b""
        found += [(f, n) for n in needles if n in data]
equal(found, [], "the addresses of who asked stand nowhere on the disk, nor in what the daemon says")

# ---- without a proxy ----

PORT = free_port()
plain = Sinkhole(top=config(PORT, False))
plain.start()
ok(until(lambda: ask("/healthz", None).status == 200), "without a proxy")
equal(check(None, headers=forged)["address"], "127.0.0.1", "nobody may say for another where they come from")
ok("No notice" in page("/notices?lang=en", None).shown and "No order" in page("/about?lang=en", None).shown, "an empty case says so")
pid = plain.pids("public")[0]
os.kill(pid, 9)
ok(until(lambda: plain.pids("public") not in ([], [pid]), 10) and until(lambda: ask("/about", None).status == 200), "killed: back in a moment")
plain.stop()
done()
