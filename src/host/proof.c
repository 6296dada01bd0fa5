/* SPDX-License-Identifier: Apache-2.0 */
#include "host/proof.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* PCI Local Bus Specification 3.0, 6.2.2 */
#define PCI_COMMAND	   4
#define PCI_COMMAND_MEMORY 0x2
#define PCI_COMMAND_MASTER 0x4

/* A host with thousands of CPUs and vectors; /proc/interrupts has a column a CPU and a line a vector. */
#define INTERRUPTS_MAX ((size_t)64 << 20)

static enum pt_known known(bool yes)
{
	return yes ? PT_KNOWN_YES : PT_KNOWN_NO;
}

static void read_command(int dev_fd, struct pt_proof *p)
{
	pt_autoclose int fd = pt_file_open(dev_fd, "config", O_RDONLY);
	uint8_t raw[2];
	unsigned command;

	if (fd < 0 || pread(fd, raw, sizeof(raw), PCI_COMMAND) != sizeof(raw))
		return;
	command = raw[0] | (unsigned)raw[1] << 8;
	/* all ones: nobody answers, the device is off the bus */
	if (command == 0xffff)
		return;
	p->bus_master = known(command & PCI_COMMAND_MASTER);
	p->memory_space = known(command & PCI_COMMAND_MEMORY);
}

/*
 * vfio-pci and its variants register a character device vfioN below the function (since Linux 6.6, with
 * CONFIG_VFIO_DEVICE_CDEV), or hold it with the module vfio_pci_core; a variant's name begins or ends in vfio.
 */
static void read_driver(int dev_fd, struct pt_proof *p)
{
	if (pt_file_link_name(dev_fd, "driver", &p->driver) < 0)
		return;
	p->vfio = strstr(p->driver, "vfio") != NULL || pt_file_exists(dev_fd, "vfio-dev") == 1;
}

/* the columns after "NN:" up to the first word that is no number */
static unsigned long long sum_columns(const char *line)
{
	const char *at = strchr(line, ':');
	unsigned long long sum = 0;

	for (at = at ? at + 1 : ""; *at;) {
		char *end = NULL;
		unsigned long long n = strtoull(at, &end, 10);

		if (end == at || (*end && *end != ' ' && *end != '\t'))
			break;
		sum += n;
		at = end;
	}
	return sum;
}

/* "vfio-msix[0](0000:01:00.0)": how vfio-pci names its interrupts (drivers/vfio/pci/vfio_pci_intrs.c) */
static void read_interrupt(char *line, const char *owner, struct pt_proof *p)
{
	const char *name = strstr(line, "vfio-");

	if (!name || !strstr(name, owner))
		return;
	p->vectors++;
	p->interrupts += sum_columns(line);
	if (!p->vector_kind)
		p->vector_kind = pt_strndup(name, strcspn(name, "[( "));
}

static void read_interrupts(const struct pt_root *root, struct pt_proof *p)
{
	pt_autofree char *text = NULL;
	pt_autofree char *owner = pt_strf("(%s)", pt_bdf_str(p->bdf).s);
	char *save = NULL;

	if (root->proc_fd < 0 || pt_file_read(root->proc_fd, "interrupts", INTERRUPTS_MAX, &text, NULL) < 0)
		return;
	p->interrupts_known = true;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_interrupt(line, owner, p);
}

int pt_proof_read(const struct pt_root *root, struct pt_bdf bdf, struct pt_proof *ret_proof, struct pt_error *err)
{
	pt_autofree char *path = pt_strf("bus/pci/devices/%s", pt_bdf_str(bdf).s);
	pt_autoclose int dev_fd = pt_file_open(root->sys_fd, path, O_RDONLY | O_DIRECTORY);
	struct pt_proof p = { .bdf = bdf };

	if (dev_fd < 0 && dev_fd != -ENOENT)
		return pt_fail(err, dev_fd, "cannot look at %s", pt_bdf_str(bdf).s);
	p.present = dev_fd >= 0;
	if (p.present) {
		read_driver(dev_fd, &p);
		read_command(dev_fd, &p);
		read_interrupts(root, &p);
	}
	*ret_proof = p;
	return 0;
}
