# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
hostname lesser
start_libvirt || exit 1
tell lesser "$(passthru facts --json | gzip -9 | base64 -w0)"
serve
