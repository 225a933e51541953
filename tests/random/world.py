# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""What there is: the daemons, the databases, the switch, the machine."""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

import rpc

COOKIE_OURS = 0x9c1d
GROUP_BASE = 0x9c000000
METER_BASE = 0x20000
SLOW = int(os.environ.get("PCLOUD_SLOW", "1"))
TIMEOUT = 30 * SLOW
STATS = re.compile(r"(duration|n_packets|n_bytes|idle_age|hard_age)="
                   r"[^,]*, *")


class Failure(Exception):
    """Something is not as it should be."""


def wait_until(what, condition, seconds=TIMEOUT):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure("not within %d s: %s" % (seconds, what))
        time.sleep(0.01)


class World:
    def __init__(self):
        self.ovs_run = os.environ["OVS_RUNDIR"]
        self.run = os.environ["PCLOUD_RUNDIR"]
        self.state = os.environ["PCLOUD_STATEDIR"]
        self.ns = os.environ["PC_NS"]
        self.db = rpc.Database(self.run + "/db.sock", "PacketCloud", TIMEOUT)
        self.ovs = rpc.Database(self.ovs_run + "/db.sock", "Open_vSwitch",
                                TIMEOUT)
        self.client = None

    # Daemons.

    def lib(self, *command):
        """Runs a function of tests/pcloud-lib.sh."""
        script = ('on_exit () { :; }; . "$PCLOUD_SRCDIR/tests/pcloud-lib.sh"'
                  ' && cd "$ovs_base" && "$@"')
        done = subprocess.run(("sh", "-c", script, "sh") + command,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise Failure("%s: %s" % (command, done.stdout.decode()))

    def pid(self, pidfile):
        with open(pidfile) as f:
            return int(f.read())

    def agent_pid(self):
        return self.pid(self.run + "/pcloud-agent.pid")

    def kill(self, pidfile):
        """As a crash would; it is gone when this returns."""
        pid = self.pid(pidfile)
        os.kill(pid, signal.SIGKILL)
        wait_until("process %d is gone" % pid,
                   lambda: not os.path.exists("/proc/%d/exe" % pid)
                   or not os.path.exists("/proc/%d/fd/0" % pid))
        os.unlink(pidfile)

    def agent(self, *command):
        return rpc.unixctl("%s/pcloud-agent.%d.ctl"
                           % (self.run, self.agent_pid()), TIMEOUT, *command)

    def switch(self, *command):
        pid = self.pid(self.ovs_run + "/ovs-vswitchd.pid")
        return rpc.unixctl("%s/ovs-vswitchd.%d.ctl" % (self.ovs_run, pid),
                           TIMEOUT, *command)

    def switch_start(self):
        """Starts it, and adds the operator's flow."""
        self.lib("pcloud_vswitchd_start")
        subprocess.run(("ovs-ofctl", "-OOpenFlow13", "add-flow", "br0",
                        "priority=0,actions=NORMAL"), check=True)

    def ctl(self, *args):
        """pcloud-ctl; None if it succeeds, otherwise what it says."""
        done = subprocess.run(("pcloud-ctl",) + args,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        if not done.returncode:
            return None
        return "status %d: %s" % (done.returncode, done.stderr.decode())

    # Traffic.

    def traffic_start(self):
        self.client = subprocess.Popen(
            ["nsenter", "--net=/run/netns/%s-A" % self.ns, "--",
             sys.executable, os.path.dirname(__file__) + "/traffic.py",
             "client"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def traffic(self, **request):
        self.client.stdin.write(json.dumps(request) + "\n")
        self.client.stdin.flush()
        return json.loads(self.client.stdout.readline())

    def traffic_stop(self):
        if self.client:
            self.client.stdin.close()
            self.client.wait()

    # What is installed.

    def flows(self):
        """All flows as text without counters and cookies, and packets by (VI
        number, direction) of those that deliver."""
        self.switch("revalidator/purge")
        texts = []
        delivered = {}
        for line in self.switch("bridge/dump-flows", "br0").splitlines():
            texts.append(STATS.sub("", line.strip()))
            if "table_id=201," not in line:
                continue
            meta = re.search(r"metadata=(0x[0-9a-f]+)", line)
            packets = re.search(r"n_packets=([0-9]+)", line)
            if meta and packets:
                value = int(meta.group(1), 16)
                key = value >> 24 & 0xffff, value >> 62 & 1
                delivered[key] = (delivered.get(key, 0)
                                  + int(packets.group(1)))
        return sorted(texts), delivered

    def _ofctl(self, *command):
        out = subprocess.run(("ovs-ofctl", "-OOpenFlow15", "--no-names")
                             + command + ("br0",), stdout=subprocess.PIPE,
                             check=True).stdout.decode()
        return sorted(line.strip() for line in out.splitlines()
                      if not line.startswith("OFPST"))

    def cookies(self):
        """All flows, as ovs-ofctl shows them."""
        return self._ofctl("--no-stats", "dump-flows")

    def groups(self):
        return self._ofctl("dump-groups")

    def meters(self):
        return self._ofctl("dump-meters")

    def containers(self):
        """Directories of the VIs whose containers run."""
        found = []
        mark = ("[lxc monitor] %s/" % self.state).encode()
        for name in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(name, "rb") as f:
                    line = f.read()
            except OSError:
                continue
            if line.startswith(mark):
                found.append(line)
        return found

    def veths(self):
        """Names of VIs' interfaces in the switch's namespace."""
        pid = self.pid(self.ovs_run + "/ovs-vswitchd.pid")
        with open("/proc/%d/net/dev" % pid) as f:
            return {line.split(":")[0].strip() for line in f
                    if re.match(r" *pc[0-9]+[ab]:", line)}
