package openai_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/demo"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/internal/blocks"
)

// picture is an image as a test writes it into a message: modeltest.Collect makes a part of its block.
type picture struct {
	chat.Attachment
	name string
}

func (p picture) Block() string { return blocks.Write(p.name, p.Attachment) }

func (p picture) URL() string {
	return "data:" + p.MediaType + ";base64," + base64.StdEncoding.EncodeToString(p.Data)
}

func pictureNamed(t *testing.T, name string) picture {
	t.Helper()
	a, err := chat.NewAttachment([]byte("\x89PNG\r\n\x1a\nand so on, as far as anyone looks at " + name))
	if err != nil {
		t.Fatal(err)
	}
	return picture{a, name}
}

func TestFilesArriveAsText(t *testing.T) {
	t.Parallel()
	server, r := newFake(t)
	file, err := chat.NewAttachment([]byte("package a\n"))
	if err != nil {
		t.Fatal(err)
	}
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("explain\n\n"+blocks.Write("a.go", file))); g.Err != nil {
		t.Fatal(g.Err)
	}
	if c := server.Calls()[0]; c.Prompt != "explain\n\n<file name=\"a.go\">\npackage a\n</file>" || len(c.Images) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAnAttachmentThatCannotBeReadEndsTheAnswer(t *testing.T) {
	t.Parallel()
	_, r := newFake(t)
	req := modeltest.WithAttachments(modeltest.Ask("look\n\n" + pictureNamed(t, "gone.png").Block()))
	req.Attachment = modeltest.WithAttachments(model.Request{}).Attachment
	for _, err := range r.Stream(t.Context(), req) {
		modeltest.WantCode(t, err, chat.CodeNotFound, false)
	}
}

func TestImagesArriveAsPartsWithDataURLs(t *testing.T) {
	t.Parallel()
	server, r := newFake(t)
	one, two := pictureNamed(t, "one.png"), pictureNamed(t, "two.png")
	req := model.Request{Messages: []chat.Message{
		{Role: chat.RoleUser, Content: "look:\n\n" + one.Block()},
		{Role: chat.RoleAssistant, Content: one.Block()}, // a model's text stays a text
		{Role: chat.RoleUser, Content: "which?\n\n" + one.Block() + "\n\n" + two.Block()},
	}}
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
		t.Fatal(g.Err)
	}
	calls := server.Calls()
	if len(calls) != 1 || calls[0].Prompt != "which?" || calls[0].Messages != 3 || len(calls[0].Images) != 2 ||
		calls[0].Images[0] != one.URL() || !strings.HasPrefix(calls[0].Images[1], "data:image/png;base64,iVBORw0KGg") {
		t.Errorf("%+v", calls)
	}
}

func TestAMessageThatIsAnImageAlone(t *testing.T) {
	t.Parallel()
	server, r := newFake(t)
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask(pictureNamed(t, "x.png").Block())); g.Err != nil {
		t.Fatal(g.Err)
	}
	if c := server.Calls()[0]; c.Prompt != "" || len(c.Images) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestAModelThatTakesNoImagesSaysSo(t *testing.T) {
	t.Parallel()
	_, r := newFake(t)
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("lie: status=400 message=this+model+does+not+support+image+input\n\n"+pictureNamed(t, "x.png").Block()))
	if g.Err == nil || !strings.Contains(g.Err.Error(), "does not support image input") || chat.AsError(g.Err).Retryable {
		t.Errorf("%v", g.Err)
	}
}

func TestTheDemoSaysThatItSeesNothing(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, providers.Config{Demo: demo.Options{TokensPerSecond: -1}})
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello\n\n"+pictureNamed(t, "x.png").Block()))
	if g.Err != nil || !strings.Contains(g.Reasoning, "1 image, which I cannot see") {
		t.Errorf("%q, %v", g.Reasoning, g.Err)
	}
}
