# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""What must hold whenever the cloudlet has come to rest."""

import collections
import glob
import os
import re
import time

import world
from model import FLOWS, Vi
from world import Failure, wait_until

COUNT = 2                       # Packets of each flow.


def require(condition, what, *detail):
    if not condition:
        raise Failure(what + "".join("\n" + str(d) for d in detail))


class Checks:
    def __init__(self, w, model):
        self.w, self.model = w, model

    # Rest.

    def _read(self):
        """Reads the rows of services and VIs into the model.  Returns what is
        not yet as it should be."""
        services, vis = self.w.db.tables("Service", "VI")
        by_uuid = {row["_uuid"]: row for row in services}
        rows = collections.defaultdict(dict)
        for row in vis:
            owner = by_uuid.get(str(row["service"]))    # [] once deleted
            rows[owner["name"] if owner else None][row["name"]] = row
        if rows.pop(None, None):
            return "a VI without a service"
        if {r["name"] for r in services} != set(self.model.services):
            return "services %s" % sorted(r["name"] for r in services)
        for row in services:
            service = self.model.services[row["name"]]
            service.row = row
            if row["error"]:
                return "service %s: %s" % (row["name"], row["error"])
            bad = self._read_vis(service, rows[service.name])
            if bad:
                return bad
        return None

    def _read_vis(self, service, rows):
        if len(rows) != service.replicas:
            return "service %s has %d VIs" % (service.name, len(rows))
        for name in [n for n in service.vis if n not in rows]:
            del service.vis[name]
        for name, row in rows.items():
            vi = service.vis.get(name)
            if not vi:
                vi = service.vis[name] = Vi(name)
            state = "stopped" if vi.admin == "down" else "running"
            if (row["state"] != state
                    or bool(row["ready"]) != (state == "running")
                    or row["error"]):
                return "VI %s is %s %s" % (name, row["state"], row["error"])
            if vi.row and vi.row["pid"] != [] and vi.admin != "down":
                if not vi.alive and vi.row["pid"] == row["pid"]:
                    return "VI %s is dead" % name
                require(not vi.alive or vi.row["pid"] == row["pid"],
                        "VI %s has been restarted" % name, vi.row, row)
            vi.alive = True
            vi.row = row
        return None

    def settle(self, at_once):
        """Waits until what was asked for is in force; with 'at_once' it has
        been, for a command has waited."""
        if at_once:
            bad = self._read()
            require(not bad, "applied, but: %s" % bad)
            return
        state = []

        def settled():
            state[:] = [self._read()]
            return not state[0]
        try:
            wait_until("rest", settled)
        except Failure as e:
            raise Failure("%s: %s" % (e, state[0])) from e
        bad = self.w.ctl("--wait=applied", "sync")
        require(not bad, "sync: %s" % bad)

    # Strays.

    def _expected_ports(self):
        ports = set()
        for service in self.model.services.values():
            for vi in service.vis.values():
                if vi.admin != "down":
                    n = vi.row["number"]
                    ports.add("pc%da" % n)
                    if service.mode == "inline":
                        ports.add("pc%db" % n)
        return ports

    def strays(self):
        w = self.w
        running = [v for s in self.model.services.values()
                   for v in s.vis.values() if v.admin != "down"]
        ports = self._expected_ports()
        interfaces, = w.ovs.tables("Interface")
        ours = {i["name"] for i in interfaces
                if "packetcloud-vi" in i["external_ids"]}
        require(ours == ports, "ports of VIs", sorted(ours), sorted(ports))
        bad = [(i["name"], i["error"]) for i in interfaces if i["error"]]
        require(not bad, "ports with errors", bad)
        wait_until("interfaces %s, not %s" % (sorted(ports), w.veths()),
                   lambda: w.veths() == ports)
        wait_until("%d containers, not %s" % (len(running), w.containers()),
                   lambda: len(w.containers()) == len(running))
        self._directories(len(running))

    def _directories(self, n_running):
        n = sum(len(s.vis) for s in self.model.services.values())
        for what, most in (("vi", n), ("records", n)):
            pattern = "%s/%s/*" % (self.w.state, what)
            wait_until("%s: at most %d, %s" % (what, most, glob.glob(pattern)),
                       lambda p=pattern, m=most: len(glob.glob(p)) <= m)
        require(len(glob.glob(self.w.state + "/vi/*")) >= n_running,
                "directories of VIs", os.listdir(self.w.state + "/vi"))

    def _owners(self):
        """First 40 bits of the ids of all rows."""
        tables = self.w.db.tables("Service", "Chain", "Rule", "VI", "Router",
                                  "Interface", "Route", "Node")
        return {int(row["_uuid"].replace("-", "")[:10], 16)
                for rows in tables for row in rows}

    def _flow_owners(self):
        owners = self._owners()
        have = set()
        for flow in self.w.cookies():
            m = re.search(r"cookie=0x([0-9a-f]+)", flow)
            cookie = int(m.group(1), 16) if m else 0
            if cookie >> 48 == world.COOKIE_OURS:
                owner = cookie & 0xffffffffff
                require(not owner or owner in owners, "flow of nobody", flow)
                if "table=" not in flow or "table=0," in flow:
                    have.add(owner)
        rules, = self.w.db.tables("Rule")
        for rule in rules:
            require(not rule["error"], "rule with an error", rule)
            require(int(rule["_uuid"].replace("-", "")[:10], 16) in have,
                    "rule without a flow", rule)

    def _groups(self, groups):
        numbers = {s.row["number"]: s for s in self.model.services.values()
                   if s.mode != "host"}
        for group in groups:
            group_id = int(re.search(r"group_id=([0-9]+)", group).group(1))
            if group_id >> 24 == world.GROUP_BASE >> 24:
                number = group_id >> 4 & 0x7fff
                require(not number or number in numbers, "group of nobody",
                        group)

    def _meters(self, meters):
        limited = {v.row["number"] for s in self.model.services.values()
                   for v in s.vis.values()
                   if v.network and v.admin != "down" and s.mode != "tap"}
        found = set()
        for meter in meters:
            m = re.search(r"meter=([0-9]+)", meter)
            if m and int(m.group(1)) >= world.METER_BASE + 2:
                found.add((int(m.group(1)) - world.METER_BASE) >> 1)
        require(found == limited, "meters of VIs", sorted(found),
                sorted(limited))

    # Traffic.

    def _stick(self, service, source, vi):
        """A client stays at its VI while the VIs do, or goes to a new one.  A VI
        that was deleted and made again is another one, if its number is."""
        names = frozenset(v.name for v in service.takers())
        weights = frozenset((v.name, v.row["number"], v.weight)
                            for v in service.takers())
        before = service.chosen.get(source)
        if before and before[0] in names and before[2] <= weights:
            require(vi == before[0] or vi not in before[1],
                    "%s was at %s and is at %s of %s now"
                    % (source, before[0], vi, service.name), sorted(names))
        service.chosen[source] = vi, names, weights

    def traffic(self):
        """Sends packets, of one client after the other.  What is answered,
        and which VIs they have met, must be what the model says.  Returns
        all flows of the switch as text."""
        texts, before = self.w.flows()
        bad = []
        unknown = set()
        for source in sorted({f.source for f in FLOWS}):
            flows = [f for f in FLOWS if f.source == source]
            expected = self.model.expect(flows, COUNT)
            got = self.w.traffic(
                flows=[f.five for f in flows], count=COUNT,
                silent=[i for i, n in enumerate(expected.answers) if not n],
                timeout=3 * world.SLOW)
            bad += ["%s: %d answers, not %d" % (f, g, a)
                    for f, g, a in zip(flows, got, expected.answers)
                    if g != a and a is not None]

            # Nobody waits for answers of which it is not known whether they
            # come: some may come while the next clients send.
            unknown |= expected.unknown
            expected.unknown = unknown
            texts, after, wrong = self._arrived(before, expected)
            bad += wrong
            for service in self.model.services.values():
                self._one_vi(service, source, before, after)
            before = after
        require(not bad, "traffic", *bad)
        return texts

    def _arrived(self, before, expected):
        """What VIs have got since 'before', as soon as it is what the model
        says: packets that are not answered may still be on their way."""
        deadline = time.monotonic() + 3 * world.SLOW
        while True:
            texts, after = self.w.flows()
            bad = self._delivered(before, after, expected)
            if not bad or time.monotonic() > deadline:
                return texts, after, bad

    def _delivered(self, before, after, expected):
        bad = []
        for service in self.model.services.values():
            if service.name in expected.unknown:
                continue
            for direction in 0, 1:
                got = sum(after.get((v.row["number"], direction), 0)
                          - before.get((v.row["number"], direction), 0)
                          for v in service.vis.values() if v.row)
                want = expected.delivered[service.name][direction]
                if got != want:
                    bad.append("service %s got %d packets in direction %d, "
                               "not %d" % (service.name, got, direction,
                                           want))
        return bad

    def _one_vi(self, service, source, before, after):
        """All packets of a client, both ways, have met one VI."""
        if service.affinity != "client":
            return
        vis = {v.name for v in service.vis.values() for d in (0, 1)
               if after.get((v.row["number"], d), 0)
               > before.get((v.row["number"], d), 0)}
        if vis:
            require(len(vis) == 1, "%s met %s" % (source, sorted(vis)))
            self._stick(service, source, vis.pop())

    # The oracle.

    def recompute(self, texts):
        """The agent compiles everything anew and has nothing to correct.  A
        neighbor may come or go meanwhile, between two looks at the switch:
        then again."""
        for _ in range(5):
            answer = self.w.agent("controller/recompute")
            require(answer == "compiled anew: no difference\n"
                    "switch: 0 corrections\n", "recompute", answer)
            again = self.w.flows()[0]
            changed = (["-" + t for t in texts if t not in again]
                       + ["+" + t for t in again if t not in texts])
            if not all(t[1:].startswith("table_id=206, priority=200,")
                       for t in changed):
                break
            if not changed:
                return
            texts = again
        require(False, "recompute has changed the switch", *changed)

    def _admin_states(self):
        vis, = self.w.db.tables("VI")
        return {(row["name"], row["admin_state"]) for row in vis}

    def all(self):
        self.strays()
        states = self._admin_states()
        texts = self.traffic()
        while True:
            groups, meters = self.w.groups(), self.w.meters()
            try:
                self.recompute(texts)
                require(groups == self.w.groups(),
                        "recompute has changed groups",
                        *(groups + ["now"] + self.w.groups()))
                break
            except Failure:
                # A VI that drains may have ended that meanwhile, by itself: it
                # has no flows and groups any more.  Then again.
                before, states = states, self._admin_states()
                if states == before:
                    raise
                texts = self.w.flows()[0]
        self._flow_owners()
        self._groups(groups)
        self._meters(meters)
