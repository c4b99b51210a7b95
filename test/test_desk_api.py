"""The desk's API: its description beside the server, every route by every role, what answers look like, what is sealed,
and that nothing of it is reachable from the public listener."""
import csv
import http.client
import io
import json
import os
import re
import threading
import time

import jsonschema
import yaml

from account_key import manifest, unseal
from desk_case import HOSTILE, LEAD, ROLES, DeskCase, options_def, tap_mails
from desk_client import Desk
from ebbtest import ROOT, done, equal, ok, skip
import base64

case = DeskCase()
desk = case.desk_of
operator, reviewer, auditor = desk["operator"], desk["reviewer"], desk["auditor"]
ALL = set(desk)
with open(os.path.join(ROOT, "web", "openapi-desk.yaml")) as f:
    described = yaml.safe_load(f)
routes = [r for r in case.rows("desk", "routes") if r["listener"] == "desk" and r["path"].startswith("/api/")]


def roles_of(route):
    return set(route["roles"] or [])


def operations():
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


# ---- the description and the server ----

acts = {r["runs"]: roles_of(r) for r in routes if r["path"] == "/api/acts/prepare" and r["runs"]}
there = {(r["path"], r["method"]) for r in routes}
said = {(path, method) for path, method, _ in operations()}
equal(sorted(there - said), [], "every route is described")
equal(sorted(said - there), [], "and nothing else is")
wrong = []
for path, method, operation in operations():
    mine = [r for r in routes if (r["path"], r["method"]) == (path, method) and not (path == "/api/acts/prepare" and r["runs"])]
    if "x-roles" in operation and mine and set(operation["x-roles"]) != roles_of(mine[0]):
        wrong.append(path)
    if operation.get("x-command") and operation["x-command"] != mine[0]["runs"]:
        wrong.append(path + " command")
equal(wrong, [], "roles and commands are those of the server")
schemas = described["components"]["schemas"]
equal({k: set(v) for k, v in schemas["ActCommand"]["x-roles"].items()}, acts, "acts by role")
equal(sorted(schemas["ActCommand"]["enum"]), sorted(acts), "acts")
options = options_def(ROOT)
FILES = ("FILE", "DIR", "PATH", "MAILDIR")
wrong = []
for path, method, operation in operations():
    command = operation.get("x-command")
    if command:
        names = {p["name"] for p in operation["parameters"]} - {"arg", "format"}
        want = {o for o, a in options[command].items() if a not in FILES and o not in ("json", "csv", "commit")}
        if names != want | ({"format"} & options[command].keys() if "format" in want else set()) and names != want:
            wrong.append((command, sorted(names ^ want)))
equal(wrong, [], "parameters are the options of the commands")
answer = operator.get("/api/openapi.json")
equal(answer.json(), json.loads(json.dumps(described)), "the server gives the same description")


# ---- answers fit the schemas ----

def resolve(document):
    """Schemas with their references within one document."""
    text = json.dumps(document).replace("#/components/schemas/", "#/$defs/")
    return {**json.loads(text), "$defs": json.loads(json.dumps(schemas).replace("#/components/schemas/", "#/$defs/"))}


def fits(path, document, status="200", method="get"):
    schema = described["paths"][path][method]["responses"][status]
    if "$ref" in schema:
        schema = described["components"]["responses"][schema["$ref"].split("/")[-1]]
    errors = list(jsonschema.Draft202012Validator(resolve(schema["content"]["application/json"]["schema"])).iter_errors(document))
    if errors:
        print("# %s: %s" % (path, "; ".join("%s: %.150s" % (list(e.absolute_path), e.message) for e in errors[:4])))
    return not errors


mails = tap_mails(case)
ARGS = {"census explain": "arg=192.0.2.1", "spam impact": "event=2011-03-16", "campaigns explain": "arg=%d&arg=%d" % (mails[0], mails[1]),
        "contacts find": "arg=192.0.2.1", "case subject show": "arg=John+Doe+1", "case subject timeline": "arg=John+Doe+1",
        "case subject search": "arg=doe", "lead show": "arg=%d" % case.lead, "lead search": "arg=airship",
        "lead novelty": "arg=%d" % case.lead, "reward check": "arg=%d" % case.lead, "log prove": "arg=5",
        "brands dossier": "arg=none", "campaigns template": "arg=%d" % mails[0]}
