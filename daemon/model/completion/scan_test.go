package completion

import (
	"encoding/json"
	"reflect"
	"testing"
)

func FuzzFrame(f *testing.F) {
	for _, data := range []string{
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a\nb\u00e9\ud83d"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`{"choices":[{"delta":{"reasoning":"r","reasoning_content":"r","refusal":null},"finish_reason":"stop"}]}`, `{}`, `{"choices":[]}`, ` {"model" : null , "x" : [ 1.5 , {"a":[true,false]} ] } `,
		`{"Model":"m"}`, `{"model":"a","model":"b"}`, `{"choices":[{"delta":{"content":"a"},"delta":{"content":null}}]}`, `{"model":["m"]}`, `{"choices":[{"index":01}]}`, `{"choices":[{"index":1e2}]}`,
		`{"x":-1}`, `{"x":1.}`, `{"error":{"message":"no"}}`, `{"choices":null}`, `{"choices":[{}{}]}`, `{"choices":[{},]}`, `{"x":"` + "\xff" + `"}`, `{"model":"` + "\xff\x00" + `"}`, `{"x":nul}`, `{"x":1}}`, `{"x":[[[[[[[[[[[[1]]]]]]]]]]]]}`,
		`{"choices":[{"delta":{"reasoning":"r","reasoning_details":[{"text":"r"}],"tool_calls":[],"images":null}}]}`, `{"choices":[{"delta":{"thinking":"","extra_content":{}}}]}`,
		`{"choices":[{"delta":{"reasoning_details":[{"text":"r"}],"reasoning":"r"}}]}`, `{"choices":[{"delta":{"thoughts":["r"],"audio":{"id":"a"}}}]}`, `{"choices":[{"delta":{"content":[{"type":"image_url"}]}}]}`,
		`{"choices":[{"index":0,"error":null}]}`, `{"usage":{"total_tokens":3}}`, `{"choiceſ":[]}`, `{"\u006dodel":"m"}`, `{"model":"\q"}`, `{"model":"\u12"}`, `{"choices":[{"index":9999999999}]}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var quick, slow Frame
		if !quick.scan(data) {
			return
		}
		quick.named = ""
		if err := json.Unmarshal(data, &slow); err != nil {
			t.Fatalf("%q was taken, and is wrong: %v", data, err)
		}
		if len(quick.Choices)+len(slow.Choices) == 0 {
			quick.Choices, slow.Choices = nil, nil
		}
		if !reflect.DeepEqual(quick, slow) {
			t.Errorf("%q is %+v, and was taken as %+v", data, slow, quick)
		}
	})
}

func TestWhatProvidersSendMostNeedsNoDecoder(t *testing.T) {
	for name, data := range map[string]string{
		"OpenAI":     `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1741570283,"model":"gpt-5","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"Hi","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}`,
		"Ollama":     `{"id":"c","object":"chat.completion.chunk","created":1,"model":"llama","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}`,
		"OpenRouter": `{"id":"gen-1","provider":"X","model":"x/y","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm","format":"unknown","index":0}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}`,
	} {
		var f Frame
		if !f.scan([]byte(data)) || len(f.Choices) != 1 || f.Choices[0].Delta.Content+f.Choices[0].Delta.Reasoning == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
