package copies_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// about returns a conversation of two questions, the first of which has attachments of a size.
func about(size int, store model.Copies) model.Request {
	pad := strings.Repeat("x", size)
	stored := map[string]chat.Attachment{}
	message := chat.Message{ID: "1", Role: chat.RoleUser, Parts: chat.TextParts("what?")}
	for name, a := range map[string]chat.Attachment{
		"sky.pdf": {Digest: "pdf", MediaType: chat.PDFType, Data: []byte("%PDF-" + pad), Text: "its text"},
		"sky.png": {Digest: "png", MediaType: "image/png", Data: []byte("\x89PNG" + pad)},
		"sky.txt": {Digest: "txt", MediaType: chat.TextType, Data: []byte("plain" + pad[:min(len(pad), 100)]), Size: 2 << 20},
	} {
		if a.Size == 0 {
			a.Size = int64(len(a.Data))
		}
		stored[a.Digest] = a
		message.Parts = append(message.Parts, a.Part(name))
	}
	return model.Request{
		Copies: store, Messages: []chat.Message{message, {Role: chat.RoleAssistant, Content: "that"}, {ID: "2", Role: chat.RoleUser, Content: "why?"}},
		Attachment: func(_ context.Context, digest string) (chat.Attachment, error) { return stored[digest], nil },
	}
}

const large = 1 << 20

// provider is one that keeps files, at the address of the real one.
type provider struct {
	*modeltest.Files
	registry *providers.Registry
	store    *modeltest.Copies
	copied   int // how many of the attachments it copies
}

func all(t *testing.T, edit func(*modeltest.Files)) map[string]provider {
	t.Helper()
	out := map[string]provider{}
	add := func(name, next string, copied int, cfg providers.Config) {
		f := &modeltest.Files{Next: next}
		edit(f)
		cfg.Transport = f
		r := providers.New(cfg)
		t.Cleanup(r.Close)
		out[name] = provider{f, r, &modeltest.Copies{}, copied}
	}
	picky := modeltest.NewPicky(t, func(modeltest.Asked) (int, string) { return 0, "" })
	add("openai", strings.TrimSuffix(picky.URL, "/v1"), 1, providers.Config{BaseURL: "https://api.openai.com/v1", Key: modeltest.Key, DefaultModel: "picky"})
	claude := modeltest.NewAnthropic(t, modeltest.Script{Blocks: []modeltest.Block{{Type: "text", Text: "yes"}}})
	add("anthropic", claude.URL, 2, providers.Config{Named: []providers.Named{{
		Name: "anthropic", Kind: providers.Anthropic, BaseURL: "https://api.anthropic.com", Key: modeltest.Key, DefaultModel: "claude-test", Headers: map[string]string{"anthropic-beta": "other-1"},
	}}})
	return out
}

func (p provider) ask(t *testing.T, size int) string {
	t.Helper()
	if g := modeltest.Collect(t.Context(), t, p.registry, about(size, p.store)); g.Err != nil {
		t.Fatal(g.Err)
	}
	bodies := p.Bodies()
	return bodies[len(bodies)-1]
}

func TestLargeAttachmentsAreSentOnce(t *testing.T) {
	for name, p := range all(t, func(*modeltest.Files) {}) {
		for range 2 {
			if body := p.ask(t, large); strings.Count(body, `"file_id":"file-`) != p.copied || len(body) > large*2 || name == "anthropic" && len(body) > 10_000 {
				t.Errorf("%s: %d bytes, %.300s", name, len(body), body)
			}
		}
		if n := len(p.Uploads()); n != p.copied || p.Kept() != n {
			t.Errorf("%s: %d uploads", name, n)
		}
		for _, up := range p.Uploads() {
			if up.Size < large || !strings.HasPrefix(up.Name, "sky.p") || up.Type != chat.PDFType && up.Type != "image/png" {
				t.Errorf("%s: %+v", name, up)
			}
			switch h := up.Header; {
			case name == "openai" && (up.Fields.Get("purpose") != "user_data" || up.Fields.Get("expires_after[seconds]") == "" || h.Get("Authorization") != "Bearer "+modeltest.Key):
				t.Errorf("%+v", up)
			case name == "anthropic" && (h.Get("Anthropic-Beta") != "files-api-2025-04-14,other-1" || h.Get("X-Api-Key") != modeltest.Key):
				t.Errorf("%+v", up)
			}
		}
	}
}

