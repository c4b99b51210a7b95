"""Acts of the desk: made by their commands, signed as a browser does it, taken by the recorder; and what a desk that
was taken over cannot do."""
import base64
import json
import os
import subprocess

from account_key import b64
from desk_case import DeskCase
from desk_client import Authenticator
from ebbtest import EBB, done, equal, ok, write

case = DeskCase()
desk = case.desk_of


def size():
    return case.rows("status")[0]["log_size"]


def signed(d, prepared, name=None, change=None):
    key = case.key[name or d.name]
    texts = [base64.b64decode(a["sign"]) for a in prepared["acts"]]
    return [b64(key.sign(change(t) if change else t)) for t in texts]


def prepare(d, command, args=(), files=None, **options):
    body = {"command": command, "args": list(args), "options": {k if k == "rp_id" else k.replace("_", "-"): v for k, v in options.items()}}
    return d.post("/api/acts/prepare", dict(body, files=files) if files else body)


def commit(d, prepared, **more):
    return d.post("/api/acts/commit", {"id": prepared["id"], "signatures": signed(d, prepared, **more)})


def act(by_role, command, args=(), files=None, **options):
    """Prepares and commits; the entries' indexes, or what was refused."""
    d = desk[by_role]
    answer = prepare(d, command, args, files, **options)
    if answer.status != 200:
        return answer.status, answer.json()["error"]
    made = answer.json()
    answer = commit(d, made)
    if answer.status != 200:
        return answer.status, answer.json()["error"]
    done_ = answer.json()
    if not done_["seen"] or len(done_["entries"]) != len(made["acts"]):
        ok(False, "%s: %r" % (command, done_))
    entry = d.get("/api/log/entry/%d" % done_["entries"][-1]).json()
    words = {k: v for k, v in entry["entry"].items() if k not in ("index", "time", "sig", "hidden")}
    promised = {k: v for k, v in made["acts"][-1]["words"].items() if k not in ("index", "time")}
    if words != promised and not entry["entry"].get("hidden"):
        ok(False, "%s: another act than was shown: %r %r" % (command, words, promised))
    return done_["entries"]


def file(name, text):
    return {"name": name, "data": base64.b64encode(text.encode()).decode()}


# ---- one of each ----

