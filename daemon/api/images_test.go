package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api"
)

func imageOf(t *testing.T, size int) string {
	t.Helper()
	img, err := chat.NewImage("sky.png", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, size)...))
	if err != nil {
		t.Fatal(err)
	}
	return img.Block()
}

func (l *lab) say(conversation, content string) answer {
	l.Helper()
	body, err := json.Marshal(chat.Submission{Content: content})
	l.must(err)
	return l.call("POST", "/conversations/"+conversation+"/messages", string(body))
}

func TestAMessageMayHaveImagesAboveTheLimitOfItsText(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	content := "which words find this?\n\n" + imageOf(t, 3<<20) + "\n\n" + imageOf(t, 2<<20)
	a := l.say(conv.ID, content)
	if a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list, err := l.store.Messages(t.Context(), chat.LocalOwner, conv.ID)
	if l.must(err); len(list) != 2 || list[0].Content != content {
		t.Errorf("it was not stored as it was sent")
	}
	for word, found := range map[string]bool{"which words": true, "AAAAAAAA": false, "sky.png": true} {
		got := string(l.call("GET", "/conversations?q="+url.QueryEscape(word), "").body)
		if strings.Contains(got, conv.ID) != found {
			t.Errorf("searching for %q: %s", word, got)
		}
	}
}

func TestTooManyAndTooLargeImagesAreRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, api.Options{})
	conv := l.conversation()
	for name, c := range map[string]struct{ content, says string }{
		"too large together": {imageOf(t, 4_100_000) + "\n" + imageOf(t, 2_500_000), "together"},
		"too many":           {strings.Repeat(imageOf(t, 10)+"\n", chat.MaxImages+1), "9 images"},
		"too long a text":    {strings.Repeat("x", 800<<10) + "\n" + imageOf(t, 10), "content is longer"},
		"no image at all":    {"<image name=\"x\" type=\"image/png\">\n" + strings.Repeat("A", 800<<10) + "\n</image>", "content is longer"},
		"beyond everything":  {strings.Repeat(imageOf(t, 3<<20)+"\n", 4), "body"},
	} {
		a := l.say(conv.ID, c.content)
		if a.status != 413 || a.problem(t) != chat.CodeTooLarge || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if list, err := l.store.Messages(t.Context(), chat.LocalOwner, conv.ID); err != nil || len(list) != 0 {
		t.Errorf("%d messages, %v", len(list), err)
	}
}
