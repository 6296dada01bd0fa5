/* SPDX-License-Identifier: Apache-2.0 */
/* What a service says: to systemd how it is, to the journal what happens, with fields that can be asked for. */
#ifndef PT_DAEMON_SAY_H
#define PT_DAEMON_SAY_H

/**
 * pt_say_news() - one entry; @claim and @device may be NULL
 *
 * In the journal PASSTHRU_CLAIM= and PASSTHRU_DEVICE=; where standard error is no journal, a line on it.
 */
void pt_say_news(int priority, const char *claim, const char *device, const char *text);

/** pt_say_status() - STATUS=, and with @ready READY=1; @ready is told once */
void pt_say_status(const char *text, int ready);
void pt_say_stopping(void);

/** pt_say_watchdog_ms() - how often systemd wants to hear pt_say_alive(), halved; 0: not */
unsigned pt_say_watchdog_ms(void);
void pt_say_alive(void);

#endif
