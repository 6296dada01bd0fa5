/* SPDX-License-Identifier: Apache-2.0 */
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
	pt_autofree char *reserved = pt_strf("%s/resv_hugepages", name);
	struct pt_hugepages pool = { 0 };
	uint64_t taken = 0;

	/* a pool that cannot be read counts as empty: it cannot be promised to a guest */
	if (!pool_size(name, &pool.size_kib) || pt_file_read_u64(pools_fd, total, &pool.total) < 0 ||
	    pt_file_read_u64(pools_fd, unused, &pool.free) < 0)
		return;
	/* free, but promised to a process that has not touched them yet (admin-guide/mm/hugetlbpage) */
	if (pt_file_read_u64(pools_fd, reserved, &taken) == 0)
		pool.free = taken < pool.free ? pool.free - taken : 0;
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

/* "c_min    4    1073741824": a line of a kstat, in bytes */
static bool kstat_bytes(const char *text, const char *key, uint64_t *ret_bytes)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned long long value;

		line += *line == '\n';
		if (strncmp(line, key, n) != 0 || line[n] != ' ')
			continue;
		if (sscanf(line + n, " %*u %20llu", &value) != 1)
			return false;
		*ret_bytes = value;
		return true;
	}
	return false;
}

/*
 * The kernel does not count ZFS's cache as available, as it does every other file system's; under pressure it gives
 * back what is above its minimum.  zfs(4), zfs_arc_min.
 */
static uint64_t zfs_cache_kib(const struct pt_root *root)
{
	pt_autofree char *text = NULL;
	uint64_t size;
	uint64_t least;

	if (pt_file_read(root->proc_fd, "spl/kstat/zfs/arcstats", PT_FILE_MAX, &text, NULL) < 0 ||
	    !kstat_bytes(text, "size", &size) || !kstat_bytes(text, "c_min", &least) || size <= least)
		return 0;
	return (size - least) / 1024;
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
	memory.available_kib += zfs_cache_kib(root);
	if (memory.available_kib > memory.total_kib)
		memory.available_kib = memory.total_kib;
	read_hugepages(root, &memory);
	*ret_memory = memory;
	return 0;
}
