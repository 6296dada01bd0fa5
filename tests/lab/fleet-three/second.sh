# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# It has least to give, so the claim for vm1 comes here first; vm1 is off.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/hosts.sh"

start_libvirt || exit 1
define_vm1
runs_agent "$(await 1800 password-server2)" 8086:10d3
await 1800 attached >/dev/null
check "vfio-pci holds its device" has_driver $nic vfio-pci
cat /run/lab/passthrud.log
tell seen
serve
