/* SPDX-License-Identifier: Apache-2.0 */
/* What is said where VFIO cannot be asked about a group; its answers are the emulated server's (tests/lab). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fakesys.h"
#include "host/viable.h"

#define HBA FAKESYS_HBA

static const struct pt_bdf hba = { 0, 1, 0, 0 };

static void a_kernel_with_iommufd_alone_is_told_as_such(void **state)
{
	struct fakesys *sys = *state;
	struct pt_error err = { 0 };

	fakesys_mkdir(sys, "sys/bus/pci/devices/" HBA "/vfio-dev/vfio3");
	fakesys_file(sys, "dev/vfio/devices/vfio3", "\n");
	assert_int_equal(pt_viable_ask(&sys->root, hba, &err), -EOPNOTSUPP);
	assert_string_equal(err.msg,
			    "cannot ask VFIO about IOMMU group 14 of 0000:01:00.0: there is no /dev/vfio/14, only "
			    "iommufd's /dev/vfio/devices/vfio3");
	assert_non_null(strstr(err.hint, "CONFIG_VFIO_GROUP"));
}

static void a_node_that_is_missing_for_another_reason_is_not_blamed_on_the_kernel(void **state)
{
	struct fakesys *sys = *state;
	struct pt_error err = { 0 };

	fakesys_mkdir(sys, "sys/bus/pci/devices/" HBA "/vfio-dev/vfio3");
	fakesys_mkdir(sys, "dev/vfio");
	assert_int_equal(pt_viable_ask(&sys->root, hba, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot ask VFIO about IOMMU group 14 of 0000:01:00.0: there is no /dev/vfio/14");
	assert_null(strstr(err.hint, "CONFIG_VFIO_GROUP"));
	assert_non_null(strstr(err.hint, "/dev/vfio"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fakesys_setup_hba, fakesys_teardown)
	const struct CMUnitTest tests[] = {
		T(a_kernel_with_iommufd_alone_is_told_as_such),
		T(a_node_that_is_missing_for_another_reason_is_not_blamed_on_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
