"""Real clients against a running sinkhole: each one's traffic arrives on the log with the right fields."""
import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request

from ebbtest import done, equal, folder, ok, run, skip, write
from sinkhole import Sinkhole, exchange, free_port

LISTEN = dict(Sinkhole.LISTEN, smtps=("smtp", "tls: true"), irc=("any", "transport: tcp"),
              pdns=("dns", "proxy: true"), phttp=("http", "proxy: true"))
hole = Sinkhole(listen=LISTEN, more="  balancers: [\"127.0.0.1\"]\n  nsid: \"ns1.test\"")
hole.order()
hole.asset("seized.example", family="rustock")
hole.asset("*.wild.example")
hole.asset("127.0.0.0/8")
hole.asset("127.0.0.1:%d" % hole.port["irc"], policy="irc")
hole.asset("192.0.2.0/24")
hole.asset("later.example", policy="later")
hole.asset("reject.example", policy="reject")
hole.start()
at = {name: str(port) for name, port in hole.port.items()}


def have(program):
    if shutil.which(program):
        return True
    skip(program, "not installed")
    return False


def one(kind, want, name, **match):
    """Waits for an event of that kind whose fields are those, and says so; returns it."""
    end = time.monotonic() + 5
    while True:
        for event in hole.events("--kind", kind):
            flat = dict(event)
            for group in ("dns", "http", "smtp", "raw", "tls"):
                for key, value in (event.get(group) or {}).items():
                    flat["%s_%s" % (group, key)] = value
            if all(flat.get(k) == v for k, v in match.items()):
                wrong = {k: (flat.get(k), v) for k, v in want.items() if flat.get(k) != v}
                equal(wrong, {}, name)
                return event
        if time.monotonic() > end:
            ok(False, "%s: no event with %r" % (name, match))
            return {}
        time.sleep(0.1)


# ---- DNS ----

def kdig(*args):
    return run("kdig", "@127.0.0.1", "-p", at["dns"], "+timeout=2", "+retry=0", *args).out


if have("kdig"):
    out = kdig("bot7.seized.example", "A", "+nsid", "+subnet=192.0.2.0/24")
    ok("status: NOERROR" in out and "127.0.0.1" in out, "kdig: an address")
    ok("aa" in out and "ns1.test" in out, "authoritative, and NSID answers")
    one("dns", {"answer": "NOERROR", "dns_qtype": "A", "dns_ecs": "192.0.2.0/24", "dns_nsid": 1, "family": "rustock",
                "family_source": "asset", "transport": "udp", "src_ip": "127.0.0.1", "dst_port": hole.port["dns"]},
        "its query on the log", dns_qname="bot7.seized.example")
    ok("status: NOERROR" in kdig("seized.example", "SOA") and "SOA" in kdig("seized.example", "SOA"), "SOA")
    ok("mx.seized.example" in kdig("seized.example", "MX"), "MX, relative to the zone")
    ok("ANSWER: 0; AUTHORITY: 1" in kdig("seized.example", "AAAA"), "NODATA has the SOA beside it")
    ok("status: NOERROR" in kdig("a.wild.example", "A") and "status: REFUSED" in kdig("wild.example", "A"),
       "a wildcard covers what is below it, and not itself")
    ok("RFC8482" in kdig("seized.example", "ANY") or "ANSWER: 1" in kdig("seized.example", "ANY"), "ANY is minimal")
    ok("status: REFUSED" in kdig("other.example", "A"), "outside authority: REFUSED")
    ok("status: REFUSED" in kdig("seized.example", "AXFR") or "REFUSED" in run(
        "kdig", "@127.0.0.1", "-p", at["dns"], "seized.example", "AXFR").err + kdig("seized.example", "AXFR"), "AXFR is refused")
    out = kdig("+tcp", "+keepopen", "tcp1.seized.example", "A", "tcp2.seized.example", "A")
    ok(out.count("status: NOERROR") == 2, "two queries over one TCP connection")
    one("dns", {"transport": "tcp"}, "by TCP", dns_qname="tcp2.seized.example")
    out = kdig("+cookie=0102030405060708", "cookie.seized.example", "A")
    ok("COOKIE" in out.upper() and "0102030405060708" in out.replace(" ", "").lower(), "a server cookie comes back")
    one("dns", {"dns_cookie": "0102030405060708"}, "the client's cookie", dns_qname="cookie.seized.example")

