"""A Postfix of its own on loopback: own configuration, own queue, own master. Takes every recipient at its
port; delivers those it knows into Maildirs, and sends the others back."""
import atexit
import os
import pwd
import subprocess
import time

from ebbtest import folder, run
from sinkhole import free_port

MAIN = """compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = smarthost.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_reject_unlisted_recipient = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
default_transport = error:there is no way out of this test
relay_transport = error:there is no way out of this test
virtual_mailbox_domains = texthash:{root}/domains
virtual_mailbox_maps = texthash:{root}/boxes
virtual_mailbox_base = {root}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_destination_recipient_limit = 1
virtual_destination_concurrency_limit = 4
alias_maps =
alias_database =
local_recipient_maps =
bounce_size_limit = 5000
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
maillog_file_permissions = 0644
in_flow_delay = 0
anvil_status_update_time = 3600
"""

MASTER = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
"""


def missing():
    """Why there can be none; empty when there can."""
    if os.geteuid() != 0:
        return "a Postfix of one's own wants root"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "no Postfix is installed"
    return "" if os.path.exists("/usr/sbin/postfix") else "no Postfix is installed"


class Postfix:
    def __init__(self, boxes):
        """boxes: address -> folder below self.mail, a Maildir."""
        self.root = folder()
        os.chmod(self.root, 0o711)
        self.config = os.path.join(self.root, "config")
        self.mail = os.path.join(self.root, "mail")
        self.port = free_port(("tcp",))
        who = pwd.getpwnam("nobody")
        for name, uid in (("config", 0), ("queue", 0), ("data", pwd.getpwnam("postfix").pw_uid), ("log", 0),
                          ("mail", who.pw_uid)):
            os.mkdir(os.path.join(self.root, name))
            os.chown(os.path.join(self.root, name), uid, -1)
        values = {"root": self.root, "port": self.port, "uid": who.pw_uid, "gid": who.pw_gid}
        self.write("config/main.cf", MAIN.format(**values))
        self.write("config/master.cf", MASTER.format(**values))
        self.write("domains", "".join("%s x\n" % d for d in {a.split("@")[1] for a in boxes}))
        self.write("boxes", "".join("%s %s/\n" % pair for pair in boxes.items()))
        self.running = False
        atexit.register(self.stop)

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w") as f:
            f.write(text)

    def control(self, verb, timeout=60):
        return run("/usr/sbin/postfix", "-c", self.config, verb, timeout=timeout)

    def start(self):
        result = self.control("start")
        if result.code:
            raise RuntimeError("postfix: %s %s" % (result.err, self.said()))
        self.running = True
        return self

    def stop(self):
        if self.running:
            self.running = False
            self.control("stop")

    def said(self):
        try:
            with open(os.path.join(self.root, "log", "mail.log"), errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def queued(self):
        """Mails that are still under way."""
        n = 0
        for part in ("maildrop", "incoming", "active", "deferred"):
            for _, _, files in os.walk(os.path.join(self.root, "queue", part)):
                n += len(files)
        return n

    def wait_idle(self, seconds):
        end = time.monotonic() + seconds
        while self.queued() and time.monotonic() < end:
            time.sleep(0.2)
        return self.queued() == 0

    def files(self, box):
        """The mails of a Maildir, as bytes."""
        base = os.path.join(self.mail, box, "new")
        for name in sorted(os.listdir(base)) if os.path.isdir(base) else []:
            with open(os.path.join(base, name), "rb") as f:
                yield f.read()
