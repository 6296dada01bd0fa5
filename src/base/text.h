/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, made fit for a terminal, a message and JSON.  Knows no encoding but UTF-8. */
#ifndef PT_BASE_TEXT_H
#define PT_BASE_TEXT_H

/**
 * pt_text_clean() - replace, in place, every control character and every byte that is no valid UTF-8 by '?'
 *
 * A captured host may hold anything: an escape sequence in a disk's model must not reach the terminal, a broken byte
 * not the JSON.  Return: @s.
 */
char *pt_text_clean(char *s);

/** pt_text_clean_lines() - the same, but ends of lines stay; returns @s */
char *pt_text_clean_lines(char *s);

/** pt_text_trim() - remove blanks at both ends, in place; disks pad their strings with them; @s itself stays valid */
char *pt_text_trim(char *s);

/* as long as libvirt lets a VM's name be (a file is called after it), each byte quoted */
struct pt_shell_word {
	char s[1100];
};

/**
 * pt_shell() - a name as a shell takes it for one word, for the commands in hints: 'my vm'; by value, as pt_bdf_str()
 *
 * One that needs no quotes has none.  What is too long for it is cut.
 */
struct pt_shell_word pt_shell(const char *word);

/** pt_hex_digit() - 0 to 15; -1 when @c is no hexadecimal digit */
int pt_hex_digit(char c);

#endif
