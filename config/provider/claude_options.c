/*
 * config/provider/claude_options.c - the long options of Claude Code.  A mode of one of these names
 * is refused: `ccrun zai --print` would mean two things.
 *
 * From Claude Code 2.1.330, 2026-11-22: what --help lists, and the options
 * that it takes without listing them (each was tried).  Sorted, for bsearch.
 */
#include "config/provider/claude_options.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char *const claude_options[] = {
	"add-dir", "advisor", "agent", "agent-color", "agent-id", "agent-name", "agent-type",
	"agents", "agents-view-if-allowed", "allow-dangerously-skip-permissions",
	"allow-other-models", "allowed-tools", "allowedTools",
	"append-subagent-system-prompt", "append-subagent-system-prompt-file",
	"append-system-prompt", "append-system-prompt-file", "attach-serve", "autocompact",
	"await-claim", "await-initialize", "ax-screen-reader", "background", "bare", "betas",
	"bg", "brief", "channels", "chrome", "client-data-url", "cloud", "continue",
	"correlation-id", "dangerously-load-development-channels",
	"dangerously-skip-permissions", "debug", "debug-file", "deep-link-last-fetch",
	"deep-link-origin", "deep-link-repo", "desktop", "disable-slash-commands",
	"disallowed-tools", "disallowedTools", "effort", "enable-auth-status",
	"enable-auto-mode", "environment", "exclude-dynamic-system-prompt-sections",
	"fallback-model", "fast-mode", "file", "fork-session", "forward-home-settings",
	"forward-subagent-text", "from-pr", "help", "hold-repository-while-parked",
	"host-auth-is-org-sign-in", "ide", "include-hook-events", "include-partial-messages",
	"include-unsupported-models", "inherit-permission-mode", "init", "init-only",
	"initialize-fields", "input-format", "json-schema", "lead-verify-key", "maintenance",
	"managed-settings", "managed-settings-in-initialize", "max-budget-usd",
	"max-thinking-tokens", "max-turns", "mcp-config", "messaging-socket-path",
	"metadata", "model", "name", "no-chrome", "no-session-persistence", "on-branch",
	"output-format", "parent-session-id", "permission-mode", "permission-prompt-tool",
	"permission-prompts", "plan-mode-instructions", "plan-mode-required", "plugin-dir",
	"plugin-dir-no-mcp", "plugin-url", "pool", "prefill", "print", "proactivity",
	"project-config-root", "prompt-suggestions", "rc", "ref", "remote", "remote-control",
	"remote-control-session-name-prefix", "replay-user-messages", "reply-on-resume",
	"restricted", "resume", "resume-drops-turn", "resume-session-at", "rewind-files",
	"runner-declares", "safe-mode", "sdk-url", "session-began-as-copy", "session-id",
	"session-mirror", "setting-sources", "settings", "strict-mcp-config",
	"system-prompt", "system-prompt-file", "system-prompt-snapshot", "task-budget",
	"team-name", "teammate-mode", "teleport", "thinking", "thinking-display", "tmux",
	"tools", "verbose", "version", "watch-artifact", "watch-artifact-no-autoreact",
	"workload", "worktree",
};
/* clang-format on */

static int option_compare(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

bool claude_has_option(const char *name)
{
	return bsearch(name, claude_options, sizeof(claude_options) / sizeof(claude_options[0]),
		       sizeof(claude_options[0]), option_compare) != NULL;
}
