package completion

import (
	"encoding/json"
	"testing"

	"chat"
)

func TestUsageIsReadUnderTheNamesOfManyServers(t *testing.T) {
	usage := func(prompt, completion, total, cached, written, reasoning int) *chat.Usage {
		return &chat.Usage{
			PromptTokens: prompt, CompletionTokens: completion, TotalTokens: total,
			CachedTokens: cached, CacheWriteTokens: written, ReasoningTokens: reasoning,
		}
	}
	for name, tc := range map[string]struct {
		raw  string
		want *chat.Usage
	}{
		"OpenAI": {`{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0,"cache_write_tokens":64},
			"completion_tokens_details":{"reasoning_tokens":192,"audio_tokens":0,"accepted_prediction_tokens":0}}`, usage(2006, 300, 2306, 1920, 64, 192)},
		"Responses": {
			`{"input_tokens":125,"input_tokens_details":{"cached_tokens":98,"cache_write_tokens":5},"output_tokens":48,"output_tokens_details":{"reasoning_tokens":40},"total_tokens":173}`,
			usage(125, 48, 173, 98, 5, 40),
		},
		"DeepSeek": {
			`{"prompt_tokens":16,"completion_tokens":10,"total_tokens":26,"prompt_cache_hit_tokens":12,"prompt_cache_miss_tokens":4,"completion_tokens_details":{"reasoning_tokens":7}}`,
			usage(16, 10, 26, 12, 0, 7),
		},
		"Moonshot":   {`{"prompt_tokens":19,"completion_tokens":21,"total_tokens":40,"cached_tokens":10}`, usage(19, 21, 40, 10, 0, 0)},
		"LiteLLM":    {`{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35,"cache_read_input_tokens":20,"cache_creation_input_tokens":6}`, usage(30, 5, 35, 20, 6, 0)},
		"LiteLLM, 2": {`{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35,"prompt_tokens_details":{"cached_tokens":20,"cache_creation_tokens":6}}`, usage(30, 5, 35, 20, 6, 0)},
		"xAI, reasoning beside the completion": {
			`{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"prompt_tokens_details":{"cached_tokens":6},"completion_tokens_details":{"reasoning_tokens":94}}`,
			usage(32, 103, 135, 6, 0, 94),
		},
		"Gemini, reasoning in the total only": {`{"prompt_tokens":20,"completion_tokens":151,"total_tokens":553}`, usage(20, 533, 553, 0, 0, 0)},
		"Perplexity, more reasoning than the answer": {
			`{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":20016,"num_search_queries":18,"reasoning_tokens":73305}`,
			usage(33, 7163, 7196, 0, 0, 0),
		},
		"vLLM, no details":       {`{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":null}`, usage(7, 3, 10, 0, 0, 0)},
		"both names":             {`{"prompt_tokens":7,"input_tokens":2,"completion_tokens":3,"output_tokens":1}`, usage(7, 3, 10, 0, 0, 0)},
		"only a total":           {`{"total_tokens":10}`, usage(0, 0, 10, 0, 0, 0)},
		"details of other types": {`{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":[1],"completion_tokens_details":"none","cached_tokens":"7"}`, usage(7, 3, 10, 0, 0, 0)},
		"a negative part":        {`{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":-1,"cache_write_tokens":2}}`, usage(7, 3, 10, 0, 2, 0)},
		"a fraction of a token":  {`{"prompt_tokens":7,"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":1.5}}`, usage(7, 3, 10, 0, 0, 0)},
		"a part of 1e300":        {`{"prompt_tokens":7,"completion_tokens":3,"cached_tokens":1e300}`, usage(7, 3, 10, 0, 0, 0)},
		"more cached than there": {`{"prompt_tokens":7,"completion_tokens":3,"cached_tokens":8}`, usage(7, 3, 10, 0, 0, 0)},
		"more of the cache":      {`{"prompt_tokens":7,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":5,"cache_write_tokens":3}}`, usage(7, 3, 10, 5, 0, 0)},
		"negative":               {`{"prompt_tokens":-7,"completion_tokens":3}`, nil},
		"absurd":                 {`{"prompt_tokens":7,"completion_tokens":1e300}`, nil},
		"words":                  {`{"prompt_tokens":"many"}`, nil},
		"nothing":                {`{}`, nil},
		"null":                   {`null`, nil},
		"a list":                 {`[7]`, nil},
	} {
		var got Usage
		if err := json.Unmarshal([]byte(tc.raw), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if (got.Usage == nil) != (tc.want == nil) || tc.want != nil && *got.Usage != *tc.want {
			t.Errorf("%s: %+v, want %+v", name, got.Usage, tc.want)
		}
	}
}
