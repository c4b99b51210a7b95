"""Network namespaces of a test's own: hosts at one bridge, which lies in a namespace as well, so that nothing of this
machine's network is touched and nothing leaves it. Needs root; missing() says when it cannot be had."""
import atexit
import os
import shutil
import signal
import subprocess
import time

NETWORK = "192.0.2.%d"  # RFC 5737: exists nowhere
FIRST = 11
HOSTS_MAX = 200
GONE_S = 10


def ip(*args, check=True):
    done = subprocess.run(["ip", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if check and done.returncode:
        raise RuntimeError("ip %s: %s" % (" ".join(args), done.stderr.strip()))
    return done.stdout


def missing():
    """Why there can be no namespaces here; None when there can."""
    if not shutil.which("ip"):
        return "ip (iproute2) is not installed"
    if os.geteuid():
        return "needs root"
    name = "ebb%d-try" % os.getpid()
    try:
        ip("netns", "add", name)
        try:
            ip("-n", name, "link", "add", "name", "v1", "type", "veth", "peer", "name", "v2")
            ip("-n", name, "link", "add", "name", "v3", "type", "bridge")
        finally:
            ip("netns", "del", name, check=False)
    except RuntimeError as e:
        return "no network namespaces here (%s)" % e
    return None


class Host:
    """A namespace with one interface. `prefix`: what a command line begins with that is to run there; the process
    id is that of the command itself."""

    def __init__(self, net, name, address):
        self.net, self.name, self.address = net, name, address
        self.space = net.space(name)
        self.prefix = ["ip", "netns", "exec", self.space]

    def run(self, *args, timeout=60, **more):
        return subprocess.run(self.prefix + [str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout, **more)

    def start(self, *args, **more):
        return self.net.started(subprocess.Popen(self.prefix + [str(a) for a in args], stdin=subprocess.DEVNULL, **more))

    def cut(self):
        """Pulls its cable: packets vanish, nobody is told."""
        ip("-n", self.net.hub, "link", "set", self.port, "down")

    def mend(self):
        ip("-n", self.net.hub, "link", "set", self.port, "up")

    @property
    def port(self):
        return "v" + self.name[:13]

    def reaches(self, other):
        """Whether a connection gets an answer of any kind from there."""
        code = ("import socket,sys\ns=socket.socket()\ns.settimeout(1)\ntry: s.connect((sys.argv[1],9))\n"
                "except ConnectionRefusedError: sys.exit(0)\nexcept OSError: sys.exit(1)")
        return self.run("python3", "-c", code, other.address).returncode == 0


class Net:
    def __init__(self):
        self.hosts, self.processes = [], []
        self.hub = self.space("hub")
        self.spaces = []
        atexit.register(self.remove)
        self.make(self.hub)
        ip("-n", self.hub, "link", "add", "bridge", "type", "bridge", "forward_delay", "0")
        ip("-n", self.hub, "link", "set", "bridge", "up")

    @staticmethod
    def space(name):
        return "ebb%d-%s" % (os.getpid(), name)

    def make(self, space):
        ip("netns", "add", space)
        self.spaces.append(space)
        ip("-n", space, "link", "set", "lo", "up")

    def add(self, name):
        assert len(self.hosts) < HOSTS_MAX
        host = Host(self, name, NETWORK % (FIRST + len(self.hosts)))
        self.make(host.space)
        ip("-n", self.hub, "link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", host.space)
        ip("-n", self.hub, "link", "set", host.port, "master", "bridge", "up")
        ip("-n", host.space, "addr", "add", host.address + "/24", "dev", "eth0")
        ip("-n", host.space, "link", "set", "eth0", "up")
        self.hosts.append(host)
        return host

    def started(self, process):
        self.processes.append(process)
        return process

    def remove(self):
        """Ends what was started here, whatever else is in the namespaces by its id, and the namespaces."""
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        self.processes = []
        for space in self.spaces:
            end = time.monotonic() + GONE_S
            while time.monotonic() < end:
                pids = [int(p) for p in ip("netns", "pids", space, check=False).split()]
                if not pids:
                    break
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                time.sleep(0.05)
            ip("netns", "del", space, check=False)
        self.spaces, self.hosts = [], []