MORE = {"census": ["by=country", "by=asn", "by=network", "by=family", "by=address", "roles", "victims", "estimate", "estimate&by=country",
                   "estimate&by=asn", "estimate&by=family", "limit=1"],
        "spam": ["by=" + w for w in "hour family topic brand campaign country asn sensor".split()],
        "campaigns": ["members", "min-mails=1"], "cleanup status": ["reports", "contacts"], "notice status": ["notices", "runs"],
        "case asset list": ["names"], "case facts": ["root"], "reward ledger": ["lines"], "events": ["limit=2", "kind=smtp", "src=192.0.2.0/24"],
        "case asset coverage": ["by=registrar"], "spam records": ["of=day"]}
for method_path, method, operation in operations():
    command = operation.get("x-command")
    if not command:
        continue
    d = desk[next(r for r in ROLES.values() if r in operation["x-roles"])]
    for more in [ARGS.get(command, "")] + MORE.get(command, []):
        answer = d.get(method_path + ("?" + more if more else ""))
        good = answer.status == 200 or (answer.status == 422 and command in ("cleanup effect", "release show", "brands dossier",
                                                                             "campaigns template", "campaigns explain", "spam impact"))
        if not ok(good and fits(method_path, answer.json(), str(answer.status)), "%s %s" % (command, more)):
            print("#   %d %.300s" % (answer.status, answer.body))
VIEWS = ["/api/feed", "/api/feed?limit=3", "/api/cleanup/due?all=1", "/api/subjects/graph", "/api/calendar", "/api/notices/parties",
         "/api/notices/hearings", "/api/referrals", "/api/exhibits", "/api/log/acts", "/api/live", "/api/alarms", "/api/session"]
for path in VIEWS:
    answer = operator.get(path)
    ok(answer.status == 200 and fits(path.split("?")[0], answer.json()), path)
answer = operator.get("/api/mail/%d" % mails[0])
mail = answer.json()
ok(fits("/api/mail/{id}", mail), "a mail")
ok("<script>" in mail["html"] and mail["subject"] == "Pharmacy <b> offer 0" and "pills0.example" in mail["texts"][0]["text"], "taken apart")
ok([a["size"] for a in mail["attachments"]] == [5] and "UEsDBA" not in answer.body.decode(), "of attachments no bytes")
ok(answer.headers["Content-Type"].startswith("application/json") and answer.headers["X-Content-Type-Options"] == "nosniff",
   "as JSON, which no browser takes for HTML")
equal([operator.get("/api/mail/" + i).status for i in ("5", "999999999", "99999999999999999999999")], [404, 404, 404], "and other entries")
for index in (5, mails[0], 0):
    document = operator.get("/api/log/entry/%d" % index).json()
    ok(fits("/api/log/entry/{id}", document) and document["index"] == index, "entry %d" % index)
proof = operator.get("/api/log/entry/5").json()["proof"]
equal(proof, case.ebb("log", "prove", "5").out, "with its proof")

# ---- the same rows as the commands ----

for command in ("census", "case order list", "case asset list", "case subject list", "contacts queue", "spam", "log stamps", "partners"):
    path = "/api/q/" + command.replace(" ", "/")
    document = operator.get(path).json()
    equal(document["rows"], case.rows(*command.split()), "%s: the command's rows" % command)
    answer = operator.get(path + "?format=csv")
    equal(answer.body.decode(), case.ebb(*command.split(), "--csv").out.replace("\n", "\r\n").replace("\r\r", "\r"), "and its CSV")
    ok(answer.headers["Content-Disposition"].startswith("attachment") and answer.headers["Content-Type"].startswith("text/csv"), "as a file")
