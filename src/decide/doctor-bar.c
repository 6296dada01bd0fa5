/* SPDX-License-Identifier: Apache-2.0 */
/* Do a device's BARs fit into what a guest can map? */
#include <stdlib.h>

#include "base/cleanup.h"
#include "decide/doctor.h"

/* include/linux/ioport.h; stable, since sysfs shows them */
#define RESOURCE_MEM	0x00000200
#define RESOURCE_MEM_64 0x00100000

#define GIB (UINT64_C(1) << 30)
/* what QEMU's q35 (pci-hole64-size) and OVMF without better knowledge set aside above guest memory */
#define CLASSIC_WINDOW (32 * GIB)
/* OVMF places the window below this many address bits, since older guests fail with more */
#define OVMF_BITS_MAX 46

static uint64_t round_up_pow2(uint64_t n)
{
	uint64_t power = 1;

	while (power < n && power < UINT64_C(1) << 63)
		power <<= 1;
	return power;
}

static char *bytes(uint64_t n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;

	while (n >= 1024 && n % 1024 == 0 && unit < 6) {
		n /= 1024;
		unit++;
	}
	return pt_strf("%llu %s", (unsigned long long)n, units[unit]);
}

/* the sum of the 64-bit memory BARs, the size of the largest BAR of all, and its index; -1 when there is none */
static int largest(const struct pt_device *d, uint64_t *ret_size, uint64_t *ret_window)
{
	int index = -1;

	*ret_size = 0;
	*ret_window = 0;
	for (int i = 0; i < 6; i++) {
		const struct pt_bar *bar = &d->bars[i];

		if (!(bar->flags & RESOURCE_MEM) || bar->size == 0)
			continue;
		if (bar->flags & RESOURCE_MEM_64)
			*ret_window = bar->size > UINT64_MAX - *ret_window ? UINT64_MAX : *ret_window + bar->size;
		if (bar->size > *ret_size) {
			*ret_size = bar->size;
			index = i;
		}
	}
	/* BARs are aligned to their size, so that a window is filled well only in powers of two */
	*ret_window = round_up_pow2(*ret_window);
	return index;
}

static char *window_fix(uint64_t window)
{
	pt_autofree char *text = bytes(window);

	return pt_strf("give the VM <cpu mode='host-passthrough'><maxphysaddr mode='passthrough'/></cpu>, with which a "
		       "current OVMF makes room by itself; with an older one add -fw_cfg "
		       "name=opt/ovmf/X-PciMmio64Mb,string=%llu and <pcihole64 unit='KiB'>%llu</pcihole64> (%s) to "
		       "the pcie-root controller",
		       (unsigned long long)(window >> 20), (unsigned long long)(window >> 10), text);
}

void pt_doctor_bar(const struct pt_platform *p, const struct pt_device *d, struct pt_findings *f)
{
	unsigned bits = p->cpu.phys_bits > OVMF_BITS_MAX ? OVMF_BITS_MAX : p->cpu.phys_bits;
	pt_autofree char *where = pt_strf("/sys/bus/pci/devices/%s/resource", pt_bdf_str(d->bdf).s);
	pt_autofree char *size_text = NULL;
	pt_autofree char *room_text = NULL;
	pt_autofree char *fix = NULL;
	uint64_t size;
	uint64_t window;
	uint64_t room;
	int index = largest(d, &size, &window);

	if (index < 0)
		return;
	size_text = bytes(size);
	if (window <= CLASSIC_WINDOW / 2) {
		pt_findings_add(f, PT_OK, "largest-bar", where, NULL,
				"BAR %d, %s: fits what every guest firmware can map", index, size_text);
		return;
	}
	fix = window_fix(window * 2 > window ? window * 2 : window);
	if (bits < 36) {
		pt_findings_add(
			f, PT_WARN, "largest-bar", where, fix,
			"BAR %d, %s: more than the 32 GiB that older guest firmware sets aside; how many address "
			"bits the processor has cannot be seen",
			index, size_text);
		return;
	}
	/* OVMF's dynamic window: the topmost eighth of the guest's address space */
	room = UINT64_C(1) << (bits - 3);
	room_text = bytes(room);
	if (window <= room)
		pt_findings_add(
			f, PT_WARN, "largest-bar", where, fix,
			"BAR %d, %s: more than a guest maps by default (32 GiB in all); with this processor's %u "
			"address bits a guest can have a window of %s",
			index, size_text, p->cpu.phys_bits, room_text);
	else
		pt_findings_add(
			f, PT_FAIL, "largest-bar", where,
			"make the BAR smaller, where the card can (resizable BAR: resourceN_resize), or use a host "
			"with more address bits",
			"BAR %d, %s: more than the %s that a guest can map with this processor's %u address bits",
			index, size_text, room_text, p->cpu.phys_bits);
}
