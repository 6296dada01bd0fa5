# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The same card on both servers. A slow copy (--bandwidth) gives the time to kill, to interrupt, and to cut the power.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

# the VM has its VF, and runs here and nowhere else
as_before()
{
	is_running a || { echo "a does not run"; return 1; }
	virsh -q dumpxml a | grep -q "<teaming type='transient'" || { echo "it runs without its VF"; return 1; }
	virsh -q dumpxml --inactive a | grep -q "<teaming type='transient'" || { echo "its definition has no VF"; return 1; }
	has_driver "$vf" vfio-pci || return 1
	test -e "/etc/passthru/reserved.d/$vf.conf" || { echo "the VF is not recorded"; return 1; }
	ip link show dev "$netdev" | grep "vf 0 " | tee /run/lab/vf0 | grep -q "vlan 42" || { cat /run/lab/vf0; return 1; }
}

copies()
{
	virsh -q domjobinfo a 2>/dev/null | grep -q 'Job type: *Unbounded'
}

# slowly COMMAND…: a migration that takes minutes, in the background; its number is in $mover
slowly()
{
	"$@" passthru migrate a --to $there --bandwidth 1 --yes >/run/lab/mover.log 2>&1 </dev/null &
	mover=$!
	wait_for 120 copies || { cat /run/lab/mover.log; return 1; }
	sleep 2
}

start_libvirt || exit 1
make_card || exit 1
plain_xml a '' 256 </dev/null | sed "s/migratable='off'/migratable='on'/" >/run/lab/a.xml
check "a VM is defined" virsh -q define /run/lab/a.xml
passthru attach a --network blue --failover-on bridge:br0 --spare-ports 1 --start --prove-timeout 0 --yes
vf=$(virsh -q dumpxml a | sed -n "/<interface type='hostdev'/,/<\/interface>/s/.*<address type='pci' domain='0x\(....\)' bus='0x\(..\)' slot='0x\(..\)' function='0x\(.\)'.*/\1:\2:\3.\4/p" | head -n 1)
echo "it has $vf"
check "it comes up" guest_ready a
check "its agent answers" agent_answers a
check "it has a virtual function" as_before

echo '== who may take its place'
check "the second server is ready" await 300 ready
expect_exit 0 passthru migrate a --to $there --dry-run
output_has "ask the guest of a to let go of $vf"
output_has "0000:41:10."
expect_exit 2 passthru migrate a --to $there --device 0000:41:00.0 --yes
output_has "it is no virtual function"
check "nothing has changed" as_before

echo '== killed in the middle'
check "it is being copied" slowly env
kill -9 "$mover"
wait "$mover"
expect_exit 0 passthru recover
check "it runs here with its VF" as_before
check_not "and is not there" virsh -q -c $there domstate a

echo '== interrupted'
check "it is being copied" slowly env --default-signal=INT
kill -INT "$mover"
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that all is as it was" grep -q 'everything is as it was' /run/lab/mover.log
check "it runs here with its VF" as_before

echo '== QEMU there is killed in the middle'
check "it is being copied" slowly env
tell kill
check "it was killed" await 60 killed
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that all is as it was" grep -q 'everything is as it was' /run/lab/mover.log
check "it runs here with its VF" as_before

echo '== QEMU here is killed in the middle'
check "it is being copied" slowly env
kill -9 "$(cat /run/libvirt/qemu/a.pid)"
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that its guest boots anew" grep -q 'has been started again' /run/lab/mover.log
check "it runs here with its VF" as_before
check_not "and is not there" virsh -q -c $there domstate a
check "it comes up again" guest_ready a
check "its agent answers" agent_answers a

echo '== the other one loses its power'
check "it is being copied" slowly env
power_cut 0 2
wait "$mover"
check "exit status 1" [ $? = 1 ]
cat /run/lab/mover.log
check "it says that all is as it was" grep -q 'everything is as it was' /run/lab/mover.log
check "it runs here with its VF" as_before

echo '== and at last'
check "the second server is there again" await 300 again
expect_exit 0 passthru migrate a --to $there --yes
output_has "a runs there"
output_has "it runs with 0000:41:10."
check_not "it is not here any more" virsh -q domstate a
check_not "nothing is recorded of its VF here" test -e "/etc/passthru/reserved.d/$vf.conf"
check "the VF here is set as before" sh -c "ip link show dev $netdev | grep 'vf 0 ' | grep -vq 'vlan 42'"
virsh -q -c $there dumpxml a | sed -n "/<interface type='hostdev'/,/<\/interface>/p"
check "its definition there has a VF" sh -c "virsh -q -c $there dumpxml --inactive a | grep -q \"<interface type='hostdev' managed='yes'\""
tell moved
check "the second server sees it so" await 60 seen
