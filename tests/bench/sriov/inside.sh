# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# libvirt runs, as on any server that has guests: it is asked who has the VFs, and its own udev watch is at work.
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
define_plain idle </dev/null
check "both ways make seven virtual functions, each time" python3 "$PT_SCENARIO_DIR/pairs.py"