if have("dig"):
    def dig(*args):
        return run("dig", "@127.0.0.1", "-p", at["dns"], "+tries=1", "+time=2", *args).out

    # RFC 6891, RFC 8906: what an EDNS compliance test asks
    out = dig("+edns=1", "+noednsneg", "e1.seized.example", "SOA")
    ok("status: BADVERS" in out and "EDNS: version: 0" in out, "unknown EDNS version: BADVERS, ours is 0")
    out = dig("+ednsopt=100", "e2.seized.example", "SOA")
    ok("status: NOERROR" in out and "OPT=100" not in out, "unknown EDNS option: passed over, not echoed")
    out = dig("+ednsflags=0x40", "e3.seized.example", "SOA")
    ok("status: NOERROR" in out and "MBZ" not in out, "unknown EDNS flag: cleared in the answer")
    out = dig("+edns=1", "+noednsneg", "+ednsopt=100", "e4.seized.example", "SOA")
    ok("status: BADVERS" in out and "OPT=100" not in out, "unknown version and option: BADVERS")
    out = dig("+edns=1", "+noednsneg", "+ednsflags=0x40", "e5.seized.example", "SOA")
    ok("status: BADVERS" in out and "MBZ" not in out, "unknown version and flag: BADVERS")
    out = dig("CaSe.Seized.EXAMPLE", "A")
    ok("CaSe.Seized.EXAMPLE.\t" in out.split("ANSWER SECTION")[-1], "the case of the name is kept")
    one("dns", {}, "and recorded as sent", dns_qname="CaSe.Seized.EXAMPLE")
    out = dig("+dnssec", "e6.seized.example", "A")
    ok("flags: do;" in out, "DO is echoed")
    out = dig("+tcp", "e7.seized.example", "A")
    ok("status: NOERROR" in out, "dig by TCP")
    out = dig("+noedns", "e8.seized.example", "A")
    ok("status: NOERROR" in out and "EDNS" not in out, "no OPT in the answer where there was none in the query")


def ask(packet):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(packet, ("127.0.0.1", hole.port["dns"]))
        try:
            return s.recv(4096)
        except socket.timeout:
            return b""


