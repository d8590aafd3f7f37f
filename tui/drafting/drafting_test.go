package drafting

import (
	"testing"

	"chat/tui/drafts"
	"chat/tui/jobs"
)

// A conversation is left before its draft was read, and opened again at once: whatever is read
// first, what was written is in the input, once.
func TestTextBeforeItsDraftIsReadIsKept(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]func(k *Keeper, first, second LoadedMsg) string{
		"the first is read last": func(k *Keeper, first, second LoadedMsg) string {
			text, _, _ := k.Loaded(second, "c")
			k.LoadedLate(first)
			return text
		},
		"the first is read meanwhile": func(k *Keeper, first, second LoadedMsg) string {
			k.LoadedLate(first)
			text, _, _ := k.Loaded(second, "c")
			return text
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := drafts.Open(t.TempDir())
			t.Cleanup(func() { _ = store.Close() })
			store.Put("c", "before, ")
			k := New(jobs.New(t.Context()), store)
			first := k.Load(1, "c")
			k.Leave(1, "c", "a draft", "", false)
			second := k.Load(2, "c")
			a, b := first().(LoadedMsg), second().(LoadedMsg)
			if got := order(k, a, b); got != "before, a draft" {
				t.Errorf("the input is %q", got)
			}
			if got, err := store.Get("c"); got != "before, a draft" || err != nil {
				t.Errorf("the draft is %q, %v", got, err)
			}
		})
	}
}
