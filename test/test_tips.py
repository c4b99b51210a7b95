"""The informants' pages, as Tor Browser at its safest setting uses them: forms by POST, no script, no cookie. What is
told, answered, claimed and taken back; hostile forms; what is left of it on the disk and in memory; floods."""
import hashlib
import html
import http.client
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.parse
import uuid
import zlib
from html.parser import HTMLParser

from ebbtest import EBB, done, equal, folder, ok, run, skip, write
from people import people
from sinkhole import Sinkhole, free_port

PLANTED = "quixotic zeppelin over Uzhgorod"  # nothing else says it
CONTACT = "ask for the zookeeper at +380 44 555 0199"
LATER = "the yellow submarine is at berth nine"
QUESTION = "which harbour? <b>bold</b> \u202e reversed & \"quoted\""
work = folder()
os.environ.pop("EBB_ACCOUNT", None)


class Site(Sinkhole):
    """A sinkhole with a public listener."""

    def configure(self):
        with open(os.path.join(self.path, "ebb.yaml")) as f:
            self.top = next(line.strip() for line in f if line.startswith("origin:"))
        self.public = free_port()
        super().configure()
        with open(os.path.join(self.path, "ebb.yaml"), "a") as f:
            f.write("web:\n  public: \"127.0.0.1:%d\"\n  onion: \"http://%s.onion\"\n" % (self.public, "a" * 56))


class Page(HTMLParser):
    """What a browser without scripts makes of a page: forms with their fields, text, and what it would fetch."""

    def __init__(self, status, headers, body):
        super().__init__()
        self.status, self.headers, self.body = status, headers, body
        self.forms, self.text, self.fetched, self.tags, self.ids, self.described = [], "", [], [], [], []
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.append((tag, a))
        if "id" in a:
            self.ids.append(a["id"])
        for name in ("aria-describedby", "for", "aria-labelledby"):
            self.described += (a.get(name) or "").split()
        if tag == "form":
            self.forms.append({"action": a["action"], "type": a.get("enctype", ""), "fields": [], "text": ""})
        if tag in ("script", "img", "iframe", "object", "embed", "audio", "video", "source") or \
                (tag == "link" and a.get("rel") in ("stylesheet", "icon")):
            self.fetched.append(a.get("src") or a.get("href"))
        if self.forms and a.get("name") and tag in ("input", "textarea", "select"):
            if a.get("type") in ("radio", "checkbox") and "checked" not in a:
                return
            self.forms[-1]["fields"].append((a["name"], a.get("value", ""), a.get("type", tag)))

    def handle_data(self, data):
        self.text += data
        if self.forms:
            self.forms[-1]["text"] += data

    def form(self, action):
        return next((f for f in self.forms if f["action"].split("?")[0] == action), None)

    def receipt(self):
        found = re.search(r'class="receipt-line"[^>]*><code>([a-z ]+)</code>', self.body)
        return found.group(1) if found else None


def ask(method, path, body=None, headers=None, wait=60):
    c = http.client.HTTPConnection("127.0.0.1", case.public, timeout=wait)
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Page(r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read().decode())
    finally:
        c.close()


def get(path, **headers):
    return ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def multipart(fields, files=()):
    """A form as browsers send it; files: (name, bytes)."""
    boundary = "----" + uuid.uuid4().hex
    parts = []
    for name, value in fields:
        parts.append(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
            boundary.encode(), name.encode(), value if isinstance(value, bytes) else value.encode()))
    for name, data in files or [("", b"")]:
        quoted = name.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(b'--%s\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n'
                     b"Content-Type: application/octet-stream\r\n\r\n%s\r\n" % (boundary.encode(), quoted.encode(), data))
    return b"".join(parts) + b"--%s--\r\n" % boundary.encode(), "multipart/form-data; boundary=" + boundary


def post(path, fields, files=None, patient=True, **more):
    """Waits as the page says, when that is a few seconds."""
    if files is None:
        body, kind = urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"
    else:
        body, kind = multipart(fields, files)
    for _ in range(5 if patient else 1):
        page = ask("POST", path, body, {"Content-Type": kind, "Origin": "null"}, **more)
        wait = int(page.headers.get("retry-after", "99")) if page.status == 503 else 99
        if wait > 5:
            break
        time.sleep(wait)
    return page


