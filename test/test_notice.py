"""The notice campaign: order first, words in two languages, mail out and back, post, web, a run in print with
gaps, dates in court, and a proof of service of which every word is held against the log."""
import email
import email.policy
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import time

from ebbtest import Case, EBB, ROOT, done, equal, folder, ok, run, skip, write
from people import people
from sinkhole import Sinkhole
from smarthost import Smarthost

WORDS = os.path.join(ROOT, "rules", "notice")
DAY = 86400


def day(n):
    """The date n days from today."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * DAY))


def config(server, sending="true"):
    return ("cleanup:\n  sending: %s\n  from: {org: Example Legal, name: Example Counsel, mail: notice@ebb.example, "
            "domain: ebb.example, page: 'https://notice.example/case', phone: '+1 555 0100'}\n"
            "  smarthost: {host: 127.0.0.1, port: %d, tls: none, sender: bounces@ebb.example}\n"
            "  per_minute: 1000000\n  per_contact_day: 1000\n" % (sending, server.port))


host = Smarthost()
case = Case()
write(os.path.join(case.path, "ebb.yaml"), config(host))
who = people(case, carla="custodian", rita="operator", colin="counsel", audrey="auditor")


def log_size():
    return case.rows("status")[0]["log_size"]


def must(person, *args):
    result = who[person].ebb(case, *args, "--json")
    if result.code:
        ok(False, "%s: %s" % (" ".join(map(str, args)), result.err.strip()))
        return [{}]
    return result.rows()


def refused(name, words, person, *args, code=1):
    """Fails in one line with these words, and nothing is on the log."""
    before = log_size()
    result = who[person].ebb(case, *args) if person else case.ebb(*args)
    good = result.code == code and words in result.err and \
        len([line for line in result.err.splitlines() if not line.startswith("ebb: warning")]) == 1 and \
        log_size() == before
    if not ok(good, name):
        print("#   %d %s" % (result.code, result.err.strip()))


def acts(kind=None):
    return [json.loads(line) for line in case.ebb("log", "acts", *(["--kind", kind] if kind else [])).out.splitlines()]


def status(*args):
    result = case.ebb("notice", "status", *args, "--json")
    if result.code:
        ok(False, "notice status: %d %s" % (result.code, result.err))
    return result.rows(), result.err


def blob(sha256):
    return subprocess.run([EBB, "-C", case.path, "blob", "get", sha256], capture_output=True).stdout


def test_order_first():
    refused("no order, no party", "no such order", "rita", "notice", "party", "add", "Host One", "--order", "order-1")
    document = write(os.path.join(folder(), "order.pdf"), b"%PDF-1.4 an order\n")
    must("colin", "case", "order", "add", "--id", "order-1", "--court", "District Court of Example", "--docket",
         "2:11-cv-00222", "--from", day(-60), "--until", day(100), "--document", document, "--scope",
         "seizure and notice")
    must("colin", "case", "order", "add", "--id", "old", "--from", day(-90), "--until", day(-30))
    must("colin", "case", "order", "add", "--id", "later", "--from", day(5))
    must("colin", "case", "order", "add", "--id", "shut", "--from", day(-50))
    must("rita", "case", "asset", "add", "alpha.example", "*.bravo.example", "192.0.2.17", "--order", "order-1")
    must("rita", "case", "asset", "add", "sierra.example", "--order", "shut")
    refused("an order that is over", "expired", "rita", "notice", "party", "add", "x", "--order", "old")
    must("rita", "notice", "party", "add", "Planned Host", "--order", "later")
    must("rita", "notice", "party", "add", "Shut Host", "--order", "shut")
    must("colin", "case", "order", "close", "shut", "--why", "over")
    for kind in ("mail", "post", "messenger"):
        must("rita", "notice", "contact", "add", "Planned Host", "--channel", kind, "--address", "a@planned.example",
             "--found", "whois")
        must("rita", "notice", "contact", "add", "Shut Host", "--channel", kind, "--address", "a@shut.example",
             "--found", "whois")


def test_templates():
    place = folder()

    def template(name, text):
        return write(os.path.join(place, name), text)
    add = ("notice", "template", "add")
    for form in ("txt", "html", "advertisement"):
        must("colin", *add, os.path.join(WORDS, "notice.en." + form), "--name", "notice", "--language", "en")
        must("colin", *add, os.path.join(WORDS, "notice.ru." + form), "--language", "ru", "--translation-of",
             "notice", "--translator", "T. Example, sworn translator")
    rows = acts("notice_template")
    equal([(r["name"], r["form"], r["language"], bool(r.get("original")), "translator" in r) for r in rows],
          [("notice", f, l, l == "ru", l == "ru") for f in ("text", "html", "advertisement") for l in ("en", "ru")],
          "templates: a name, three forms, two languages; a translation names its original and who made it")
    equal([hashlib.sha256(blob(r["sha256"])).hexdigest() for r in rows], [r["sha256"] for r in rows],
          "and their files are kept")
    bad = [("t.txt", "one\n{{nonsense}}\n", "line 2: there is no {{nonsense}}"),
           ("t.txt", "{{party\n", "line 1: {{ without }}"), ("t.txt", "a }} b\n", "line 1: }} without {{"),
           ("t.txt", "{{assets}} {{assets}}\n", "line 1: more than one list"), ("t.txt", "\n \n", "empty"),
           ("t.txt", b"a\n\xff\n", "UTF-8"), ("t.txt", b"a\0b\n", "UTF-8"), ("t.txt", "a\n\x1b[2J\n", "line 2: a control"),
           ("t.txt", "a\u202eb\n", "forces direction"), ("t.html", "<p>\n<SCRIPT>x</SCRIPT>\n", "line 2: a notice has no"),
           ("t.txt", "x" * 300000, "over"), ("t.advertisement", "[frame] x\ny\n", "line 1: a part is"),
           ("t.advertisement", "[words]\na\n" * 13, "more than 12 parts")]
    for file, text, words in bad:
        refused("no template: " + words, words if words != "over" else "t.txt", "colin", *add, template(file, text),
                "--name", "t", "--language", "en")
    good = template("good.txt", "good\n")
    refused("no language", "--language", "colin", *add, good, "--name", "t", code=2)
    refused("a language that is none", "--language", "colin", *add, good, "--name", "t", "--language", "e n", code=2)
    refused("no name", "--name", "colin", *add, good, "--language", "en", code=2)
    refused("a form that is none", "--form", "colin", *add, good, "--form", "x", "--name", "t", "--language", "en", code=2)
    refused("a translation without translator", "--translator", "colin", *add, good, "--language", "de",
            "--translation-of", "notice", code=2)
    refused("a translation of nothing", "no such text template", "colin", *add, good, "--language", "de",
            "--translation-of", "none", "--translator", "x")
    refused("a translation into its own language", "in that language", "colin", *add, good, "--language", "en",
            "--translation-of", "notice", "--translator", "x", code=2)
    refused("a translator's name that reorders", "--translator", "colin", *add, good, "--language", "de",
            "--translation-of", "notice", "--translator", "a\u202eb", code=2)


def test_parties():
    add = ("notice", "party", "add")
    assets = {r["name"]: r["index"] for r in case.rows("case", "asset", "list")}
    must("rita", *add, "Host One", "--order", "order-1", "--note", "rents the servers")
    must("rita", *add, "ООО «Хост Два»", "--order", "order-1", "--language", "ru", "--assets",
         str(assets["alpha.example"]))
    must("rita", *add, "Host Three", "--order", "order-1", "--language", "de")
    must("rita", *add, "Nobody Reached", "--order", "order-1")
    must("rita", *add, "Told In Print Alone", "--order", "order-1")
    refused("a party twice", "is there already", "rita", *add, "Host One", "--order", "order-1")
    refused("an asset of another order", "no asset of that order", "rita", *add, "x", "--order", "order-1",
            "--assets", str(assets["sierra.example"]), code=2)
    refused("assets that are no entries", "--assets", "rita", *add, "x", "--order", "order-1", "--assets", "a b", code=2)
    for bad in ("a\nb", "a\u202eb", "a\u200bb", "x" * 201, "  ", "12", "a\udcffb"):
        refused("no name: %.10r" % bad, "notice party add", "rita", *add, bad, "--order", "order-1", code=2)
    refused("a subject that is not there", "no such subject", "rita", *add, "x", "--order", "order-1", "--subject", "y")
    refused("an auditor does nothing", "audrey", "audrey", *add, "x", "--order", "order-1")
    refused("nor does nobody", "account", None, *add, "x", "--order", "order-1")
    add = ("notice", "contact", "add")
    whois = write(os.path.join(folder(), "whois.txt"), b"registrant: host one\n")
    must("rita", *add, "Host One", "--channel", "mail", "--address", "bounces@one.example", "--found",
         "registrant's mail in WHOIS", "--document", whois, "--entries", "0-3 5")
    must("rita", *add, "Host One", "--channel", "mail", "--address", "second@one.example", "--found", "their web page")
    must("rita", *add, "Host One", "--channel", "post", "--address", "1 Example Street, Example City", "--found", "WHOIS")
    must("rita", *add, "ООО «Хост Два»", "--channel", "mail", "--address", "owner@two.example", "--found", "договор")
    must("rita", *add, "Host Three", "--channel", "mail", "--address", "three@three.example", "--found", "RDAP")
    must("rita", *add, "Host Three", "--channel", "web", "--address", "https://notice.example/three", "--found", "ours")
    must("rita", *add, "Host Three", "--channel", "messenger", "--address", "icq 555", "--found", "forum")
    bad = [(["--channel", "pigeon"], "--channel"), (["--address", "no address"], "--address: not a mail"),
           (["--address", "a@b\r\nBcc: x@y.example"], "--address"), (["--found", "a\x07b"], "--found"),
           (["--found", ""], "--found"), (["--entries", "999999999"], "not on the log"),
           (["--entries", "9-3"], "ends before"), (["--entries", "1;2"], "--entries"), (["--document", "/none"], "/none")]
    for more, words in bad:
        plain = {"--channel": "mail", "--address": "new@one.example", "--found": "x"}
        plain.update(dict(zip(more[::2], more[1::2])))
        refused("no contact: %s" % words, words, "rita", *add, "Host One", *[x for p in plain.items() for x in p],
                code=1 if more[0] == "--document" else 2)
    refused("a contact twice", "there already", "rita", *add, "Host One", "--channel", "mail", "--address",
            "BOUNCES@one.example", "--found", "x")
    refused("a contact of nobody", "no such party", "rita", *add, "Nemo", "--channel", "mail", "--address",
            "a@b.example", "--found", "x")


def test_send_needs():
    send = ("notice", "send", "--template", "notice")
    refused("a hole in the words", "{{deadline}} is not known", "rita", *send)
    must("colin", "notice", "hearing", "order-1", "--when", day(40) + "T17:00:00Z", "--deadline", day(35), "--place",
         "Courtroom 1, 700 Example Street")
    refused("an order that is planned", "planned", "rita", *send, "--party", "Planned Host")
    refused("an order that is closed", "closed", "rita", *send, "--party", "Shut Host")
    refused("none but those", "planned", "rita", *send, "--order", "later")
    refused("no such template", "no text template", "rita", "notice", "send", "--template", "nothing")
    refused("no template", "--template", "rita", "notice", "send", code=2)
    refused("no such party", "no such party", "rita", *send, "--party", "Nemo")
    refused("an auditor sends nothing", "audrey", "audrey", *send)
    for channel in ("post", "messenger"):
        refused("nothing by %s either" % channel, "closed", "rita", "notice", "serve", "Shut Host", "--channel",
                channel, "--template", "notice")
        refused("nor before the order by " + channel, "planned", "rita", "notice", "serve", "Planned Host",
                "--channel", channel, "--template", "notice")
    refused("served before the order", "holds only from", "rita", "notice", "serve", "Host One", "--channel", "post",
            "--template", "notice", "--when", day(-70))
    write(os.path.join(case.path, "ebb.yaml"), config(host, "false"))
    refused("sending is off", "sending is off", "rita", *send, code=2)
    write(os.path.join(case.path, "ebb.yaml"), config(host))
    equal((host.connections, acts("notice")), (0, []), "nothing went out, nothing is on record")


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static long from_env(const char *name)
{
    return getenv(name) ? atol(getenv(name)) : 0;
}
int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, ts);
    if (id == CLOCK_REALTIME)
        ts->tv_sec -= from_env("EBB_TEST_BACK");
    return rc;
}
static int synced(const char *name, int fd)
{
    static long n;
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int rc = real(fd);
    if (++n == from_env("EBB_TEST_KILL"))
        kill(getpid(), SIGKILL);
    return rc;
}
int fsync(int fd)
{
    return synced("fsync", fd);
}
int fdatasync(int fd)
{
    return synced("fdatasync", fd);
}
"""
shim = None


