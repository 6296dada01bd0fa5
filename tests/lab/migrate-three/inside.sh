# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The seed's question at its end: why does nobody check the hosts and leave those that fit?  And then the ways to go.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

there=qemu+tcp://server2/system
here=qemu+tcp://server1/system

count()
{
	LIBVIRT_DEFAULT_URI=${1:-qemu:///system} in_guest vm 'cat /run/count'
}

# goes_on FROM [URI]: further than that
goes_on()
{
	now=$(count "${2:-qemu:///system}")
	echo "counted to $now, before $1"
	[ "${now:-0}" -gt "$1" ]
}

copies()
{
	virsh -q domjobinfo vm 2>/dev/null | grep -q 'Job type: *Unbounded'
}

# a migration that takes minutes, in the background; its number is in $mover
slowly()
{
	passthru migrate vm --to server2 --bandwidth 1 --yes >/run/lab/mover.log 2>&1 </dev/null &
	mover=$!
	wait_for 120 copies || { cat /run/lab/mover.log; return 1; }
	sleep 2
}

begin_to_count()
{
	check "the guest comes up" guest_ready vm
	check "its agent answers" agent_answers vm
	# shellcheck disable=SC2016   # the guest's shell counts
	in_guest vm '(n=0; while :; do n=$((n+1)); echo $n >/run/count.new; mv /run/count.new /run/count; sleep 1; done) >/dev/null 2>&1 &'
}

check "certificates are made" make_certificates /run/lab/pki
mkdir -p /run/lab/tls && cp /run/lab/pki/server1/* /run/lab/tls/
tell certificates "$(tar cz -C /run/lab/pki/server2 . | base64 -w0)"
use_certificates
start_libvirt || exit 1
plain_xml vm '' 256 </dev/null | sed "s/migratable='off'/migratable='on'/" >/run/lab/vm.xml
check "a VM with host-passthrough is defined" virsh -q define /run/lab/vm.xml
check "it starts" virsh -q start vm
begin_to_count

echo '== where to?'
mkdir -p /run/lab/facts
check "the lesser server is there" await 300 lesser
await 300 equal | base64 -d | gunzip >/run/lab/facts/equal.json
printf '%s\n' '[migrate]' "host = $there" 'host = qemu+tcp://server3/system' 'host = /run/lab/facts' >/etc/passthru/passthru.conf
expect_exit 0 passthru migrate vm --check --all
output_has 'server2: yes'
output_has 'equal: yes'
output_has 'server3: no'
output_has 'it lacks 3 flags that the VM has: aes, avx2, sha-ni'
output_has 'can run guests of its own (svm)'
output_has 'vm can move to 2 of 3 hosts'
expect_exit 3 passthru migrate vm --to server3 --yes
output_has 'aes, avx2, sha-ni'
output_has 'vm was not moved: the check says no'
check "it runs here" is_running vm
check_not "and is not there" virsh -q -c qemu+tcp://server3/system domstate vm

echo '== encrypted, to an address of its own'
before=$(count)
expect_exit 0 passthru migrate vm --to server2 --tls --converge --data-uri tcp://10.77.0.2:49200 --yes
output_has 'vm runs there'
output_has_not 'is sent as it is, not encrypted'
check "the guest goes on counting" goes_on "$before" $there

echo '== and back, moved by libvirt'
check "it comes back" virsh -q -c $there migrate vm $here --live --p2p --persistent --undefinesource
check "it runs here" is_running vm

echo '== to an address for which the other has no certificate'
expect_exit 1 passthru migrate vm --to server2 --tls --data-uri tcp://10.77.0.102 --timeout 60 --yes
output_has 'everything is as it was'
check "it runs here" is_running vm
check_not "and is not there" virsh -q -c $there domstate vm

echo '== QEMU there is killed in the middle'
before=$(count)
check "it is being copied" slowly
tell kill
check "it was killed" await 60 killed
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that all is as it was" grep -q 'everything is as it was' /run/lab/mover.log
check "the guest goes on counting" goes_on "$before"
check_not "it is not there" virsh -q -c $there domstate vm

echo '== QEMU here is killed in the middle'
check "it is being copied" slowly
kill -9 "$(cat /run/libvirt/qemu/vm.pid)"
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that its guest boots anew" grep -q 'has been started again' /run/lab/mover.log
check "it runs here" is_running vm
check_not "and is not there" virsh -q -c $there domstate vm
begin_to_count

echo '== passthru and QEMU here are killed in the middle'
check "it is being copied" slowly
kill -9 "$mover" "$(cat /run/libvirt/qemu/vm.pid)"
wait "$mover"
# the hook lets nobody start it before that is settled
check_not "nobody starts it" virsh -q start vm
expect_exit 0 passthru recover
output_has 'has been started again'
check "it runs here" is_running vm
check_not "and is not there" virsh -q -c $there domstate vm
expect_exit 0 passthru recover
output_has 'nothing to recover'
