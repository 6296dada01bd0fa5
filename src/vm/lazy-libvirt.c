/* SPDX-License-Identifier: Apache-2.0 */
#define PT_LAZY_PLAIN_NAMES
#include "vm/lazy-libvirt.h"

#define FUNCTION(name) { #name, offsetof(struct pt_libvirt, name) },

struct pt_libvirt pt_libvirt;

int pt_libvirt_load(struct pt_error *err)
{
	static const char *const qemu[] = { "libvirt-qemu.so.0", NULL };
	static const char *const whole[] = { "libvirt.so.0", NULL };
	static const struct pt_lazy_function qemu_functions[] = { PT_LIBVIRT_QEMU(FUNCTION){ NULL, 0 } };
	static const struct pt_lazy_function whole_functions[] = { PT_LIBVIRT(FUNCTION){ NULL, 0 } };
	int r;

	if (pt_libvirt.virSetErrorFunc)
		return 0;
	r = pt_lazy_load(qemu, qemu_functions, &pt_libvirt, err);
	return r < 0 ? r : pt_lazy_load(whole, whole_functions, &pt_libvirt, err);
}