def with_shim(person, **more):
    """The environment of somebody whose clock is set back, or who is killed behind a sync; None: not here."""
    global shim
    if shim is None:
        place = folder()
        path = os.path.join(place, "shim.so")
        built = subprocess.run(["cc", "-shared", "-fPIC", "-o", path, write(os.path.join(place, "shim.c"), SHIM), "-ldl"],
                               capture_output=True)
        good = built.returncode == 0 and run(EBB, "--help", env=dict(os.environ, LD_PRELOAD=path)).code == 0
        shim = path if good else ""
    return dict(who[person].env, LD_PRELOAD=shim, **more) if shim else None


def test_clock():
    """The clock is set back to before the order was put on record."""
    env = with_shim("rita", EBB_TEST_BACK="3600")
    if not env:
        skip("a clock before the order", "no preloaded clock here")
        return
    before = log_size()
    for args in (("send", "--template", "notice", "--party", "Host One"),
                 ("serve", "Host One", "--channel", "post", "--template", "notice", "--when", day(0)),
                 ("publish", "x", "--order", "order-1", "--template", "notice", "--place", "x", "--from", day(1))):
        result = case.ebb("notice", *args, env=env)
        ok(result.code == 1 and "the clock" in result.err and "put on record" in result.err and log_size() == before,
           "%s by a clock before the order: refused" % args[0])


