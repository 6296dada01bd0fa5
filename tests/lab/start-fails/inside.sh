# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Three ways to fail at the last moment: a hook that says no, an emulator that dies at once, an emulator that dies a
# little later.  Each only when the VM has a PCI device.  Beside this script a file `ways` may name the emulator's: one
# that dies at once is, to us, what the hook is, a start that libvirt says no to.
. "$LAB/inside/lib.sh"

make_hook()
{
	mkdir -p /etc/libvirt/hooks
	cat >/etc/libvirt/hooks/qemu <<-'END'
	#!/bin/sh
	[ "$2" = prepare ] && [ -e /run/lab/hook-says-no ] || exit 0
	grep -q '<hostdev' || exit 0
	echo 'the hook says no' >&2
	exit 1
	END
	chmod 755 /etc/libvirt/hooks/qemu
}

# An emulator that is the real one until it is given a PCI device.
make_emulator()
{
	cat >/usr/local/bin/qemu-lab <<-'END'
	#!/bin/sh
	case "$*" in
	*vfio-pci*)
		how=$(cat /run/lab/emulator)
		[ "$how" = dies ] && echo 'the emulator dies' >&2 && exit 1
		[ "$how" = later ] && (sleep 3; kill -9 $$) </dev/null >/dev/null 2>&1 &
		;;
	esac
	exec /usr/bin/qemu-system-x86_64 "$@"
	END
	chmod 755 /usr/local/bin/qemu-lab
	chmod 755 /run/lab
}

rolled_back()
{
	unchanged "everything is as it was"
	check "the VM runs" is_running cvm
	check "the guest comes up, its disks on virtio-scsi" guest_ready cvm
	check "the guest has its SSDs as before" guest_disk_is_on cvm S455NY0K100001 1af4:1048
}

make_hook
make_emulator
start_libvirt || exit 1
echo lives >/run/lab/emulator
define_cvm || exit 1
virsh -q dumpxml --inactive --security-info cvm |
	sed 's,/usr/bin/qemu-system-x86_64,/usr/local/bin/qemu-lab,' >/run/lab/cvm-emulator.xml
check "the VM has an emulator of its own" virsh -q define /run/lab/cvm-emulator.xml
virsh -q start cvm
check "the VM comes up" guest_ready cvm

echo '== a hook that exits 1'
remember
touch /run/lab/hook-says-no
expect_exit 1 passthru attach cvm MegaRAID --yes
output_has "hook"
rolled_back
rm /run/lab/hook-says-no

for how in $(cat "$PT_SCENARIO_DIR/ways" 2>/dev/null || echo later); do
	echo "== an emulator that dies: $how"
	echo "$how" >/run/lab/emulator
	remember
	expect_exit 1 passthru attach cvm MegaRAID --yes
	rolled_back
done
