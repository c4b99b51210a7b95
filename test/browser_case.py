"""The case that the browser tests look at: a botnet's history up to today, spam before and after its takedown, orders
with their papers, people of every role, subjects, notices, a reward, releases, and in every field that outsiders fill
something that must stay text."""
import os
import re
import shutil
import subprocess
import time

from ebbtest import ROOT, SIM, feed_text, folder, run, write
from people import people
from sinkhole import Sinkhole, exchange, free_port

DAY = 86400
DAYS = 70          # of history
SINCE = 4          # days between the takedown and the first of them
SCALE = "0.006"    # of Rustock's: some 3,900 hosts
INFECTED = "198.51.100.77"   # seen yesterday and today: what the self-check is asked from
NOT_SEEN = "192.0.2.200"
PAYLOADS = {       # what outsiders write; "window.pwned" is looked for in every page
    "image": "<img src=x onerror=window.pwned=1>",
    "tag": "\"><script>window.pwned=1</script>",
    "link": "javascript:window.pwned=1//",
    "bidi": "\u202eelpmaxe\u2066<svg/onload=window.pwned=1>",
}
ATTACK = "".join(PAYLOADS[k] for k in ("tag", "image"))

POLICIES = """
    - name: default
      dns: {ttl: 60, records: ["* A 127.0.0.1", "@ MX 10 mx"]}
      http: {answer: empty, page: browsers}
      smtp: {answer: accept}
      raw: {answer: irc, banner: "irc.example"}
"""

HOSTILE_RULE = """
rule hostile_bot
{
    meta:
        family = "hostile"
        confidence = 90
        source = "browser tests"
        description = "A bot whose id is an attack on whoever reads it"
        bot_id = "$id"
        bot_id_skip = 4
        bot_id_trim = 0
    strings:
        $id = /BOT=[^ \\r\\n]{1,90}/
    condition:
        ebb_kind == "http" and $id
}
"""


def day(n):
    """The date n days from today."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * DAY))


# ---- a database of AS names, one of them hostile (MaxMind DB format 2.0) ----

def _mmdb_value(v):
    if isinstance(v, str):
        raw = v.encode()
        head = bytes([0x40 | len(raw)]) if len(raw) < 29 else bytes([0x40 | 29, len(raw) - 29])
        return head + raw
    if isinstance(v, dict):
        return bytes([0xe0 | len(v)]) + b"".join(_mmdb_value(k) + _mmdb_value(x) for k, x in v.items())
    if isinstance(v, list):
        return bytes([len(v), 4]) + b"".join(map(_mmdb_value, v))
    number, bits = v
    raw = number.to_bytes(8, "big").lstrip(b"\0")
    return {16: bytes([0xa0 | len(raw)]), 32: bytes([0xc0 | len(raw)]), 64: bytes([len(raw), 2])}[bits] + raw


def mmdb(networks):
    """networks: (first byte..., prefix bits) -> (number, name), IPv4. A tree of 24-bit records."""
    nodes, data, places = [[None, None]], b"", {}
    for (octets, bits), (number, name) in networks.items():
        place = places.setdefault((number, name), len(data))
        if place == len(data):
            data += _mmdb_value({"autonomous_system_number": (number, 32), "autonomous_system_organization": name})
        at, value = 0, int.from_bytes(bytes(octets), "big")
        for i in range(bits):
            side = value >> (31 - i) & 1
            if i == bits - 1:
                nodes[at][side] = ("data", place)
            elif nodes[at][side] is None:
                nodes.append([None, None])
                nodes[at][side] = len(nodes) - 1
            at = nodes[at][side]
    count = len(nodes)

    def record(r):
        return (count if r is None else count + 16 + r[1] if isinstance(r, tuple) else r).to_bytes(3, "big")
    tree = b"".join(record(left) + record(right) for left, right in nodes)
    meta = _mmdb_value({"binary_format_major_version": (2, 16), "binary_format_minor_version": (0, 16),
                        "build_epoch": (1300000000, 64), "database_type": "Test-ASN", "description": {"en": "test"},
                        "ip_version": (4, 16), "languages": ["en"], "node_count": (count, 32), "record_size": (24, 16)})
    return tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + meta


def scenario_networks():
    """The networks of Rustock's scenario, each with its number and the name that stands above it."""
    out, name = {}, ""
    for line in re.split(r"\n  (?=# |- )", run(SIM, "--show", "rustock").out):
        if line.startswith("# "):
            name = line[2:].strip()
        number, networks = re.search(r"asn: (\d+)", line), re.search(r"networks: \[([^]]*)\]", line)
        for net in networks.group(1).split(",") if number and networks else []:
            address, bits = net.strip().split("/")
            out[tuple(map(int, address.split("."))), int(bits)] = (int(number.group(1)), name)
    return out


