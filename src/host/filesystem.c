/* SPDX-License-Identifier: Apache-2.0 */
#include "host/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/file.h"

/* magic numbers of statfs(2); those that libvirt counts as shared (virFileIsSharedFSType()) */
static const struct {
	unsigned long magic;
	const char *name;
	enum pt_known shared;
} kinds[] = {
	{ 0x00006969, "NFS", PT_KNOWN_YES },	  { 0xff534d42, "CIFS", PT_KNOWN_YES },
	{ 0xfe534d42, "SMB", PT_KNOWN_YES },	  { 0x0000517b, "SMB", PT_KNOWN_YES },
	{ 0x00c36400, "CephFS", PT_KNOWN_YES },	  { 0x01161970, "GFS2", PT_KNOWN_YES },
	{ 0x7461636f, "OCFS2", PT_KNOWN_YES },	  { 0x47504653, "GPFS", PT_KNOWN_YES },
	{ 0x5346414f, "AFS", PT_KNOWN_YES },	  { 0x0bd00bd0, "Lustre", PT_KNOWN_YES },
	{ 0x65735546, "FUSE", PT_KNOWN_UNKNOWN }, { 0x01021997, "9p", PT_KNOWN_UNKNOWN },
	{ 0x0000ef53, "ext4", PT_KNOWN_NO },	  { 0x58465342, "XFS", PT_KNOWN_NO },
	{ 0x9123683e, "Btrfs", PT_KNOWN_NO },	  { 0x2fc12fc1, "ZFS", PT_KNOWN_NO },
	{ 0x01021994, "tmpfs", PT_KNOWN_NO },	  { 0x794c7630, "overlay", PT_KNOWN_UNKNOWN },
};

int pt_file_system_of(const struct pt_root *root, const char *path, char **ret_name, enum pt_known *ret_shared)
{
	pt_autoclose int fd = pt_file_open_in_root(root->root_fd, path, O_PATH);
	struct stat st;
	struct statfs s;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &s) < 0)
		return -errno;
	if (S_ISBLK(st.st_mode))
		return 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if ((unsigned long)(unsigned)s.f_type != kinds[i].magic)
			continue;
		*ret_name = pt_strdup(kinds[i].name);
		*ret_shared = kinds[i].shared;
		return 0;
	}
	*ret_name = pt_strf("a file system of type %#lx", (unsigned long)(unsigned)s.f_type);
	*ret_shared = PT_KNOWN_UNKNOWN;
	return 0;
}
