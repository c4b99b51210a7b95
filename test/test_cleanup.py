"""Getting hosts clean: who is told of what, when; drafts, the queue, allow-lists, escalation, trials."""
import email
import email.policy
import glob
import os
import re

from ebbtest import Case, done, equal, feed_text, folder, ok, write

HTTP = {"protocol": "tcp", "dst_ip": "192.0.2.10", "dst_port": 80, "infection": "testbot", "tag": "testbot",
        "http_url": "/gate.php", "http_host": "c2.example.net", "http_agent": "Mozilla/4.0 (compatible; MSIE 6.0)"}


def contact_row(address, day, port=40000, hour=12):
    return dict(HTTP, timestamp="%s %02d:00:00" % (day, hour), src_ip=address, src_port=port)


class World:
    def __init__(self, extra="", sending=True):
        self.case = Case()
        self.dir = folder()
        self.n = 0
        path = os.path.join(self.case.path, "ebb.yaml")
        with open(path) as f:
            text = f.read()
        head = text[:text.index("\ncleanup:")]
        write(path, (head + """
cleanup:
  sending: %s
  from: {org: "Example CERT", name: "Sinkhole desk", mail: "sinkhole@cert.example", web: "https://cert.example/"}
  smarthost: {host: "127.0.0.1", port: 9, tls: none}
  format: csv
  cadence_days: 7
  gone_days: 3
%s""" % ("true" if sending else "false", extra)).encode())

    def contacts(self, text):
        path = os.path.join(self.dir, "contacts.csv")
        write(path, ("match,contact,name\n" + text).encode())
        return self.case.rows("contacts", "import", "--source", "operator", path)

    def seen(self, *rows):
        self.n += 1
        path = os.path.join(self.dir, "feed-%d.csv" % self.n)
        write(path, feed_text(rows).encode())
        result = self.case.rows("import", path)[0]
        if (result["events"], result["rejected"]) != (len(rows), 0):
            ok(False, "feed %d: %r" % (self.n, result))

    def drafts(self, at, *more):
        self.out = os.path.join(self.dir, "drafts-" + re.sub(r"\W", "", at) + str(len(more)))
        rows = self.case.rows("cleanup", "draft", "--at", at, "--output", self.out, *more)
        return {(r["contact"], r["channel"]): r for r in rows}

    def queue(self, at):
        result = self.case.ebb("cleanup", "send", "--queue-only", "--at", at)
        if result.code:
            ok(False, "queue at %s: %s" % (at, result.err))


def told(row):
    return (row["new"], row["returning"], row["gone"], row["still"]) if row else None


def addresses_in(path):
    with open(path, "rb") as f:
        mail = email.message_from_bytes(f.read(), policy=email.policy.default)
    text = "".join(p.get_content() for p in mail.walk() if p.get_content_type().startswith("text/"))
    return set(re.findall(r"\b(?:5\.1\.\d+\.\d+|5\.2\.\d+\.\d+)\b", text)), mail


# what an address is told as, over three weeks of one network's life
w = World()
w.contacts("5.1.0.0/16,abuse@one.example,One\n5.2.0.0/16,abuse@two.example,Two\n")
w.seen(contact_row("5.1.0.1", "2024-03-01", 1111), contact_row("5.1.0.2", "2024-03-01"),
       contact_row("5.2.0.1", "2024-03-01"), contact_row("5.3.0.1", "2024-03-01"))
d = w.drafts("2024-03-02T00:00:00Z")
equal(told(d.get(("abuse@one.example", "mail"))), (2, 0, 0, 0), "the first report has what is there")
equal(told(d.get(("abuse@two.example", "mail"))), (1, 0, 0, 0), "a network is told of its own addresses")
equal(len(d), 2, "who has no contact is not guessed")
found, mail = addresses_in(d["abuse@one.example", "mail"]["file"])
equal(found, {"5.1.0.1", "5.1.0.2"}, "the mail names them, and nobody else's")
equal((mail["to"], mail["auto-submitted"]), ("abuse@one.example", "auto-generated"), "it is to the contact, and says that no person wrote it")
ok("sinkhole@cert.example" in mail["from"], "and from whom")
queue = w.case.rows("contacts", "queue")
equal(sum(r["addresses"] for r in queue), 1, "who has none is in the queue")