func TestSmallAttachmentsAreSentEachTime(t *testing.T) {
	for name, p := range all(t, func(*modeltest.Files) {}) {
		if body := p.ask(t, 1000); strings.Contains(body, "file_id") || len(p.Uploads()) != 0 {
			t.Errorf("%s: %.300s", name, body)
		}
	}
}

// A copy that has gone is made again, once.
func TestLostCopiesAreMadeAgain(t *testing.T) {
	for name, p := range all(t, func(*modeltest.Files) {}) {
		p.ask(t, large)
		p.Lose()
		if body := p.ask(t, large); strings.Count(body, `"file_id":"file-`) != p.copied || p.Kept() != p.copied || len(p.Uploads()) != 2*p.copied {
			t.Errorf("%s: %d kept, %.300s", name, p.Kept(), body)
		}
		n := len(p.Bodies())
		if p.ask(t, large); len(p.Bodies()) != n+1 {
			t.Errorf("%s: %d requests", name, len(p.Bodies())-n)
		}
	}
}

func TestWithoutCopiesTheDataAreSent(t *testing.T) {
	for name, edit := range map[string]func(*modeltest.Files){
		"uploads are refused":    func(f *modeltest.Files) { f.Refuse = http.StatusForbidden },
		"uploads fail":           func(f *modeltest.Files) { f.Refuse = http.StatusInternalServerError },
		"references are refused": func(f *modeltest.Files) { f.RefuseReferences = true },
	} {
		for kind, p := range all(t, edit) {
			for n := range 2 {
				before := len(p.Bodies())
				body := p.ask(t, large)
				if strings.Contains(body, "file_id") || !strings.Contains(body, "JVBERi1") {
					t.Errorf("%s, %s: %.300s", kind, name, body)
				}
				if n == 1 && len(p.Bodies()) != before+1 {
					t.Errorf("%s, %s: %d requests", kind, name, len(p.Bodies())-before)
				}
			}
		}
	}
}

func TestCopiesOfDeletedAttachmentsAreDeleted(t *testing.T) {
	for name, p := range all(t, func(*modeltest.Files) {}) {
		p.ask(t, large)
		for _, up := range p.Uploads() {
			p.store.Unused = append(p.store.Unused, up.ID)
		}
		p.store.Unused = append(p.store.Unused, "file-gone")
		p.registry.Tidy(t.Context(), p.store)
		if p.Kept() != 0 {
			t.Errorf("%s: %d are left", name, p.Kept())
		}
		if p.ask(t, large); p.Kept() != p.copied {
			t.Errorf("%s: %d kept", name, p.Kept())
		}
	}
}

// A server that is not the provider's own has no files that are known of, and the copies under a
// client's key could not be deleted.
func TestOthersGetTheData(t *testing.T) {
	claude := modeltest.NewAnthropic(t, modeltest.Script{Blocks: []modeltest.Block{{Type: "text", Text: "yes"}}})
	f := &modeltest.Files{Next: claude.URL}
	for name, cfg := range map[string]providers.Config{
		"another server": {Transport: f, Named: []providers.Named{{Name: "a", Kind: providers.Anthropic, BaseURL: "https://gateway.example.com", Key: modeltest.Key, DefaultModel: "claude-test"}}},
		"a client's own": {Transport: f},
	} {
		r := providers.New(cfg)
		t.Cleanup(r.Close)
		req := about(large, &modeltest.Copies{})
		if name == "a client's own" {
			req.Model, req.Credentials = "claude-test", &model.Credentials{Kind: providers.Anthropic, Key: modeltest.Key}
		}
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || len(f.Uploads()) != 0 {
			t.Errorf("%s: %v, %d uploads", name, g.Err, len(f.Uploads()))
		}
	}
}
