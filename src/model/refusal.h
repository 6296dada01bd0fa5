/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of all refusals: what says no, which commands can be told to do it all the same (--force-NAME), and what
 * to do where that is not offered.  Plain data, for the manual and for who reads a name in a log; a check does not look
 * here.
 */
#ifndef PT_MODEL_REFUSAL_H
#define PT_MODEL_REFUSAL_H

/**
 * struct pt_refusal
 * @name: [a-z0-9-]; what a finding or an error is called
 * @what: the case, to be read after "refused, since"
 * @commands: that have --force-NAME, separated by a space; NULL: it cannot be forced anywhere
 * @instead: what to do, and of one that may never be forced, why not
 */
struct pt_refusal {
	const char *name;
	const char *what;
	const char *commands;
	const char *instead;
};

/* by name; ends with a row without one */
extern const struct pt_refusal pt_refusals[];

/** pt_refusal_find() - NULL when there is none of that name */
const struct pt_refusal *pt_refusal_find(const char *name);

#endif
