"""Faults in sending: reports on the queue, to a smarthost on loopback. None is given out twice; what the log says was
sent was taken; what the smarthost took is said to be sent, or in doubt and left to a person."""
import collections
import os
import shutil
import subprocess

import fault_import
from ebbtest import EBB, Case, folder, write
from fault import Fault, faults, unclear
from smarthost import Smarthost

QUEUE = os.environ.get("EBB_QUEUE_REPORTS") or os.path.join(os.path.dirname(EBB), "test", "queue_reports")
REPORTS = 4
CONFIG = """cleanup:
  from: {org: Test, name: Test, mail: reports@ebb.example, domain: ebb.example}
  smarthost: {host: 127.0.0.1, port: %d, tls: none, sender: bounces@ebb.example}
  sending: true
  per_minute: 1000000
  per_contact_day: 1000
"""


class Send:
    name = "send"

    def prepare(self):
        self.place = folder()
        self.template = fault_import.quick(Case(os.path.join(self.place, "template")))
        text = "".join("abuse%d@isp.example id%d@ebb.example %d\n" % (i, i, 600) for i in range(REPORTS))
        made = subprocess.run([QUEUE, self.template.path], input=text, capture_output=True, text=True, timeout=60)
        if made.returncode:
            raise RuntimeError(made.stderr)
        self.numbers = [int(n) for n in made.stdout.split()]
        counted = Fault()
        host = Smarthost()
        calm = self.copy(os.path.join(self.place, "calm"), host)
        result = self.send(calm, counted.env())
        host.stop()
        if result.code or len(host.taken) != REPORTS:
            raise RuntimeError(result.err)
        self.counted = counted.read()

    def copy(self, path, host):
        shutil.copytree(self.template.path, path)
        return fault_import.quick(Case(path, init=False), CONFIG % host.port)

    def send(self, case, env=None):
        return case.ebb("cleanup", "send", "--no-new", "--json", env=env, timeout=90)

    def faults(self):
        most = {"": 30, "malloc": 25}
        return faults(self.counted.seen.get("main", {}), most, sites=self.counted.sites)

    def states(self, case):
        acts = case.ebb("log", "acts", "--kind", "report_tried")
        if acts.code:
            raise RuntimeError(acts.err)
        return {act["report"]: act["result"] for act in acts.rows()}

    def run(self, fault, place):
        host = Smarthost()
        try:
            return self.judge(self.copy(os.path.join(place, "case"), host), fault, host)
        finally:
            host.stop()

    def judge(self, case, fault, host):
        hit = self.send(case, fault.env())
        why = unclear(hit.code, hit.err)
        if why:
            return why
        verified = case.ebb("log", "verify")
        if verified.code:
            return "does not verify after it: %s (%s)" % (verified.err, hit.err)
        went = " (first: %d %s)" % (hit.code, hit.err)
        for _ in range(3):  # what was deferred waits for its time, unless a person says otherwise
            later = [str(n) for n, s in self.states(case).items() if s == "deferred"]
            if later:
                settled = case.ebb("cleanup", "settle", *later, "--as", "again", "--why", "a test")
                if settled.code:
                    return "settle: " + settled.err + went
            again = self.send(case)
            if again.code:
                return "sends no more: " + again.err + went
            states = self.states(case)
            if all(states.get(n) in ("sent", "doubtful", "refused") for n in self.numbers):
                break
        taken = collections.Counter(host.ids())
        for i, number in enumerate(self.numbers):
            times, state = taken["id%d@ebb.example" % i], states.get(number)
            if times > 1:
                return "given out %d times: %d, %s%s" % (times, number, state, went)
            if (state == "sent") != (times == 1) and state != "doubtful":
                return "taken %d times, and on the log as %s%s" % (times, state, went)
        verified = case.ebb("log", "verify")
        return "does not verify at the end: %s%s" % (verified.err, went) if verified.code else None


SCENARIOS = [Send()]
