"""Faults in commands that put acts on the log, make views again, or erase: each is on the log once, or not and the
command said so."""
import json
import os
import shutil

import fault_import
from ebbtest import EBB, Case, folder, run, write
from fault import Fault, faults, unclear
from people import Person

VOLATILE = ("index", "time", "tree_size", "signature", "duration_us")


def stable(row):
    return json.dumps({k: v for k, v in row.items() if k not in VOLATILE}, sort_keys=True)


class Act:
    """args(scenario) is the command; it runs on a copy of a small case that has been imported into."""

    def __init__(self, name, args, most, person=False, setup=None, repeats=False):
        self.name, self.make_args, self.most, self.person = name, args, most, person
        self.setup, self.repeats = setup, repeats

    def prepare(self):
        self.place = folder()
        self.template = fault_import.quick(Case(os.path.join(self.place, "template")))
        fed = self.template.ebb("import", write(os.path.join(self.place, "feed.csv"), fault_import.feed()))
        if fed.code:
            raise RuntimeError(fed.err)
        self.env = dict(os.environ)
        if self.person:
            self.who = Person("rita")
        if self.setup:
            self.setup(self)
        self.args = self.make_args(self)
        calm = self.copy(os.path.join(self.place, "calm"))
        counted = Fault()
        result = calm.ebb(*self.args, env=counted.env(self.env))
        if result.code:
            raise RuntimeError("%s: %s" % (self.name, result.err))
        self.counted = counted.read()
        self.truth = self.state(calm)

    def copy(self, path):
        shutil.copytree(self.template.path, path)
        return Case(path, init=False)

    def faults(self):
        return faults(self.counted.seen.get("main", {}), self.most, sites=self.counted.sites)

    def state(self, case):
        acts = case.ebb("log", "acts")
        events = case.ebb("events", "--csv")
        census = case.ebb("census", "--by", "day", "--csv")
        if acts.code or events.code or census.code:
            raise RuntimeError("reading: %s%s%s" % (acts.err, events.err, census.err))
        return [stable(row) for row in acts.rows()], events.out, census.out

    def run(self, fault, place):
        case = self.copy(os.path.join(place, "case"))
        before = len(case.ebb("log", "acts").out.splitlines())
        hit = case.ebb(*self.args, env=fault.env(self.env), timeout=60)
        why = unclear(hit.code, hit.err)
        if why:
            return why
        verified = case.ebb("log", "verify")
        if verified.code:
            return "does not verify after it: %s (%s)" % (verified.err, hit.err)
        if hit.code == 0 and self.state(case) != self.truth:
            return "said that it succeeded, and is not the truth: %s" % hit.err
        if hit.code:
            done = len(case.ebb("log", "acts").out.splitlines()) > before
            again = case.ebb(*self.args, env=self.env, timeout=60)
            if again.code and not done:
                return "nothing was done, and a second time fails: %s (first: %s)" % (again.err, hit.err)
            state = self.state(case)
            if self.repeats:  # done anew, on the log anew: once more than needed is no loss
                state = (list(dict.fromkeys(state[0])),) + state[1:]
            if state != self.truth:
                return "not the truth after a second time: %s (first: %s)" % (again.err, hit.err)
        verified = case.ebb("log", "verify")
        return "does not verify at the end: %s" % verified.err if verified.code else None


def order(s):
    document = write(os.path.join(s.place, "order.pdf"), b"%PDF-1.4 an order\n" * 500)
    return ["case", "order", "add", "--id", "order-1", "--court", "District Court", "--docket", "2:11-cv-00222",
            "--jurisdiction", "US", "--from", "2020-01-01", "--until", "2099-01-01", "--document", document]


def redact(s):
    index = [e["index"] for e in s.template.events()]
    return ["log", "redact", "%d-%d" % (index[10], index[30]), str(index[50]), "--who", "a judge", "--why", "erasure"]


class Backup(Act):
    """`ebb backup`, and `ebb restore` of one: a second time ends with what the case has."""

    def __init__(self, name, most):
        super().__init__(name, None, most)

    def prepare(self):
        self.place = folder()
        self.template = fault_import.quick(Case(os.path.join(self.place, "template")))
        for made in ("feed.csv", fault_import.feed()), ("mails.mbox", fault_import.mbox()):
            fed = self.template.ebb("import", write(os.path.join(self.place, made[0]), made[1]))
            if fed.code:
                raise RuntimeError(fed.err)
        self.truth = self.state(self.template)
        self.store = os.path.join(self.place, "store")
        if self.template.ebb("backup", self.store).code:
            raise RuntimeError("backup")
        counted = Fault()
        args = ["backup", os.path.join(self.place, "other")] if self.name == "backup" else \
            ["restore", self.store, os.path.join(self.place, "back")]
        result = self.template.ebb(*args, env=counted.env())
        if result.code:
            raise RuntimeError(result.err)
        self.counted = counted.read()

    def again(self, place, env=None):
        """The case as it comes back, and the command's end."""
        back = os.path.join(place, "back")
        if self.name == "restore":
            return run(EBB, "restore", self.store, back, env=env, timeout=60), back
        store = os.path.join(place, "store")
        return self.template.ebb("backup", store, env=env, timeout=60), store

    def run(self, fault, place):
        hit, made = self.again(place, fault.env())
        why = unclear(hit.code, hit.err)
        if why:
            return why
        if self.name == "backup":
            verified = self.template.ebb("log", "verify")
            if verified.code:
                return "the case does not verify after it: %s" % verified.err
        if hit.code:
            if self.name == "restore":
                left = run(EBB, "-C", made, "log", "verify")
                if os.path.exists(os.path.join(made, "ebb.yaml")):
                    return None if left.code == 0 else "a case is there that does not verify: %s" % left.err
                if run(EBB, "-C", made, "case", "order", "list").code == 0:
                    return "half a case can be opened (first: %s)" % hit.err
                shutil.rmtree(made, ignore_errors=True)  # as the error of a second time says
            second, made = self.again(place)
            if second.code:
                return "a second time fails: %s (first: %s)" % (second.err, hit.err)
        if self.name == "backup":
            checked = run(EBB, "backup", "verify", made)
            if checked.code:
                return "the backup does not hold: %s (first: %s)" % (checked.err, hit.err)
            back = run(EBB, "restore", made, os.path.join(place, "back"))
            if back.code:
                return "the backup does not come back: %s (first: %s)" % (back.err, hit.err)
            made = os.path.join(place, "back")
        if self.state(Case(made, init=False)) != self.truth:
            return "what comes back is another case (first: %s)" % hit.err
        verified = run(EBB, "-C", made, "log", "verify")
        return "what comes back does not verify: %s" % verified.err if verified.code else None


SCENARIOS = [
    Act("order-add", order, {"": 25, "malloc": 15}),
    Act("account-add", lambda s: ["account", "add", s.who.public, "--roles", "custodian"], {"": 25, "malloc": 15}, person=True),
    Act("redact", redact, {"": 30, "malloc": 15}, repeats=True),
    Act("rebuild", lambda s: ["rebuild"], {"": 30, "malloc": 15}),
    Backup("backup", {"": 20, "malloc": 10}),
    Backup("restore", {"": 20, "malloc": 10}),
]
