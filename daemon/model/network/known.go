package network

import "net/url"

// DefaultBaseURL is where a key without a base URL belongs.
const DefaultBaseURL = "https://api.openai.com/v1"

// AnthropicBaseURL is where a key for Anthropic's own API belongs.
const AnthropicBaseURL = "https://api.anthropic.com"

// known are providers by the names under which people know them.
var known = []struct{ name, base string }{ //nolint:gochecknoglobals // a constant table
	{"openai", DefaultBaseURL},
	{"anthropic", AnthropicBaseURL},
	{"openrouter", "https://openrouter.ai/api/v1"},
	{"groq", "https://api.groq.com/openai/v1"},
	{"mistral", "https://api.mistral.ai/v1"},
	{"deepseek", "https://api.deepseek.com/v1"},
	{"gemini", "https://generativelanguage.googleapis.com/v1beta/openai"},
	{"xai", "https://api.x.ai/v1"},
	{"together", "https://api.together.xyz/v1"},
	{"fireworks", "https://api.fireworks.ai/inference/v1"},
	{"cerebras", "https://api.cerebras.ai/v1"},
	{"perplexity", "https://api.perplexity.ai"},
	{"nvidia", "https://integrate.api.nvidia.com/v1"},
	{"huggingface", "https://router.huggingface.co/v1"},
	{"moonshot", "https://api.moonshot.ai/v1"},
	{"dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"},
	{"zai", "https://api.z.ai/api/paas/v4"},
}

// KnownBaseURL returns the base URL of a provider that people know by name, "" for others.
func KnownBaseURL(name string) string {
	for _, k := range known {
		if k.name == name {
			return k.base
		}
	}
	return ""
}

// KnownName returns the name by which people know the provider at a host, "" for others.
func KnownName(host string) string {
	for _, k := range known {
		if u, err := url.Parse(k.base); err == nil && u.Hostname() == host {
			return k.name
		}
	}
	return ""
}
