"""Logging in at the desk: password and code, links, passkeys; what is thrown out, what is throttled, what ends
a session; and that no page of elsewhere can use one."""
import base64
import concurrent.futures
import os
import re
import stat
import time

from desk_client import Authenticator, Desk, b64, make_link, make_login, totp, unb64
from ebbtest import done, equal, ok, skip, write
from people import PASSPHRASE, people
from sinkhole import Sinkhole

PASSWORD = "a password for the desk"
URL = "https://desk.example"


class Signer:
    """An account whose key the test has."""

    def __init__(self, case, name, roles, by):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
        self.key = ed25519.Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        public = write(os.path.join(case.path, "..", name + ".pub"),
                       "ebb-account-public v1\nname %s\nbox %s\nsign %s\n" % (name, "11" * 32, raw.hex()))
        r = by.ebb(case, "account", "add", public, "--roles", roles)
        if r.code:
            raise RuntimeError(r.err)

    def act(self, desk, command, options=None, args=None):
        made = desk.post("/api/acts/prepare", {"command": command, "options": options or {}, "args": args or []})
        if made.status != 200:
            return made
        signatures = [base64.b64encode(self.key.sign(base64.b64decode(a["sign"]))).decode() for a in made.json()["acts"]]
        return desk.post("/api/acts/commit", {"id": made.json()["id"], "signatures": signatures})


hole = Sinkhole(listen={"dns": ("dns", "")}, sensors=1, top="web:\n  desk_url: \"%s\"" % URL)
who = people(hole, carla="custodian", rita="reviewer", oskar="operator", vera="auditor")


def browser(last):
    """A browser at an address of its own, so that throttles of addresses do not mix."""
    return Desk(hole.desk, URL, source="127.0.0.%d" % last)


# ---- who may log in ----
ok(hole.ebb("desk", "login", "nobody", "--password-file", write(os.path.join(hole.path, "..", "p"), PASSWORD)).code == 1,
   "no login for who is no account")
ok(hole.ebb("desk", "login", "rita", "--password-file", write(os.path.join(hole.path, "..", "p"), "short\n")).code == 1,
   "nor with a short password")
ok(hole.ebb("desk", "link", "rita", "--minutes", "0").code == 2, "a link is good for a minute at least")
secret = make_login(hole, "rita")
secrets = {name: make_login(hole, name) for name in ("carla", "oskar", "vera")}
equal([oct(stat.S_IMODE(os.stat(os.path.join(hole.path, p)).st_mode)) for p in ("desk", "desk/logins")],
      ["0o700", "0o600"], "its files are its owner's alone")
with open(os.path.join(hole.path, "desk/logins")) as f:
    text = f.read()
ok("$argon2id$" in text and PASSWORD not in text, "passwords are kept as Argon2id hashes")
equal([(r["account"], r["password"], r["passkeys"], r["links"]) for r in hole.rows("desk")],
      [("carla", True, 0, 0), ("oskar", True, 0, 0), ("rita", True, 0, 0), ("vera", True, 0, 0)], "who can log in, and how")
hole.start()

# ---- by password and code ----
b = browser(2)
equal(b.get("/api/session").status, 401, "nobody is logged in")
a = b.login("rita", PASSWORD, totp(secret))
equal(a.status, 200, "password and code")
cookie = a.headers["Set-Cookie"]
ok(re.fullmatch(r"__Host-ebb=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict; Secure", cookie), "the cookie's flags")
equal(a.headers["Cache-Control"], "no-store", "nothing of it is kept")
s = b.get("/api/session").json()
equal((s["account"], s["roles"], s["how"], s["idle_minutes"], s["passkeys"]), ("rita", ["reviewer"], "password", 60, True),
      "who it is")
ok(s["csrf"] == b.csrf and s["csrf"] not in cookie and s["origin"].startswith("ebb.invalid/"), "its token, the log's origin")
equal(b.get("/api/session", headers={"Cookie": b.cookie.replace("__Host-", "")}).status, 401,
      "a cookie that any page of the domain could set is none")

c = browser(3)
replayed = c.login("rita", PASSWORD, totp(secret))
wrong = [replayed, c.login("rita", PASSWORD + ".", totp(secret, steps=1)), c.login("rita", PASSWORD, "000000"),
         c.login("nobody", PASSWORD, totp(secret)), c.login("rita\n", PASSWORD, totp(secret))]
