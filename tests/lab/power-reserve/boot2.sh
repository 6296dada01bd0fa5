# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$PT_SCENARIO_DIR/boot.sh"
