package sqltest

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"chat"
	"chat/internal/transcript"
)

func (s *suite) attachment(data string) chat.Attachment {
	s.Helper()
	a, err := chat.NewAttachment([]byte(data))
	s.must(err)
	return a
}

// uploaded stores an attachment of owner.
func (s *suite) uploaded(data string) chat.Attachment {
	s.Helper()
	a := s.attachment(data)
	_, err := s.PutAttachment(s.Context(), owner, a)
	s.must(err)
	return a
}

func (s *suite) has(a chat.Attachment) bool {
	s.Helper()
	_, err := s.Attachment(s.Context(), owner, a.Digest)
	if err != nil && !chat.IsCode(err, chat.CodeNotFound) {
		s.Fatal(err)
	}
	return err == nil
}

const png = "\x89PNG\r\n\x1a\n\x00 and so on"

var attachmentTests = map[string]func(*suite){
	"stored once for each owner": func(s *suite) {
		for _, data := range []string{png, "package a\n", ""} {
			a := s.attachment(data)
			for _, want := range []bool{true, false} {
				if created, err := s.PutAttachment(s.Context(), owner, a); err != nil || created != want {
					s.Errorf("%q was created: %v, want %v; %v", data, created, want, err)
				}
			}
			got, err := s.Attachment(s.Context(), owner, a.Digest)
			if err != nil || !bytes.Equal(got.Data, a.Data) || got.MediaType != a.MediaType || got.Size != a.Size {
				s.Errorf("%+v, %v; want %+v", got, err, a)
			}
			_, err = s.Attachment(s.Context(), otherOwner, a.Digest)
			s.wantCode(err, chat.CodeNotFound)
		}
		for _, digest := range []string{"", "x\x00", strings.Repeat("0", 64)} {
			_, err := s.Attachment(s.Context(), owner, digest)
			s.wantCode(err, chat.CodeNotFound)
		}
	},
	"a message refers to them": func(s *suite) {
		image, file := s.uploaded(png), s.uploaded("func Parse() {}\nfunc Ärger() {}\n")
		conv := s.newConversation()
		acc := s.send(conv.ID, chat.Submission{Parts: chat.Parts{
			{Type: chat.PartText, Text: "compare"}, file.Part("a.go"), {Type: chat.PartImage, Name: "sky.png", Digest: image.Digest}, file.Part("b.go"),
		}})
		list, err := s.Messages(s.Context(), owner, conv.ID)
		s.must(err)
		want := chat.Parts{{Type: chat.PartText, Text: "compare"}, file.Part("a.go"), image.Part("sky.png"), file.Part("b.go")}
		if list[0].ID != acc.UserMessageID || !list[0].Parts.Equal(want) || list[0].Content != "compare" {
			s.Errorf("%+v", list[0])
		}
		_, thread, err := s.thread(acc.TaskID)
		if s.must(err); len(thread) != 1 || !thread[0].Parts.Equal(want) {
			s.Errorf("%+v", thread)
		}
		for query, snippet := range map[string]string{"compare": "compare", "sky.png": "[image] sky.png 19 B", "ärger": "func Ärger() {}", "b.go": "[file] b.go 33 B", "nowhere": ""} {
			matches, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: query})
			s.must(err)
			switch {
			case snippet == "" && len(matches) > 0:
				s.Errorf("%q was found: %+v", query, matches)
			case snippet != "" && (len(matches) != 1 || matches[0].Snippet != snippet || matches[0].MessageID != acc.UserMessageID):
				s.Errorf("%q: %+v, want %q", query, matches, snippet)
			}
		}
	},
	"a PDF has pages and a text": func(s *suite) {
		a := s.attachment("%PDF-1.7\x00\xff and a blob")
		a.Pages, a.Text = 12, "[page 1]\nThe Ärger of zephyrs"
		for _, want := range []bool{true, false} {
			if created, err := s.PutAttachment(s.Context(), owner, a); err != nil || created != want {
				s.Errorf("it was created: %v, %v", created, err)
			}
		}
		got, err := s.Attachment(s.Context(), owner, a.Digest)
		if err != nil || got.Pages != 12 || got.Text != a.Text || !bytes.Equal(got.Data, a.Data) || got.MediaType != chat.PDFType {
			s.Errorf("%+v, %v", got, err)
		}
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Parts: chat.Parts{{Type: chat.PartFile, Name: "paper.pdf", Digest: a.Digest}}}, chat.SubmitOptions{})
		s.must(err)
		list, err := s.Messages(s.Context(), owner, acc.ConversationID)
		if s.must(err); len(list) == 0 || !list[0].Parts.Equal(chat.Parts{a.Part("paper.pdf")}) || list[0].Parts[0].Pages != 12 {
			s.Errorf("%+v", list)
		}
		for query, want := range map[string]int{"zephyrs": 1, "ärger": 1, "paper.pdf": 1, "blob": 0} {
			matches, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: query})
			if s.must(err); len(matches) != want || query == "zephyrs" && matches[0].Snippet != "The Ärger of zephyrs" {
				s.Errorf("%s: %+v", query, matches)
			}
		}
		_, _, err = s.Cancel(s.Context(), owner, acc.TaskID)
		s.must(err)
		_, err = s.DeleteConversation(s.Context(), owner, acc.ConversationID)
		if s.must(err); s.has(a) {
			s.Error("it is still there")
		}
		if created, err := s.PutAttachment(s.Context(), owner, a); err != nil || !created { // its row of documents is gone, too
			s.Errorf("it was created: %v, %v", created, err)
		}
	},
	"copies at providers": func(s *suite) {
		a, b := s.uploaded("a"), s.uploaded("b")
		put := func(owner, account, digest, id, want string) {
			s.Helper()
			if got, err := s.PutProviderFile(s.Context(), owner, account, digest, id); err != nil || got != want {
				s.Errorf("%s is stored as %q, %v; want %q", id, got, err, want)
			}
		}
		put(owner, "one", a.Digest, "f1", "f1")
		put(owner, "one", a.Digest, "f2", "f1") // another attempt was faster
		put(owner, "two", a.Digest, "f3", "f3")
		put(owner, "one", b.Digest, "f4", "f4")
		put(otherOwner, "one", a.Digest, "f5", "f5") // who has no such attachment any more
		has := func(account, digest, want string) {
			s.Helper()
			if got, err := s.ProviderFile(s.Context(), owner, account, digest); err != nil || got != want {
				s.Errorf("%q, %v; want %q", got, err, want)
			}
		}
		has("one", a.Digest, "f1")
		has("three", a.Digest, "")
		s.must(s.DropProviderFile(s.Context(), "two", "f1"))
		has("one", a.Digest, "f1")
		s.must(s.DropProviderFile(s.Context(), "one", "f1"))
		has("one", a.Digest, "")
		acc := s.sendAndCancel(s.newConversation().ID, chat.Submission{Parts: chat.Parts{b.Part("b")}})
		_, err := s.DeleteConversation(s.Context(), owner, acc.ConversationID)
		s.must(err)
		for account, want := range map[string][]string{"one": {"f4", "f5"}, "two": nil} {
			got, err := s.UnusedProviderFiles(s.Context(), account)
			if slices.Sort(got); err != nil || !slices.Equal(got, want) {
				s.Errorf("%s: %q, %v; want %q", account, got, err, want)
			}
		}
	},
	"a title of what has no text": func(s *suite) {
		image := s.uploaded(png)
		acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Parts: chat.Parts{image.Part("sky.png")}}, chat.SubmitOptions{})
		s.must(err)
		conv, err := s.Conversation(s.Context(), owner, acc.ConversationID)
		if s.must(err); conv.Title != "sky.png" {
			s.Errorf("%q", conv.Title)
		}
	},
	"what is not there, or another's, is refused": func(s *suite) {
		theirs := s.attachment("theirs")
		_, err := s.PutAttachment(s.Context(), otherOwner, theirs)
		s.must(err)
		for _, a := range []chat.Attachment{theirs, s.attachment("nobody's")} {
			_, _, err := s.Submit(s.Context(), owner, chat.Submission{Parts: chat.Parts{a.Part("x")}}, chat.SubmitOptions{})
			s.wantCode(err, chat.CodeInvalid)
		}
		if list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{}); err != nil || len(list) != 0 {
			s.Errorf("%d conversations, %v", len(list), err)
		}
	},
	"the stored size counts": func(s *suite) {
		file := s.uploaded(strings.Repeat("x", chat.MaxText/2+1))
		lie := file.Part("x")
		lie.Size = 1
		_, _, err := s.Submit(s.Context(), owner, chat.Submission{Parts: chat.Parts{lie, lie}}, chat.SubmitOptions{})
		s.wantCode(err, chat.CodeTooLarge)
	},
	"deleted with the last conversation that refers to them": func(s *suite) {
		shared, only, unused := s.uploaded("shared"), s.uploaded("only"), s.uploaded("unused")
		first := s.sendAndCancel(s.newConversation().ID, chat.Submission{Parts: chat.Parts{shared.Part("a"), only.Part("b")}})
		second := s.sendAndCancel(s.newConversation().ID, chat.Submission{Parts: chat.Parts{shared.Part("a")}})
		forked, _, err := s.Fork(s.Context(), owner, second.ConversationID, "", "", chat.SubmitOptions{})
		s.must(err)
		for _, step := range []struct {
			deleted string
			left    []bool // of shared, only, unused
		}{
			{first.ConversationID, []bool{true, false, true}},
			{second.ConversationID, []bool{true, false, true}},
			{forked.ID, []bool{false, false, true}},
		} {
			_, err := s.DeleteConversation(s.Context(), owner, step.deleted)
			s.must(err)
			if left := []bool{s.has(shared), s.has(only), s.has(unused)}; !slices.Equal(left, step.left) {
				s.Errorf("%v are left, want %v", left, step.left)
			}
		}
	},
	"an import refers to what was uploaded": func(s *suite) {
		file := s.uploaded("package a")
		conv := chat.Conversation{ID: "01900000-0000-7000-8000-000000000001", Title: "T"}
		message := chat.Message{ID: "01900000-0000-7000-8000-000000000002", Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartText, Text: "see"}, file.Part("a.go")}}
		_, err := s.Import(s.Context(), owner, transcript.Transcript{Conversation: conv, Messages: []chat.Message{message}}, false)
		s.must(err)
		if matches, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: "package"}); err != nil || len(matches) != 1 {
			s.Errorf("%+v, %v", matches, err)
		}
		if _, err = s.DeleteConversation(s.Context(), owner, conv.ID); err != nil || s.has(file) {
			s.Errorf("the file is left: %v", err)
		}
		_, err = s.Import(s.Context(), owner, transcript.Transcript{Conversation: conv, Messages: []chat.Message{message}}, false)
		s.wantCode(err, chat.CodeInvalid)
	},
	"deleted while another message refers to them": func(s *suite) {
		file := s.uploaded("contended")
		for range 20 {
			old := s.sendAndCancel(s.newConversation().ID, chat.Submission{Parts: chat.Parts{s.uploaded("contended").Part("a")}})
			var wait sync.WaitGroup
			wait.Go(func() {
				if _, err := s.DeleteConversation(s.Context(), owner, old.ConversationID); err != nil {
					s.Error(err)
				}
			})
			acc, _, err := s.Submit(s.Context(), owner, chat.Submission{Parts: chat.Parts{file.Part("b")}}, chat.SubmitOptions{})
			wait.Wait()
			switch {
			case err == nil && !s.has(file):
				s.Fatal("a message refers to what was deleted")
			case err != nil && (!chat.IsCode(err, chat.CodeInvalid) || s.has(file)):
				s.Fatal(err)
			}
			if err == nil {
				_, err = s.DeleteConversation(s.Context(), owner, acc.ConversationID)
				s.must(err)
			}
		}
	},
}
