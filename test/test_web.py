"""The web server of the public face and the desk, as hostile clients find it: headers of every answer, PROXY headers,
forwarded addresses, requests that two readers could take for different ones, slow clients, crowds, TLS."""
import json
import os
import re
import resource
import select
import socket
import ssl
import struct
import time
import warnings

from ebbtest import done, equal, folder, ok, run
from sinkhole import Sinkhole, free_port

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def readable(s, wait=0.0):
    """Something is there, or its end (select() knows no descriptors from 1024 on)."""
    p = select.poll()
    p.register(s, select.POLLIN)
    return bool(p.poll(wait * 1000))


class Site(Sinkhole):
    """A sinkhole with a public listener; `web`: more lines of that section."""

    def __init__(self, web="", **more):
        self.web, self.public = web, free_port()
        super().__init__(listen={"dns": ("dns", "")}, sensors=1, **more)

    def configure(self):
        self.top = "web:\n  public: \"127.0.0.1:%d\"\n%s" % (self.public, self.web)
        super().configure()

    def up(self):
        self.start()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if b" 200 " in talk(self.public, self.prefix() + b"GET /healthz" + CLOSE)[:20]:
                return self
            time.sleep(0.1)
        raise RuntimeError("the public listener does not answer")

    def prefix(self):
        return b"PROXY TCP4 198.51.100.7 127.0.0.1 1 2\r\n" if "public_proxy: true" in self.web else b""


CLOSE = b" HTTP/1.1\r\nHost: takedown.example\r\nConnection: close\r\n\r\n"


def talk(port, data, source=None, wait=5.0, pieces=None, tls=None):
    """Sends bytes, and gives what comes until the other side closes, or `wait` is over."""
    s = socket.create_connection(("127.0.0.1", port), wait, source_address=(source, 0) if source else None)
    if tls:
        s = tls.wrap_socket(s, server_hostname="takedown.example")
    out, end = b"", time.monotonic() + wait
    try:
        for piece in pieces or [data]:
            s.sendall(piece)
            if pieces:
                time.sleep(0.05)
        while time.monotonic() < end:
            s.settimeout(max(0.01, end - time.monotonic()))
            got = s.recv(65536)
            if not got:
                break
            out += got
    except (socket.timeout, ConnectionError):
        pass
    finally:
        s.close()
    return out


def get(port, path="/healthz", headers="", prefix=b"", **more):
    return talk(port, prefix + ("GET %s HTTP/1.1\r\nHost: takedown.example\r\n%sConnection: close\r\n\r\n"
                                % (path, headers)).encode(), **more)


