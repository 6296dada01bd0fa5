# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Counts every call of the host driver's probe function from before its module is loaded: a kprobe on a module's
# function waits for that module.
mount -t tracefs tracefs /sys/kernel/tracing
echo 'p:hba_probe megaraid_sas:megasas_probe_one' >/sys/kernel/tracing/kprobe_events
echo 1 >/sys/kernel/tracing/events/kprobes/hba_probe/enable
