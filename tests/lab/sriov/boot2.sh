# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# After the power cut: the unit makes them again, the same; then up and down, and away.
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"

expect_exit 0 boot_unit passthru-boot.service
check "seven are there after the boot" vfs_are 7
check "no driver of the host took one" vfs_without_driver
check "with the MAC" vf_says 1 52:54:00:12:34:56
check "with the VLAN" vf_says 1 "vlan 42"
check "with the rate" vf_says 1 "max_tx_rate 100"
expect_exit 0 boot_unit passthru-boot.service
output_has "which were there"
expect_exit 0 passthru sriov $pf --vfs 0 --yes
check "none is there" vfs_are 0
check_not "nothing is kept" [ -e /etc/passthru/sriov.d/$pf.conf ]
echo 2 >/sys/bus/pci/devices/$pf/sriov_numvfs
expect_exit 3 passthru sriov $pf --vfs 4 --yes
output_has "did not make"
check "somebody else's two are left alone" vfs_are 2
expect_exit 0 passthru sriov $pf --vfs 4 --force-foreign-vfs --yes
check "unless told" vfs_are 4
passthru sriov $pf --vfs 0 --yes >/dev/null
times=3
[ ! -e "$PT_SCENARIO_DIR/rounds" ] || times=$(cat "$PT_SCENARIO_DIR/rounds")
rounds=0
while [ $rounds -lt "$times" ]; do
	passthru sriov $pf --vfs 7 --yes >/dev/null && vfs_are 7 && vfs_without_driver &&
		passthru sriov $pf --vfs 0 --yes >/dev/null && vfs_are 0 || break
	rounds=$((rounds + 1))
	echo "round $rounds at $(cut -d ' ' -f 1 /proc/uptime) s"
done
check "$times times up and down without losing one" [ $rounds = "$times" ]
