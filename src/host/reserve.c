/* SPDX-License-Identifier: Apache-2.0 */
#include "host/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/reserved.h"

#define MARK	  "# Reserved for guests by passthru: the host's own driver stays away from it, across reboots.\n"
#define REMEMBER  "# Remembered by passthru: a guest has it, and it is recognised by this when its address has moved.\n"
#define RULE_MARK "# Made by passthru from its reservation of this device; changes here are lost.\n"

/* before 80-drivers.rules, which loads the module that the device's alias names; where driverctl's own rule is, too */
static char *rule_name(struct pt_bdf bdf)
{
	return pt_strf("05-passthru-%s.rules", pt_bdf_str(bdf).s);
}

static char *conf_name(struct pt_bdf bdf)
{
	return pt_strf("%s.conf", pt_bdf_str(bdf).s);
}

/* what may stand between quotes in a udev rule; kernel module names are no more than this */
static bool good_driver(const char *s)
{
	return s && *s && strlen(s) <= 64 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(s);
}

static bool kept(const char *driver)
{
	return !pt_streq(driver, PT_DRIVER_LIBVIRT);
}

static char *make_text(const struct pt_reservation *r)
{
	pt_autofree char *vm = pt_strdup(r->vm ? r->vm : "");
	bool keep = kept(r->driver);

	/* a VM's name is hostile text: one line it is and stays */
	for (char *c = vm; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '_';
	return pt_strf("%s# `passthru %s %s` gives it back.\n"
		       "address=%s\nvendor_id=%04x\ndevice_id=%04x\nsubsystem_vendor_id=%04x\n"
		       "subsystem_device_id=%04x\n%sdriver=%s\nvm=%s\nvm_uuid=%s\nchange=%lld\n",
		       keep ? MARK : REMEMBER, vm[0] ? "detach VM" : "release", pt_bdf_str(r->bdf).s,
		       pt_bdf_str(r->bdf).s, r->vendor, r->device, r->subvendor, r->subdevice,
		       r->identity ? r->identity : "", r->driver, vm, r->vm_uuid ? r->vm_uuid : "", r->change);
}

/*
 * Every device of this kind, wherever it is, is shown to our program, which knows the serial numbers and whether there
 * is another like it; it prints the driver that the device shall have, or fails.  driver_override is written while the
 * rules are read, the module loaded after (udev(7), RUN{builtin}): whichever of module and override comes first,
 * drivers_probe or the module's own registration finds the other in place.
 */
static char *make_rule(const struct pt_reservation *r)
{
	return pt_strf(RULE_MARK
		       "ACTION==\"add\", SUBSYSTEM==\"pci\", ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", "
		       "ATTR{subsystem_vendor}==\"0x%04x\", ATTR{subsystem_device}==\"0x%04x\", "
		       "PROGRAM==\"" PT_EARLY " driver %%k\", ATTR{driver_override}=\"%%c\", "
		       "ATTR{[subsystem/pci]drivers_probe}=\"%%k\", RUN{builtin}+=\"kmod load %%c\"\n",
		       r->vendor, r->device, r->subvendor, r->subdevice);
}

/* the value of "key=" at the beginning of a line; the caller frees; NULL when there is none */
static char *value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == '=')
			return pt_strndup(line + n + 1, strcspn(line + n + 1, "\n"));
		if (!*line)
			return NULL;
	}
	return NULL;
}

static bool has(const char *text, const char *key, const char *wanted)
{
	pt_autofree char *value = value_of(text, key);

	return pt_streq(value, wanted);
}

static bool has_id(const char *text, const char *key, unsigned id)
{
	char wanted[16];

	(void)snprintf(wanted, sizeof(wanted), "%04x", id);
	return has(text, key, wanted);
}

static int not_ours(struct pt_error *err)
{
	pt_refused_by(err, "foreign-file", false);
	pt_hint(err, "see whose it is; move it away if nobody needs it");
	return -EEXIST;
}

/* 0 when @text is a reservation of this very device */
static int check_text(const struct pt_reservation *r, const char *text, struct pt_error *err)
{
	struct pt_bdf_text bdf = pt_bdf_str(r->bdf);
	int code;

	if (!pt_startswith(text, MARK) && !pt_startswith(text, REMEMBER)) {
		(void)pt_say(err, -EEXIST, "reserved.d/%s.conf was not made by passthru: it is left alone", bdf.s);
		return not_ours(err);
	}
	if (has(text, "address", bdf.s) && has_id(text, "vendor_id", r->vendor) &&
	    has_id(text, "device_id", r->device) && has_id(text, "subsystem_vendor_id", r->subvendor) &&
	    has_id(text, "subsystem_device_id", r->subdevice))
		return 0;
	code = pt_say(err, -ESTALE, "%s is reserved for another device than %04x:%04x (subsystem %04x:%04x)", bdf.s,
		      r->vendor, r->device, r->subvendor, r->subdevice);
	pt_refused_by(err, "identity", false);
	pt_hint(err, "see reserved.d/%s.conf; `passthru repair` writes it anew for the device where it is now", bdf.s);
	return code;
}