w.queue("2024-03-02T00:00:00Z")
reports = w.case.rows("cleanup", "status", "--reports")
equal(sorted((r["contact"], r["state"]) for r in reports), [("abuse@one.example", "queued"), ("abuse@two.example", "queued")], "queued")
blob = w.case.ebb("blob", "get", reports[0]["sha256"])
ok(blob.code == 0 and "Message-ID: <%s>" % reports[0]["message_id"] in blob.out, "the exact bytes are kept under their digest")
equal(w.drafts("2024-03-02T01:00:00Z"), {}, "the same is not told twice")
equal(w.drafts("2024-03-02T01:00:00Z", "--all"), {}, "not even when asked for what is not due")

w.seen(contact_row("5.1.0.1", "2024-03-05"), contact_row("5.1.0.1", "2024-03-08"), contact_row("5.1.0.3", "2024-03-08"))
equal(w.drafts("2024-03-05T12:00:00Z"), {}, "before its time nothing is due")
d = w.drafts("2024-03-09T00:00:00Z")
equal(told(d.get(("abuse@one.example", "mail"))), (1, 0, 1, 1), "a week later: one new, one gone, one as before")
equal(told(d.get(("abuse@two.example", "mail"))), (0, 0, 1, 0), "that all are gone is told, too")
found, mail = addresses_in(d["abuse@one.example", "mail"]["file"])
ok({"5.1.0.2", "5.1.0.3"} <= found and "5.1.0.1" not in found, "what was told is not listed again")
w.queue("2024-03-09T00:00:00Z")
w.seen(contact_row("5.1.0.2", "2024-03-14"), contact_row("5.1.0.1", "2024-03-10"), contact_row("5.1.0.4", "2024-03-10"))
d = w.drafts("2024-03-16T00:00:00Z")
equal(told(d.get(("abuse@one.example", "mail"))), (0, 1, 1, 0),
      "a week on: one is back; one is gone; what came and went in between is not told")
equal(("abuse@two.example", "mail") in d, False, "gone is told once")
w.case.verifies("the log verifies")

# a network's own ways
w = World("""  networks:
    - {match: "abuse@one.example", format: text, language: de, cadence_days: 1, allow: [5.1.9.0/24], escalate: "team@cert.example", escalate_after: 1}
    - {match: 5.2.0.0/16, contact: "security@two.example", format: stix}
    - {match: "@three.example", silent: true}
""")
w.contacts("5.1.0.0/16,abuse@one.example,One\n5.2.0.0/16,abuse@two.example,Two\n5.3.0.0/16,abuse@three.example,Three\n")
w.seen(contact_row("5.1.0.1", "2024-03-01"), contact_row("5.1.9.1", "2024-03-01"), contact_row("5.2.0.1", "2024-03-01"),
       contact_row("5.3.0.1", "2024-03-01"))
d = w.drafts("2024-03-02T00:00:00Z")
equal(set(d), {("abuse@one.example", "mail"), ("security@two.example", "mail")}, "silent is silent; a contact of the operator's own")
equal((d["abuse@one.example", "mail"]["format"], d["abuse@one.example", "mail"]["language"]), ("text", "de"), "format and language")
equal(told(d["abuse@one.example", "mail"]), (1, 0, 0, 0), "what is on the allow-list is not told")
equal(d["security@two.example", "mail"]["format"], "stix", "by prefix, too")
w.queue("2024-03-02T00:00:00Z")
w.seen(contact_row("5.1.0.5", "2024-03-02", hour=18), contact_row("5.1.0.1", "2024-03-02", hour=18))
d = w.drafts("2024-03-03T00:00:00Z")
equal(set(d), {("abuse@one.example", "mail"), ("team@cert.example", "escalation")}, "a daily report, and its copy to whom it is escalated")
equal(told(d["team@cert.example", "escalation"]), (1, 0, 0, 1), "the copy says the same")
w.queue("2024-03-03T00:00:00Z")
w.seen(contact_row("5.1.0.6", "2024-03-03", hour=18), contact_row("5.1.0.5", "2024-03-03", hour=18))
d = w.drafts("2024-03-04T00:00:00Z")
equal(told(d.get(("abuse@one.example", "mail"))), (1, 0, 0, 1), "a copy does not count as telling the network")

