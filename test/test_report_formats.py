"""Abuse reports by other people's tools: JSON schemas with ajv 8 and Python's jsonschema, mail with
Python's email, UUIDs with Python's uuid, CSV with our own importer."""
import base64
import csv
import datetime
import email
import email.policy
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import uuid

from ebbtest import Case, EBB, ROOT, SHARED, SHADOWSERVER_COLUMNS, done, equal, folder, ok, run, skip, write

SAMPLE = os.path.join(os.path.dirname(EBB), "src", "report", "report_sample")
SCENES = ["all", "bot", "spam", "many", "hostile", "random"]
FORMATS = ["xarf", "arf", "csv", "stix", "text"]
XARF = os.path.join(SHARED, "schemas", "xarf-spec", "schemas", "v4")
STIX = os.path.join(SHARED, "schemas", "stix-2.1", "schemas")
SCO_SPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


def sample(scene, form, language="en", kind="mail"):
    made = subprocess.run([SAMPLE, scene, form, language, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    if made.returncode:
        ok(False, "report_sample %s %s: %s" % (scene, form, made.stderr.decode()))
    return made.stdout


def parsed(scene, form, language="en"):
    return email.message_from_bytes(sample(scene, form, language), policy=email.policy.default)


def documents(scene, form):
    return [json.loads(line) for line in sample(scene, form, kind="data").decode().splitlines()]


def leaves(mail, kind):
    return [p for p in mail.walk() if p.get_content_type() == kind]


# --- schemas

def ajv_folder():
    """A folder with ajv in it, or why there is none."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None, "no node or npm on this machine"
    at = folder()
    for name in ("package.json", "package-lock.json", "check.js"):
        shutil.copy(os.path.join(ROOT, "test", "ajv", name), at)
    try:
        made = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", at, cwd=at, timeout=180)
    except subprocess.TimeoutExpired:
        return None, "npm ci took more than 180 s"
    return (at, "") if made.code == 0 else (None, "npm ci: " + (made.err.strip().splitlines() or ["failed"])[0][:200])


def ajv(at, kind, schemas, docs):
    made = subprocess.run(["node", "check.js", kind, schemas], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120, input="".join(json.dumps(d) + "\n" for d in docs))
    if made.returncode:
        ok(False, "check.js: %s" % made.stderr[:1000])
    return made.stdout.splitlines()


def check_schemas_with_ajv():
    at, why = ajv_folder()
    if at is None:
        skip("XARF and STIX by ajv 8", why)
        return
    version = json.load(open(os.path.join(at, "node_modules", "ajv", "package.json")))["version"]
    ok(version.startswith("8."), "ajv %s" % version)
    for kind, schemas in (("xarf", XARF), ("stix", STIX)):
        docs = [(scene, d) for scene in SCENES for d in documents(scene, kind)]
        found = ajv(at, kind, schemas, [d for _, d in docs])
        for scene in SCENES:
            equal([f for f, (s, _) in zip(found, docs) if s == scene], ["ok"] * [s for s, _ in docs].count(scene),
                  "ajv: %s, %s" % (kind, scene))
    # that it finds what is wrong
    good = documents("spam", "xarf")[0]
    broken = [{k: v for k, v in good.items() if k != "source_port"}, dict(good, smtp_from="nobody"),
              dict(good, tags=["No Tag"]), dict(good, report_id="x"), dict(good, category="connection")]
    found = ajv(at, "xarf", XARF, broken)
    ok(len(found) == len(broken) and "ok" not in found, "ajv: broken XARF is found out")
    bundle, broken = documents("bot", "stix")[0], []
    for i in range(len(bundle["objects"])):
        broken.append(json.loads(json.dumps(bundle)))
        broken[-1]["objects"][i]["id"] = "x"
    found = ajv(at, "stix", STIX, broken)
    ok(len(found) == len(broken) and "ok" not in found, "ajv: broken STIX is found out")


def check_schemas_with_python():
    try:
        import jsonschema
        from referencing import Registry, Resource
    except ImportError:
        skip("XARF and STIX by Python's jsonschema", "it is not installed")
        return
    for kind, base in (("xarf", XARF), ("stix", STIX)):
        resources = []
        for where, _, names in os.walk(base):
            for name in names:
                if name.endswith(".json"):
                    schema = json.load(open(os.path.join(where, name)))
                    resources.append((schema["$id"], Resource.from_contents(schema)))
        registry = Registry().with_resources(resources)
        by_id = dict(resources)

        def wrong(document, ending):
            schema = next(r.contents for i, r in by_id.items() if i.endswith(ending))
            validator = jsonschema.Draft202012Validator(schema, registry=registry,
                                                        format_checker=jsonschema.FormatChecker())
            return ["%s: %s" % (list(e.path), e.message[:200]) for e in validator.iter_errors(document)]

        for scene in ("all", "hostile"):  # it is slow
            found = []
            for d in documents(scene, kind):
                found += wrong(d, "/%s-%s.json" % (d["category"], d["type"]) if kind == "xarf" else "/bundle.json")
            equal(found, [], "jsonschema: %s, %s" % (kind, scene))


def check_xarf_sense():
    """What no schema says."""
    rows = [json.loads(line) for line in sample("all", "xarf", kind="rows").decode().splitlines()]
    docs = documents("all", "xarf")
    equal([(d["source_identifier"], d.get("source_port", 0)) for d in docs],
          [(r["src_ip"], r["src_port"]) for r in rows if r["what"] != 2], "xarf: a document a row, none for what is gone")
    equal(len({d["report_id"] for d in docs}), len(docs), "xarf: ids are unique")
    ok(all(uuid.UUID(d["report_id"]).version == 4 for d in docs), "xarf: ids are version 4")
    for d in docs:
        for item in d["evidence"]:

            payload = base64.b64decode(item["payload"], validate=True)
            if item["hash"] != "sha256:" + hashlib.sha256(payload).hexdigest() or item["size"] != len(payload):
                ok(False, "xarf: the hash is the evidence's")
    equal([d["type"] for d in docs].count("spam"), 1, "xarf: spam with a sender is messaging/spam, without one a botnet")
    ok(docs == documents("all", "xarf"), "xarf: the same again")


def check_stix_ids():
    """Ids of observables, computed again; references lead somewhere; nothing is there twice."""
    contributing = {"ipv4-addr": ["value"], "ipv6-addr": ["value"], "domain-name": ["value"],
                    "autonomous-system": ["number"],
                    "network-traffic": ["start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols",
                                        "extensions"]}
    for scene in SCENES:
        objects = documents(scene, "stix")[0]["objects"]
        ids = [o["id"] for o in objects]
        equal(len(set(ids)), len(ids), "stix, %s: every id once" % scene)
        wrong, lost = [], []
        for o in objects:
            keys = contributing.get(o["type"])
            if keys:
                name = json.dumps({k: o[k] for k in keys if k in o}, sort_keys=True, separators=(",", ":"),
                                  ensure_ascii=False)
                want = "%s--%s" % (o["type"], uuid.uuid5(SCO_SPACE, name))
                wrong += [(o["id"], want)] if o["id"] != want else []
            for key, value in o.items():
                if key.endswith("_ref") or key.endswith("_refs"):
                    lost += [(key, v) for v in (value if isinstance(value, list) else [value]) if v not in ids]
        equal(wrong, [], "stix, %s: ids of observables as the standard says" % scene)
        equal(lost, [], "stix, %s: references" % scene)


# --- mail

TOP = ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]


def check_mail(scene, form, language):
    raw = sample(scene, form, language)
    name = "%s, %s, %s" % (form, scene, language)
    lines = raw.split(b"\r\n")
    good = raw.endswith(b"\r\n") and not any(b"\n" in l or b"\r" in l for l in lines) and max(map(len, lines)) <= 998
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [d for p in mail.walk() for d in p.defects]
    heads = [p for p in mail.walk() if p["Message-ID"]]
    bad = [h for p in heads for h in p.keys() if h not in TOP + ["Content-Language", "Content-Transfer-Encoding"]]
    once = all(len(p.get_all(h, [])) <= 1 for p in heads for h in TOP)
    ok(good and not defects and not bad and once, "mail, %s: whole" % name) or print("#", good, defects, bad, once)
    equal((str(mail["To"]), mail["From"].addresses[0].addr_spec, mail["Auto-Submitted"]),
          ("abuse@isp.example", "abuse-reports@takedown.example.net", "auto-generated"), "mail, %s: headers" % name)
    equal(mail["Date"].datetime, datetime.datetime(2026, 11, 30, 11, tzinfo=datetime.timezone.utc),
          "mail, %s: Date" % name)
    said = [mail["Subject"]]
    for p in mail.walk():
        if not p.is_multipart():
            payload = p.get_payload(decode=True) or b""
            said.append(payload.decode("utf-8"))  # all of it is UTF-8
        said += [str(v) for v in p.values()]
    said = "\n".join(said)
    found = [w for w in ("secret", "4f1c2d", "topic=", "user@example.org", "victim@example.org", "victim@trap.example",
                         "victim=example.org") if w in said.replace("Bcc: victim@example.org", "")]
    equal(found, [], "mail, %s: nothing that is nobody's business" % name)
    return mail


def fields(part):
    """message/feedback-report, which Python reads as a message."""
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) else email.message_from_string(payload)
    return {k: v for k, v in inner.items()}


def check_arf():
    mail = parsed("spam", "arf")
    equal((mail.get_content_type(), mail.get_param("report-type"), [p.get_content_type() for p in mail.iter_parts()]),
          ("multipart/report", "feedback-report", ["text/plain", "message/feedback-report", "text/rfc822-headers"]),
          "arf: RFC 5965's parts")
    equal({k: v for k, v in fields(list(mail.iter_parts())[1]).items() if k != "User-Agent"},
          {"Feedback-Type": "abuse", "Version": "1", "Source-IP": "192.0.2.25", "Source-Port": "49152",
           "Arrival-Date": "Mon, 30 Nov 2026 07:00:00 +0000", "Incidents": "12",
           "Original-Mail-From": "<kyle5181@example.com>", "Reporting-MTA": "dns; takedown.example.net"},
          "arf: a spam's fields")
    headers = email.message_from_string(list(mail.iter_parts())[2].get_content(), policy=email.policy.default)
    equal((headers["Subject"], headers["To"], headers["Return-Path"]),
          ("Re: redacted über 80% off", "redacted@redacted.invalid", "<kyle5181@example.com>"), "arf: a spam's headers")
    got = fields(list(parsed("bot", "arf").iter_parts())[1])
    equal((got["Feedback-Type"], got["Source-IP"], got["Reported-Domain"]), ("other", "192.0.2.17", "c2.example.org"),
          "arf: a check-in's fields")
    rows = [json.loads(line) for line in sample("many", "arf", kind="rows").decode().splitlines()]
    within = [list(p.iter_parts())[0] for p in parsed("many", "arf").iter_parts() if p.get_content_type() == "message/rfc822"]
    equal([fields(list(m.iter_parts())[1])["Source-IP"] for m in within], [r["src_ip"] for r in rows],
          "arf: several are whole reports within one mail")
    equal(len({m["Message-ID"] for m in within}), len(rows), "arf: each with its own Message-ID")


def check_xarf_mail():
    mail = parsed("all", "xarf")
    parts = list(mail.iter_parts())
    equal((mail.get_content_type(), mail.get_param("report-type"), parts[0].get_content_type(),
           parts[1].get_content_type(), {p.get_content_type() for p in parts[2:]}),
          ("multipart/report", "feedback-report", "text/plain", "message/feedback-report", {"application/json"}),
          "xarf: the mail's parts")
    equal(fields(parts[1])["Feedback-Type"], "xarf", "xarf: Feedback-Type")
    equal([json.loads(p.get_content().decode() if isinstance(p.get_content(), bytes) else p.get_content())
           for p in parts[2:]], documents("all", "xarf"), "xarf: the documents")
    equal([p.get_filename() for p in parts[2:4]], ["xarf.json", "xarf-2.json"], "xarf: file names")


# --- CSV through our own importer

def seen(events):
    """What a row tells of an event."""
    out = []
    for e in events:
        http = e.get("http") or {}
        out.append((e["time"][:19], e["src_ip"], e["src_port"], e["dst_ip"], e["dst_port"], e["protocol"],
                    e["transport"], e["feed"].get("infection"), http.get("method"), http.get("target"), http.get("host"),
                    http.get("user_agent"), e["feed"].get("event_id")))
    return sorted(out, key=str)


def formula(text):
    return "'" + text if text[:1] in ("=", "+", "-", "@") and text else text


def told(rows):
    """What an event has to be to be the row's; the query and fractions of a second are not told."""
    out = []
    for r in rows:
        http = r["protocol"] == "http"
        stamp = datetime.datetime.fromtimestamp(r["time"] // 1000000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        path = re.split("[?#]", r["target"])[0]
        family = None if r["family"] == "unknown" else formula(r["family"])
        out.append((stamp, r["src_ip"], r["src_port"] or None, r["dst_ip"], r["dst_port"] or None, r["protocol"],
                    r["transport"] or None, family or None, r["method"] or None if http else None,
                    path or None if http else None, formula(r["host"]) or None if http else None,
                    formula(r["agent"]) or None if http else None, str(r["index"])))
    return sorted(out, key=str)


def check_csv():
    for scene in ("all", "random"):
        rows = [json.loads(line) for line in sample(scene, "csv", kind="rows").decode().splitlines()]
        rows = [r for r in rows if r["what"] != 2]
        text = sample(scene, "csv", kind="data").decode()
        back = list(csv.reader(io.StringIO(text, newline="")))
        equal(back[0], SHADOWSERVER_COLUMNS, "csv, %s: Shadowserver's columns" % scene)
        ok(len(back) == len(rows) + 1 and all(len(r) == len(back[0]) for r in back), "csv, %s: rows" % scene)
        case = Case()
        made = case.rows("import", write(os.path.join(folder(), "feed.csv"), text))[0]
        equal((made["format"], made["events"], made["rejected"]), ("shadowserver", len(rows), 0),
              "csv, %s: our importer takes it" % scene)
        equal(seen(case.events()), told(rows), "csv, %s: and finds the same" % scene)
        # the files of the mail, one a report
        case, names = Case(), []
        for part in parsed(scene, "csv").iter_attachments():
            names.append(part.get_filename())
            write(os.path.join(folder(), names[-1]), part.get_payload(decode=True))
            case.rows("import", write(os.path.join(folder(), names[-1]), part.get_payload(decode=True)))
        equal(names, ["2026-11-30-event%s-rustock-2011.csv" % n for n in
                      ("4_sinkhole", "4_sinkhole_http", "6_sinkhole", "6_sinkhole_http")], "csv, %s: files" % scene)
        equal(seen(case.events()), told(rows), "csv, %s: the files say the same" % scene)


def check_csv_shape():
    real = {}
    for name, mine in (("event4_sinkhole", 0), ("event4_sinkhole_http", 1), ("event6_sinkhole_http", 3)):
        path = os.path.join(SHARED, "shadowserver", name + ".csv")
        if not os.path.exists(path):
            skip("csv: headings of %s" % name, "no folder of real feeds")
            continue
        with open(path) as f:
            real[mine] = f.readline().rstrip("\r\n")
    files = [p.get_payload(decode=True).decode().splitlines()[0] for p in parsed("all", "csv").iter_attachments()]
    for mine, heading in real.items():
        equal(files[mine], heading, "csv: the heading is Shadowserver's, byte by byte (%d)" % mine)


if os.path.isdir(XARF) and os.path.isdir(STIX):
    check_schemas_with_ajv()
    check_schemas_with_python()
else:
    skip("XARF and STIX by their schemas", "no folder of schemas")
check_xarf_sense()
check_stix_ids()
for form in FORMATS:
    for scene in SCENES:
        check_mail(scene, form, "en")
    for language in ("de", "fr", "es"):
        check_mail("all", form, language)
check_arf()
check_xarf_mail()
check_csv()
check_csv_shape()
done()
