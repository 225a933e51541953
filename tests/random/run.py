# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""run.py SEED COUNT: COUNT random operations, each of which is checked.

Runs in the environment that tests/pc-system-random.at makes: bridge br0 is a
router with hosts A and B, and the images of operations.py are there."""

import random
import sys
import time

from checks import Checks, require
from model import FLOWS, KEPT, Model, Service, STEADY
from operations import Operations
from world import Failure, SLOW, World, wait_until

RATE = 200


class Steady:
    """A service that nothing is done to, and packets through it all the
    time."""

    def __init__(self, w):
        self.w = w
        self.sent = 0

    def begin(self):
        self.w.traffic(steady=STEADY, rate=RATE)

    def end(self, lossless):
        sent, answered, lost = self.w.traffic(steady=None,
                                              timeout=3 * SLOW)
        self.sent += sent
        require(answered == sent or not lossless,
                "%d of %d steady packets are lost, of %s"
                % (sent - answered, sent, lost))


def start(w, model):
    error = w.ctl("--wait=applied", "service-add", KEPT, "transparent",
                  "image=bridge", "mode=inline", "--", "rule-add", KEPT,
                  "ip,nw_src=" + STEADY[0], "priority=9999")
    require(not error, "start", error)
    # The router asks for the hosts' Ethernet addresses, and keeps few packets
    # until it has them.
    flows = [[STEADY[0], 5001] + STEADY[2:]] + [f.five for f in FLOWS]
    wait_until("hosts are known", lambda: w.traffic(
        flows=flows, count=1, silent=[], timeout=SLOW) == [1] * len(flows))
    model.services[KEPT] = Service(KEPT, "inline", "close", "client",
                                   1)


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    w, model = World(), Model()
    checks = Checks(w, model)
    operations = Operations(w, model, random.Random(seed))
    steady = Steady(w)
    what, i = "start", 0
    begin = time.monotonic()
    w.traffic_start()
    try:
        start(w, model)
        checks.settle(True)
        for i in range(1, count + 1):
            steady.begin()
            t0 = time.monotonic()
            what = "?"
            what = operations.step()
            checks.settle(operations.at_once)
            t1 = time.monotonic()
            steady.end(operations.lossless)
            checks.all()
            print("%4d %5.0f %5.0f ms  %s"
                  % (i, (t1 - t0) * 1e3, (time.monotonic() - t1) * 1e3,
                     what), flush=True)
    except (Failure, OSError, RuntimeError) as e:
        print("operation %d of seed %d: %s\nFAILED: %s" % (i, seed, what, e))
        raise SystemExit(1) from e
    finally:
        w.traffic_stop()
    print("seed %d: %d operations, %d steady packets, %.0f s"
          % (seed, count, steady.sent, time.monotonic() - begin))


if __name__ == "__main__":
    main()
