package openai_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// picky is a provider that refuses, and a registry that is configured for it.
func picky(t *testing.T, judge func(modeltest.Asked) (int, string)) (*modeltest.Picky, *providers.Registry) {
	t.Helper()
	p := modeltest.NewPicky(t, judge)
	return p, newRegistry(t, providers.Config{BaseURL: p.URL, Key: modeltest.Key, DefaultModel: "picky"})
}

// What a model refuses of a request, by what the refusal is about.
var (
	hasOptions = func(a modeltest.Asked) bool { return a.StreamOptions }
	hasStream  = func(a modeltest.Asked) bool { return a.Stream }
	hasSystem  = func(a modeltest.Asked) bool { return a.Messages[0].Role == "system" }
	hasImages  = func(a modeltest.Asked) bool { return a.Images() > 0 }
)

// refusals are real ones: the statuses and bodies of servers.
var refusals = []struct {
	name   string
	has    func(modeltest.Asked) bool
	notice string
	status int
	body   string
}{
	// stream_options
	{"Mistral", hasOptions, "stream_options", 422, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error","param":null,"code":null}`},
	{"Azure, old", hasOptions, "stream_options", 400, `{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}`},
	{"OpenAI", hasOptions, "stream_options", 400, `{"error":{"message":"Unknown parameter: 'stream_options'.","type":"invalid_request_error","param":"stream_options","code":"unknown_parameter"}}`},
	{"LiteLLM before Azure", hasOptions, "stream_options", 400, `{"error":{"message":"litellm.BadRequestError: AzureException BadRequestError - {\n \"error\": {\n \"message\": \"Unknown parameter: 'stream_options.include_usage'.\",\n \"type\": \"invalid_request_error\"}}. Received Model Group=x","type":null,"param":null,"code":"400"}}`},
	{"Azure, a schema", hasOptions, "stream_options", 400, `{"error":{"message":"Additional properties are not allowed ('stream_options' was unexpected)","type":"invalid_request_error"}}`},
	{"vLLM, old", hasOptions, "stream_options", 400, `{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted', 'input': {'include_usage': True}}]","type":"BadRequestError","param":null,"code":400}`},
	{"FastAPI", hasOptions, "stream_options", 422, `{"detail":[{"loc":["body","stream_options"],"msg":"extra fields not permitted","type":"value_error.extra"}]}`},
	{"FastAPI, no name", hasOptions, "stream_options", 422, `{"detail":[{"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}`},
	{"Groq", hasOptions, "stream_options", 400, `{"error":{"message":"property 'stream_options' is unsupported","type":"invalid_request_error"}}`},
	{"Gemini", hasOptions, "stream_options", 400, `[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"stream_options\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`},
	{"Databricks", hasOptions, "stream_options", 400, `{"error_code":"BAD_REQUEST","message":"Bad request: json: unknown field \"stream_options\"\n"}`},
	{"Perplexity", hasOptions, "stream_options", 400, `{"error":{"message":"Unsupported parameter(s): include_usage","type":"invalid_parameter","code":400}}`},
	{"xAI", hasOptions, "stream_options", 400, `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: stream_options"}`},
	{"Cohere", hasOptions, "stream_options", 422, `{"message":"invalid request: unknown field stream_options","id":"0"}`},
	{"Together", hasOptions, "stream_options", 400, `{"error":{"message":"Input validation error: unexpected field","type":"invalid_request_error"}}`},
	{"a Rust server", hasOptions, "stream_options", 422, "Failed to deserialize the JSON body into the target type: unknown field `stream_options`, expected one of `model`, `messages` at line 1 column 99"},
	{"in the stream", hasOptions, "stream_options", 200, `{"error":{"message":"stream_options is not supported","type":"invalid_request_error","code":400}}`},
	// stream
	{"OpenAI, not verified", hasStream, "stream", 400, `{"error":{"message":"Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}`},
	{"OpenRouter before OpenAI", hasStream, "stream", 400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\n  \"error\": {\n    \"message\": \"Your organization must be verified to stream this model.\",\n    \"param\": \"stream\",\n    \"code\": \"unsupported_value\"}}"}}}`},
	{"o1", hasStream, "stream", 400, `{"error":{"message":"Unsupported value: 'stream' does not support true with this model. Only the default (false) value is supported.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}`},
	{"a proxy", hasStream, "stream", 400, `{"message":"Streaming completion is not support yet, please remove 'stream' key value in the request payload."}`},
	{"TGI", hasStream, "stream", 400, "{\"error\":[\"Error in `stream`: `stream` is not supported for this model\"]}"},
	{"501", hasStream, "stream", 501, `{"error":"streaming is not implemented"}`},
	{"500", hasStream, "stream", 500, `{"detail":"This deployment does not support streaming."}`},
	{"404", hasStream, "stream", 404, `{"error":{"message":"No streaming endpoint: the model can not stream","type":"not_found"}}`},
	{"pydantic", hasStream, "stream", 422, `{"detail":[{"type":"literal_error","loc":["body","stream"],"msg":"Input should be false","input":true}]}`},
	{"both at once", hasStream, "stream", 400, `{"error":{"message":"stream and stream_options are not allowed here"}}`},
	{"events", hasStream, "stream", 400, `{"error":"Server-sent events are not supported"}`},
	// system
	{"vLLM, Gemma", hasSystem, "system", 400, `{"object":"error","message":"System role not supported","type":"BadRequestError","param":null,"code":400}`},
	{"llama.cpp, Gemma", hasSystem, "system", 500, `{"error":{"code":500,"message":"Jinja Exception: System role not supported","type":"server_error"}}`},
	{"Gemini, Gemma", hasSystem, "system", 400, `[{"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT"}}]`},
	{"o1-mini", hasSystem, "system", 400, `{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","type":"invalid_request_error","param":"messages[0].role","code":"unsupported_value"}}`},
	{"Mistral's template", hasSystem, "system", 400, `{"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/...","type":"BadRequestError","param":null,"code":400}`},
	{"a template", hasSystem, "system", 400, `{"error":"Only user and assistant roles are supported!"}`},
	{"Anthropic", hasSystem, "system", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages: Unexpected role \"system\". The Messages API accepts a top-level ` + "`system`" + ` parameter, not \"system\" as an input message role."}}`},
	{"pydantic, roles", hasSystem, "system", 422, `{"detail":[{"type":"literal_error","loc":["body","messages",0,"role"],"msg":"Input should be 'user' or 'assistant'","input":"system"}]}`},
	{"a Rust server, roles", hasSystem, "system", 422, "Failed to deserialize the JSON body: messages[0].role: unknown variant `system`, expected `user` or `assistant`"},
	{"Gemini, roles", hasSystem, "system", 400, `{"error":{"code":400,"message":"Please use a valid role: user, model."}}`},
	{"Gemini, old", hasSystem, "system", 400, `{"error":{"code":400,"message":"The input system_instruction is not supported."}}`},
	{"a word", hasSystem, "system", 400, `{"error":{"message":"Invalid value: 'system'. Supported values are: 'user' and 'assistant'.","param":"messages[0].role"}}`},
	{"a template's word", hasSystem, "system", 400, `{"error":"this chat template does not support system"}`},
	{"prompts", hasSystem, "system", 400, `{"error":{"message":"System prompts aren't supported by this model"}}`},
	// images of earlier messages
	{"Ollama", hasImages, "image", 400, `{"error":{"message":"this model does not support image input","type":"invalid_request_error"}}`},
	{"Ollama, old", hasImages, "image", 500, `{"error":{"message":"this model is missing data required for image input","type":"api_error"}}`},
	{"OpenRouter", hasImages, "image", 404, `{"error":{"message":"No endpoints found that support image input","code":404}}`},
	{"gpt-3.5", hasImages, "image", 400, `{"error":{"message":"Invalid content type. image_url is only supported by certain models.","type":"invalid_request_error","param":"messages.[0].content.[1].type","code":null}}`},
	{"DeepSeek", hasImages, "image", 400, "{\"error\":{\"message\":\"Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`, expected `text` at line 1 column 2901\",\"type\":\"invalid_request_error\"}}"},
	{"DeepSeek, old", hasImages, "image", 422, `Failed to deserialize the JSON body into the target type: messages[1]: invalid type: sequence, expected a string at line 1 column 2901`},
	{"DeepSeek, older", hasImages, "image", 422, `Failed to deserialize the JSON body into the target type: messages[1]: data did not match any variant of untagged enum ChatCompletionRequestContent at line 1 column 18254`},
	{"llama.cpp", hasImages, "image", 500, `{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}`},
	{"vLLM", hasImages, "image", 400, `{"object":"error","message":"picky is not a multimodal model","type":"BadRequestError","param":null,"code":400}`},
	{"vLLM, a limit", hasImages, "image", 400, `{"error":{"message":"At most 0 image(s) may be provided in one request.","type":"BadRequestError"}}`},
	{"Groq, strings", hasImages, "image", 400, `{"error":{"message":"messages[1].content must be a string","type":"invalid_request_error"}}`},
	{"pydantic, strings", hasImages, "image", 422, `{"detail":[{"type":"string_type","loc":["body","messages",1,"content"],"msg":"Input should be a valid string"}]}`},
	{"LM Studio", hasImages, "image", 400, `{"error":"Model does not support images. Please use a model that does."}`},
	{"xAI, images", hasImages, "image", 400, `{"error":"Image inputs are not supported by this model."}`},
	{"a broken one", hasImages, "image", 400, `{"error":{"message":"Invalid PNG image.","type":"invalid_request_error"}}`},
	{"Anthropic, broken", hasImages, "image", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages.0.content.0.image.source.base64.data: Could not process image"}}`},
	{"Anthropic, too large", hasImages, "image", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"At least one of the image dimensions exceed max allowed size: 8000 pixels"}}`},
	{"Gemini, broken", hasImages, "image", 400, `{"error":{"code":400,"message":"Unable to process input image."}}`},
	{"a decoder", hasImages, "image", 500, `{"detail":"cannot identify image file <_io.BytesIO object at 0x7f>"}`},
	{"llama.cpp, broken", hasImages, "image", 500, `{"error":{"code":500,"message":"Failed to load image or audio file","type":"server_error"}}`},
	{"a kind of image", hasImages, "image", 415, `{"error":"Unsupported MIME type: image/gif"}`},
	{"a large body", hasImages, "image", 413, `<html><title>413 Request Entity Too Large</title></html>`},
	{"a small context", hasImages, "image", 400, `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 90001 tokens.","code":"context_length_exceeded"}}`},
	{"no reason", hasImages, "image", 400, `{"error":"Bad Request"}`},
	{"nothing", hasImages, "image", 422, ``},
}

