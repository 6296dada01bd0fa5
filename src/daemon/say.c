/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/say.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "base/alloc.h"
#include "base/cleanup.h"

void pt_say_news(int priority, const char *claim, const char *device, const char *text)
{
	pt_autofree char *message = pt_strf("MESSAGE=%s", text);
	pt_autofree char *level = pt_strf("PRIORITY=%d", priority);
	pt_autofree char *of_claim = pt_strf("PASSTHRU_CLAIM=%s", claim ? claim : "");
	pt_autofree char *of_device = pt_strf("PASSTHRU_DEVICE=%s", device ? device : "");
	struct iovec fields[4] = { { message, strlen(message) }, { level, strlen(level) } };
	int n = 2;

	if (claim)
		fields[n++] = (struct iovec){ of_claim, strlen(of_claim) };
	if (device)
		fields[n++] = (struct iovec){ of_device, strlen(of_device) };
	/* there is nobody to tell that nobody can be told */
	if (!getenv("JOURNAL_STREAM") || sd_journal_sendv(fields, n) < 0)
		(void)fprintf(stderr, "passthrud: %s\n", text);
}

void pt_say_status(const char *text, int ready)
{
	(void)sd_notifyf(0, "%sSTATUS=%s", ready ? "READY=1\n" : "", text);
}

void pt_say_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=ending");
}

unsigned pt_say_watchdog_ms(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? (unsigned)(us / 2000) : 0;
}

void pt_say_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}
