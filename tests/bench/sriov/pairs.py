#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs in the emulated server: times the two ways to seven virtual functions, alternating, and prints each figure."""
import os
import subprocess
import sys
import time

PF = "/sys/bus/pci/devices/0000:41:00.0"
PAIRS = 10
OURS = ["passthru", "sriov", "0000:41:00.0", "--vfs", "7", "--yes"]
BARE = ["sh", "-c", f"echo 7 >{PF}/sriov_numvfs && udevadm settle"]


def write(name, value):
    with open(os.path.join(PF, name), "w", encoding="ascii") as out:
        out.write(value)


def quiet():
    """what udev and libvirt still do about the last round is no part of the next"""
    subprocess.run(["udevadm", "settle"], check=True)
    time.sleep(1.5)


def usable():
    """linked, there, and its configuration space answers; none has a driver, since autoprobe is off on both sides"""
    for i in range(7):
        vf = os.path.join(PF, f"virtfn{i}")
        with open(os.path.join(vf, "config"), "rb") as config:
            if len(config.read(64)) != 64:
                return False
        if os.path.exists(os.path.join(vf, "driver")):
            return False
    return not os.path.exists(os.path.join(PF, "virtfn7"))


def timed(command):
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    took = time.monotonic() - begin
    if done.returncode or not usable():
        sys.exit(f"{command[0]}: exit {done.returncode}, seven usable: no\n{done.stdout}")
    return took


def ours():
    took = timed(OURS)
    begin = time.monotonic()
    subprocess.run(["udevadm", "settle"], check=True)
    settled = took + time.monotonic() - begin
    quiet()
    subprocess.run(OURS[:4] + ["0", "--yes"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    quiet()
    return took, settled


def bare():
    write("sriov_drivers_autoprobe", "0")
    took = timed(BARE)
    quiet()
    write("sriov_numvfs", "0")
    write("sriov_drivers_autoprobe", "1")
    quiet()
    return took


def main():
    # the first of each pays for what is not in memory yet
    ours()
    bare()
    for i in range(PAIRS):
        if i % 2:
            by_hand, (took, settled) = bare(), ours()
        else:
            (took, settled), by_hand = ours(), bare()
        print(f"pair: passthru {took:.3f} s, and udevadm settle {settled:.3f} s; bare {by_hand:.3f} s", flush=True)


main()
