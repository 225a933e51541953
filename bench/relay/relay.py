# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""Frames from eth0 to eth1 and back, by a process: its CPU is the VI's.  As much
is done with each frame as a service that inspects it does: so the VI's rate is a
matter of its CPU, and hardly of how many frames come at a time."""

import select
import socket
import zlib

SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
ETH_P_ALL = 3
INSPECTED = bytes(64 * 1024)    # Some 20 us.


def port(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.bind((name, ETH_P_ALL))
    s.setblocking(False)
    return s


def main():
    ports = [port("eth0"), port("eth1")]
    other = {ports[0]: ports[1], ports[1]: ports[0]}
    while True:
        for s in select.select(ports, [], [])[0]:
            try:
                for _ in range(64):
                    frame = s.recv(65535)
                    zlib.crc32(INSPECTED)
                    other[s].send(frame)
            except OSError:
                pass            # No more, or the other side is full.


main()
