"""ClickHouse servers for tests and benches: shards of our own in a folder that goes away, on free loopback ports or
on addresses inside network namespaces. Debian's 18.16 and newer ones."""
import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

START_S = 30  # for a server to answer
STOP_S = 20

CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>{level}</level><log>{dir}/log</log><errorlog>{dir}/err</errorlog><size>20M</size><count>1</count></logger>
  <listen_host>{host}</listen_host>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
  <interserver_http_host>{host}</interserver_http_host>
  <path>{dir}/data/</path><tmp_path>{dir}/tmp/</tmp_path><format_schema_path>{dir}/formats/</format_schema_path>
  <users_config>{dir}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database><timezone>UTC</timezone>
  <mark_cache_size>{mark_cache}</mark_cache_size><max_concurrent_queries>50</max_concurrent_queries>
  <keep_alive_timeout>10</keep_alive_timeout>
  <merge_tree><parts_to_throw_insert>3000</parts_to_throw_insert></merge_tree>
  <remote_servers><{cluster}>
{shards}  </{cluster}></remote_servers>
</yandex>
"""
SHARD = "    <shard><replica><host>%s</host><port>%d</port><user>%s</user><password>%s</password></replica></shard>\n"
USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_threads>{threads}</max_threads><max_memory_usage>{memory}</max_memory_usage>
    <log_queries>0</log_queries></default></profiles>
  <users>
    <default><password></password><networks><ip>127.0.0.0/8</ip><ip>{host}</ip></networks><profile>default</profile>
      <quota>default</quota></default>
    <{user}><password>{password}</password><networks><ip>::/0</ip></networks><profile>default</profile>
      <quota>default</quota></{user}>
  </users>
  <quotas><default/></quotas>
</yandex>
"""


def missing():
    """Why there can be no server here; None when there can."""
    if not shutil.which("clickhouse-server"):
        return "clickhouse-server is not installed"
    return None


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


