/* SPDX-License-Identifier: Apache-2.0 */
/* `passthru facts --capture`: a host goes into a tar and comes out the same, but for what names it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fakesys.h"
#include "host/capture.h"
#include "program.h"

#define HBA "0000:01:00.0"
#define NIC "0000:41:00.0"

/* whatever names this host or its parts, in every form that stands in the fixture */
static const char *const secrets[] = {
	"S455NY0K100001",
	"s455ny0k100001",
	"S455NY0K100002",
	"53343535",	    /* a serial in hexadecimal */
	"5002538e00001001", /* WWN */
	"52:54:00:12:34:56",
	"525400123456",
	"505400fffe123456",		    /* the same in an IPv6 address */
	"\x56\x34\x12\xff\xff\x00\x54\x52", /* and in a Device Serial Number */
	"rack7-node3",
	"rack7--node3",
	"8c2f0d3e-1111-4222-8333-123456789abc",
	"8c2f0d3e111142228333123456789abc",
	"ABCD-4711",
	"aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",
};

struct test {
	struct fakesys *sys;
	char *tar;
	char *raw;
};

static void add_disks(struct fakesys *sys)
{
	fakesys_add_pci(sys, HBA, 0x1000, 0x5d, 0x010400, "megaraid_sas", 14);
	fakesys_add_disk(sys, HBA, "sda", 8, 0, "S455NY0K100001");
	fakesys_add_partition(sys, "sda", "sda1", 8, 1);
	fakesys_add_disk(sys, HBA, "sdb", 8, 16, "S455NY0K100002");
	fakesys_file(sys, "sys/class/block/sda/device/wwid", "naa.5002538e00001001\n");
	fakesys_dev_link(sys, "disk/by-id/wwn-0x5002538e00001001", "sda");
	fakesys_dev_link(sys, "disk/by-id/ata-SAMSUNG_MZ7LH1T9_S455NY0K100001", "sda");
	fakesys_dev_link(sys, "disk/by-id/scsi-35002538e00001001", "sda");
	fakesys_dev_link(sys, "disk/by-uuid/ABCD-4711", "sda1");
	fakesys_file(sys, "run/udev/data/b8:0",
		     "S:disk/by-id/wwn-0x5002538e00001001\nE:ID_SERIAL_SHORT=S455NY0K100001\n"
		     "E:ID_SERIAL=SAMSUNG_MZ7LH1T9_S455NY0K100001\nE:ID_WWN=0x5002538e00001001\nE:ID_MODEL=SAMSUNG_"
		     "MZ7LH1T9\n");
	fakesys_file(sys, "run/udev/data/b8:1", "E:ID_FS_UUID=ABCD-4711\nE:ID_FS_TYPE=vfat\n");
	fakesys_add_disk(sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_hold(sys, "sda1", "dm-0");
	fakesys_file(sys, "sys/class/block/dm-0/dm/name", "rack7--node3-root\n");
	fakesys_file(sys, "sys/class/block/dm-0/dm/uuid",
		     "LVM-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345aBcDeFgHiJkLmNoPqRsTuVwXyZ678901\n");
	fakesys_dev_link(sys, "mapper/rack7--node3-root", "dm-0");
	fakesys_add_pci(sys, "0000:02:00.0", 0x144d, 0xa80a, 0x010802, "nvme", 15);
	fakesys_add_disk(sys, "0000:02:00.0", "nvme0n1", 259, 0, "S455NY0K100001");
	fakesys_file(sys, "sys/class/block/nvme0n1/wwid",
		     "nvme.144d-53343535"
		     "4e59304b313030303031-4d6f64656c-00000001\n");
}

static void add_network(struct fakesys *sys)
{
	unsigned char config[4096] = { 0x86, 0x80, 0xd3, 0x10 };
	pt_autofree char *path = NULL;

	fakesys_bridge(sys, "0000:40:00.0", 0x41, 20);
	fakesys_add_pci(sys, NIC, 0x8086, 0x10c9, 0x020000, "igb", 21);
	fakesys_sriov(sys, NIC, 7);
	fakesys_add_vf(sys, NIC, 0, "0000:41:10.0", 0x10ca, "vfio-pci", 22);
	fakesys_add_net(sys, NIC, "enx525400123456", "52:54:00:12:34:56");
	path = pt_strf("%s/config", fakesys_pci_path(sys, NIC));
	memcpy(config + 0x100, "\x03\x00\x01\x00\x56\x34\x12\xff\xff\x00\x54\x52", 12);
	fakesys_data(sys, path, config, sizeof(config));
}

static void add_files(struct fakesys *sys)
{
	fakesys_iommu(sys, "dmar0");
	fakesys_file(sys, "proc/sys/kernel/hostname", "rack7-node3\n");
	fakesys_file(sys, "proc/sys/kernel/osrelease", "6.12.0-test\n");
	fakesys_file(
		sys, "proc/cmdline",
		"root=/dev/mapper/rack7--node3-root resume=UUID=8c2f0d3e-1111-4222-8333-123456789abc intel_iommu=on\n");
	fakesys_file(sys, "proc/meminfo", "MemTotal: 16384 kB\nMemAvailable: 8192 kB\n");
	fakesys_file(sys, "proc/net/if_inet6", "fe80000000000000505400fffe123456 02 40 20 80 enx525400123456\n");
	fakesys_file(sys, "proc/self/mountinfo",
		     "22 1 253:0 / / rw - ext4 /dev/mapper/rack7--node3-root rw\n"
		     "23 22 0:5 / /mnt/luks-8c2f0d3e111142228333123456789abc rw - tmpfs none rw\n");
	fakesys_file(sys, "etc/hostname", "rack7-node3\n");
	fakesys_file(sys, "etc/os-release", "ID=debian\n");
	fakesys_file(sys, "etc/shadow", "root:secret\n");
	fakesys_file(sys, "names", "1000:005d:0000:0000:010400\tBroadcom / LSI\tMegaRAID SAS-3 3108\tRAID\n");
	fakesys_data(sys, "sys/firmware/acpi/tables/DMAR", "DMAR\0\x01", 6);
	fakesys_file(sys, "sys/module/vfio_pci/parameters/ids", "\n");
	fakesys_file(sys, "usr/lib/modules/6.12.0-test/modules.alias",
		     "alias pci:v00008086d000010C9sv*sd*bc*sc*i* igb\nalias pci:v000015B3d*sv*sd*bc*sc*i* mlx5_core\n");
}

static int setup(void **state)
{
	struct test *t = pt_alloc(sizeof(*t));

	t->sys = fakesys_new();
	add_disks(t->sys);
	add_network(t->sys);
	add_files(t->sys);
	t->tar = pt_strf("%s/host.tar", t->sys->dir);
	t->raw = pt_strf("%s/raw.tar", t->sys->dir);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	fakesys_free(t->sys);
	free(t->tar);
	free(t->raw);
	free(t);
	return 0;
}

static char *say(const char *line, const char *sysroot)
{
	struct program p;

	program_run(&p, line, sysroot);
	if (p.status != 0)
		fail_msg("%s --sysroot %s: %s", line, sysroot, p.err);
	free(p.err);
	return p.out;
}

static void capture(struct test *t, bool raw)
{
	pt_autofree char *line = pt_strf("passthru facts --capture %s%s", raw ? t->raw : t->tar, raw ? " --raw" : "");
	pt_autofree char *out = say(line, t->sys->dir);

	assert_non_null(strstr(out, "devices"));
}

static void assert_same_answer(const char *line, const char *a, const char *b)
{
	pt_autofree char *of_a = say(line, a);
	pt_autofree char *of_b = say(line, b);

	for (size_t i = 0; of_a[i] || of_b[i]; i++)
		if (of_a[i] != of_b[i])
			fail_msg("%s differs at byte %zu: '%.300s' and '%.300s'", line, i, of_a + (i < 99 ? 0 : i - 99),
				 of_b + (i < 99 ? 0 : i - 99));
}

static bool contains(const char *data, size_t size, const char *what)
{
	return memmem(data, size, what, strlen(what)) != NULL;
}

static void a_raw_capture_answers_as_the_host_itself(void **state)
{
	struct test *t = *state;

	capture(t, true);
	assert_same_answer("passthru facts", t->sys->dir, t->raw);
	assert_same_answer("passthru list all", t->sys->dir, t->raw);
	assert_same_answer("passthru list --json", t->sys->dir, t->raw);
}

static void nothing_that_names_the_host_is_in_the_tar(void **state)
{
	struct test *t = *state;
	pt_autofree char *data = NULL;
	size_t size;

	capture(t, true);
	assert_int_equal(pt_file_read(t->sys->root.root_fd, "raw.tar", PT_FILE_MAX, &data, &size), 0);
	assert_true(contains(data, size, "S455NY0K100001") && contains(data, size, "rack7--node3"));
	free(data);
	capture(t, false);
	assert_int_equal(pt_file_read(t->sys->root.root_fd, "host.tar", PT_FILE_MAX, &data, &size), 0);
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		if (contains(data, size, secrets[i]))
			fail_msg("'%s' is in the tar", secrets[i]);
	/* in the list of devices, bytes are written in hexadecimal */
	assert_false(contains(data, size, "563412FFFF005452"));
	assert_false(contains(data, size, "root:secret"));
	/* what is no secret has stayed */
	assert_true(contains(data, size, "SAMSUNG_MZ7LH1T9"));
	assert_true(contains(data, size, "intel_iommu=on"));
	assert_true(contains(data, size, "ID=debian"));
}

/* every secret in @text by its replacement in @with, found by comparing both word by word */
static void assert_same_but_names(const char *a, const char *b)
{
	while (*a && *b) {
		size_t n = strcspn(a, " \n\"");
		size_t m = strcspn(b, " \n\"");
		bool secret = false;

		for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
			secret = secret || memmem(a, n, secrets[i], strlen(secrets[i]));
		/* the name of an interface made of a MAC is as long as before, and so is everything else */
		if (n != m || (!secret && strncmp(a, b, n) != 0))
			fail_msg("'%.*s' became '%.*s'", (int)n, a, (int)m, b);
		if (secret && strncmp(a, b, n) == 0)
			fail_msg("'%.*s' stayed", (int)n, a);
		a += n + (a[n] != '\0');
		b += m + (b[m] != '\0');
	}
	assert_string_equal(a, b);
}

static void a_nameless_capture_answers_the_same_but_for_names(void **state)
{
	struct test *t = *state;
	pt_autofree char *live = say("passthru list all", t->sys->dir);
	pt_autofree char *captured = NULL;

	capture(t, false);
	captured = say("passthru list all", t->tar);
	assert_same_but_names(live, captured);
	assert_non_null(strstr(captured, "enx525400f00001"));
}

static void the_same_disk_has_the_same_new_name_everywhere(void **state)
{
	struct test *t = *state;
	struct pt_root root;
	pt_autofree char *facts = NULL;

	capture(t, false);
	assert_int_equal(pt_root_open(t->tar, &root, NULL), 0);
	assert_int_equal(pt_file_exists(root.dev_fd, "disk/by-id/ata-SAMSUNG_MZ7LH1T9_XXXXXXXXXXXXX1"), 1);
	assert_int_equal(pt_file_exists(root.dev_fd, "disk/by-id/wwn-0x5000000000000001"), 1);
	assert_int_equal(pt_file_exists(root.dev_fd, "disk/by-id/scsi-35000000000000001"), 1);
	pt_root_done(&root);
	facts = say("passthru facts", t->tar);
	assert_non_null(strstr(facts, "\"serial\": \"XXXXXXXXXXXXX1\""));
	assert_non_null(strstr(facts, "\"wwn\": \"0x5000000000000001\""));
}

static void the_same_host_makes_the_same_tar_and_compressed_ones_are_read_too(void **state)
{
	static const char *const endings[] = { "gz", "xz", "zst" };
	struct test *t = *state;
	pt_autofree char *first = NULL;
	pt_autofree char *second = NULL;
	size_t n;
	size_t m;

	capture(t, false);
	assert_int_equal(pt_file_read(t->sys->root.root_fd, "host.tar", PT_FILE_MAX, &first, &n), 0);
	capture(t, false);
	assert_int_equal(pt_file_read(t->sys->root.root_fd, "host.tar", PT_FILE_MAX, &second, &m), 0);
	assert_int_equal(n, m);
	assert_memory_equal(first, second, n);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		pt_autofree char *path = pt_strf("%s.%s", t->tar, endings[i]);
		pt_autofree char *line = pt_strf("passthru facts --capture %s", path);

		free(say(line, t->sys->dir));
		assert_same_answer("passthru list all", t->tar, path);
	}
}

