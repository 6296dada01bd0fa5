/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a physical function's VFs are, or shall be: their number, who takes new ones, and what is set for each.  Plain
 * data and its text, which stands in steps and in /etc/passthru/sriov.d.  What it does not say is left alone.
 */
#ifndef PT_MODEL_SRIOV_STATE_H
#define PT_MODEL_SRIOV_STATE_H

#include "base/alloc.h"
#include "model/bdf.h"
#include "model/device.h"
#include "model/nvme.h"
#include "model/vf.h"

/**
 * struct pt_vf_state - one VF; owns its strings
 * @has_address, @bdf: where it was; a new one's is not known before it is there
 * @mtu: that its network asks of the PF's interface, for as long as it is kept; 0: not said
 * @queues, @interrupts: of an NVMe controller that is online; 0: not said
 * @driver, @override: of the VF; NULL: none, or not said when @has_address is false
 */
struct pt_vf_state {
	unsigned index;
	bool has_address;
	struct pt_bdf bdf;
	char *driver;
	char *override;
	unsigned queues;
	unsigned interrupts;
	unsigned mtu;
	struct pt_vf_settings settings;
};

/**
 * struct pt_sriov_state - owns everything in it
 * @has_pf, @pf and the ids: of which card; only in a file
 * @vfs: -1: not said
 * @autoprobe: 1, 0; -1: not said
 * @own_queues, @own_interrupts: what an NVMe card's primary controller has of what could be its VFs'; -1: not said
 */
struct pt_sriov_state {
	bool has_pf;
	struct pt_bdf pf;
	unsigned vendor;
	unsigned device;
	unsigned subvendor;
	unsigned subdevice;
	int vfs;
	int autoprobe;
	int own_queues;
	int own_interrupts;
	PT_ARRAY(struct pt_vf_state) v;
};

#define PT_SRIOV_STATE_UNSAID                                                                                          \
	{                                                                                                              \
		.vfs = -1, .autoprobe = -1, .own_queues = -1, .own_interrupts = -1                                     \
	}

struct pt_sriov_states {
	struct pt_sriov_state *v;
	size_t n;
	size_t cap;
};

/** pt_sriov_state_text() - lines; the caller frees */
char *pt_sriov_state_text(const struct pt_sriov_state *s);

/** pt_sriov_state_parse() - the way back; hostile; -EBADMSG with the line that is wrong */
int pt_sriov_state_parse(const char *text, struct pt_sriov_state *ret_state, struct pt_error *err);

/** pt_sriov_state_vf() - by index; NULL when nothing is said of it */
struct pt_vf_state *pt_sriov_state_vf(const struct pt_sriov_state *s, unsigned index);

/** pt_sriov_state_add() - the VF of that index, made when nothing is said of it yet */
struct pt_vf_state *pt_sriov_state_add(struct pt_sriov_state *s, unsigned index);

/* deep copy; @to is unsaid or zero */
void pt_sriov_state_copy(struct pt_sriov_state *to, const struct pt_sriov_state *from);

/** pt_sriov_state_mtu() - the largest MTU that one of its VFs asks of the PF; 0: none does */
unsigned pt_sriov_state_mtu(const struct pt_sriov_state *s);

/** pt_nvme_state() - note what an NVMe card's controllers have now: the primary, and each VF that @s names */
void pt_nvme_state(const struct pt_nvme_virt *card, struct pt_sriov_state *s);

/** pt_sriov_text_names() - does a state's text name the VF at this address? */
bool pt_sriov_text_names(const char *text, struct pt_bdf bdf);

void pt_sriov_state_done(struct pt_sriov_state *s);
void pt_sriov_states_done(struct pt_sriov_states *l);

#endif