equal({(a.status, a.body) for a in wrong}, {(401, wrong[0].body)},
      "a code of before, a wrong password, a wrong code, an unknown account: all the same")
ok(all(a.headers["Set-Cookie"] is None for a in wrong), "and no cookie")
c = browser(4)
equal(c.login("rita", PASSWORD, totp(secret, steps=1)).status, 200, "the next code is good")
ok(c.cookie != b.cookie and c.csrf != b.csrf, "two sessions have nothing in common")
equal([browser(5).ask("POST", "/api/login", body, headers={"Content-Type": "application/json"}).status
       for body in (b"", b"[]", b"{", b'{"account":"rita","account":"carla"}', b'{"account":1,"password":[]}')],
      [400, 400, 400, 400, 401], "bodies that are no login")
equal(browser(5).ask("POST", "/api/login", b"{" + b" " * 100000 + b"}").status, 413, "who is not logged in says little")
equal([browser(5).get(p).status for p in ("/api/login", "/api/logout")], [405, 405], "by POST alone")

# ---- pages of elsewhere ----
equal([b.post("/api/logout", csrf=False).status, b.post("/api/logout", headers={"X-Ebb-Csrf": "x" * 43}).status,
       b.post("/api/logout", headers={"X-Ebb-Csrf": c.csrf}).status], [403, 403, 403],
      "no token, a wrong one, another session's")
equal([b.post("/api/logout", headers={"Origin": o}).status
       for o in ("https://elsewhere.example", "null", "http://desk.example", URL + ".elsewhere.example", URL + ":444", "")],
      [403] * 6, "other origins")
equal(b.post("/api/logout", origin=False).status, 403, "no origin")
equal(b.post("/api/logout", origin=False, headers={"Sec-Fetch-Site": "same-site"}).status, 403, "a sister domain's page")
equal(b.post("/api/logout", headers={"Sec-Fetch-Site": "cross-site"}).status, 403, "another site's, whatever its Origin")
equal(browser(5).post("/api/login", {"account": "rita"}, headers={"Origin": "https://elsewhere.example"}).status, 403,
      "nobody is logged in by another site")
equal(b.get("/api/session", headers={"Host": "rebound.example"}).status, 421, "a name that was made to lead here is not the desk")
equal([b.get(p, headers={"Host": "monitor.example"}).status for p in ("/healthz", "/metrics")], [200, 200],
      "figures are for monitoring, by any name")
equal(b.get("/api/session").status, 200, "all of that changed nothing")
equal(b.post("/api/logout", origin=False, headers={"Sec-Fetch-Site": "same-origin"}).status, 200,
      "a browser that sends no Origin, from the desk's own page")
equal((b.cookie, b.get("/api/session", headers={"Cookie": cookie.split(";")[0]}).status), (None, 401),
      "logged out: the token is worth nothing")

# ---- by link ----
url = make_link(hole, "oskar")
ok(re.fullmatch(re.escape(URL) + "/#link=[A-Za-z0-9_-]{43}", url), "a link's token is behind the #: no server sees it")
links = os.path.join(hole.path, "desk", "links")
ok(url.split("=")[1] not in " ".join(os.listdir(links)), "and only its hash is kept")
d = browser(6)
equal((d.link(url).status, d.get("/api/session").json()["how"]), (200, "link"), "a link logs in")
equal(browser(6).link(url).status, 401, "once")
old = make_link(hole, "oskar")
for name in os.listdir(links):
    with open(os.path.join(links, name)) as f:
        account, made, until = f.read().split("\t")
    write(os.path.join(links, name), "\t".join((account, made, "2020-01-01T00:00:00Z\n")))
equal(browser(6).link(old).status, 401, "not when its time is over")
equal([browser(6).link(URL + "/#link=" + t).status for t in ("x" * 43, "../logins", "", "x" * 5000)], [401] * 4, "no token")

