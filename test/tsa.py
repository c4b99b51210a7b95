"""A time stamp authority (RFC 3161) on loopback for tests: certificates made on the spot, `openssl ts -reply`
behind an HTTP server; it can be told to misbehave."""
import http.server
import os
import subprocess
import threading
import time

from ebbtest import folder, write

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
[server]
extendedKeyUsage = serverAuth
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {dir}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
other_policies = 1.3.6.1.4.1.99999.2
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
"""


def openssl(*args, **more):
    run = subprocess.run(["openssl", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
    if run.returncode:
        raise RuntimeError("openssl %s: %s" % (" ".join(args), run.stderr.decode(errors="replace")))
    return run.stdout


class Authority:
    """A root, and a stamper's certificate below it."""

    def __init__(self, name="Example TSA", days=30, usage="stamper", start=None):
        self.dir = folder()
        self.config = write(self.at("openssl.cnf"), CONFIG.format(dir=self.dir))
        write(self.at("serial"), "01\n")
        for who in ("root", "stamper"):
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.at(who + ".key"))
        openssl("req", "-x509", "-new", "-key", self.at("root.key"), "-subj", "/O=Example/CN=%s root" % name,
                "-days", "3650", "-config", self.config, "-extensions", "ca", "-out", self.at("root.pem"))
        openssl("req", "-new", "-key", self.at("stamper.key"), "-subj", "/O=Example/CN=%s" % name,
                "-config", self.config, "-out", self.at("stamper.csr"))
        args = ["x509", "-req", "-in", self.at("stamper.csr"), "-CA", self.at("root.pem"), "-CAkey", self.at("root.key"),
                "-set_serial", "7", "-extfile", self.config, "-extensions", usage, "-out", self.at("stamper.pem"),
                "-days", str(days)]
        openssl(*args)

    def at(self, name):
        return os.path.join(self.dir, name)

    def reply(self, query, chain=True):
        write(self.at("query"), query)
        args = ["ts", "-reply", "-config", self.config, "-section", "tsa_config", "-queryfile", self.at("query"),
                "-signer", self.at("stamper.pem"), "-inkey", self.at("stamper.key"), "-out", self.at("reply")]
        openssl(*args, *(["-chain", self.at("root.pem")] if chain else []))
        with open(self.at("reply"), "rb") as f:
            return f.read()


class Server:
    """Answers each POST with answer(path, headers, body) -> (status, type, bytes), or does as the function does."""

    def __init__(self, answer):
        self.answer, self.requests = answer, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.requests.append((self.path, dict(self.headers), body))
                got = server.answer(self, body)
                if got is None:
                    return
                status, kind, data = got
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = "http://127.0.0.1:%d/" % self.port
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


def hang(seconds):
    def answer(handler, body):
        time.sleep(seconds)
    return answer
