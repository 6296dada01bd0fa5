/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define NO_GROUP (-1)

/* one function: the short form of struct fakesys_pci */
struct row {
	const char *bdf;
	uint16_t vendor;
	uint16_t device;
	uint16_t subvendor;
	uint16_t subdevice;
	uint32_t class_code;
	const char *driver;
	int group;
	int node;
	const char *reset;
};

static void add_rows(struct fakesys *sys, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fakesys_add_pci_full(sys, &(struct fakesys_pci){
						  .bdf = rows[i].bdf,
						  .vendor = rows[i].vendor,
						  .device = rows[i].device,
						  .subvendor = rows[i].subvendor,
						  .subdevice = rows[i].subdevice,
						  .class_code = rows[i].class_code,
						  .driver = rows[i].driver,
						  .group = rows[i].group,
						  .numa_node = rows[i].node,
						  .reset_method = rows[i].reset,
					  });
}

static void add_common_files(struct fakesys *sys, const char *cmdline)
{
	fakesys_file(sys, "proc/sys/kernel/hostname", "example\n");
	fakesys_file(sys, "proc/sys/kernel/osrelease", "6.12.0-golden\n");
	fakesys_file(sys, "proc/cmdline", "%s\n", cmdline);
	fakesys_file(sys, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	fakesys_file(sys, "proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n");
	fakesys_file(sys, "usr/lib/modules/6.12.0-golden/modules.alias",
		     "alias pci:v00001000d0000005Dsv*sd*bc*sc*i* megaraid_sas\n"
		     "alias pci:v000014E4d0000165Fsv*sd*bc*sc*i* tg3\n"
		     "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n"
		     "alias pci:v000015B3d00001021sv*sd*bc*sc*i* mlx5_core\n"
		     "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"
		     "alias pci:v*d*sv*sd*bc01sc08i02* nvme\n"
		     "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
		     "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n");
}

static void add_system_disk(struct fakesys *sys)
{
	fakesys_add_disk(sys, "0000:00:1f.2", "sdd", 8, 48, "BTTV42310DZ120LGN");
	fakesys_add_partition(sys, "sdd", "sdd1", 8, 49);
	fakesys_add_partition(sys, "sdd", "sdd2", 8, 50);
	fakesys_add_disk(sys, NULL, "dm-0", 253, 0, NULL);
	fakesys_hold(sys, "sdd2", "dm-0");
	fakesys_file(sys, "sys/class/block/dm-0/dm/name", "ahv-root\n");
	fakesys_file(sys, "sys/class/block/dm-0/dm/uuid",
		     "LVM-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345aBcDeFgHiJkLmNoPqRsTuVwXyZ678901\n");
	fakesys_dev_link(sys, "disk/by-id/ata-INTEL_SSDSC2BB120G4_BTTV42310DZ120LGN", "sdd");
	fakesys_dev_link(sys, "mapper/ahv-root", "dm-0");
	fakesys_file(sys, "proc/self/mountinfo",
		     "22 1 253:0 / / rw,relatime - ext4 /dev/mapper/ahv-root rw\n"
		     "30 22 8:49 / /boot/efi rw,relatime - vfat /dev/sdd1 rw\n");
}

void host_dell_r530(struct fakesys *sys)
{
	static const struct row before[] = {
		{ "0000:00:00.0", 0x8086, 0x2f00, 0x1028, 0x0639, 0x060000, NULL, 0, 0, NULL },
		{ "0000:00:14.0", 0x8086, 0x8d31, 0x1028, 0x0639, 0x0c0330, "xhci_hcd", 11, 0, NULL },
		{ "0000:00:1f.0", 0x8086, 0x8d44, 0x1028, 0x0639, 0x060100, "lpc_ich", 13, 0, NULL },
		{ "0000:00:1f.2", 0x8086, 0x8d02, 0x1028, 0x0639, 0x010601, "ahci", 13, 0, NULL },
		{ "0000:00:1f.3", 0x8086, 0x8d22, 0x1028, 0x0639, 0x0c0500, "i801_smbus", 13, 0, NULL },
		{ "0000:7f:08.0", 0x8086, 0x2f80, 0x1028, 0x0639, 0x088000, NULL, 40, 0, NULL },
		{ "0000:7f:12.1", 0x8086, 0x2f30, 0x1028, 0x0639, 0x110100, "hswep_uncore", 41, 0, NULL },
	};
	static const struct row behind[] = {
		{ "0000:01:00.0", 0x1000, 0x005d, 0x1028, 0x1f49, 0x010400, "megaraid_sas", 14, 0, "flr pm bus" },
		{ "0000:02:00.0", 0x14e4, 0x165f, 0x1028, 0x0639, 0x020000, "tg3", 15, 0, "flr pm" },
		{ "0000:02:00.1", 0x14e4, 0x165f, 0x1028, 0x0639, 0x020000, "tg3", 15, 0, "flr pm" },
		{ "0000:06:00.0", 0x102b, 0x0534, 0x1028, 0x0639, 0x030000, "mgag200", 16, 0, "bus" },
	};

	add_rows(sys, before, sizeof(before) / sizeof(*before));
	fakesys_bridge(sys, "0000:00:01.0", 1, 1);
	fakesys_bridge(sys, "0000:00:02.0", 2, 2);
	fakesys_bridge(sys, "0000:00:1c.7", 6, 12);
	add_rows(sys, behind, sizeof(behind) / sizeof(*behind));
	for (unsigned i = 0; i < 3; i++) {
		char name[] = { 's', 'd', (char)('a' + i), '\0' };
		pt_autofree char *serial = pt_strf("S455NY0K10000%u", i + 1);
		pt_autofree char *by_id = pt_strf("disk/by-id/ata-SAMSUNG_MZ7LH1T9HMLT-00005_%s", serial);
		pt_autofree char *by_wwn = pt_strf("disk/by-id/wwn-0x5002538e0000000%u", i + 1);

		fakesys_add_disk(sys, "0000:01:00.0", name, 8, 16 * i, serial);
		fakesys_dev_link(sys, by_id, name);
		fakesys_dev_link(sys, by_wwn, name);
	}
	add_system_disk(sys);
	fakesys_add_net(sys, "0000:02:00.0", "eno1", "14:18:77:00:00:01");
	fakesys_add_net(sys, "0000:02:00.1", "eno2", "14:18:77:00:00:02");
	fakesys_attr(sys, "0000:06:00.0", "boot_vga", "1");
	fakesys_iommu(sys, "dmar0");
	add_common_files(sys, "root=/dev/mapper/ahv-root intel_iommu=on");
	fakesys_file(sys, "proc/net/route",
		     "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		     "eno1\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n");
}

/* a root port, a switch and a GPU behind it; @n counts from 0 */
static void add_gpu(struct fakesys *sys, unsigned n)
{
	unsigned bus = 0x10 + n * 0x10;
	int node = n < 2 ? 0 : 1;
	pt_autofree char *root_port = pt_strf("0000:%02x:01.0", bus);
	pt_autofree char *up = pt_strf("0000:%02x:00.0", bus + 1);
	pt_autofree char *down = pt_strf("0000:%02x:00.0", bus + 2);
	pt_autofree char *gpu = pt_strf("0000:%02x:00.0", bus + 3);

	fakesys_bridge(sys, root_port, bus + 1, (int)(n * 4 + 1));
	fakesys_bridge(sys, up, bus + 2, (int)(n * 4 + 2));
	fakesys_bridge(sys, down, bus + 3, (int)(n * 4 + 3));
	fakesys_add_pci_full(sys, &(struct fakesys_pci){
					  .bdf = gpu,
					  .vendor = 0x10de,
					  .device = 0x2330,
					  .subvendor = 0x10de,
					  .subdevice = 0x16c1,
					  .class_code = 0x030200,
					  .revision = 0xa1,
					  .driver = n % 2 ? "vfio-pci" : "nvidia",
					  .driver_override = n % 2 ? "vfio-pci" : NULL,
					  .group = (int)(n * 4 + 4),
					  .numa_node = node,
					  .reset_method = "flr bus",
					  .resource = "0x0000209010000000 0x0000209010ffffff 0x000000000014220c\n"
						      "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
						      "0x0000205000000000 0x0000206fffffffff 0x000000000014220c\n"
						      "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
						      "0x0000209000000000 0x0000209001ffffff 0x000000000014220c",
				  });
}

void host_gpu_node(struct fakesys *sys)
{
	static const struct row rows[] = {
		{ "0000:07:00.0", 0x10de, 0x22a3, 0x10de, 0x1796, 0x068000, "vfio-pci", 60, 0, "flr bus" },
		{ "0000:08:00.0", 0x10de, 0x22a3, 0x10de, 0x1796, 0x068000, "vfio-pci", 61, 0, "flr bus" },
		{ "0000:a1:00.0", 0x10de, 0x2230, 0x10de, 0x1459, 0x030000, "nouveau", 70, 1, "bus" },
		{ "0000:a1:00.1", 0x10de, 0x1aef, 0x10de, 0x1459, 0x040300, "snd_hda_intel", 70, 1, "bus" },
		{ "0000:c1:00.0", 0x144d, 0xa824, 0x144d, 0xa801, 0x010802, "nvme", 71, 1, "flr bus" },
		{ "0000:d1:00.0", 0x15b3, 0x1021, 0x15b3, 0x0041, 0x020700, "mlx5_core", 80, 1, "flr bus" },
	};

	for (unsigned n = 0; n < 4; n++)
		add_gpu(sys, n);
	fakesys_bridge(sys, "0000:a0:03.0", 0xa1, 69);
	add_rows(sys, rows, sizeof(rows) / sizeof(*rows));
	fakesys_sriov(sys, "0000:d1:00.0", 8);
	fakesys_add_vf(sys, "0000:d1:00.0", 0, "0000:d1:00.1", 0x101e, "mlx5_vfio_pci", 81);
	fakesys_add_vf(sys, "0000:d1:00.0", 1, "0000:d1:00.2", 0x101e, "mlx5_core", 82);
	fakesys_add_net(sys, "0000:d1:00.0", "ibs0", "52:54:00:00:d1:00");
	fakesys_add_net(sys, "0000:d1:00.2", "ibs0v1", "52:54:00:00:d1:02");
	fakesys_add_disk(sys, "0000:c1:00.0", "nvme0n1", 259, 0, "S64HNE0R500001");
	fakesys_add_partition(sys, "nvme0n1", "nvme0n1p1", 259, 1);
	fakesys_file(sys, "proc/self/mountinfo", "22 1 259:1 / / rw,relatime - ext4 /dev/nvme0n1p1 rw\n");
	fakesys_iommu(sys, "dmar0");
	fakesys_iommu(sys, "dmar1");
	add_common_files(sys, "root=/dev/nvme0n1p1 intel_iommu=on iommu=pt");
}

void host_vmd(struct fakesys *sys)
{
	static const struct row rows[] = {
		{ "0000:00:00.0", 0x8086, 0x2020, 0x15d9, 0x095d, 0x060000, NULL, 0, 0, NULL },
		{ "0000:00:11.5", 0x8086, 0xa1d2, 0x15d9, 0x095d, 0x010601, "ahci", 1, 0, NULL },
		{ "0000:5d:05.5", 0x8086, 0x201d, 0x8086, 0x0000, 0x010400, "vmd", 5, 0, NULL },
	};

	add_rows(sys, rows, sizeof(rows) / sizeof(*rows));
	for (unsigned i = 0; i < 2; i++) {
		pt_autofree char *port = pt_strf("10000:00:%02x.0", i + 2);
		pt_autofree char *nvme = pt_strf("10000:%02x:00.0", i + 1);
		pt_autofree char *disk = pt_strf("nvme%un1", i);
		pt_autofree char *serial = pt_strf("PHLJ9121000%u", i);

		/* behind VMD every function shares the group of the VMD controller */
		fakesys_add_pci_full(sys, &(struct fakesys_pci){ .bdf = port,
								 .parent = "0000:5d:05.5",
								 .vendor = 0x8086,
								 .device = 0x2030,
								 .class_code = 0x060400,
								 .driver = "pcieport",
								 .group = 5 });
		fakesys_add_pci_full(sys, &(struct fakesys_pci){ .bdf = nvme,
								 .parent = port,
								 .vendor = 0x8086,
								 .device = 0x0a54,
								 .subvendor = 0x8086,
								 .subdevice = 0x4702,
								 .class_code = 0x010802,
								 .driver = "nvme",
								 .group = 5,
								 .reset_method = "flr bus" });
		fakesys_add_disk(sys, nvme, disk, 259, i * 8, serial);
	}
	fakesys_add_partition(sys, "nvme0n1", "nvme0n1p1", 259, 1);
	fakesys_file(sys, "proc/self/mountinfo", "22 1 259:1 / / rw,relatime - ext4 /dev/nvme0n1p1 rw\n");
	fakesys_iommu(sys, "dmar0");
	add_common_files(sys, "root=/dev/nvme0n1p1 intel_iommu=on");
}

void host_laptop(struct fakesys *sys)
{
	static const struct row rows[] = {
		{ "0000:00:00.0", 0x8086, 0x9a14, 0x17aa, 0x22d5, 0x060000, NULL, NO_GROUP, -1, NULL },
		{ "0000:00:02.0", 0x8086, 0x9a49, 0x17aa, 0x22d5, 0x030000, "i915", NO_GROUP, -1, "flr" },
		{ "0000:00:0d.0", 0x8086, 0x9a13, 0x17aa, 0x22d5, 0x0c0330, "xhci_hcd", NO_GROUP, -1, "pm" },
		{ "0000:00:14.0", 0x8086, 0xa0ed, 0x17aa, 0x22d5, 0x0c0330, "xhci_hcd", NO_GROUP, -1, "" },
		{ "0000:00:14.3", 0x8086, 0xa0f0, 0x8086, 0x0074, 0x028000, "iwlwifi", NO_GROUP, -1, "flr" },
		{ "0000:00:1f.3", 0x8086, 0xa0c8, 0x17aa, 0x22d5, 0x040380, "snd_hda_intel", NO_GROUP, -1, "" },
	};
	static const struct row nvme[] = {
		{ "0000:04:00.0", 0x144d, 0xa808, 0x144d, 0xa801, 0x010802, "nvme", NO_GROUP, -1, "flr bus" },
	};

	add_rows(sys, rows, sizeof(rows) / sizeof(*rows));
	fakesys_bridge(sys, "0000:00:1d.0", 4, NO_GROUP);
	add_rows(sys, nvme, 1);
	fakesys_add_disk(sys, "0000:04:00.0", "nvme0n1", 259, 0, "S4GENX0N123456");
	fakesys_add_partition(sys, "nvme0n1", "nvme0n1p1", 259, 1);
	fakesys_add_partition(sys, "nvme0n1", "nvme0n1p2", 259, 2);
	fakesys_add_net(sys, "0000:00:14.3", "wlp0s20f3", "04:ea:56:00:00:01");
	fakesys_attr(sys, "0000:00:02.0", "boot_vga", "1");
	fakesys_file(sys, "proc/self/mountinfo", "22 1 259:1 / / rw,relatime - ext4 /dev/nvme0n1p1 rw\n");
	add_common_files(sys, "root=/dev/nvme0n1p1 quiet");
	fakesys_file(sys, "proc/swaps",
		     "Filename\tType\tSize\tUsed\tPriority\n/dev/nvme0n1p2 partition\t8388604\t0\t-2\n");
}

/* eight functions a bus: a PF with seven VFs, behind a root port of its own */
void host_huge(struct fakesys *sys, unsigned count)
{
	unsigned n = 0;

	for (unsigned domain = 0; n < count; domain++)
		for (unsigned bus = 0x80; bus < 0xff && n < count; bus++) {
			pt_autofree char *port = pt_strf("%04x:00:%02x.%x", domain, (bus - 0x80) / 8, bus % 8);
			pt_autofree char *pf = pt_strf("%04x:%02x:00.0", domain, bus);

			fakesys_bridge(sys, port, bus, (int)n++);
			fakesys_add_pci(sys, pf, 0x8086, 0x154d, 0x020000, "ixgbe", (int)n++);
			fakesys_sriov(sys, pf, 63);
			for (unsigned vf = 0; vf < 7 && n < count; vf++) {
				pt_autofree char *bdf = pt_strf("%04x:%02x:10.%x", domain, bus, vf);

				fakesys_add_vf(sys, pf, vf, bdf, 0x10ed, vf % 2 ? "vfio-pci" : "ixgbevf", (int)n++);
			}
		}
}
