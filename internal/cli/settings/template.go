package settings

import (
	"fmt"
	"strings"
)

// Template returns a file that explains every setting and sets none.
func Template() string {
	var b strings.Builder
	b.WriteString("# Settings of chat's local daemon, and of chatd. Remove a # to set one.\n\n")
	for _, s := range All() {
		fmt.Fprintf(&b, "# %s\n# %s = \n\n", s.Usage, Key(s.Name))
	}
	b.WriteString("# The screen's keys and data about models come after all settings.\n# [keys]\n# palette = \"ctrl+g\"\n\n# [models.\"qwen3:8b\"]\n# context = 40960\n# temperature = 0.6\n# fallback = [\"anthropic/claude-sonnet-5-5\"]\n\n")
	b.WriteString("# Further providers, whose models are named work/MODEL, come after all settings.\n# [providers.work]\n# base_url = \"https://llm.example.com/v1\"\n# api_key = \"env:WORK_KEY\"\n\n")
	b.WriteString("# Roles for --role come after all settings.\n# [roles.reviewer]\n# system = \"You review code. Name the bug first, then the fix.\"\n# model = \n# temperature = 0.2\n# max_tokens = 2000\n# stop = [\"END\"]\n")
	return b.String()
}
