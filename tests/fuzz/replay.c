/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give every file of a fuzz target's corpus to it once: the kept findings and seeds, in every test run and with any
 * compiler.  The same target is linked with libFuzzer by `make fuzz`.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	uint8_t *copy;
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	n = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	/* a buffer of exactly that size, so that the sanitizer sees a read past its end */
	copy = malloc(n ? n : 1);
	if (!copy)
		return -1;
	memcpy(copy, data, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	unsigned done = 0;
	DIR *dir;

	if (argc != 2)
		return 2;
	dir = opendir(argv[1]);
	if (!dir) {
		(void)fprintf(stderr, "no corpus %s\n", argv[1]);
		return 1;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && replay(argv[1], entry->d_name) == 0)
			done++;
	(void)closedir(dir);
	(void)printf("%u inputs\n[  PASSED  ] %d test(s).\n", done, 1);
	return done ? 0 : 1;
}
