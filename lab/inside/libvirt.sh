# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Starting libvirt in the emulated server, and making guests.  lib.sh reads this.

GUEST_DIR=/run/lab/guest
CONSOLES=/var/log/libvirt/qemu

# start_libvirt: the real daemons, with nothing left to polkit (there is none here).
start_libvirt()
{
	[ -d "$GUEST_DIR" ] || prepare_guests
	[ -s /etc/libvirt/libvirtd.conf ] || configure_libvirt
	mkdir -p /run/dbus /var/log/libvirt/qemu /var/lib/libvirt/images
	[ -S /run/dbus/system_bus_socket ] || dbus-daemon --system --fork >/var/log/dbus.log 2>&1
	restore_capabilities
	virtlogd --daemon >/var/log/virtlogd.log 2>&1
	# with two servers it listens, for the other one
	set -- --daemon
	[ "$PT_SERVERS" = 1 ] || set -- --daemon --listen
	libvirtd "$@" >/var/log/libvirtd.log 2>&1
	wait_for 120 virsh -q uri || { cat /var/log/libvirtd.log; return 1; }
}

configure_libvirt()
{
	printf '%s\n' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' 'log_outputs="1:file:/var/log/libvirt/libvirtd.log"' \
		'log_level = 3' >/etc/libvirt/libvirtd.conf
	[ "$PT_SERVERS" = 1 ] || printf '%s\n' "host_uuid = \"6695eb01-f6a4-4304-89aa-97f2502e190$PT_SERVER\"" \
		'listen_tls = 0' 'listen_tcp = 1' 'auth_tcp = "none"' >>/etc/libvirt/libvirtd.conf
	: >/etc/libvirt/virtlogd.conf
	printf '%s\n' 'security_driver = "none"' >/etc/libvirt/qemu.conf
	mkdir -p /etc/libvirt/hooks
}

