# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The server's own first process is a script; systemd is started beside it, in namespaces of its own, with the units that
# matter and stand-ins for the rest of a host.  libvirtd is a stand-in too: what is asked is what happens before and after.
. "$LAB/inside/lib.sh"
. "$PT_SOURCE/tests/lab/cut/cut.sh"

units=/run/lab/units.d
report=/run/lab/units-report
ours='passthru-recover-host.service passthru-boot.service passthru-recover-vms.service'

# a_host: the targets that every service waits for, and a libvirtd that notes what it finds when it is started
a_host()
{
	mkdir -p $units/multi-user.target.wants
	for target in sysinit basic local-fs multi-user shutdown umount; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $target >$units/$target.target
	done
	ln -s multi-user.target $units/default.target
	cat >/run/lab/libvirtd.sh <<-END
		path=\$(readlink /sys/bus/pci/devices/$hba/driver)
		echo "found \${path##*/}" >>$report
	END
	cat >/run/lab/report.sh <<-END
		for unit in libvirtd.service $ours; do
			set -- \$unit
			for what in Result ConditionResult ExecMainStatus ExecMainStartTimestampMonotonic ExecMainExitTimestampMonotonic; do
				set -- "\$@" "\$(systemctl show -P \$what \$unit)"
			done
			echo "\$@" >>$report
		done
		echo reported >>$report
	END
	printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh /run/lab/libvirtd.sh\n' >$units/libvirtd.service
	printf '[Unit]\nAfter=libvirtd.service %s\n[Service]\nType=oneshot\nExecStart=/bin/sh /run/lab/report.sh\n' "$ours" >$units/report.service
	ln -s ../libvirtd.service ../report.service $units/multi-user.target.wants/
}

# systemd_starts: until the report is there.
systemd_starts()
{
	: >$report
	mkdir -p /run/lab/no-units
	unshare --mount --pid --fork --mount-proc --kill-child sh -c "
		mount --bind $units /usr/lib/systemd/system &&
		mount --bind /run/lab/no-units /etc/systemd/system &&
		exec env -i container=lab PATH=$PATH /lib/systemd/systemd --system --log-target=console --log-level=info --show-status=0
	" >/run/lab/systemd.log 2>&1 </dev/null &
	systemd=$!
	wait_for 120 grep -q '^reported' $report
	status=$?
	kill -KILL $systemd
	cat $report
	[ $status = 0 ] || { cat /run/lab/systemd.log; return 1; }
}

# of UNIT NUMBER: its result, condition, exit status, start or end (microseconds), as it was reported.
of()
{
	awk -v unit="$1" -v column=$(($2 + 1)) '$1 == unit { print $column }' $report
}

was_content()
{
	[ "$(of "$1" 1) $(of "$1" 2) $(of "$1" 3)" = 'success yes 0' ]
}

ended_before()
{
	[ "$(of "$1" 5)" -gt 0 ] && [ "$(of "$1" 5)" -le "$(of "$2" 4)" ]
}

passthru reserve $hba --yes >$WORDS 2>&1 && places=$(places_of passthru release $hba --yes) &&
	passthru reserve $hba --yes >$WORDS 2>&1 || { cat $WORDS; exit 1; }
check "a release is killed in its middle" killed_at $((places - 8)) passthru release $hba --yes
check "it is unsettled" sh -c "passthru recover --dry-run | grep -q 'was cut off'"
echo "the controller is with $(driver_of $hba)"
a_host
check "systemd starts all of it" systemd_starts || exit 1
for unit in $ours; do
	check "$unit did what it should" was_content $unit
done
check "what a crash left is over before what is reserved is bound" ended_before passthru-recover-host.service passthru-boot.service
check "that is over before libvirt starts" ended_before passthru-boot.service libvirtd.service
check "the VMs' part comes after libvirt" ended_before libvirtd.service passthru-recover-vms.service
check "libvirt finds the device bound" grep -q '^found vfio-pci' $report
expect_exit 0 passthru recover
output_has "nothing to recover"
