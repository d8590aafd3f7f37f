package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

func TestADirectoryOfOthersIsNotTrusted(t *testing.T) {
	for mode, c := range map[os.FileMode]struct {
		planted bool
		refused bool
		after   os.FileMode
	}{
		0o700: {planted: true, after: 0o700}, 0o755: {planted: true, after: 0o755}, 0o750: {planted: true, after: 0o750},
		0o777: {planted: true, refused: true, after: 0o777}, 0o707: {planted: true, refused: true, after: 0o707}, 0o773: {planted: true, refused: true, after: 0o773},
		0o775: {planted: true, after: 0o700}, 0o770: {planted: true, after: 0o700}, 0o722: {after: 0o700}, 0o767: {after: 0o700},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if c.planted {
			if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(`{"socket":"/tmp/other"}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		said := ""
		err := Paths{Data: dir}.checkPrivate(func(format string, args ...any) { said = fmt.Sprintf(format, args...) })
		info, serr := os.Stat(dir)
		if serr != nil {
			t.Fatal(serr)
		}
		if (err != nil) != c.refused || info.Mode().Perm() != c.after || (said != "") != (mode != c.after) {
			t.Errorf("%o: %v, %q, now %o", mode, err, said, info.Mode().Perm())
		}
		if c.refused && (!chat.IsCode(err, chat.CodeDaemon) || !strings.Contains(err.Error(), "chmod 700 "+dir)) {
			t.Errorf("%o: %v", mode, err)
		}
	}
}

func TestALinkIsNotOurs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "daemon.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if err := (Paths{Data: dir}).checkPrivate(func(string, ...any) {}); err == nil {
		t.Error("it was trusted")
	}
}
