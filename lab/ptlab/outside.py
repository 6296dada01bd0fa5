# SPDX-License-Identifier: Apache-2.0
"""What a scenario runs on this machine, beside its servers: outside.sh, for them to reach at 10.0.2.2."""
import os
import signal
import socket
import subprocess

from .kernel import find_tool

PORTS = 8


def free_ports():
    """Ports of this machine's loopback that nobody has now.  All are held until the last is found."""
    held = []
    try:
        for _ in range(PORTS):
            s = socket.socket()
            held.append(s)
            s.bind(("127.0.0.1", 0))
        return {f"PT_PORT{i}": s.getsockname()[1] for i, s in enumerate(held, 1)}
    finally:
        for s in held:
            s.close()


class Outside:
    """outside.sh and all that it starts; it ends with the scenario, and with the tool."""

    def __init__(self, script, folder, log, values):
        self.script, self.log = script, log
        environment = dict(os.environ, PT_OUTSIDE_DIR=folder, **{k: str(v) for k, v in values.items()})
        os.makedirs(folder, exist_ok=True)
        with open(log, "wb") as f:
            # The kernel ends it when the tool is gone, however that happens; what it starts has to be exec'd, or end with it.
            self.process = subprocess.Popen([find_tool("setpriv"), "--pdeathsig", "KILL", "sh", script], cwd=folder, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)

    def died(self):
        """Why it is no help any more, or None."""
        status = self.process.poll()
        if not status:
            return None
        with open(self.log, encoding="utf-8", errors="replace") as f:
            last = [line.strip() for line in f if line.strip()][-1:]
        return f"outside.sh ended with status {status} ({''.join(last) or 'it said nothing'})"

    def end(self):
        for number, limit in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(limit)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
