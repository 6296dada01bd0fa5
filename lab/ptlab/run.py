# SPDX-License-Identifier: Apache-2.0
"""Runs scenarios: makes their disks, boots their servers, judges what they say."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from . import LabError, images
from .formats import Disk, load_hardware
from .kernel import find_kernel, find_tool
from .machine import Frozen, Machine, need_qemu, server_sees, why_it_died, write_environment

print_lock = threading.Lock()
stopping = threading.Event()


class Skip(Exception):
    """This scenario cannot run here; the text says why."""


class Failed(Exception):
    """The scenario failed; the text is the reason."""


class Crashed(Failed):
    """The emulator, or the server's kernel, died in a way that is or may be the emulation's fault."""


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


def make_disk(file, disk):
    with open(file, "wb") as f:
        f.truncate(disk.size)
    if disk.mount:
        tool = find_tool("mkfs.ext4")
        if not tool:
            raise LabError("mkfs.ext4 is missing: install e2fsprogs")
        subprocess.run([tool, "-q", "-F", "-L", disk.name, file], check=True, stdin=subprocess.DEVNULL)


NOTHING = "nothing was heard from the server"
AGAIN = "once more from the beginning:"      # tools/run-tests repeats these lines at its end
# Software emulation of several processors is not exact while a kernel patches its own code at boot: now and then it
# dies of an int3 or of a timer that seems not to tick, before its first process.  That says nothing of what is tested.
BOOT_TRIES = 3
# And now and then a whole emulated server stops for good, at boot or in the middle, its heartbeat (inside/init) with it:
# all its processors wait for a timer that does not come ("rcu_preempt kthread timer wakeup didn't happen").  No program
# in it can do that.  The scenario is then run again, from fresh disks, and that is said.
SILENCE_S = 180
RUNS = 3
# Once in some hundred runs the emulator ended itself with a failed assertion (a write to a device's MSI-X table that it
# took for another device's), or the server's kernel found one of its own stacks overwritten, while nothing but a guest's
# start was going on.  No program may be able to make the first happen; the second could also come of a device that was
# left to write where it likes.  So two are forgiven in a run of the tool, and said; more are a failure.
EMULATION = re.compile(r"Assertion `.*' failed|corrupted stack end")
CRASHES_FORGIVEN = 2


class Results:
    """What one scenario has said so far."""

    def __init__(self, name, show, log):
        self.name, self.show, self.log = name, show, log
        self.start = time.monotonic()
        self.passed = self.failed = 0
        self.stage = NOTHING
        self.boot = 0
        self.ended = None
        self.skipped = None
        self.recent = []        # text since the last check: the failed one's output

    def take(self, kind, text):
        seconds = time.monotonic() - self.start
        self.log.write(f"{seconds:6.1f} " + (text if kind == "text" else f"[{kind}] {text}") + "\n")
        self.log.flush()
        handler = getattr(self, f"on_{kind}", None)
        if handler:
            handler(text)

    def on_text(self, text):
        self.recent.append(text)
        del self.recent[:-200]
        if self.show == "all":
            self.say(text)

    def on_stage(self, text):
        self.stage = text

    def on_ok(self, text):
        self.passed += 1
        self.stage = f"after: {text}"
        self.recent.clear()
        if self.show == "all":
            self.say(f"  ok   {text}")

    def on_fail(self, text):
        self.failed += 1
        self.stage = f"after: {text}"
        if self.show == "all":
            self.say(f"  FAIL {text}")
        else:
            self.say("\n".join([f"{self.name}: FAIL {text}"] + [f"    {line}" for line in self.recent]))
        self.recent.clear()

    def on_skip(self, text):
        self.skipped = text

    def on_end(self, text):
        self.ended = int(text)

    def say(self, text):
        with print_lock:
            print(text, flush=True)


class Run:
    """One scenario, from making its disks to its last boot."""

    def __init__(self, lab, scenario, verbose, keep):
        self.lab, self.scenario, self.keep = lab, scenario, keep
        self.build = scenario.build or lab.build
        self.folder = os.path.join(lab.work, scenario.name)
        self.out = os.path.join(self.folder, "out")
        self.disks = os.path.join(self.folder, "disks")
        self.show = "all" if verbose else "failures"
        self.results = None

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
        """False when the server froze and may be tried again."""
        self.prepare()
        try:
            with open(os.path.join(self.folder, "scenario.log"), "w", encoding="utf-8") as log:
                self.results = Results(self.scenario.name, self.show, log)
                self.boot_all(start + self.scenario.time_limit * time_factor())
        except Frozen:
            if last:
                raise Failed(f"the emulated server froze, {RUNS} times; the last thing heard was: {self.results.stage}") from None
            self.again("froze", self.results.stage)
            return False
        except Crashed as e:
            if last or not self.lab.forgive_crash():
                raise
            self.again("crashed", str(e))
            return False
        finally:
            if not self.keep:
                shutil.rmtree(self.disks, ignore_errors=True)
                shutil.rmtree(os.path.join(self.out, "bin"), ignore_errors=True)
                shutil.rmtree(os.path.join(self.out, "installed"), ignore_errors=True)
        return True

    def again(self, what, why):
        self.results.say(f"{AGAIN} {self.scenario.name}: the emulated server {what} ({why})")
        serial = os.path.join(self.folder, f"serial{max(1, self.results.boot)}.log")
        keep = os.path.join(self.lab.work, f"{self.scenario.name}.{what}.log")
        with contextlib.suppress(OSError):
            shutil.copy(serial, keep)

    def keep_capabilities(self, hardware):
        """The server has left in out/ what was not known, or did not hold any more."""
        found = os.path.join(self.out, "capabilities")
        if not os.path.isdir(found):
            return
        known = capabilities(self.lab, hardware)
        os.makedirs(known, exist_ok=True)
        for name in os.listdir(found):
            new = os.path.join(known, f".{name}.{self.scenario.name}")
            shutil.copy(os.path.join(found, name), new)
            os.replace(new, os.path.join(known, name))      # another server may be reading it
        shutil.rmtree(found, ignore_errors=True)

    def check_needs(self):
        for name in self.scenario.needs:
            if not find_tool(name):
                raise Skip(f"{name} is not installed on this machine")
        for name in self.scenario.programs:
            if not os.access(os.path.join(self.build, name), os.X_OK):
                raise Failed(f"{os.path.join(self.build, name)} is not there: build first, or name the build directory with --build")

    def prepare(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.disks)
        os.makedirs(os.path.join(self.out, "bin"))
        # Copies: a build that goes on while the server runs must not change a program under it.
        for name in os.listdir(self.build) if os.path.isdir(self.build) else ():
            file = os.path.join(self.build, name)
            if name.startswith("passthru") and os.path.isfile(file) and os.access(file, os.X_OK):
                shutil.copy(file, os.path.join(self.out, "bin", name))
        if self.scenario.install:
            self.install()
        if self.scenario.state:
            make_disk(self.state_file(), Disk("state", self.scenario.state))

    def install(self):
        """What `make install` would put on the server, without manual pages."""
        meson = find_tool("meson")
        if not meson:
            raise Skip("meson is not installed on this machine")
        subprocess.run([meson, "install", "-C", self.build, "--no-rebuild", "--quiet", "--tags", "runtime,boot",
                        "--destdir", os.path.join(self.out, "installed")], check=True, stdin=subprocess.DEVNULL)

    def state_file(self):
        return os.path.join(self.disks, "state.raw") if self.scenario.state else None

    def boot_all(self, deadline):
        for number, script in enumerate(self.scenario.boots, 1):
            names = self.scenario.hardware
            hardware = load_hardware(self.lab.hardware, names[min(number, len(names)) - 1])
            self.boot(number, script, hardware, deadline)
            if self.results.failed:
                break
            if self.results.skipped:
                raise Skip(self.results.skipped)
        if self.results.failed:
            raise Failed(f"{self.results.failed} of {self.results.failed + self.results.passed} checks failed")
        if not self.results.passed:
            raise Failed("nothing was checked")

    def make_disks(self, hardware):
        """A disk is made at the first boot that has it, and kept for the others."""
        pairs = []
        for disk in hardware.disks:
            file = os.path.join(self.disks, f"{disk.name}.raw")
            if not os.path.exists(file):
                make_disk(file, disk)
            pairs.append((disk.name, file))
        return pairs

    def boot(self, number, script, hardware, deadline):
        serial = os.path.join(self.folder, f"serial{number}.log")
        self.results.boot = number
        write_environment(os.path.join(self.out, "boot.env"),
                          environment(self.lab, hardware, PT_SCENARIO=self.scenario.name, PT_BUILD=self.build, PT_BOOT=number, PT_SCRIPT=script,
                                      PT_SCENARIO_DIR=self.scenario.path, PT_STATE="1" if self.scenario.state else "",
                                      PT_INSTALLED="/run/lab/out/installed" if self.scenario.install else ""))
        for attempt in range(1, BOOT_TRIES + 1):
            cut = self.power_on(hardware, serial, deadline)
            if cut or self.results.ended is not None or self.results.stage != NOTHING or attempt == BOOT_TRIES:
                break
            os.replace(serial, f"{serial}.try{attempt}")
            self.results.say(f"{self.scenario.name}: the emulated server died before its first process "
                             f"({why_it_died(f'{serial}.try{attempt}', serial + '.qemu')}); switched on again")
        self.keep_capabilities(hardware)
        self.judge(cut, script, serial)

    def power_on(self, hardware, serial, deadline):
        """One boot to its end; True when the plug was pulled because the script asked for that."""
        machine = Machine(self.lab, hardware, self.make_disks(hardware), self.state_file(), self.out, serial, self.scenario.processors)
        self.results.ended = None
        self.results.stage = NOTHING
        machine.start()
        try:
            return self.listen(machine, deadline)
        except TimeoutError:
            raise Failed(f"not done after {self.scenario.time_limit * time_factor():.0f} s; the last thing heard was: {self.results.stage}") from None
        finally:
            machine.kill()
            if stopping.is_set():
                raise Failed("interrupted")

    def listen(self, machine, deadline):
        """True when the plug was pulled because the script asked for that."""
        for kind, text in machine.lines(deadline, SILENCE_S * time_factor()):
            if kind == "cut":
                if float(text) <= 0:
                    return True
                machine.cut_after(float(text))
                continue
            self.results.take(kind, text)
            if kind == "end":
                return False
        return machine.cut_at is not None and machine.process.poll() is None

    def judge(self, cut, script, serial):
        if cut:
            return
        if self.results.ended is None:
            why = why_it_died(serial, serial + ".qemu")
            raise (Crashed if EMULATION.search(why) else Failed)(f"the server died: {why} ({self.results.stage})")
        if self.results.ended and not self.results.failed:
            last = next((line for line in reversed(self.results.recent) if line.strip()), "")
            raise Failed(f"{script} ended with status {self.results.ended} ({last or self.results.stage})")


def time_factor():
    """For slow machines: PT_LAB_TIME_FACTOR=3 makes every time limit three times as long."""
    try:
        return max(0.1, float(os.environ.get("PT_LAB_TIME_FACTOR", "1")))
    except ValueError:
        raise LabError("PT_LAB_TIME_FACTOR is a number, such as 3", 2) from None


def environment(lab, hardware, **more):
    """What the scripts inside may use; README.md has the list."""
    values = {"LAB": lab.lab, "PT_SOURCE": lab.source, "PT_BUILD": lab.build, "PT_MODULES": lab.kernel.modules,
              "PT_GUEST_KERNEL": lab.kernel.image, "PT_GUEST_INITRD": lab.guest, "PT_HARDWARE": hardware.name,
              "PT_HOSTNAME": "server1", "PT_SHELL": "", "PT_STATE": "", "PT_INSTALLED": "", "PT_SCENARIO_DIR": "", "PT_SCRIPT": "",
              "PT_CAPABILITIES": capabilities(lab, hardware), "PT_DISK_MOUNTS": " ".join(f"{d.name}:{d.mount}" for d in hardware.disks if d.mount)}
    values.update(more)
    return values


def capabilities(lab, hardware):
    """Where libvirt's knowledge about QEMU on such a processor is kept."""
    cpu = [v for o, v in zip(hardware.qemu, hardware.qemu[1:]) if o == "-cpu"][-1:]
    return os.path.join(lab.cache, "capabilities-" + "".join(c if c.isalnum() else "_" for c in "".join(cpu)))


def run_all(lab, scenarios, jobs, verbose, keep):
    """Run them, print a line each and the sum; returns the exit status."""
    lab.prepare()
    time_factor()
    counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def one(scenario):
        if stopping.is_set():
            return
        run = Run(lab, scenario, verbose, keep)
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
