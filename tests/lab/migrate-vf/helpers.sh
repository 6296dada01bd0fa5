# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
pf=0000:41:00.0
there=qemu+tcp://server2/system
netdev=$(ls /sys/bus/pci/devices/$pf/net)

# two virtual functions, and a bridge for what stands in for one
make_card()
{
	mkdir -p /etc/passthru
	printf '%s\n' '[pci]' 'device_spec = { "address": "0000:41:00.0", "physical_network": "physnet1" }' \
		'[network blue]' 'physical_network = physnet1' 'vlan = 42' >/etc/passthru/passthru.conf
	modprobe tun
	ip link add br0 type bridge && ip link set br0 up && ip link set "$netdev" up &&
		passthru sriov $pf --vfs 2 --yes
}
