# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034 # who sources this uses them
# What both servers of the fleet do and ask.
nic=0000:21:00.0
# seconds of silence after which a host is lost
lease=20
password_file=/etc/passthru/etcd-password

define_vm1()
{
	define_plain vm1 '' 256 <<-'END'
	    <controller type='pci' index='0' model='pcie-root'/>
	    <controller type='pci' model='pcie-root-port'/>
	    <controller type='pci' model='pcie-root-port'/>
	    <controller type='pci' model='pcie-root-port'/>
	    <controller type='pci' model='pcie-root-port'/>
	END
}

# fetch FILE: what the administrator of the etcd has
fetch()
{
	curl -sf "http://10.0.2.2:$PT_PORT8/$1"
}

# store USER FILE: [store] of one who logs in as USER with the password in FILE
store()
{
	printf '%s\n' '[store]' 'backend = etcd' \
		"endpoints = https://10.0.2.2:$PT_PORT1, https://10.0.2.2:$PT_PORT2, https://10.0.2.2:$PT_PORT3" \
		'ca_file = /etc/passthru/etcd-ca.pem' "user = $1" "password_file = $2"
}

# offers VENDOR:PRODUCT…: [pci] of a host
offers()
{
	echo '[pci]'
	for ids in "$@"; do
		echo "device_spec = { \"vendor_id\": \"${ids%:*}\", \"product_id\": \"${ids#*:}\" }"
	done
}

# claim_is STATE: that of vm1's claim; who asks leaves those who work some time
claim_is()
{
	sleep 1
	passthru claims --for vm1 >/run/lab/claims
	grep -q " $1 " /run/lab/claims
}
