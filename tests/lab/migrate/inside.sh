# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The second server is a lesser one at first; then its power is cut, and it comes back as one like this.
. "$LAB/inside/lib.sh"

there=qemu+tcp://server2/system

# count VM [URI]: what its guest has counted to by now
count()
{
	LIBVIRT_DEFAULT_URI=${2:-qemu:///system} in_guest "$1" 'cat /run/count'
}

# goes_on FROM VM [URI]: further than that
goes_on()
{
	now=$(count "$2" "${3:-qemu:///system}")
	echo "counted to $now, before $1"
	[ "${now:-0}" -gt "$1" ]
}

facts_of()
{
	await "$1" "$2" | base64 -d | gunzip >"/run/lab/facts/$2.json"
}

start_libvirt || exit 1
mkdir -p /run/lab/facts
plain_xml vm '' 256 </dev/null | sed "s/migratable='off'/migratable='on'/" >/run/lab/vm.xml
check "a VM with host-passthrough is defined" virsh -q define /run/lab/vm.xml
check "it starts" virsh -q start vm
xml_hostdev 0000:01:00.0 yes | define_plain hba '' 256
check "a VM with the HBA starts" virsh -q start hba
check "the guest comes up" guest_ready vm
check "its agent answers" agent_answers vm
# shellcheck disable=SC2016   # the guest's shell counts
in_guest vm '(n=0; while :; do n=$((n+1)); echo $n >/run/count.new; mv /run/count.new /run/count; sleep 1; done) >/dev/null 2>&1 &'

echo '== to a lesser server'
check "the lesser server tells its facts" facts_of 240 lesser
expect_exit 3 passthru migrate vm --to $there --yes
output_has 'it lacks 3 flags that the VM has: aes, avx2, sha-ni'
output_has 'vm was not moved: the check says no'
check "it runs here" is_running vm
check_not "and is not there" virsh -q -c $there domstate vm
expect_exit 2 passthru migrate vm --to /run/lab/facts/lesser.json --yes

echo '== the server is another one now'
power_cut 0 2
check "the equal server tells its facts" facts_of 240 equal
printf '%s\n' '[migrate]' "host = $there" 'host = /run/lab/facts' >/etc/passthru/passthru.conf
expect_exit 0 passthru migrate vm --check --all
output_has 'server2: yes'
output_has 'equal: yes'
output_has 'lesser: no'
output_has 'it lacks 3 flags that the VM has: aes, avx2, sha-ni'
output_has 'vm can move to 2 of 3 hosts'

echo '== a VM with the HBA'
expect_exit 3 passthru migrate hba --to server2 --yes
output_has '0000:01:00.0'
output_has 'hba was not moved'
check "it runs here" is_running hba
virsh -q destroy hba

echo '== to an equal server'
expect_exit 0 passthru migrate vm --to server2 --dry-run
output_has "move vm to $there while it runs"
before=$(count vm)
check "the guest counts" [ "${before:-0}" -gt 0 ]
expect_exit 0 passthru migrate vm --to server2 --yes
output_has 'vm runs there'
check_not "its definition is not here any more" virsh -q domstate vm
check "it runs there" [ "$(virsh -q -c $there domstate vm)" = running ]
check "its definition is there" sh -c "virsh -q -c $there list --all --persistent --name | grep -qx vm"
check "the guest goes on counting" goes_on "$before" vm $there
expect_exit 0 passthru history
output_has "move vm to $there"
expect_exit 3 passthru undo --yes
output_has 'was moved to another host'
