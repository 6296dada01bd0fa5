# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The same etcd and simulated hosts as beside two servers.
. "$PT_SOURCE/tests/lab/fleet/outside.sh"
