"""Every call that can fail, failing: the Nth write, fsync, rename, malloc, accept, connect ... of an import, a
sending, a served sinkhole and of acts. Each run ends in a clear error or goes on; the log verifies; and a second,
undisturbed run ends where an undisturbed first one would have: nothing lost that was acknowledged, nothing twice.

    EBB_FAULT_ALL=1      every N, not a sample (make faults)
    EBB_FAULT_ONLY=send  the scenarios named so
    EBB_FAULT_KEEP=1     leave the case where a run went wrong"""
import os
import time

import fault
import fault_acts
import fault_import
import fault_send
import fault_serve
from ebbtest import done, ok, skip

if not os.path.exists(fault.LIBRARY):
    skip("faults", "no %s (a sanitizer's build has none)" % fault.LIBRARY)
    done()
runs = fault.Runs()
begun = time.monotonic()
only = os.environ.get("EBB_FAULT_ONLY")
for scenario in fault_import.SCENARIOS + fault_acts.SCENARIOS + fault_send.SCENARIOS + fault_serve.SCENARIOS:
    if only and scenario.name not in only.split(","):
        continue
    start = time.monotonic()
    scenario.prepare()
    wrong = runs.each(scenario.name, scenario.faults(), scenario.run)
    injected = sum(runs.count[scenario.name].values())
    ok(injected > 0 and not wrong, "%s: %d faults, each a clear error or a recovered state, and the log verifies" %
       (scenario.name, injected))
    for line in wrong[:40]:
        print("#   " + line.replace("\n", "\n#     "), flush=True)
    print("# %s: %.1f s" % (scenario.name, time.monotonic() - start), flush=True)
for line in runs.table():
    print("# " + line, flush=True)
print("# faults injected: %d, in %.0f s" % (sum(sum(c.values()) for c in runs.count.values()),
                                           time.monotonic() - begun), flush=True)
done()
