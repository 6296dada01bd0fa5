# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

# wrong STATUS WORDS COMMAND…: that exit status, each word in the message, nothing changed.
wrong()
{
	status=$1
	words=$2
	shift 2
	expect_exit "$status" "$@"
	for word in $words; do
		output_has "$word"
	done
	unchanged "nothing changed"
}

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
}

start_libvirt || exit 1
define_cvm || exit 1
remember
wrong 2 nosuchvm passthru attach nosuchvm MegaRAID --yes
wrong 2 0000:ff:00.0 passthru attach cvm 0000:ff:00.0 --yes
wrong 2 0000:01:00.9 passthru attach cvm 0000:01:00.9 --yes
wrong 2 zz:00.0 passthru attach cvm zz:00.0 --yes
wrong 2 nosuchthing passthru attach cvm nosuchthing --yes
wrong 2 /dev/nosuchdisk passthru attach cvm /dev/nosuchdisk --yes
wrong 2 '00:02.0 bridge' passthru attach cvm 0000:00:02.0 --yes
wrong 2 '21:00.0 41:00.0' passthru attach cvm Gigabit --yes
wrong 2 nosuchvm passthru verify nosuchvm
wrong 2 cvm passthru detach cvm MegaRAID --yes
wrong 2 '' passthru attach cvm
wrong 2 root as_nobody passthru attach cvm MegaRAID --yes

# at the question: no, an empty line, an interrupt
wrong 1 'MegaRAID' "$LAB/inside/answer" n passthru attach cvm MegaRAID
wrong 1 'MegaRAID' "$LAB/inside/answer" '' passthru attach cvm MegaRAID
wrong 130 'MegaRAID' "$LAB/inside/answer" ^C passthru attach cvm MegaRAID

virsh -q start cvm
check "the VM comes up" guest_ready cvm
remember
wrong 2 '--yes' passthru attach cvm MegaRAID
virsh -q destroy cvm

xml_hostdev 0000:01:00.0 >/run/lab/hostdev.xml
virsh -q attach-device cvm /run/lab/hostdev.xml --config
remember
wrong 2 '01:00.0 cvm' passthru attach cvm MegaRAID --yes

check "libvirt stops" stop_libvirt
remember
wrong 2 libvirt passthru attach cvm MegaRAID --yes
