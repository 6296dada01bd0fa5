/* SPDX-License-Identifier: Apache-2.0 */
/* What we call of libcurl: base/lazy.h says why it is not linked to.  For this room and client/. */
#ifndef PT_STORE_LAZY_CURL_H
#define PT_STORE_LAZY_CURL_H

/* its check of an option's type is a macro around the plain name */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/lazy.h"

#define PT_CURL(each)                                                                                                  \
	each(curl_easy_cleanup) each(curl_easy_getinfo) each(curl_easy_init) each(curl_easy_perform)                   \
		each(curl_easy_setopt) each(curl_easy_strerror) each(curl_multi_add_handle) each(curl_multi_cleanup)   \
			each(curl_multi_info_read) each(curl_multi_init) each(curl_multi_perform)                      \
				each(curl_multi_poll) each(curl_multi_remove_handle) each(curl_slist_append)           \
					each(curl_slist_free_all)

struct pt_curl {
	PT_CURL(PT_LAZY_MEMBER)
};

/* empty before pt_curl_load() */
extern struct pt_curl pt_curl;

/** pt_curl_load() - must have succeeded before the first call; at once when it has; see pt_lazy_load() */
int pt_curl_load(struct pt_error *err);

#ifndef PT_LAZY_PLAIN_NAMES
/* curl.h has macros of these names, which only pass their arguments on */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#define curl_easy_cleanup	 pt_curl.curl_easy_cleanup
#define curl_easy_getinfo	 pt_curl.curl_easy_getinfo
#define curl_easy_init		 pt_curl.curl_easy_init
#define curl_easy_perform	 pt_curl.curl_easy_perform
#define curl_easy_setopt	 pt_curl.curl_easy_setopt
#define curl_easy_strerror	 pt_curl.curl_easy_strerror
#define curl_multi_add_handle	 pt_curl.curl_multi_add_handle
#define curl_multi_cleanup	 pt_curl.curl_multi_cleanup
#define curl_multi_info_read	 pt_curl.curl_multi_info_read
#define curl_multi_init		 pt_curl.curl_multi_init
#define curl_multi_perform	 pt_curl.curl_multi_perform
#define curl_multi_poll		 pt_curl.curl_multi_poll
#define curl_multi_remove_handle pt_curl.curl_multi_remove_handle
#define curl_slist_append	 pt_curl.curl_slist_append
#define curl_slist_free_all	 pt_curl.curl_slist_free_all
#endif

#endif