QUESTION = b"\x03cut\x06seized\x07example\0\0\x01\0\x01"
answer = ask(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\x01" + QUESTION + b"\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x0a")
equal((answer[:2], answer[3] & 15), (b"\x12\x34", 1), "a truncated OPT: FORMERR")
answer = ask(b"\x12\x35\x01\0\0\x01\0\0\0\0\0\x01" + QUESTION + b"\0\0\x29\x04\xd0\0\x01\0\0\0\x08\0\x0a")
ok(answer[:2] == b"\x12\x35" and answer[3] & 15 in (0, 1), "an unknown version and a truncated OPT are answered, too")

# ---- HTTP ----

if have("curl"):
    def curl(*args):
        return run("curl", "-s", "-i", "-m", "5", *args).out

    out = curl("http://127.0.0.1:%s/gate.php?id=1" % at["http"], "-H", "Host: c1.seized.example")
    ok(out.startswith("HTTP/1.1 200") and "Content-Length: 0" in out, "curl: an empty 200")
    ok("X-Sinkhole: Test Operator" in out, "the answer says that it is a sinkhole's")
    one("http", {"http_method": "GET", "http_target": "/gate.php?id=1", "family": "rustock", "answer": "200 empty",
                 "http_version": "1.1"}, "its request on the log", http_host="c1.seized.example")
    out = curl("-0", "http://127.0.0.1:%s/old" % at["http"], "-H", "Host: c2.seized.example")
    ok(" 200 " in out.splitlines()[0], "HTTP/1.0")
    one("http", {"http_version": "1.0"}, "HTTP/1.0 on the log", http_target="/old")
    curl("-H", "Transfer-Encoding: chunked", "-d", "one two three", "http://127.0.0.1:%s/chunked" % at["http"],
         "-H", "Host: c3.seized.example")
    one("http", {"http_body": "one two three", "http_body_size": 13, "http_method": "POST"}, "a chunked body",
        http_target="/chunked")
    body = os.urandom(3000).hex()
    curl("-d", body, "http://127.0.0.1:%s/long" % at["http"], "-H", "Host: c3.seized.example")
    event = one("http", {"http_body_size": 6000}, "a long body", http_target="/long")
    ok(event.get("http", {}).get("blob"), "it is kept as a blob")
    out = curl("-k", "--resolve", "tls.seized.example:%s:127.0.0.1" % at["http"],
               "https://tls.seized.example:%s/secure" % at["http"])
    ok(" 200 " in (out.splitlines() or [""])[0], "curl by https, on the same port")
    event = one("http", {"tls_sni": "tls.seized.example"}, "with its SNI", http_target="/secure")
    ja = event.get("tls", {})
    ok(len(ja.get("ja3", "")) == 32 and ja.get("ja4", "").startswith("t1"), "JA3 and JA4")
    out = curl("-x", "http://127.0.0.1:%s" % at["http"], "http://proxied.seized.example/through")
    ok(" 200 " in out.splitlines()[0], "an absolute URI is answered, not fetched")
    one("http", {"http_target": "http://proxied.seized.example/through"}, "as sent",
        http_host="proxied.seized.example")
    out = curl("http://127.0.0.1:%s/page" % at["http"], "-H", "Host: page.seized.example",
               "-H", "Accept: text/html,application/xhtml+xml", "-H", "Accept-Language: en",
               "-H", "Upgrade-Insecure-Requests: 1", "-A",
               "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0")
    ok("Test Operator" in out and "2:11-cv-00222" in out and "<script" not in out, "a browser gets the truthful page")
    one("http", {"role": "visitor"}, "and is a visitor", http_target="/page")
    out = run("curl", "-s", "-i", "-m", "3", "--resolve", "not-ours.example:%s:127.0.0.5" % at["http"],
              "-k", "https://not-ours.example:%s/" % at["http"])
    ok(out.code != 0 or out.out, "a foreign SNI on a seized address is our business all the same")

pipelined = b"".join(b"GET /p%d HTTP/1.1\r\nHost: pipe.seized.example\r\n\r\n" % i for i in range(3))
answer = exchange(hole.port["http"], pipelined)
equal(answer.count(b"HTTP/1.1 200"), 3, "three pipelined requests, three answers")
one("http", {}, "the last of them", http_target="/p2")
equal([e["http"]["target"] for e in hole.events("--kind", "http") if e["http"].get("host") == "pipe.seized.example"],
      ["/p0", "/p1", "/p2"], "in order on the log")
exchange(hole.port["http"], b"get\x01/odd HTTP/9.9\nHost : x\n\n", 1)
exchange(hole.port["any"], b"GET /any HTTP/1.1\r\nHost: any.seized.example\r\n\r\n")
one("http", {"dst_port": hole.port["any"]}, "HTTP on any port", http_host="any.seized.example")

# ---- TLS ----

if have("openssl"):
    out = run("openssl", "s_client", "-connect", "127.0.0.1:" + at["http"], "-servername", "s.seized.example").out
    ok("CN = s.seized.example" in out or "CN=s.seized.example" in out, "openssl s_client: a certificate made for the SNI")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", hole.port["any"]), 5) as plain:
        with context.wrap_socket(plain, server_hostname="deep.seized.example") as s:
            s.sendall(b"GET /deep HTTP/1.0\r\n\r\n")
            ok(s.recv(100).startswith(b"HTTP/1.1 200"), "TLS on a port that has none by itself")
    one("http", {"tls_sni": "deep.seized.example"}, "with what is inside", http_target="/deep")
    exchange(hole.port["smtps"], b"EHLO plain.example\r\n", 1)

# ---- SMTP ----

MAIL = "Subject: hello\n\nA line.\n.dot\n"
if have("swaks"):
    def swaks(*args, port="smtp"):
        return run("swaks", "--server", "127.0.0.1", "--port", at[port], "--from", "bot@mail.example", "--to",
                   "victim@seized.example", "--header", "Subject: swaks", "--timeout", "5", "--ehlo", "pc.example", *args)

    result = swaks("--header", "Subject: plain")
    equal(result.code, 0, "swaks: a mail is taken")
    event = one("smtp", {"smtp_mail_from": "bot@mail.example", "smtp_rcpt_to": ["victim@seized.example"],
                         "smtp_helo": "pc.example", "family": "rustock", "answer": "250"}, "its envelope on the log",
                smtp_subject="plain")
    ok(event.get("smtp", {}).get("blob") and "MAIL FROM:<bot@mail.example>" in event["smtp"].get("dialogue", ""),
       "the mail is a blob, the dialogue is there")
    result = swaks("--tls", "--header", "Subject: starttls")
    equal(result.code, 0, "swaks with STARTTLS")
    event = one("smtp", {}, "STARTTLS on the log", smtp_subject="starttls")
    ok(event.get("tls", {}).get("ja3"), "with a TLS fingerprint")
    result = swaks("--tls-on-connect", "--header", "Subject: smtps", port="smtps")
    equal(result.code, 0, "swaks with TLS from the start")
    for how in ("PLAIN", "LOGIN"):
        swaks("--auth", how, "--auth-user", "stolen", "--auth-password", "hunter2secret", "--header", "Subject: auth " + how)
        event = one("smtp", {}, "AUTH " + how, smtp_subject="auth " + how)
        ok(event.get("smtp", {}).get("auth"), "credentials are there, sealed")
        opened = hole.ebb("unseal", event.get("index", 0)).out.split()
        ok(any(b"hunter2secret" in base64.b64decode(line) for line in opened), "ebb unseal opens them, as they were sent")
        ok("hunter2secret" not in json.dumps(event) and "aHVudGVyMnNlY3JldA" not in json.dumps(event), "and not in clear")
    swaks("--pipeline", "--header", "Subject: pipelined")
    one("smtp", {}, "swaks with PIPELINING", smtp_subject="pipelined")
    result = swaks("--to", "x@later.example", "--header", "Subject: later")
    ok("450" in result.out + result.err and result.code != 0, "accept-then-450")
    one("smtp", {"answer": "450"}, "and the mail is kept all the same", smtp_subject="later")
    result = swaks("--to", "x@reject.example")
    ok("550" in result.out + result.err, "reject at RCPT")
if have("smtp-source"):
    result = run("smtp-source", "-s", "4", "-m", "20", "-l", "3000", "-f", "src@mail.example", "-t", "v@seized.example",
                 "127.0.0.1:" + at["smtp"])
    equal(result.code, 0, "smtp-source: twenty mails in four sessions")
    time.sleep(0.5)
    events = [e for e in hole.events("--kind", "smtp") if e["smtp"].get("mail_from") == "src@mail.example"]
    equal(len(events), 20, "twenty on the log")
answer = exchange(hole.port["smtp"], b"EHLO chunk.example\r\nMAIL FROM:<c@mail.example>\r\nRCPT TO:<v@seized.example>\r\n"
                  b"BDAT 16\r\nSubject: chunk\r\nBDAT 6 LAST\r\n\r\nhey.QUIT\r\n")
ok(answer.count(b"250") >= 4, "BDAT chunks")
one("smtp", {"smtp_size": 22}, "one mail of two chunks", smtp_subject="chunk")
answer = exchange(hole.port["smtp"], b"EHLO inject.example\r\nSTARTTLS\r\nMAIL FROM:<injected@mail.example>\r\n", shut=False, wait=1)
ok(b"220" in answer and b"injected" not in answer, "what came behind STARTTLS in clear is thrown away")

# ---- raw ----

if have("nc"):
    subprocess.run(["nc", "-w", "2", "-q", "1", "127.0.0.1", at["raw"]], input=b"\x05\x01\x00", timeout=10,
                   stdout=subprocess.DEVNULL)
    one("raw", {"protocol": "socks", "raw_client_size": 3}, "netcat: SOCKS on a raw port", dst_port=hole.port["raw"],
        transport="tcp")
    subprocess.run(["nc", "-u", "-w", "1", "127.0.0.1", at["raw"]], input=b"datagram", timeout=10, stdout=subprocess.DEVNULL)
    one("raw", {"raw_client": "datagram"}, "a datagram", transport="udp")
answer = exchange(hole.port["irc"], b"NICK bot123\r\nUSER b 0 * :b\r\nJOIN #cmd\r\n", shut=False, wait=1)
ok(b" 001 bot123" in answer and b"JOIN" in answer and b" 366 " in answer, "IRC: a bot logs in and joins")
one("raw", {"dst_port": hole.port["irc"]}, "on the log as IRC", protocol="irc")

# ---- balancers ----

answer = exchange(hole.port["phttp"], b"PROXY TCP4 203.0.113.9 192.0.2.80 4711 80\r\nGET /v1 HTTP/1.1\r\nHost: v1.seized.example\r\n\r\n")
ok(answer.startswith(b"HTTP/1.1 200"), "PROXY version 1")
one("http", {"src_ip": "203.0.113.9", "src_port": 4711, "dst_ip": "192.0.2.80", "dst_port": 80, "via": "127.0.0.1"},
    "the client's address is the one recorded", http_target="/v1")
equal(exchange(hole.port["phttp"], b"GET /none HTTP/1.1\r\nHost: v1.seized.example\r\n\r\n"), b"", "no header, no answer")

work = folder()
if have("haproxy"):
    port = free_port()
    conf = write(os.path.join(work, "haproxy.cfg"), """
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen front
  bind 127.0.0.1:%d
  server hole 127.0.0.1:%d send-proxy-v2
""" % (port, hole.port["phttp"]))
    balancer = subprocess.Popen(["haproxy", "-f", conf, "-db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        request = urllib.request.Request("http://127.0.0.1:%d/haproxy" % port, headers={"Host": "ha.seized.example"})
        equal(urllib.request.urlopen(request, timeout=5).status, 200, "HAProxy in front, PROXY v2")
        one("http", {"src_ip": "127.0.0.1", "dst_port": port, "via": "127.0.0.1"}, "through HAProxy", http_target="/haproxy")
    finally:
        balancer.terminate()
        balancer.wait(10)
if have("dnsdist"):
    port = free_port()
    conf = write(os.path.join(work, "dnsdist.conf"), """
setLocal("127.0.0.1:%d")
setSecurityPollSuffix("")
newServer({address="127.0.0.1:%d", useProxyProtocol=true, healthCheckMode="up"})
""" % (port, hole.port["pdns"]))
    balancer = subprocess.Popen(["dnsdist", "-C", conf, "--supervised", "--disable-syslog"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        for more, how in (((), "UDP"), (("+tcp",), "TCP")):
            out = run("kdig", "@127.0.0.1", "-p", port, "+timeout=3", "dd%s.seized.example" % how.lower(), "A", *more).out
            ok("status: NOERROR" in out, "dnsdist in front, by " + how)
            one("dns", {"via": "127.0.0.1", "dst_port": port, "transport": how.lower()}, "through dnsdist by " + how,
                dns_qname="dd%s.seized.example" % how.lower())
    finally:
        balancer.terminate()
        balancer.wait(10)

refused = hole.total("dns_refused")
ok(refused >= 2 and not [e for e in hole.events("--kind", "dns") if "other" in e["dns"]["qname"]],
   "what was refused is counted, not recorded")
equal(hole.stop(), 0, "SIGTERM: a clean stop")
hole.verifies("the log verifies")
done()
