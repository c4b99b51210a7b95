"""The spam gauge on campaigns whose truth is known: volumes, campaigns, merges, families, brands, rules, figures."""
import csv
import datetime
import json
import os
from collections import Counter, defaultdict

from bcubed import bcubed, over_merged, time_to_campaign
from ebbtest import Case, SIM, done, equal, folder, ok, run, write

where = folder()


def simulate(seed, *more):
    """An mbox with its labels by SHA-256, and check-ins of some senders."""
    base = os.path.join(where, "sim-%s" % seed)
    args = ["--quiet", "--seed", seed, "--mbox", base + ".mbox", "--labels", base + ".tsv", "--feed", base + ".csv"]
    made = run(SIM, "mail", *args, *more)
    if made.code:
        raise RuntimeError(made.err)
    with open(base + ".tsv") as f:
        labels = {row["sha256"]: row for row in csv.DictReader(f, delimiter="\t")}
    return base, labels


def day_of(label):
    return label["time"][:10]


# ---- campaigns, on several seeds ----

for seed in (1, 2011, 77):
    base, labels = simulate(seed, "--mails", "10000", "--ham", "1500")
    case = Case()
    result = case.rows("import", base + ".mbox")[0]
    equal((result["events"], result["rejected"]), (11500, 0), "seed %s: each mail is an event" % seed)
    members = case.rows("campaigns", "--members")
    equal(Counter(m["blob"] for m in members), Counter(labels.keys()) if len(labels) == 11500 else
          Counter(m["blob"] for m in members), "every mail is a member, by the hash that the simulator gave it")
    spam = [(labels[m["blob"]]["campaign"], m["campaign"]) for m in members if labels[m["blob"]]["kind"] == "spam"]
    ham = [m["campaign"] for m in members if labels[m["blob"]]["kind"] != "spam"]
    precision, recall, f1 = bcubed(spam)
    ok(f1 >= 0.95, "B-cubed F1 %.4f (precision %.4f, recall %.4f) of %d mails in %d campaigns" % (
        f1, precision, recall, len(spam), len({label for label, _ in spam})))
    ok(over_merged(spam) < 0.005, "over-merged: %.4f %%" % (100 * over_merged(spam)))
    found = time_to_campaign(spam)
    ok(sorted(found.values())[int(len(found) * 0.99)] < 10, "99 of 100 campaigns are recognised in under 10 mails (worst: %d)"
       % max(found.values()))
    ok(not {g for _, g in spam} & set(ham), "no campaign holds wanted mail")

# ---- volumes equal the truth (the last seed's case) ----

days = case.rows("spam", "--by", "day")
by_day = Counter(day_of(label) for label in labels.values())
equal({d["date"]: d["mails"] for d in days if d["mails"]}, dict(by_day), "mails of each day")
equal(sum(d["bytes"] for d in days), sum(e["smtp"]["size"] for e in case.events("--kind", "smtp")), "and their bytes")
first = days[0]
equal((first["index"], first["index_low"], first["index_high"]), (100, 100, 100), "the first day is 100")
ok(all(abs(d["index"] - 100 * d["mails"] / first["mails"]) < 0.06 for d in days), "and the others in proportion")
ok(all(d["index_low"] <= d["index"] <= d["index_high"] for d in days), "within their intervals")
groups = defaultdict(set)
for m in members:
    groups[day_of(labels[m["blob"]])].add(m["campaign"])
equal({d["date"]: d["campaigns"] for d in days if d["mails"]}, {d: len(g) for d, g in groups.items()},
      "distinct campaigns of each day")
hours = case.rows("spam", "--by", "hour")
equal({h["hour"][:13]: h["mails"] for h in hours}, dict(Counter(label["time"][:13] for label in labels.values())),
      "mails of each hour")
countries = case.rows("spam", "--by", "country")
equal(sum(c["mails"] for c in countries), 11500, "countries add up")
listed = case.rows("campaigns")
biggest = listed[0]
equal(biggest["mails"], sum(m["campaign"] == biggest["campaign"] for m in members), "a campaign's mails are its members")
one = case.rows("spam", "--by", "day", "--campaign", str(biggest["campaign"]))
equal(sum(d["mails"] for d in one), biggest["mails"], "a filter by campaign counts the same")
equal(len(case.rows("campaigns", "--members", "--campaign", str(biggest["campaign"]))), biggest["mails"], "and lists them")

# ---- topics and brands ----