equal(operator.get("/api/q/census?by=country").json()["rows"], case.rows("census", "--by", "country"), "with an option")
text = operator.get("/api/q/log/checkpoint?format=text").body.decode()
ok(text == case.ebb("log", "checkpoint").out, "a text as it is")
rows = operator.get("/api/q/events?kind=feed&limit=1").json()["rows"]
ok(HOSTILE in json.dumps(rows, ensure_ascii=False) or HOSTILE.replace('"', '\\"') in json.dumps(rows, ensure_ascii=False), "what outsiders wrote, as text")
warned = operator.get("/api/q/case/order/list?within=36500").json()
ok(any("order-1" in w for w in warned.get("warnings", [])), "warnings come along")
acted = [r for r in operator.get("/api/log/acts?limit=1000").json()["rows"]]
equal(sorted(r["index"] for r in acted), sorted(r["index"] for r in case.ebb("log", "acts").rows()), "all acts")
ok(acted == sorted(acted, key=lambda r: -r["index"]), "the newest first")
seen, before = [], None
for _ in range(100):
    page = operator.get("/api/log/acts?limit=7" + ("&before=%d" % before if before else "")).json()
    seen += [r["index"] for r in page["rows"]]
    before = page["next"]
    if not before:
        break
equal(seen, [r["index"] for r in acted], "page by page the same")
equal({r["kind"] for r in operator.get("/api/log/acts?kind=order").json()["rows"]}, {"order"}, "of a kind")
equal({r["account"] for r in operator.get("/api/log/acts?account=conrad").json()["rows"]}, {"conrad"}, "of an account")

# ---- wrong questions ----

WRONG = ["/api/q/census?by=nothing", "/api/q/census?nonsense=1", "/api/q/census?estimate=maybe", "/api/q/census?format=xml", "/api/q/census?arg=x",
         "/api/q/events?limit=-1", "/api/q/events?since=soon", "/api/q/log/prove", "/api/q/log/prove?arg=x", "/api/q/case/order/list?csv=1",
         "/api/q/log/prove?arg=5&output=%2Ftmp%2Fx", "/api/q/log/verify?since-checkpoint=%2Fetc%2Fpasswd", "/api/q/case/facts?commit",
         "/api/q/events?account=rita", "/api/q/events?passphrase-file=x", "/api/q/events?key=x", "/api/log/acts?limit=0x", "/api/calendar?since=soon",
         "/api/feed?limit=100000", "/api/feed?limit=0", "/api/q/census?" + "&".join("family=x" for _ in range(80)), "/api/log/acts?" + "&".join("kind=x" for _ in range(20))]
for path in WRONG:
    answer = operator.get(path)
    if not ok(answer.status == 400 and answer.body, "400: " + path[:70]):
        print("#   %d %.200s" % (answer.status, answer.body))
equal(operator.get("/api/q/cleanup/trial?arg=spring&percent=20").status, 422, "a command that would act does not, on a reading route")
equal(case.rows("cleanup", "trial"), [], "and nothing is on the log")
equal(operator.get("/api/q/reward/check?arg=%d&check=truthful&answer=yes&why=x" % case.lead).status, 403, "nor by who may not")
answer = reviewer.get("/api/q/reward/check?arg=%d&check=truthful&answer=yes&why=x" % case.lead)
ok(answer.status in (400, 422), "nor by who might")
for path in ("/api/q/serve", "/api/q/import", "/api/q/unseal", "/api/q/blob/get", "/api/q/lead/read", "/api/q/", "/api/q", "/api/q/census/",
             "/api/q/Census", "/api/q/account/key", "/api/nothing", "/api/leads/x/sealed", "/api/leads//sealed", "/api/blob/" + "0" * 63,
             "/api/blob/" + "G" * 64, "/api/mail/-1", "/api/mail/"):
    equal(operator.get(path).status, 404, "404: " + path[:40])
