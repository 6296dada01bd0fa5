# SPDX-License-Identifier: Apache-2.0
"""Writes an initramfs in the `newc` format of the kernel's documentation
(driver-api/early-userspace/buffer-format), so that neither root nor cpio is needed."""
import os
import stat


class Cpio:
    """Collects files in memory; write() makes the archive."""

    def __init__(self):
        self.entries = {}

    def add_dir(self, path):
        path = path.strip("/")
        if path and path not in self.entries:
            self.add_dir(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, b"", (0, 0))

    def add_data(self, path, data, mode=0o644):
        path = path.strip("/")
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data, (0, 0))

    def add_file(self, path, source):
        with open(source, "rb") as f:
            data = f.read()
        self.add_data(path, data, 0o755 if os.access(source, os.X_OK) else 0o644)

    def add_link(self, path, target):
        path = path.strip("/")
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode(), (0, 0))

    def add_char(self, path, major, minor):
        path = path.strip("/")
        self.add_dir(os.path.dirname(path))
        self.entries[path] = (stat.S_IFCHR | 0o600, b"", (major, minor))

    def write(self, file):
        """Replace the file at once: a reader sees the old one or the new one."""
        partial = f"{file}.{os.getpid()}"
        with open(partial, "wb") as f:
            for number, (path, entry) in enumerate(self.entries.items(), 1):
                write_entry(f, number, path, entry)
            write_entry(f, 0, "TRAILER!!!", (0, b"", (0, 0)))
        os.rename(partial, file)


def write_entry(f, number, path, entry):
    mode, data, device = entry
    name = path.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(name), 0]
    head = b"070701" + b"".join(b"%08X" % n for n in fields) + name
    f.write(head + b"\0" * (-len(head) % 4))
    f.write(data + b"\0" * (-len(data) % 4))
