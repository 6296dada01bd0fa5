/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "users-fixture.h"

static void add_framebuffer(struct users_fixture *f, const char *bdf, const char *name)
{
	const char *pci = fakesys_pci_path(f->sys, bdf);
	pt_autofree char *dev = pt_strf("%s/graphics/%s/dev", pci, name);
	pt_autofree char *link = pt_strf("sys/class/graphics/%s", name);
	pt_autofree char *target = pt_strf("../../%s/graphics/%s", pci + strlen("sys/"), name);

	fakesys_file(f->sys, dev, "29:0\n");
	fakesys_link(f->sys, link, target);
}

static void bind_console(struct users_fixture *f, const char *bound)
{
	fakesys_file(f->sys, "sys/class/vtconsole/vtcon0/name", "(S) dummy device\n");
	fakesys_file(f->sys, "sys/class/vtconsole/vtcon0/bind", "1\n");
	fakesys_file(f->sys, "sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
	fakesys_file(f->sys, "sys/class/vtconsole/vtcon1/bind", "%s\n", bound);
}

static void the_display_that_the_host_booted_with_is_the_console(void **state)
{
	struct users_fixture *f = *state;

	fakesys_attr(f->sys, GPU, "boot_vga", "1");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_CONSOLE, "the display that this host booted with");
	assert_string_equal(f->uses.v[0].where, "/sys/bus/pci/devices/" GPU "/boot_vga");
}

static void a_second_display_is_free(void **state)
{
	struct users_fixture *f = *state;

	fakesys_attr(f->sys, GPU, "boot_vga", "0");
	users_look(f, GPU);
	users_expect_none(f);
}

static void a_boot_display_that_vfio_has_already_is_no_console(void **state)
{
	struct users_fixture *f = *state;

	fakesys_attr(f->sys, GPU, "boot_vga", "1");
	users_add_device(f, GPU, 0x030000, "vfio-pci", NULL);
	users_look(f, GPU);
	users_expect_none(f);
}

static void a_mediated_device_is_a_use_of_its_parent(void **state)
{
	struct users_fixture *f = *state;

	fakesys_link(f->sys, "sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
		     "../../../devices/pci0000:81/" GPU "/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_MEDIATED, "mediated device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	users_look(f, NIC);
	users_expect_none(f);
}

static void the_framebuffer_that_the_text_console_is_on_is_a_use(void **state)
{
	struct users_fixture *f = *state;

	add_framebuffer(f, GPU, "fb0");
	bind_console(f, "1");
	users_look(f, GPU);
	users_expect_only(f, PT_USE_CONSOLE, "framebuffer fb0 > text console vtcon1");
}

static void a_framebuffer_without_a_console_on_it_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	add_framebuffer(f, GPU, "fb0");
	bind_console(f, "0");
	users_look(f, GPU);
	users_expect_none(f);
}

static void a_second_cards_framebuffer_is_no_use(void **state)
{
	struct users_fixture *f = *state;

	add_framebuffer(f, HBA, "fb2");
	add_framebuffer(f, GPU, "fb10");
	bind_console(f, "1");
	users_look(f, GPU);
	users_expect_none(f);
	add_framebuffer(f, GPU, "fb3");
	users_look(f, GPU);
	users_expect_none(f);
}

static void the_kernels_serial_console_on_a_pci_card_is_a_use(void **state)
{
	struct users_fixture *f = *state;

	fakesys_file(f->sys, "proc/consoles",
		     "tty0                 -WU (EC p  )    4:1\n"
		     "ttyS4                -W- (E  p a)    4:68\n"
		     "netcon0              -W- (E     )\n");
	fakesys_link(f->sys, "sys/dev/char/4:68", "../../devices/pci0000:41/" NIC "/tty/ttyS4");
	users_look(f, NIC);
	users_expect_only(f, PT_USE_CONSOLE, "ttyS4 > the kernel's console");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, users_setup, users_teardown)
	const struct CMUnitTest tests[] = {
		T(the_display_that_the_host_booted_with_is_the_console),
		T(a_second_display_is_free),
		T(a_boot_display_that_vfio_has_already_is_no_console),
		T(a_mediated_device_is_a_use_of_its_parent),
		T(the_framebuffer_that_the_text_console_is_on_is_a_use),
		T(a_framebuffer_without_a_console_on_it_is_no_use),
		T(a_second_cards_framebuffer_is_no_use),
		T(the_kernels_serial_console_on_a_pci_card_is_a_use),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
