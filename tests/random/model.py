# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""What there should be, and where packets should go: nothing of this is read
from the product, except which VIs a service has."""

CLIENTS = (11, 12, 13, 14)      # 10.1.0.C and fd00:1::C.
SERVER = {4: "10.2.0.2", 6: "fd00:2::2"}
PORTS = (7001, 7002, 7003)
KEPT = "keep"                   # A service that nothing is done to, for
STEADY = ["10.1.0.20", 5000, SERVER[4], 7009]    # ... this flow.


class Flow:
    """Packets of a client and their answers."""

    def __init__(self, family, client, port):
        self.family, self.client, self.port = family, client, port
        self.source = ("10.1.0.%d" if family == 4 else "fd00:1::%d") % client
        self.five = [self.source, 5000 + port % 10, SERVER[family], port]

    def __str__(self):
        return "%s -> port %d" % (self.source, self.port)


FLOWS = ([Flow(4, c, p) for c in CLIENTS for p in PORTS]
         + [Flow(6, c, p) for c in CLIENTS[:2] for p in PORTS[:2]])


class Rule:
    """A rule: family, and what it asks of client (a set) and port."""

    def __init__(self, target, priority, direction, family, clients, port):
        self.target, self.priority = target, priority
        self.direction, self.family = direction, family
        self.clients, self.port = clients, port

    def match(self):
        v6 = self.family == 6
        fields = ["udp6" if v6 else "udp"] if self.port else [
            "ipv6" if v6 else "ip"]
        name = "ipv6_src" if v6 else "nw_src"
        net = "fd00:1::%d" if v6 else "10.1.0.%d"
        if self.clients is None:
            fields.append("ipv6_src=fd00:1::/64" if v6
                          else "nw_src=10.1.0.0/24")
        elif len(self.clients) == 1:
            fields.append(name + "=" + net % self.clients[0])
        else:
            fields.append("nw_src=10.1.0.12/30")    # 12 to 15
        if self.port:
            fields.append("tp_dst=%d" % self.port)
        return ",".join(fields)

    def matches(self, flow, direction):
        return (self.direction in ("both", direction)
                and self.family == flow.family
                and (self.clients is None or flow.client in self.clients)
                and self.port in (None, flow.port))


class Vi:
    """One as it should be; 'alive' is false between its death and its next
    life."""

    def __init__(self, name):
        self.name = name
        self.admin = "up"
        self.weight = 100
        self.network = 0
        self.alive = True
        self.killed = 0             # When it was, last.
        self.row = None

    def takes_traffic(self):
        return self.alive and self.admin == "up" and self.weight > 0


class Service:
    def __init__(self, name, mode, on_failure, affinity, replicas):
        self.name, self.mode = name, mode
        self.on_failure, self.affinity = on_failure, affinity
        self.replicas = replicas
        self.vis = {}               # By name.
        self.row = None
        self.chosen = {}            # By source: VI, and what there was.
        self.bypass = False

    def takers(self):
        return [v for v in self.vis.values() if v.takes_traffic()]


class Model:
    def __init__(self):
        self.services = {}
        self.chains = {}            # Name: list of names of services.
        self.rules = []

    def winner(self, flow, direction):
        return max((r for r in self.rules if r.matches(flow, direction)),
                   key=lambda r: r.priority, default=None)

    def path(self, flow, direction):
        """The services that packets of 'flow' meet, in their order."""
        rule = self.winner(flow, direction)
        if not rule:
            return []
        names = self.chains.get(rule.target, [rule.target])
        if direction == "reverse":
            names = reversed(names)
        return [self.services[n] for n in names]

    def walk(self, flow, direction):
        """Returns the services whose VIs get a packet of 'flow', and whether
        it arrives; None if that depends on which connections there were."""
        met = []
        for service in self.path(flow, direction):
            if service.takers():
                met.append(service)
            elif (service.affinity == "connection"
                  and any(v.admin != "down" for v in service.vis.values())):
                return met, None
            elif service.mode != "tap" and service.on_failure == "close":
                return met, False
        return met, True

    def expect(self, flows, count):
        """What becomes of 'count' packets of each of 'flows'."""
        e = Expected(flows, self.services)
        for i, flow in enumerate(flows):
            for d, direction in enumerate(("forward", "reverse")):
                met, arrives = self.walk(flow, direction)
                for service in met:
                    e.delivered[service.name][d] += count
                if arrives is None:
                    e.answers[i] = None
                    e.unknown.update(s.name for way in ("forward", "reverse")
                                     for s in self.path(flow, way))
                if not arrives:
                    break
            else:
                e.answers[i] = count
        return e


class Expected:
    """By flow, how many packets are answered, None if that is not known; by
    service's name, how many its VIs get, forward and reverse; and names of
    services of which that is not known."""

    def __init__(self, flows, services):
        self.answers = [0] * len(flows)
        self.delivered = {name: [0, 0] for name in services}
        self.unknown = set()
