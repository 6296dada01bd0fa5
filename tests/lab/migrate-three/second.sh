# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"
mkdir -p /run/lab/tls
await 240 certificates | base64 -d | tar xz -C /run/lab/tls || exit 1
chmod -R a+rX /run/lab/tls
# an address that its certificate does not have
ip address add 10.77.0.102/24 dev "$(ip -o -4 address show | sed -n 's/^[0-9]*: *\([^ ]*\) .* 10\.77\.0\.2\/.*/\1/p')"
use_certificates
start_libvirt || exit 1
# another one like it, of which there are only recorded facts
facts=$(passthru facts --json | sed 's/"hostname": "server2"/"hostname": "equal"/; s/\("host_uuid": ".*\)2"/\19"/')
tell equal "$(echo "$facts" | gzip -9 | base64 -w0)"

# QEMU of a VM that is on its way in
await 1200 kill
pid=$(cat /run/libvirt/qemu/vm.pid)
kill -9 "$pid"
tell killed
serve