# dead contacts and those held back
w = World()
w.contacts("".join("5.1.%d.0/24,abuse@isp%d.example,ISP %d\n" % (i, i, i) for i in range(40)))
w.seen(*[contact_row("5.1.%d.1" % i, "2024-03-01") for i in range(40)])
equal(w.case.ebb("cleanup", "contact", "abuse@isp0.example", "--as", "dead", "--why", "they said so").code, 0, "a contact is dead")
trial = w.case.rows("cleanup", "trial", "first", "--percent", "25", "--seed", "s", "--from", "2024-03-01T12:00:00Z",
                    "--until", "2024-03-20T00:00:00Z")
equal((trial[0]["contacts"], trial[0]["controls"]), (39, 10), "a quarter of those that can be told is held back")
arms = {r["contact"]: r["arm"] for r in w.case.rows("cleanup", "trial", "first", "--arms")}
controls = {k for k, v in arms.items() if v == "control"}
equal((len(arms), len(controls)), (39, 10), "each contact has an arm")
again = w.case.ebb("cleanup", "trial", "first")
ok(again.code == 1 and "there is such a trial" in again.err, "a trial's name is used once")
second = w.case.ebb("cleanup", "trial", "second", "--from", "2024-03-10T00:00:00Z")
ok(second.code == 1 and "is running" in second.err, "and one runs at a time")
d = w.drafts("2024-03-02T00:00:00Z")
equal({k for k, _ in d}, set(arms) - controls, "controls and dead contacts are not told")
w.queue("2024-03-02T00:00:00Z")
equal({r["trial"] for r in w.case.rows("cleanup", "status", "--reports")}, {"first"}, "each report names its trial")
w.seen(*[contact_row("5.1.%d.1" % i, "2024-03-20") for i in range(40)])
d = w.drafts("2024-03-21T00:00:00Z")
ok(controls <= {k for k, _ in d}, "when the trial is over, they are told, too")
acts = [a for a in w.case.rows("log", "acts", "--kind", "trial_begun")]
equal((len(acts), acts[0].get("seed")), (1, "s"), "the draw is on the log, with its seed")
other = World()
other.contacts("".join("5.1.%d.0/24,abuse@isp%d.example,ISP %d\n" % (i, i, i) for i in range(1, 40)))
other.seen(*[contact_row("5.1.%d.1" % i, "2024-03-01") for i in range(1, 40)])
other.case.rows("cleanup", "trial", "first", "--percent", "25", "--seed", "s", "--from", "2024-03-01T12:00:00Z")
equal({r["contact"]: r["arm"] for r in other.case.rows("cleanup", "trial", "first", "--arms")}, arms, "and can be repeated from it")

# scanners and what a person overruled are not told of
w = World()
w.contacts("5.1.0.0/16,abuse@one.example,One\n")
w.seen(contact_row("5.1.0.1", "2024-03-01"), contact_row("5.1.0.2", "2024-03-01"))
w.case.ebb("census", "overrule", "5.1.0.2", "--role", "researcher", "--why", "our own")
equal(told(w.drafts("2024-03-02T00:00:00Z").get(("abuse@one.example", "mail"))), (1, 0, 0, 0), "a researcher's address is no infection")

# nothing goes out before a person turned it on
w = World(sending=False)
w.contacts("5.1.0.0/16,abuse@one.example,One\n")
w.seen(contact_row("5.1.0.1", "2024-03-01"))
refused = w.case.ebb("cleanup", "send")
ok(refused.code == 2 and "sending" in refused.err, "nothing is sent before ebb.yaml says so")
equal(w.case.rows("cleanup", "status", "--reports"), [], "nor queued")

# more rows than a mail takes
w = World()
w.contacts("5.1.0.0/16,abuse@one.example,One\n")
w.seen(*[contact_row("5.1.%d.%d" % (i // 200, 1 + i % 200), "2024-03-01") for i in range(120)])
out = os.path.join(w.dir, "parts")
rows = w.case.rows("cleanup", "draft", "--format", "arf", "--at", "2024-03-02T00:00:00Z", "--output", out)
equal([(r["part"], r["parts"], r["new"]) for r in rows], [(1, 3, 50), (2, 3, 50), (3, 3, 20)], "ARF: fifty rows a mail")
equal(len(glob.glob(os.path.join(out, "*.eml"))), 3, "each a file")
equal(len({r["message_id"] for r in rows}), 3, "and a Message-ID of its own")
done()
