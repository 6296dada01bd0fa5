/* SPDX-License-Identifier: Apache-2.0 */
#include "tarball.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512

static void pad(struct pt_buf *tar)
{
	static const char zeros[BLOCK];

	if (tar->n % BLOCK)
		pt_buf_addn(tar, zeros, BLOCK - tar->n % BLOCK);
}

void tarball_add(struct pt_buf *tar, const char *name, char type, const char *target, const char *data)
{
	char header[BLOCK] = { 0 };
	unsigned sum = 0;

	memcpy(header, name, strnlen(name, 99));
	(void)snprintf(header + 100, 8, "%07o", 0644);
	(void)snprintf(header + 108, 8, "%07o", 0);
	(void)snprintf(header + 116, 8, "%07o", 0);
	(void)snprintf(header + 124, 12, "%011o", data ? (unsigned)strlen(data) : 0);
	(void)snprintf(header + 136, 12, "%011o", 0);
	memset(header + 148, ' ', 8);
	header[156] = type;
	if (target)
		memcpy(header + 157, target, strnlen(target, 99));
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + 148, 8, "%06o", sum);
	pt_buf_addn(tar, header, BLOCK);
	if (data)
		pt_buf_add(tar, data);
	pad(tar);
}

void tarball_end(struct pt_buf *tar)
{
	static const char zeros[BLOCK * 2];

	pt_buf_addn(tar, zeros, sizeof(zeros));
}
