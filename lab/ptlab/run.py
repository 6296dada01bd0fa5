# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios: boots their servers, judges what they say."""
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from . import LabError, images
from .kernel import find_kernel, find_tool
from .machine import Frozen, need_qemu, server_sees
from .outside import Outside, free_ports
from .server import TOLD, Crashed, Failed, Over, Results, Server, Skip, print_lock, stopping, time_factor
from .wire import Wire

AGAIN = "once more from the beginning:"      # tools/run-tests repeats these lines at its end
RUNS = 3
CRASHES_FORGIVEN = 2    # server.py says of what


class Lab:
    """Where everything is, and what all servers share."""

    def __init__(self, lab, build, work, cache):
        self.lab, self.build, self.work, self.cache = lab, build, work, cache
        self.source = os.path.dirname(lab)
        self.hardware = os.path.join(lab, "hardware")
        self.scenarios = os.path.join(self.source, "tests", "lab")
        self.kernel = self.server = self.guest = None
        self.crashes = 0
        self.crash_lock = threading.Lock()

    def forgive_crash(self):
        """True for the first crashes of this run of the tool."""
        with self.crash_lock:
            self.crashes += 1
            return self.crashes <= CRASHES_FORGIVEN

    def prepare(self):
        """Get the kernel and build the images, or say what is missing."""
        need_qemu()
        for path in (self.source, self.build, self.work, self.cache):
            server_sees(path)
        with locked(os.path.join(self.cache, "lock"), wait=True):
            self.kernel = find_kernel(self.cache, lambda text: print(text, file=sys.stderr, flush=True))
            self.server = images.server_initramfs(self.lab, self.kernel, self.cache)
            self.guest = images.guest_initramfs(self.lab, self.kernel, self.cache)


