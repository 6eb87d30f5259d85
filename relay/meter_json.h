/*
 * relay/meter_json.h - reading one JSON text of an answer (the body, or the data of an
 * event) into a struct usage_meter, of which relay/usage_meter.c makes the result.
 */
#ifndef RELAY_METER_JSON_H
#define RELAY_METER_JSON_H

#include <stdint.h>
#include "relay/usage_meter.h"

/* The text's own "type". */
enum meter_type {
	TYPE_OTHER,
	TYPE_MESSAGE,
	TYPE_MESSAGE_START,
	TYPE_MESSAGE_DELTA,
	TYPE_MESSAGE_STOP,
	TYPE_ERROR
};

/* Begin a text: m's readings of the one before it are forgotten. */
void meter_json_start(struct usage_meter *m);

/* Read the bytes from p up to end, which may be cut anywhere; the whole text never needs to
 * be there at once.  What cannot be read leaves m->lexer incomplete. */
void meter_json_feed(struct usage_meter *m, const uint8_t *p, const uint8_t *end);

#endif
