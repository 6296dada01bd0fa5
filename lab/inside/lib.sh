# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Helpers for the scripts that run inside the emulated server.  Source it first:
#	. "$LAB/inside/lib.sh"
# What is printed before a check is shown with it when the check fails.
set -u

record()
{
	printf '\n\001%s\t%s\n' "$1" "$2"
}

# ok SENTENCE, fail SENTENCE: one check each.
ok()
{
	record ok "$1"
}

fail()
{
	record fail "$1"
	return 1
}

# skip REASON: the scenario cannot run on this machine.
skip()
{
	record skip "$1"
	exit 0
}

# check SENTENCE COMMAND…: passes when the command does.
check()
{
	sentence=$1
	shift
	if "$@"; then
		ok "$sentence"
	else
		echo "(exit status $? of: $*)"
		fail "$sentence"
	fi
}

# check_not SENTENCE COMMAND…: passes when the command fails.
check_not()
{
	sentence=$1
	shift
	if "$@"; then
		echo "(did not fail: $*)"
		fail "$sentence"
	else
		ok "$sentence"
	fi
}

# expect_exit N COMMAND…: one check; the output stays in $LAB_OUTPUT for output_has.
LAB_OUTPUT=/run/lab/output
expect_exit()
{
	wanted=$1
	shift
	"$@" >"$LAB_OUTPUT" 2>&1 </dev/null
	status=$?
	echo "# $*"
	cat "$LAB_OUTPUT"
	if [ "$status" = "$wanted" ]; then
		ok "exit status $wanted: $*"
	else
		echo "(exit status $status, not $wanted)"
		fail "exit status $wanted: $*"
	fi
}

# In one line: a text that is wrapped to the width of a terminal says the same.
says()
{
	tr -s '\n\t ' ' ' <"$LAB_OUTPUT" | grep -qF -e "$1"
}

# output_has TEXT: the last expect_exit's output contains it, wherever its lines end.
output_has()
{
	if says "$1"; then
		ok "the output says: $1"
	else
		cat "$LAB_OUTPUT"
		fail "the output says: $1"
	fi
}

output_has_not()
{
	if says "$1"; then
		cat "$LAB_OUTPUT"
		fail "the output does not say: $1"
	else
		ok "the output does not say: $1"
	fi
}

# same SENTENCE FILE FILE: byte for byte.
same()
{
	if cmp -s "$2" "$3"; then
		ok "$1"
	else
		diff -u "$2" "$3" | head -n 60
		fail "$1"
	fi
}

# seconds since the server was switched on: by no clock that a scenario sets
uptime_s()
{
	cut -d. -f1 /proc/uptime
}

# wait_for SECONDS COMMAND…: until the command passes.
wait_for()
{
	limit=$(($(uptime_s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(uptime_s)" -lt "$limit" ] || return 1
		sleep 0.2
	done
}

# save FILE…: copy out of the server, to the scenario's log directory.
save()
{
	cp -r -- "$@" /run/lab/out/
}

# Several servers: what one tells, all find.
# tell WORD [TEXT]; told WORD: the text, or a failure when nobody has said the word.
tell()
{
	record tell "$1 ${2:-}"
}

told()
{
	cat "/run/lab/out/told/$1" 2>/dev/null
}

# await SECONDS WORD: until it is told; prints the text.
await()
{
	wait_for "$1" test -e "/run/lab/out/told/$2" && told "$2"
}

# serve: the script has nothing more to do; its server is there until the first server's script has ended.
serve()
{
	record serve ""
	while :; do sleep 600; done
}

# power_cut [SECONDS]: the plug is pulled, now or while the script goes on.
# power_cut SECONDS SERVER: that of another server.
power_cut()
{
	if [ $# = 2 ]; then
		record cut "$1 $2"
		return
	fi
	record cut "${1:-0}"
	[ -n "${1:-}" ] || sleep 3600
}

. "$LAB/inside/host.sh"
. "$LAB/inside/libvirt.sh"
