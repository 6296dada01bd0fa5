/* SPDX-License-Identifier: Apache-2.0 */
/* What we call of libarchive: base/lazy.h says why it is not linked to.. */
#ifndef PT_BASE_LAZY_ARCHIVE_H
#define PT_BASE_LAZY_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/lazy.h"

#define PT_ARCHIVE(each)                                                                                               \
	each(archive_entry_filetype) each(archive_entry_free) each(archive_entry_hardlink) each(archive_entry_new)     \
		each(archive_entry_pathname) each(archive_entry_set_filetype) each(archive_entry_set_mtime) each(      \
			archive_entry_set_pathname) each(archive_entry_set_perm) each(archive_entry_set_size)          \
			each(archive_error_string) each(archive_read_data) each(archive_read_free) each(               \
				archive_read_new) each(archive_read_next_header) each(archive_read_open_fd)            \
				each(archive_read_open_memory) each(archive_read_support_filter_gzip) each(            \
					archive_read_support_filter_xz) each(archive_read_support_filter_zstd)         \
					each(archive_read_support_format_tar) each(archive_write_add_filter_gzip)      \
						each(archive_write_add_filter_xz) each(archive_write_add_filter_zstd)  \
							each(archive_write_close) each(archive_write_data) each(       \
								archive_write_free) each(archive_write_header)         \
								each(archive_write_new) each(archive_write_open)       \
									each(archive_write_set_bytes_in_last_block)    \
										each(archive_write_set_format_ustar)

struct pt_archive {
	PT_ARCHIVE(PT_LAZY_MEMBER)
};

/* empty before pt_archive_load() */
extern struct pt_archive pt_archive;

/** pt_archive_load() - must have succeeded before the first call; at once when it has; see pt_lazy_load() */
int pt_archive_load(struct pt_error *err);

#ifndef PT_LAZY_PLAIN_NAMES
#define archive_entry_filetype		      pt_archive.archive_entry_filetype
#define archive_entry_free		      pt_archive.archive_entry_free
#define archive_entry_hardlink		      pt_archive.archive_entry_hardlink
#define archive_entry_new		      pt_archive.archive_entry_new
#define archive_entry_pathname		      pt_archive.archive_entry_pathname
#define archive_entry_set_filetype	      pt_archive.archive_entry_set_filetype
#define archive_entry_set_mtime		      pt_archive.archive_entry_set_mtime
#define archive_entry_set_pathname	      pt_archive.archive_entry_set_pathname
#define archive_entry_set_perm		      pt_archive.archive_entry_set_perm
#define archive_entry_set_size		      pt_archive.archive_entry_set_size
#define archive_error_string		      pt_archive.archive_error_string
#define archive_read_data		      pt_archive.archive_read_data
#define archive_read_free		      pt_archive.archive_read_free
#define archive_read_new		      pt_archive.archive_read_new
#define archive_read_next_header	      pt_archive.archive_read_next_header
#define archive_read_open_fd		      pt_archive.archive_read_open_fd
#define archive_read_open_memory	      pt_archive.archive_read_open_memory
#define archive_read_support_filter_gzip      pt_archive.archive_read_support_filter_gzip
#define archive_read_support_filter_xz	      pt_archive.archive_read_support_filter_xz
#define archive_read_support_filter_zstd      pt_archive.archive_read_support_filter_zstd
#define archive_read_support_format_tar	      pt_archive.archive_read_support_format_tar
#define archive_write_add_filter_gzip	      pt_archive.archive_write_add_filter_gzip
#define archive_write_add_filter_xz	      pt_archive.archive_write_add_filter_xz
#define archive_write_add_filter_zstd	      pt_archive.archive_write_add_filter_zstd
#define archive_write_close		      pt_archive.archive_write_close
#define archive_write_data		      pt_archive.archive_write_data
#define archive_write_free		      pt_archive.archive_write_free
#define archive_write_header		      pt_archive.archive_write_header
#define archive_write_new		      pt_archive.archive_write_new
#define archive_write_open		      pt_archive.archive_write_open
#define archive_write_set_bytes_in_last_block pt_archive.archive_write_set_bytes_in_last_block
#define archive_write_set_format_ustar	      pt_archive.archive_write_set_format_ustar
#endif

#endif
