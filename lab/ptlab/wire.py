# SPDX-License-Identifier: Apache-2.0
"""What the servers of a scenario are connected by: a cable for two, a switch for more."""
import collections
import os
import select
import socket
import threading
import time

FRAME = 65536
WAITING = 512       # frames that a port's server has not taken yet; what comes then is lost, as on a real switch
STALE_S = 1.0       # and so is what waits for a server without power


class Wire:
    """Each server gets the descriptor of its end, for as long as this is open: one that lost its power finds the cable plugged in at
    its next boot."""

    def __init__(self, servers):
        if servers == 2:
            self.ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.switch = None
            return
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(servers)]
        self.ends = tuple(theirs for theirs, _ in pairs)
        self.switch = Switch([ours for _, ours in pairs])

    def end(self, number):
        return self.ends[number - 1].fileno()

    def close(self):
        if self.switch:
            self.switch.close()
        for s in self.ends:
            s.close()


class Switch:
    """Takes each frame to the port where its address was heard last, or to all others."""

    def __init__(self, ports):
        self.ports = ports
        self.waiting = {port: collections.deque(maxlen=WAITING) for port in ports}
        self.heard = {}         # by address: its port
        self.stop, self.stopped = os.pipe()
        for port in ports:
            port.setblocking(False)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            readable, writable, _ = select.select([*self.ports, self.stop], [p for p in self.ports if self.waiting[p]], [])
            if self.stop in readable:
                return
            for port in readable:
                self.take(port)
            for port in writable:
                self.give(port)

    def take(self, port):
        try:
            frame = port.recv(FRAME)
        except OSError:
            return
        to, sender = frame[:6], frame[6:12]
        self.heard[sender] = port
        known = None if to[:1] and to[0] & 1 else self.heard.get(to)
        for other in [known] if known else self.ports:
            if other is not port:
                self.waiting[other].append((time.monotonic(), frame))

    def give(self, port):
        queue = self.waiting[port]
        while queue and time.monotonic() - queue[0][0] > STALE_S:
            queue.popleft()
        while queue:
            try:
                port.send(queue[0][1])
            except OSError:     # not now
                return
            queue.popleft()

    def close(self):
        os.close(self.stopped)
        self.thread.join()
        os.close(self.stop)
        for port in self.ports:
            port.close()
