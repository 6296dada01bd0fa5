# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What stands beside the two servers, set up as docs/fleet.md says: an etcd of three members with TLS and users, simulated
# hosts in it, and a web server for what an administrator would take to the hosts by hand.
set -eu
url1=https://127.0.0.1:$PT_PORT1 url2=https://127.0.0.1:$PT_PORT2 url3=https://127.0.0.1:$PT_PORT3
peer1=https://127.0.0.1:$PT_PORT4 peer2=https://127.0.0.1:$PT_PORT5 peer3=https://127.0.0.1:$PT_PORT6

# with us: what is started goes when this is gone
with_us()
{
	setpriv --pdeathsig KILL "$@"
}

member()
{
	# two threads are enough, and leave the others' processors alone
	GOMAXPROCS=2 with_us etcd --name "m$1" --data-dir "m$1" --listen-client-urls "$2" --advertise-client-urls "$2" \
		--listen-peer-urls "$3" --initial-advertise-peer-urls "$3" \
		--initial-cluster "m1=$peer1,m2=$peer2,m3=$peer3" --initial-cluster-token lab \
		--cert-file server.pem --key-file server.key \
		--peer-cert-file server.pem --peer-key-file server.key --peer-trusted-ca-file public/ca.pem --peer-client-cert-auth \
		--auto-compaction-retention 1h --unsafe-no-fsync --logger zap --log-level warn >"m$1.log" 2>&1 &
}

ctl()
{
	ETCDCTL_API=3 etcdctl --endpoints "$url1,$url2,$url3" --cacert public/ca.pem --command-timeout 30s "$@"
}

umask 077
mkdir public
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/O=lab/OU=fleet' \
	-keyout ca.key -out public/ca.pem 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/O=lab/OU=etcd' \
	-CA public/ca.pem -CAkey ca.key -addext 'subjectAltName=IP:127.0.0.1,IP:10.0.2.2' \
	-keyout server.key -out server.pem 2>/dev/null
openssl rand -hex 16 >public/root-password

member 1 "$url1" "$peer1"
member 2 "$url2" "$peer2"
member 3 "$url3" "$peer3"
tries=0
until ctl endpoint health --cluster >health.log 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat m*.log health.log; exit 1; }
	sleep 0.2
done
ctl role add root
ctl user add "root:$(cat public/root-password)"
ctl user grant-role root root
ctl auth enable

printf '%s\n' '[store]' 'backend = etcd' "endpoints = $url1, $url2, $url3" "ca_file = $PWD/public/ca.pem" \
	'user = root' "password_file = $PWD/public/root-password" >simulated.conf
with_us "$PT_BUILD/passthrud" --simulate 40 --seed 7 --events 2 --config "$PWD/simulated.conf" >simulated.log 2>&1 &
echo yes >public/ready
exec python3 -m http.server --bind 127.0.0.1 --directory public "$PT_PORT8" 2>/dev/null
