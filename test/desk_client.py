"""A person's browser at the desk, as far as its server is concerned: a cookie, the CSRF token, JSON. And what
people log in with: one-time codes, and a passkey in software."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import struct
import time
import urllib.parse

from ebbtest import write


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body) if self.body else None


class Desk:
    """One browser. `origin` is what it says of its pages; Host follows from it."""

    def __init__(self, port, origin=None, tls=False, source=None):
        self.port, self.tls, self.source = port, tls, source
        self.origin = origin or "http%s://127.0.0.1:%d" % ("s" if tls else "", port)
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, headers=None, csrf=True, origin=True, cookie=True):
        where = ("127.0.0.1", self.port)
        source = (self.source, 0) if self.source else None
        if self.tls:
            context = ssl._create_unverified_context()
            c = http.client.HTTPSConnection(*where, timeout=20, context=context, source_address=source)
        else:
            c = http.client.HTTPConnection(*where, timeout=20, source_address=source)
        h = {"Host": self.origin.split("://")[1]}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            h["Content-Type"] = "application/json"
        if self.cookie and cookie:
            h["Cookie"] = self.cookie
        if method not in ("GET", "HEAD"):
            if origin:
                h["Origin"] = self.origin
            if self.csrf and csrf:
                h["X-Ebb-Csrf"] = self.csrf
        h.update(headers or {})
        try:
            c.request(method, path, body=body, headers={k: v for k, v in h.items() if v is not None})
            a = Answer(c.getresponse())
        finally:
            c.close()
        set_cookie = a.headers.get("Set-Cookie")
        if set_cookie:
            pair = set_cookie.split(";")[0]
            self.cookie = pair if pair.split("=", 1)[1] else None
        return a

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, body={} if body is None else body, **more)

    def took(self, a):
        if a.status == 200:
            self.csrf = a.json()["csrf"]
        return a

    def login(self, account, password, code):
        return self.took(self.post("/api/login", {"account": account, "password": password, "code": code}))

    def link(self, url):
        """By the URL that `ebb desk link` printed."""
        return self.took(self.post("/api/login/link", {"token": urllib.parse.urlsplit(url).fragment[len("link="):]}))

    def passkey(self, authenticator, **more):
        options = self.post("/api/login/passkey/options").json()
        return self.took(self.post("/api/login/passkey", authenticator.get(options, self.origin, **more)))


def totp(secret, when=None, steps=0):
    """RFC 6238: six digits, SHA-1, thirty seconds."""
    step = int((time.time() if when is None else when) // 30) + steps
    mac = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[at:at + 4])[0] & 0x7fffffff) % 1000000)


def make_login(case, account, password="a password for the desk"):
    """`ebb desk login`: the secret of one-time codes."""
    file = write(os.path.join(case.path, "..", account + ".password"), password + "\n")
    r = case.ebb("desk", "login", account, "--password-file", file)
    if r.code:
        raise RuntimeError(r.err)
    secret = re.search(r"secret=([A-Z2-7]+)", r.out)[1]
    return base64.b32decode(secret + "=" * (-len(secret) % 8))


def make_link(case, account, *more):
    r = case.ebb("desk", "link", account, *more)
    if r.code:
        raise RuntimeError(r.err)
    return r.out.strip()


class Authenticator:
    """One passkey (WebAuthn, level 2), of ES256 or EdDSA."""

    def __init__(self, kind="ES256"):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519
        self.key = ec.generate_private_key(ec.SECP256R1()) if kind == "ES256" else ed25519.Ed25519PrivateKey.generate()
        self.kind, self.id, self.count = kind, os.urandom(32), 0
        self.spki = self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                       serialization.PublicFormat.SubjectPublicKeyInfo)
        self.handle = None

    def sign(self, message):
        if self.kind != "ES256":
            return self.key.sign(message)
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def client_data(self, kind, challenge, origin):
        return json.dumps({"type": "webauthn." + kind, "challenge": challenge, "origin": origin,
                           "crossOrigin": False}).encode()

    def data(self, rp_id, flags):
        self.count += 1
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.count)

    def create(self, options, origin):
        """What navigator.credentials.create() gives."""
        self.handle = unb64(options["user"]["id"])
        client = self.client_data("create", options["challenge"], origin)
        data = self.data(options["rp"]["id"], 0x45) + bytes(16) + struct.pack(">H", len(self.id)) + self.id + b"\xa0"
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key",
                "response": {"clientDataJSON": b64(client), "authenticatorData": b64(data),
                             "publicKey": b64(self.spki), "publicKeyAlgorithm": -7}}

    def get(self, options, origin, flags=5, rp_id=None, spoil=False, challenge=None):
        """What navigator.credentials.get() gives."""
        client = self.client_data("get", challenge or options["challenge"], origin)
        data = self.data(rp_id or options["rpId"], flags)
        signature = self.sign(data + hashlib.sha256(client).digest())
        if spoil:
            data = data[:-1] + bytes([data[-1] ^ 1])
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key",
                "response": {"clientDataJSON": b64(client), "authenticatorData": b64(data),
                             "signature": b64(signature), "userHandle": b64(self.handle) if self.handle else None}}
