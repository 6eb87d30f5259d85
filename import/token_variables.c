/*
 * import/token_variables.c - the environment variables that hold tokens.
 */
#include "import/token_variables.h"

#include <string.h>
#include <strings.h>

static const struct client_variable client_variables[] = {
	{ "ANTHROPIC_AUTH_TOKEN", AUTH_BEARER },
	{ "ANTHROPIC_API_KEY", AUTH_API_KEY },
	{ "CLAUDE_CODE_OAUTH_TOKEN", AUTH_OAUTH },
	{ "ANTHROPIC_FOUNDRY_API_KEY", AUTH_FOUNDRY },
	{ "AWS_BEARER_TOKEN_BEDROCK", AUTH_BEDROCK },
	{ "ANTHROPIC_FOUNDRY_AUTH_TOKEN", AUTH_FOUNDRY_TOKEN },
	{ "ANTHROPIC_AWS_API_KEY", AUTH_CLAUDE_AWS },
};

static const struct vendor_variable vendor_variables[] = {
	{ "OPENROUTER_API_KEY", "openrouter", "https://openrouter.ai/api" },
	{ "ZAI_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "Z_AI_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "GLM_API_KEY", "zai", "https://api.z.ai/api/anthropic" },
	{ "ZHIPU_API_KEY", "zhipu", "https://open.bigmodel.cn/api/anthropic" },
	{ "ZHIPUAI_API_KEY", "zhipu", "https://open.bigmodel.cn/api/anthropic" },
	{ "DEEPSEEK_API_KEY", "deepseek", "https://api.deepseek.com/anthropic" },
	{ "MOONSHOT_API_KEY", "moonshot", "https://api.moonshot.ai/anthropic" },
	{ "KIMI_API_KEY", "kimi", "https://api.kimi.com/coding" },
	{ "MINIMAX_API_KEY", "minimax", "https://api.minimax.io/anthropic" },
	{ "QWEN_API_KEY", "qwen", "https://dashscope-intl.aliyuncs.com/apps/anthropic" },
	{ "DASHSCOPE_API_KEY", "qwen", "https://dashscope-intl.aliyuncs.com/apps/anthropic" },
	{ "ARK_API_KEY", "ark", "https://ark.cn-beijing.volces.com/api/coding" },
	{ "FIREWORKS_API_KEY", "fireworks", "https://api.fireworks.ai/inference" },
	{ "SILICONFLOW_API_KEY", "siliconflow", "https://api.siliconflow.com" },
	{ "AI_GATEWAY_API_KEY", "vercel", "https://ai-gateway.vercel.sh" },
	{ "CLAUDE_API_KEY", "anthropic", "" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct client_variable *client_variable_find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(client_variables); i++)
		if (strcmp(name, client_variables[i].name) == 0)
			return &client_variables[i];
	return NULL;
}

const struct vendor_variable *vendor_variable_find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(vendor_variables); i++)
		if (strcmp(name, vendor_variables[i].name) == 0)
			return &vendor_variables[i];
	return NULL;
}

/* Of an https address; 0: it is none. */
static size_t address_host(const char *url, const char **host)
{
	if (strncasecmp(url, "https://", 8) != 0)
		return 0;
	*host = url + 8;
	return strcspn(*host, "/:?#");
}

const struct vendor_variable *vendor_variable_of_address(const char *url)
{
	const char *host = NULL, *known = NULL;
	size_t n = address_host(url, &host), i;

	for (i = 0; n > 0 && i < COUNT(vendor_variables); i++)
		if (address_host(vendor_variables[i].base_url, &known) == n &&
		    strncasecmp(host, known, n) == 0)
			return &vendor_variables[i];
	return NULL;
}
