package daemon

import "chat/daemon/provider"

// CheckBaseURL refuses what can be no base URL of a provider.
func CheckBaseURL(base string) error { return provider.CheckBaseURL(base) }

// DefaultBaseURL is the provider that a key belongs to when no base URL is set.
const DefaultBaseURL = provider.DefaultBaseURL

// LocalServers are the names and addresses where servers on this machine are looked
// for when no provider is set.
func LocalServers() []string {
	var all []string
	for _, l := range provider.DefaultLocals() {
		all = append(all, l.Name+" ("+l.BaseURL+")")
	}
	return all
}
