# SPDX-License-Identifier: Apache-2.0
"""One of a scenario's servers: its disks, its boots, what it says."""
import contextlib
import os
import re
import shutil
import subprocess
import threading
import time

from . import LabError
from .formats import BESIDE, Disk, load_hardware
from .kernel import find_tool
from .machine import Machine, why_it_died, write_environment

print_lock = threading.Lock()
stopping = threading.Event()


class Skip(Exception):
    """This scenario cannot run here; the text says why."""


class Failed(Exception):
    """The scenario failed; the text is the reason."""


class Crashed(Failed):
    """The emulator, or the server's kernel, died in a way that is or may be the emulation's fault."""


class Over(Exception):
    """The scenario is over, since another of its servers has ended it."""


NOTHING = "nothing was heard from the server"
# Software emulation of several processors is not exact while a kernel patches its own code at boot: now and then it
# dies of an int3 or of a timer that seems not to tick, before its first process.  That says nothing of what is tested.
BOOT_TRIES = 3
# And now and then a whole emulated server stops for good, at boot or in the middle, its heartbeat (inside/init) with it:
# all its processors wait for a timer that does not come ("rcu_preempt kthread timer wakeup didn't happen").  No program
# in it can do that.  The scenario is then run again, from fresh disks, and that is said.
SILENCE_S = 180
# Once in some hundred runs the emulator ended itself with a failed assertion (a write to a device's MSI-X table that it
# took for another device's), or the server's kernel found one of its own stacks overwritten, while nothing but a guest's
# start was going on.  No program may be able to make the first happen; the second could also come of a device that was
# left to write where it likes.  So two are forgiven in a run of the tool, and said; more are a failure.
EMULATION = re.compile(r"Assertion `.*' failed|corrupted stack end")
TOLD = re.compile(r"^[A-Za-z0-9_.-]{1,64}$")


def make_disk(file, disk):
    with open(file, "wb") as f:
        f.truncate(disk.size)
    if disk.mount:
        tool = find_tool("mkfs.ext4")
        if not tool:
            raise LabError("mkfs.ext4 is missing: install e2fsprogs")
        subprocess.run([tool, "-q", "-F", "-L", disk.name, file], check=True, stdin=subprocess.DEVNULL)


def time_factor():
    """For slow machines: PT_LAB_TIME_FACTOR=3 makes every time limit three times as long."""
    try:
        return max(0.1, float(os.environ.get("PT_LAB_TIME_FACTOR", "1")))
    except ValueError:
        raise LabError("PT_LAB_TIME_FACTOR is a number, such as 3", 2) from None


class Results:
    """What one server has said so far."""

    def __init__(self, name, show, log, mark=""):
        self.name, self.show, self.log, self.mark = name, show, log, mark
        self.start = time.monotonic()
        self.passed = self.failed = 0
        self.stage = NOTHING
        self.boot = 0
        self.ended = None
        self.serves = False     # its script only waits for the end
        self.skipped = None
        self.recent = []        # text since the last check: the failed one's output

    def take(self, kind, text):
        seconds = time.monotonic() - self.start
        self.log.write(f"{seconds:6.1f} {self.mark}" + (text if kind == "text" else f"[{kind}] {text}") + "\n")
        self.log.flush()
        handler = getattr(self, f"on_{kind}", None)
        if handler:
            handler(text)

    def on_text(self, text):
        self.recent.append(text)
        del self.recent[:-200]
        if self.show == "all":
            self.say(self.mark + text)

    def on_stage(self, text):
        self.stage = text

    def on_ok(self, text):
        self.passed += 1
        self.stage = f"after: {text}"
        self.recent.clear()
        if self.show == "all":
            self.say(f"  ok   {self.mark}{text}")

    def on_fail(self, text):
        self.failed += 1
        self.stage = f"after: {text}"
        if self.show == "all":
            self.say(f"  FAIL {self.mark}{text}")
        else:
            self.say("\n".join([f"{self.name}: FAIL {self.mark}{text}"] + [f"    {line}" for line in self.recent]))
        self.recent.clear()

    def on_serve(self, _text):
        self.serves = True

    def on_skip(self, text):
        self.skipped = text

    def on_end(self, text):
        self.ended = int(text)

    def say(self, text):
        with print_lock:
            print(text, flush=True)


