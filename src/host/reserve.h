/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that belongs to guests across reboots: a readable file that says so, and the udev rule that keeps the host's
 * own driver off it.  Binds nothing now (host/bind.h does), and touches no file that it did not write.
 */
#ifndef PT_HOST_RESERVE_H
#define PT_HOST_RESERVE_H

#include "host/ops.h"

/* the program that udev asks which driver a device shall have: src/early/ */
#ifndef PT_EARLY
#define PT_EARLY "/usr/local/libexec/passthru/passthru-early"
#endif

/**
 * struct pt_reservation - owns nothing
 * @driver: that shall hold it: "vfio-pci", a variant's name; PT_DRIVER_LIBVIRT: it is only remembered, and no rule made
 * @vm, @vm_uuid: for whom; NULL: nobody in particular
 * @change: by which change, for a reader
 * @identity: pt_identity_lines(): what it is recognised by beside its ids; NULL: nothing more is known
 */
struct pt_reservation {
	struct pt_bdf bdf;
	unsigned vendor;
	unsigned device;
	unsigned subvendor;
	unsigned subdevice;
	const char *driver;
	const char *vm;
	long long change;
	const char *vm_uuid;
	const char *identity;
};

/**
 * pt_reserve_write() - reserve; the state's file comes last, so that it is there only when the rule is
 *
 * Unless a text is put back, it also notes in /run that this boot has seen the very device at its address.
 *
 * @text: a reservation's text to put back as it was; NULL: made from @r
 *
 * Return: 0; -EEXIST when the address is reserved already or a file there is not ours; -EINVAL for a driver's name that
 * cannot stand in a rule, or a @text that is none.
 */
int pt_reserve_write(const struct pt_host_ops *ops, const struct pt_reservation *r, const char *text,
		     struct pt_error *err);

/**
 * pt_reserve_replace() - as pt_reserve_write(), whatever record of the very device @r is there
 *
 * At no moment is there none: a power cut leaves the one or the other.  -ESTALE, -EEXIST as for pt_reserve_remove().
 */
int pt_reserve_replace(const struct pt_host_ops *ops, const struct pt_reservation *r, const char *text,
		       struct pt_error *err);

/**
 * pt_reserve_remove() - give the reservation of the very device @r up
 *
 * Return: 1; 0 when there was none; -ESTALE when the one there is for another device; -EEXIST when it is not ours.
 */
int pt_reserve_remove(const struct pt_host_ops *ops, const struct pt_reservation *r, struct pt_error *err);

/**
 * pt_reserve_known() - note in /run that the device at @bdf was recognised in this boot as the one with @identity
 *
 * It stays until the next boot, and counts for a reservation with just these words (pt_identity_lines()).
 */
int pt_reserve_known(const struct pt_host_ops *ops, struct pt_bdf bdf, const char *identity, struct pt_error *err);

/** pt_reserve_read() - the text of the reservation of @bdf; the caller frees; -ENOENT when there is none */
int pt_reserve_read(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_text, struct pt_error *err);

#endif