/* 1 when there is a rule file, 0 when not; -EEXIST when it is somebody else's */
static int look_at_rule(const struct pt_host_ops *ops, const char *name, struct pt_error *err)
{
	pt_autofree char *text = NULL;
	int r = ops->file_read(ops->ctx, PT_HOST_RULES, name, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!pt_startswith(text, RULE_MARK)) {
		(void)pt_say(err, -EEXIST, "the udev rule %s was not made by passthru: it is left alone", name);
		return not_ours(err);
	}
	return 1;
}

int pt_reserve_known(const struct pt_host_ops *ops, struct pt_bdf bdf, const char *identity, struct pt_error *err)
{
	pt_autofree char *mark = pt_strf(PT_KNOWN_PREFIX "%s", pt_bdf_str(bdf).s);

	return ops->file_write(ops->ctx, PT_HOST_RUN, mark, identity ? identity : "", err);
}

/* the rule first, then what the reader sees: it is there only when the rule is */
static int write_files(const struct pt_host_ops *ops, const struct pt_reservation *res, const char *driver,
		       const char *content, bool restored, struct pt_error *err)
{
	pt_autofree char *conf = conf_name(res->bdf);
	pt_autofree char *rules = rule_name(res->bdf);
	pt_autofree char *rule = make_rule(res);
	int there = look_at_rule(ops, rules, err);
	int r = there;

	/* what undo writes back may be about a device that is elsewhere now */
	if (r >= 0 && !restored)
		r = pt_reserve_known(ops, res->bdf, res->identity, err);
	if (r >= 0 && kept(driver))
		r = ops->file_write(ops->ctx, PT_HOST_RULES, rules, rule, err);
	if (r >= 0)
		r = ops->file_write(ops->ctx, PT_HOST_RESERVED, conf, content, err);
	/* of a record that kept it, which this one has replaced */
	if (r >= 0 && there && !kept(driver))
		r = ops->file_write(ops->ctx, PT_HOST_RULES, rules, NULL, err);
	return r < 0 ? r : 0;
}

int pt_reserve_read(const struct pt_host_ops *ops, struct pt_bdf bdf, char **ret_text, struct pt_error *err)
{
	pt_autofree char *name = conf_name(bdf);

	return ops->file_read(ops->ctx, PT_HOST_RESERVED, name, ret_text, err);
}

/* what @text says, or @res where there is none, becomes the record; with @replaces of whatever record of the device */
static int put(const struct pt_host_ops *ops, const struct pt_reservation *res, const char *text, bool replaces,
	       struct pt_error *err)
{
	pt_autofree char *conf = conf_name(res->bdf);
	pt_autofree char *driver = text ? value_of(text, "driver") : pt_strdup_opt(res->driver);
	pt_autofree char *content = NULL;
	pt_autofree char *there = NULL;
	int r;

	if (!good_driver(driver))
		return pt_say(err, -EINVAL, "cannot reserve %s: '%s' is no name of a driver", pt_bdf_str(res->bdf).s,
			      driver ? driver : "");
	content = text ? pt_strdup(text) : make_text(res);
	r = check_text(res, content, err);
	if (r < 0)
		return r;
	r = ops->file_read(ops->ctx, PT_HOST_RESERVED, conf, &there, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && replaces)
		r = check_text(res, there, err);
	else if (r == 0 && !(text && strcmp(text, there) == 0)) {
		r = pt_say(err, -EEXIST, "%s is reserved already", pt_bdf_str(res->bdf).s);
		pt_refused_by(err, "reserved-already", false);
		pt_hint(err, "see reserved.d/%s for whom and by which change", conf);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	return write_files(ops, res, driver, content, text != NULL, err);
}

int pt_reserve_write(const struct pt_host_ops *ops, const struct pt_reservation *res, const char *text,
		     struct pt_error *err)
{
	return put(ops, res, text, false, err);
}

int pt_reserve_replace(const struct pt_host_ops *ops, const struct pt_reservation *res, const char *text,
		       struct pt_error *err)
{
	return put(ops, res, text, true, err);
}

int pt_reserve_remove(const struct pt_host_ops *ops, const struct pt_reservation *res, struct pt_error *err)
{
	pt_autofree char *conf = conf_name(res->bdf);
	pt_autofree char *rules = rule_name(res->bdf);
	pt_autofree char *text = NULL;
	int rule = 0;
	int r = ops->file_read(ops->ctx, PT_HOST_RESERVED, conf, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (text) {
		r = check_text(res, text, err);
		if (r < 0)
			return r;
	}
	rule = look_at_rule(ops, rules, err);
	if (rule < 0)
		return rule;
	/* the rule goes first: what the reader sees is there as long as anything of it is */
	r = rule ? ops->file_write(ops->ctx, PT_HOST_RULES, rules, NULL, err) : 0;
	if (r == 0 && text)
		r = ops->file_write(ops->ctx, PT_HOST_RESERVED, conf, NULL, err);
	if (r < 0)
		return r;
	return rule || text;
}
