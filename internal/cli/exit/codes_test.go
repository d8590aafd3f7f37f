package exit

import (
	"strings"
	"testing"

	"chat"
)

func TestExitCodes(t *testing.T) {
	seen := map[chat.Code]int{}
	for _, row := range Table() {
		for _, c := range row.Errors {
			if other, ok := seen[c]; ok {
				t.Errorf("%s leads to %d and %d", c, other, row.Code)
			}
			seen[c] = row.Code
		}
		if !strings.Contains(Help(), row.Meaning) {
			t.Errorf("help lacks %q", row.Meaning)
		}
	}
	for code, want := range map[chat.Code]int{
		chat.CodeInvalid: 2, chat.CodeNotFound: 3, chat.CodeNotConfigured: 4, chat.CodeProviderAuth: 4, chat.CodeProviderQuota: 5,
		chat.CodeProviderConnect: 6, chat.CodeDaemon: 7, chat.CodeCancelled: 8, chat.CodeDeadline: 9, chat.CodeFormatMismatch: 10, chat.CodeClientTimeout: 124, "something new": 1,
	} {
		if got := Of(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}
