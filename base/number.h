/*
 * base/number.h - whole numbers, and digits, that people and other programs write.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>

/*
 * Is text a decimal number of digits alone (no sign, no blank, not empty) from least
 * to most?  *out is the number, and unchanged when it is not.  errno stays as it is.
 */
bool number_parse(const char *text, unsigned long least, unsigned long most, unsigned long *out);

/* What a hexadecimal digit of either case stands for, or -1. */
int number_hex_digit(char c);

#endif
