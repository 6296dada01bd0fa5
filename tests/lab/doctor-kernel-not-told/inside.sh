# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
. "$LAB/inside/lib.sh"

# What a Debian host has; the fix is to be given in this host's own words.
mkdir -p /etc/default
echo 'GRUB_CMDLINE_LINUX="intel_iommu=off"' >/etc/default/grub

start_libvirt || exit 1
expect_exit 3 passthru doctor
output_has intel_iommu=off
output_has intel_iommu=on
output_has "is told not to use it"
define_cvm || exit 1
remember
expect_exit 3 passthru attach cvm MegaRAID --yes
output_has intel_iommu
unchanged "nothing changed"
