# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

hba=0000:01:00.0
conf=/etc/passthru/reserved.d/$hba.conf

start_libvirt || exit 1
define_cvm lab.deaf || exit 1
define_plain plain </dev/null || exit 1
check "the VM is given the controller" passthru attach cvm MegaRAID --yes
check "a VM of ours with its own device starts" virsh -q start cvm
virsh -q destroy cvm

# the card at the address is another one: the record says a serial number that the card there does not tell
cp "$conf" /run/lab/conf
sed -i 's/^driver=/serial=dsn:00-11-22-33-44-55-66-77\ndriver=/' "$conf"
rm -f /run/passthru/known-$hba
expect_exit 1 virsh -q start cvm
output_has "cvm does not start"
output_has "dsn:00-11-22-33-44-55-66-77"
check "it is off" is_off cvm
check "a VM that was never touched starts" virsh -q start plain
virsh -q destroy plain
cp /run/lab/conf "$conf"
check "with its own device again, it starts" virsh -q start cvm
check "the guest comes up" guest_ready cvm

# a change that dies half-way: this guest does not shut down, and detach is killed while it waits for it
passthru detach cvm MegaRAID --yes >/run/lab/detach.log 2>&1 &
pid=$!
check "a detach is under way" wait_for 60 sh -c 'passthru recover --dry-run | grep -q "is under way"'
kill -KILL $pid
wait $pid
virsh -q destroy cvm
expect_exit 1 virsh -q start cvm
output_has "was cut off"
output_has "passthru recover"
check "it is off" is_off cvm
check "a VM that was never touched starts meanwhile" virsh -q start plain
virsh -q destroy plain
check "recover may start it: it ran before the change" passthru recover
check "the VM runs" is_running cvm
virsh -q destroy cvm
check "after recover everybody may start it" virsh -q start cvm

# the journal is lost: nobody knows whether a change was cut off
virsh -q destroy cvm
rm -f /var/lib/passthru/journal.db*
expect_exit 1 virsh -q start cvm
output_has "there is no journal in /var/lib/passthru"
output_has "passthru recover"
check "a VM that was never touched starts all the same" virsh -q start plain
virsh -q destroy plain
check "recover begins a new journal" passthru recover
check "with it, the VM starts" virsh -q start cvm
