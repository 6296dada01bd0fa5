# SPDX-License-Identifier: Apache-2.0
"""Reads the two file formats of the lab: hardware and scenario.

Both are `key: value` lines; a hardware file has sections in square brackets
after them.  README.md describes them with examples.
"""
import os
import re
from dataclasses import dataclass, field

from . import LabError

SECTIONS = ("kernel", "disks", "qemu")
SIZE = re.compile(r"^(\d+)([MG])$")


@dataclass
class Disk:
    """One disk image, made before the first boot of a run."""
    name: str
    size: int
    mount: str = ""     # formatted ext4 and mounted here by the server's init


@dataclass
class Hardware:
    """One emulated machine."""
    name: str
    description: str = ""
    kernel: list = field(default_factory=list)
    disks: list = field(default_factory=list)
    qemu: list = field(default_factory=list)


@dataclass
class Scenario:
    """One folder below tests/lab: what to boot, what to run, how long."""
    name: str
    path: str
    description: str
    hardware: list      # one name a boot; the last is used for all further boots
    boots: list         # the scripts, in order
    time_limit: int
    needs: list         # commands that this machine has to have
    state: int          # bytes of disk that survive a power cut, 0 for none
    programs: list      # what has to be in the build directory
    install: bool       # is `make install`ed in the server
    processors: int     # how many its kernel starts
    beside: list = field(default_factory=list)              # for each further server a pair: as @boots, as @hardware
    host_net: bool = False      # it reaches this machine's loopback, and outside.sh runs there
    build: str = ""     # whose programs; "" for those of the whole run

    @property
    def servers(self):
        return 1 + len(self.beside)


def split_lines(path):
    """The lines of a file, without comments, blank lines and line ends."""
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line and not line.startswith("#"):
                yield number, line


def parse_size(text, where):
    m = SIZE.match(text)
    if not m:
        raise LabError(f"{where}: {text!r} is not a size such as 64M or 2G")
    return int(m.group(1)) << {"M": 20, "G": 30}[m.group(2)]


def parse_disk(line, where):
    words = line.split()
    if len(words) not in (2, 3):
        raise LabError(f"{where}: a disk is NAME SIZE [MOUNT-POINT]")
    return Disk(words[0], parse_size(words[1], where), words[2] if len(words) == 3 else "")


def split_key(line, where, allowed):
    key, colon, value = line.partition(":")
    key = key.strip()
    if not colon or key not in allowed:
        raise LabError(f"{where}: expected one of {', '.join(allowed)}, each with a colon")
    return key, value.strip()


def split_argument(line):
    """`-device x,y=z` is two arguments: the option and all that follows it."""
    return line.split(None, 1)


def load_hardware_into(hw, folder, name, top):
    path = os.path.join(folder, name)
    section = None
    for number, line in split_lines(path):
        where = f"{path}:{number}"
        if line.startswith("["):
            section = line.strip("[]")
            if section not in SECTIONS:
                raise LabError(f"{where}: no section {line}; there are {', '.join(SECTIONS)}")
        elif section == "kernel":
            hw.kernel += line.split()
        elif section == "disks":
            hw.disks.append(parse_disk(line, where))
        elif section == "qemu":
            hw.qemu += split_argument(line)
        else:
            load_hardware_key(hw, folder, line, where, top)


def load_hardware_key(hw, folder, line, where, top):
    key, value = split_key(line, where, ("description", "include"))
    if key == "description":
        if top:
            hw.description = value
        return
    for part in value.split():
        if not os.path.isfile(os.path.join(folder, part)):
            raise LabError(f"{where}: there is no {part} in {folder}")
        load_hardware_into(hw, folder, part, False)


def load_hardware(folder, name):
    """Read a variant and all that it includes, in order."""
    hw = Hardware(name)
    load_hardware_into(hw, folder, name, True)
    return hw


def hardware_names(folder):
    return sorted(n for n in os.listdir(folder) if os.path.isfile(os.path.join(folder, n)))


BESIDE = ("second", "third")      # what the files and keys of further servers begin with
SCENARIO_KEYS = ("description", "hardware", "time-limit", "needs", "state", "programs", "install", "processors",
                 "servers", "host-net") + tuple(f"{which}-hardware" for which in BESIDE)


def find_boots(path, each="boot", single="inside"):
    """boot1.sh, boot2.sh, … or a single inside.sh; second1.sh, … or second.sh."""
    boots = []
    while os.path.isfile(os.path.join(path, f"{each}{len(boots) + 1}.sh")):
        boots.append(f"{each}{len(boots) + 1}.sh")
    if not boots and os.path.isfile(os.path.join(path, f"{single}.sh")):
        boots = [f"{single}.sh"]
    if not boots:
        raise LabError(f"{path}: neither {single}.sh nor {each}1.sh is there")
    return boots


def load_scenario(folder, name):
    path = os.path.join(folder, name)
    file = os.path.join(path, "scenario")
    values = {}
    for number, line in split_lines(file):
        key, value = split_key(line, f"{file}:{number}", SCENARIO_KEYS)
        values[key] = value
    for key in ("description", "hardware", "time-limit"):
        if not values.get(key):
            raise LabError(f"{file}: {key}: is missing")
    if not values["time-limit"].isdigit():
        raise LabError(f"{file}: time-limit: is a number of seconds")
    if values.get("processors", "1") not in ("1", "2"):
        raise LabError(f"{file}: processors: is 1 or 2")
    if values.get("servers", "1") not in ("1", "2", "3"):
        raise LabError(f"{file}: servers: is 1, 2 or 3")
    beside = BESIDE[:int(values.get("servers", "1")) - 1]
    return Scenario(name=name, path=path, description=values["description"],
                    hardware=values["hardware"].split(), boots=find_boots(path),
                    time_limit=int(values["time-limit"]), needs=values.get("needs", "").split(),
                    state=parse_size(values["state"], file) if "state" in values else 0,
                    programs=values.get("programs", "passthru").replace("none", "").split(),
                    install=values.get("install", "no") == "yes",
                    processors=int(values.get("processors", "1")),
                    beside=[(find_boots(path, which, which), values.get(f"{which}-hardware", values["hardware"]).split()) for which in beside],
                    host_net=values.get("host-net", "no") == "yes")


def scenario_names(folder):
    if not os.path.isdir(folder):
        return []
    return sorted(n for n in os.listdir(folder) if os.path.isfile(os.path.join(folder, n, "scenario")))
