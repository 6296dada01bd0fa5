# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
hba=0000:01:00.0

# how often the host's driver probed a device in this boot
hba_probes()
{
	awk '$1 == "hba_probe" { print $2 }' /sys/kernel/tracing/kprobe_profile
}