// history is a conversation with a system prompt and a picture.
func history(t *testing.T) model.Request {
	t.Helper()
	return model.Request{System: "be brief", Messages: []chat.Message{
		{ID: "1", Role: chat.RoleUser, Content: "look:\n\n" + pictureNamed(t, "sky.png").Block()},
		{ID: "2", Role: chat.RoleAssistant, Content: "a sky"},
		{ID: "3", Role: chat.RoleUser, Content: "and now?"},
	}}
}

func TestWhatAModelRefusesIsLeftOutOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, r := picky(t, func(a modeltest.Asked) (int, string) {
				if tc.has(a) {
					return tc.status, tc.body
				}
				return 0, ""
			})
			g := modeltest.Collect(t.Context(), t, r, history(t))
			if g.Err != nil || !strings.HasPrefix(g.Content, "answer ") {
				t.Fatalf("%q, %v", g.Content, g.Err)
			}
			if len(g.Notices) != 1 || !strings.Contains(g.Notices[0], tc.notice) || !strings.Contains(g.Notices[0], "picky") {
				t.Errorf("notices %q, want one with %q", g.Notices, tc.notice)
			}
			first := p.Requests()
			if most := 3; len(first) > most {
				t.Errorf("%d requests", len(first))
			}
			last := first[len(first)-1]
			kept := map[string]bool{"stream": last.Stream, "system": hasSystem(last), "image": hasImages(last)}
			for what, is := range kept {
				if want := what != tc.notice; is != want {
					t.Errorf("the accepted request has %s: %v", what, is)
				}
			}
			if text := last.Messages[0].Text; tc.notice == "system" && text != "be brief\n\nlook:" {
				t.Errorf("the first message is %q", text)
			}
			if text := last.Messages[1].Text; tc.notice == "image" && text != "look:\n\n[image sky.png left out: the model did not accept it]" {
				t.Errorf("the first message is %q", text)
			}
			again := history(t)
			again.Messages = append(again.Messages, chat.Message{Role: chat.RoleAssistant, Content: "night"}, chat.Message{Role: chat.RoleUser, Content: "and then?"})
			if g := modeltest.Collect(t.Context(), t, r, again); g.Err != nil {
				t.Fatal(g.Err)
			}
			if all := p.Requests(); len(all) != len(first)+1 {
				t.Errorf("the second answer took %d requests", len(all)-len(first))
			}
		})
	}
}

