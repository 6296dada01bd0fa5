# SPDX-License-Identifier: Apache-2.0
"""One boot of an emulated server: its QEMU process and what it says.

The server writes to a virtio-serial port of its own.  A line that starts with
\\001 is a record, KIND TAB TEXT; every other line is what its script printed.
The kernel writes to the serial port, which goes to a file.
"""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

from . import LabError

PROGRAM = "qemu-system-x86_64"
OLDEST = (8, 0)
running = set()         # processes to end when the tool ends
running_lock = threading.Lock()


def need_qemu():
    """The path of a QEMU that has all the devices; or what to install."""
    path = shutil.which(PROGRAM)
    if not path:
        raise LabError(f"{PROGRAM} is missing: install qemu-system-x86 (8.0 or newer; on Debian 12 from bookworm-backports)")
    out = subprocess.run([path, "--version"], check=False, stdout=subprocess.PIPE, text=True).stdout
    m = re.search(r"version (\d+)\.(\d+)", out)
    if not m:
        raise LabError(f"{path} --version says {out.strip()!r}; QEMU 8.0 or newer is needed")
    if tuple(map(int, m.groups())) < OLDEST:
        raise LabError(f"QEMU {m.group(1)}.{m.group(2)} is too old: 8.0 brought the SR-IOV NIC; "
                       "install qemu-system-x86 8.0 or newer (on Debian 12 from bookworm-backports)")
    if not shutil.which("setpriv"):
        raise LabError("setpriv is missing: install util-linux")
    return path


def comma(path):
    """A comma ends a value in QEMU's options; two stand for one."""
    return path.replace(",", ",,")


def kill_all():
    with running_lock:
        for process in running:
            if process.poll() is None:
                process.kill()


def share(tag, path, read_only):
    option = f"local,id={tag},path={comma(path)},security_model=none,multidevs=remap"
    if read_only:
        option += ",readonly=on"
    return ["-fsdev", option, "-device", f"virtio-9p-pci,bus=pcie.0,fsdev={tag},mount_tag={tag}"]


def disk_arguments(disks):
    """disks: (name, file) pairs; the hardware file says what each is plugged into."""
    out = []
    for name, file in disks:
        out += ["-drive", f"if=none,id={name},file={comma(file)},format=raw,cache=unsafe,discard=unmap"]
    return out


class Frozen(Exception):
    """Not even the server's heartbeat is heard any more."""


class Machine:
    """Starts one server and reads its port until it ends, is killed or takes too long."""

    def __init__(self, images, hardware, disks, state, out, serial, processors, network=((), ())):
        self.images, self.hardware = images, hardware
        self.disks, self.state = disks, state
        self.out, self.serial = out, serial
        self.processors = processors
        self.network, self.network_fds = network
        self.port = None
        self.process = None
        self.cut_at = None

    def command(self, port_fd, terminal):
        hw = self.hardware
        line = ["passthru.lab", "console=ttyS0", "panic=-1", "quiet", "loglevel=5", "mitigations=off",
                "no_timer_check", f"maxcpus={self.processors}"] + hw.kernel
        args = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", "passthru-lab",
                "-accel", "tcg,thread=multi", "-kernel", self.images.kernel.image, "-initrd", self.images.server,
                "-append", " ".join(line), "-serial", f"file:{self.serial}"]
        args += disk_arguments(self.disks) + hw.qemu
        args += share("root", "/", True) + share("out", self.out, False)
        args += ["-device", "virtio-serial-pci,bus=pcie.0",
                 "-chardev", f"socket,id=port,fd={port_fd}", "-device", "virtserialport,chardev=port,name=passthru.lab"]
        if terminal:
            args += ["-chardev", "stdio,id=terminal,mux=on,signal=off", "-device", "virtconsole,chardev=terminal"]
        args += self.network
        if self.state:
            args += disk_arguments([("state", self.state)])
            args += ["-device", "virtio-blk-pci,bus=pcie.0,drive=state,serial=passthru-lab"]
        # The kernel ends QEMU when the thread that started it is gone, however that happens.
        return [shutil.which("setpriv"), "--pdeathsig", "KILL"] + args

    def start(self, terminal=False):
        ours, theirs = socket.socketpair()
        log = open(self.serial + ".qemu", "wb")
        with theirs, log:
            self.process = subprocess.Popen(
                self.command(theirs.fileno(), terminal), pass_fds=[theirs.fileno(), *self.network_fds],
                stdin=None if terminal else subprocess.DEVNULL, stdout=None if terminal else log,
                stderr=log, start_new_session=not terminal)
        self.port = ours
        with running_lock:
            running.add(self.process)

    def kill(self):
        """Pull the plug."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.port.close()
        with running_lock:
            running.discard(self.process)

    def wait(self):
        """The exit status of a QEMU that has closed its port."""
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            return None

    def cut_after(self, seconds):
        """Pull the plug that much later, while the server goes on."""
        self.cut_at = time.monotonic() + seconds

    def lines(self, deadline, silence, look=lambda: None):
        """Yield (kind, text) until the port closes.  TimeoutError past the deadline; Frozen when the server says
        nothing for so many seconds, its heartbeat included.  @look is called about once a second, and may raise."""
        pending = b""
        silent_at = time.monotonic() + silence
        while True:
            now = time.monotonic()
            look()
            if self.cut_at is not None and now >= self.cut_at:
                return
            if now >= deadline:
                raise TimeoutError
            if now >= silent_at:
                raise Frozen
            until = min(deadline, silent_at, self.cut_at or deadline, now + 1)
            if not select.select([self.port], [], [], max(0.0, until - now))[0]:
                continue
            try:
                data = self.port.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                if pending:
                    yield decode(pending)
                return
            *whole, pending = (pending + data).split(b"\n")
            for kind, text in decode_all(whole):
                if kind == "beat":
                    silent_at = time.monotonic() + silence
                else:
                    yield kind, text


def decode_all(lines):
    """A record is written after a line end of its own, so that it starts a line whatever
    was printed before; that leaves an empty line, which is not passed on."""
    for i, line in enumerate(lines):
        if not line and i + 1 < len(lines) and lines[i + 1].startswith(b"\001"):
            continue
        yield decode(line)


def decode(line):
    text = line.decode("utf-8", "replace").rstrip("\r")
    if text.startswith("\001"):
        kind, _, rest = text[1:].partition("\t")
        return kind, rest
    return "text", text


def why_it_died(serial, qemu_log):
    """The most telling line that a dead server left behind."""
    for path, pattern in ((serial, r"Kernel panic.*|lab: initramfs.*|Out of memory: Killed.*"), (qemu_log, r".*\S.*")):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                found = re.findall(pattern, f.read())
        except FileNotFoundError:
            continue
        if found:
            return found[-1].strip()
    return "no reason was given"


def write_environment(path, values):
    """Shell assignments, quoted; exported, for the scenario's children too."""
    with open(path, "w", encoding="utf-8") as f:
        for key, value in values.items():
            quoted = str(value).replace("'", "'\\''")
            f.write(f"export {key}='{quoted}'\n")


def server_sees(path):
    """The server has file systems of its own on some of this machine's directories."""
    for hidden in ("/run", "/dev", "/proc", "/sys", "/var/log", "/var/tmp", "/boot"):
        if os.path.realpath(path).startswith(hidden + "/"):
            raise LabError(f"{path} is below {hidden}, which the emulated server does not share with this machine; "
                           "use a checkout somewhere else")
