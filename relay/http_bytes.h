/*
 * relay/http_bytes.h - which bytes stand where in HTTP/1.1 (RFC 9110, section 5).
 */
#ifndef RELAY_HTTP_BYTES_H
#define RELAY_HTTP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

/* May c stand in a field's name? */
bool http_byte_is_token(uint8_t c);

/* May c stand in a field's value, a reason or an extension: no control byte but tab? */
bool http_byte_is_text(uint8_t c);

#endif