// Every one of them, if it comes whatever is sent, is an error after a few requests, and
// the next answer is asked for as if nothing had been.
func TestARefusalOfEverythingIsBoundedAndNotRemembered(t *testing.T) {
	t.Parallel()
	for _, tc := range refusals {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			refuse := true
			p, r := picky(t, func(modeltest.Asked) (int, string) {
				if refuse {
					return tc.status, tc.body
				}
				return 0, ""
			})
			g := modeltest.Collect(t.Context(), t, r, history(t))
			if g.Err == nil || len(g.Notices) != 0 {
				t.Fatalf("%q, notices %q", g.Content, g.Notices)
			}
			asked := p.Requests()
			if len(asked) < 2 || len(asked) > 4 {
				t.Errorf("%d requests", len(asked))
			}
			refuse = false
			if g := modeltest.Collect(t.Context(), t, r, history(t)); g.Err != nil || len(g.Notices) != 0 {
				t.Fatalf("%v, notices %q", g.Err, g.Notices)
			}
			if last := p.Requests()[len(asked)]; !last.Stream || !last.StreamOptions || !hasSystem(last) || !hasImages(last) {
				t.Errorf("something is still left out: %+v", last)
			}
		})
	}
}

// What is no refusal of something in the request is not asked for in another way.
func TestOtherFailuresAreNotAdaptedTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"a wrong key":       {401, `{"error":{"message":"Incorrect API key: image models are not supported, stream_options"}}`},
		"no credit":         {402, `{"error":{"message":"Insufficient credits to stream: not allowed"}}`},
		"too many":          {429, `{"error":{"message":"Rate limit: you cannot stream images with a system role"}}`},
		"an upstream error": {502, `{"error":{"message":"upstream connect error, the stream was not closed; image pull failed"}}`},
		"an overload":       {503, `{"error":{"message":"The system is overloaded and could not start the stream"}}`},
		"a crash":           {500, `{"error":{"message":"Internal error in system prompt cache"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, r := picky(t, func(modeltest.Asked) (int, string) { return tc.status, tc.body })
			if g := modeltest.Collect(t.Context(), t, r, history(t)); g.Err == nil {
				t.Fatal("it was answered")
			}
			if n := len(p.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Several refusals in a row are adapted to one after the other.
func TestAModelThatRefusesAllOfIt(t *testing.T) {
	t.Parallel()
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		switch {
		case a.StreamOptions:
			return 400, `{"error":{"message":"Unknown parameter: 'stream_options'."}}`
		case a.Stream:
			return 400, `{"error":{"message":"'stream' must be false"}}`
		case hasSystem(a):
			return 400, `{"error":{"message":"'system' is not a supported role"}}`
		case a.Images() > 0:
			return 400, `{"error":{"message":"images are not supported"}}`
		}
		return 0, ""
	})
	g := modeltest.Collect(t.Context(), t, r, history(t))
	if g.Err != nil || len(g.Notices) != 4 || len(p.Requests()) != 5 {
		t.Errorf("%v, %d requests, notices %q", g.Err, len(p.Requests()), g.Notices)
	}
}

// A model is not believed to refuse what another one does, nor what it does with
// another key.
func TestWhatOneModelRefusesAnotherGets(t *testing.T) {
	t.Parallel()
	p, r := picky(t, func(a modeltest.Asked) (int, string) {
		if a.Stream && a.Model == "picky" {
			return 400, `{"error":{"message":"stream: true is not supported"}}`
		}
		return 0, ""
	})
	for _, req := range []model.Request{modeltest.Ask("a"), {Model: "other", Messages: modeltest.Ask("b").Messages}} {
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil {
			t.Fatal(g.Err)
		}
	}
	own := modeltest.Ask("c")
	own.Credentials = &model.Credentials{Key: "another-key", BaseURL: p.URL}
	own.Model = "picky"
	for range 2 { // what a client's own provider refuses is remembered, too
		if g := modeltest.Collect(t.Context(), t, r, own); g.Err != nil {
			t.Fatal(g.Err)
		}
	}
	var streamed []bool
	for _, a := range p.Requests() {
		streamed = append(streamed, a.Stream)
	}
	want := []bool{true, false, true, true, false, false}
	if len(streamed) != len(want) {
		t.Fatalf("%v, want %v", streamed, want)
	}
	for i := range want {
		if streamed[i] != want[i] {
			t.Fatalf("%v, want %v", streamed, want)
		}
	}
}

func TestARefusedPictureOfTheNewestMessageIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"none":       {404, `{"error":{"message":"No endpoints found that support image input","code":404}}`, "does not accept images"},
		"broken 500": {500, `{"error":{"message":"failed to decode image"}}`, "refused the image new.png (500)"},
		"none 500":   {500, `{"error":{"code":500,"message":"image input is not supported - hint: mmproj"}}`, "does not accept images"},
		"this one":   {400, `{"error":{"message":"Invalid PNG image."}}`, "refused the image new.png (400)"},
		"no word":    {400, `{"error":{"message":"Bad request"}}`, "refused the request (400)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, r := picky(t, func(a modeltest.Asked) (int, string) {
				if a.Images() > 0 {
					return tc.status, tc.body
				}
				return 0, ""
			})
			g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("look\n\n"+pictureNamed(t, "new.png").Block()))
			modeltest.WantCode(t, g.Err, chat.CodeProviderRefused, false)
			if !strings.Contains(g.Err.Error(), tc.want) || !strings.Contains(g.Err.Error(), "; it said: ") {
				t.Errorf("%v", g.Err)
			}
			if n := len(p.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}