def read_mail(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def test_draft():
    before = log_size()
    rows = case.rows("notice", "draft", "--template", "notice", "--order", "order-1")
    equal([(r["party"], r["channel"], r["address"], r["language"]) for r in rows],
          [("Host One", "mail", "bounces@one.example", "en"), ("ООО «Хост Два»", "mail", "owner@two.example", "ru"),
           ("Host Three", "mail", "three@three.example", "en"), ("", "publication", "quarter-page", "en"),
           ("", "publication", "quarter-page", "ru")], "drafts: in each party's language, or the original's")
    equal(log_size(), before, "nothing is on the log for it")
    mail = read_mail(open(rows[0]["file"], "rb").read())
    parts = [p.get_content_type() for p in mail.walk()]
    equal(parts, ["multipart/alternative", "text/plain", "text/html"], "text and HTML")
    text, html = (mail.get_body((k,)).get_content().replace("\r", "") for k in ("plain", "html"))
    ok(all(x in text for x in ("  alpha.example\n  *.bravo.example\n  192.0.2.17\n", "Host One", "2:11-cv-00222",
                               "Courtroom 1", "https://notice.example/case")), "the text is filled, a line an asset")
    equal(html.count("<li>"), 6, "and the HTML, too")
    ok(rows[3]["file"].endswith(".pdf") and open(rows[3]["file"], "rb").read(5) == b"%PDF-", "a PDF for newspapers")
    where = folder()
    write(os.path.join(where, "x"), b"")
    result = case.ebb("notice", "draft", "--template", "notice", "--order", "order-1", "--output", where)
    ok(result.code == 1 and "not empty" in result.err, "somebody else's folder is left alone")


def test_mail():
    result = who["rita"].ebb(case, "notice", "send", "--template", "notice", "--order", "order-1", "--json")
    equal((result.code, [(r["contact"], r["result"]) for r in result.rows()]),
          (0, [("bounces@one.example", "sent"), ("owner@two.example", "sent"), ("three@three.example", "sent")]),
          "three notices by mail")
    ok("no text in de: the original in en" in result.err, "a language without a translation is warned about")
    ok("2 parties have no contact by mail" in result.err, "and who cannot be reached is counted")
    notices, queued = acts("notice"), acts("report_queued")
    equal([(n["message_id"], n["sha256"], n["account"]) for n in notices],
          [(q["message_id"], q["sha256"], q["account"]) for q in queued], "NOTICE and REPORT_QUEUED say the same")
    ok(all(n["index"] < q["index"] for n, q in zip(notices, queued)), "the notice first")
    equal([hashlib.sha256(data).hexdigest() for _, data in host.taken], [n["sha256"] for n in notices],
          "the exact bytes were sent")
    russian = read_mail(host.taken[1][1])
    ok("Судебное извещение" in russian["Subject"] and "июн" not in russian["Subject"] and
       "sworn translator" in russian.get_body(("plain",)).get_content(), "the Russian one, with its translator")
    equal(russian.get_body(("plain",)).get_content().count("alpha.example"), 1, "and that party's own assets")
    ok("bravo" not in russian.get_body(("plain",)).get_content(), "no others")
    result = who["rita"].ebb(case, "notice", "send", "--template", "notice", "--order", "order-1")
    ok(result.code == 0 and len(host.taken) == 3 and "3 parties had it already" in result.err, "nobody gets it twice")
    rows, _ = status("--notices")
    equal([(r["party"], r["state"], r["account"]) for r in rows],
          [("Host One", "sent", "rita"), ("ООО «Хост Два»", "sent", "rita"), ("Host Three", "sent", "rita")], "status")
    reports = case.rows("cleanup", "status", "--reports")
    equal([r["channel"] for r in reports], ["notice"] * 3, "the abuse desk sees the mails")
    equal([(r["reports"], r["sent"]) for r in case.rows("cleanup", "status", "--contacts")], [(0, 0)] * 3,
          "but they are nobody's abuse reports")


def test_returns():
    box = os.path.join(folder(), "box")
    for d in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(box, d))
    ids = [n["message_id"] for n in acts("notice")]
    bounce = ("From: MAILER-DAEMON@one.example\r\nTo: bounces@ebb.example\r\nSubject: Undelivered\r\n"
              "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\nMIME-Version: 1.0\r\n\r\n"
              "--b\r\n\r\nno such user\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
              "Reporting-MTA: dns; one.example\r\n\r\nFinal-Recipient: rfc822; bounces@one.example\r\nAction: failed\r\n"
              "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n--b\r\n"
              "Content-Type: message/rfc822\r\n\r\nMessage-ID: <%s>\r\nSubject: x\r\n\r\nx\r\n--b--\r\n" % ids[0])
    reply = ("From: owner@two.example\r\nTo: notice@ebb.example\r\nSubject: Re: notice\r\nIn-Reply-To: <%s>\r\n"
             "Message-ID: <r@two.example>\r\n\r\nWe have read it.\r\n" % ids[1])
    write(os.path.join(box, "new", "1"), bounce)
    write(os.path.join(box, "new", "2"), reply)
    equal([(r["contact"], r["what"]) for r in case.rows("cleanup", "returns", box)],
          [("bounces@one.example", "bounce"), ("owner@two.example", "reply")], "a bounce and a reply come back")
    rows, err = status("--notices")
    equal([r["state"] for r in rows], ["bounced", "replied", "sent"], "and are in the status")
    ok("Host One: notice %d bounced, and there was no other try since; next: mail second@one.example" % rows[0]["index"]
       in err, "what bounced suggests the party's next contact")
    ok("Nobody Reached: has had no notice" in err, "who had none is named")
    result = who["colin"].ebb(case, "notice", "send", "--template", "notice", "--order", "order-1", "--json")
    equal([(r["contact"], r["result"]) for r in result.rows()], [("second@one.example", "sent")],
          "the next send goes there, also by counsel")
    equal(acts("report_queued")[-1].get("account"), None, "whose notice is signed, and the courier's act is not")
    ok("bounced" not in status()[1], "no warning any more")


