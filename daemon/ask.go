package daemon

import (
	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/local"
	"chat/daemon/model/network"
	"chat/daemon/model/openai"
)

// CheckBaseURL reports what is wrong with the base URL of a provider.
func CheckBaseURL(base string) error { return network.CheckBaseURL(base) }

// DemoModel is the id of the built-in demo, and the name of its provider.
const DemoModel = model.DemoModel

// DefaultBaseURL is the base URL of a key without one.
const DefaultBaseURL = openai.DefaultBaseURL

// The variables that configure Anthropic's provider without a file.
const (
	AnthropicKeyVariable = anthropic.KeyVariable
	AnthropicURLVariable = anthropic.URLVariable
)

// LocalServers are the names and addresses of the servers that are detected on this
// machine.
func LocalServers() []string {
	var all []string
	for _, l := range local.DefaultServers() {
		all = append(all, l.Name+" ("+l.BaseURL+")")
	}
	return all
}
