/*
 * relay/http_bytes.c - which bytes stand where in HTTP/1.1.
 */
#include "relay/http_bytes.h"

#include <string.h>

bool http_byte_is_token(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

bool http_byte_is_text(uint8_t c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}