before = size()
answer = prepare(desk["operator"], "case subject add", ["John Doe 3"], kind="person", note="by the desk")
made = answer.json()
equal((answer.status, made["account"], len(made["acts"]), made["acts"][0]["kind_name"]), (200, "oskar", 1, "subject"), "prepared")
equal(size(), before, "nothing is on the log")
text = base64.b64decode(made["acts"][0]["sign"])
origin = case.rows("status")[0]["origin"]
ok(text.startswith(b"ebb act v1\n" + origin.encode() + b"\n" + bytes([made["acts"][0]["kind"]])), "what is to be signed names the case and the kind")
ok(b"John Doe 3" in text and b"oskar" in text, "and has the act in it")
answer = commit(desk["operator"], made)
equal((answer.status, answer.json()["entries"]), (200, [before]), "committed: its entry")
ok(answer.json()["seen"] and any(r["subject"] == "John Doe 3" for r in desk["operator"].get("/api/q/case/subject/list").json()["rows"]), "and seen")
equal(case.rows("account", "check"), [], "signed by who had the right")
DOCUMENT = file("paper.txt", "it says so")
L, L2 = str(case.lead), str(case.lead2)
fact = act("reviewer", "case subject fact", ["John Doe 3"], {"document": DOCUMENT}, type="handle", value="zed", lead=case.lead, confidence=70)
STEPS = [
    ("operator", "case subject link", ["John Doe 3"], dict(to="John Doe 1", relation="works-with", entries="5")),
    ("operator", "case subject merge", ["John Doe 1", "John Doe 2"], dict(why="the same")),
    ("counsel", "case subject split", ["John Doe 1", "John Doe 2"], dict(why="not the same")),
    ("custodian", "case facts", [], dict(commit=True)),
    ("reviewer", "lead mark", [L], dict(status="triage", why="read")),
    ("reviewer", "lead assign", [L], dict(to="carla", why="yours")),
    ("reviewer", "lead tag", [L, "balloon", "uzhgorod"], {}),
    ("reviewer", "lead tag", [L, "balloon"], dict(remove=True)),
    ("custodian", "lead link", [L], dict(subject="John Doe 3")),
    ("custodian", "lead decide", [L], dict(fact=fact[0] if isinstance(fact, list) else 1, verdict="new", why="nobody knew")),
    ("custodian", "lead four-eyes", [L], dict(why="careful")),
    ("custodian", "lead delete", [L2], dict(why="spam")),
    ("custodian", "lead conflict", [L2], dict(of="rita", why="knows him")),
    ("operator", "case asset add", ["c3.example", "c4.example"], dict(order="order-1", family="rustock")),
    ("operator", "case asset release", ["c4.example"], dict(why="given back")),
    ("counsel", "case order close", ["order-2"], dict(why="over")),
    ("operator", "census overrule", ["192.0.2.9"], dict(role="researcher", why="ours")),
    ("operator", "census judge", [], {}),
    ("operator", "cleanup contact", ["dead@example.net"], dict(**{"as": "dead"}, why="bounces")),
    ("operator", "cleanup trial", ["spring"], dict(percent=20)),
    ("counsel", "notice hearing", ["order-1"], dict(when="2098-02-01", deadline="2097-12-15", place="Tacoma")),
    ("operator", "notice party add", ["Roe"], dict(order="order-1")),
    ("custodian", "account close", ["audrey"], dict(why="left")),
]
for role, command, args, more in STEPS:
    got = act(role, command, args, **more)
    if command in ("cleanup trial",) and isinstance(got, tuple) and got[0] == 422:
        continue
    if not ok(isinstance(got, list), "%s by %s" % (command, role)):
        print("#   %r" % (got,))
WITH_FILES = [
    ("counsel", "case order add", [], {"document": DOCUMENT}, dict(id="order-3", court="A Court", until="2099-01-01")),
    ("counsel", "notice answer", ["Doe"], {"document": DOCUMENT}, dict(what="response", note="no")),
    ("counsel", "reward offer", ["second"], {"terms": file("terms.txt", "terms")}, dict(amount="1000")),
    ("reviewer", "lead note", [L], {"text": file("note", "words of the note")}, {}),
    ("reviewer", "lead answer", [L], {"text": file("answer", "words of the answer")}, {}),
]
for role, command, args, files, more in WITH_FILES:
    got = act(role, command, args, files, **more)
    if not ok(isinstance(got, list), "%s, with a file" % command):
        print("#   %r" % (got,))
public = open(case.who["oskar"].public).read().replace("name oskar", "name olga")
got = act("custodian", "account add", [file("olga.pub", public)], roles="operator")
ok(isinstance(got, list) and any(r["account"] == "olga" for r in case.rows("account", "list")), "account add: its argument is a file")
paper = next(r for r in case.rows("case", "order", "list") if r["id"] == "order-3")
ok(paper["document"] == "paper.txt" and case.ebb("blob", "get", paper["sha256"]).out == "it says so", "the file is kept under its name")
read = case.who["rita"].rows(case, "lead", "read", L)
ok({"words of the note", "words of the answer", "a note about the zeppelin"} <= {r["text"] for r in read}, "notes and answers are sealed as commands do it")
everything = b"".join(open(os.path.join(d, f), "rb").read() for d, _, files in os.walk(case.path) for f in files
                      if os.path.isfile(os.path.join(d, f)))
ok(b"words of the note" not in everything, "their words are nowhere in the case")
equal([(r["kind"], r["account"]) for r in case.rows("account", "check")], [], "all of it by who had the right")
keyed = Authenticator()
got = act("counsel", "passkey add", id=base64.urlsafe_b64encode(keyed.id).decode().rstrip("="),
          key=base64.urlsafe_b64encode(keyed.spki).decode().rstrip("="), name="a key", rp_id="localhost")
