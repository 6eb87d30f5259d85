/*
 * config/provider/claude_options.c - the long options of Claude Code.  A mode of one of these names
 * is refused: `ccrun zai --print` would mean two things.
 *
 * What --help lists is in spec/claude.c.  Here is what Claude Code 2.1.330, 2026-11-22, takes
 * without listing it (each was tried).  Sorted, for bsearch.
 */
#include "config/provider/claude_options.h"

#include <stdlib.h>
#include <string.h>

#include "spec/spec.h"

/* clang-format off */
static const char *const unlisted[] = {
	"advisor", "agent-color", "agent-id", "agent-name", "agent-type",
	"agents-view-if-allowed", "allow-other-models", "append-subagent-system-prompt",
	"append-subagent-system-prompt-file", "append-system-prompt-file", "attach-serve",
	"await-claim", "await-initialize", "channels", "client-data-url", "correlation-id",
	"dangerously-load-development-channels", "deep-link-last-fetch", "deep-link-origin",
	"deep-link-repo", "enable-auth-status", "enable-auto-mode", "fast-mode",
	"forward-home-settings", "hold-repository-while-parked", "host-auth-is-org-sign-in",
	"include-unsupported-models", "inherit-permission-mode", "init", "init-only",
	"initialize-fields", "lead-verify-key", "maintenance", "managed-settings",
	"managed-settings-in-initialize", "max-thinking-tokens", "max-turns",
	"messaging-socket-path", "metadata", "on-branch", "parent-session-id",
	"permission-prompt-tool", "plan-mode-instructions", "plan-mode-required",
	"plugin-dir-no-mcp", "pool", "prefill", "proactivity", "project-config-root", "rc",
	"ref", "remote", "reply-on-resume", "resume-drops-turn", "resume-session-at",
	"rewind-files", "runner-declares", "sdk-url", "session-began-as-copy",
	"session-mirror", "system-prompt-file", "task-budget", "team-name", "teammate-mode",
	"thinking", "thinking-display", "watch-artifact", "watch-artifact-no-autoreact",
	"workload",
};
/* clang-format on */

static int option_compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

bool claude_has_option(const char *name)
{
	const struct option_spec *o;

	for (o = spec_claude_options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return bsearch(name, unlisted, sizeof(unlisted) / sizeof(unlisted[0]), sizeof(unlisted[0]),
		       option_compare) != NULL;
}