class Shard:
    """One server. `prefix`: what its command line begins with (taskset, ip netns exec)."""

    def __init__(self, cluster, number, host, prefix, ports):
        self.cluster, self.name, self.host, self.prefix = cluster, "s%d" % (number + 1), host, list(prefix)
        self.dir = os.path.join(cluster.dir, self.name)
        self.http, self.tcp, self.inter = ports
        self.process = None
        for sub in ("data", "tmp", "formats"):
            os.makedirs(os.path.join(self.dir, sub))

    @property
    def url(self):
        return "http://%s:%d" % (self.host, self.http)

    def configure(self):
        c = self.cluster
        shards = "".join(SHARD % (s.host, s.tcp, c.user, c.password) for s in c.shards)
        with open(os.path.join(self.dir, "config.xml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir, host=self.host, http=self.http, tcp=self.tcp, inter=self.inter,
                                  cluster=c.name, shards=shards, level=c.level, mark_cache=c.mark_cache))
        with open(os.path.join(self.dir, "users.xml"), "w") as f:
            f.write(USERS.format(user=c.user, password=c.password, threads=c.threads, memory=c.memory, host=self.host))

    def start(self, wait=True):
        self.process = subprocess.Popen(
            self.prefix + ["clickhouse-server", "--config-file", os.path.join(self.dir, "config.xml")], cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if wait:
            self.wait()
        return self

    def wait(self):
        end = time.time() + START_S
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError("clickhouse-server did not start: %s" % self.errors())
            try:
                if self.query("SELECT 1").strip() == "1":
                    return
            except (OSError, RuntimeError):
                pass
            time.sleep(0.05)
        raise RuntimeError("clickhouse-server does not answer: %s" % self.errors())

    def errors(self):
        try:
            with open(os.path.join(self.dir, "err"), errors="replace") as f:
                return f.read()[-1500:]
        except OSError:
            return "no log"

    def query(self, sql, data=None, timeout=60):
        """The answer's text. In a network namespace (a prefix), by clickhouse-client there."""
        c = self.cluster
        if c.inside(self):
            out = subprocess.run(self.prefix + ["clickhouse-client", "--host", self.host, "--port", str(self.tcp),
                                                "--user", c.user, "--password", c.password, "--query", sql],
                                 input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
            if out.returncode:
                raise RuntimeError(out.stderr.decode(errors="replace")[:500])
            return out.stdout.decode(errors="surrogateescape")
        headers = {"X-ClickHouse-User": c.user, "X-ClickHouse-Key": c.password}
        url = self.url + "/"
        body = sql.encode()
        if data is not None:
            url, body = url + "?" + urllib.parse.urlencode({"query": sql}), data
        request = urllib.request.Request(url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read().decode(errors="surrogateescape")
        except urllib.error.HTTPError as e:
            raise RuntimeError(e.read().decode(errors="replace")[:500]) from None

    def rows(self, sql, **more):
        return [line.split("\t") for line in self.query(sql, **more).splitlines()]

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        """As a power cut would, but for what the disk has."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Cluster:
    """Shards that know each other as the cluster `name`, for the Distributed tables.

    hosts: one address a shard (default: loopback); prefixes: one command prefix a shard, for namespaces or pinning;
    namespaces: True when the prefixes lead into namespaces, where this process cannot connect."""

    def __init__(self, shards=2, name="ebb", hosts=None, prefixes=None, namespaces=False, ports=None, threads=2,
                 memory=4 << 30, mark_cache=64 << 20, user="ebb", password="on-loopback", level="error", start=True):
        self.dir = tempfile.mkdtemp(prefix="ebb-clickhouse-")
        self.name, self.user, self.password, self.level = name, user, password, level
        self.threads, self.memory, self.mark_cache, self.namespaces = threads, memory, mark_cache, namespaces
        hosts = hosts or ["127.0.0.1"] * shards
        prefixes = prefixes or [[]] * shards
        atexit.register(self.remove)
        self.shards = [Shard(self, i, hosts[i], prefixes[i], ports or self.some_ports())
                       for i in range(shards)]
        for s in self.shards:
            s.configure()
        if start:
            for s in self.shards:
                s.start(wait=False)
            for s in self.shards:
                s.wait()

    def some_ports(self):
        return (8123, 9000, 9009) if self.namespaces else (free_port(), free_port(), free_port())

    def inside(self, shard):
        return self.namespaces

    def yaml(self, ship=False, database="ebb", **more):
        """The section of ebb.yaml; the password's file is made."""
        path = os.path.join(self.dir, "password")
        with open(path, "w") as f:
            f.write(self.password + "\n")
        os.chmod(path, 0o600)
        lines = ["cluster:", "  ship: %s" % str(bool(ship)).lower(), "  name: %s" % self.name,
                 "  database: %s" % database, "  user: %s" % self.user, "  password_file: %s" % path]
        if any(not s.host.startswith("127.") for s in self.shards):
            lines.append("  plain: true")
        lines += ["  %s: %s" % (k, str(v).lower() if isinstance(v, bool) else v) for k, v in more.items()]
        lines.append("  shards:")
        lines += ["    - {name: %s, url: \"%s\"}" % (s.name, s.url) for s in self.shards]
        return "\n".join(lines) + "\n"

    def configure(self, case_path, **more):
        """Puts the section into a case's ebb.yaml, in the place of the one there."""
        path = os.path.join(case_path, "ebb.yaml")
        with open(path) as f:
            text = f.read()
        text = re.sub(r"(?m)^cluster:\n(?:[ #].*\n|\n)*?(?=^\S|\Z)", "", text)
        with open(path, "w") as f:
            f.write(text.rstrip("\n") + "\n" + self.yaml(**more))

    def query(self, sql, **more):
        return self.shards[0].query(sql, **more)

    def rows(self, sql, **more):
        return self.shards[0].rows(sql, **more)

    def stop(self):
        for s in self.shards:
            if s.process:
                s.process.terminate()
        for s in self.shards:
            s.stop()

    def remove(self):
        for s in self.shards:
            s.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
