/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check found: the one shape of doctor's lines, a plan's notes and every refusal.  Plain data; who decides what
 * to do about it is decide/ and cli/.
 */
#ifndef PT_MODEL_FINDING_H
#define PT_MODEL_FINDING_H

#include <stdbool.h>
#include <stddef.h>

enum pt_verdict {
	PT_OK = 0,
	PT_NOTE,    /* said, but neither good nor bad */
	PT_WARN,    /* works, with a price that the user should know */
	PT_UNKNOWN, /* could not be seen (no root, not in the capture) */
	PT_FAIL,    /* does not work, or: refused */
};

/**
 * struct pt_finding - one line of judgement; owns its strings
 * @verdict: see enum pt_verdict
 * @name: short and stable, [a-z0-9-]: "iommu-active", "mounted"; for a refusal that may be forced it is the NAME of
 *        --force-NAME
 * @fact: what was found, one sentence
 * @where: where it was read ("/sys/firmware/acpi/tables/DMAR"), or NULL
 * @fix: what to do, in words that fit this host, or NULL
 * @forceable: a PT_FAIL that --force-NAME turns into a PT_WARN
 */
struct pt_finding {
	enum pt_verdict verdict;
	char *name;
	char *fact;
	char *where;
	char *fix;
	bool forceable;
};

struct pt_findings {
	struct pt_finding *v;
	size_t n;
	size_t cap;
};

const char *pt_verdict_str(enum pt_verdict verdict); /* "ok", "note", "warn", "unknown", "fail" */

/**
 * pt_findings_add() - append; @where and @fix may be NULL and are copied, @fact is formatted
 * Return: the new element, valid until the next call, e.g. to set @forceable.
 */
struct pt_finding *pt_findings_add(struct pt_findings *l, enum pt_verdict verdict, const char *name, const char *where,
				   const char *fix, const char *fact, ...) __attribute__((format(printf, 6, 7)));

/** pt_findings_worst() - the gravest verdict in the list; PT_OK for an empty one */
enum pt_verdict pt_findings_worst(const struct pt_findings *l);

void pt_findings_done(struct pt_findings *l);

#endif
