package provider_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/provider"
)

func pictureNamed(t *testing.T, name string) chat.Image {
	t.Helper()
	img, err := chat.NewImage(name, []byte("\x89PNG\r\n\x1a\nand so on, as far as anybody looks"))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestImagesArriveAsPartsWithDataURLs(t *testing.T) {
	t.Parallel()
	server, r := lying(t)
	one, two := pictureNamed(t, "one.png"), pictureNamed(t, "two.png")
	req := model.Request{Messages: []chat.Message{
		{Role: chat.RoleUser, Content: "look:\n\n" + one.Block()},
		{Role: chat.RoleAssistant, Content: one.Block()}, // a model's text stays a text
		{Role: chat.RoleUser, Content: "which?\n\n" + one.Block() + "\n\n" + two.Block()},
	}}
	if g := read(t, t.Context(), r, req); g.err != nil {
		t.Fatal(g.err)
	}
	calls := server.Calls()
	if len(calls) != 1 || calls[0].Prompt != "which?" || calls[0].Messages != 3 || len(calls[0].Images) != 2 ||
		calls[0].Images[0] != one.URL() || !strings.HasPrefix(calls[0].Images[1], "data:image/png;base64,iVBORw0KGg") {
		t.Errorf("%+v", calls)
	}
}

func TestAMessageThatIsAnImageAlone(t *testing.T) {
	t.Parallel()
	server, r := lying(t)
	if g := read(t, t.Context(), r, ask(pictureNamed(t, "x.png").Block())); g.err != nil {
		t.Fatal(g.err)
	}
	if c := server.Calls()[0]; c.Prompt != "" || len(c.Images) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestAModelThatTakesNoImagesSaysSo(t *testing.T) {
	t.Parallel()
	_, r := lying(t)
	g := read(t, t.Context(), r, ask("lie: status=400 message=this+model+does+not+support+image+input\n\n"+pictureNamed(t, "x.png").Block()))
	if g.err == nil || !strings.Contains(g.err.Error(), "does not support image input") || chat.AsError(g.err).Retryable {
		t.Errorf("%v", g.err)
	}
}

func TestTheDemoSaysThatItSeesNothing(t *testing.T) {
	t.Parallel()
	r := registry(t, provider.Config{Demo: provider.DemoOptions{TokensPerSecond: -1}})
	g := read(t, t.Context(), r, ask("hello\n\n"+pictureNamed(t, "x.png").Block()))
	if g.err != nil || !strings.Contains(g.reasoning, "1 image, which I cannot see") {
		t.Errorf("%q, %v", g.reasoning, g.err)
	}
}
