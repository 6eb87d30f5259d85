/*
 * client/approve_image.c - forgetting which program a name led to.
 */
#include "client/approve_image.h"

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "wire/image.h"

/* What the broker keeps of the name.  1, 0: nothing, or -1. */
static int image_fetch(struct client *c, const char *name, struct image *out, struct failure *f)
{
	struct wire_out *o = wire_request("image");

	wire_put_str(o, "name", name);
	if (vault_open_for_person(c, f) != 0 || client_call(c, o, f) != 0)
		return -1;
	if (!wire_has(c->dial.in.top, "image"))
		return 0;
	return wire_get_image(c->dial.in.top, "image", out, f) == 0 ? 1 : -1;
}

static int image_agree(const char *name, struct failure *f)
{
	bool agreed;

	if (!terminal_asks()) {
		fail_set(f, FAIL_USAGE, NULL,
			 "cannot ask whether to forget this: there is no terminal");
		fail_hint(f, "when it is what you want: ccctl approve --program %s --yes", name);
		return -1;
	}
	if (terminal_yes("let the next launch take what it finds for the right one?", &agreed, f) !=
	    0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

int approve_image(struct client *c, const char *name, bool yes, struct failure *f)
{
	static struct image i; /* large */
	char text[IMAGE_TEXT];
	struct wire_out *o;
	int r = image_fetch(c, name, &i, f);

	if (r < 0)
		return -1;
	if (r == 0) {
		say("nothing is kept of %s: its next launch keeps what it finds", name);
		return 0;
	}
	image_describe(&i, text);
	say("%s was, at its last launch: %s", name, text);
	say("BLAKE2b-256 %s", i.digest);
	if ((!yes && image_agree(name, f) != 0) || person_identify(c, f) != 0)
		return -1;
	o = wire_request("image-forget");
	wire_put_str(o, "name", name);
	if (person_call(c, o, f) != 0)
		return -1;
	say("the next launch of %s keeps what it finds", name);
	return 0;
}