ok(isinstance(got, list), "a passkey: %r" % (got,))
equal(act("operator", "passkey withdraw", [str(got[0])], why="x")[0], 422, "not by another")
ok(isinstance(act("counsel", "passkey withdraw", [str(got[0])], why="lost"), list), "taken back by its owner")
equal(act("counsel", "passkey withdraw", [str(got[0])], why="lost")[0], 422, "not twice")
for more in (dict(id="!", key="AAAA", name="x", rp_id="x"), dict(id="AAAA", key="AAAA", name="\u202ex", rp_id="x"), dict(id="AAAA", key="AAAA", name="x")):
    equal(act("counsel", "passkey add", **more)[0], 400, "a passkey that is none: %s" % sorted(more))

# ---- refused ----

before = size()
for body, want in [
        ({}, 400), ([], 400), ("x", 400), ({"command": 5}, 400), ({"command": "serve"}, 400), ({"command": "lead purge"}, 400),
        ({"command": "case subject add", "args": "x"}, 400), ({"command": "case subject add", "args": [5]}, 400),
        ({"command": "case subject add", "args": ["x"] * 500}, 400), ({"command": "case subject add", "options": []}, 400),
        ({"command": "case subject add", "args": ["x"], "options": {"kind": ["y"]}}, 400),
        ({"command": "case subject add", "args": ["x"], "options": {"kind": True}}, 400),
        ({"command": "case subject add", "args": ["x"], "options": {"json": True}}, 400),
        ({"command": "case subject add", "args": ["x"], "options": {"account": "carla"}}, 400),
        ({"command": "case subject add", "args": ["x"], "options": {"nonsense": "y"}}, 400),
        ({"command": "case subject add", "args": ["--account=carla", "x"]}, 400),
        ({"command": "case order add", "options": {"id": "o", "document": "/etc/passwd"}}, 400),
        ({"command": "case order add", "options": {"id": "o"}, "files": {"document": {"name": "../x", "data": "QQ=="}}}, 400),
        ({"command": "case order add", "options": {"id": "o"}, "files": {"document": {"name": "x", "data": "!"}}}, 400),
        ({"command": "case order add", "options": {"id": "o"}, "files": {"id": {"name": "x", "data": "QQ=="}}}, 400),
        ({"command": "case subject add", "args": ["John Doe 1"]}, 422),
        ({"command": "lead mark", "args": ["1"]}, 403), ({"command": "account close", "args": ["carla"]}, 403)]:
    answer = desk["operator"].post("/api/acts/prepare", body)
    if not ok(answer.status == want and answer.json()["error"], "%d: %.70s" % (want, json.dumps(body))):
        print("#   %d %.200s" % (answer.status, answer.body))
for raw in (b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"command":"a","command":"b"}', b'{"command":"a\\u0000b"}', b"x" * 100000):
    equal(desk["operator"].ask("POST", "/api/acts/prepare", body=raw).status, 400, "no JSON: %r" % raw[:20])
equal(desk["operator"].ask("POST", "/api/acts/prepare", body={"command": "case subject add"}, csrf=False).status, 403, "without the CSRF token")
equal(desk["operator"].ask("POST", "/api/acts/prepare", body={"command": "case subject add"}, headers={"Origin": "http://evil.example"}).status, 403,
      "from another origin")
equal(desk["operator"].ask("GET", "/api/acts/prepare").status, 405, "GET")


def fresh(name):
    return prepare(desk["operator"], "case subject add", [name]).json()


