# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# It has less to give than the first: what the second had comes here when that dies; vm1 runs by then.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/hosts.sh"

start_libvirt || exit 1
define_vm1
runs_agent "$(await 1800 password-server3)" 8086:10d3 1234:11e8
await 1800 second-is-dead >/dev/null
expect_exit 0 virsh -q start vm1
check "the guest comes up" guest_ready vm1 1000
check "its agent answers" agent_answers vm1
tell vm1-runs-on-server3
await 1800 moved >/dev/null
check "vfio-pci holds what came" has_driver $nic vfio-pci
check "and what was claimed here" has_driver "$spare" vfio-pci
expect_exit 0 passthru verify vm1
check "the VM was never stopped" is_running vm1
cat /run/lab/passthrud.log
tell seen-on-server3
serve