# ---- throttles ----
time.sleep(2)
e = browser(7)
said = [e.login("vera", "wrong wrong wrong", "123456") for _ in range(7)]
equal(sorted({a.status for a in said}), [401, 429], "an address that guesses is made to wait")
ok(said[-1].status == 429 and 1 <= int(said[-1].headers["Retry-After"]) <= 60, "and is told how long")
equal(browser(8).login("vera", PASSWORD, totp(secrets["vera"])).status, 200, "the account's owner, elsewhere, is not")
time.sleep(4)  # what was hashed until now is paid for
f = browser(9)
said = [f.login("carla", PASSWORD, "%06d" % i).status for i in range(5)]
g = browser(10)
said += [g.login("carla", PASSWORD, "%06d" % i).status for i in range(3)]
equal((said[:5], said[5:]), ([401] * 5, [429] * 3), "codes are guessed five times with the right password, from anywhere")
def processor():
    """Seconds that the desk has had."""
    with open("/proc/%d/stat" % hole.pids("desk")[0]) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


begun, had = time.monotonic(), processor()
with concurrent.futures.ThreadPoolExecutor(30) as pool:
    flood = list(pool.map(lambda i: Desk(hole.desk, URL, source="127.0.1.%d" % i).login(
        "carla", "wrong wrong wrong", "1").status, range(1, 31)))
took, had = time.monotonic() - begun, processor() - had
ok(401 in flood and had <= 1.75 + took / 4, "a crowd of addresses has a quarter of the processor for its passwords")
if had > 1.75 + took / 4:
    print("#   %.2f s of %.2f" % (had, took))
begun = time.monotonic()
equal((browser(11).get("/healthz").status, time.monotonic() - begun < 1.0), (200, True), "and the desk still answers")

time.sleep(4)

# ---- passkeys ----
try:
    import cryptography  # noqa: F401
    have = True
except ImportError:
    have = False
    skip("passkeys", "python3-cryptography is not here")
if have:
    lena = Signer(hole, "lena", "counsel", who["carla"])
    time.sleep(0.5)
    h = browser(12)
    equal(h.link(make_link(hole, "lena")).status, 200, "an account that was made while the desk runs")
    options = h.get("/api/passkeys/options").json()
    ok(options["rp"]["id"] == "desk.example" and options["authenticatorSelection"]["userVerification"] == "required"
       and "lena" not in options["user"]["id"], "what a browser makes a passkey by")
    key = Authenticator()
    made = key.create(options, URL)
    other = browser(12)
    other.link(make_link(hole, "oskar"))
    equal(other.post("/api/passkeys/check", made).status, 422, "made for another session")
    equal(h.post("/api/passkeys/check", Authenticator().create(dict(options, challenge=b64(bytes(32))), URL)).status, 422,
          "made for no challenge of ours")
    checked = h.post("/api/passkeys/check", made)
    equal(checked.status, 200, "a passkey is made")
    equal(h.post("/api/passkeys/check", made).status, 422, "a challenge is good once")
    added = lena.act(h, "passkey add", dict(checked.json(), name="a key of mine"))
    equal(added.status, 200, "and its act signed: " + repr(added.body[:200]))
    entry = added.json()["entries"][0] if added.status == 200 else 0
    end = time.monotonic() + 10
    while not h.get("/api/passkeys").json()["passkeys"] and time.monotonic() < end:
        time.sleep(0.1)
    equal([(p["entry"], p["name"], p["rp_id"]) for p in h.get("/api/passkeys").json()["passkeys"]],
          [(entry, "a key of mine", "desk.example")], "it is on the log")
    equal(other.get("/api/passkeys").json(), {"passkeys": []}, "and one's own alone is shown")
    equal([r["passkeys"] for r in hole.rows("desk") if r["account"] == "lena"], [1], "as the operator sees")
    k = browser(13)
    a = k.passkey(key)
    equal((a.status, k.get("/api/session").json().get("how")), (200, "passkey"), "it logs in")
    k = browser(14)
    options = k.post("/api/login/passkey/options").json()
    equal(options["allowCredentials"], [], "nobody is told who has one")
    answer = key.get(options, URL)
    equal([k.post("/api/login/passkey", answer).status, k.post("/api/login/passkey", answer).status], [200, 401],
          "an answer is good once")
    k = browser(15)
    stranger = Authenticator()
    thief = Authenticator()
    thief.id = key.id
    bad = [k.passkey(key, spoil=True), k.passkey(key, flags=1), k.passkey(key, flags=4), k.passkey(key, rp_id="evil.example"),
           k.passkey(key, challenge=b64(bytes(32)))]
    k = browser(16)
    bad += [k.passkey(stranger), k.passkey(thief)]
    options = k.post("/api/login/passkey/options").json()
    bad.append(k.post("/api/login/passkey", key.get(options, "https://elsewhere.example")))
    options = h.get("/api/passkeys/options").json()
    bad.append(k.post("/api/login/passkey", key.get(dict(options, rpId="desk.example"), URL)))
    key.count = 0
    bad.append(k.passkey(key))
    equal([a.status for a in bad], [401] * len(bad),
          "a changed answer, nobody present, not verified, another domain, a made-up challenge, an unknown key, another's "
          "key, another site, a challenge for something else, a counter that went back")
    key.count = 100
    ok(all(b"passkey: " in a.body for a in bad), "with the reason")
    equal([browser(17).post("/api/login/passkey", body).status for body in
           ({}, {"rawId": "!"}, {"rawId": b64(key.id), "response": {"clientDataJSON": "x" * 9000}}, {"response": [1]})],
          [401] * 4, "no answer")
    equal(browser(18).passkey(key).status, 200, "it is still good")
    withdrawn = lena.act(h, "passkey withdraw", {"why": "lost"}, [str(entry)])
    equal(withdrawn.status, 200, "taken back")
    end = time.monotonic() + 10
    while h.get("/api/passkeys").json()["passkeys"] and time.monotonic() < end:
        time.sleep(0.1)
    equal(browser(19).passkey(key).status, 401, "it logs in no more")

