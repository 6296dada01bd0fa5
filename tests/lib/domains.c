/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "domains.h"

static char *folder(void)
{
	const char *data = getenv("PT_TEST_DATA");

	if (!data)
		fail_msg("PT_TEST_DATA is not set: run this with meson test");
	return pt_strf("%s/domains", data);
}

char *domains_text(const char *name)
{
	char *dir = folder();
	char *path = pt_strf("%s/%s.xml", dir, name);
	FILE *f = fopen(path, "rb");
	struct pt_buf text = { 0 };
	char part[4096];
	size_t n;

	if (!f)
		fail_msg("cannot open %s", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		pt_buf_addn(&text, part, n);
	(void)fclose(f);
	free(path);
	free(dir);
	return pt_buf_take(&text);
}

void domains_names(struct pt_strv *ret)
{
	char *path = folder();
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		fail_msg("cannot open %s", path);
	while ((entry = readdir(dir)))
		if (pt_endswith(entry->d_name, ".xml"))
			pt_strv_take(ret, pt_strndup(entry->d_name, strlen(entry->d_name) - 4));
	(void)closedir(dir);
	free(path);
	pt_strv_sort(ret);
}
