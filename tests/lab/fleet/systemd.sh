# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The server's own first process is a script; systemd is started beside it, in namespaces of its own, with passthrud.service as
# it is installed, the real journald, and stand-ins for the rest of a host.  libvirtd runs as it does in every scenario.
units=/run/lab/units.d

# unit NAME LINE…
unit()
{
	name=$1
	shift
	printf '%s\n' "$@" >"$units/$name"
}

the_units()
{
	mkdir -p $units/multi-user.target.wants $units/sysinit.target.wants /run/lab/no-units/passthrud.service.d
	for target in sysinit basic local-fs multi-user shutdown umount network-online; do
		unit $target.target '[Unit]' "Description=$target" 'DefaultDependencies=no'
	done
	ln -s multi-user.target $units/default.target
	ln -s ../sysinit.target $units/multi-user.target.wants/
	cp /usr/lib/systemd/system/systemd-journald.service /usr/lib/systemd/system/systemd-journald*.socket $units/
	ln -s ../systemd-journald.socket ../systemd-journald.service $units/sysinit.target.wants/
	# half a minute of silence is what a host is given; the test does not wait as long
	unit ../no-units/passthrud.service.d/lease.conf '[Service]' 'ExecStart=' \
		"$(sed -n "s/^ExecStart=.*/& --lease $lease/p" /usr/local/lib/systemd/system/passthrud.service)"
}

# on_host COMMAND…: where it sees what services see
on_host()
{
	nsenter -t "$systemd" -m -p "$@"
}

start_systemd()
{
	the_units
	# or systemd calls it as the machine that this is emulated on
	hostname >/etc/hostname
	unshare --mount --pid --fork --mount-proc --kill-child sh -c "
		mount --bind $units /usr/lib/systemd/system &&
		mount --bind /run/lab/no-units /etc/systemd/system &&
		mount -t tmpfs tmpfs /usr/lib/systemd/system-generators &&
		exec env -i container=lab PATH=$PATH /lib/systemd/systemd --system --log-target=console --log-level=info --show-status=0
	" >/run/lab/systemd.log 2>&1 </dev/null &
	outer=$!
	wait_for 30 pgrep -P $outer
	systemd=$(pgrep -P $outer)
	wait_for 240 on_host systemctl -q is-active sysinit.target || { cat /run/lab/systemd.log; return 1; }
}
