# SPDX-License-Identifier: Apache-2.0
"""Builds the two initramfs images: the server's and its guests'."""
import os
import re
import shutil
import subprocess
import tempfile

from . import LabError
from .cpio import Cpio
from .kernel import Modules, find_tool

SERVER_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]

# What a guest may be given, and what it needs to say so.
GUEST_MODULES = """virtio_pci virtio_blk virtio_scsi virtio_console virtio_net virtio_rng virtio_iommu sd_mod ahci
    megaraid_sas mptsas nvme igb igbvf e1000 e1000e bochs button evdev af_packet kvm_amd""".split()

GUEST_PROGRAMS = [("qemu-ga", "qemu-guest-agent"), ("udevadm", "udev")]
# Newer udev opens these by name instead of linking to them.
UDEV_OPENS = ["libkmod.so.2", "libblkid.so.1"]
UDEV_HELPERS = ["ata_id", "scsi_id", "cdrom_id"]
UDEV_RULES = ["50-udev-default.rules", "60-block.rules", "60-persistent-storage.rules", "60-cdrom_id.rules",
              "80-drivers.rules"]


def busybox():
    """A busybox that needs no libraries; the initramfs has none."""
    path = find_tool("busybox")
    if not path:
        raise LabError("busybox is missing: install busybox-static")
    if libraries(path):
        raise LabError(f"{path} is not statically linked: install busybox-static")
    return path


def libraries(path):
    """Every shared library a program loads, the loader included."""
    out = subprocess.run(["ldd", path], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return re.findall(r"(/\S+) \(0x", out)


def find_library(name):
    """Where the loader would find it; None if it is not installed."""
    tool = find_tool("ldconfig")
    out = subprocess.run([tool, "-p"], check=False, stdout=subprocess.PIPE, text=True).stdout if tool else ""
    m = re.search(rf"^\s*{re.escape(name)} \(libc6,x86-64[^)]*\) => (\S+)$", out, re.M)
    return m.group(1) if m else None


def up_to_date(target, sources):
    if not os.path.isfile(target):
        return False
    made = os.path.getmtime(target)
    return all(os.path.getmtime(s) < made for s in sources)


def base_archive():
    cpio = Cpio()
    for path in ("dev", "proc", "sys", "run", "tmp"):
        cpio.add_dir(path)
    cpio.add_char("dev/console", 5, 1)
    cpio.add_char("dev/null", 1, 3)
    cpio.add_file("bin/busybox", busybox())
    cpio.add_link("bin/sh", "busybox")
    return cpio


def server_initramfs(lab, kernel, cache):
    """The server's first root; returns its path."""
    target = os.path.join(cache, "server.cpio")
    init = os.path.join(lab, "inside", "initramfs-init")
    if up_to_date(target, [init, kernel.image, __file__]):
        return target
    cpio = base_archive()
    modules = Modules(kernel)
    order = modules.closure(SERVER_MODULES)
    for name in order:
        cpio.add_data(modules.path_in_tree(name), modules.read(name))
    cpio.add_data("modules.order", "".join(modules.path_in_tree(n) + "\n" for n in order).encode())
    cpio.add_data("init", read(init), 0o755)
    cpio.write(target)
    return target


def read(path):
    with open(path, "rb") as f:
        return f.read()


def add_program(cpio, path, target):
    """A program and its libraries, where the loader looks for them."""
    cpio.add_file(target, path)
    for lib in libraries(path):
        if lib.lstrip("/") not in cpio.entries:
            cpio.add_file(lib, lib)


def add_modules(cpio, kernel):
    """The modules a guest needs, and an index of just these."""
    modules = Modules(kernel)
    base = f"lib/modules/{kernel.release}"
    with tempfile.TemporaryDirectory() as tree:
        for name in modules.closure(GUEST_MODULES):
            path = os.path.join(tree, modules.path_in_tree(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(modules.read(name))
            cpio.add_file(modules.path_in_tree(name), path)
        for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            shutil.copy(os.path.join(kernel.modules, name), os.path.join(tree, base, name))
        subprocess.run([find_tool("depmod"), "-b", tree, kernel.release], check=True)
        for name in os.listdir(os.path.join(tree, base)):
            if name.startswith("modules.") and name.endswith((".bin", ".dep", ".softdep", ".devname")):
                cpio.add_file(f"{base}/{name}", os.path.join(tree, base, name))


def udev_folder():
    for folder in ("/usr/lib/udev", "/lib/udev"):
        if os.path.isdir(folder):
            return folder
    raise LabError("udev is missing: install udev")


def guest_initramfs(lab, kernel, cache):
    """The guests' only root; returns its path."""
    target = os.path.join(cache, "guest.cpio")
    folder = os.path.join(lab, "guest")
    own = [os.path.join(folder, n) for n in sorted(os.listdir(folder))]
    found = []
    for name, package in GUEST_PROGRAMS:
        path = find_tool(name)
        if not path:
            raise LabError(f"{name} is missing: install {package}")
        found.append(path)
    if up_to_date(target, own + found + [kernel.image, __file__]):
        return target
    cpio = base_archive()
    for path in found:
        add_program(cpio, path, "bin/" + os.path.basename(path))
    add_udev(cpio)
    add_modules(cpio, kernel)
    for path in own:
        name = os.path.basename(path)
        cpio.add_data("init" if name == "init" else f"bin/{name}", read(path), 0o755)
    cpio.write(target)
    return target


def add_udev(cpio):
    """udev and its rules, where udev since 255 looks for them; older ones follow the link."""
    folder = udev_folder()
    cpio.add_link("lib/udev", "../usr/lib/udev")
    for name in UDEV_HELPERS:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            add_program(cpio, path, f"usr/lib/udev/{name}")
    for path in filter(None, map(find_library, UDEV_OPENS)):
        add_program(cpio, path, path)
    for name in UDEV_RULES:
        path = os.path.join(folder, "rules.d", name)
        if os.path.isfile(path):
            cpio.add_data(f"usr/lib/udev/rules.d/{name}", read(path))
    cpio.add_link("bin/systemd-udevd", "udevadm")
    cpio.add_data("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
    groups = "root tty disk dialout kmem input video render kvm sgx lp cdrom tape audio floppy".split()
    cpio.add_data("etc/group", "".join(f"{g}:x:{n}:\n" for n, g in enumerate(groups)).encode())
    cpio.add_data("etc/os-release", b'NAME="passthru lab guest"\nID=lab\nVERSION_ID=1\n')