def test_queue_only():
    before = len(host.taken)
    must("rita", "notice", "party", "add", "Queue Host", "--order", "order-1")
    must("rita", "notice", "contact", "add", "Queue Host", "--channel", "mail", "--address", "q@queue.example",
         "--found", "WHOIS")
    send = ("notice", "send", "--template", "notice", "--party", "Queue Host")
    result = who["rita"].ebb(case, *send, "--queue-only")
    equal((result.code, len(host.taken)), (0, before), "queued only: not sent yet")
    equal([r["state"] for r in status("--party", "Queue Host", "--notices")[0]], ["queued"], "by the status, too")
    equal([r["result"] for r in who["rita"].ebb(case, *send, "--json").rows()], ["sent"], "a later call sends it")
    equal(len(host.taken), before + 1, "once")


def test_crash():
    """Killed behind each sync in turn: no notice is lost, none goes out twice."""
    if not with_shim("rita"):
        skip("killed behind each sync", "no preloaded sync here")
        return
    left = 0
    for n in range(1, 13):
        name, address = "Crash Host %d" % n, "c%d@crash.example" % n
        must("rita", "notice", "party", "add", name, "--order", "order-1")
        must("rita", "notice", "contact", "add", name, "--channel", "mail", "--address", address, "--found", "WHOIS")
        env = with_shim("rita", EBB_TEST_KILL=str(n))
        killed = case.ebb("notice", "send", "--template", "notice", "--party", name, env=env)
        made = [a for a in acts("notice") if a["party"] == acts("party")[-1]["index"]]
        left += len(made) == 1 and made[0]["message_id"] not in [q["message_id"] for q in acts("report_queued")]
        again = who["rita"].ebb(case, "notice", "send", "--template", "notice", "--party", name)
        if again.code or killed.code not in (0, -9):
            ok(False, "killed behind sync %d: %s" % (n, again.err))
        rows = status("--party", name, "--notices")[0]
        equal(([r["state"] for r in rows], [c for c, _ in host.taken].count(address)), (["sent"], 1),
              "killed behind sync %d: one notice, sent once" % n)
    ok(left > 0, "some were killed between the notice and its mail")
    ours = [q["message_id"] for q in acts("report_queued")]
    equal(len(ours), len(set(ours)), "no Message-ID twice")