def submit(form, files=(), **changes):
    """Fills in a form of a page and sends it, as a person would."""
    fields = [(n, changes.get(n, v)) for n, v, kind in form["fields"] if kind != "file"]
    return post(form["action"], fields, list(files) if form["type"] else None)


def tell(text, files=(), **more):
    return submit(get("/tips/new").form("/tips/new"), files, text=text, **more)


def come_back(receipt):
    return submit(get("/tips/return").form("/tips/return"), receipt=receipt)


def wait_for(what, seconds=10):
    """The keeper brings a page's view up to date within a moment."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.3)


def board():
    return {p["role"]: p for p in case.serve()["processes"]}


def leads():
    return [r["lead"] for r in who["rita"].rows(case, "lead", "list")]


def size():
    return case.rows("status")[0]["log_size"]


def checked(page, name):
    """What holds of every page here."""
    h = page.headers
    problems = []
    if "set-cookie" in h:
        problems.append("a cookie")
    if page.forms and h.get("cache-control") != "no-store":
        problems.append("it is kept: " + h.get("cache-control", ""))
    if h.get("referrer-policy") not in ("no-referrer", "same-origin"):
        problems.append("referrer")
    if "unsafe" in h.get("content-security-policy", "unsafe"):
        problems.append("CSP")
    if [f for f in page.fetched if not f or not f.startswith("/assets/")]:
        problems.append("fetches %s" % page.fetched)
    if any(a.startswith("on") or a == "style" for _, attributes in page.tags for a in attributes):
        problems.append("script or style in it")
    if "svg" in [t for t, _ in page.tags]:
        problems.append("SVG")
    if len(page.ids) != len(set(page.ids)):
        problems.append("an id twice: %s" % page.ids)
    if set(page.described) - set(page.ids):
        problems.append("describes what is not there: %s" % (set(page.described) - set(page.ids)))
    if re.search(r"tips\.[a-z]+\.[a-z]|%[1-9]", page.text):
        problems.append("a text is missing: %s" % re.search(r".{20}(tips\.[a-z]+\.[a-z]|%[1-9]).{20}", page.text, re.S))
    if [f for f in page.forms if "receipt=" in f["action"] or f["action"].startswith("http")]:
        problems.append("where a form goes")
    return ok(not problems, "%s%s" % (name, "".join("; " + p for p in problems)))


case = Site(listen={"http": ("http", "")}, sensors=1)
case.start()
try:
    wait_for(lambda: ask("GET", "/tips").status == 200)

    # ---- the line is closed while nobody can read it
    page = tell("too early")
    ok(page.status == 503 and "not open yet" in page.text, "a line that nobody reads takes nothing")
    who = people(case, carl="custodian", rita="reviewer", cora="counsel", cyril="counsel")
    rita = who["rita"]
    terms = write(os.path.join(work, "terms.txt"), "The terms.\n1. <script>alert(1)</script> is not a term.\n")
    ok(rita.ebb(case, "lead", "list").code == 0, "there is a reviewer")
    offered = who["cora"].ebb(case, "reward", "offer", "who-runs-it", "--amount", "250000", "--terms", terms,
                              "--conditions", "identification,arrest")
    if not equal(offered.code, 0, "a reward is offered"):
        print("# " + offered.err)

    # ---- the pages that only say something
    for language in ("en", "ru", "ar"):
        for path in ("/tips", "/reward", "/tips/new", "/tips/return"):
            page = get("%s?lang=%s" % (path, language))
            equal((page.status, page.headers.get("content-language")), (200, language), "%s in %s" % (path, language))
            checked(page, "%s: nothing that a browser at its safest setting lacks" % path)
            ok(all(f["action"].endswith("?lang=" + language) for f in page.forms), "and its forms keep the language")
    page = wait_for(lambda: (lambda p: p if "250" in p.text else None)(get("/reward"))) or get("/reward")
    ok("who-runs-it" in page.text and "USD" in page.text, "the reward, how much")
    ok(hashlib.sha256(open(terms, "rb").read()).hexdigest() in page.text, "its terms' digest")
    ok("is not a term" in page.text and "<script>alert" not in page.body, "and the terms, inert")
    ok("a" * 56 + ".onion" in get("/tips").text, "the onion service is named")

    # ---- telling
    png = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"tEXt", b"Author\0the zookeeper"),
                       (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")):
        png += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    secret_file = os.urandom(300000) + PLANTED.encode() + os.urandom(300000)
    files = [("photo.png", png), ("../../etc/passwd", secret_file), ("nul\u202egpj.exe", b"MZ"), ("empty.txt", b"")]
    page = tell(PLANTED + "\r\nsecond line", files, contact=CONTACT, language="uk")
    receipt = page.receipt()
    if not ok(page.status == 200 and receipt and len(receipt.split()) == 11, "telling something gives a receipt"):
        print("# %d %.2000s" % (page.status, page.text))
    checked(page, "the receipt's page")
    ok("no-store" in page.headers["cache-control"], "which no browser keeps")
    equal(page.body.count("<li><b>"), 11, "its words, numbered")
    ok("as they came" in page.text and ": 3." in page.text, "what was not stripped is said")
    lead = max(leads())
    said = rita.rows(case, "lead", "read", lead, "--files", os.path.join(work, "out"))[0]
    equal(said["text"], PLANTED + "\nsecond line", "a reviewer reads it")
    equal((said["contact"], said["language"]), (CONTACT, "uk"), "the contact, and the language for answers")
    equal(said["files"][0], "photo.png", "what files there are")
    written = {n: open(os.path.join(work, "out", n), "rb").read() for n in said["written"]}
    ok(secret_file in written.values() and b"MZ" in written.values() and b"" in written.values(), "each as it was")
    stripped = next(d for d in written.values() if d.startswith(b"\x89PNG"))
    ok(b"zookeeper" not in stripped and b"IDAT" in stripped, "but the photo, which has lost its hidden data")
    ok(all("/" not in n and not n.startswith(".") for n in said["written"]), "names with paths are names")
    row = [r for r in rita.rows(case, "lead", "list") if r["lead"] == lead][0]
    equal(row["work"], 0, "it came without a stamp")
    page = tell("", [("photo.png", png)], strip="no")
    kept = rita.rows(case, "lead", "read", max(leads()), "--files", os.path.join(work, "kept"))[0]
    equal(open(os.path.join(work, "kept", kept["written"][0]), "rb").read(), png, "unless it is to stay as it is")
    ok(page.receipt(), "a file alone is enough")

    # ---- coming back
    def back():
        p = come_back(receipt)
        return p if p.status == 200 else None

    page = wait_for(back)
    ok(page and PLANTED not in page.body, "the receipt opens the line, and gives nothing of the lead back")
    checked(page, "the line's page")
    answer = write(os.path.join(work, "answer"), QUESTION)
    equal(rita.ebb(case, "lead", "answer", lead, "--text", answer).code, 0, "a reviewer asks")
    page = wait_for(lambda: (lambda p: p if p and "harbour" in p.text else None)(back()))
    ok(page and "<b>bold</b>" not in page.body and "\u202e" not in page.body and 'bold' in page.text, "the question, inert")
    sloppy = "  ".join(w[:4].upper() for w in receipt.split())
    equal(come_back(sloppy).status, 200, "four letters of each word do")
    page = submit(page.form("/tips/say"), [("more.txt", b"berth nine")], text=LATER)
    ok(page.status == 200 and "It was sent" in page.text, "the informant answers")
    checked(page, "which the page says")
    said = rita.rows(case, "lead", "read", lead)
    equal([(s["what"], s["text"]) for s in said[1:]], [("answer", QUESTION), ("addition", LATER)], "and a reviewer reads that")
    page = wait_for(lambda: (lambda p: p if p and "You added" in p.text else None)(back()))
    ok(page and LATER not in page.body, "it is in the list, without its words")

    # ---- claim
    page = submit(page.form("/tips/claim"))
    ok(page.status == 200 and "asked for the reward" in page.text, "the reward is claimed")
    claims = wait_for(lambda: who["cora"].rows(case, "reward", "claims"))
    equal([c["lead"] for c in claims], [lead], "the claim is on the log")
    page = wait_for(lambda: (lambda p: p if p and "being looked at" in p.text else None)(back()))
    ok(page and not page.form("/tips/claim"), "its state is shown, and the offer is not to be claimed twice")
    before = size()
    twice = post("/tips/claim", [("receipt", receipt), ("offer", "who-runs-it")])
    ok(twice.status == 200 and size() == before, "a claim that was made is not made again")
    equal(post("/tips/claim", [("receipt", receipt), ("offer", "no-such")]).status, 422, "no such offer")

    # ---- receipts that are wrong
    words = receipt.split()
    other = "able" if words[10] != "able" else "agree"
    unknown = ["abide" if words[0] != "abide" else "baby"] + words[1:]
    took, pages = {}, {}
    for name, w in (("right", words), ("wrong", words[:10] + [other]), ("unknown", unknown)) * 4:
        wait_for(lambda: False, 0.4)
        began = time.perf_counter()
        p = come_back(" ".join(w))
        took.setdefault(name, []).append(time.perf_counter() - began)
        pages[name] = p
    best = {k: min(v) for k, v in took.items()}
    print("# receipts: %s" % " ".join("%s %.0f ms" % (k, v * 1000) for k, v in best.items()))
    equal((pages["wrong"].status, pages["wrong"].text), (422, pages["unknown"].text), "wrong and unknown receipts: the same page")
    ok(0.5 < best["wrong"] / best["unknown"] < 2 and best["wrong"] > 0.02, "after the same work (test_lead_flood.py has it finely)")
    checked(pages["wrong"], "the page of a wrong receipt")
    ok("aria-invalid" in pages["wrong"].body and 'href="#receipt"' in pages["wrong"].body, "the error leads to its field")
    ok("Word 4" in come_back(" ".join(words[:3] + ["xyzzy"] + words[4:])).text, "a word that is none is named by its place")
    ok("are 10" in come_back(" ".join(words[:10])).text, "words are counted")
    equal(come_back("").status, 422, "none at all")
    ok(not any(w in pages["wrong"].body for w in (" ".join(words[:10]),)), "a wrong receipt is not shown again")

    # ---- two at once
    got = [None, None]

    def one(i):
        got[i] = tell("informant number %d" % i, [("f%d" % i, b"%d" % i)])
    threads = [threading.Thread(target=one, args=(i,)) for i in range(2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    receipts = [p.receipt() for p in got]
    ok(all(receipts) and receipts[0] != receipts[1], "two at once have a receipt each")
    ok(all(wait_for(lambda r=r: come_back(r).status == 200) for r in receipts), "each comes back with their own")

    # ---- hostile forms
    before = size()
    form = get("/tips/new").form("/tips/new")
    fields = [(n, v) for n, v, kind in form["fields"] if kind not in ("file",) and n != "text"]

    def hostile(name, want, page):
        good = ok(page.status in want and (size() == before) and not page.receipt(), "%s: %d" % (name, page.status))
        if not good:
            print("# %.300s" % page.text)

    hostile("nothing", (422,), post("/tips/new", fields + [("text", " \r\n ")], []))
    hostile("a NUL", (400, 422), post("/tips/new", fields + [("text", "a\0b")], []))
    hostile("no UTF-8", (400, 422), post("/tips/new", fields + [("text", b"\xff\xfe")], []))
    hostile("a long text", (413, 422), post("/tips/new", fields + [("text", "a" * (300 << 10))], []))
    hostile("a very long text", (413,), post("/tips/new", fields + [("text", "a" * (5 << 20))], []))
    hostile("a long contact", (422,), post("/tips/new", [("text", "x"), ("contact", "c" * 5000)], []))
    hostile("10,000 fields", (400, 413), post("/tips/new", [("f%d" % i, "x") for i in range(10000)], []))
    hostile("33 files", (422,), post("/tips/new", [("text", "x")], [("f%d" % i, b"1") for i in range(33)]))
    hostile("1,000 files", (400, 413, 422), post("/tips/new", [("text", "x")], [("f%d" % i, b"1") for i in range(1000)]))
    hostile("a file's name of 300 bytes", (400, 422), post("/tips/new", [("text", "x")], [("n" * 300, b"1")]))
    for name, kind, body in (
            ("no boundary", "multipart/form-data", b"--x\r\n\r\n--x--\r\n"),
            ("a boundary that does not come", "multipart/form-data; boundary=x", b"hello"),
            ("a part without an end", "multipart/form-data; boundary=x",
             b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nunfinished'),
            ("a part without a name", "multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
            ("multipart in multipart", "multipart/form-data; boundary=x",
             b'--x\r\nContent-Disposition: form-data; name="files"\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n'
             b'--y\r\nContent-Disposition: file; filename="a"\r\n\r\n1\r\n--y--\r\n--x--\r\n'),
            ("no form at all", "application/json", b'{"text": "x"}')):
        hostile(name, (400, 413, 415, 422), ask("POST", "/tips/new", body, {"Content-Type": kind}))
    hostile("a receipt in the address", (404, 405, 422, 200), get("/tips/return?receipt=" + "+".join(words)))
    ok(post("/tips/say", [("receipt", "wrong"), ("text", "x")], []).status == 422, "saying something wants a receipt")
    equal(get("/tips/say").status, 405, "by POST alone")
    evil = "<script>alert(1)</script>\"'&lt; \u202e\u2066 %1 [x](javascript:alert(1)) **b**"
    page = post("/tips/new", [("text", evil), ("contact", "c" * 5000)], [])
    ok("<script>alert" not in page.body and "\u202e" not in page.body and "javascript:" not in
       [a.get("href", "")[:11] for _, a in page.tags] and "&lt;script&gt;" in page.body, "what is shown again is inert")

    # ---- what is not in memory any more, nor on the disk
    planted = [p.encode() for p in (PLANTED, CONTACT, LATER, "zookeeper", "berth nine", "informant number", receipt,
                                    "which harbour", "gpj.exe") + tuple(receipts)]

    def found_in(data):
        return [p for p in planted if p in data]

    def memory(pid):
        """What is planted in all that the process can read of itself; None: not allowed."""
        found = []
        try:
            with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
                for line in maps:
                    span, rights = line.split()[:2]
                    low, high = (int(x, 16) for x in span.split("-"))
                    for at in range(low, high if "r" in rights and high - low < 4 << 30 else low, 16 << 20):
                        try:
                            mem.seek(at)
                            data = mem.read(min(high - at, (16 << 20) + 4096))
                        except (OSError, ValueError, OverflowError):
                            break
                        for p in found_in(data):
                            i = data.find(p)
                            found.append((line.split()[-1], p, data[max(0, i - 40):i + 60]))
        except OSError:
            return None
        return found

    public = board()["public"]["pid"]
    sanitized = "libasan" in open("/proc/%d/maps" % public).read()
    left = memory(public)
    if left is None or sanitized:
        skip("a look into the public process", "not allowed, or a sanitizer keeps what was freed")
    else:
        equal(left, [], "the public process has nothing of what was told, asked and answered")
        equal([memory(board()[r]["pid"]) for r in ("recorder", "keeper", "courier")], [[]] * 3, "nor has another")
    on_disk = []
    for base, _, names in os.walk(case.path):
        for name in names:
            if not os.path.isfile(os.path.join(base, name)):
                continue
            with open(os.path.join(base, name), "rb") as f:
                data = f.read()
            if name.endswith(".zst"):
                data += subprocess.run(["zstd", "-dcq", os.path.join(base, name)], stdout=subprocess.PIPE).stdout
            on_disk += [(name, p) for p in found_in(data)]
    equal(on_disk, [], "nor has the disk")
    blobs = [os.stat(os.path.join(b, n)) for b, _, ns in os.walk(os.path.join(case.path, "blobs")) for n in ns if n.endswith(".zst")]
    ok(blobs and all(s.st_mtime % 86400 == 0 for s in blobs), "a large part's file has the day's time")

    # ---- the recorder's rule
    equal((case.serve()["recorder"]["refused_public"], board()["public"]["restarts"]), (0, 0), "the recorder refused the pages nothing")
    os.kill(board()["recorder"]["pid"], signal.SIGKILL)
    page = tell("while the recorder is away")
    ok(page.receipt() or (page.status == 503 and "still here" in page.text and "while the recorder" in page.body),
       "without a recorder the lead waits for it, or the text is given back")
    began = time.monotonic()
    equal(get("/tips").status, 200, "other pages go on")
    ok(time.monotonic() - began < 3, "at once")
    page = wait_for(lambda: (lambda p: p if p.receipt() else None)(tell("after the recorder")), 20)
    ok(page, "and the next is taken")
    before = size()

    # ---- a flood without stamps, and the ways that stay open
    refused, went_in = None, 0
    for i in range(200):
        page = post("/tips/new", [("text", "flood %d" % i)], [], patient=False)
        went_in += page.status == 200
        if page.status == 503 and int(page.headers["retry-after"]) > 10:
            refused = page
            break
        time.sleep(0.1 if page.status == 503 else 0)
    ok(refused and went_in < 25 and "without a stamp" in refused.text, "leads without stamps are bounded (%d went in)" % went_in)
    ok(refused.headers.get("retry-after", "").isdigit() and int(refused.headers["retry-after"]) <= 60,
       "the line opens again within a minute")
    checked(refused, "the page that says so")
    ok("flood %d" % i in refused.body, "and has the text still")

    def zeros(page, number):
        prefix = re.search(r'data-prefix="([0-9a-f]{64})"', page.body).group(1)
        digest = hashlib.sha256(bytes.fromhex(prefix) + int(number).to_bytes(8, "big")).digest()
        return 256 - int.from_bytes(digest, "big").bit_length()

    def stamp_of(page):
        """As somebody would make it: by the command that the page shows."""
        command = html.unescape(re.search(r"<pre[^>]*><code>(.*?)</code></pre>", page.body, re.S).group(1))
        made = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, timeout=100)
        return made.stdout.strip()

    bits = int(re.search(r'data-bits="(\d+)"', refused.body).group(1))
    number = stamp_of(refused)
    ok(number.isdigit() and zeros(refused, number) >= bits, "the page's command makes a stamp of %d bits" % bits)
    just = next(n for n in range(int(number), 1 << 40) if zeros(refused, n) in (bits, bits + 1))
    form = refused.form("/tips/new")
    poor = next(n for n in range(1 << 20) if zeros(refused, n) < bits)
    equal(submit(form, text="t", stamp=str(poor)).status, 503, "a number that is no stamp does not help")
    challenge = dict((n, v) for n, v, _ in form["fields"])["challenge"]
    cheaper = challenge[:2] + "01" + challenge[4:]
    equal(submit(form, text="t", stamp=number, challenge=cheaper).status, 503, "nor a price that somebody made up")
    equal(submit(form, [("big", os.urandom(20 << 20))], text="t", stamp=str(just)).status, 503, "a large file costs more")
    page = submit(form, text="t", stamp=number)
    ok(page.receipt(), "with a stamp the line is open")
    newest = max(leads())
    row = [r for r in rita.rows(case, "lead", "list") if r["lead"] == newest][0]
    equal(row["work"], bits, "its work is on the log")
    first = rita.rows(case, "lead", "list", "--limit", "3")
    ok(newest in [r["lead"] for r in first], "and it is read before those that came without")
    equal(submit(form, text="t", stamp=number).status, 503, "a stamp is good for one lead")
    ok(os.path.exists(os.path.join(case.path, "run", "lead-demand")), "leads of pages are in the price")
    equal(os.stat(os.path.join(case.path, "run", "lead-demand")).st_mtime % 86400, 0, "whose file does not tell the hour")

    # ---- receipts by the hundred
    tried = [None] * 30

    def guess(i):
        tried[i] = post("/tips/return", [("receipt", " ".join(unknown))], patient=False)
    threads = [threading.Thread(target=guess, args=(i,)) for i in range(len(tried))]
    began = time.monotonic()
    [t.start() for t in threads]
    while time.monotonic() - began < 0.3:
        pass
    asked = time.monotonic()
    equal(get("/reward").status, 200, "while receipts are guessed, other pages are answered")
    took = time.monotonic() - asked
    ok(took < 3, "soon (%.0f ms)" % (took * 1000))
    [t.join() for t in threads]
    busy = next((p for p in tried if p.status == 503), None)
    ok(busy and sum(p.status == 422 for p in tried) < 20, "guessing is slowed down, for all together")
    page = submit(busy.form("/tips/return"), receipt=receipt, stamp=stamp_of(busy))
    equal(page.status, 200, "who has a stamp comes in all the same")
    wait_for(lambda: False, 3)
    before = size()

    # ---- taking it back
    page = back()
    page = submit(page.form("/tips/withdraw"))
    ok(page.status == 200 and page.form("/tips/withdraw") and size() == before, "taking back asks first")
    checked(page, "on its own page")
    page2 = submit(page.form("/tips/withdraw"))
    ok(page2.status == 422 and "Tick the box" in page2.text and size() == before, "and wants the tick")
    fields = [(n, v) for n, v, kind in page.form("/tips/withdraw")["fields"]] + [("sure", "yes")]
    page = post("/tips/withdraw", fields)
    ok(page.status == 200 and "taken it back" in page.text, "then it is taken back")
    page = wait_for(lambda: (lambda p: p if p and not p.form("/tips/say") else None)(back()))
    ok(page and "You took it back" in page.text, "nothing can be added")
    equal(post("/tips/say", [("receipt", receipt), ("text", "more")], []).status, 422, "not by hand either")
finally:
    case.stop()
case.verifies("the log holds at the end")
done()