answer = operator.ask("HEAD", "/api/q/census")
ok(answer.status == 200 and not answer.body, "HEAD")
for path, method, _ in operations():
    bad = "DELETE" if "{" not in path else "PUT"
    path = path.replace("{id}", "5").replace("{sha256}", "0" * 64)
    if operator.ask(bad, path).status != 405:
        ok(False, "%s %s: not refused" % (bad, path))
equal(operator.ask("POST", "/api/q/census", body="{}").status, 405, "405 for other methods")

# ---- every route by every role ----

plain = Desk(case.desk)
wrong, asked = [], 0
for path, method, operation in operations():
    allowed = set(operation.get("x-roles", ALL))
    if operation.get("tags") == ["session"]:
        continue
    real = path.replace("{id}", str(case.lead)).replace("{sha256}", "0" * 64)
    for role, d in list(desk.items()) + [("nobody", plain)]:
        answer = d.ask(method, real, body={} if method == "POST" else None)
        asked += 1
        want = [401] if role == "nobody" else [200, 400, 404, 422] if role in allowed else [403]
        if answer.status not in want or (answer.status >= 400 and not answer.json().get("error")):
            wrong.append((method, path, role, answer.status))
equal(wrong, [], "%d pairs of route and role (or nobody): each as the table says" % asked)
wrong = []
for command, allowed in acts.items():
    for role, d in list(desk.items()) + [("nobody", plain)]:
        answer = d.post("/api/acts/prepare", {"command": command})
        asked += 1
        want = [401] if role == "nobody" else [200, 400, 404, 422] if role in allowed else [403]
        if answer.status not in want:
            wrong.append((command, role, answer.status, answer.body))
equal(wrong, [], "and acts by role: %d in all" % asked)


def public(method, path):
    c = http.client.HTTPConnection("127.0.0.1", case.public, timeout=10)
    try:
        c.request(method, path, body=b"{}" if method == "POST" else None,
                  headers={"Cookie": operator.cookie, "X-Ebb-Csrf": operator.csrf, "Origin": operator.origin})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


wrong = []
for path, method, _ in operations():
    real = path.replace("{id}", "5").replace("{sha256}", "0" * 64)
    status, body = public(method, real)
    if status not in (404, 405) or b"position" in body:
        wrong.append((method, path, status))
equal(wrong, [], "on the public listener none of them is there, session or not")

# ---- leads ----

sealed = reviewer.get("/api/leads/%d/sealed" % case.lead).json()
ok(fits("/api/leads/{id}/sealed", sealed), "what is sealed of a lead")
equal([(e["kind"], e["what"], e["account"]) for e in sealed["entries"]],
      [("lead", None, None), ("lead_review", None, "rita"), ("lead_message", "answer", "rita")], "itself, a note, an answer")


def opened(d, entry):
    content, listing = bytes.fromhex(entry["content"]), base64.b64decode(entry["list"])
    for wrap in entry["wraps"]:
        key = case.key[d.name].unwrap(base64.b64decode(wrap), content)
        if key:
            return unseal(listing, key, lambda digest: d.get("/api/blob/%s?lead=%d" % (digest, case.lead)).body)
    return None


plain_text = [opened(reviewer, e) for e in sealed["entries"]]
ok(LEAD.encode() in manifest(plain_text[0]) and b"photo.bin" in manifest(plain_text[0]), "opened with the reviewer's key, part by part")
ok(b"a note about the zeppelin" in manifest(plain_text[1]) and b"thank you" in manifest(plain_text[2]), "note and answer, too")
for_carla = desk["custodian"].get("/api/leads/%d/sealed" % case.lead).json()
ok(opened(desk["custodian"], for_carla["entries"][0]) == plain_text[0], "the custodian has a wrap of her own")
ok(not {w for e in sealed["entries"] for w in e["wraps"]} & {w for e in for_carla["entries"] for w in e["wraps"]}, "and nobody's else")
ok(all(case.key["rita"].unwrap(base64.b64decode(w), bytes.fromhex(e["content"])) is None for e in for_carla["entries"] for w in e["wraps"]),
   "which the reviewer's key does not open")