static void the_file_is_its_makers_alone(void **state)
{
	struct test *t = *state;
	struct stat st;

	capture(t, false);
	assert_int_equal(stat(t->tar, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_place_that_cannot_be_written_to_is_named(void **state)
{
	struct test *t = *state;
	struct program p;

	program_run(&p, "passthru facts --capture /nonexistent/x.tar", t->sys->dir);
	assert_int_equal(p.status, 2);
	assert_non_null(strstr(p.err, "--capture /nonexistent/x.tar: No such file or directory"));
	program_done(&p);
	program_run(&p, "passthru facts --raw", t->sys->dir);
	assert_int_equal(p.status, 2);
	assert_non_null(strstr(p.err, "needs --capture"));
	program_done(&p);
}

/* the other reader of this format */
static void umockdev_loads_it(void **state)
{
	struct test *t = *state;
	pt_autofree char *devices = pt_strf("%s/capture/devices.umockdev", t->sys->dir);
	pt_autofree char *command =
		pt_strf("mkdir -p %s/capture && tar xf %s -C %s/capture && head -c 3 %s && umockdev-run -d %s -- cat "
			"/sys/bus/pci/devices/" HBA "/vendor /sys/class/net/enx525400f00001/address "
			"/sys/class/block/sda/dev /sys/bus/pci/devices/0000:41:10.0/physfn/sriov_totalvfs 2>&1",
			t->sys->dir, t->tar, t->sys->dir, devices, devices);
	char out[1024];
	FILE *p;
	size_t n;

	if (access("/usr/bin/umockdev-run", X_OK) < 0)
		skip();
	capture(t, false);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	assert_int_equal(WEXITSTATUS(pclose(p)), 0);
	assert_string_equal(out, "P: 0x1000\n52:54:00:f0:00:01\n8:0\n7\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_raw_capture_answers_as_the_host_itself),
		TEST(nothing_that_names_the_host_is_in_the_tar),
		TEST(a_nameless_capture_answers_the_same_but_for_names),
		TEST(the_same_disk_has_the_same_new_name_everywhere),
		TEST(the_same_host_makes_the_same_tar_and_compressed_ones_are_read_too),
		TEST(the_file_is_its_makers_alone),
		TEST(a_place_that_cannot_be_written_to_is_named),
		TEST(umockdev_loads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
