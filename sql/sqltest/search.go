package sqltest

import (
	"fmt"
	"strings"

	"chat"
)

var searchTests = map[string]func(*suite){
	// PostgreSQL asks the index only for words that few of the newest conversations have.
	"finds words in old conversations, in new ones and in all": func(s *suite) {
		const many, newest = 60, 10
		for i := range many {
			text := "everywhere"
			if i == 0 {
				text += " longago qv"
			}
			if i == 1 || i >= many-newest {
				text += " recently"
			}
			s.send(s.newConversation().ID, chat.Submission{Content: text})
		}
		other, err := s.CreateConversation(s.Context(), otherOwner, chat.Conversation{})
		s.must(err)
		_, _, err = s.Submit(s.Context(), otherOwner, chat.Submission{ConversationID: other.ID, Content: "longago qv foreign"}, chat.SubmitOptions{})
		s.must(err)
		for word, want := range map[string]int{
			"longago": 1, "qv": 1, "recently": newest + 1, "everywhere": many, "ev": many, "recently everywhere": newest + 1,
			"longago recently": 0, "foreign": 0, "absent": 0, "zz": 0,
		} {
			found, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: word, Limit: 2 * many})
			s.must(err)
			if len(found) != want {
				s.Errorf("%s: %d conversations, not %d", word, len(found), want)
			}
		}
	},
	"searches the first half mebibyte of a long message": func(s *suite) {
		c := s.newConversation()
		long := "foremost" + strings.Repeat("漢 hay ", 100_000) + "hindmost"
		acc := s.send(c.ID, chat.Submission{Content: long})
		for word, want := range map[string]int{"foremost": 1, "hindmost": 0} {
			found, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: word})
			s.must(err)
			if len(found) != want {
				s.Errorf("%s: %d conversations, not %d", word, len(found), want)
			}
		}
		all, err := s.Messages(s.Context(), owner, c.ID)
		s.must(err)
		for _, m := range all {
			if m.ID == acc.UserMessageID && m.Content != long {
				s.Errorf("%d bytes are kept of %d", len(m.Content), len(long))
			}
		}
	},
	"returns the message with most of the words and a snippet": func(s *suite) {
		c := s.newConversation()
		first := s.sendAndCancel(c.ID, chat.Submission{Content: "the zebra crosses"})
		second := s.sendAndCancel(c.ID, chat.Submission{Content: "a line before\n" + strings.Repeat("x", 40) + " the ZEBRA and the lion " + strings.Repeat("y", 90)})
		titled, err := s.CreateConversation(s.Context(), owner, chat.Conversation{Title: "a zebra"})
		s.must(err)
		for search, want := range map[string]struct{ message, snippet string }{
			"zebra":      {first.UserMessageID, "the zebra crosses"},
			"zebra lion": {second.UserMessageID, "…" + strings.Repeat("x", 15) + " the ZEBRA and the lion " + strings.Repeat("y", 41) + "…"},
		} {
			found, _, err := s.Search(s.Context(), owner, chat.ConversationQuery{Search: search})
			s.must(err)
			if m := found[len(found)-1]; m.ID != c.ID || m.MessageID != want.message || m.Snippet != want.snippet {
				s.Errorf("%s: %+v, want %+v", search, m, want)
			}
			if m := found[0]; len(found) == 2 && (m.ID != titled.ID || m.MessageID != "" || m.Snippet != "") {
				s.Errorf("%s: by its title: %+v", search, m)
			}
		}
		found, _, err := s.Search(s.Context(), otherOwner, chat.ConversationQuery{Search: "zebra"})
		if s.must(err); len(found) != 0 {
			s.Errorf("another owner finds %+v", found)
		}
	},
	"finds words in several languages": func(s *suite) {
		texts := map[string]string{
			"plain":   "The Quick brown fox jumps over foo-bar and 100% of snake_case",
			"chinese": "今天天气很好，我们去公园散步吧",
			"german":  "Die Straße nach Ägypten",
			"greek":   "Ὁ Οδυσσεύς ΟΔΥΣΣΕΥΣ",
			"quotes":  `He said "it's [done]" \ and left * everything ?`,
			"emoji":   "ship it 🚀 today",
			"short":   "zy",
			"letter":  "ж",
			"end":     "it all ends in kq",
		}
		made := map[string]string{}
		for name, text := range texts {
			c := s.newConversation()
			made[c.ID] = name
			s.send(c.ID, chat.Submission{Content: text})
			title := name + " title"
			_, err := s.UpdateConversation(s.Context(), owner, c.ID, chat.ConversationPatch{Title: &title})
			s.must(err)
		}
		for _, tt := range []struct{ search, want string }{
			{"quick", "plain"},
			{"QUICK fox", "plain"},
			{"uick", "plain"},
			{"fox chinese", ""}, // every word must match
			{"fox plain", "plain"},
			{"foo-bar", "plain"},
			{"100%", "plain"},
			{"%", "plain"},
			{"snake_case", "plain"},
			{"e_c", "plain"},
			{"snakeXcase", ""},
			{"100X", ""},
			{"天气", "chinese"},
			{"我们去公园", "chinese"},
			{"好", "chinese"},
			{"气天", ""},
			{"STRASSE", ""}, // no linguistics
			{"straße", "german"},
			{"ÄGYPTEN", "german"},
			{"ägypten", "german"},
			{"οδυσσευς", "greek"},
			{`"it's`, "quotes"},
			{"it's", "quotes"},
			{"[done]", "quotes"},
			{"[a-z]one", ""},
			{`\`, "quotes"},
			{"?", "quotes"},
			{"*", "quotes"},
			{"left*everything", ""},
			{"' OR 1=1 --", ""},
			{"🚀", "emoji"},
			{"german title", "german"},
			{"zy", "short"}, // a short text, and the end of a long one
			{"ж", "letter"},
			{"kq", "end"},
			{"q end", "end"},
			{"qk", ""},
			{"go", ""},
			{"过", ""},
			{"步吧", "chinese"},
			{"吧", "chinese"},
			{"zzz", ""},
		} {
			list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: tt.search})
			s.must(err)
			var got []string
			for _, c := range list {
				got = append(got, made[c.ID])
			}
			if strings.Join(got, ",") != tt.want {
				s.Errorf("search %q found %q, want %q", tt.search, got, tt.want)
			}
		}
	},

	"finds the current text of an answer": func(s *suite) {
		c := s.claimNew()
		find := func(word string) int {
			s.Helper()
			list, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: word})
			s.must(err)
			return len(list)
		}
		if find("rayleigh") != 0 {
			s.Fatal("found before it was written")
		}
		s.must(s.Release(s.Context(), chat.Release{TaskID: c.ID, Attempt: c.Attempt, Parts: chat.TextParts("It is Rayl")}))
		if find("rayl") != 1 {
			s.Fatal("partial text is not found")
		}
		s.must(s.Finish(s.Context(), doneResult(s.claim(1)[0], "Rayleigh scattering.")))
		if find("rayleigh") != 1 || find("RAYLEIGH scatt why") != 1 || find("It is Rayl") != 0 {
			s.Fatal("the index does not follow the text")
		}
	},

	"has pages and limits": func(s *suite) {
		for range 5 {
			s.enqueue()
		}
		for _, word := range []string{"why?", "?"} { // with and without the index
			first, next, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: word, Limit: 3})
			s.must(err)
			second, end, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: word, Limit: 3, Cursor: next})
			s.must(err)
			if len(first) != 3 || len(second) != 2 || end != "" {
				s.Fatalf("%q: pages of %d and %d, then %q", word, len(first), len(second), end)
			}
		}
		for _, search := range []string{strings.Repeat("x", 1001), strings.Repeat("x ", 17)} {
			_, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: search})
			s.wantCode(err, chat.CodeInvalid)
		}
		for _, search := range []string{" \t ", "\x00", "\x00why\xff"} {
			if _, _, err := s.Conversations(s.Context(), owner, chat.ConversationQuery{Search: search}); err != nil {
				s.Errorf("search %q: %v", search, err)
			}
		}
	},

	"finds only the owner's conversations": func(s *suite) {
		for i, who := range []string{owner, otherOwner} {
			c, err := s.CreateConversation(s.Context(), who, chat.Conversation{})
			s.must(err)
			_, _, err = s.Submit(s.Context(), who, chat.Submission{ConversationID: c.ID, Content: fmt.Sprintf("common word %d", i)}, chat.SubmitOptions{})
			s.must(err)
		}
		list, _, err := s.Conversations(s.Context(), otherOwner, chat.ConversationQuery{Search: "common word"})
		s.must(err)
		if len(list) != 1 || list[0].Title != "common word 1" {
			s.Fatalf("found %+v", list)
		}
	},
}
