# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One server, and the facts of three: its own, a copy with another name, and one without two flags.
. "$LAB/inside/lib.sh"

start_libvirt || exit 1
plain_xml vm '' 256 </dev/null | sed "s/migratable='off'/migratable='on'/" >/run/lab/vm.xml
check "a VM with host-passthrough is defined" virsh -q define /run/lab/vm.xml
check "it starts" virsh -q start vm

echo '== facts'
mkdir -p /run/lab/facts
cd /run/lab || exit 1
expect_exit 0 passthru facts --json
sed 's/"hostname": ".*"/"hostname": "first"/; s/"host_uuid": ".*"/"host_uuid": "6695eb01-f6a4-4304-89aa-97f2502e1931"/' "$LAB_OUTPUT" >facts/1.json
sed 's/"hostname": ".*"/"hostname": "second"/; s/"host_uuid": ".*"/"host_uuid": "6695eb01-f6a4-4304-89aa-97f2502e1932"/' "$LAB_OUTPUT" >facts/2.json
# the last of a list has no comma behind it: neither of these is it
sed 's/"hostname": ".*"/"hostname": "third"/; s/"host_uuid": ".*"/"host_uuid": "6695eb01-f6a4-4304-89aa-97f2502e1933"/; /"avx2",/d; /"aes",/d
	/"features": \[/a {"name": "avx2", "policy": "disable"}, {"name": "aes", "policy": "disable"},' "$LAB_OUTPUT" >facts/3.json
check "the facts tell which host they are of" grep -q '"host_uuid": "6695' facts/1.json
check "the facts tell what libvirt can give" grep -q '"host_model_flags"' facts/1.json
check_not "the third has fewer" grep -q '^ *"avx2",$' facts/3.json
save facts/1.json

echo '== where could it move?'
expect_exit 0 passthru migrate vm --check --to facts
output_has 'first: yes'
output_has 'second: yes'
output_has 'third: no'
output_has 'it lacks 2 flags that the VM has: aes, avx2'
output_has 'vm can move to 2 of 3 hosts'
expect_exit 3 passthru migrate vm --check --to facts/3.json
# libvirt moves no VM to the host that it is on
expect_exit 3 passthru migrate vm --check --to qemu:///system --json
output_has '"answer": "no"'
output_has 'it is this host'
virsh -q destroy vm

echo '== a baseline'
expect_exit 0 passthru cpu baseline facts qemu:///system
passthru cpu baseline facts qemu:///system --json >both.json
check "it is a processor" grep -q '"model"' both.json
expect_exit 0 passthru cpu vm ./both.json --yes
check "the VM starts with it" virsh -q start vm
check "it comes up" guest_ready vm
virsh -q dumpxml vm | sed -n '/<cpu/,/<\/cpu>/p'
expect_exit 0 passthru migrate vm --check --to facts/3.json
virsh -q destroy vm

echo '== a VM with a device of this host'
expect_exit 0 passthru undo --yes
define_cvm
expect_exit 0 passthru attach cvm MegaRAID --yes
expect_exit 3 passthru migrate cvm --check --to facts/1.json
output_has '0000:01:00.0'
output_has 'passthru detach cvm 0000:01:00.0'
