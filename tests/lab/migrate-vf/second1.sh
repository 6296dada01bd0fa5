# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"
start_libvirt || exit 1
make_card || exit 1
tell ready

# QEMU of a VM that is on its way in
await 1200 kill
pid=$(cat /run/libvirt/qemu/a.pid)
kill -9 "$pid"
tell killed
serve
