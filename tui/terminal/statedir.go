package terminal

import "path/filepath"

// StateDir is the XDG state directory by the environment, "" if there is none.
func StateDir(env []string) string {
	if dir := Lookup(env, "XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "chat")
	}
	if home := Lookup(env, "HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local/state/chat")
	}
	return ""
}
