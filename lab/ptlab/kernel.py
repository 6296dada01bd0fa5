# SPDX-License-Identifier: Apache-2.0
"""Finds a distribution kernel for the emulated server, without installing it.

The package is downloaded with apt and unpacked into the cache; what is in the
cache is used again without asking the network.
"""
import lzma
import gzip
import os
import re
import shutil
import subprocess
import tempfile

from . import LabError

# A version, a flavour, and nothing after it: -dbg, -rt, -cloud, -unsigned are other packages.
DEBIAN = re.compile(r"^linux-image-(\d[0-9.]*(?:\+[a-z0-9.]+)?(?:-\d+)?)-amd64$")
UBUNTU = re.compile(r"^linux-image-(\d[0-9.]*-\d+)-generic$")
OLDEST = (6, 1)

# Modules that most servers load.  They are decompressed once here, not at each boot by an emulated processor.
OFTEN = """ext4 kvm_amd vfio_pci vfio_iommu_type1 megaraid_sas sd_mod sg ahci igb igbvf e1000e e1000 nvme bochs
    virtio_blk virtio_net dm_mod raid0 loop lpc_ich i2c_i801""".split()


class Kernel:
    """An unpacked kernel: where its image and its modules are."""

    def __init__(self, folder):
        self.folder = folder
        self.release = only_entry(os.path.join(folder, "lib", "modules"))
        self.modules = os.path.join(folder, "lib", "modules", self.release)
        self.image = os.path.join(folder, "vmlinuz")


def only_entry(folder):
    names = os.listdir(folder)
    if len(names) != 1:
        raise LabError(f"{folder} should hold one kernel; remove it and run again")
    return names[0]


def version_key(text):
    return [int(n) for n in re.findall(r"\d+", text)]


def find_kernel(cache, say):
    """The cached kernel, or a freshly downloaded one."""
    folder = os.path.join(cache, "kernel")
    if not os.path.isfile(os.path.join(folder, "ready")):
        say("getting a kernel for the emulated server (once)")
        fetch_kernel(cache, folder)
    return Kernel(folder)


def fetch_kernel(cache, folder):
    for tool, package in (("apt-get", "apt"), ("apt-cache", "apt"), ("dpkg", "dpkg"), ("depmod", "kmod")):
        if not find_tool(tool):
            raise LabError(f"{tool} is missing: install {package}")
    names = candidates()
    if not names:
        raise LabError("apt knows no linux-image package: run `apt-get update` first")
    os.makedirs(cache, exist_ok=True)
    work = tempfile.mkdtemp(prefix="kernel-", dir=cache)
    try:
        unpack_kernel(names, work)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(os.path.join(work, "tree"), folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def find_tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def candidates():
    """Kernel packages that apt knows, the newest first."""
    out = run_text(["apt-cache", "pkgnames", "linux-image-"])
    found = []
    for name in out.split():
        m = DEBIAN.match(name) or UBUNTU.match(name)
        if m and tuple(version_key(m.group(1))[:2]) >= OLDEST:
            found.append((version_key(m.group(1)), name))
    return [name for _, name in sorted(found, reverse=True)]


def run_text(command, **kwargs):
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, **kwargs).stdout


def unpack_kernel(names, work):
    """Download the first of the packages that the mirror still has, and lay it out."""
    for name in names[:4]:
        if not download(name, work):
            continue
        if name.endswith("-generic"):
            for kind in ("modules", "modules-extra"):
                download(name.replace("linux-image", f"linux-{kind}", 1), work)
        lay_out(work)
        return
    raise LabError(f"apt-get could not download {names[0]}: run `apt-get update`, and see that the mirror answers")


def download(name, work):
    if not run_text(["apt-cache", "show", "--no-all-versions", name]):
        return False
    done = subprocess.run(["apt-get", "-q", "download", name], cwd=work, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return done.returncode == 0


def lay_out(work):
    """Unpack the packages, keep the image and the modules, and index the modules."""
    raw = os.path.join(work, "raw")
    tree = os.path.join(work, "tree")
    for file in sorted(os.listdir(work)):
        if file.endswith(".deb"):
            subprocess.run(["dpkg", "-x", os.path.join(work, file), raw], check=True)
    modules = os.path.join(raw, "lib", "modules")
    if not os.path.isdir(modules):
        modules = os.path.join(raw, "usr", "lib", "modules")
    release = only_entry(modules)
    os.makedirs(os.path.join(tree, "lib"))
    shutil.move(modules, os.path.join(tree, "lib", "modules"))
    shutil.move(os.path.join(raw, "boot", f"vmlinuz-{release}"), os.path.join(tree, "vmlinuz"))
    os.chmod(os.path.join(tree, "vmlinuz"), 0o644)
    for config in ("build", "source"):
        link = os.path.join(tree, "lib", "modules", release, config)
        if os.path.islink(link):
            os.unlink(link)
    subprocess.run([find_tool("depmod"), "-b", tree, release], check=True)
    decompress_often(Kernel(tree))
    subprocess.run([find_tool("depmod"), "-b", tree, release], check=True)
    with open(os.path.join(tree, "ready"), "w", encoding="ascii") as f:
        f.write(release + "\n")


def decompress_often(kernel):
    modules = Modules(kernel)
    for name in modules.closure(OFTEN):
        data = modules.read(name)
        packed = os.path.join(kernel.modules, modules.files[name])
        plain = os.path.join(kernel.folder, modules.path_in_tree(name))
        if packed != plain:
            with open(plain, "wb") as f:
                f.write(data)
            os.unlink(packed)


class Modules:
    """Answers which files a set of modules needs, dependencies first."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.files, self.needs = {}, {}
        with open(os.path.join(kernel.modules, "modules.dep"), encoding="ascii") as f:
            for line in f:
                file, _, deps = line.partition(":")
                name = module_name(file)
                self.files[name] = file
                self.needs[name] = [module_name(d) for d in deps.split()]

    def closure(self, names):
        """Names in the order to load them.  What is not there is built in, or not in this kernel."""
        order = []
        for name in names:
            self.visit(module_name(name), order)
        return order

    def visit(self, name, order):
        if name in order or name not in self.files:
            return
        for need in self.needs[name]:
            self.visit(need, order)
        order.append(name)

    def path_in_tree(self, name):
        """lib/modules/RELEASE/…/NAME.ko, as it is named once unpacked."""
        file = re.sub(r"\.(xz|gz|zst)$", "", self.files[name])
        return f"lib/modules/{self.kernel.release}/{file}"

    def read(self, name):
        """The module, decompressed."""
        return read_module(os.path.join(self.kernel.modules, self.files[name]))


def module_name(file):
    return os.path.basename(file).split(".ko")[0].replace("-", "_")


def read_module(path):
    if path.endswith(".zst"):
        tool = find_tool("zstd")
        if not tool:
            raise LabError("this kernel's modules are zstd-compressed: install zstd")
        return subprocess.run([tool, "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    opener = {"xz": lzma.open, "gz": gzip.open}.get(path.rsplit(".", 1)[1], open)
    with opener(path, "rb") as f:
        return f.read()
