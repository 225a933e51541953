# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""The hosts of the test: every packet and every answer is counted.

As a program, "traffic.py echo PORT..." sends back what it gets, and "traffic.py
client" takes requests, a JSON object a line, and answers each by a line:

  {"flows": [[SOURCE, SPORT, DESTINATION, DPORT], ...], "count": N,
   "silent": [INDEX, ...], "timeout": SECONDS}
      Sends N packets of each flow and waits for the answers; for those of
      silent flows, of which none is expected, no longer than for the others.
      -> [ANSWERS, ...], more than N if there are duplicates
  {"steady": FLOW, "rate": PER_SECOND}
      Begins to send packets of FLOW all the time.
  {"steady": null, "timeout": SECONDS}
      Ends that and waits for the answers.
      -> [SENT, ANSWERED, [FIRST LOST, LAST LOST]]"""

import json
import select
import socket
import struct
import sys
import threading
import time

BUFFER = 4 << 20
SO_RCVBUFFORCE = 33


def udp(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    s.bind((address, port))
    s.setblocking(False)
    return s


def echo(ports):
    poll = select.epoll()
    sockets = {}
    for port in ports:
        s = udp("::", int(port))
        sockets[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
    print("listening", flush=True)
    while True:
        for fd, _ in poll.poll():
            try:
                data, peer = sockets[fd].recvfrom(2048)
                sockets[fd].sendto(data, peer)
            except OSError:
                pass                # An ICMP error, or the way back is shut.


class Steady(threading.Thread):
    """One flow, all the time."""

    def __init__(self, flow, rate):
        super().__init__(daemon=True)
        self.socket = udp(flow[0], flow[1])
        self.to = tuple(flow[2:])
        self.rate = rate
        self.sent = 0
        self.answers = set()
        self.ending = threading.Event()

    def receive(self):
        try:
            while True:
                self.answers.add(self.socket.recv(2048))
        except OSError:
            pass

    def run(self):
        start = time.monotonic()
        while not self.ending.is_set():
            due = (time.monotonic() - start) * self.rate
            while self.sent < due:
                try:
                    self.socket.sendto(struct.pack("!Q", self.sent), self.to)
                    self.sent += 1
                except OSError:
                    pass            # Not sent: an error has come first.
            select.select([self.socket], [], [], 1 / self.rate)
            self.receive()

    def end(self, timeout):
        """Waits for the answers until none has come for 'timeout'."""
        self.ending.set()
        self.join()
        have, last = len(self.answers), time.monotonic()
        while (len(self.answers) < self.sent
               and time.monotonic() < last + timeout):
            select.select([self.socket], [], [], 0.01)
            self.receive()
            if len(self.answers) > have:
                have, last = len(self.answers), time.monotonic()
        self.socket.close()
        lost = [i for i in range(self.sent)
                if struct.pack("!Q", i) not in self.answers]
        return [self.sent, have, lost[:1] + lost[-1:]]


class Client:
    def __init__(self):
        self.sockets = {}
        self.steady = None
        self.round = 0

    def socket_of(self, flow):
        key = tuple(flow[:2])
        if key not in self.sockets:
            self.sockets[key] = udp(*key)
        return self.sockets[key]

    def receive(self, answers):
        for s in select.select(self.sockets.values(), [], [], 0.005)[0]:
            try:
                while True:
                    round_, i = struct.unpack("!II", s.recv(2048)[:8])
                    # Late ones are duplicates as well: nothing waits twice.
                    if round_ == self.round:
                        answers[i] += 1
                    else:
                        self.late += 1
            except OSError:
                pass

    def flows(self, request):
        flows, count = request["flows"], request["count"]
        silent = set(request["silent"])
        answers = [0] * len(flows)
        self.round += 1
        self.late = 0
        # The silent ones first: the others' answers come after theirs.
        order = sorted(range(len(flows)), key=lambda i: i not in silent)
        for _ in range(count):
            for i in order:
                s = self.socket_of(flows[i])
                try:
                    s.sendto(struct.pack("!IIQQ", self.round, i, 0, 0),
                             tuple(flows[i][2:]))
                except OSError:
                    s.sendto(struct.pack("!IIQQ", self.round, i, 0, 0),
                             tuple(flows[i][2:]))
            self.receive(answers)
        deadline = time.monotonic() + request["timeout"]
        while (time.monotonic() < deadline
               and any(answers[i] < count for i in order if i not in silent)):
            self.receive(answers)
        self.receive(answers)       # What has come twice.
        return answers

    def serve(self, request):
        if "flows" in request:
            return self.flows(request)
        if request["steady"]:
            self.steady = Steady(request["steady"], request["rate"])
            self.steady.start()
            return None
        steady, self.steady = self.steady, None
        return steady.end(request["timeout"])


def main():
    if sys.argv[1] == "echo":
        echo(sys.argv[2:])
    client = Client()
    for line in sys.stdin:
        print(json.dumps(client.serve(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
