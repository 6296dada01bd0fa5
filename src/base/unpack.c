/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/lazy-archive.h"
#include "base/text.h"
#include "base/tree.h"
#include "base/umockdev.h"
#include "base/unpack-device.h"

#define DEVICES	       "devices.umockdev"
#define LINKS	       "links"
#define FOLDERS	       "folders"
#define ENTRY_MAX      ((size_t)128 << 20) /* one file in a capture */
#define READ_BLOCK     65536
#define DIRECTORY_DEEP 32

PT_DEFINE_CLEANUP(struct archive *, archive_read_free)

/* a capture being unpacked; @devices, @links, @folders: the texts of these entries, laid out last */
struct unpack {
	struct pt_tree tree;
	char *devices;
	char *links;
	char *folders;
	size_t n_entries;
};

static void unpack_done(struct unpack *u)
{
	pt_tree_done(&u->tree);
	free(u->devices);
	free(u->links);
	free(u->folders);
}

static bool belongs(const char *name)
{
	static const char *const tops[] = { "proc/", "sys/", "dev/", "etc/", "boot/",
					    "run/",  "usr/", "lib/", "efi/", "firmware/" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		if (pt_startswith(name, tops[i]))
			return true;
	return strcmp(name, "names") == 0 || strcmp(name, LINKS) == 0 || strcmp(name, FOLDERS) == 0 ||
	       strcmp(name, DEVICES) == 0;
}

static int bad_entry(struct pt_error *err, int code, const char *name, const char *what)
{
	pt_autofree char *shown = pt_text_clean(pt_strndup(name, 256));
	int r = pt_usage(err, code, "the capture is refused: its entry '%s' %s", shown, what);

	pt_hint(err, "`passthru facts --capture` makes plain files below the top only; this one was made or changed by "
		     "something else");
	return r;
}

/* where the text of an entry that is laid out last is kept; NULL for all others */
static char **kept_text(struct unpack *u, const char *name)
{
	if (strcmp(name, DEVICES) == 0)
		return &u->devices;
	if (strcmp(name, LINKS) == 0)
		return &u->links;
	return strcmp(name, FOLDERS) == 0 ? &u->folders : NULL;
}

/* @text becomes the unpack's when it is laid out later */
static int take_file(struct unpack *u, const char *name, char **text, size_t size, struct pt_error *err)
{
	pt_autofree char *path = NULL;
	char **kept = kept_text(u, name);
	int r;

	if (kept && *kept)
		return bad_entry(err, -EEXIST, name, "is there twice");
	if (kept) {
		*kept = pt_take_ptr(*text);
		return 0;
	}
	if (!belongs(name))
		return 0;
	path = pt_strf("%s%s", pt_startswith(name, "firmware/") ? "sys/" : "", name);
	r = pt_tree_file(&u->tree, path, *text, size);
	if (r == -EINVAL || r == -ELOOP || r == -ENOTDIR)
		return bad_entry(err, r, name, "does not stay below the top");
	if (r == -EEXIST)
		return bad_entry(err, r, name, "is there twice");
	if (r == -EFBIG)
		return bad_entry(err, r, name, "makes it too large to be a host");
	return r < 0 ? pt_fail(err, r, "cannot unpack '%s'", name) : 0;
}

/* lines of "PATH TARGET"; only sysfs has links of its own */
static int put_links(struct unpack *u, struct pt_error *err)
{
	char *save = NULL;

	for (char *line = u->links ? strtok_r(u->links, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		char *target = strchr(line, ' ');
		int r;

		if (!target || !pt_startswith(line, "sys/"))
			return bad_entry(err, -EBADMSG, LINKS, "has a line that is no link below sys/");
		*target++ = '\0';
		r = pt_tree_link(&u->tree, line, target);
		if (r < 0)
			return bad_entry(err, r, LINKS, "has a link that cannot be made");
	}
	return 0;
}

static int put_folders(struct unpack *u, struct pt_error *err)
{
	char *save = NULL;

	for (char *line = u->folders ? strtok_r(u->folders, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		int r = pt_startswith(line, "sys/") ? pt_tree_dir(&u->tree, line) : -EINVAL;

		if (r < 0)
			return bad_entry(err, r, FOLDERS, "has a line that is no directory below sys/");
	}
	return 0;
}

static int finish(struct unpack *u, struct pt_error *err)
{
	int r;

	if (!u->devices) {
		r = pt_usage(err, -EBADMSG, "there is no " DEVICES " at its top: it is no capture of a host");
		pt_hint(err, "make one with `passthru facts --capture FILE`");
		return r;
	}
	/* a host without a PCI device has these directories all the same */
	r = pt_tree_dir(&u->tree, "sys/bus/pci/devices");
	if (r == 0)
		r = pt_tree_dir(&u->tree, "dev");
	if (r == 0)
		r = pt_tree_dir(&u->tree, "proc");
	if (r < 0)
		return pt_fail(err, r, "cannot lay out the capture");
	r = pt_umockdev_parse(u->devices, pt_unpack_device, &u->tree, err);
	if (r == 0)
		r = put_links(u, err);
	return r < 0 ? r : put_folders(u, err);
}

static int read_entry(struct archive *a, char **ret_text, size_t *ret_size)
{
	PT_CLEANUP(pt_buf_done) struct pt_buf text = { 0 };
	pt_autofree char *block = pt_alloc(READ_BLOCK);
	ssize_t n;

	while ((n = archive_read_data(a, block, READ_BLOCK)) > 0) {
		if (text.n + (size_t)n > ENTRY_MAX)
			return -EFBIG;
		pt_buf_addn(&text, block, (size_t)n);
	}
	if (n < 0)
		return -EBADMSG;
	*ret_size = text.n;
	*ret_text = pt_buf_take(&text);
	return 0;
}

/* "./proc/x/" -> "proc/x" */
static char *plain_name(const char *name)
{
	char *s;
	size_t n;

	while (pt_startswith(name, "./"))
		name += 2;
	s = pt_strdup(name);
	for (n = strlen(s); n && s[n - 1] == '/'; n--)
		s[n - 1] = '\0';
	return s;
}

static int take_entry(struct unpack *u, struct archive *a, struct archive_entry *entry, struct pt_error *err)
{
	const char *full = archive_entry_pathname(entry);
	pt_autofree char *name = full ? plain_name(full) : NULL;
	pt_autofree char *text = NULL;
	size_t size = 0;
	int r;

	if (!name)
		return bad_entry(err, -EBADMSG, "?", "has no readable name");
	if (++u->n_entries > PT_TREE_ENTRIES_MAX)
		return bad_entry(err, -EFBIG, name, "is one too many");
	if (archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry))
		return *name && strcmp(name, ".") != 0 && pt_tree_check_path(name) < 0
			       ? bad_entry(err, -EINVAL, name, "does not stay below the top")
			       : 0;
	if (pt_tree_check_path(name) < 0)
		return bad_entry(err, -EINVAL, name, "does not stay below the top");
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return bad_entry(err, -EINVAL, name, "is a link or a device, not a file");
	r = read_entry(a, &text, &size);
	if (r == -EFBIG)
		return bad_entry(err, r, name, "is too large");
	if (r < 0)
		return bad_entry(err, r, name, "is damaged");
	return take_file(u, name, &text, size, err);
}

static int take_archive(struct unpack *u, struct archive *a, struct pt_error *err)
{
	struct archive_entry *entry;
	int r;

	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		int taken = take_entry(u, a, entry, err);

		if (taken < 0)
			return taken;
	}
	if (r != ARCHIVE_EOF)
		return pt_usage(err, -EBADMSG, "it is no tar, or a damaged one: %s",
				archive_error_string(a) ? archive_error_string(a) : "unknown format");
	return finish(u, err);
}

/* libarchive could also run external programs for rare compressions: these three are built in */
static struct archive *new_reader(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		abort();
	(void)archive_read_support_format_tar(a);
	(void)archive_read_support_filter_gzip(a);
	(void)archive_read_support_filter_xz(a);
	(void)archive_read_support_filter_zstd(a);
	return a;
}

int pt_unpack_memory(const void *data, size_t size, int dir_fd, struct pt_error *err)
{
	PT_CLEANUP(unpack_done) struct unpack u = { 0 };
	int loaded = pt_archive_load(err);
	PT_CLEANUP(archive_read_freep) struct archive *a = loaded < 0 ? NULL : new_reader();

	if (!a)
		return loaded;
	pt_tree_init(&u.tree, dir_fd);
	if (archive_read_open_memory(a, data, size) != ARCHIVE_OK)
		return pt_usage(err, -EBADMSG, "it is no tar: %s", archive_error_string(a));
	return take_archive(&u, a, err);
}

static int unpack_file(int fd, int dir_fd, struct pt_error *err)
{
	PT_CLEANUP(unpack_done) struct unpack u = { 0 };
	int loaded = pt_archive_load(err);
	PT_CLEANUP(archive_read_freep) struct archive *a = loaded < 0 ? NULL : new_reader();

	if (!a)
		return loaded;
	pt_tree_init(&u.tree, dir_fd);
	if (archive_read_open_fd(a, fd, READ_BLOCK) != ARCHIVE_OK)
		return pt_usage(err, -EBADMSG, "it is no tar: %s", archive_error_string(a));
	return take_archive(&u, a, err);
}

static int take_directory(struct unpack *u, int top_fd, const char *dir, int depth, struct pt_error *err);

static int take_path(struct unpack *u, int top_fd, const char *path, int depth, struct pt_error *err)
{
	pt_autoclose int fd = pt_file_open(top_fd, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	pt_autofree char *text = NULL;
	struct stat st;
	size_t size = 0;
	int r;

	if (fd == -ELOOP || fd == -EXDEV)
		return bad_entry(err, fd, path, "is a link");
	if (fd < 0 || fstat(fd, &st) < 0)
		return pt_fail(err, fd < 0 ? fd : -errno, "cannot read '%s'", path);
	if (S_ISDIR(st.st_mode))
		return take_directory(u, top_fd, path, depth + 1, err);
	if (!S_ISREG(st.st_mode))
		return bad_entry(err, -EINVAL, path, "is a device or a pipe, not a file");
	r = pt_file_read(top_fd, path, ENTRY_MAX, &text, &size);
	if (r < 0)
		return pt_fail(err, r, "cannot read '%s'", path);
	return take_file(u, path, &text, size, err);
}

static int take_directory(struct unpack *u, int top_fd, const char *dir, int depth, struct pt_error *err)
{
	PT_AUTO(pt_strv) names = { 0 };
	int r = depth > DIRECTORY_DEEP ? -ELOOP : pt_file_list(top_fd, dir, &names);

	if (r < 0)
		return pt_fail(err, r, "cannot list '%s'", dir);
	u->n_entries += names.n;
	if (u->n_entries > PT_TREE_ENTRIES_MAX)
		return bad_entry(err, -EFBIG, dir, "holds too many files");
	for (size_t i = 0; i < names.n && r == 0; i++) {
		pt_autofree char *path =
			strcmp(dir, ".") == 0 ? pt_strdup(names.v[i]) : pt_strf("%s/%s", dir, names.v[i]);
		pt_autofree char *inside = pt_strf("%s/", path);

		/* only what belongs to a capture: it may lie among other things */
		if (belongs(inside) || belongs(path))
			r = take_path(u, top_fd, path, depth, err);
	}
	return r;
}

static int unpack_directory(int top_fd, int dir_fd, struct pt_error *err)
{
	PT_CLEANUP(unpack_done) struct unpack u = { 0 };
	int r;

	pt_tree_init(&u.tree, dir_fd);
	r = take_directory(&u, top_fd, ".", 0, err);
	return r < 0 ? r : finish(&u, err);
}

static int unpack_into(int fd, bool is_dir, const char *dir, struct pt_error *err)
{
	pt_autoclose int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return pt_fail(err, -errno, "cannot open %s", dir);
	return is_dir ? unpack_directory(fd, dir_fd, err) : unpack_file(fd, dir_fd, err);
}

int pt_unpack(const char *path, char **ret_dir, struct pt_error *err)
{
	pt_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char dir[] = "/tmp/passthru-capture.XXXXXX";
	struct stat st;
	bool is_dir;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return pt_usage(err, -errno, "cannot open the captured host %s: %s", path, strerror(errno));
	is_dir = S_ISDIR(st.st_mode);
	if (is_dir && pt_file_exists(fd, DEVICES) != 1)
		return 0;
	if (!is_dir && !S_ISREG(st.st_mode))
		return pt_usage(err, -EINVAL, "%s is neither a directory nor a tar file", path);
	/* not $TMPDIR: the environment is not trusted, and may name a directory that others can change */
	if (!mkdtemp(dir))
		return pt_fail(err, -errno, "cannot make a directory in /tmp to unpack %s", path);
	r = unpack_into(fd, is_dir, dir, err);
	if (r < 0) {
		pt_tree_remove(dir);
		return pt_wrap(err, r, "%s", path);
	}
	*ret_dir = pt_strdup(dir);
	return 1;
}