# ---- the case ----

class BrowserCase(Sinkhole):
    """With a desk, and a public listener behind a balancer (relay.mjs, at self.face) that says who asks."""

    def __init__(self):
        self.place = folder()
        self.public, self.face, self.takedown = free_port(), free_port(), day(-DAYS - SINCE)
        self.rules = os.path.join(self.place, "rules")
        shutil.copytree(os.path.join(ROOT, "rules"), self.rules)
        write(os.path.join(self.rules, "hostile.yar"), HOSTILE_RULE)
        os.environ["EBB_RULES"] = self.rules
        self.names = write(os.path.join(self.place, "asn.mmdb"), mmdb({
            **scenario_networks(), ((198, 51, 100, 0), 24): (64500, "Example Access Network"),
            ((203, 0, 113, 0), 24): (64666, ATTACK)}))
        self.who = {}
        super().__init__(listen={"dns": ("dns", "proxy: true"), "http": ("http", "proxy: true"), "smtp": ("smtp", "proxy: true"),
                                 "any": ("any", "transport: tcp, proxy: true")},
                         policies=POLICIES, sensors=1, more="  balancers: [\"127.0.0.0/8\"]", top="")
        self.top = self.sections()
        self.configure()

    def sections(self):
        return """
name: rustock
enrichment:
  mmdb_asn: "%s"
cleanup:
  from: {org: "Example CERT", name: "Sinkhole desk", mail: "sinkhole@cert.example", domain: cert.example, page: "https://cert.example/", phone: "+1 555 0100"}
web:
  public: "127.0.0.1:%d"
  public_proxy: true
  proxies: ["127.0.0.1"]
  public_url: "http://localhost:%d"
  desk_url: "http://localhost:%d"
  takedown: "%s"
  help:
    - {country: "", name: "Example CERT", url: "https://cert.example/clean", phone: "+1 555 0100"}
    - {country: "DE", name: "Beispiel-Hilfe", url: "https://hilfe.example/"}
""" % (self.names, self.public, self.face, self.desk, self.takedown)

    def file(self, name, text):
        return write(os.path.join(self.place, name), text)

    def by(self, name, *args):
        """A command as that person, which must not fail; its first row."""
        result = self.who[name].ebb(self, *map(str, args), "--json")
        if result.code:
            raise RuntimeError("ebb %s: %s" % (" ".join(map(str, args)), result.err.strip()))
        rows = result.rows()
        return rows[0] if rows else {}

    def history(self):
        """Contacts of the botnet, of networks whose names attack, and of the address that the self-check asks from."""
        scenario = run(SIM, "--show", "rustock").out.split("\n")
        first = next(i for i, line in enumerate(scenario) if line.startswith("start:"))
        scenario[first] = "start: " + day(-DAYS + 1)
        shown = self.file("rustock.yaml", "\n".join(scenario))
        feed = os.path.join(self.place, "feed.csv")
        made = run(SIM, "--scale", SCALE, "--days", DAYS, "--feed", feed, "--quiet", shown)
        if made.code:
            raise RuntimeError(made.err)
        rows = [dict(timestamp="%s %02d:30:00" % (day(-1 - i // 8), i % 8), protocol="tcp", src_ip="203.0.113.%d" % (i + 1),
                     src_port=1024 + i, src_asn=64666, src_geo="DE", src_hostname=ATTACK, dst_ip="192.0.2.10", dst_port=80,
                     infection="rustock", family="rustock", tag=ATTACK, http_url="/" + PAYLOADS["image"],
                     http_host=PAYLOADS["tag"], http_agent=PAYLOADS["image"], http_referer=PAYLOADS["link"])
                for i in range(24)]
        rows += [dict(timestamp="%s 00:0%d:00" % (day(-i), i), protocol="tcp", src_ip=INFECTED, src_port=3000 + i,
                      src_asn=64500, src_geo="DE", dst_ip="192.0.2.10", dst_port=80, infection="rustock", family="rustock",
                      http_url="/index.php", http_host="rustock.example.com", http_agent="Mozilla/4.0") for i in range(3)]
        self.must("import", feed, self.file("hostile.csv", feed_text(rows)))

    def spam(self):
        for name, start, days, mails, seed in (("before", -14, 14, 1500, 1), ("after", 0, 14, 500, 2)):
            at = time.strftime("%Y-%m-%d", time.gmtime(time.time() - (DAYS + SINCE - start) * DAY))
            made = run(SIM, "mail", "--quiet", "--start", at, "--days", days, "--mails", mails, "--campaigns", 12, "--ham", 50,
                       "--seed", seed, "--mbox", os.path.join(self.place, name + ".mbox"))
            if made.code:
                raise RuntimeError(made.err)
        hostile = "".join(self.hostile_mail(i) for i in range(8))
        self.must("import", *[os.path.join(self.place, n + ".mbox") for n in ("before", "after")],
                  self.file("hostile.mbox", hostile.encode()))

    @staticmethod
    def hostile_mail(i):
        when = time.strftime("%a %b %d 10:00:0" + str(i) + " %Y", time.gmtime(time.time() - DAY))
        sent = time.strftime("%a, %d %b %Y 10:00:0" + str(i) + " +0000", time.gmtime(time.time() - DAY))
        html = ("<html><body onload=\"window.pwned=1\"><h1>Cheap pills %d</h1>%s<iframe src=\"http://tracker.example/f\"></iframe>"
                "<img src=\"http://tracker.example/pixel.gif\"><a href=\"javascript:window.pwned=1\">buy</a>"
                "<a href=\"http://pills.example/%d\">order now from our pharmacy</a>"
                "<form action=\"http://tracker.example/p\"><input name=q></form><style>@import url(http://tracker.example/s.css);"
                "body{background:url(http://tracker.example/b.png)}</style><script>window.pwned=1;parent.pwned=1</script>"
                "<meta http-equiv=refresh content=\"0;url=http://tracker.example/r\"></body></html>" % (i, ATTACK, i))
        return ("From spam@attack.example %s\r\nReceived: from %s (attack.example [203.0.113.%d]) by mx.example; %s\r\n"
                "From: \"%s\" <spam@attack.example>\r\nTo: victim@trap.example\r\n"
                "Subject: %s cheap pills %d %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nMessage-ID: <%d@attack.example>\r\n"
                "Content-Type: text/html; charset=utf-8\r\n\r\n%s\r\n\r\n"
                % (when, PAYLOADS["tag"].replace(" ", ""), i + 1, sent, PAYLOADS["image"], ATTACK, i, PAYLOADS["bidi"], sent, i, html)
                ).replace("\r\n", "\n")

    def people(self):
        self.who = people(self, carla="custodian", rita="reviewer", olaf="operator", cora="counsel", audrey="auditor")

    def authority(self):
        paper = self.file("order.pdf", b"%PDF-1.4\n% the order of the browser tests\n")
        self.by("cora", "case", "order", "add", "--id", "order-1", "--court", "District Court of Example", "--docket",
                "2:11-cv-00222", "--jurisdiction", "US", "--scope", "seizure of the servers and names of Rustock", "--from",
                self.takedown, "--until", day(9), "--document", paper, "--contact", "help@cert.example")
        for names, more in (("seized.example", {"family": "dgabot", "registrar": "Example Registrar", "registered-until": day(5)}),
                            ("checkin.example.net", {"family": "httpbot"}), ("spam.example", {"family": "spambot"}),
                            ("127.0.0.0/8 192.0.2.0/24 198.51.100.0/24", {"family": "ircbot"})):
            args = ["case", "asset", "add", *names.split(), "--order", "order-1"]
            for key, value in more.items():
                args += ["--" + key, value]
            self.by("olaf", *args)

    def pursuit(self):
        fact = ("--entries", "17", "--confidence")
        for name, kind in (("John Doe 1", "person"), ("John Doe 2", "person"), ("The landlord", "organisation")):
            self.by("olaf", "case", "subject", "add", name, "--kind", kind)
        for of, kind, value, confidence in (("John Doe 1", "handle", "cosma2k", 80), ("John Doe 1", "domain", "c2.example", 60),
                                            ("John Doe 2", "handle", "cosma2k", 40), ("John Doe 2", "mail", "boss@c2.example", 70),
                                            ("The landlord", "name", ATTACK, 50), ("John Doe 1", "address", "192.0.2.14", 90)):
            self.by("olaf", "case", "subject", "fact", of, "--type", kind, "--value", value, *fact, confidence)
        self.by("olaf", "case", "subject", "link", "John Doe 1", "--to", "The landlord", "--relation", "rents", "--entries", "17")
        self.by("olaf", "case", "subject", "link", "John Doe 1", "--to", "John Doe 2", "--relation", "works-with", "--entries", "17")
        self.by("olaf", "case", "subject", "link", "John Doe 1", "--asset", "seized.example", "--relation", "owns", "--entries", "17")

    def notices(self):
        words = os.path.join(ROOT, "rules", "notice")
        self.by("cora", "notice", "template", "add", os.path.join(words, "notice.en.html"), "--name", "notice", "--language", "en")
        self.by("cora", "notice", "template", "add", os.path.join(words, "notice.en.advertisement"), "--name", "notice",
                "--language", "en")
        self.by("cora", "notice", "hearing", "order-1", "--when", day(20) + "T15:00:00Z", "--deadline", day(12), "--place",
                "Courtroom 5")
        self.by("cora", "notice", "party", "add", "The landlord", "--order", "order-1")
        self.by("cora", "notice", "contact", "add", "The landlord", "--channel", "web", "--address",
                "http://localhost:%d/notices" % self.face, "--found", "our own page")
        served = self.by("cora", "notice", "serve", "The landlord", "--channel", "web", "--template", "notice")
        self.notice = served.get("notice") or served.get("index")
        self.by("cora", "notice", "result", self.notice, "--what", "posted")
        self.by("cora", "notice", "publish", "Example Gazette", "--order", "order-1", "--template", "notice", "--place",
                "Example City", "--from", day(1), "--days", "3")

    def reward(self):
        terms = self.file("terms.txt", "Who leads us to a conviction gets a share.\n")
        self.by("cora", "reward", "offer", "the reward", "--amount", "250000", "--terms", terms, "--order", "order-1")

    def releases(self):
        for n in (-42, -28, -14, 0):
            self.by("olaf", "release", "make", "--until", day(n))

    def contacts(self):
        self.must("contacts", "import", "--source", "operator", self.file(
            "contacts.csv", "match,contact,name\nAS9829,abuse@isp-one.example,One\nAS3320,abuse@isp-two.example,Two\n"))

    def make(self):
        seconds = {}
        for step in (self.history, self.spam, self.people, self.authority, self.pursuit, self.notices, self.reward,
                     self.contacts, self.releases):
            start = time.monotonic()
            step()
            seconds[step.__name__] = round(time.monotonic() - start, 1)
        return seconds

    # ---- while it runs ----

    def proxied(self, port, address, data, wait=1.0):
        """As from that address: a PROXY header, version 1, and the bytes."""
        return exchange(self.port[port], b"PROXY TCP4 %s 127.0.0.1 40000 %d\r\n" % (address.encode(), self.port[port]) + data, wait)

    def hostile_traffic(self):
        """Bots and mailers whose every field attacks who reads it."""
        image, tag = PAYLOADS["image"].encode(), PAYLOADS["tag"].encode()
        squeezed = image.replace(b" ", b"/")
        self.proxied("http", "203.0.113.40", b"GET /" + squeezed + b"?BOT=" + squeezed + b" HTTP/1.1\r\nHost: " + tag.replace(b" ", b"")
                     + b"\r\nUser-Agent: " + image + b"\r\nReferer: javascript:window.pwned=1\r\nX-Odd: " + tag + b"\r\n\r\n")
        self.proxied("smtp", "203.0.113.41", b"EHLO " + squeezed + b"\r\nMAIL FROM:<\"" + squeezed + b"\"@attack.example>\r\n"
                     b"RCPT TO:<victim@spam.example>\r\nDATA\r\nFrom: \"" + image + b"\" <a@attack.example>\r\nSubject: " + tag +
                     b"\r\nContent-Type: text/html\r\n\r\n<p>pills" + tag + image + b"</p>\r\n.\r\nQUIT\r\n", 2.0)
        self.proxied("any", "203.0.113.42", b"NICK " + squeezed + b"\r\nUSER " + squeezed + b" 0 * :" + tag + b"\r\n")

    def live(self, seconds=600):
        """The simulator's bots, until kill()."""
        self.bots = subprocess.Popen(
            [SIM, "live", "--quiet", "--scale", "0.1", "--rate", "15", "--seconds", str(seconds), "--proxy", "--dns",
             str(self.port["dns"]), "--http", str(self.port["http"]), "--smtp", str(self.port["smtp"]), "--raw",
             str(self.port["any"]), "live"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        bots = getattr(self, "bots", None)
        if bots and bots.poll() is None:
            bots.kill()
            bots.wait()
        super().kill()
