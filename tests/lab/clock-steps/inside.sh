# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# One server, no guest.  CLOCK_REALTIME is set (a time namespace would not do that), for etcd, agents and clients alike.
. "$LAB/inside/lib.sh"

nic=0000:21:00.0
steps=/run/lab/steps
echo 0 >$steps

# an hour on, two back, an hour on: at changing distances
step_on_and_on()
{
	n=0
	while [ -e /run/lab/stepping ]; do
		for by in +1 -2 +1; do
			date -s "$by hours" >/dev/null && n=$((n + 1))
			echo $n >$steps
			sleep 0.$((1 + n % 4))
		done
	done
}

up()
{
	cut -d' ' -f1 /proc/uptime
}

# did that take at least A and at most B seconds, by the clock that nobody sets?  Slow is no fault: a step is an hour
took()
{
	awk -v from="$3" -v to="$(up)" -v a="$1" -v b="$2" 'BEGIN { print "took", to - from, "s"; exit !(to - from >= a && to - from <= b) }'
}

mkdir -p /etc/passthru
cat >/etc/passthru/passthru.conf <<'END'
[pci]
device_spec = { "vendor_id": "8086", "product_id": "10d3" }
alias = { "vendor_id": "8086", "product_id": "10d3", "device_type": "type-PCI", "name": "nic" }
[store]
backend = etcd
endpoints = http://127.0.0.1:2379
user = root
password_file = /run/lab/password
END
(umask 077; echo secret >/run/lab/password)

touch /run/lab/stepping
step_on_and_on &
stepper=$!

check "no device has two owners, and nothing is lost, on both stores, while the clock steps" \
	env PT_LINEAR_SLOW=1 PT_LINEAR="4 4 40" "$PT_BUILD/tests/test-unit-linear"
echo "steps so far: $(cat $steps)"

# one member with users, whose tokens end after five seconds
etcd --data-dir /run/lab/etcd --auth-token-ttl 5 --bcrypt-cost 4 --listen-client-urls http://127.0.0.1:2379 \
	--advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2390 \
	--initial-advertise-peer-urls http://127.0.0.1:2390 --initial-cluster default=http://127.0.0.1:2390 \
	--log-level error --unsafe-no-fsync >/run/lab/etcd.log 2>&1 &
etcd=$!
export ETCDCTL_API=3
check "etcd answers" wait_for 60 etcdctl endpoint health
expect_exit 0 etcdctl role add root
expect_exit 0 etcdctl user add root:secret
expect_exit 0 etcdctl user grant-role root root
expect_exit 0 etcdctl auth enable

# an agent that cannot ask libvirt gives nothing
start_libvirt || exit 1
"$PT_BUILD/passthrud" --name lab1 --look-only --lease 10 >/run/lab/passthrud.log 2>&1 &
agent=$!
agent_runs()
{
	passthru fleet hosts | grep "^lab1 " | grep -q alive
}
check "the host is in the fleet" wait_for 180 agent_runs

# the plan of a change, as its API gives it: the real program, on real devices; on a machine that is busy it takes its time
plan_is_told()
{
	curl -sS --unix-socket /run/passthru/passthrud.sock -H 'Content-Type: application/json' \
		-d '{"verb": "reserve", "devices": ["0000:21:00.0"]}' http://localhost/v1/plans >/run/lab/plan && grep -q '"plan"' /run/lab/plan
}
check "its API tells the plan of a change" wait_for 240 plan_is_told
cat /run/lab/plan
check "which is not made" grep -q '"made": *false' /run/lab/plan
check "and nothing was changed" has_driver $nic e1000e

# longer than its lease, and than a token lasts
lost=0
began=$(up)
for _ in 1 2 3 4 5 6 7 8; do
	agent_runs || lost=$((lost + 1))
	sleep 2
done
check "for longer than its lease and its token it is never lost" test $lost = 0
check "and that was longer" took 16 1000 "$began"

expect_exit 0 passthru claim nic:1 --for a --host lab1
claim=$(passthru claims --for a | awk '/^c-/ { print $1 }')
began=$(up)
expect_exit 3 passthru claim nic:1 --for b --host lab1 --wait 12
check "who waits twelve seconds waits so long" took 11 200 "$began"
(sleep 6; passthru release "$claim" --no-wait) >/run/lab/release.log 2>&1 &
began=$(up)
expect_exit 0 passthru claim nic:1 --for b --host lab1 --wait 100
check "and who waits for what is given back has it then" took 4 200 "$began"
claim=$(passthru claims --for b | awk '/^c-/ { print $1 }')

kill -9 $agent
wait $agent
is_lost()
{
	passthru fleet hosts | grep "^lab1 " | grep -qi lost
}
began=$(up)
check "an agent that is killed is lost" wait_for 60 is_lost
check "after its lease" took 3 200 "$began"
expect_exit 0 passthru release "$claim" --no-wait

# changes of this host: each is after the one before it, whatever the clock says
rm /run/lab/stepping
wait $stepper
expect_exit 0 passthru reserve $nic --yes
date -s "-1 hours" >/dev/null
expect_exit 0 passthru release $nic --yes
date -s "+1 hours" >/dev/null
expect_exit 0 passthru reserve $nic --yes
date -s "-1 hours" >/dev/null
expect_exit 0 passthru undo --yes
output_has_not "nothing"
check "the last one is undone, by its order" has_driver $nic e1000e
expect_exit 0 passthru history
check "the clock has stepped" test "$(cat $steps)" -gt 20
echo "steps: $(cat $steps)"
kill $etcd
wait $etcd
save /run/lab/passthrud.log
save /run/lab/etcd.log