class Server:
    """One server of a run, from making its disks to its last boot.  @number: from 1 on."""

    def __init__(self, run, number):
        self.run, self.lab, self.scenario, self.number = run, run.lab, run.scenario, number
        suffix = "" if number == 1 else str(number)
        self.out = os.path.join(run.folder, "out" + suffix)
        self.disks = os.path.join(run.folder, "disks" + suffix)
        self.serials = os.path.join(run.folder, "serial" if number == 1 else f"{BESIDE[number - 2]}-serial")
        self.boots, self.hardware = [(self.scenario.boots, self.scenario.hardware), *self.scenario.beside][number - 1]
        self.machine = None
        self.results = None

    def prepare(self):
        os.makedirs(self.disks)
        os.makedirs(os.path.join(self.out, "bin"))
        os.makedirs(os.path.join(self.out, "told"))
        # Copies: a build that goes on while the server runs must not change a program under it.
        build = self.run.build
        for name in os.listdir(build) if os.path.isdir(build) else ():
            file = os.path.join(build, name)
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
        subprocess.run([meson, "install", "-C", self.run.build, "--no-rebuild", "--quiet", "--tags", "runtime,boot",
                        "--destdir", os.path.join(self.out, "installed")], check=True, stdin=subprocess.DEVNULL)

    def clean(self, keep_disks):
        for path in ([] if keep_disks else [self.disks]) + [os.path.join(self.out, n) for n in ("bin", "installed", "told")]:
            shutil.rmtree(path, ignore_errors=True)

    def keep_capabilities(self, hardware):
        """The server has left in out/ what was not known, or did not hold any more."""
        found = os.path.join(self.out, "capabilities")
        if not os.path.isdir(found):
            return
        known = capabilities(self.lab, hardware)
        os.makedirs(known, exist_ok=True)
        for name in os.listdir(found):
            new = os.path.join(known, f".{name}.{self.scenario.name}.{self.number}")
            shutil.copy(os.path.join(found, name), new)
            os.replace(new, os.path.join(known, name))      # another server may be reading it
        shutil.rmtree(found, ignore_errors=True)

    def state_file(self):
        return os.path.join(self.disks, "state.raw") if self.scenario.state else None

    def boot_all(self, deadline):
        for number, script in enumerate(self.boots, 1):
            hardware = load_hardware(self.lab.hardware, self.hardware[min(number, len(self.hardware)) - 1])
            self.boot(number, script, hardware, deadline)
            if self.results.failed:
                break
            if self.results.skipped:
                raise Skip(self.results.skipped)

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
        serial = f"{self.serials}{number}.log"
        self.results.boot = number
        write_environment(os.path.join(self.out, "boot.env"),
                          environment(self.lab, hardware, self.number, PT_SCENARIO=self.scenario.name, PT_BUILD=self.run.build, PT_BOOT=number,
                                      PT_SCRIPT=script, PT_SCENARIO_DIR=self.scenario.path, PT_STATE="1" if self.scenario.state else "",
                                      PT_INSTALLED="/run/lab/out/installed" if self.scenario.install else "",
                                      PT_SERVERS=self.scenario.servers, **self.run.ports))
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
        """One boot to its end; True when the plug was pulled because a script asked for that."""
        machine = Machine(self.lab, hardware, self.make_disks(hardware), self.state_file(), self.out, serial, self.scenario.processors,
                          self.run.network(self.number))
        self.results.ended = None
        self.results.serves = False
        self.results.stage = NOTHING
        self.machine = machine
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
        """True when the plug was pulled because a script asked for that."""
        for kind, text in machine.lines(deadline, SILENCE_S * time_factor(), lambda: self.run.over(self)):
            if kind == "cut":
                seconds, _, server = text.partition(" ")
                if server:
                    self.run.cut(int(server), float(seconds))
                elif float(seconds) <= 0:
                    return True
                else:
                    machine.cut_after(float(seconds))
                continue
            if kind == "tell":
                self.run.tell(text)
                kind, text = "stage", "told: " + text.partition(" ")[0]
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

    def told(self, word, text):
        """Another server of this scenario has said a word: it finds it as a file."""
        file = os.path.join(self.out, "told", word)
        with contextlib.suppress(OSError):
            with open(file + ".new", "w", encoding="utf-8") as f:
                f.write(text + "\n")
            os.replace(file + ".new", file)


def environment(lab, hardware, number=1, **more):
    """What the scripts inside may use; README.md has the list."""
    values = {"LAB": lab.lab, "PT_SOURCE": lab.source, "PT_BUILD": lab.build, "PT_MODULES": lab.kernel.modules,
              "PT_GUEST_KERNEL": lab.kernel.image, "PT_GUEST_INITRD": lab.guest, "PT_HARDWARE": hardware.name,
              "PT_HOSTNAME": f"server{number}", "PT_SERVER": number, "PT_SERVERS": 1, "PT_SHELL": "", "PT_STATE": "", "PT_INSTALLED": "",
              "PT_SCENARIO_DIR": "", "PT_SCRIPT": "", "PT_CAPABILITIES": capabilities(lab, hardware),
              "PT_DISK_MOUNTS": " ".join(f"{d.name}:{d.mount}" for d in hardware.disks if d.mount)}
    values.update(more)
    return values


def capabilities(lab, hardware):
    """Where libvirt's knowledge about QEMU on such a processor is kept."""
    cpu = [v for o, v in zip(hardware.qemu, hardware.qemu[1:]) if o == "-cpu"][-1:]
    return os.path.join(lab.cache, "capabilities-" + "".join(c if c.isalnum() else "_" for c in "".join(cpu)))
