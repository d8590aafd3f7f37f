package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

// Whoever can write daemon.json chooses where keys are sent: one that others may have
// written is not read.
func TestADaemonJSONOfOthersIsNotTrusted(t *testing.T) {
	t.Parallel()
	for mode, trusted := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o644: true, 0o664: false, 0o666: false, 0o602: false} {
		p := Paths{Data: t.TempDir()}
		path := filepath.Join(p.Data, "daemon.json")
		if err := os.WriteFile(path, []byte(`{"socket":"/tmp/s"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		i, err := readInfo(p)
		switch {
		case trusted && (err != nil || i.Socket != "/tmp/s"):
			t.Errorf("mode %04o: %+v, %v", mode, i, err)
		case !trusted && (!chat.IsCode(err, chat.CodeDaemon) || !strings.Contains(err.Error(), "chmod 700 "+p.Data)):
			t.Errorf("mode %04o: %+v, %v", mode, i, err)
		}
	}
}
