"""The clients of every capture of real traffic, against every listener: nothing crashes, nothing is kept,
each is recorded or counted. With the sanitizers' build where there is one."""
import os
import shutil
import socket

from ebbtest import EBB, ROOT, SHARED, done, equal, ok, run, skip
from sinkhole import Sinkhole, exchange

PCAP = os.path.join(SHARED, "pcap")
SANITIZED = os.path.join(ROOT, "build-asan", "ebb")
STREAMS_MAX, BYTES_MAX = 300, 1 << 20


def clients(path):
    """The client's bytes of each TCP stream and each UDP datagram of a capture, as tshark gives them."""
    out = run("tshark", "-n", "-r", path, "-T", "fields", "-e", "tcp.stream", "-e", "tcp.srcport", "-e", "tcp.payload",
              "-e", "udp.payload", timeout=120).out
    streams, first, datagrams = {}, {}, []
    for line in out.splitlines():
        cells = (line.split("\t") + [""] * 4)[:4]
        stream, port, payload, datagram = cells
        if datagram:
            datagrams.append(bytes.fromhex(datagram.split(",")[0].replace(":", "")))
        if stream and payload:
            port = port.split(",")[0]
            if first.setdefault(stream, port) == port:
                streams[stream] = streams.get(stream, b"") + bytes.fromhex(payload.split(",")[0].replace(":", ""))
    return [s[:BYTES_MAX] for s in streams.values()][:STREAMS_MAX], datagrams[:STREAMS_MAX]


if not os.path.isdir(PCAP) or not shutil.which("tshark"):
    skip("replay", "the folder of real data or tshark is not there")
    done()

env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
           UBSAN_OPTIONS="halt_on_error=1:abort_on_error=1:print_stacktrace=1")
hole = Sinkhole(binary=SANITIZED if os.path.exists(SANITIZED) else EBB, env=env, sensors=1,
                limits="dns_responses: 0, address_connections: 5000, idle_ms: 1000, head_ms: 1000")
print("# %s" % ("with sanitizers" if hole.binary == SANITIZED else "no build with sanitizers: the plain one"))
hole.order()
hole.asset("127.0.0.0/8")
hole.start(60)
sensor = hole.pids("sensor")
tried = 0
for name in sorted(os.listdir(PCAP)):
    if not name.endswith((".pcap", ".pcapng", ".trace", ".gz", ".cap")):
        continue
    streams, datagrams = clients(os.path.join(PCAP, name))
    for i, data in enumerate(streams):
        for listener in ("http", "smtp", "any", "raw", "dns") if i < 20 else ("any",):
            try:
                exchange(hole.port[listener], data, 0.3)
            except OSError:
                pass
            tried += 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for data in datagrams:
            for listener in ("dns", "raw"):
                s.sendto(data[:60000], ("127.0.0.1", hole.port[listener]))
                tried += 1
    equal(hole.pids("sensor"), sensor, "%s: %d connections and %d datagrams; the sensor lives" % (
        name, len(streams), len(datagrams)))
ok(tried > 100, "%d conversations in all" % tried)
events = hole.settled(1)
ok(len(events) > 50, "%d observations on the log" % len(events))
status = hole.serve()
s = [x for x in status["sensors"] if x["pid"]][0]
seen = s["dns_queries"] + s["dns_malformed"] + s["http_requests"] + s["raw_connections"] + s["raw_datagrams"] + s["smtp_sessions"]
ok(seen >= len(events) - 10 and s["dropped"] == 0, "recorded or counted: %d" % seen)
end = 50
while hole.total("connections") and end:
    end -= 1
    socket.socket().close()
    run("sleep", "0.2")
equal((hole.total("connections"), hole.total("memory_bytes")), (0, 0), "no connection and no buffer is left")
equal({p["role"]: p["restarts"] for p in hole.serve()["processes"] if p["restarts"]}, {}, "no process was restarted")
equal(hole.stop(), 0, "a clean stop")
ok("ERROR: AddressSanitizer" not in hole.said() and "runtime error" not in hole.said(), "nothing from the sanitizers")
hole.verifies("the log verifies")
done()
