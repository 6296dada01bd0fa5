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
	static const struct pt_lazy_function functions[] = { PT_LIBVIRT(FUNCTION){ NULL, 0 } };
	static atomic_bool qemu_loaded;
	static atomic_bool loaded;
	int r = pt_lazy_load(qemu, qemu_functions, &pt_libvirt, &qemu_loaded, err);

	return r < 0 ? r : pt_lazy_load(whole, functions, &pt_libvirt, &loaded, err);
}
