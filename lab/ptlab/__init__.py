# SPDX-License-Identifier: Apache-2.0
"""Boots emulated servers and runs scenarios in them.

Nothing here changes this machine: it reads the root file system, and writes
below the lab's own directory (build/lab, or PT_LAB_DIR) only.
"""


class LabError(Exception):
    """Something the user has to put right; the text says what and how."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status
