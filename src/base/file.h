/* SPDX-License-Identifier: Apache-2.0 */
/* Files below a directory descriptor, bounded and without following a link out of it.  Knows no path by name. */
#ifndef PT_BASE_FILE_H
#define PT_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/alloc.h"

/* the most that pt_file_read() takes unless told otherwise: sysfs attributes are at most a page, /proc files larger */
#define PT_FILE_MAX ((size_t)4 << 20)

/**
 * pt_file_open() - open a path that stays below @dir_fd
 * @path: relative; links are followed only while they stay below (openat2 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
 *
 * Return: a close-on-exec descriptor, or -ENOENT, -EXDEV (leaves the directory), -EACCES, ...
 */
int pt_file_open(int dir_fd, const char *path, int flags);

/** pt_file_open_in_root() - the same for a path as the host spells it: "/" and links from "/" begin at @root_fd */
int pt_file_open_in_root(int root_fd, const char *path, int flags);

/**
 * pt_file_read() - the whole of a file as text
 * @max: refuse (-EFBIG) what is larger
 * @ret_text: NUL-terminated, the caller frees; a NUL inside the file is kept, see @ret_size
 * @ret_size: NULL when not wanted
 *
 * Return: 0 or a negative errno; -ENOENT when there is no such file.
 */
int pt_file_read(int dir_fd, const char *path, size_t max, char **ret_text, size_t *ret_size);

/** pt_file_read_line() - the first line without its newline; the caller frees; -ENOENT as above */
int pt_file_read_line(int dir_fd, const char *path, char **ret_line);

/** pt_file_read_u64() - a number, decimal or 0x…; -EINVAL when it is none */
int pt_file_read_u64(int dir_fd, const char *path, uint64_t *ret_value);

/** pt_file_read_i64() - a number that may be negative (numa_node is -1); -EINVAL when it is none */
int pt_file_read_i64(int dir_fd, const char *path, int64_t *ret_value);

/** pt_file_link_name() - the last component of a symbolic link's target; -ENOENT when there is none */
int pt_file_link_name(int dir_fd, const char *path, char **ret_name);

/** pt_file_link() - a symbolic link's whole target */
int pt_file_link(int dir_fd, const char *path, char **ret_target);

/** pt_file_list() - names in a directory below @dir_fd, without . and .., sorted; -ENOENT when there is none */
int pt_file_list(int dir_fd, const char *path, struct pt_strv *ret_names);

/** pt_file_exists() - 1, 0, or a negative errno; does not follow a final link */
int pt_file_exists(int dir_fd, const char *path);

/**
 * pt_file_write_attr() - one value to a kernel attribute in one write()
 *
 * Return: 0, or the negative errno with which the kernel answered (that errno is the kernel's verdict).
 */
int pt_file_write_attr(int dir_fd, const char *path, const char *value);

/** pt_file_write_all() - to an open file or pipe, in as many write()s as it takes; async-signal-safe */
int pt_file_write_all(int fd, const void *data, size_t size);

/**
 * pt_file_write_atomic() - a regular file, replaced as one: temporary file, fsync, rename, fsync of the directory
 * @mode: permissions of the new file
 */
int pt_file_write_atomic(int dir_fd, const char *name, const char *text, size_t size, mode_t mode);

/** pt_file_mkdir_p() - an absolute directory and its missing parents, with @mode for the last one */
int pt_file_mkdir_p(const char *path, mode_t mode);

#endif
