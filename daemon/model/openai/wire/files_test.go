package wire

import (
	"context"
	"encoding/json"
	"testing"

	"chat"
	"chat/daemon/model/thread"
)

// Both APIs refer to a copy, or have the data. Only the Responses API has references to images.
func TestFilesInBothAPIs(t *testing.T) {
	parts := chat.Parts{{Type: chat.PartText, Text: "what?"}, {Type: chat.PartFile, Name: "a", MediaType: chat.PDFType}, {Type: chat.PartImage, Name: "b.png"}}
	for reference, want := range map[string][2]string{
		"": {
			`{"role":"user","content":[{"type":"text","text":"what?"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,eA=="}},{"type":"image_url","image_url":{"url":"data:image/png;base64,eA=="}}]}`,
			`[{"role":"user","content":[{"type":"input_text","text":"what?"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,eA=="},{"type":"input_image","image_url":"data:image/png;base64,eA==","detail":"auto"}]}]`,
		},
		"file-1": {"", `[{"role":"user","content":[{"type":"input_text","text":"what?"},{"type":"input_file","file_id":"file-1"},{"type":"input_image","file_id":"file-1","detail":"auto"}]}]`},
	} {
		list, err := Messages(t.Context(), chat.Message{Role: chat.RoleUser, Parts: parts}, func(_ context.Context, p *chat.Part) (thread.File, error) {
			typ := "image/png"
			if p.Type == chat.PartFile {
				typ = chat.PDFType
			}
			return thread.File{Attachment: chat.Attachment{MediaType: typ, Data: []byte("x")}, Reference: reference}, nil
		})
		if err != nil || len(list) != 1 || !HasFile(list) {
			t.Fatalf("%+v, %v", list, err)
		}
		if got := encode(t, list[0]); want[0] != "" && got != want[0] {
			t.Errorf("%s\nwant\n%s", got, want[0])
		}
		var r Response
		r.Add(list[0])
		if got := encode(t, r.Input); got != want[1] {
			t.Errorf("%s\nwant\n%s", got, want[1])
		}
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