def test_daemon():
    """With `ebb serve`: a command records and queues, the daemon's courier sends."""
    hole = Sinkhole(listen={"dns": ("dns", "")})
    with open(os.path.join(hole.path, "ebb.yaml"), "a") as f:
        f.write(config(host))
    roles = people(hole, rita="custodian operator counsel")
    rita = roles["rita"]
    before = len(host.taken)
    for args in (("case", "order", "add", "--id", "o", "--court", "C", "--docket", "1", "--from", day(-3)),
                 ("case", "asset", "add", "xray.example", "--order", "o"),
                 ("notice", "template", "add", write(os.path.join(folder(), "n.txt"), "To {{party}}: {{docket}}\n"),
                  "--name", "n", "--language", "en")):
        rita.rows(hole, *args)
    hole.start()
    for i in range(3):
        rita.rows(hole, "notice", "party", "add", "P%d" % i, "--order", "o")
        rita.rows(hole, "notice", "contact", "add", "P%d" % i, "--channel", "mail", "--address", "p%d@d.example" % i,
                  "--found", "x")
    result = rita.ebb(hole, "notice", "send", "--template", "n")
    ok(result.code == 0 and "3 notices recorded, 3 queued" in result.err and "it sends" in result.err,
       "a command records and queues, and leaves the sending to the daemon")
    end = time.monotonic() + 30
    while len(host.taken) < before + 3 and time.monotonic() < end:
        time.sleep(0.05)
    equal(sorted(c for c, _ in host.taken[before:]), ["p%d@d.example" % i for i in range(3)], "which sends them")
    data = read_mail(host.taken[before][1])
    equal((data.get_content_type(), data["Subject"]), ("text/plain", "n"), "a notice without HTML or subject is a text")
    equal(hole.stop(), 0, "it stops")
    equal([r["state"] for r in hole.rows("notice", "status", "--notices")], ["sent"] * 3, "and all are sent, by the log")
    hole.verifies("its log verifies")


