"""A running sinkhole for the integration tests: `ebb serve` on free ports of loopback, with an order and
assets, started and stopped by process id."""
import atexit
import os
import signal
import socket
import subprocess
import time

from ebbtest import EBB, Case

DEFAULT_POLICY = """
    - name: default
      dns: {ttl: 60, records: ["* A 127.0.0.1", "@ MX 10 mx", "@ TXT \\"hello\\""]}
      http: {answer: empty, page: browsers}
      smtp: {answer: accept}
      raw: {answer: silent}
    - name: irc
      raw: {answer: irc, banner: "irc.example"}
    - name: body
      http: {answer: body, body: "ok", content_type: "text/plain", page: never}
    - name: later
      smtp: {answer: accept-then-450}
    - name: reject
      smtp: {answer: reject}
"""


_given = set()


def free_port(kinds=(socket.SOCK_STREAM, socket.SOCK_DGRAM), host="127.0.0.1"):
    """A port that nobody listens on, for TCP and UDP; no number is given twice in one run."""
    for _ in range(200):
        with socket.socket() as first:
            first.bind((host, 0))
            port = first.getsockname()[1]
            if port in _given or port >= 60000:
                continue
            try:
                for kind in kinds[1:]:
                    with socket.socket(socket.AF_INET, kind) as other:
                        other.bind((host, port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise RuntimeError("no free port")


class Sinkhole(Case):
    """listen: name -> (protocol, options); its port is self.port[name]."""

    LISTEN = {"dns": ("dns", ""), "http": ("http", ""), "smtp": ("smtp", ""), "any": ("any", "transport: tcp"),
              "raw": ("raw", "")}

    def __init__(self, listen=None, limits="", policies=DEFAULT_POLICY, more="", sensors=2, top="", env=None,
                 binary=EBB, path=None):
        super().__init__(path)
        self.listen = dict(listen or self.LISTEN)
        self.limits, self.policies, self.more, self.sensors, self.top = limits, policies, more, sensors, top
        self.port = {name: free_port() for name in self.listen}
        self.desk = free_port()
        self.env = env
        self.binary = binary
        self.process = None
        self.configure()

    def configure(self):
        lines = ["%scommit_interval_ms: 50" % (self.top + "\n" if self.top else ""), "serve:",
                 "  sensors: %d" % self.sensors, "  sensor: test", "  operator: \"Test Operator\"",
                 "  desk: \"127.0.0.1:%d\"" % self.desk]
        if self.more:
            lines.append(self.more)
        lines.append("  listen:")
        for name, (protocol, options) in self.listen.items():
            address = "" if "address:" in options else ", address: \"127.0.0.1\""
            lines.append("    - {protocol: %s%s, port: %d%s}" % (protocol, address, self.port[name],
                                                              ", " + options if options else ""))
        lines.append("  policies:" + self.policies)
        lines.append("  limits: {%s}" % self.limits)
        with open(os.path.join(self.path, "ebb.yaml"), "w") as f:
            f.write("\n".join(lines) + "\n")

    def order(self, name="order-1", since="2020-01-01", until="2099-01-01", *more):
        self.must("case", "order", "add", "--id", name, "--court", "District Court", "--docket", "2:11-cv-00222",
                  "--jurisdiction", "US", "--scope", "rustock", "--from", since, "--until", until, *more)

    def asset(self, *names, order="order-1", **options):
        args = [*names, "--order", order]
        for key, value in options.items():
            args += ["--" + key.replace("_", "-"), value]
        self.must("case", "asset", "add", *args)

    def must(self, *args):
        result = self.ebb(*args)
        if result.code:
            raise RuntimeError("%s: %s" % (" ".join(args), result.err))
        return result

    def start(self, wait=30):
        self.log = open(os.path.join(self.path, "serve.log"), "ab")
        self.process = subprocess.Popen([self.binary, "-C", self.path, "serve"], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=self.env)
        atexit.register(self.kill)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("ebb serve ended: " + self.said())
            if self.is_ready():
                return self
            time.sleep(0.05)
        self.kill()
        raise RuntimeError("ebb serve is not ready: " + self.said())

    def is_ready(self):
        return "what=ready" in self.said().replace('"', "")

    def said(self):
        with open(os.path.join(self.path, "serve.log"), errors="replace") as f:
            return f.read()

    def serve(self):
        """What `ebb status` says of the running daemon."""
        return self.rows("status")[0]["serve"]

    def pids(self, role):
        status = self.serve()
        if role == "sensor":
            return [s["pid"] for s in status["sensors"] if s["pid"]]
        return [p["pid"] for p in status["processes"] if p["role"] == role and p["pid"]]

    def total(self, counter):
        return sum(s[counter] for s in self.serve()["sensors"])

    def settled(self, want, *filters, wait=10):
        """The events, once there are as many as wanted, or after a while those that there are."""
        end = time.monotonic() + wait
        while True:
            events = self.events(*filters)
            if len(events) >= want or time.monotonic() > end:
                return events
            time.sleep(0.1)

    def stop(self, wait=30):
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(wait)
        self.process = None
        return code

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


def exchange(port, data, wait=2.0, host="127.0.0.1", shut=True):
    """Sends bytes over TCP and reads until the other side ends or is silent."""
    with socket.create_connection((host, port), wait) as s:
        s.settimeout(wait)
        if data:
            s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        out = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    return out
                out += piece
        except (socket.timeout, ConnectionResetError):
            return out
