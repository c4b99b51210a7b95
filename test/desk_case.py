"""A served case with something of everything that the desk shows, a person of each role, and a browser for each."""
import os
import re

from account_key import AccountKey
from desk_client import Desk, make_link
from ebbtest import feed_text, folder, write
from people import PASSPHRASE, people
from sinkhole import Sinkhole, free_port

ROLES = {"carla": "custodian", "rita": "reviewer", "oskar": "operator", "conrad": "counsel", "audrey": "auditor"}
LEAD = "quixotic zeppelin over Uzhgorod"
HOSTILE = "<img src=x onerror=alert(1)>\u202e\"'&"
MAIL = """From spammer@example.net Wed Mar 16 12:0%d:00 2011
Received: from bot.example (unknown [192.0.2.%d]) by trap.example; Wed, 16 Mar 2011 12:0%d:00 +0000
From: "Pills" <a%d@example.net>
To: <victim@trap.example>
Subject: %s offer %d
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

Buy cheap pills at http://pills%d.example/ now and today

--b
Content-Type: text/html; charset=utf-8

<html><script>alert(1)</script><img src="http://track.example/x.png">Buy <b>pills</b></html>
--b
Content-Type: application/zip; name="a.zip"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="../%s.zip"

UEsDBAo=
--b--

"""


def feed():
    return feed_text([dict(timestamp="2011-03-1%d 0%d:00:00" % (6 + i % 3, i % 9), protocol="tcp", src_ip="192.0.2.%d" % (i + 1),
                           src_port=1000 + i, src_asn=64500, src_geo="DE", dst_ip="198.18.0.1", dst_port=80, infection="rustock",
                           family="rustock", http_url="/gate.php", http_host="c2.example", http_agent=HOSTILE) for i in range(60)])


def mbox():
    return "".join(MAIL % (i % 10, i + 1, i % 10, i, "Pharmacy <b>", i, i, "../x") for i in range(5))


class DeskCase(Sinkhole):
    def __init__(self):
        self.public, self.place = free_port(), folder()
        super().__init__(listen={"http": ("http", ""), "dns": ("dns", "")}, sensors=1)
        self.must("import", write(self.file("feed.csv"), feed()))
        self.must("import", write(self.file("mails.mbox"), mbox()))
        self.who = people(self, **ROLES)
        self.key = {name: AccountKey(p.key, PASSPHRASE) for name, p in self.who.items()}
        self.fill()
        self.start()
        self.desk_of = {}
        for name in ROLES:
            self.desk_of[ROLES[name]] = self.log_in(name)

    def file(self, name):
        return os.path.join(self.place, name)

    def configure(self):
        with open(os.path.join(self.path, "ebb.yaml")) as f:
            self.top = next(line.strip() for line in f if line.startswith("origin:"))
        super().configure()
        with open(os.path.join(self.path, "ebb.yaml"), "a") as f:
            f.write("web:\n  public: \"127.0.0.1:%d\"\n" % self.public)

    def by(self, name, *args):
        result = self.who[name].ebb(self, *args)
        if result.code:
            raise RuntimeError("%s: %s" % (" ".join(args), result.err))
        return result

    def fill(self):
        paper = write(self.file("order.txt"), "it is ordered")
        self.by("oskar", "case", "order", "add", "--id", "order-1", "--court", "District Court", "--document", paper,
                "--from", "2011-03-01", "--until", "2099-01-01")
        self.by("oskar", "case", "order", "add", "--id", "order-2", "--court", "Elsewhere", "--from", "2011-03-01", "--until",
                "2011-04-01")
        self.by("oskar", "case", "asset", "add", "c2.example", "*.dga.example", "--order", "order-1", "--registered-until",
                "2099-02-01", "--family", "rustock")
        self.by("oskar", "case", "subject", "add", "John Doe 1", "--kind", "person")
        self.by("oskar", "case", "subject", "add", "John Doe 2", "--note", HOSTILE.replace("\u202e", ""))
        self.by("oskar", "case", "subject", "fact", "John Doe 1", "--type", "mail", "--value", "doe@example.net", "--entries", "5")
        self.by("oskar", "case", "subject", "link", "John Doe 1", "--to", "John Doe 2", "--relation", "works-with", "--entries", "6")
        self.by("oskar", "case", "subject", "link", "John Doe 1", "--asset", "c2.example", "--relation", "rents", "--entries", "7")
        self.by("oskar", "notice", "party", "add", "Doe", "--order", "order-1")
        self.by("oskar", "notice", "contact", "add", "Doe", "--channel", "mail", "--address", "doe@example.net", "--found", "whois")
        self.by("conrad", "notice", "hearing", "order-1", "--when", "2098-01-01", "--deadline", "2097-12-01", "--place", "Seattle")
        self.by("conrad", "notice", "answer", "Doe", "--what", "response", "--note", "none of ours")
        self.by("conrad", "reward", "offer", "bounty", "--amount", "250000", "--terms", paper, "--until", "2098-06-01")
        self.lead = self.submit(LEAD, write(self.file("photo.bin"), os.urandom(70000)))
        self.lead2 = self.submit("another one")
        note = write(self.file("note.txt"), "a note about the zeppelin")
        self.by("rita", "lead", "note", str(self.lead), "--text", note)
        self.by("rita", "lead", "tag", str(self.lead), "airship")
        answer = write(self.file("answer.txt"), "thank you")
        self.by("rita", "lead", "answer", str(self.lead), "--text", answer)

    def submit(self, text, *files):
        result = self.ebb("lead", "submit", "--text", write(self.file("lead.txt"), text), *files, "--json")
        if result.code:
            raise RuntimeError(result.err)
        return result.rows()[0]["lead"]

    def log_in(self, name):
        desk = Desk(self.desk)
        answer = desk.link(make_link(self, name))
        if answer.status != 200:
            raise RuntimeError("%s cannot log in: %d %s" % (name, answer.status, answer.body))
        desk.name = name
        return desk


def tap_mails(case):
    """Log indexes of the mails."""
    return [row["index"] for row in case.rows("events", "--kind", "smtp")]


def options_def(root):
    """Of each command: its options with their arguments (None: a flag), as src/app/options.def has them."""
    text = open(os.path.join(root, "src", "app", "options.def")).read()
    macros = {m[0]: re.findall(r'OPTION\(command, "([^"]+)", (NULL|"[^"]*")', m[1])
              for m in re.findall(r"#define (\w+)\(command\)((?:[^\n]*\\\n)*[^\n]*)", text)}
    nested = {"SPAM_FILTER": ["RANGE"]}
    out = {}
    for name in re.findall(r'^COMMAND\("([^"]+)"', text, re.M):
        out[name] = {}
    for command, option, arg in re.findall(r'^OPTION\("([^"]+)", "([^"]+)", (NULL|"[^"]*")', text, re.M):
        out[command][option] = None if arg == "NULL" else arg.strip('"')
    for macro, pairs in macros.items():
        for command in re.findall(r'^%s\("([^"]+)"\)' % macro, text, re.M):
            more = list(pairs)
            for other in nested.get(macro, []):
                more += macros[other]
            for option, arg in more:
                out[command][option] = None if arg == "NULL" else arg.strip('"')
    return out