def test_serve():
    place = folder()
    paper = os.path.join(place, "letter.pdf")
    row, = must("rita", "notice", "serve", "Host One", "--channel", "post", "--template", "notice", "--output", paper,
                "--note", "registered letter RR123")
    data = open(paper, "rb").read()
    equal((hashlib.sha256(data).hexdigest(), data[:5]), (row["sha256"], b"%PDF-"), "a letter, its bytes on record")
    ok("Courtroom 1" in subprocess.run(["pdftotext", "-layout", paper, "-"], capture_output=True, text=True).stdout,
       "with the filled words")
    must("rita", "notice", "serve", "Host Three", "--channel", "web", "--template", "notice", "--when", day(-1))
    must("rita", "notice", "serve", "Host Three", "--channel", "messenger", "--template", "notice")
    given = write(os.path.join(place, "given.pdf"), b"%PDF-1.4 given\n")
    must("rita", "notice", "contact", "add", "Nobody Reached", "--channel", "court", "--address",
         "marshal of the court", "--found", "the court's rules")
    must("rita", "notice", "serve", "Nobody Reached", "--channel", "court", "--file", given)
    served = acts("notice")[-4:]
    equal([(n["channel"], n["media"]) for n in served],
          [("post", "application/pdf"), ("web", "text/html"), ("messenger", "text/plain"), ("court", "application/pdf")],
          "by post, web, messenger, court")
    ok(b"<li>alpha.example</li>" in blob(served[1]["sha256"]), "the page as HTML")
    equal([r["what"] for r in acts("notice_result")[-4:]], ["posted", "posted", "sent", "served"], "with what came of it")
    receipt = write(os.path.join(place, "receipt.png"), b"\x89PNG receipt\n")
    must("rita", "notice", "result", str(served[0]["index"]), "--what", "delivered", "--document", receipt)
    equal(blob(acts("notice_result")[-1]["sha256"]), b"\x89PNG receipt\n", "its receipt is kept")
    serve = ("notice", "serve", "Host One", "--channel", "post")
    refused("no bytes", "--template or --file", "rita", *serve, code=2)
    refused("both", "--template or --file", "rita", *serve, "--template", "notice", "--file", given, code=2)
    refused("to come", "is to come", "rita", *serve, "--template", "notice", "--when", day(3), code=2)
    refused("an address that is none of theirs", "no such contact", "rita", *serve, "--template", "notice",
            "--address", "elsewhere")
    refused("a channel that they have not", "no such contact", "rita", "notice", "serve", "Host One", "--channel",
            "web", "--template", "notice")
    refused("mail is sent, not served", "--channel", "rita", "notice", "serve", "Host One", "--channel", "mail",
            "--template", "notice", code=2)
    refused("a result of nothing", "no such notice", "rita", "notice", "result", "1", "--what", "delivered")
    refused("a result that is none", "--what", "rita", "notice", "result", "1", "--what", "eaten", code=2)


def test_print():
    place = folder()
    pdf = os.path.join(place, "ad.pdf")
    publish = ("notice", "publish", "Example Times", "--order", "order-1", "--template", "notice", "--place", "Example City")
    run_, = must("rita", *publish, "--from", day(-20), "--output", pdf, "--language", "ru")
    equal((run_["days"], run_["first"], run_["last"]), (30, day(-20), day(9)), "a run of 30 days")
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True).stdout
    ok("СУДЕБНОЕ ИЗВЕЩЕНИЕ" in text and "alpha.example" in text, "its page, in Russian")
    equal(hashlib.sha256(open(pdf, "rb").read()).hexdigest(), acts("publication")[-1]["sha256"], "whose bytes are kept")
    run_ = str(run_["index"])
    insertion = ("notice", "insertion", run_)
    clipping = write(os.path.join(place, "clip.png"), b"\x89PNG a page\n")
    for n in range(-20, -3):
        if n in (-12, -11):
            continue
        must("rita", *insertion, "--planned", day(n), "--what", "published", "--page", "A7", "--document", clipping)
    must("rita", *insertion, "--planned", day(-12), "--what", "missed", "--note", "strike")
    must("rita", *insertion, "--planned", day(-11), "--what", "missed")
    must("rita", *insertion, "--planned", day(-3), "--what", "moved", "--when", day(-2))
    must("rita", *insertion, "--planned", day(-2), "--what", "moved", "--when", day(12))
    rows, err = status("--runs")
    equal([sum(r["state"] == s for r in rows) for s in ("published", "missed", "unknown", "moved", "planned")],
          [15, 2, 2, 1, 10], "what became of each day")
    for n in (-2, -1):
        ok("run %s in Example Times: %s is over, and nobody said" % (run_, day(n)) in err, "a gap is warned of")
    ok("2 days were missed without another day instead" in err, "and days that were missed")
    ok("26 of 30 days before %s, the deadline: 4 more are needed" % day(35) in err, "and a run that will be too short")
    must("rita", *insertion, "--planned", day(-3), "--what", "published", "--when", day(-2))
    must("rita", *insertion, "--planned", day(-1), "--what", "published")
    must("rita", *insertion, "--what", "published", "--when", day(0), "--document", clipping)
    rows, err = status("--runs")
    ok("1 day was missed without another" in err and "is over" not in err, "a make-good mends one of them")
    ok("Told In Print Alone" not in err, "who is told in print has had notice")
    bad = [(["--planned", day(30), "--what", "published"], "no day of that run", 2),
           (["--planned", day(5), "--what", "published"], "is to come", 2),
           (["--planned", day(-19), "--what", "missed", "--when", day(1)], "--when", 2),
           (["--planned", day(-19), "--what", "moved"], "--when", 2),
           (["--planned", day(-19), "--what", "moved", "--when", day(-19)], "--when", 2),
           (["--what", "missed"], "--planned", 2), (["--what", "published", "--when", day(-19)], "appeared already", 1),
           (["--planned", day(-19), "--what", "published", "--when", day(-90)], "before the order", 2),
           (["--planned", day(-19), "--what", "printed"], "--what", 2), (["--planned", "x", "--what", "missed"], "--planned", 2)]
    for more, words, code in bad:
        refused("no insertion: " + " ".join(more), words, "rita", *insertion, *more, code=code)
    refused("no such run", "no such run", "rita", "notice", "insertion", "1", "--planned", day(0), "--what", "missed")
    bad = [(["--from", day(-70)], "before the order", 1), (["--from", day(1), "--days", "401"], "--days", 2),
           (["--from", day(1), "--days", "0"], "--days", 2), (["--dates", day(2) + "," + day(1)], "--dates", 2),
           (["--dates", day(2) + "," + day(2)], "--dates", 2), ([], "--from", 2), (["--from", day(1), "--size", "stamp"], "size", 2),
           (["--from", day(1), "--size", "41x41"], "too many words", 1), (["--dates", day(1), "--days", "2"], "--dates", 2)]
    for more, words, code in bad:
        refused("no run: %.60s" % " ".join(more), words, "rita", *publish, *more, code=code)
    refused("nor under an order that is closed", "closed", "rita", "notice", "publish", "x", "--order", "shut",
            "--template", "notice", "--place", "x", "--from", day(0))
    must("rita", *publish, "--dates", ",".join(day(n) for n in range(3, 12)))