# ---- what ends a session ----
equal(d.get("/api/session").status, 200, "oskar is logged in")
equal(who["carla"].ebb(hole, "account", "close", "oskar", "--why", "left").code, 0, "the account is closed")
end = time.monotonic() + 5
while d.get("/api/session").status == 200 and time.monotonic() < end:
    time.sleep(0.05)
equal(d.get("/api/session").status, 401, "and its sessions with it")
equal(hole.ebb("desk", "link", "oskar").code, 1, "nor does it get a link")
equal(browser(20).login("oskar", PASSWORD, totp(secrets["oskar"])).status, 403, "nor in by its password")
ok(hole.ebb("desk", "login", "vera", "--remove").code == 0 and hole.ebb("desk", "login", "vera", "--remove").code == 1,
   "a login is taken away")
equal(browser(21).login("vera", PASSWORD, totp(secrets["vera"], steps=1)).status, 401, "at once")
url, unused = make_link(hole, "rita"), make_link(hole, "rita")
v = browser(22)
equal(v.link(url).status, 200, "a link that is used")
before = hole.pids("desk")
os.kill(before[0], 9)
end = time.monotonic() + 10
while (not hole.pids("desk") or hole.pids("desk") == before) and time.monotonic() < end:
    time.sleep(0.1)
end = time.monotonic() + 10
while time.monotonic() < end:
    try:
        v.get("/healthz")
        break
    except OSError:
        time.sleep(0.1)
equal(v.get("/api/session").status, 401, "a new process knows nobody")
equal([browser(23).link(u).status for u in (url, unused)], [401, 401], "and takes no link of before: which were used is not known")
equal(browser(24).login("rita", PASSWORD, totp(secret)).status, 401, "nor a code of that time")
equal(browser(25).link(make_link(hole, "rita")).status, 200, "but a new one")

# ---- the table of routes ----
routes = hole.rows("desk", "routes")
own = [r for r in routes if r["listener"] == "desk" and not r["session"]]
equal(sorted(r["path"] for r in own), ["/api/login", "/api/login/link", "/api/login/passkey", "/api/login/passkey/options",
                                       "/api/session", "/assets/{name}", "/healthz", "/metrics", "/readyz", "/{path}"],
      "what is open without a session")
ok({r["path"] for r in routes if r["listener"] == "public"} >= {"/", "/check", "/notices"}, "the public's are listed beside")
n = browser(26)
closed = [r for r in routes if r["listener"] == "desk" and r["session"]]
path = lambda r: re.sub(r"\{\w+\}", "1", r["path"].replace("{sha256}", "00" * 32))
said = {(r["method"], r["path"]): n.ask(r["method"], path(r), {} if r["method"] == "POST" else None).status
        for r in closed if r["path"].startswith("/api/")}
equal({k: v for k, v in said.items() if v != 401}, {}, "all of the %d others are closed" % len(said))
text = hole.said()
ok(PASSWORD not in text and secret.hex() not in text and "#link" not in text, "no secret is in the log of the daemon")
ok("somebody logs in" in text and "a login fails" in text, "but who came is")
equal(hole.stop(), 0, "stops")
done()
