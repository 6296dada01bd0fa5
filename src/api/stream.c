/* SPDX-License-Identifier: Apache-2.0 */
/* Events as a stream: each listener is asleep until there are some, or it is time for a sign of life. */
#include <stdlib.h>

#include "api/parts.h"
#include "base/cleanup.h"
#include "base/watch.h"

static void refill(struct pt_exchange *x)
{
	struct pt_api *api = x->call.api;
	long long now = pt_watch_now_ms();

	free(pt_take_ptr(x->text));
	x->sent = 0;
	x->text = pt_model_events(api->model, &x->at);
	if (!x->text && now - x->spoke >= PT_KEEPALIVE_MS)
		x->text = pt_strdup(": nothing new\n\n");
	x->size = x->text ? strlen(x->text) : 0;
	if (x->text)
		x->spoke = now;
}

static ssize_t read_events(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct pt_exchange *x = arg;
	struct pt_api *api = x->call.api;
	size_t n;

	(void)pthread_mutex_lock(&api->mutex);
	if (x->sent == x->size)
		refill(x);
	if (!x->text && api->stop) {
		(void)pthread_mutex_unlock(&api->mutex);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	if (!x->text) {
		/* within the lock: whoever adds an event from now on finds it asleep */
		x->asleep = true;
		pt_conn_limit(&api->conns, x->conn, 0);
		MHD_suspend_connection(x->mhd);
		(void)pthread_mutex_unlock(&api->mutex);
		return 0;
	}
	/* a part that is not taken in time ends the stream: the model does not wait for anybody */
	pt_conn_limit(&api->conns, x->conn, PT_CONN_SEND_MS);
	n = x->size - x->sent < max ? x->size - x->sent : max;
	memcpy(buf, x->text + x->sent, n);
	x->sent += n;
	(void)pthread_mutex_unlock(&api->mutex);
	return (ssize_t)n;
}

struct MHD_Response *pt_stream_new(struct pt_exchange *x)
{
	struct pt_api *api = x->call.api;

	x->text = pt_strdup(x->call.reply.body);
	x->size = strlen(x->text);
	x->spoke = pt_watch_now_ms();
	(void)pthread_mutex_lock(&api->mutex);
	x->listening = true;
	x->prev = NULL;
	x->next = api->streams;
	if (api->streams)
		api->streams->prev = x;
	api->streams = x;
	(void)pthread_mutex_unlock(&api->mutex);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_events, x, NULL);
}

void pt_stream_end(struct pt_exchange *x)
{
	struct pt_api *api = x->call.api;

	if (!x->listening)
		return;
	(void)pthread_mutex_lock(&api->mutex);
	if (x->prev)
		x->prev->next = x->next;
	else
		api->streams = x->next;
	if (x->next)
		x->next->prev = x->prev;
	(void)pthread_mutex_unlock(&api->mutex);
	free(pt_take_ptr(x->text));
	pt_conn_stream_end(&api->conns, x->conn);
}

void pt_streams_wake(void *arg)
{
	struct pt_api *api = arg;

	(void)pthread_mutex_lock(&api->mutex);
	for (struct pt_exchange *x = api->streams; x; x = x->next) {
		if (!x->asleep)
			continue;
		x->asleep = false;
		MHD_resume_connection(x->mhd);
	}
	(void)pthread_mutex_unlock(&api->mutex);
}
