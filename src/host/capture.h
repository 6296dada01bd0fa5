/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host in one tar: what list, show, tree, doctor and the decisions read, and nothing else.  Reads only what the
 *tables in capture-files.c and capture-devices.c name; base/unpack.h is the other direction.
 *
 *	devices.umockdev	devices with their attributes and links, as umockdev 0.17 reads them
 *	proc/ etc/ boot/ run/ sys/ usr/	files at their places
 *	firmware/		sys/firmware: ACPI tables, EFI
 *	links, folders		links outside of devices, "PATH TARGET"; directories that may be empty
 *	names			what the devices are called on this host
 */
#ifndef PT_HOST_CAPTURE_H
#define PT_HOST_CAPTURE_H

#include "base/error.h"
#include "base/root.h"
#include "base/umockdev.h"

struct pt_capture_file {
	char *path;
	char *data;
	size_t size;
};

struct pt_capture {
	PT_ARRAY(struct pt_capture_file) files;
	PT_ARRAY(struct pt_mock) devices;
};

/**
 * pt_capture_read() - look at a host
 * @raw: keep serial numbers, MAC addresses, WWNs, UUIDs and the host's name; else they are replaced (host/secrets.h)
 * @ret_blind: sentences about what could not be read; may be NULL
 */
int pt_capture_read(const struct pt_root *root, bool raw, struct pt_capture *ret_capture, struct pt_strv *ret_blind,
		    struct pt_error *err);

/** pt_capture_tar() - as a tar; @name decides on compression (.tar, .tar.gz, .tgz, .tar.xz, .tar.zst); caller frees */
int pt_capture_tar(const struct pt_capture *capture, const char *name, char **ret_data, size_t *ret_size,
		   struct pt_error *err);

void pt_capture_done(struct pt_capture *capture);

#endif
