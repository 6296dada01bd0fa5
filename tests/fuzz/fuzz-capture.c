/* SPDX-License-Identifier: Apache-2.0 */
/* A capture from anybody: unpacked, its functions listed and read, a name resolved in it. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/tree.h"
#include "base/unpack.h"
#include "host/block.h"
#include "host/pci.h"
#include "host/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const char *dir)
{
	PT_AUTO(pt_root) root = PT_ROOT_NONE;
	PT_AUTO(pt_devices) devices = { 0 };
	PT_AUTO(pt_blocks) blocks = { 0 };
	struct pt_error err = { 0 };
	struct pt_bdf bdf;

	if (pt_root_open(dir, &root, &err) < 0 || pt_pci_list(&root, &devices, &err) < 0)
		return;
	(void)pt_names_fill(&root, &devices, &err);
	for (size_t i = 0; i < devices.n && i < 4; i++)
		(void)pt_pci_read(&root, &devices.v[i], true, &err);
	(void)pt_block_list(&root, &blocks, &err);
	(void)pt_resolve_device(&root, &devices, "/dev/sda", &bdf, &err);
	(void)pt_resolve_device(&root, &devices, "a", &bdf, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/fuzz-capture.XXXXXX";
	struct pt_error err = { 0 };
	int fd;

	if (!mkdtemp(dir))
		abort();
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && pt_unpack_memory(data, size, fd, &err) == 0)
		look(dir);
	(void)close(fd);
	pt_tree_remove(dir);
	return 0;
}
