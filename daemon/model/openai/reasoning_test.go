package openai_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// events is a stream of events, with a proper end unless one of them is.
func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

// delta is a chunk with that delta.
func delta(fields string) string { return `{"choices":[{"index":0,"delta":{` + fields + `}}]}` }

// say are chunks with these pieces of content.
func say(pieces ...string) string {
	var out []string
	for _, p := range pieces {
		quoted, err := json.Marshal(p)
		if err != nil {
			panic(err)
		}
		out = append(out, delta(`"content":`+string(quoted)))
	}
	return events(out...)
}

const stop = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" + "data: [DONE]\n\n"

// The same thought and the same answer, as servers are documented to send them.
func TestReasoningArrivesInEveryForm(t *testing.T) {
	const thought, answer = "It is 4.", "Four."
	then := say("Fo", "ur.")
	for name, body := range map[string]string{
		"DeepSeek, Qwen, Zhipu, Kimi, xAI, NVIDIA": events(delta(`"role":"assistant","content":null,"reasoning_content":"It "`), delta(`"reasoning_content":"is 4.","content":null`)) + then,
		"Groq, Cerebras, Together, LM Studio":      events(delta(`"reasoning":"It is","channel":"analysis"`), delta(`"reasoning":" 4."`)) + then,
		"OpenRouter":                               events(delta(`"content":"","reasoning":"It is 4.","reasoning_details":[{"type":"reasoning.text","text":"It is 4.","format":"x","index":0}]`)) + then,
		"OpenRouter, details first":                events(delta(`"reasoning_details":[{"type":"reasoning.summary","summary":"It is 4."}],"reasoning":"It is 4."`)) + then,
		"OpenRouter, details alone":                events(delta(`"reasoning_details":[{"type":"reasoning.summary","summary":"It is"},{"type":"reasoning.encrypted","data":"zzz"}]`), delta(`"reasoning_details":[{"type":"reasoning.text","text":" 4.","signature":"s"}]`)) + then,
		"MiniMax":                                  events(delta(`"reasoning_details":[{"type":"reasoning.text","id":"r1","text":"It is 4."}]`)) + then,
		"Mistral Magistral":                        events(delta(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"It "}]}]`), delta(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"is 4."}],"closed":true}]`), delta(`"content":[{"type":"text","text":"Fo"}]`), delta(`"content":"ur."`)),
		"a thinking part with a string":            events(delta(`"content":[{"type":"thinking","thinking":"It is 4.","signature":""},{"type":"text","text":"Four."}]`)),
		"Databricks":                               events(delta(`"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"It is 4.","signature":""}]}]`)) + then,
		"reasoning parts of Responses":             events(delta(`"content":[{"type":"reasoning_text","text":"It is 4."},{"type":"output_text","text":"Four.","annotations":[]}]`)),
		"summary parts":                            events(delta(`"content":[{"type":"summary_text","text":"It is 4."},{"type":"output_text","output_text":"Four."}]`)),
		"a reasoning part with content":            events(delta(`"content":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"It is 4."}]},{"type":"text","text":{"value":"Four."}}]`)),
		"a reasoning part named so":                events(delta(`"content":[{"type":"reasoning","reasoning":"It is 4."},{"type":"text","text":"Four."}]`)),
		"a redacted part":                          events(delta(`"content":[{"type":"redacted_thinking","data":"zz"},{"type":"thinking","thinking":"It is 4."}]`)) + then,
		"LiteLLM":                                  events(delta(`"reasoning_content":"It is 4.","thinking_blocks":[{"type":"thinking","thinking":"It is 4.","signature":"s"}],"content":""`), delta(`"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]`)) + then,
		"thinking blocks alone":                    events(delta(`"thinking_blocks":[{"type":"thinking","thinking":"It is 4."}]`)) + then,
		"GitHub Copilot":                           events(delta(`"reasoning_text":"It is 4.","reasoning_opaque":"zzz"`)) + then,
		"Ollama's own name":                        events(delta(`"thinking":"It is 4."`)) + then,
		"thought":                                  events(delta(`"thought":"It is 4."`)) + then,
		"thoughts, an array of strings":            events(delta(`"thoughts":["It is"," 4."]`)) + then,
		"reasoning, an array of strings":           events(delta(`"reasoning":["It is"," 4."]`)) + then,
		"reasoning, an object":                     events(delta(`"reasoning":{"type":"text","text":"It is 4."}`)) + then,
		"reasoning, with a summary":                events(delta(`"reasoning":{"summary":[{"type":"summary_text","text":"It is 4."}]}`)) + then,
		"reasoning_content, an array":              events(delta(`"reasoning_content":[{"type":"text","text":"It is 4."}]`)) + then,
		"names in other letters":                   events(delta(`"Reasoning_Content":"It is 4."`)) + then,
		"both names":                               events(delta(`"reasoning":"It ","reasoning_content":"It "`), delta(`"reasoning_content":"is 4.","reasoning":"is 4."`)) + then,
		"both names, one after another":            events(delta(`"reasoning":"It "`), delta(`"reasoning_content":"It "`), delta(`"reasoning":"is 4."`), delta(`"reasoning_content":"is 4."`)) + then,
		"both names, now and then":                 events(delta(`"reasoning":"It ","reasoning_content":"It "`), delta(`"reasoning_content":"is 4."`)) + then,
		"the other name at the end":                events(delta(`"reasoning":"It "`), delta(`"reasoning":"is 4."`), delta(`"reasoning_content":"It is 4."`)) + then,
		"the details at the end":                   events(delta(`"reasoning":"It ","reasoning_details":[{"type":"reasoning.text","text":"It "}]`), delta(`"reasoning":"is 4."`), delta(`"reasoning_details":[{"type":"reasoning.text","text":"It is 4."}]`)) + then,
		"a name that changes":                      events(delta(`"reasoning":"It is"`), delta(`"reasoning_content":" 4."`)) + then,
		"a name, and tags":                         events(delta(`"reasoning_content":"It is 4.","content":"<think>It is 4."`)) + say("</think>\n\n") + then,
		"a name, and empty tags":                   events(delta(`"reasoning_content":"It is 4."`)) + say("<think>\n\n</think>\n\n") + then,
		"a name, and a closing tag":                events(delta(`"reasoning_content":"It is 4."`)) + say("</think>", "\n\n") + then,
		"Gemini, with tags":                        events(`{"choices":[{"delta":{"content":"<thought>It is ","extra_content":{"google":{"thought":true}}}}]}`, `{"choices":[{"delta":{"content":"4.","extra_content":{"google":{"thought":true}}}}]}`) + say("</thought>Fo", "ur."),
		"Gemini, without tags":                     events(`{"choices":[{"delta":{"content":"It is 4.","extra_content":{"google":{"thought":true}}}}]}`) + then,
		"Perplexity":                               `data: {"choices":[{"index":0,"message":{"role":"assistant","content":"<think>It is"},"delta":{"content":"<think>It is"}}]}` + "\n\n" + `data: {"choices":[{"index":0,"message":{"role":"assistant","content":"<think>It is 4.</think>Four."},"delta":{"content":" 4.</think>Four."}}]}` + "\n\n",
		"OpenAI's voice":                           events(delta(`"reasoning":"It is 4."`), delta(`"content":null,"audio":{"id":"a","transcript":"Fo"}`), delta(`"audio":{"transcript":"ur."}`), delta(`"audio":{"data":"AAAA"}`)),
		"Magistral's own tags":                     say("[THINK]", "It is 4.", "[/THINK]", "Four."),
		"gpt-oss on Bedrock":                       say("<reasoning>It is", " 4.</reasoning>") + then,
		"gpt-oss, undressed":                       say("<|channel|>analysis<|message|>It is 4.<|end|><|start|>assistant<|channel|>final<|message|>Fo", "ur.<|return|>"),
		"Cohere, undressed":                        say("<|START_THINKING|>It is 4.<|END_THINKING|><|START_RESPONSE|>Four.<|END_RESPONSE|>"),
		"Kimi":                                     say("◁think▷It is", " 4.◁/think▷") + then,
		"Seed-OSS":                                 say("<seed:think>\nIt is 4.\n</seed:think>\n") + then,
		"Sky-T1":                                   say("<|begin_of_thought|>\n\nIt is 4.\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nFour.\n\n<|end_of_solution|>"),
		"a whole completion":                       `{"choices":[{"index":0,"message":{"role":"assistant","content":"Four.","reasoning":"It is 4."},"finish_reason":"stop"}]}`,
		"a whole completion of parts":              `{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"It is 4."}]},{"type":"text","text":"Four."}]},"finish_reason":"stop"}]}`,
		"a whole completion with tags":             `{"choices":[{"message":{"content":"<think>\nIt is 4.\n</think>\n\nFour."},"finish_reason":"stop"}]}`,
		"a whole completion, no opening":           `{"choices":[{"message":{"content":"It is 4.\n</think>\n\nFour."},"finish_reason":"stop"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(body, "{") {
				body += stop
			}
			for _, reader := range []func(io.Reader) io.Reader{nil, iotest.OneByteReader} {
				if g := replay(t, canned{body: body, reader: reader}); g.Err != nil || g.Reasoning != thought || g.Content != answer {
					t.Fatalf("reasoning %q, content %q, %v", g.Reasoning, g.Content, g.Err)
				}
			}
		})
	}
}

// Reasoning between tags is found at the beginning only, and wherever it is split.
func TestTagsAtTheBeginningSetReasoningApart(t *testing.T) {
	for _, tc := range []struct{ text, reasoning, content string }{
		{"<think>\nCount.\n</think>\n\nIt is 4.", "Count.", "It is 4."},
		{"\n\n <think>Count.</think>It is 4.", "Count.", "It is 4."},
		{"<THINK>Count.</THINK>\r\n\r\nIt is 4.", "Count.", "It is 4."},
		{"<thinking>Count.</thinking> It is 4.", "Count.", "It is 4."},
		{"<think>Count.</thinking> It is 4.", "Count.", "It is 4."},
		{"<thinking>Count.</think> It is 4.", "Count.", "It is 4."},
		{"<think time=\"3\">Count.</think> It is 4.", "Count.", "It is 4."},
		{"<think >Count.</think> It is 4.", "Count.", "It is 4."},
		{"<Thinking mode=fast\tlang='en'>\nCount.\n</thinking>\nIt is 4.", "Count.", "It is 4."},
		{"<think about it", "", "<think about it"},
		{"<think about\nit> first", "", "<think about\nit> first"},
		{"<thinks>Count.</thinks> It is 4.", "", "<thinks>Count.</thinks> It is 4."},
		{"<|channel>thought\nCount.\n<channel|>It is 4.", "Count.", "It is 4."},
		{"<|channel>thought\n<channel|>It is 4.", "", "It is 4."},
		{"The tag is **</think>** here.", "", "The tag is **</think>** here."},
		{"So:\n\n    x</think>\n\nis code.", "", "So:\n\n    x</think>\n\nis code."},
		{"So:\n\n\t</think>\n\nis code.", "", "So:\n\n\t</think>\n\nis code."},
		{"<think>\n\n</think>\n\nIt is 4.", "", "It is 4."},
		{"<think></think>It is 4.", "", "It is 4."},
		{"<think>One.\n\nTwo.\n</think>\nIt is 4.\n", "One.\n\nTwo.", "It is 4.\n"},
		{"<think>a < b, a <t b, </thin</think>\nNo.", "a < b, a <t b, </thin", "No."},
		{"<think>It writes `</think>` here.\n</think>\nNo.", "It writes `</think>` here.", "No."},
		{"<think>It is `4`.</think>`4`", "It is `4`.", "`4`"},
		{"<think>Count.</think>\n\nWrite `<think>` or </think>.", "Count.", "Write `<think>` or </think>."},
		{"<think>Count.</think>\n<think>Again.</think>\nIt is 4.", "Count.Again.", "It is 4."},
		{"<think>\nCount on and on", "Count on and on", ""},
		{"<think>\nCount.\n</thi", "Count.\n</thi", ""},
		// Without the opening tag.
		{"Count.\n</think>\n\nIt is 4.", "Count.", "It is 4."},
		{"\nOkay, count.\nTwo and two.\n</think>\n\nIt is 4.", "\nOkay, count.\nTwo and two.", "It is 4."},
		{"Count.</think>\n\nIt is 4.", "Count.", "It is 4."},
		{"Count.</think>It is 4.", "Count.", "It is 4."},
		{"Count 2 + 2</think>\nIt is 4.", "Count 2 + 2", "It is 4."},
		{"Write `x`.\n```go\nx := 1\n```\n</think>\nIt is 4.", "Write `x`.\n```go\nx := 1\n```", "It is 4."},
		{"Count.\n</think>", "Count.", ""},
		{"Count.\n</thinking>\nIt is 4.", "Count.", "It is 4."},
		{"Count.[/THINK]It is 4.", "Count.", "It is 4."},
		{"</think>\n\nIt is 4.", "", "It is 4."},
		// Text.
		{"Use <think> tags.", "", "Use <think> tags."},
		{"Use `<think>` and `</think>`.", "", "Use `<think>` and `</think>`."},
		{"`<think>` opens it.", "", "`<think>` opens it."},
		{"``</think>`` closes it.", "", "``</think>`` closes it."},
		{"The tag </think> closes it.", "", "The tag </think> closes it."},
		{"The tag \"</think>\" closes it.", "", "The tag \"</think>\" closes it."},
		{"Some tags (</think>) close.", "", "Some tags (</think>) close."},
		{"```\n</think>\n```\nThat closes it.", "", "```\n</think>\n```\nThat closes it."},
		{"~~~~\n~~~\n</think>\n~~~~\n", "", "~~~~\n~~~\n</think>\n~~~~\n"},
		{"```xml\n<think>\nx\n</think>\n```\n", "", "```xml\n<think>\nx\n</think>\n```\n"},
		{"Like this:\n<think>\nx\n</think>\n", "", "Like this:\n<think>\nx\n</think>\n"},
		{"  indented\n\n\nand spaced \n", "", "  indented\n\n\nand spaced \n"},
		{"<thinker>x</thinker>", "", "<thinker>x</thinker>"},
		{"<", "", "<"},
		{"a <", "", "a <"},
		{"</", "", "</"},
		{"[T", "", "[T"},
		{"a[i] < b[j], List<T> and <think", "", "a[i] < b[j], List<T> and <think"},
	} {
		for size := range len(tc.text) {
			var pieces []string
			for rest := tc.text; rest != ""; {
				n := min(size+1, len(rest))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			g := replay(t, canned{body: say(pieces...) + stop})
			if g.Err != nil || g.Reasoning != tc.reasoning || g.Content != tc.content {
				t.Errorf("%q in pieces of %d: reasoning %q, content %q, %v", tc.text, size+1, g.Reasoning, g.Content, g.Err)
				break
			}
		}
	}
}

// A model that was seen to leave out the opening tag reasons from its first word on;
// when it ends without the tag, that was its answer.
func TestAModelWithoutAnOpeningTagIsKnownTheNextTime(t *testing.T) {
	answers := []string{
		say("Count.", "\n</think>\n\n", "It is 4.") + stop,
		say("Count.", "\n</think>\n\n", "It is 4.") + stop,
		say("It is 4.\n") + stop,
		say("It is 4.") + stop,
	}
	c := &next{}
	r := newRegistry(t, providers.Config{BaseURL: "http://canned.test/v1", DefaultModel: "m", Transport: c})
	for i, want := range []struct {
		reasoning, content string
		retyped            int
	}{{"Count.", "It is 4.", 1}, {"Count.", "It is 4.", 0}, {"", "It is 4.\n", 1}, {"", "It is 4.", 0}} {
		c.body = answers[i]
		g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
		if g.Err != nil || g.Reasoning != want.reasoning || g.Content != want.content || g.Retypes != want.retyped {
			t.Errorf("answer %d: %+v", i+1, g)
		}
	}
	c.body = say("Count.", "\n</think>\n\n", "It is 4.") + stop
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Reasoning != "Count." {
		t.Fatalf("%+v", g)
	}
	c.body = say("Count on and") + strings.Replace(stop, "stop", "length", 1)
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Reasoning != "Count on and" || g.Content != "" {
		t.Errorf("cut within its reasoning: %+v", g)
	}
}

// Text is not held back for longer than it may be a tag.
func TestTagsDoNotDelayAnAnswer(t *testing.T) {
	for _, tc := range []struct{ said, got string }{
		{"H", "H"}, {"<p", "<p"}, {"<b>x", "<b>x"}, {" x", " x"}, {"Hi <", "Hi "}, {"Hi <x", "Hi <x"}, {"Hi [", "Hi "}, {"Hi [1", "Hi [1"}, {"<think>x", "x"},
	} {
		g := replay(t, canned{body: say(tc.said), reader: func(r io.Reader) io.Reader {
			return io.MultiReader(r, strings.NewReader("data: {\"error\":\"no\"}\n\n"))
		}})
		if first := g.First; first != tc.got {
			t.Errorf("after %q came %q", tc.said, first)
		}
	}
}