# What libvirt found out about QEMU in an earlier run on this machine; asking takes QEMU seconds here.  libvirt
# itself sees whether it still holds: it compares QEMU, itself, the kernel and the processor.
restore_capabilities()
{
	[ -d "$PT_CAPABILITIES" ] || return 0
	mkdir -p /var/cache/libvirt/qemu/capabilities
	cp "$PT_CAPABILITIES"/*.xml /var/cache/libvirt/qemu/capabilities/ 2>/dev/null
	return 0
}

# stop_libvirt: as after `systemctl stop libvirtd`; guests go on.
stop_libvirt()
{
	[ -s /run/libvirtd.pid ] || return 0
	pid=$(cat /run/libvirtd.pid)
	kill "$pid"
	wait_for 60 sh -c "! kill -0 $pid" || return 1
}

# Guests boot from copies: the user that QEMU runs as need not be able to reach the checkout.
prepare_guests()
{
	mkdir -p "$GUEST_DIR"
	cp "$PT_GUEST_KERNEL" "$GUEST_DIR/kernel"
	cp "$PT_GUEST_INITRD" "$GUEST_DIR/initrd"
	chmod -R a+rX "$GUEST_DIR"
}

# The pieces of a guest's XML.
xml_head()
{
	cat <<-END
	<domain type='kvm'>
	  <name>$1</name>
	  <memory unit='MiB'>${3:-384}</memory>
	  <vcpu>1</vcpu>
	  <os>
	    <type arch='x86_64' machine='q35'>hvm</type>
	    <kernel>$GUEST_DIR/kernel</kernel>
	    <initrd>$GUEST_DIR/initrd</initrd>
	    <cmdline>console=ttyS0 quiet mitigations=off pci=lastbus=16 pmtmr=0 ${2:-}</cmdline>
	  </os>
	  <features><acpi/><apic/></features>
	  <cpu mode='host-passthrough' migratable='off'/>
	  <on_poweroff>destroy</on_poweroff>
	  <on_reboot>restart</on_reboot>
	  <on_crash>destroy</on_crash>
	  <devices>
	    <emulator>/usr/bin/qemu-system-x86_64</emulator>
	END
}

xml_tail()
{
	cat <<-END
	    <serial type='file'>
	      <source path='$CONSOLES/$1-console.log'/>
	      <target port='0'/>
	    </serial>
	    <channel type='unix'>
	      <target type='virtio' name='org.qemu.guest_agent.0'/>
	    </channel>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	END
}

# xml_ssd NUMBER TARGET UNIT: a disk of the controller, the way the story has it.
xml_ssd()
{
	cat <<-END
	    <disk type='block' device='disk'>
	      <driver name='qemu' type='raw' cache='none' io='native'/>
	      <source dev='$(ssd "$1")'/>
	      <target dev='$2' bus='scsi'/>
	      <serial>S455NY0K10000$1</serial>
	      <wwn>5002538e0000000$1</wwn>
	      <vendor>ATA</vendor>
	      <product>SAMSUNG MZ7LH1T9</product>
	      <address type='drive' controller='0' bus='0' target='0' unit='$3'/>
	    </disk>
	END
}

# xml_hostdev BDF [yes|no]: a PCI function.
xml_hostdev()
{
	bus=${1#*:}
	slot=${bus#*:}
	cat <<-END
	    <hostdev mode='subsystem' type='pci' managed='${2:-no}'>
	      <source><address domain='0x${1%%:*}' bus='0x${bus%%:*}' slot='0x${slot%%.*}' function='0x${slot#*.}'/></source>
	    </hostdev>
	END
}

# cvm_xml [WORDS FOR THE GUEST'S KERNEL] [MEMORY IN MIB]: the story's VM.  Three SSDs on virtio-scsi
# controller 0; a disk of another kind, on a SATA controller, which has nothing to do with them.
cvm_xml()
{
	xml_head cvm "${1:-}" "${2:-384}"
	xml_ssd 1 sda 0
	xml_ssd 2 sdb 1
	xml_ssd 3 sdc 2
	cat <<-END
	    <disk type='file' device='disk'>
	      <driver name='qemu' type='qcow2'/>
	      <source file='/var/lib/libvirt/images/other.qcow2'/>
	      <target dev='sdd' bus='sata'/>
	      <serial>OTHER0001</serial>
	      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
	    </disk>
	    <controller type='scsi' index='0' model='virtio-scsi'/>
	    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='s3cret'>
	      <listen type='address' address='127.0.0.1'/>
	    </graphics>
	    <video><model type='none'/></video>
	END
	xml_tail cvm
}

# plain_xml NAME [WORDS] [MEMORY]: a guest with nothing; standard input is added to its devices.
plain_xml()
{
	xml_head "$1" "${2:-}" "${3:-384}"
	cat
	xml_tail "$1"
}

# define_cvm [WORDS] [MEMORY]: make the story's VM known to libvirt.
define_cvm()
{
	[ -e /var/lib/libvirt/images/other.qcow2 ] || qemu-img create -q -f qcow2 /var/lib/libvirt/images/other.qcow2 16M
	cvm_xml "$@" >/run/lab/cvm.xml
	virsh -q define /run/lab/cvm.xml
}

define_plain()
{
	plain_xml "$@" >"/run/lab/$1.xml"
	virsh -q define "/run/lab/$1.xml"
}

console()
{
	cat "$CONSOLES/$1-console.log"
}

console_has()
{
	grep -qE -e "$2" "$CONSOLES/$1-console.log"
}

# guest_ready VM [SECONDS]: the guest has come up and said so; its words end up in the logs.
guest_ready()
{
	if wait_for "${2:-420}" console_has "$1" 'lab-guest: ready'; then
		return 0
	fi
	console "$1" | tail -n 40
	return 1
}

agent_answers()
{
	wait_for "${2:-60}" virsh -q qemu-agent-command "$1" '{"execute":"guest-ping"}'
}

# agent VM JSON: one call to the guest agent.
agent()
{
	virsh -q qemu-agent-command "$1" "$2"
}

# in_guest VM COMMAND: run by the guest's shell, through its agent; prints what it printed.
in_guest()
{
	pid=$(agent "$1" "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\",\"arg\":[\"-c\",\"$2\"],\"capture-output\":true}}" |
		sed 's/.*"pid":\([0-9]*\).*/\1/')
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		answer=$(agent "$1" "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":$pid}}")
		case $answer in *'"exited":true'*) break ;; esac
		sleep 2
	done
	echo "$answer" | sed -n 's/.*"out-data":"\([^"]*\)".*/\1/p' | base64 -d
}

is_running()
{
	[ "$(virsh -q domstate "$1")" = running ]
}

is_off()
{
	[ "$(virsh -q domstate "$1")" = 'shut off' ]
}

# guest_sees_disk VM SERIAL; guest_sees_pci VM VENDOR:DEVICE DRIVER: in its own words, on its console.
guest_sees_disk()
{
	console_has "$1" "lab-guest: disk .* serial=$2 "
}

guest_sees_pci()
{
	console_has "$1" "lab-guest: pci .* $2 .*driver=$3\$?"
}

# guest_disk_is_on VM SERIAL VENDOR:DEVICE: the guest has that disk through a function with these ids.
guest_disk_is_on()
{
	pci=$(console "$1" | sed -n "s/.*lab-guest: disk .* serial=$2 pci=\([^ ]*\) .*/\1/p" | head -n 1)
	[ -n "$pci" ] || { echo "the guest has no disk $2"; return 1; }
	console_has "$1" "lab-guest: pci $pci $3 " || { echo "the guest has disk $2 on $pci, which is not $3"; return 1; }
}
