/* SPDX-License-Identifier: Apache-2.0 */
#define PT_LAZY_PLAIN_NAMES
#include "store/lazy-curl.h"

#define FUNCTION(name) { #name, offsetof(struct pt_curl, name) },

struct pt_curl pt_curl;

int pt_curl_load(struct pt_error *err)
{
	static const char *const files[] = { "libcurl-gnutls.so.4", "libcurl.so.4", NULL };
	static const struct pt_lazy_function functions[] = { PT_CURL(FUNCTION){ NULL, 0 } };
	static atomic_bool loaded;

	return pt_lazy_load(files, functions, &pt_curl, &loaded, err);
}
