# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# As a driver that is built in, or one in an initramfs that does not know of the reservation.
modprobe megaraid_sas
