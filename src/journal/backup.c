/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions kept beside the journal as plain files: for a person, when all else fails. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "journal/entry.h"
#include "journal/journal.h"

/* a VM may be called anything, "../../etc/x" too; what is left is safe in any path and still to be recognised */
static char *safe_name(const char *vm)
{
	char *name = pt_strndup(vm, 64);

	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
			*c = '_';
	return name;
}

static int open_backups(const struct pt_journal *j, struct pt_error *err)
{
	int fd;

	if (mkdirat(j->db->dir_fd, "backup", 0700) < 0 && errno != EEXIST)
		return pt_fail(err, -errno, "cannot make backup/ beside %s", j->db->path);
	fd = openat(j->db->dir_fd, "backup", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return pt_fail(err, -errno, "cannot open backup/ beside %s", j->db->path);
	return fd;
}

int pt_journal_backup(struct pt_journal *j, long long id, const char *vm, const char *suffix, const char *xml,
		      char **ret_path, struct pt_error *err)
{
	pt_autofree char *safe = safe_name(vm);
	pt_autofree char *dir = pt_strndup(j->db->path, (size_t)(strrchr(j->db->path, '/') - j->db->path));
	pt_autofree char *name = NULL;
	pt_autoclose int fd = open_backups(j, err);
	int r;

	if (fd < 0)
		return fd;
	/* never over an earlier one: a change may define the same VM twice, and recover may come by more than once */
	for (unsigned n = 0; n < 100; n++) {
		free(name);
		name = n ? pt_strf("%lld-%s.%u%s.xml", id, safe, n, suffix)
			 : pt_strf("%lld-%s%s.xml", id, safe, suffix);
		if (pt_file_exists(fd, name) == 0)
			break;
	}
	r = pt_file_write_atomic(fd, name, xml, strlen(xml), 0600);
	if (r < 0)
		return pt_fail(err, r, "cannot keep the definition of %s as %s/backup/%s", vm, dir, name);
	if (ret_path)
		*ret_path = pt_strf("%s/backup/%s", dir, name);
	return 0;
}