def status(answer):
    """0: no answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def headers(answer):
    lines = answer.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")[1:]
    return {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}


def seen_as(answer):
    """The address that the self-check answers for."""
    try:
        return json.loads(answer.split(b"\r\n\r\n", 1)[1])["address"]
    except (IndexError, ValueError, KeyError):
        return None


# ---- headers ----
site = Site("  public_url: \"https://takedown.example\"\n  onion: \"http://%s.onion\"" % ("a" * 56)).up()
port, desk = site.public, site.desk
WANTED = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
          "cross-origin-resource-policy": "same-origin", "x-frame-options": "DENY"}
for name, where, path in (("a page", port, "/"), ("a page that is not there", port, "/nothing"), ("a wrong address", port, "/%00"),
                          ("the check", port, "/check"), ("an asset", port, "/assets/public.css"), ("the desk", desk, "/"),
                          ("its API", desk, "/api/session"), ("its figures", desk, "/metrics")):
    got = headers(get(where, path))
    policy = got.get("content-security-policy", "")
    ok({k: got.get(k) for k in WANTED} == WANTED and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
       and "base-uri 'none'" in policy and "form-action 'self'" in policy and "unsafe-inline" not in policy
       and "'unsafe-eval'" not in policy and "http" not in policy and "camera=()" in got.get("permissions-policy", "")
       and "server" not in got and "vary" in got, "security headers: " + name)
    if where == port:
        equal(got.get("strict-transport-security"), "max-age=63072000", "and HSTS, as people come by TLS")
equal(headers(get(port, "/about")).get("onion-location"), "http://%s.onion/about" % ("a" * 56), "a page says where its onion is")
ok("onion-location" not in headers(talk(port, b"GET /about HTTP/1.1\r\nHost: %s.onion\r\nConnection: close\r\n\r\n" % (b"a" * 56))),
   "but not there")
page = get(port, "/about")
tag = headers(page).get("etag")
if tag:
    again = get(port, "/about", "If-None-Match: %s\r\n" % tag)
    equal((status(again), again.split(b"\r\n\r\n", 1)[1]), (304, b""), "a page that is known is not sent again")
zipped = get(port, "/about", "Accept-Encoding: gzip\r\n")
ok(headers(zipped).get("content-encoding") == "gzip" and len(zipped) < len(page), "pages are compressed for who takes it")
head = talk(port, b"HEAD /about" + CLOSE)
ok(status(head) == 200 and head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1, "HEAD has no body")

# ---- bad requests ----
BAD = {
    "two lengths": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length and chunks": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, hidden": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "chunks, twice": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
    "chunks by HTTP/1.0": b"POST /tips/new HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a signed length": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    "a hexadecimal length": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
    "a huge length": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a large length": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n",
    "a bad chunk": b"POST /tips/new HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "two hosts": b"GET /about HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /about HTTP/1.1\r\n\r\n",
    "a path upwards": b"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "upwards, encoded": b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "a backslash": b"GET /..\\etc HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL": b"GET /about%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line's end in the path": b"GET /about%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: a\r\n\r\n",
    "no UTF-8": b"GET /%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes of elsewhere": b"GET /\x80\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "another version": b"GET /about HTTP/2.0\r\nHost: a\r\n\r\n",
    "no HTTP": b"EHLO there\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "a long address": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "endless headers": b"GET /about HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 20000 + b"\r\n",
    "a control character": b"GET /about HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
}
smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
said = {}
for name, request in BAD.items():
    for where in (port, desk):
        answer = talk(where, request + smuggled, wait=3)
        lines = set(re.findall(rb"^HTTP/1\.1 (\d+)", answer, re.M))  # libmicrohttpd says its own errors' heads twice
        if len(lines) > 1 or lines & {b"200", b"302", b"303", b"304", b"404"}:
            said[name, where == desk] = answer
equal(said, {}, "%d malformed requests are refused, and nothing behind them is read" % len(BAD))
many = "GET /check?" + "&".join("p%d=1" % i for i in range(2000)) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ok(status(talk(port, many.encode())) in (0, 400, 414, 431), "too many parameters")
two = talk(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz" + CLOSE)
equal(two.count(b"HTTP/1.1 200 "), 2, "two good requests on one connection")

# ---- slow clients ----
slow = socket.create_connection(("127.0.0.1", port))
began = time.monotonic()
crowd = []
for i in range(2000):
    s = socket.socket()
    s.bind(("127.0.%d.%d" % (2 + i // 100, 1 + i % 100), 0))
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", port))
    crowd.append(s)
waits = []
for i in range(40):
    for s in crowd[i * 50:i * 50 + 50]:
        try:
            s.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        except OSError:
            pass
    t = time.monotonic()
    good = status(get(port, "/about", source="127.0.99.%d" % (1 + i)))
    waits.append(time.monotonic() - t if good == 200 else 99)
ok(max(waits) < 5 and sorted(waits)[20] < 1, "two thousand slow clients keep nobody out: %.3f s at most, half within %.3f"
   % (max(waits), sorted(waits)[20]))
mine = [socket.create_connection(("127.0.0.1", port), 5, source_address=("127.0.98.1", 0)) for _ in range(140)]
for _ in range(50):  # until they were looked at
    closed = sum(readable(s) for s in mine)
    if closed >= 12:
        break
    time.sleep(0.1)
time.sleep(0.3)
closed = sum(readable(s) for s in mine)
equal(closed, 12, "an address has 128 connections")
equal(status(get(port, "/about", source="127.0.98.2")), 200, "others have theirs")
for s in mine:
    s.close()
cut = None
while time.monotonic() - began < 40:
    try:
        slow.send(b"G")
        if readable(slow, 0.2) and not slow.recv(1):
            cut = time.monotonic() - began
            break
    except OSError:
        cut = time.monotonic() - began
        break
ok(cut and 18 <= cut <= 26, "a request that trickles is cut off after twenty seconds: %s" % cut)
end = time.monotonic() + 10
while sum(readable(s) for s in crowd) < 1990 and time.monotonic() < end:
    time.sleep(0.5)
ended = sum(readable(s) for s in crowd)
ok(ended > 1990, "and so is the crowd: %d" % ended)
for s in crowd:
    s.close()

# ---- forwarded addresses ----
forged = "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=198.51.100.2;proto=https\r\nX-Real-IP: 198.51.100.3\r\n"
equal(seen_as(get(port, "/check.json", forged, source="127.0.0.8")), "127.0.0.8", "what a client says of itself is not believed")
equal(seen_as(get(port, "/check.json", prefix=b"PROXY TCP4 198.51.100.7 127.0.0.1 1 2\r\n")), None, "nor is a PROXY header")
equal(site.stop(), 0, "stops")

proxied = Site("  proxies: [\"127.0.0.1\", \"192.0.2.0/24\", \"2001:db8:ffff::/48\"]").up()
port = proxied.public
for sent, want, name in (
        ("X-Forwarded-For: 198.51.100.1\r\n", "198.51.100.1", "a proxy's word"),
        ("X-Forwarded-For: 203.0.113.9, 198.51.100.1\r\n", "198.51.100.1", "its last word: the first is the client's own"),
        ("X-Forwarded-For: 203.0.113.9, 198.51.100.1, 192.0.2.1\r\n", "198.51.100.1", "a chain of proxies"),
        ("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.1\r\n", "198.51.100.1", "in two headers"),
        ("Forwarded: for=\"[2001:db8::5]:443\"\r\n", "2001:db8::/64", "RFC 7239"),
        ("Forwarded: for=203.0.113.9, for=198.51.100.4, for=\"[2001:db8:ffff::1]\"\r\n", "198.51.100.4", "its chain"),
        ("Forwarded: for=_hidden\r\n", "127.0.0.1", "a name that is none"),
        ("X-Forwarded-For: nonsense\r\n", "127.0.0.1", "nonsense"), ("", "127.0.0.1", "nothing")):
    equal(seen_as(get(port, "/check.json", sent, source="127.0.0.1")), want, "forwarded: " + name)
equal(seen_as(get(port, "/check.json", "X-Forwarded-For: 198.51.100.1\r\n", source="127.0.0.9")), "127.0.0.9", "from no proxy")
equal(proxied.stop(), 0, "stops")


# ---- PROXY headers ----
def v2(src, dst, command=1, family=0x11, more=b""):
    if family >> 4 == 1:
        body = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(">HH", 4711, 443)
    else:
        body = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst) + struct.pack(">HH", 4711, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20 | command, family]) + struct.pack(">H", len(body + more)) + body + more


balanced = Site("  public_proxy: true\n  proxies: [\"127.0.0.1\"]").up()
port = balanced.public
HEADERS = {
    "version 1": (b"PROXY TCP4 198.51.100.1 203.0.113.1 4711 443\r\n", "198.51.100.1"),
    "version 1, IPv6": (b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", "2001:db8::/64"),
    "version 1, the balancer itself": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "version 2": (v2("198.51.100.2", "203.0.113.1"), "198.51.100.2"),
    "version 2, IPv6": (v2("2001:db8::7", "2001:db8::2", family=0x21), "2001:db8::/64"),
    "version 2, with more": (v2("198.51.100.3", "203.0.113.1", more=b"\x02\x00\x04a.de"), "198.51.100.3"),
    "version 2, the balancer itself": (v2("0.0.0.0", "0.0.0.0", command=0, family=0x11), "127.0.0.1"),
}
for name, (header, want) in HEADERS.items():
    equal(seen_as(get(port, "/check.json", prefix=header, source="127.0.0.1")), want, name)
request = HEADERS["version 2"][0] + b"GET /check.json" + CLOSE
equal(seen_as(talk(port, b"", pieces=[request[i:i + 9] for i in range(0, len(request), 9)])), "198.51.100.2", "in pieces")
equal(seen_as(get(port, "/check.json", "X-Forwarded-For: 203.0.113.50\r\n", HEADERS["version 1"][0])), "198.51.100.1",
      "behind it the client's own words count for nothing")
for name, header in {"none": b"", "a wrong one": b"PROXY TCP4 1.2.3.4\r\n", "half of one": v2("198.51.100.2", "203.0.113.1")[:14],
                     "datagrams": v2("198.51.100.2", "203.0.113.1", family=0x12), "a long one": b"PROXY " + b"A" * 200}.items():
    equal(get(port, "/check.json", prefix=header, wait=5), b"", "PROXY header: " + name + ": no answer")
equal(get(port, "/check.json", prefix=HEADERS["version 1"][0], source="127.0.0.9"), b"", "from another than the balancer: nothing")
silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(1500)]
began = time.monotonic()
equal(seen_as(get(port, "/check.json", prefix=HEADERS["version 1"][0])), "198.51.100.1", "1,500 that send no header are in nobody's way")
time.sleep(max(0, 4 - (time.monotonic() - began)))
equal(sum(readable(s) for s in silent), 1500, "and are closed after three seconds")
for s in silent:
    s.close()
equal(balanced.stop(), 0, "stops")

# ---- TLS ----
keys = folder()
pem, key = os.path.join(keys, "c.pem"), os.path.join(keys, "k.pem")
run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
    "/CN=takedown.example", "-keyout", key, "-out", pem)
secure = Site("  public_certificate: \"%s\"\n  public_key: \"%s\"\n  public_url: \"https://takedown.example\"\n"
              "  desk_certificate: \"%s\"\n  desk_key: \"%s\"\n" % (pem, key, pem, key))
secure.start()
context = ssl.create_default_context(cafile=pem)
context.check_hostname = False
end = time.monotonic() + 20
answer = b""
while status(answer) != 200 and time.monotonic() < end:
    try:
        answer = get(secure.public, "/about", tls=context)
    except (OSError, ssl.SSLError):
        time.sleep(0.2)
ok(status(answer) == 200 and "strict-transport-security" in headers(answer), "the public face by TLS")
equal(status(get(secure.desk, "/healthz", tls=context)), 200, "the desk by TLS")
with socket.create_connection(("127.0.0.1", secure.public)) as s, context.wrap_socket(s, server_hostname="a") as t:
    equal(t.version(), "TLSv1.3", "of version 1.3")
old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
warnings.simplefilter("ignore", DeprecationWarning)
try:
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    get(secure.public, tls=old)
    ok(False, "TLS 1.1 is refused")
except (ssl.SSLError, ConnectionError, ValueError):
    ok(True, "TLS 1.1 is refused")
equal(status(get(secure.public)), 0, "plain HTTP at a TLS listener is not answered")
mute = [socket.create_connection(("127.0.0.1", secure.public), source_address=("127.0.3.%d" % (1 + i % 200), 0)) for i in range(1000)]
t = time.monotonic()
ok(status(get(secure.public, "/about", tls=context)) == 200 and time.monotonic() - t < 3, "1,000 that shake no hand are in nobody's way")
for s in mute:
    s.close()
equal(secure.stop(), 0, "stops")
done()