@contextlib.contextmanager
def locked(file, wait):
    """Two runs of the tool at once share the cache, and must not share a scenario's directory."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Failed("another run of the lab has it in hand; set PT_LAB_DIR to run it twice") from None
        yield


class Run:
    """One scenario, from making its disks to the end of its servers."""

    def __init__(self, lab, scenario, verbose, keep):
        self.lab, self.scenario, self.keep = lab, scenario, keep
        self.build = scenario.build or lab.build
        self.folder = os.path.join(lab.work, scenario.name)
        self.show = "all" if verbose else "failures"
        self.servers = []
        self.ports = {}
        self.wire = None
        self.outside = None
        self.ended = threading.Event()      # the first server is done, or one has failed
        self.trouble = []                   # what the servers' threads ended with, the first first

    def go(self):
        """Returns ("ok" | "FAIL" | "skip", reason, seconds)."""
        start = time.monotonic()
        try:
            self.check_needs()
            with locked(os.path.join(self.lab.work, "locks", self.scenario.name), wait=False):
                for attempt in range(1, RUNS + 1):
                    if self.go_on(time.monotonic(), attempt == RUNS):
                        break
            verdict = ("ok", "")
        except Skip as e:
            verdict = ("skip", str(e))
        except (Failed, LabError, OSError, subprocess.CalledProcessError) as e:
            verdict = ("FAIL", str(e))
        return verdict + (time.monotonic() - start,)

    def go_on(self, start, last):
        """False when a server froze and the scenario may be tried again."""
        self.prepare()
        try:
            with open(os.path.join(self.folder, "scenario.log"), "w", encoding="utf-8") as log, self.surroundings():
                for server in self.servers:
                    mark = f"{server.number}| " if len(self.servers) > 1 else ""
                    server.results = Results(self.scenario.name, self.show, log, mark)
                self.boot_all(start + self.scenario.time_limit * time_factor())
        except Frozen as e:
            if last:
                raise Failed(f"the emulated server froze, {RUNS} times; the last thing heard was: {e.server.results.stage}") from None
            self.again(e.server, "froze", e.server.results.stage)
            return False
        except Crashed as e:
            if last or not self.lab.forgive_crash():
                raise
            self.again(e.server, "crashed", str(e))
            return False
        finally:
            for server in self.servers:
                server.clean(self.keep)
        return True

    def again(self, server, what, why):
        server.results.say(f"{AGAIN} {self.scenario.name}: the emulated server {what} ({why})")
        serial = f"{server.serials}{max(1, server.results.boot)}.log"
        keep = os.path.join(self.lab.work, f"{self.scenario.name}.{what}.log")
        with contextlib.suppress(OSError):
            shutil.copy(serial, keep)

    def check_needs(self):
        for name in self.scenario.needs:
            if not find_tool(name):
                raise Skip(f"{name} is not installed on this machine")
        for name in self.scenario.programs:
            if not os.access(os.path.join(self.build, name), os.X_OK):
                raise Failed(f"{os.path.join(self.build, name)} is not there: build first, or name the build directory with --build")

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.servers = [Server(self, n) for n in range(1, self.scenario.servers + 1)]
        self.ended.clear()
        self.trouble.clear()
        for server in self.servers:
            server.prepare()

    @contextlib.contextmanager
    def surroundings(self):
        """What connects several servers, and what runs on this machine for them."""
        script = os.path.join(self.scenario.path, "outside.sh")
        try:
            if self.scenario.servers > 1:
                self.wire = Wire(self.scenario.servers)
            self.ports = free_ports() if self.scenario.host_net else {}
            if self.scenario.host_net and os.path.isfile(script):
                values = dict(self.ports, LAB=self.lab.lab, PT_SOURCE=self.lab.source, PT_BUILD=self.build, PT_SCENARIO_DIR=self.scenario.path)
                self.outside = Outside(script, os.path.join(self.folder, "outside"), os.path.join(self.folder, "outside.log"), values)
            yield
        finally:
            if self.outside:
                self.outside.end()
                self.outside = None
            if self.wire:
                self.wire.close()
                self.wire = None

    def network(self, number):
        """(arguments, descriptors) of QEMU for a server's networks."""
        arguments, descriptors = [], []
        if self.wire:
            descriptors = [self.wire.end(number)]
            arguments += ["-netdev", f"dgram,id=labwire,local.type=fd,local.str={descriptors[0]}",
                          "-device", f"virtio-net-pci,bus=pcie.0,netdev=labwire,mac=52:54:00:1a:b0:0{number}"]
        if self.scenario.host_net:
            arguments += ["-netdev", "user,id=labhost", "-device", f"virtio-net-pci,bus=pcie.0,netdev=labhost,mac=52:54:00:1a:b1:0{number}"]
        return arguments, descriptors

    def over(self, server):
        """Asked by each server's thread now and then: is there nothing more to wait for from @server?"""
        died = self.outside.died() if self.outside else None
        if died:
            raise Failed(died)
        if self.ended.is_set() and (self.trouble or server.results.serves or any(s.results.failed for s in self.servers)):
            raise Over()

    def tell(self, text):
        """A server says a word: all of them find it, with the text behind it."""
        word, _, rest = text.partition(" ")
        if not TOLD.match(word):
            raise Failed(f"tell {word!r}: a word is of letters, digits, dot, dash and underscore")
        for server in self.servers:
            server.told(word, rest)

    def cut(self, number, seconds):
        if not 1 <= number <= len(self.servers):
            raise Failed(f"power_cut: there is no server {number}")
        machine = self.servers[number - 1].machine
        if machine:
            machine.cut_after(seconds)

    def boot_server(self, server, deadline):
        """In a thread of its own for each but the first; what goes wrong ends all of them."""
        try:
            server.boot_all(deadline)
            if server.results.failed or server.number == 1:
                self.ended.set()
        except Over:
            pass
        except Exception as e:      # pylint: disable=broad-exception-caught   handed to the thread that judges
            e.server = server
            if server.number > 1 and isinstance(e, Failed):
                e.args = (f"server {server.number}: {e}",)
            self.trouble.append(e)
            self.ended.set()

    def boot_all(self, deadline):
        others = [threading.Thread(target=self.boot_server, args=(s, deadline)) for s in self.servers[1:]]
        for thread in others:
            thread.start()
        self.boot_server(self.servers[0], deadline)
        for thread in others:
            thread.join()
        passed = sum(s.results.passed for s in self.servers)
        failed = sum(s.results.failed for s in self.servers)
        if failed:
            raise Failed(f"{failed} of {failed + passed} checks failed")
        if self.trouble:
            raise self.trouble[0]
        if not passed:
            raise Failed("nothing was checked")


class Slots:
    """So many servers at a time; who asks first gets them first, so that a scenario of two is not passed by for ever."""

    def __init__(self, count):
        self.count = self.free = count
        self.queue = []
        self.changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, wanted):
        wanted = min(wanted, self.count)
        me = object()
        with self.changed:
            self.queue.append(me)
            self.changed.wait_for(lambda: self.queue[0] is me and self.free >= wanted)
            self.queue.pop(0)
            self.free -= wanted
            self.changed.notify_all()
        try:
            yield
        finally:
            with self.changed:
                self.free += wanted
                self.changed.notify_all()


def run_all(lab, scenarios, jobs, verbose, keep):
    """Run them, print a line each and the sum; returns the exit status."""
    lab.prepare()
    time_factor()
    slots = Slots(jobs)
    counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def one(scenario):
        if stopping.is_set():
            return
        run = Run(lab, scenario, verbose, keep)
        with slots.take(scenario.servers):
            verdict, reason, seconds = run.go()
        counts[verdict] += 1
        line = {"ok": f"ok {scenario.name} ({seconds:.0f} s)", "skip": f"skip {scenario.name}: {reason}",
                "FAIL": f"FAIL {scenario.name}: {reason}; logs in {run.folder}"}[verdict]
        with print_lock:
            print(line, flush=True)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(one, s) for s in scenarios]
        for future in futures:
            future.result()
    tail = f", {counts['skip']} skipped" if counts["skip"] else ""
    print(f"{counts['ok']} passed, {counts['FAIL']} failed{tail}", flush=True)
    return 1 if counts["FAIL"] else 0
