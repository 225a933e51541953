# Copyright (c) 2026 The PacketCloud developers.
#
# Licensed under the Apache License, Version 2.0: see LICENSE.

"""JSON-RPC over a Unix socket: databases, and the commands of daemons.

Without a process a request, so that a test can ask often."""

import json
import socket
import time


class Rpc:
    """One connection; a request waits for its answer."""

    def __init__(self, path, timeout):
        self.path = path
        self.timeout = timeout
        self.socket = None

    def _connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(self.timeout)
        self.socket.connect(self.path)
        self.buffer = ""
        self.next_id = 0

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def _receive(self):
        decoder = json.JSONDecoder()
        while True:
            try:
                message, end = decoder.raw_decode(self.buffer)
                self.buffer = self.buffer[end:].lstrip()
                return message
            except ValueError:
                pass
            data = self.socket.recv(1 << 20)
            if not data:
                raise OSError("%s: connection closed" % self.path)
            self.buffer += data.decode()

    def _call(self, method, params):
        if not self.socket:
            self._connect()
        self.next_id += 1
        request = {"method": method, "params": params, "id": self.next_id}
        self.socket.sendall(json.dumps(request).encode())
        while True:
            answer = self._receive()
            if answer.get("method") == "echo":
                answer = {"result": answer["params"], "error": None,
                          "id": answer["id"]}
                self.socket.sendall(json.dumps(answer).encode())
            elif answer.get("id") == self.next_id:
                return answer

    def call(self, method, *params):
        """Returns the answer's result; RuntimeError if it is an error."""
        try:
            answer = self._call(method, list(params))
        except OSError:
            self.close()
            raise
        if answer.get("error"):
            raise RuntimeError("%s: %s" % (method, answer["error"]))
        return answer["result"]


def unixctl(path, timeout, method, *args):
    """A command of a daemon, as ovs-appctl would give it."""
    rpc = Rpc(path, timeout)
    try:
        return rpc.call(method, *args)
    finally:
        rpc.close()


def plain(value):
    """A column's value in Python's terms; uuids are strings."""
    if not isinstance(value, list):
        return value
    kind, rest = value
    if kind in ("uuid", "named-uuid"):
        return rest
    if kind == "set":
        return [plain(v) for v in rest]
    return {plain(k): plain(v) for k, v in rest}


class Database:
    """Reads tables of one database of an ovsdb-server."""

    def __init__(self, path, name, timeout):
        self.rpc = Rpc(path, timeout)
        self.name = name

    def tables(self, *names):
        """Consistent contents of tables: lists of rows, dicts of columns."""
        operations = [{"op": "select", "table": n, "where": []}
                      for n in names]
        try:
            results = self.rpc.call("transact", self.name, *operations)
        except OSError:
            time.sleep(0.05)        # It has been restarted.
            results = self.rpc.call("transact", self.name, *operations)
        return [[{c: plain(v) for c, v in row.items()} for row in r["rows"]]
                for r in results]
