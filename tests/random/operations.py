# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""The operations, one of which is chosen at random each time.

Each changes the model and the world alike, and returns what it has done, or
None if there is nothing now that it could do."""

import os
import signal
import time

from model import CLIENTS, KEPT, PORTS, Rule, Service
from world import Failure, SLOW

MAX_VIS = 7
MAX_SERVICES = 4
MAX_RULES = 8
MAX_CHAINS = 2
AFFINITIES = ["client"] * 3 + ["connection"]
IMAGES = {"inline": "bridge", "route": "forward", "tap": "idle",
          "host": "idle"}


class Operations:
    """'at_once' says after an operation whether what was asked for must be in
    force already, 'lossless' whether all packets must have passed
    meanwhile."""

    def __init__(self, w, model, random):
        self.w, self.model, self.random = w, model, random
        self.wait = True
        self.serial = 0
        self.weights = {
            self.service_add: 8, self.service_del: 4, self.scale: 12,
            self.service_set: 6, self.rule_add: 14, self.rule_del: 6,
            self.chain_add: 6, self.chain_set: 8, self.chain_del: 2,
            self.vi_admin: 10, self.vi_weight: 5, self.vi_resize: 6,
            self.vi_kill: 6, self.agent_restart: 3, self.agent_kill: 4,
            self.agent_away: 4, self.switch_restart: 2, self.switch_kill: 3,
            self.database_kill: 3, self.ovsdb_kill: 2, self.several: 6,
            self.interrupted: 8,
        }

    def step(self):
        while True:
            self.at_once, self.lossless, self.wait = True, True, True
            self.shrunk = set()
            operation = self.random.choices(list(self.weights),
                                            self.weights.values())[0]
            what = operation()
            if what:
                return what

    # Helpers.

    def ctl(self, *args):
        error = self.w.ctl("--wait=applied" if self.wait else "--no-wait",
                           *args)
        if error:
            raise Failure("pcloud-ctl %s: %s" % (" ".join(args), error))
        return " ".join(args)

    def services(self):
        return [s for s in self.model.services.values() if s.name != KEPT]

    def any_service(self, *modes):
        services = [s for s in self.services()
                    if not modes or s.mode in modes]
        return self.random.choice(services) if services else None

    def vis(self):
        """VIs that are in the database, and stay there."""
        return [v for s in self.services() if s.name not in self.shrunk
                for v in s.vis.values() if v.row]

    def any_vi(self):
        vis = self.vis()
        return self.random.choice(vis) if vis else None

    def n_vis(self):
        return sum(s.replicas for s in self.services())

    # Intent.

    def service_add(self):
        if (len(self.services()) >= MAX_SERVICES
                or self.n_vis() >= MAX_VIS):
            return None
        self.serial += 1
        name = "s%d" % self.serial
        mode = self.random.choice(["inline"] * 3 + ["route"] * 3 + ["tap"])
        replicas = self.random.randint(1, min(3, MAX_VIS - self.n_vis()))
        on_failure = ("open" if mode == "tap"
                      else self.random.choice(["open", "close"]))
        affinity = ("client" if mode == "tap"
                    else self.random.choice(AFFINITIES))
        self.model.services[name] = Service(name, mode, on_failure, affinity,
                                            replicas)
        return self.ctl("service-add", name, "transparent", "mode=" + mode,
                        "image=" + IMAGES[mode], "replicas=%d" % replicas,
                        "on-failure=" + on_failure, "affinity=" + affinity,
                        "drain-timeout=1")

    def service_del(self):
        service = self.any_service()
        if not service or any(service.name in c
                              for c in self.model.chains.values()):
            return None
        del self.model.services[service.name]
        self.model.rules = [r for r in self.model.rules
                            if r.target != service.name]
        return self.ctl("service-del", service.name)

    def scale(self):
        service = self.any_service()
        if not service or service.name in self.shrunk:
            return None
        most = min(3, MAX_VIS - self.n_vis() + service.replicas)
        replicas = self.random.randint(0, most)
        if replicas < service.replicas:
            self.shrunk.add(service.name)
            # They drain before they go.
            self.at_once &= service.affinity != "connection"
        service.replicas = replicas
        return self.ctl("service-scale", service.name,
                        str(service.replicas))

    def service_set(self):
        service = self.any_service("inline", "route")
        if not service:
            return None
        service.on_failure = self.random.choice(["open", "close"])
        service.affinity = self.random.choice(AFFINITIES)
        return self.ctl("service-set", service.name,
                        "on-failure=" + service.on_failure,
                        "affinity=" + service.affinity)

    def hops(self):
        """Services in a random order."""
        names = [s.name for s in self.services()]
        if not names:
            return None
        return self.random.sample(names, self.random.randint(1, len(names)))

    def chain_add(self):
        hops = self.hops()
        if not hops or len(self.model.chains) >= MAX_CHAINS:
            return None
        self.serial += 1
        name = "c%d" % self.serial
        self.model.chains[name] = hops
        return self.ctl("chain-add", name, *hops)

    def any_chain(self):
        return (self.random.choice(list(self.model.chains))
                if self.model.chains else None)

    def chain_set(self):
        """Hops are added, removed and reordered."""
        name, hops = self.any_chain(), self.hops()
        if not name or not hops:
            return None
        self.model.chains[name] = hops
        return self.ctl("chain-set", name, *hops)

    def chain_del(self):
        name = self.any_chain()
        if not name:
            return None
        args = ["chain-del", name]
        if any(r.target == name for r in self.model.rules):
            args = ["--all", "rule-del", name, "--"] + args
        del self.model.chains[name]
        self.model.rules = [r for r in self.model.rules if r.target != name]
        return self.ctl(*args)

    def rule_add(self):
        service = self.any_service()
        if not service or len(self.model.rules) >= MAX_RULES:
            return None
        targets = [service.name] + list(self.model.chains) * 2
        used = {r.priority for r in self.model.rules}
        priority = self.random.choice([p for p in range(1, 9000, 17)
                                       if p not in used])
        direction = self.random.choice(["both"] * 4 + ["forward", "reverse"])
        rule = Rule(self.random.choice(targets), priority, direction,
                    self.random.choice([4, 4, 6]),
                    self.random.choice([None, (12, 13, 14)]
                                       + [(c,) for c in CLIENTS]),
                    self.random.choice((None,) + PORTS))
        if rule.family == 6 and rule.clients and len(rule.clients) > 1:
            rule.clients = (12,)
        self.model.rules.append(rule)
        return self.ctl("rule-add", rule.target, rule.match(),
                        "priority=%d" % priority, "direction=" + direction)

    def rule_del(self):
        if not self.model.rules:
            return None
        rule = self.random.choice(self.model.rules)
        self.model.rules.remove(rule)
        return self.ctl("rule-del", rule.target, rule.match(),
                        "priority=%d" % rule.priority,
                        "direction=" + rule.direction)

    def vi_admin(self):
        vi = self.any_vi()
        if not vi:
            return None
        vi.admin = self.random.choice([a for a in ("up", "drain", "down")
                                       if a != vi.admin])
        what = self.ctl("set", "VI", vi.name, "admin_state=" + vi.admin)
        if vi.admin == "down" and not self.wait:
            vi.row = None           # Its next life may have begun soon.
        return what

    def vi_weight(self):
        vi = self.any_vi()
        if not vi:
            return None
        vi.weight = self.random.choice([0, 1, 50, 100, 200])
        return self.ctl("set", "VI", vi.name, "weight=%d" % vi.weight)

    def vi_resize(self):
        vi = self.any_vi()
        if not vi:
            return None
        vi.network = self.random.choice([10, 100])
        return self.ctl("vi-resize", vi.name, "network=%dMbps" % vi.network,
                        "memory=%dMiB" % self.random.choice([64, 128]))

    # Accidents.

    def dying(self):
        """A VI that can be killed and is started again at once: the second
        time within half a minute it would not be."""
        now = time.monotonic()
        vis = [v for v in self.vis()
               if v.admin != "down" and now - v.killed > 35 * SLOW]
        return self.random.choice(vis) if vis else None

    def kill_vi(self, vi):
        vi.alive, vi.killed = False, time.monotonic()
        os.kill(vi.row["pid"], signal.SIGKILL)

    def vi_kill(self):
        vi = self.dying()
        if not vi:
            return None
        self.at_once = False
        self.kill_vi(vi)
        return "kill -9 of VI " + vi.name

    def agent_restart(self):
        self.w.lib("pcloud_agent_stop")
        self.w.lib("pcloud_agent_start")
        self.at_once = False
        return "agent is restarted"

    def agent_kill(self):
        self.w.kill(self.w.run + "/pcloud-agent.pid")
        self.w.lib("pcloud_agent_start")
        self.at_once = False
        return "kill -9 of the agent"

    def agent_away(self):
        """Without an agent a VI is killed and intent changes."""
        self.at_once = self.wait = False
        self.w.kill(self.w.run + "/pcloud-agent.pid")
        what = "agent away"
        vi = self.dying()
        if vi and self.random.random() < 0.6:
            self.kill_vi(vi)
            what += ", kill -9 of VI " + vi.name
            self.bypass()
        what += ", " + self.intent()
        self.w.lib("pcloud_agent_start")
        return what

    def bypass(self):
        """The switch alone does without a dead VI."""

    def switch_restart(self):
        self.lossless = self.at_once = False
        self.w.switch("exit")
        self.w.lib("pcloud_end", self.w.ovs_run + "/ovs-vswitchd.pid")
        self.w.switch_start()
        return "switch is restarted"

    def switch_kill(self):
        self.lossless = self.at_once = False
        self.w.kill(self.w.ovs_run + "/ovs-vswitchd.pid")
        self.w.switch_start()
        return "kill -9 of the switch"

    def database_kill(self):
        self.at_once = False
        self.w.kill(self.w.run + "/ovsdb-server.pid")
        time.sleep(self.random.random() * 0.2)
        self.w.lib("pcloud_db_start")
        return "kill -9 of the database server"

    def ovsdb_kill(self):
        self.at_once = False
        self.w.kill(self.w.ovs_run + "/ovsdb-server.pid")
        time.sleep(self.random.random() * 0.2)
        self.w.lib("pcloud_ovsdb_start")
        return "kill -9 of the switch's database server"

    # Several at once.

    def intent(self):
        """One of the operations that change intent, at random."""
        while True:
            what = self.random.choice([
                self.service_add, self.service_del, self.scale,
                self.service_set, self.rule_add, self.rule_del,
                self.chain_add, self.chain_set, self.chain_del,
                self.vi_admin, self.vi_weight, self.vi_resize])()
            if what:
                return what

    def several(self):
        self.at_once = self.wait = False
        return "; ".join(self.intent()
                         for _ in range(self.random.randint(2, 4)))

    def interrupted(self):
        """The agent, or the switch, is killed amid a change."""
        self.at_once = self.wait = False
        what = "; ".join(self.intent()
                         for _ in range(self.random.randint(1, 2)))
        time.sleep(self.random.random() * 0.15 * SLOW)
        victim = self.random.choice([self.agent_kill] * 3
                                    + [self.switch_kill, self.database_kill])
        return what + "; " + victim()
