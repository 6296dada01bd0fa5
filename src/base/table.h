/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables and trees for people, as lsblk prints them (libsmartcols).  For programs there is JSON, which shape/ makes and
 * this does not.
 */
#ifndef PT_BASE_TABLE_H
#define PT_BASE_TABLE_H

#include <stdio.h>

#include "base/error.h"

struct pt_table;
struct pt_table_line;

enum pt_table_flags {
	PT_TABLE_RIGHT = 1 << 0, /* numbers */
	PT_TABLE_CUT = 1 << 1,	 /* may be cut to fit, to no less than PT_TABLE_CUT_MIN */
	PT_TABLE_TREE = 1 << 2,	 /* the branches are drawn in this column */
};

#define PT_TABLE_CUT_MIN 24

/**
 * pt_table_new() - a table; as wide as the terminal, or as wide as it needs to be when the output is no terminal
 * @width: columns to fit into; 0 finds out when it is printed
 */
struct pt_table *pt_table_new(size_t width);

/**
 * pt_table_column() - append a column; all columns before the first line
 * @drop: on a terminal too narrow for the table, columns go away, those with the highest number first; 0 never goes
 */
void pt_table_column(struct pt_table *table, const char *name, unsigned flags, unsigned drop);

/** pt_table_line() - append a line, below @parent in a tree (NULL: at the top); belongs to the table */
struct pt_table_line *pt_table_line(struct pt_table *table, struct pt_table_line *parent);

/** pt_table_cell() - set a cell; @text is copied; NULL leaves it empty */
void pt_table_cell(struct pt_table *table, struct pt_table_line *line, size_t column, const char *text);

/** pt_table_print() - 0 or a negative errno; nothing is printed for a table without lines */
int pt_table_print(struct pt_table *table, FILE *out, struct pt_error *err);

void pt_table_free(struct pt_table *table);

#endif
