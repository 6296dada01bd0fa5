#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""holder.py GROUP ADDRESS SECONDS: have a VFIO device open, but for SECONDS seen by nobody: the descriptor is on its way
through a socket, so no process has it.  Then it is taken out again and held until this program is killed."""
import array
import fcntl
import os
import socket
import struct
import sys
import time

VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, VFIO_GROUP_GET_DEVICE_FD = 0x3B68, 0x3B66, 0x3B6A
VFIO_TYPE1_IOMMU = 1


def main():
    group_number, address, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    group = os.open(f"/dev/vfio/{group_number}", os.O_RDWR)
    fcntl.ioctl(group, VFIO_GROUP_SET_CONTAINER, struct.pack("i", container))
    fcntl.ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU)
    device = fcntl.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, array.array("b", address.encode() + b"\0"))
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    hidden = [device, group, container]
    socket.send_fds(here, [b"x"], hidden)
    for fd in hidden:
        os.close(fd)
    print("hidden", flush=True)
    time.sleep(seconds)
    _, held, _, _ = socket.recv_fds(there, 1, 3)
    print("held", held, flush=True)
    time.sleep(86400)


main()
