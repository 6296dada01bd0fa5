# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"
. "$PT_SCENARIO_DIR/helpers.sh"
start_libvirt || exit 1
make_card || exit 1
tell ready
serve
