# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
start_libvirt || exit 1
# another one like it, of which there are only recorded facts
facts=$(passthru facts --json | sed 's/"hostname": "server2"/"hostname": "equal"/; s/\("host_uuid": ".*\)2"/\13"/')
tell equal "$(echo "$facts" | gzip -9 | base64 -w0)"
serve