def test_court():
    answer = ("notice", "answer")
    refused("default before the deadline", "deadline is not over", "colin", *answer, "Host One", "--what", "default")
    refused("default in the name of a later day", "is to come", "colin", *answer, "Host One", "--what", "default",
            "--when", day(36), code=2)
    refused("an operator records no answers", "rita", "rita", *answer, "Host One", "--what", "response")
    must("colin", *answer, "ООО «Хост Два»", "--what", "response", "--document",
         write(os.path.join(folder(), "answer.pdf"), b"%PDF-1.4 answer\n"))
    must("colin", *answer, "Host One", "--what", "extension", "--when", day(38))
    rows, _ = status()
    got = {r["party"]: (r["answer"], (r["deadline"] or "")[:10]) for r in rows}
    equal((got["ООО «Хост Два»"], got["Host One"], got["Host Three"]),
          (("response", day(35)), ("none", day(38)), ("none", day(35))), "answers and deadlines")
    refused("an extension that is none", "not after", "colin", *answer, "Host One", "--what", "extension", "--when",
            day(37), code=2)
    refused("an extension for who has answered", "has answered", "colin", *answer, "ООО «Хост Два»", "--what",
            "extension", "--when", day(50))
    # a hearing whose deadline is over
    must("colin", "notice", "hearing", "order-1", "--when", day(20), "--deadline", day(-1))
    ok("Host Three: no answer and no default on record; the deadline was on " + day(-1) in status()[1],
       "a deadline that is over is warned of")
    must("colin", *answer, "Host Three", "--what", "default")
    must("colin", *answer, "Host One", "--what", "response")
    refused("default beside a response", "there is a response", "colin", *answer, "Host One", "--what", "default")
    refused("default twice", "already", "colin", *answer, "Host Three", "--what", "default")
    refused("default of who was told nothing", "no such party", "colin", *answer, "Nemo", "--what", "default")
    refused("a hearing before the order", "before the order", "colin", "notice", "hearing", "order-1", "--when",
            day(-80), code=2)


def told(act, member):
    """A member as the affidavit tells it."""
    value = act.get(member)
    return str(value) if isinstance(value, int) else value


def check_affidavit(document, by_index, name):
    """Every fact is on the log; all that is in a line's text is its facts, or ebb's own words."""
    wrong = []
    for line in document["lines"]:
        if not line["entries"] or sorted({f["entry"] for f in line["facts"]}) != line["entries"]:
            wrong.append(("entries", line))
        for fact in line["facts"]:
            act = by_index.get(fact["entry"])
            if act is None or act["kind"] != fact["kind"]:
                wrong.append(("kind", fact, act))
            elif "value" in fact and told(act, fact["member"]) != fact["value"]:
                wrong.append(("value", fact, act))
            elif "has" in fact and fact["has"] not in str(act[fact["member"]]).split():
                wrong.append(("has", fact, act))
    if not ok(not wrong, name):
        print("#   %.1500s" % wrong[:3])


def left_over(line):
    """What of a line's text is neither a fact nor one of ebb's own words."""
    text = line["text"]
    values = sorted((f.get("value") or f.get("has") or "" for f in line["facts"]), key=len, reverse=True)
    for value in values:
        for shape in {value, re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+Z$", r"\1 \2 UTC", value),
                      re.sub(r"^(\d{4}-\d\d-\d\d)T00:00:00\.0+Z$", r"\1", value)}:
            if shape:
                text = text.replace(shape, "\0")
    return text


