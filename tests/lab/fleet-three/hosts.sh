# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the three hosts of the fleet have in common.
. "$PT_SOURCE/tests/lab/fleet/fleet.sh"
spare=$(grep -l 0x11e8 /sys/bus/pci/devices/*/device | cut -d/ -f6)

# runs_agent PASSWORD VENDOR:PRODUCT…: this server is a host, and offers those
runs_agent()
{
	umask 077
	mkdir -p /etc/passthru
	printf '%s\n' "$1" >$password_file
	shift
	fetch ca.pem >/etc/passthru/etcd-ca.pem
	(store "$(hostname)" $password_file; offers "$@") >/etc/passthru/passthru.conf
	passthrud --lease $lease >/run/lab/passthrud.log 2>&1 &
}
