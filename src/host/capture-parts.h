/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of host/capture.h.  Private to src/host/capture*.c. */
#ifndef PT_HOST_CAPTURE_PARTS_H
#define PT_HOST_CAPTURE_PARTS_H

#include "host/capture.h"

/** pt_capture_add() - a file; @data is copied */
void pt_capture_add(struct pt_capture *c, const char *path, const void *data, size_t size);

/** pt_capture_files() - everything that capture-files.c names; what is not there is left out */
void pt_capture_files(const struct pt_root *root, struct pt_capture *c, struct pt_strv *blind);

/** pt_capture_devices() - the devices of capture-devices.c's subsystems, parents before children */
int pt_capture_devices(const struct pt_root *root, struct pt_capture *c, struct pt_error *err);

/** pt_capture_hide() - replace what names this very host or its parts */
void pt_capture_hide(struct pt_capture *c);

#endif