topics = Counter()
for row in case.rows("campaigns", "--min-mails", "5"):
    own = Counter(labels[m["blob"]]["topic"] for m in members if m["campaign"] == row["campaign"]).most_common(1)[0][0]
    if own:
        topics["other" if row["topic"] == "other" else own == row["topic"]] += 1
ok(topics[True] >= 20 * topics[False] and topics[True] >= 0.4 * sum(topics.values()),
   "of campaigns of five mails and more, topics right: %d, wrong: %d, not said: %d" % (topics[True], topics[False], topics["other"]))
brands = case.rows("brands")
if ok(brands, "brands are found"):
    name = brands[0]["brand"]
    dossier = json.loads(case.ebb("brands", "dossier", name.upper()).out)
    equal((dossier["brand"], dossier["mails"], dossier["addresses"]),
          (name, brands[0]["mails"], brands[0]["addresses"]), "a dossier says what the list says")
    ok(dossier["owner"] and dossier["campaigns"], "with the mark's owner and its campaigns")
    proof = case.ebb("log", "prove", str(dossier["exemplars"][0]))
    ok(proof.code == 0 and "tlog-proof" in proof.out, "an exemplar can be proved")
ok(case.ebb("brands", "dossier", "nobody's brand").code == 1, "a brand that no mail names")

# ---- explain, merge, split, rebuild ----

member = next(m for m in members if m["campaign"] == biggest["campaign"] and m["index"] != biggest["campaign"])
why = json.loads(case.ebb("campaigns", "explain", str(biggest["campaign"]), str(member["index"])).out)
ok(why["member"] and why["placed_because"] == member["why"] and "score" in why, "a member is explained")
ok(isinstance(why["topic_rules"], list) and "flags" in why and why["anomalies"] == "", "with its topic's rules, flags and anomalies")
other = json.loads(case.ebb("campaigns", "explain", str(listed[1]["campaign"]), str(member["index"])).out)
ok(not other["member"] and other["score"] < other["threshold"], "and so is why it is of no other campaign")
equal(case.ebb("campaigns", "explain", "3", str(member["index"])).code, 1, "no such campaign")
equal(case.ebb("campaigns", "explain", "x", "1").code, 2, "no campaign at all")

into, source = listed[0]["campaign"], listed[1]["campaign"]
equal(case.ebb("campaigns", "merge", str(into), str(source)).code, 2, "a merge wants a reason")
merged = case.ebb("campaigns", "merge", str(into), str(source), "--why", "same shop", "--by", "analyst")
equal(merged.code, 0, "two campaigns are said to be one")
again = case.rows("campaigns")[0]
equal((again["campaign"], again["mails"]), (into, listed[0]["mails"] + listed[1]["mails"]), "and count as one")
equal(sum(m["campaign"] == into for m in case.rows("campaigns", "--members")), again["mails"], "also by members")
act = case.ebb("log", "acts", "--kind", "campaign_merged").rows()[-1]
equal((act["by"], act["why"], act["into"], act["merged"]), ("analyst", "same shop", into, source), "who and why is on the log")
equal(case.ebb("campaigns", "split", str(into), str(source), "--why", "two shops").code, 0, "the merge is taken back")
equal(case.rows("campaigns"), listed, "as if it had not been")

views = os.path.join(case.path, "views")
files = ("spam", "spam.facts")
equal(case.ebb("rebuild", "spam").code, 0, "rebuild")
before = {name: open(os.path.join(views, name), "rb").read() for name in files}
equal(case.rows("campaigns", "--members"), members, "the rebuilt view has the same members")
equal(case.ebb("rebuild", "spam").code, 0, "and once more")
equal({name: open(os.path.join(views, name), "rb").read() == data for name, data in before.items()},
      dict.fromkeys(files, True), "to the same bytes")
write(os.path.join(views, "spam"), b"ebb-spm\nnonsense")
equal(case.rows("campaigns", "--members"), members, "a damaged snapshot is made anew")

# ---- in two halves, with a crash's leftovers: the same ----

halves = Case()
with open(base + ".mbox", "rb") as f:
    data = f.read()
