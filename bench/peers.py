"""The peers that benchmarks run beside: a ClickHouse server of our own on loopback, tshark."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

CORE = os.environ.get("EBB_BENCH_CORE", "1")
PIN = ["taskset", "-c", CORE]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>error</level><log>{dir}/log</log><errorlog>{dir}/err</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
  <path>{dir}/data/</path><tmp_path>{dir}/tmp/</tmp_path>
  <users_config>{dir}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>536870912</mark_cache_size>
</yandex>
"""
USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_threads>1</max_threads></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default/></quotas>
</yandex>
"""


class ClickHouse:
    """A server on the benchmark's core, in a folder that goes away with it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ebb-clickhouse-")
        self.tcp = free_port()
        for sub in ("data", "tmp"):
            os.mkdir(os.path.join(self.dir, sub))
        with open(os.path.join(self.dir, "config.xml"), "w") as f:
            f.write(CONFIG.format(dir=self.dir, http=free_port(), tcp=self.tcp, inter=free_port()))
        with open(os.path.join(self.dir, "users.xml"), "w") as f:
            f.write(USERS)
        self.process = subprocess.Popen(
            PIN + ["clickhouse-server", "--config-file", os.path.join(self.dir, "config.xml")], cwd=self.dir,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if self.process.poll() is not None:
                raise RuntimeError("clickhouse-server did not start: see %s/err" % self.dir)
            try:
                self.query("SELECT 1")
                return
            except subprocess.CalledProcessError:
                time.sleep(0.2)
        raise RuntimeError("clickhouse-server does not answer")

    def query(self, sql, stdin=None):
        return subprocess.run(PIN + ["clickhouse-client", "--host", "127.0.0.1", "--port", str(self.tcp), "--query", sql],
                              stdin=stdin or subprocess.DEVNULL, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
