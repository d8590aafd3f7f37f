package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

var octets = header("Content-Type", "application/octet-stream")

func png(size int) string {
	const head = "\x89PNG\r\n\x1a\n"
	return head + strings.Repeat("\x00", size-len(head))
}

// upload stores an attachment over the unix socket.
func (h *harness) upload(data string) chat.Attachment {
	h.Helper()
	var out chat.Attachment
	h.call("POST", "/attachments", data, octets).into(h.T, &out)
	return out
}

func (h *harness) say(conversation string, sub chat.Submission) answer {
	h.Helper()
	body, err := json.Marshal(sub)
	h.must(err)
	return h.call("POST", "/conversations/"+conversation+"/messages", string(body))
}

func TestAnAttachmentIsStoredOnceAndReadAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for data, mediaType := range map[string]string{png(3 << 20): "image/png", "package a\n": "text/plain; charset=utf-8", "": "text/plain; charset=utf-8"} {
		first, second := h.call("POST", "/attachments", data, octets), h.call("POST", "/attachments", data, octets)
		var a, again chat.Attachment
		first.into(t, &a)
		second.into(t, &again)
		if first.status != http.StatusCreated || second.status != http.StatusOK || a.Digest != again.Digest || a.Size != int64(len(data)) || first.header.Get("Location") != "/attachments/"+a.Digest {
			t.Errorf("%d %+v, then %d %+v", first.status, a, second.status, again)
		}
		got := h.call("GET", "/attachments/"+a.Digest, "")
		if got.status != 200 || string(got.body) != data || got.header.Get("Content-Type") != mediaType || got.header.Get("Content-Disposition") != "attachment" {
			t.Errorf("%d, %d bytes, %v", got.status, len(got.body), got.header)
		}
	}
	theirs, err := chat.NewAttachment([]byte("theirs"))
	h.must(err)
	_, err = h.store.PutAttachment(t.Context(), "another", theirs)
	h.must(err)
	if other := h.call("GET", "/attachments/"+theirs.Digest, ""); other.status != 404 || other.problem(t) != chat.CodeNotFound {
		t.Errorf("another owner's attachment: %d", other.status)
	}
}

func TestAnUploadThatCannotBeAttachedIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	for name, c := range map[string]struct {
		data   string
		header with
		status int
	}{
		"binary":               {"MZ\xff\xfe", octets, 415},
		"NUL":                  {"a\x00b", octets, 415},
		"a form":               {"a=b", header("Content-Type", "application/x-www-form-urlencoded"), 415},
		"too large a file":     {strings.Repeat("x", chat.MaxText+1), octets, 413},
		"too large an image":   {png(chat.MaxImage + 1), octets, 413},
		"larger than anything": {strings.Repeat("x", chat.MaxDocument+1), octets, 413},
		"a damaged PDF":        {"%PDF-damaged", octets, 415},
		"too large a PDF":      {"%PDF-1.7" + strings.Repeat("x", chat.MaxDocument), octets, 413},
	} {
		if a := h.call("POST", "/attachments", c.data, c.header); a.status != c.status || a.problem(t) == "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for _, path := range []string{"/attachments/x", "/attachments/" + strings.Repeat("0", 64), "/attachments/%00"} {
		if a := h.call("GET", path, ""); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestAMessageRefersToItsAttachments(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	one, two, file := h.upload(png(3<<20)), h.upload(png(2<<20)), h.upload("func Parse() {}")
	a := h.say(conv.ID, chat.Submission{Parts: chat.Parts{
		{Type: chat.PartText, Text: "which words find this?"}, one.Part("sky.png"), two.Part("sea.png"), {Type: chat.PartFile, Name: "a.go", Digest: file.Digest},
	}})
	if a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list := h.call("GET", "/conversations/"+conv.ID+"/messages", "")
	if len(list.body) > 4<<10 || !strings.Contains(string(list.body), `"content":"which words find this?"`) || !strings.Contains(string(list.body), `"digest":"`+one.Digest+`","size":3145728`) {
		t.Errorf("%d bytes: %.2000s", len(list.body), list.body)
	}
	for word, found := range map[string]bool{"which words": true, "sky.png": true, "parse": true, "iVBORw0": false} {
		got := string(h.call("GET", "/conversations?q="+url.QueryEscape(word), "").body)
		if strings.Contains(got, conv.ID) != found {
			t.Errorf("searching for %q: %s", word, got)
		}
	}
}

func TestAMessageThatCannotBeAnsweredIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	conv := h.conversation()
	big, half, small := h.upload(png(4_100_000)), h.upload(png(2_500_000)), h.upload(png(10))
	file := h.upload(strings.Repeat("x", 700<<10))
	var many chat.Parts
	for range chat.MaxImages + 1 {
		many = append(many, small.Part("s.png"))
	}
	text := chat.Part{Type: chat.PartText, Text: "look"}
	for name, c := range map[string]struct {
		sub  chat.Submission
		code chat.Code
		says string
	}{
		"too large together":   {chat.Submission{Parts: chat.Parts{big.Part("a"), half.Part("b")}}, chat.CodeTooLarge, "together"},
		"too many":             {chat.Submission{Parts: many}, chat.CodeTooLarge, "9 images"},
		"too long a text":      {chat.Submission{Content: strings.Repeat("x", 800<<10)}, chat.CodeTooLarge, "content is longer"},
		"too long with a file": {chat.Submission{Parts: chat.Parts{{Type: chat.PartText, Text: strings.Repeat("x", 100<<10)}, file.Part("f")}}, chat.CodeTooLarge, "with its files"},
		"content and parts":    {chat.Submission{Content: "x", Parts: chat.Parts{text}}, chat.CodeInvalid, "leave out one"},
		"not uploaded":         {chat.Submission{Parts: chat.Parts{text, {Type: chat.PartImage, Digest: strings.Repeat("0", 64)}}}, chat.CodeInvalid, "part 2: the server does not have the attachment (sha256:000"},
		"no digest":            {chat.Submission{Parts: chat.Parts{{Type: chat.PartImage, Name: "x"}}}, chat.CodeInvalid, "part 1: digest"},
		"a part of an answer":  {chat.Submission{Parts: chat.Parts{{Type: chat.PartReasoning, Text: "hm"}}}, chat.CodeInvalid, "part 1: only an answer"},
		"a type of the future": {chat.Submission{Parts: chat.Parts{{Type: "video"}}}, chat.CodeInvalid, `there is no type`},
		"nothing":              {chat.Submission{Parts: chat.Parts{}}, chat.CodeInvalid, "empty"},
		"parts of white space": {chat.Submission{Parts: chat.Parts{{Type: chat.PartText, Text: " \n"}}}, chat.CodeInvalid, "empty"},
	} {
		a := h.say(conv.ID, c.sub)
		if a.problem(t) != c.code || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv.ID); err != nil || len(list) != 0 {
		t.Errorf("%d messages, %v", len(list), err)
	}
}

func TestAPDFIsReadOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	const data = "%PDF-1.7\nThe sky is blue."
	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		a := h.call("POST", "/attachments", data, octets)
		if want := `{"digest":"` + digestOf(data) + `","media_type":"application/pdf","size":25,"pages":1}`; a.status != status || strings.TrimSpace(string(a.body)) != want {
			t.Errorf("%d %s, want %s", a.status, a.body, want)
		}
	}
	if got := h.call("GET", "/attachments/"+digestOf(data), ""); got.status != 200 || string(got.body) != data || got.header.Get("Content-Type") != chat.PDFType {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	conv := h.conversation().ID
	if a := h.say(conv, chat.Submission{Parts: chat.Parts{{Type: chat.PartText, Text: "what is this?"}, {Type: chat.PartFile, Name: "sky.pdf", Digest: digestOf(data)}}}); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list, err := h.store.Messages(t.Context(), chat.LocalOwner, conv)
	h.must(err)
	if p := list[0].Parts[1]; !p.IsDocument() || p.Pages != 1 || p.Size != 25 {
		t.Errorf("%+v", p)
	}
	var found struct{ Matches []chat.Match }
	if h.call("GET", "/search?q=blue", "").into(t, &found); len(found.Matches) != 1 || found.Matches[0].Snippet != "The sky is blue." {
		t.Errorf("%+v", found)
	}
}

func digestOf(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}
