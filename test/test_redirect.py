"""Any port by nftables, in a network namespace of its own: REDIRECT and TPROXY, the original destination
recorded, and answered from. A second namespace, behind a pair of virtual interfaces, has the clients."""
import atexit
import os
import shutil
import subprocess
import sys
import time

from ebbtest import done, equal, ok, run, skip
from sinkhole import Sinkhole

TCP_CLIENT = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.settimeout(5)
s.sendall(b"GET %s HTTP/1.1\\r\\nHost: bot.seized.example\\r\\nConnection: close\\r\\n\\r\\n" % sys.argv[3].encode())
data = b""
while True:
    got = s.recv(4096)
    if not got:
        break
    data += got
print(data.decode().splitlines()[0])
"""
UDP_CLIENT = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))  # an answer from elsewhere is not heard
s.settimeout(5)
if len(sys.argv) > 3:
    s.send(sys.argv[3].encode())
else:
    s.send(b"\\x12\\x34\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3bot\\6seized\\7example\\0\\0\\1\\0\\1")
    print(s.recv(512)[3] & 15)
"""
RULES = """
table inet test {
  chain redirected {
    type nat hook prerouting priority dstnat
    ip daddr 203.0.113.0/25 tcp dport 1-65535 redirect to :%(any)d
    ip6 daddr 2001:db8:2::/64 tcp dport 1-65535 redirect to :%(any)d
    ip daddr 203.0.113.0/25 udp dport 53 redirect to :%(dns)d
  }
  chain seen {
    type filter hook prerouting priority mangle
    ip daddr 203.0.113.128/25 meta l4proto tcp tproxy ip to :%(tproxy)d meta mark set 1 accept
    ip6 daddr 2001:db8:3::/64 meta l4proto tcp tproxy ip6 to :%(tproxy)d meta mark set 1 accept
    ip daddr 203.0.113.128/25 udp dport 53 tproxy ip to :53 meta mark set 1 accept
    ip6 daddr 2001:db8:3::/64 udp dport 53 tproxy ip6 to :53 meta mark set 1 accept
    ip daddr 203.0.113.128/25 meta l4proto udp tproxy ip to :%(tproxy)d meta mark set 1 accept
  }
}
"""


def impossible():
    """Why this cannot be tested here; None when it can."""
    if os.geteuid():
        return "needs root"
    for program in ("unshare", "nsenter", "ip", "nft"):
        if not shutil.which(program):
            return "no " + program
    tried = subprocess.run(["unshare", "-n", "sh", "-c", "ip link add s0 type veth peer name c0 && nft add table inet t"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "no network namespaces, veth or nftables" if tried.returncode else None


if sys.argv[1:] != ["inside"]:
    why = impossible()
    if why:
        skip("nftables", why)
        done()
    sys.exit(subprocess.run(["unshare", "-n", sys.executable, os.path.abspath(__file__), "inside"]).returncode)


def must(*words):
    subprocess.run(words, check=True)


must("ip", "link", "set", "lo", "up")
clients = subprocess.Popen(["unshare", "-n", "sleep", "300"])
atexit.register(clients.kill)
here = os.readlink("/proc/self/ns/net")
while os.readlink("/proc/%d/ns/net" % clients.pid) == here:
    time.sleep(0.01)


def inside(*words):
    return run("nsenter", "-t", clients.pid, "-n", *words, timeout=30)


must("ip", "link", "add", "s0", "type", "veth", "peer", "name", "c0")
must("ip", "link", "set", "c0", "netns", str(clients.pid))
for address in ("198.51.100.1/24", "2001:db8:1::1/64"):
    must("ip", "address", "add", address, "dev", "s0", *(["nodad"] if ":" in address else []))
must("ip", "link", "set", "s0", "up")
for words in ("link set lo up", "address add 198.51.100.2/24 dev c0", "address add 2001:db8:1::2/64 dev c0 nodad",
              "link set c0 up", "route add default via 198.51.100.1", "-6 route add default via 2001:db8:1::1"):
    equal(inside("ip", *words.split()).err, "", "ip " + words)
for family, everywhere in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
    must("ip", family, "rule", "add", "fwmark", "1", "lookup", "100")
    must("ip", family, "route", "add", "local", everywhere, "dev", "lo", "table", "100")

hole = Sinkhole(listen={"any": ("any", "transport: tcp, address: \"\""), "dns": ("dns", "address: \"\""),
                        "tproxy": ("any", "address: \"\", transparent: true, transport: both"),
                        "dns53": ("dns", "address: \"\", transparent: true")})
hole.port["dns53"] = 53
hole.configure()
hole.order()
hole.asset("seized.example", family="rustock")
hole.asset("203.0.113.0/24", family="rustock")
hole.asset("2001:db8:2::/48")
hole.asset("2001:db8:3::/48")
hole.start()
with open(os.path.join(hole.path, "rules.nft"), "w") as f:
    f.write(RULES % hole.port)
must("nft", "-f", f.name)


def asked(way, ip, port):
    answer = inside(sys.executable, "-c", TCP_CLIENT, ip, port, "/%s-%d" % (way, port))
    equal(answer.out.strip(), "HTTP/1.1 200 OK", "%s: %s port %d is answered" % (way, ip, port))
    return "/%s-%d" % (way, port), ip, port


want = [asked("redirect", "203.0.113.7", 8081), asked("redirect", "203.0.113.8", 65000),
        asked("redirect6", "2001:db8:2::7", 444), asked("tproxy", "203.0.113.200", 4711),
        asked("tproxy6", "2001:db8:3::9", 4712)]
found = {e["http"]["target"]: (e["dst_ip"], e["dst_port"], e["src_ip"]) for e in hole.settled(5, "--kind", "http")}
for target, ip, port in want:
    equal(found.get(target), (ip, port, "2001:db8:1::2" if ":" in ip else "198.51.100.2"),
          "%s: its destination is on the log" % target)

for ip, how in (("198.51.100.1", "as itself"), ("203.0.113.7", "by REDIRECT"), ("203.0.113.201", "by TPROXY"),
                ("2001:db8:3::53", "by TPROXY, IPv6")):
    port = hole.port["dns"] if how == "as itself" else 53
    answer = inside(sys.executable, "-c", UDP_CLIENT, ip, port)
    equal(answer.out.strip(), "0", "DNS by UDP %s: the answer comes from the address asked" % how)
addresses = [e["dst_ip"] for e in hole.settled(4, "--kind", "dns")]
ok("203.0.113.201" in addresses and "2001:db8:3::53" in addresses, "TPROXY: where queries went")
inside(sys.executable, "-c", UDP_CLIENT, "203.0.113.202", 9999, "hello")
events = hole.settled(1, "--kind", "raw")
equal([(e["dst_ip"], e["dst_port"]) for e in events], [("203.0.113.202", 9999)], "and where a datagram went")

hole.stop()
done()
