"""A smarthost for the courier's tests: takes mail on loopback and does at each stage what a test asks for."""
import base64
import re
import socket
import ssl
import threading

STAGES = ("connect", "greeting", "ehlo", "mail", "rcpt", "data", "body", "dot", "half")


class Smarthost:
    """plan(stage, contact) is asked at each stage and says what happens there: None for the usual, "cut", a
    reply ("451 4.7.1 later"), or a function that is called (and may wait) before it goes on. contact is
    "" before RCPT. Stages: connect greeting ehlo auth mail rcpt data body dot half."""

    def __init__(self, plan=None, tls=None, certificate=None, users=None, address="127.0.0.1"):
        """tls: "starttls" or "tls"; users: name -> password, wanted then."""
        self.plan = plan or (lambda stage, contact: None)
        self.tls, self.certificate, self.users = tls, certificate, users
        self.taken = []  # (contact, bytes) of every mail that was answered with 250, or would have been
        self.connections = 0
        self.commands = []
        self.port, self.address = 0, address
        self.start()

    def start(self):
        self.listener = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.address, self.port))
        self.listener.listen(20)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """As if it were switched off."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for s in self.open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                s, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            Session(self, s).run()
        except (OSError, Cut, ValueError):
            pass
        try:
            s.close()
        except OSError:
            pass

    def ids(self):
        """Message-IDs of what was taken, each as often as it was."""
        return [re.search(rb"^Message-ID: <(.*?)>", data, re.M | re.I).group(1).decode() for _, data in self.taken]


class Cut(Exception):
    pass


class Session:
    def __init__(self, host, s):
        self.host, self.s = host, s
        self.secure = False
        self.contact = ""
        self.user = None

    def wrap(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.host.certificate)
        self.s = context.wrap_socket(self.s, server_side=True)
        self.secure = True

    def read_line(self):
        line = self.f.readline(100000)
        if not line.endswith(b"\r\n"):
            raise Cut
        return line[:-2]

    def say(self, text):
        self.s.sendall(text.encode() + b"\r\n")

    def ask(self, stage):
        """The reply that is to be given instead of the usual one."""
        what = self.host.plan(stage, self.contact)
        if callable(what):
            what = what()
        if what == "cut":
            raise Cut
        return what

    def run(self):
        self.ask("connect")
        if self.host.tls == "tls":
            self.wrap()
        self.f = self.s.makefile("rb")
        self.say(self.ask("greeting") or "220 smarthost.example ESMTP")
        while True:
            line = self.read_line()
            self.host.commands.append(line.decode("latin-1"))
            verb = line[:4].upper().strip()
            if verb == b"QUIT":
                self.say("221 bye")
                return
            getattr(self, "on_" + verb.decode().lower(), self.on_other)(line)

    def on_other(self, line):
        self.say("500 5.5.1 what?")

    def on_noop(self, line):
        self.say("250 2.0.0 ok")

    on_rset = on_noop

    def on_ehlo(self, line):
        reply = self.ask("ehlo")
        more = ["smarthost.example", "SIZE 10000000", "8BITMIME"]
        if self.host.tls == "starttls" and not self.secure:
            more.append("STARTTLS")
        if self.host.users:
            more.append("AUTH PLAIN LOGIN")
        self.say(reply or "\r\n".join("250%s%s" % ("-" if m is not more[-1] else " ", m) for m in more))

    def on_star(self, line):
        self.say("220 go ahead")
        self.wrap()
        self.f = self.s.makefile("rb")

    def on_auth(self, line):
        words = line.decode().split()
        if len(words) < 3:
            self.say("334 ")
            words.append(self.read_line().decode())
        _, user, password = base64.b64decode(words[2]).decode().split("\0")
        good = self.host.users.get(user) == password
        self.user = user if good else None
        self.say("235 2.7.0 welcome" if good else "535 5.7.8 no")

    def on_mail(self, line):
        if self.host.users and not self.user:
            self.say("530 5.7.0 who are you?")
            return
        self.contact = ""
        self.say(self.ask("mail") or "250 2.1.0 ok")

    def on_rcpt(self, line):
        self.contact = re.search(rb"<(.*)>", line).group(1).decode()
        self.say(self.ask("rcpt") or "250 2.1.5 ok")

    def on_data(self, line):
        reply = self.ask("data")
        self.say(reply or "354 go ahead")
        if reply:
            return
        self.ask("body")
        lines = []
        while True:
            line = self.read_line()
            if line == b".":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        data = b"".join(line + b"\r\n" for line in lines)
        reply = self.ask("dot")
        if not reply:
            self.host.taken.append((self.contact, data))
        if self.host.plan("half", self.contact):
            self.s.sendall(b"25")
            raise Cut
        self.say(reply or "250 2.0.0 taken as %d" % len(self.host.taken))