def test_affidavit():
    everything = {a["index"]: a for a in acts()}
    out = os.path.join(folder(), "proof")
    row, = must("colin", "notice", "affidavit", "--order", "order-1", "--declarant", "C. Example, counsel", "--output", out)
    document = json.load(open(os.path.join(out, "affidavit.json")))
    equal(sorted(os.listdir(out)), ["affidavit.json", "affidavit.pdf", "affidavit.txt", "evidence"], "what is written")
    check_affidavit(document, everything, "every line's facts are on the log, of that kind, and say that")
    notices = [a for a in everything.values() if a["kind"] == "notice"]
    sections = {}
    for line in document["lines"]:
        sections.setdefault(line["section"], []).append(line)
    told_of = {f["value"] for line in document["lines"] for f in line["facts"]
               if f["kind"] == "notice" and f.get("member") == "sha256"}
    equal(told_of, {n["sha256"] for n in notices}, "every notice is told of, by its bytes' SHA-256")
    ok(all(hashlib.sha256(blob(s)).hexdigest() == s for s in told_of), "which are kept")
    cited = {e for line in document["lines"] for e in line["entries"]}
    order = next(a["index"] for a in everything.values() if a["kind"] == "order" and a["id"] == "order-1")
    parties = {a["index"] for a in everything.values() if a["kind"] == "party" and a["order"] == order}
    runs = {a["index"] for a in everything.values() if a["kind"] == "publication"}
    hearings = {a["index"] for a in everything.values() if a["kind"] == "hearing"}
    ours = {n["message_id"] for n in notices if "message_id" in n}
    reports = {a["index"] for a in everything.values() if a["kind"] == "report_queued" and a["message_id"] in ours}
    wanted = {order} | parties | runs | hearings | reports | {
        a["index"] for a in everything.values()
        if a.get("party") in parties or a.get("publication") in runs or a.get("report") in reports or
        a.get("notice") in {n["index"] for n in notices}}
    equal(wanted - cited, set(), "no act of the campaign is left out")
    days = [line for line in sections["print"] if "planned" in line]
    equal(len(days), 30 + 1 + 9, "a line for each day of each run, and for the one beyond the plan")
    clip = hashlib.sha256(b"\x89PNG a page\n").hexdigest()
    ok(any(clip in line["text"] for line in days), "with its clipping")
    digits = [(line["number"], left_over(line)) for line in document["lines"]
              if re.search(r"[0-9a-f]{16}|@|20\d\d-", left_over(line))]
    equal(digits, [], "no address, date or digest in a line that is none of its facts")
    alphabet = [line["number"] for line in document["lines"] if re.search(r"[^\x00-\x7f]", left_over(line))]
    equal(alphabet, [], "nor any foreign word")
    gaps = " ".join(line["text"] for line in sections["not_done"])
    ok("published so far 18" in gaps and "missed 2, published instead 1" in gaps, "what was not done is said")
    text = open(os.path.join(out, "affidavit.txt")).read()
    ok(text.startswith("DRAFT") and "penalty of perjury" in text and "C. Example, counsel" in text, "a draft, to be signed")
    pdf = subprocess.run(["pdftotext", "-layout", os.path.join(out, "affidavit.pdf"), "-"], capture_output=True, text=True)
    ok("PROOF OF SERVICE" in pdf.stdout and pdf.stdout.count("DRAFT") >= 2 and "Хост Два" in pdf.stdout, "and as a PDF")
    evidence = os.path.join(out, "evidence")
    ok(os.path.isdir(evidence) and row["entries"] >= len(cited), "with the entries and proofs behind each line")
    script = [f for f in os.listdir(evidence) if f.endswith(".sh")]
    if script:
        checked = run("sh", script[0], cwd=evidence, timeout=600)
        ok(checked.code == 0, "its own script verifies them")
    again = who["colin"].ebb(case, "notice", "affidavit", "--order", "order-1", "--output", out)
    ok(again.code == 1 and "not empty" in again.err, "nothing is written over")
    one = case.ebb("notice", "affidavit", "--party", "Host One", "--format", "json")
    check_affidavit(json.loads(one.out), everything, "of one party alone, likewise")
    ok("Хост Два" not in one.out and "second@one.example" in one.out, "and of no other")
    refused("an affidavit of nothing", "--order or --party", "colin", "notice", "affidavit", code=2)
    refused("of an order that is not there", "no such order", "colin", "notice", "affidavit", "--order", "x")
    refused("a declarant that reorders", "--declarant", "colin", "notice", "affidavit", "--order", "order-1",
            "--declarant", "a\u202eb", code=2)


def dump():
    db = sqlite3.connect(os.path.join(case.path, "views", "pursuit"))
    lines = list(db.iterdump())
    db.close()
    return lines


def test_rebuild():
    case.rows("notice", "status")
    before = dump()
    rebuilt = case.ebb("rebuild", "casebook")
    equal(rebuilt.code, 0, "rebuild")
    case.rows("notice", "status")
    ok(dump() == before and any("notice_mail" in line for line in before), "the same database, row for row")
    case.verifies("the log verifies")


for test in (test_order_first, test_templates, test_parties, test_send_needs, test_clock, test_draft, test_mail,
             test_returns, test_queue_only, test_crash, test_daemon, test_serve, test_print, test_court, test_affidavit, test_rebuild):
    print("# %s" % test.__name__, flush=True)
    test()
host.stop()
done()