p = fresh("X1")
equal(commit(desk["counsel"], p, name="oskar").status, 404, "another session cannot commit it")
other = case.log_in("oskar")
equal(commit(other, p).status, 404, "nor another session of the same account")
equal(commit(desk["operator"], p, name="conrad").status, 403, "another's signature")
equal(commit(desk["operator"], p).status, 404, "then it is gone")
p = fresh("X2")
equal(commit(desk["operator"], p, change=lambda t: t.replace(b"X2", b"X3")).status, 403, "a signature over another act")
p = fresh("X4")
equal(commit(desk["operator"], p, change=lambda t: t.replace(b"ebb act v1", b"ebb act v2")).status, 403, "under another heading")
p = fresh("X5")
broken = bytearray(base64.b64decode(signed(desk["operator"], p)[0]))
broken[10] ^= 1
equal(desk["operator"].post("/api/acts/commit", {"id": p["id"], "signatures": [b64(bytes(broken))]}).status, 403, "a bit of it turned")
for signatures in ([], ["QQ=="], "x", None, [b64(bytes(64))] * 2):
    p = fresh("X6")
    equal(desk["operator"].post("/api/acts/commit", {"id": p["id"], "signatures": signatures}).status, 400, "signatures: %.30r" % (signatures,))
p = fresh("X7")
equal(desk["operator"].post("/api/acts/commit", {"id": p["id"], "signatures": [b64(bytes(64))]}).status, 403, "zeros for a signature")
ids = [fresh("Y%d" % i) for i in range(20)]
equal([commit(desk["operator"], i).status for i in (ids[0], ids[3])], [404, 404], "of a session sixteen wait at most: the oldest are gone")
answer = commit(desk["operator"], ids[19])
equal(answer.status, 200, "and the newest are there")
equal(commit(desk["operator"], ids[19]).status, 404, "an id is good once")
equal(commit(desk["operator"], {"id": "0" * 32, "acts": []}).status, 404, "an id that never was")
ok(desk["auditor"].get("/api/q/census").status == 401, "who was closed is out")
p = prepare(desk["counsel"], "case subject add", ["Z1"]).json()
case.by("carla", "account", "close", "conrad", "--why", "left")
ok(commit(desk["counsel"], p).status in (401, 403, 404), "who was closed meanwhile commits nothing")
equal(size(), before + 2, "of all these one act is on the log, and the closing")

# ---- a desk that was taken over ----

live = desk["operator"].get("/api/live").json()
pid = next(x["pid"] for x in live["serve"]["processes"] if x["role"] == "desk")
equal(os.getpgid(pid), pid, "the desk is a process group of its own")


def in_group(*args, group=pid):
    """What a process of the desk's would send: of its group, which the recorder goes by."""
    return subprocess.run([EBB, "-C", case.path, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                          preexec_fn=lambda: os.setpgid(0, group))


unsigned = [("cleanup", "contact", "x@example.net", "--as", "dead", "--why", "x"), ("partners", "add", "evil", "192.0.2.0/24"),
            ("case", "order", "add", "--id", "evil"), ("case", "asset", "add", "evil.example", "--order", "order-1"),
            ("census", "overrule", "192.0.2.1", "--role", "scanner", "--why", "x")]
before = size()
for args in unsigned:
    result = in_group(*args)
    if not ok(result.returncode == 1 and "signed" in result.stderr, "unsigned, from the desk: %s" % " ".join(args[:3])):
        print("#   %d %s" % (result.returncode, result.stderr.strip()))
equal(in_group("reload").returncode, 1, "nor may it reload")
result = in_group("lead", "submit", "--text", write(case.file("evil.txt"), "evil"))
equal(result.returncode, 1, "nor speak for an informant")
equal(size(), before, "nothing is on the log")
ok(case.ebb(*unsigned[0]).code == 0 and size() == before + 1, "what is refused to it, a command may")
result = subprocess.run([EBB, "-C", case.path, "case", "subject", "add", "Signed"], capture_output=True, text=True, timeout=60,
                        env=case.who["oskar"].env, preexec_fn=lambda: os.setpgid(0, pid))
ok(result.returncode == 0, "what an account has signed, it may bring")
equal(case.rows("account", "check"), [], "and no act is without the right")
case.verifies("the log holds")
said = case.said()
ok("a process failed" not in said, "no process has failed")
case.stop()
done()