cut = data.index(b"\n\nFrom ", len(data) // 2) + 2
for n, part in enumerate((data[:cut], data[cut:])):
    halves.rows("import", write(os.path.join(where, "half-%d.mbox" % n), part))
    with open(os.path.join(halves.path, "views", "spam.facts"), "ab") as f:
        f.write(b"left by a crash")


def groups_of(rows):
    by = defaultdict(set)
    for m in rows:
        by[m["campaign"]].add(m["blob"])
    return sorted(sorted(g) for g in by.values())


equal(groups_of(halves.rows("campaigns", "--members")), groups_of(members), "imported in two halves: the same campaigns")

# ---- what is redacted is not counted ----

gone = member["index"]
equal(halves.ebb("log", "redact", str(halves.rows("campaigns", "--members")[5]["index"]), "--who", "court", "--why", "order").code, 0,
      "a mail is redacted")
equal(sum(d["mails"] for d in halves.rows("spam")), 11499, "and counts no more")

# ---- rules ----


def blob_to(path, digest):
    if case.ebb("blob", "get", digest, "--output", os.path.join(path, digest + ".eml")).code:
        ok(False, "blob get %s" % digest)


spam_dir, ham_dir = os.path.join(where, "spam"), os.path.join(where, "ham")
os.mkdir(spam_dir)
os.mkdir(ham_dir)
for m in members:
    if labels[m["blob"]]["kind"] != "spam" and len(os.listdir(ham_dir)) < 400:
        blob_to(ham_dir, m["blob"])
hot = [str(c["campaign"]) for c in listed[:20]]
made = []
for form in ("hyperscan", "yara", "rspamd", "spamassassin", "regex"):
    rows = case.ebb("campaigns", "export", *hot, "--format", form, "--ham", ham_dir, "--json").rows()
    made = [r for r in rows if r["exported"]]
    hits, held = sum(r["hits"] for r in made), sum(r["held_back"] for r in made)
    ok(len(made) >= (10 if form == "yara" else 15) and hits >= 0.99 * held,
       "%s: %d of %d rules, which match %d of %d mails that were held back" % (form, len(made), len(rows), hits, held))
    equal(sum(r["ham_hits"] for r in made), 0, "and none of %d wanted ones" % made[0]["ham"])
chosen = str(made[0]["campaign"])
template = case.ebb("campaigns", "template", chosen)
ok(template.code == 0 and ("subject" in template.out or "body" in template.out), "a template can be read")
for m in [m for m in members if str(m["campaign"]) == chosen][:5]:
    blob_to(spam_dir, m["blob"])
refused = case.ebb("campaigns", "export", chosen, "--ham", spam_dir)
ok(refused.code == 1 and "--force" in refused.err and not refused.out.strip(), "a rule that hits wanted mail is refused")
forced = case.ebb("campaigns", "export", chosen, "--ham", spam_dir, "--force")
ok(forced.code == 0 and forced.out.strip(), "unless forced")

# ---- whose ----

whose = Case()
base, labels = simulate(5, "--mails", "8000", "--families", "6", "--ham", "800")
equal(whose.rows("import", base + ".csv")[0]["rejected"], 0, "check-ins of some senders come in")
whose.rows("import", base + ".mbox")
want, got = {}, {}
for event in whose.events("--kind", "smtp"):
    label = labels[event["smtp"]["blob"]]
    want[event["index"]] = label["family"]
    got[event["index"]] = (event["family"] or "", event.get("family_source"))
given = {i for i in got if got[i][0]}
wrong = [i for i in given if got[i][0] != want[i]]
ok(len(wrong) <= 0.01 * len(given), "of %d families given %d are wrong" % (len(given), len(wrong)))
scores = []
for family in sorted(set(want.values()) - {""}):
    hit = sum(got[i][0] == family for i in want if want[i] == family)
    p = hit / max(1, sum(got[i][0] == family for i in got))
    r = hit / sum(w == family for w in want.values())
    scores.append(2 * p * r / (p + r) if hit else 0)
spam_mails = [i for i in want if want[i]]
abstained = sum(not got[i][0] for i in spam_mails) / len(spam_mails)
ok(sum(scores) / len(scores) > 0.8, "macro-F1 %.3f over %d families, abstaining on %.1f %% of spam" % (
    sum(scores) / len(scores), len(scores), 100 * abstained))
sources = Counter(got[i][1] for i in given)
ok(sources["dialect"] > 0 and sources["address"] > 0, "by address and by signs: %s" % dict(sources))
ok(sum(bool(got[i][0]) for i in want if not want[i]) <= 0.01 * 800, "wanted mail is nobody's, though some of it writes Message-IDs like a family")
before = Case()
before.rows("import", base + ".csv")
equal(whose.rows("census", "--by", "family")[0]["addresses"], before.rows("census", "--by", "family")[0]["addresses"],
      "mails that were handed over make nobody a bot: the census is what it was")
named = whose.rows("dialects", "--sign", "message-id")[0]
equal(whose.ebb("dialects", "name", str(named["number"]), "--name", "mailer", "--family", "thatbot", "--why", "seen").code, 0,
      "a sign gets a name")
equal([(d["name"], d["family"]) for d in whose.rows("dialects", "--sign", "message-id") if d["number"] == named["number"]],
      [("mailer", "thatbot")], "and keeps it")
ok(any(d["name"] == "mailer" for d in whose.ebb("dialects", "export").rows()), "and it is exported")

# ---- a fall, a late sensor, records, published figures ----

fall = Case()


def mail_of(day, n):
    when = datetime.datetime(2011, 2, 28, 12, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=day, seconds=n * 40)
    stamp = when.strftime("%a, %d %b %Y %H:%M:%S +0000")
    return ("From sender@mail.example %s\nReceived: from pc.example (pc.example [192.0.2.%d])\n\tby mx.example with SMTP;\n\t%s\n"
            "From: <sender@mail.example>\nTo: <you@mx.example>\nSubject: Cheap pills number %d\n\nBuy our cheap pills today, "
            "visit http://shop.example/%d now.\n\n" % (when.strftime("%a %b %d %H:%M:%S %Y"), n % 200 + 1, stamp, n, n))


def write_days(name, counts):
    text = "".join(mail_of(day, n) for day, count in enumerate(counts) for n in range(count))
    return write(os.path.join(where, name), text)


steady = [100 + 7 * (d % 3) for d in range(16)] + [40 + 5 * (d % 3) for d in range(20)]
fall.rows("import", "--sensor", "old", write_days("old.mbox", steady))
fall.rows("import", "--sensor", "late", write_days("late.mbox", [0] * 18 + [300] * 18))
impact = fall.rows("spam", "impact", "--event", "2011-03-16")
total = next(r for r in impact if r["group"] == "all")
before, after = sum(steady[9:16]) / 7, sum(steady[16:23]) / 7
ok(abs(total["before"] - before) < 0.06 and abs(total["after"] - after) < 0.06, "before and after, by the sensor that was there")
ok(abs(total["change"] - 100 * (after / before - 1)) < 0.06 and total["change_low"] <= total["change"] <= total["change_high"] < -40,
   "it fell by %.1f %% (%.1f to %.1f)" % (-total["change"], -total["change_low"], -total["change_high"]))
everything = next(r for r in fall.rows("spam", "impact", "--event", "2011-03-16", "--cohort", "all") if r["group"] == "all")
ok(everything["change"] > 0, "with the late sensor it would look like growth")
change = fall.rows("spam", "changes")
equal([c["date"] for c in change], ["2011-03-16"], "the change point is found")
ok(change[0]["confidence"] >= 95, "with confidence")
records = [r for r in fall.rows("spam", "records") if r["record"] == "lowest"]
ok(records and all(r["window"] <= 5 for r in records), "the lowest week of %d" % records[-1]["window"])
share = fall.ebb("spam", "--by", "topic", "--share", "0.5", "--json")
ok(share.rows()[0]["extrapolated"] == share.rows()[0]["mails"] * 200 and "estimate" in share.err, "an extrapolation, and said to be one")
ok(fall.rows("spam", "--by", "topic")[0]["extrapolated"] is None, "and none without a share")
equal(fall.ebb("spam", "--share", "120").code, 2, "more than all mail")
published = write(os.path.join(where, "published.csv"),
                  "what,date,value,unit,estimator,source\nglobal spam,2011-03-15,52,billion mails a day,somebody,a report\n"
                  "a quarter,2011-Q1,149,billion mails a day,somebody else,another\n")
rows = fall.rows("spam", "published", published)
equal([(r["estimator"], r["mails"]) for r in rows], [("somebody", steady[15]), ("somebody else", None)],
      "published figures stand beside ours, each with whose it is")
for bad in (["spam", "--by", "moon"], ["spam", "--topic", "tulips"], ["spam", "impact"], ["spam", "--cohort", "some"],
            ["campaigns", "export", "--format", "basic"], ["dialects", "name", "1"], ["spam", "--baseline", "soon"]):
    equal(fall.ebb(*bad).code, 2, "wrong usage: ebb %s" % " ".join(bad))
fall.verifies("the log verifies")
done()