everything = json.dumps(sealed) + reviewer.get("/api/q/lead/show?arg=%d" % case.lead).body.decode()
ok(LEAD not in everything, "the desk itself knows no words of it")
order_paper = case.rows("case", "order", "list")[0]["sha256"]
equal(reviewer.get("/api/blob/" + order_paper).status, 404, "other blobs are not given out")
equal(reviewer.get("/api/leads/999999/sealed").status, 404, "no such lead")
acts_of_leads = [r for r in auditor.get("/api/log/acts?limit=1000").json()["rows"] if r["kind"].startswith("lead")]
ok(acts_of_leads and all(set(r) <= {"index", "time", "kind", "account", "hidden"} for r in acts_of_leads), "an auditor sees that there are leads, not more")
ok(all("tag" not in json.dumps(r) and "airship" not in json.dumps(r) for r in acts_of_leads), "no tags")
entry = auditor.get("/api/log/entry/%d" % acts_of_leads[0]["index"]).json()
ok(entry["entry"].get("hidden") and entry["exact"] is None and entry["proof"], "of such an entry the proof alone")
alarms = auditor.get("/api/alarms").json()["alarms"]
ok(any(a["kind"] == "leads" and a["count"] == 2 for a in alarms), "and how many wait")

# ---- how it goes ----

live = operator.get("/api/live").json()
ok(live["ready"] and live["log_size"] > 60 and live["checkins"]["http"]["total"] == 0, "live")
names = {v["name"]: v for v in live["views"]}
ok({"census", "pursuit", "sources"} <= set(names) and names["pursuit"]["by"] == "keeper" and names["census"]["by"] == "recorder", "views")
c = http.client.HTTPConnection("127.0.0.1", case.port["http"], timeout=5)
c.request("GET", "/gate.php", headers={"Host": "c2.example", "User-Agent": HOSTILE.encode().decode("latin-1")})
c.getresponse().read()
last = live["log_size"] - 1
for _ in range(60):
    row = operator.get("/api/feed?after=%d" % last).json()["rows"]
    now = operator.get("/api/live").json()
    if row and now["checkins"]["http"]["total"]:
        break
    time.sleep(0.1)
ok(row and row[-1]["http"]["host"] == "c2.example" and now["checkins"]["http"]["total"] == 1, "a live check-in arrives in feed and figures")
for _ in range(60):
    views = {v["name"]: v["lag"] for v in operator.get("/api/live").json()["views"]}
    if not any(views.values()):
        break
    time.sleep(0.1)
equal(set(views.values()), {0}, "and the views follow")
items = operator.get("/api/calendar?since=2011-01-01&until=2100-01-01").json()["items"]
ok({"order-from", "order-until", "hearing", "deadline", "registration", "offer-until"} <= {i["what"] for i in items}, "dates of all kinds")
ok(items == sorted(items, key=lambda i: i["date"]), "in order")
graph = operator.get("/api/subjects/graph").json()
ids = {n["id"]: n["name"] for n in graph["nodes"]}
equal(sorted((ids[e["from"]], e["relation"], ids[e["to"]]) for e in graph["edges"]),
      [("John Doe 1", "rents", "c2.example"), ("John Doe 1", "works-with", "John Doe 2")], "the graph")

# ---- many at once ----

results = []


def hammer(n):
    try:
        results.append(operator.get("/api/q/census?limit=%d" % (n % 40 + 1)).status)
    except OSError:
        results.append(0)


threads = [threading.Thread(target=hammer, args=[n]) for n in range(60)]
[t.start() for t in threads]
[t.join(30) for t in threads]
ok(set(results) <= {200, 503} and results.count(200) >= 20, "sixty questions at once: answered, or asked to come again (%d, %d)" % (
    results.count(200), results.count(503)))
equal(reviewer.get("/api/q/case/order/list").status, 200, "others are answered")
said = case.said()
ok("a process failed" not in said and "died" not in said, "and no process has died")
if not ok(re.search(r"what=\"?ready", said), "the case was served"):
    print("#", said[-500:])
case.stop()
done()
