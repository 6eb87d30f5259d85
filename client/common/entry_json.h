/*
 * client/common/entry_json.h - an entry of the vault as JSON, the same wherever one is
 * printed.
 */
#ifndef CLIENT_COMMON_ENTRY_JSON_H
#define CLIENT_COMMON_ENTRY_JSON_H

struct json_t;
struct listed;

/* The caller owns the object. */
struct json_t *entry_json(const struct listed *e);

#endif
