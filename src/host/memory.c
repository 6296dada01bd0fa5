/* SPDX-License-Identifier: Apache-2.0 */
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* "MemTotal:       65806480 kB": the number behind @key at the beginning of a line; false when there is none */
static bool meminfo_kib(const char *text, const char *key, uint64_t *ret_kib)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char *end = NULL;
		unsigned long long value;

		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || line[n] != ':')
			continue;
		line += n + 1;
		line += strspn(line, " \t");
		if (*line < '0' || *line > '9')
			return false;
		errno = 0;
		value = strtoull(line, &end, 10);
		if (errno || strncmp(end, " kB", 3) != 0)
			return false;
		*ret_kib = value;
		return true;
	}
	return false;
}

/* "hugepages-2048kB" */
static bool pool_size(const char *name, uint64_t *ret_kib)
{
	static const char prefix[] = "hugepages-";
	char *end = NULL;

	if (!pt_startswith(name, prefix))
		return false;
	name += sizeof(prefix) - 1;
	if (*name < '1' || *name > '9')
		return false;
	errno = 0;
	*ret_kib = strtoull(name, &end, 10);
	return errno == 0 && strcmp(end, "kB") == 0;
}

static void read_pool(int pools_fd, const char *name, struct pt_memory *memory)
{
	pt_autofree char *total = pt_strf("%s/nr_hugepages", name);
	pt_autofree char *unused = pt_strf("%s/free_hugepages", name);
	struct pt_hugepages pool = { 0 };

	/* a pool that cannot be read counts as empty: it cannot be promised to a guest */
	if (!pool_size(name, &pool.size_kib) || pt_file_read_u64(pools_fd, total, &pool.total) < 0 ||
	    pt_file_read_u64(pools_fd, unused, &pool.free) < 0)
		return;
	pt_array_push(&memory->hugepages, pool);
}

/* Documentation/ABI/testing/sysfs-kernel-mm-hugepages; a kernel without CONFIG_HUGETLBFS has no such directory */
static void read_hugepages(const struct pt_root *root, struct pt_memory *memory)
{
	pt_autoclose int fd = pt_file_open(root->sys_fd, "kernel/mm/hugepages", O_RDONLY | O_DIRECTORY);
	PT_AUTO(pt_strv) names = { 0 };

	if (fd < 0 || pt_file_list(fd, ".", &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		read_pool(fd, names.v[i], memory);
}

int pt_memory_read(const struct pt_root *root, struct pt_memory *ret_memory, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	struct pt_memory memory = { 0 };
	int r = root->proc_fd < 0 ? -ENOENT : pt_file_read(root->proc_fd, "meminfo", PT_FILE_MAX, &text, NULL);

	if (r < 0)
		return pt_fail(err, r, "cannot read how much memory the host has (/proc/meminfo)");
	if (!meminfo_kib(text, "MemTotal", &memory.total_kib) ||
	    !meminfo_kib(text, "MemAvailable", &memory.available_kib))
		return pt_say(err, -EBADMSG, "/proc/meminfo has no MemTotal or no MemAvailable in kB");
	read_hugepages(root, &memory);
	*ret_memory = memory;
	return 0;
}
