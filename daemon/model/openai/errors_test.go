package openai_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// refused is the error of a provider that gives every call for an answer this
// response.
func refused(t *testing.T, status int, header http.Header, body string) *chat.Error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client may have gone
	}))
	t.Cleanup(server.Close)
	r := newRegistry(t, providers.Config{BaseURL: server.URL + "/v1", Key: modeltest.Key, DefaultModel: "m-1"})
	g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello"))
	if g.Err == nil {
		t.Fatalf("%d %s: no error", status, body)
	}
	return chat.AsError(g.Err)
}

// What many servers say of a conversation that is too long, under whatever status.
func TestAConversationThatIsTooLongIsNamedForAllServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status      int
		body        string
		used, limit int
	}{
		"OpenAI":                    {400, `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 8545 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, 8545, 8192},
		"OpenAI, new":               {400, `{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}`, 0, 0},
		"OpenAI, text only":         {400, `{"error":{"message":"Your input exceeds the context window of this model."}}`, 0, 0},
		"llama.cpp":                 {400, `{"error":{"code":400,"message":"request (33056 tokens) exceeds the available context size (32768 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":33056,"n_ctx":32768}}`, 33056, 32768},
		"llama.cpp, older":          {500, `{"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"server_error"}}`, 0, 0},
		"vLLM":                      {400, `{"object":"error","message":"This model's maximum context length is 16384 tokens. However, you requested 19591 tokens (9591 in the messages, 10000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}`, 19591, 16384},
		"vLLM, older":               {400, `{"object":"error","message":"The prompt (total length 9000) is too long to fit into the model (context length 8192). Make sure that max_model_len is no smaller.","type":"BadRequestError","code":400}`, 9000, 8192},
		"Ollama":                    {400, `{"error":"prompt too long; exceeded max context length by 512 tokens"}`, 0, 0},
		"Ollama, compatible":        {400, `{"error":{"message":"input length exceeds the context length","type":"api_error","param":null,"code":null}}`, 0, 0},
		"LM Studio":                 {400, `{"error":"Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 8192 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}`, 15857, 8192},
		"LM Studio, newer":          {400, `{"error":"The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 4100 >= n_ctx: 4096). Try to load the model with a larger context length, or provide a shorter input."}`, 4100, 4096},
		"Mistral":                   {400, `{"object":"error","message":"Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","code":"3051"}`, 40000, 0},
		"Groq":                      {400, `{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, 0, 0},
		"Cerebras":                  {400, `{"message":"Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}`, 9000, 8192},
		"Together":                  {422, `{"error":{"message":"Input validation error: ` + "`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`" + `","type":"invalid_request_error"}}`, 9000, 8193},
		"Together, newer":           {400, `{"error":{"message":"The input (210000 tokens) is longer than the model's context length (131072 tokens).","type":"invalid_request_error"}}`, 210000, 131072},
		"Text Generation Inference": {422, `{"error":"Input validation error: ` + "`inputs` must have less than 4096 tokens. Given: 5000" + `","error_type":"validation"}`, 5000, 4096},
		"Fireworks":                 {400, `{"error":{"object":"error","type":"invalid_request_error","code":"invalid_request_error","message":"The prompt is too long: 140000, model maximum context length: 131071"}}`, 140000, 131071},
		"Anthropic":                 {400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`, 208310, 200000},
		"Anthropic, sum":            {400, `{"type":"error","error":{"type":"invalid_request_error","message":"input length and ` + "`max_tokens`" + ` exceed context limit: 90402 + 116650 > 204648, decrease input length or ` + "`max_tokens`" + ` and try again"}}`, 0, 204648},
		"Gemini":                    {400, `[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]`, 1200000, 1048576},
		"length of the input":       {400, `{"error":{"message":"Input length 5000 exceeds the maximum allowed 4096"}}`, 5000, 4096},
		"Bedrock":                   {400, `{"message":"Input is too long for requested model."}`, 0, 0},
		"Bedrock, validated":        {400, `{"message":"The model returned the following errors: Input is too long. Max length is 200000 tokens"}`, 0, 200000},
		"Cohere":                    {400, `{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter prompt, or enabling prompt truncating. See https://docs.cohere.com/reference/generate for more details."}`, 0, 0},
		"Cohere, size":              {400, `{"message":"too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs"}`, 0, 0},
		"DeepSeek":                  {400, `{"error":{"message":"This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (62000 in the messages, 8000 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, 70000, 65536},
		"Azure":                     {400, `{"error":{"code":"context_length_exceeded","message":"This model's maximum context length is 4096 tokens. However, your messages resulted in 4138 tokens.","status":400}}`, 4138, 4096},
		"xAI":                       {400, `{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}`, 537812, 131072},
		"LiteLLM":                   {400, `{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This is the limit.. Received Model Group=m-1\nAvailable Model Group Fallbacks=None","type":null,"param":null,"code":"400"}}`, 0, 0},
		"LiteLLM, pasted":           {400, `{"error":{"message":"litellm.BadRequestError: AnthropicException - {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 209353 tokens > 199999 maximum\"}}","code":"400"}}`, 209353, 199999},
		"OpenRouter":                {400, `{"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 42832 tokens (42832 of text input). Please reduce the length of either one, or use the \"middle-out\" transform to compress your prompt automatically.","code":400}}`, 42832, 32768},
		"OpenRouter, behind":        {400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"prompt is too long: 300000 tokens > 200000 maximum\"}}","provider_name":"X"}}}`, 300000, 200000},
		"SGLang":                    {400, `{"object":"error","message":"The input (61709 tokens) is longer than the model's context length (40960 tokens).","type":"BadRequestError","param":null,"code":400}`, 61709, 40960},
		"SGLang, pool":              {400, `{"object":"error","message":"Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens). Use a shorter input or enable --allow-auto-truncate.","type":"BadRequestError","code":400}`, 160062, 59862},
		"Databricks":                {400, `{"error_code":"BAD_REQUEST","message":"{\"message\":\"Input is too long for requested model.\"}"}`, 0, 0},
		"Copilot":                   {400, `{"error":{"message":"prompt token count of 70000 exceeds the limit of 64000","code":"model_max_prompt_tokens_exceeded"}}`, 70000, 64000},
		"GitHub Models":             {413, `{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens.","details":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}`, 0, 8000},
		"Qwen":                      {400, `{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]","type":"invalid_request_error"}}`, 0, 98304},
		"Moonshot":                  {400, `{"error":{"message":"Invalid request: Your request exceeded model token limit: 131072 (requested: 140000)","type":"invalid_request_error"}}`, 140000, 131072},
		"MiniMax":                   {400, `{"type":"error","error":{"type":"bad_request_error","message":"invalid params, context window exceeds limit (2013)"}}`, 0, 0},
		"Zhipu":                     {400, `{"error":{"code":"1261","message":"Prompt exceeds max length"}}`, 0, 0},
		"TensorRT-LLM":              {500, `{"object":"error","message":"Prompt length (5000) exceeds maximum input length (4096). Set max_input_len","code":500}`, 5000, 4096},
		"a stream's error with a status of its own": {503, `data: {"error":{"message":"The prompt is too long for the context window of 4096 tokens"}}` + "\n\n", 0, 4096},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refused(t, tc.status, nil, tc.body)
			if e.Code != chat.CodeProviderContext || e.Retryable || !strings.Contains(e.Message, "the conversation is longer than the model takes") || !strings.Contains(e.Message, "start a new one") {
				t.Fatalf("%s, retryable %v: %s", e.Code, e.Retryable, e.Message)
			}
			fact := e.Summary()
			for _, n := range []int{tc.used, tc.limit} {
				if n > 0 && tc.limit > 0 && !strings.Contains(fact, strconv.Itoa(n)) {
					t.Errorf("%d is not in %q", n, fact)
				}
			}
			if tc.limit == 0 && strings.Contains(fact, "tokens") {
				t.Errorf("it has invented a number: %q", fact)
			}
		})
	}
}

// The same status means different things, and the same thing has many.
func TestErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status    int
		body      string
		code      chat.Code
		retryable bool
		says      string
	}{
		"OpenAI, no credit":         {429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, chat.CodeProviderQuota, false, "add credit"},
		"OpenAI, no credit, text":   {429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details."}}`, chat.CodeProviderQuota, false, ""},
		"OpenAI, rate with billing": {429, `{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","code":"rate_limit_exceeded"}}`, chat.CodeProviderRateLimit, true, "asks to wait 20s"},
		"OpenAI, too large at once": {429, `{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","code":"rate_limit_exceeded"}}`, chat.CodeProviderRateLimit, false, "at most 30000 tokens a minute"},
		"Groq, too large at once":   {413, `{"error":{"message":"Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}`, chat.CodeProviderRateLimit, false, "needs 7000"},
		"Gemini, a minute's quota":  {429, `[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Please retry in 34.07s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]`, chat.CodeProviderRateLimit, true, "asks to wait 35s"},
		"Anthropic, no credit":      {400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}`, chat.CodeProviderQuota, false, ""},
		"DeepSeek, no credit":       {402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}`, chat.CodeProviderQuota, false, ""},
		"OpenRouter, no credit":     {402, `{"error":{"message":"This request requires more credits, or fewer max_tokens.","code":402}}`, chat.CodeProviderQuota, false, ""},
		"OpenRouter, key's limit":   {403, `{"error":{"message":"Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys","code":403}}`, chat.CodeProviderQuota, false, ""},
		"Google, billing is off":    {403, `{"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED"}}`, chat.CodeProviderQuota, false, ""},
		"LiteLLM, budget":           {400, `{"error":{"message":"Budget has been exceeded! Current cost: 12.5, Max budget: 10.0","type":"budget_exceeded","param":null,"code":"400"}}`, chat.CodeProviderQuota, false, ""},
		"Moonshot, no credit":       {429, `{"error":{"message":"Your account is suspended due to insufficient balance","type":"exceeded_current_quota_error"}}`, chat.CodeProviderQuota, false, ""},
		"xAI, no credit":            {403, `{"code":"The caller does not have permission","error":"Your team has used all available credits or reached its monthly spending limit."}`, chat.CodeProviderQuota, false, ""},
		"Anthropic, overloaded":     {529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, chat.CodeProviderServer, true, "is overloaded"},
		"OpenAI, overloaded":        {503, `{"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error"}}`, chat.CodeProviderServer, true, "is overloaded"},
		"Moonshot, overloaded":      {429, `{"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded_error"}}`, chat.CodeProviderServer, true, "is overloaded"},
		"Groq, over capacity":       {503, `{"error":{"message":"model is currently over capacity. Please try again and back off exponentially.","type":"internal_server_error"}}`, chat.CodeProviderServer, true, "is overloaded"},
		"Mistral, capacity":         {429, `{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","code":"3505"}`, chat.CodeProviderServer, true, ""},
		"Hugging Face, loading":     {503, `{"error":"Model meta/x is currently loading","estimated_time":20.0}`, chat.CodeProviderServer, true, "asks to wait 20s"},
		"llama.cpp, loading":        {503, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, chat.CodeProviderServer, true, "loading the model"},
		"Gemini, key":               {400, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]`, chat.CodeProviderAuth, false, "OPENAI_API_KEY"},
		"xAI, key":                  {400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xai-abcdefgh. You can obtain an API key from https://console.x.ai."}`, chat.CodeProviderAuth, false, "OPENAI_API_KEY"},
		"Azure, key":                {401, `{"statusCode":401,"message":"Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired."}`, chat.CodeProviderAuth, false, ""},
		"LiteLLM, key":              {401, `{"error":{"message":"Authentication Error, Invalid proxy server token passed. Received API Key = sk-...wxyz, Key Hash (Token) =88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b","type":"auth_error","code":"401"}}`, chat.CodeProviderAuth, false, ""},
		"a key may not":             {403, `{"error":{"message":"You have insufficient permissions for this operation.","type":"invalid_request_error"}}`, chat.CodeProviderAuth, false, "does not allow"},
		"a country":                 {403, `{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}`, chat.CodeProviderAuth, false, "not supported"},
		"OpenAI, model":             {404, `{"error":{"message":"The model ` + "`m-1`" + ` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, chat.CodeProviderModel, false, "m-1"},
		"OpenAI, no access":         {403, `{"error":{"message":"Project ` + "`proj_x`" + ` does not have access to model ` + "`m-1`" + `","type":"invalid_request_error","code":"model_not_found"}}`, chat.CodeProviderModel, false, ""},
		"Ollama, model":             {404, `{"error":{"message":"model \"m-1\" not found, try pulling it first","type":"api_error","param":null,"code":null}}`, chat.CodeProviderModel, false, "pulling it first"},
		"Ollama, older":             {404, `{"error":"model 'm-1' not found, try pulling it first"}`, chat.CodeProviderModel, false, ""},
		"vLLM, model":               {404, `{"object":"error","message":"The model m-1 does not exist.","type":"NotFoundError","param":null,"code":404}`, chat.CodeProviderModel, false, ""},
		"Mistral, model":            {400, `{"object":"error","message":"Invalid model: m-1","type":"invalid_model","param":null,"code":"1500"}`, chat.CodeProviderModel, false, ""},
		"DeepSeek, model":           {400, `{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, chat.CodeProviderModel, false, ""},
		"Anthropic, model":          {404, `{"type":"error","error":{"type":"not_found_error","message":"model: m-1"}}`, chat.CodeProviderModel, false, ""},
		"Gemini, model":             {404, `[{"error":{"code":404,"message":"models/m-1 is not found for API version v1main, or is not supported for generateContent.","status":"NOT_FOUND"}}]`, chat.CodeProviderModel, false, ""},
		"OpenRouter, model":         {400, `{"error":{"message":"m-1 is not a valid model ID","code":400}}`, chat.CodeProviderModel, false, ""},
		"OpenRouter, endpoints":     {404, `{"error":{"message":"No endpoints found for m-1.","code":404}}`, chat.CodeProviderModel, false, ""},
		"LiteLLM, model":            {400, `{"error":{"message":"{'error': '/chat/completions: Invalid model name passed in model=m-1. Call ` + "`/v1/models`" + ` to view available models for your key.'}","type":"None","code":"400"}}`, chat.CodeProviderModel, false, "Invalid model name"},
		"Azure, deployment":         {404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}}`, chat.CodeProviderModel, false, ""},
		"Groq, gone":                {400, `{"error":{"message":"The model ` + "`m-1`" + ` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}`, chat.CodeProviderModel, false, ""},
		"Bedrock, model":            {400, `{"message":"The provided model identifier is invalid."}`, chat.CodeProviderModel, false, ""},
		"Hugging Face, model":       {400, `{"error":{"message":"The requested model 'm-1' is not supported by any provider you have enabled.","type":"invalid_request_error","param":"model","code":"model_not_supported"}}`, chat.CodeProviderModel, false, ""},
		"Go's mux":                  {404, "404 page not found\n", chat.CodeProviderProtocol, false, "/v1/chat/completions"},
		"FastAPI":                   {404, `{"detail":"Not Found"}`, chat.CodeProviderProtocol, false, "/v1/chat/completions"},
		"Spring":                    {404, `{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/v1/chat/completions"}`, chat.CodeProviderProtocol, false, "OPENAI_BASE_URL"},
		"Express":                   {404, "<!DOCTYPE html><html><body><pre>Cannot POST /v1/chat/completions</pre></body></html>", chat.CodeProviderProtocol, false, "Cannot POST"},
		"nginx":                     {404, "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>", chat.CodeProviderProtocol, false, "404 Not Found"},
		"nginx, POST":               {405, "<html><head><title>405 Not Allowed</title></head></html>", chat.CodeProviderProtocol, false, "405"},
		"OpenAI, path":              {404, `{"error":{"message":"Invalid URL (POST /v1/x/chat/completions)","type":"invalid_request_error","param":null,"code":null}}`, chat.CodeProviderProtocol, false, ""},
		"LM Studio, path":           {404, `{"error":"Unexpected endpoint or method. (POST /v1/v2/chat/completions)"}`, chat.CodeProviderProtocol, false, ""},
		"llama.cpp, path":           {404, `{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}`, chat.CodeProviderProtocol, false, ""},
		"Kong":                      {404, `{"message":"no Route matched with those values"}`, chat.CodeProviderProtocol, false, ""},
		"Azure, path":               {404, `{"error":{"code":"404","message":"Resource not found"}}`, chat.CodeProviderProtocol, false, ""},
		"nothing at all":            {404, "", chat.CodeProviderProtocol, false, ""},
		"Azure, filter":             {400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, chat.CodeProviderFilter, false, "put it differently"},
		"OpenAI, policy":            {400, `{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","code":"invalid_prompt"}}`, chat.CodeProviderFilter, false, ""},
		"Gemini, prohibited":        {400, `[{"error":{"code":400,"message":"Request blocked: PROHIBITED_CONTENT","status":"INVALID_ARGUMENT"}}]`, chat.CodeProviderFilter, false, ""},
		"DeepSeek, risk":            {400, `{"error":{"message":"Content Exists Risk","type":"invalid_request_error"}}`, chat.CodeProviderFilter, false, ""},
		"Qwen, inspection":          {400, `{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}`, chat.CodeProviderFilter, false, ""},
		"OpenRouter, moderation":    {403, `{"error":{"message":"x requires moderation on Y. Your input was flagged for \"violence\".","code":403,"metadata":{"reasons":["violence"]}}}`, chat.CodeProviderFilter, false, ""},
		"nginx, size":               {413, "<html><head><title>413 Request Entity Too Large</title></head></html>", chat.CodeProviderRefused, false, "too large"},
		"Anthropic, size":           {413, `{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}`, chat.CodeProviderRefused, false, "too large"},
		"Cloudflare, 522":           {522, "<!DOCTYPE html><html><head><title>api.example.com | 522: Connection timed out</title></head><body>…</body></html>", chat.CodeProviderServer, true, "522: Connection timed out"},
		"Cloudflare, 524":           {524, "error code: 524", chat.CodeProviderServer, true, "error code: 524"},
		"a gateway":                 {502, "upstream connect error or disconnect/reset before headers. reset reason: connection termination", chat.CodeProviderServer, true, "upstream connect error"},
		"conflict":                  {409, `{"error":{"message":"busy with another"}}`, chat.CodeProviderServer, true, "busy with another"},
		"too early":                 {425, "", chat.CodeProviderServer, true, ""},
		"timed out":                 {408, `{"error":{"message":"Request timed out"}}`, chat.CodeProviderServer, true, ""},
		"HTTP to HTTPS, Go":         {400, "Client sent an HTTP request to an HTTPS server.\n", chat.CodeProviderConnect, false, "https://"},
		"HTTP to HTTPS, nginx":      {400, "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>", chat.CodeProviderConnect, false, "https://"},
		"HTTP to HTTPS, Apache":     {400, "<html><head><title>400 Bad Request</title></head><body><h1>Bad Request</h1><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p></body></html>", chat.CodeProviderConnect, false, "https://"},
		"throttling under 400":      {400, `{"__type":"ThrottlingException","message":"Too many requests, please wait before trying again."}`, chat.CodeProviderRateLimit, true, ""},
		"max_tokens":                {400, `{"error":{"message":"max_tokens is too large: 99999. This model supports at most 4096 completion tokens.","type":"invalid_request_error","param":"max_tokens"}}`, chat.CodeProviderRefused, false, "max_tokens is too large"},
		"a parameter":               {400, `{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_parameter"}}`, chat.CodeProviderRefused, false, ""},
		"no images":                 {400, `{"error":{"message":"The model m-1 does not support image inputs.","type":"invalid_request_error"}}`, chat.CodeProviderRefused, false, ""},
		"a picture":                 {400, `{"error":{"message":"Invalid PNG image.","type":"invalid_request_error"}}`, chat.CodeProviderRefused, false, "Invalid PNG image."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refused(t, tc.status, nil, tc.body)
			if e.Code != tc.code || e.Retryable != tc.retryable || !strings.Contains(e.Message, tc.says) {
				t.Errorf("%s, retryable %v: %s", e.Code, e.Retryable, e.Message)
			}
			if strings.Contains(e.Message, "88dc28d0") || strings.Contains(e.Message, "abcdefgh") {
				t.Errorf("a key is quoted: %s", e.Message)
			}
		})
	}
}

// The innermost sentence is quoted, however it is packed.
func TestWhatIsSaidIsQuoted(t *testing.T) {
	t.Parallel()
	quoted := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	in := func(name string, v any) map[string]any { return map[string]any{name: v} }
	inner := quoted(in("error", map[string]any{"code": 400, "message": "Shorten them."}))
	for name, body := range map[string]string{
		"OpenAI":                  inner,
		"nested in text":          `{"error":{"message":"{\n \"error\": {\"code\":400,\"message\":\"Shorten them.\"}}","code":400}}`,
		"three levels":            quoted(in("error", in("message", quoted(in("message", inner))))),
		"six levels":              quoted(in("error", quoted(in("detail", quoted(in("message", quoted(in("error", quoted(in("msg", inner)))))))))),
		"LiteLLM":                 quoted(in("error", in("message", "litellm.BadRequestError: OpenAIException - "+inner+". Received Model Group=x\nAvailable Model Group Fallbacks=None"))),
		"Python":                  quoted(in("error", in("message", `Error code: 400 - {'error': {'message': 'Shorten them.', 'type': None, 'param': True}}`))),
		"Python, other quotes":    quoted(in("detail", `{'error': {'message': "Shorten them.", 'code': 'x'}}`)),
		"Python, bytes":           quoted(in("message", `b'{"error":{"message":"Shorten them."}}'`)),
		"Python, bare":            `{'error': {'message': 'Shorten them.'}}`,
		"a list, as Gemini":       "[" + inner + "]",
		"a list of texts":         `["Shorten them."]`,
		"FastAPI":                 `{"detail":"Shorten them."}`,
		"FastAPI, a list":         `{"detail":[{"loc":["body","messages",0],"msg":"Shorten them.","type":"value_error"}]}`,
		"errors":                  `{"errors":[{"message":"Shorten them."}]}`,
		"errors, texts":           `{"errors":["Shorten them."]}`,
		"msg":                     `{"code":1,"msg":"Shorten them."}`,
		"error_msg":               `{"error_code":1,"error_msg":"Shorten them."}`,
		"errorMessage":            `{"errorMessage":"Shorten them."}`,
		"Message":                 `{"Message":"Shorten them."}`,
		"Spring":                  `{"status":400,"error":"Bad Request","message":"Shorten them.","path":"/v1"}`,
		"OAuth":                   `{"error":"invalid_request","error_description":"Shorten them."}`,
		"OpenRouter":              `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"Shorten them.\"}}"}}}`,
		"OpenRouter, raw text":    `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"Shorten them."}}}`,
		"SageMaker":               `{"message":"Received client error (400) from primary with message \"{\\\"error\\\":{\\\"message\\\":\\\"Shorten them.\\\"}}\"."}`,
		"an event":                "event: error\ndata: " + inner + "\n\n",
		"a BOM":                   "\xEF\xBB\xBF" + inner,
		"a page":                  "<html><head><title>Shorten them.</title></head><body>…</body></html>",
		"a page without a title":  "<html><body><h1>Shorten them.</h1><p>x</p></body></html>",
		"a page of text":          "<html><head><style>a{}</style></head><body><p>Shorten&#32;them.</p></body></html>",
		"XML":                     `<?xml version="1.0"?><Error><Code>InvalidArgument</Code><Message>Shorten them.</Message></Error>`,
		"SOAP":                    `<soap:Envelope><soap:Body><soap:Fault><faultstring>Shorten them.</faultstring></soap:Fault></soap:Body></soap:Envelope>`,
		"text":                    "Shorten them.",
		"text over lines":         "\n  Shorten\r\n\tthem. \n",
		"a fault":                 `{"fault":{"faultstring":"Shorten them.","detail":{"errorcode":"x"}}}`,
		"cut off":                 `{"error":{"message":"Shorten them.","type":"inval`,
		"control characters":      `{"error":{"message":"Shorten\u0007 \u200bthem."}}`,
		"right to left":           `{"error":{"message":"\u202eShorten them.\u202c"}}`,
		"a data URL is no object": `{"error":{"message":"Shorten them.","data":{"x":"y"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refused(t, 400, nil, body)
			if said := e.Message[strings.Index(e.Message, "it said: ")+len("it said: "):]; !strings.HasSuffix(said, "Shorten them.") || strings.ContainsAny(said, "{}'\"") {
				t.Errorf("%s", e.Message)
			}
		})
	}
	for _, body := range []string{`{}`, `[]`, `null`, `""`, `{"error":{}}`, `{"error":null}`, `{"error":true}`, " ", `[[[[`, `{"a":[1,{"b":"c"}]}`, strings.Repeat(`{"error":`, 5000), strings.Repeat(`[`, 70000), strings.Repeat(`{"error":"`, 3000)} {
		if e := refused(t, 400, nil, body); e.Code != chat.CodeProviderRefused || len(e.Message) > 1000 {
			t.Errorf("%.60s: %s %s", body, e.Code, e.Message)
		}
	}
	for said, body := range map[string]string{
		"expected one of ['system', 'user']":         `{"error":{"message":"expected one of ['system', 'user']"}}`,
		"Range of x should be [1, 5]":                `{"error":{"message":"Range of x should be [1, 5]"}}`,
		`value {"role":"x"} is not valid`:            `{"error":{"message":"value {\"role\":\"x\"} is not valid"}}`,
		"body.messages.0.content: Field required":    `{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field required","input":{"role":"user"}}]}`,
		"Use {name} in the template, as in {message": `{"error":{"message":"Use {name} in the template, as in {message"}}`,
	} {
		if e := refused(t, 400, nil, body); !strings.HasSuffix(e.Message, "it said: "+said) {
			t.Errorf("%s: %s", body, e.Message)
		}
	}
	if e := refused(t, 400, nil, `{"error":{"message":"`+strings.Repeat("long ", 10000)+`"}}`); len(e.Message) > 600 {
		t.Errorf("%d bytes are quoted", len(e.Message))
	}
}

// Nothing that looks like a key is quoted, whose ever it is.
func TestKeysInErrorsAreMasked(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"Incorrect API key provided: sk-proj-SECRETabcd. You can find your API key at https://platform.openai.com/account/api-keys.",
		"Incorrect API key provided: SECRETabcd1234.", "bad key sk-SECRET****abcd", "Invalid token gsk_SECRETabcdefgh", "xai-SECRETabcdefgh is blocked", "use of hf_SECRETabcdefgh",
		"Authorization: Bearer SECRETabcdefgh", "called https://x.example/v1?key=SECRETabc&alt=sse", "proxy http://me:SECRET@proxy:3128 said no", "AIzaSECRETabcdefghijklmnop is not valid",
		"api_key='SECRETabcd'", `{"api_key": "SECRETabcd"} was sent`, "token eyJSECRETabcdefgh.eyJSECRETabcd.SECRETabcd", "Received API Key = sk-SECRETabc, Key Hash (Token) =SECRET88dc28",
	} {
		body, err := json.Marshal(map[string]any{"error": map[string]any{"message": said}})
		if err != nil {
			t.Fatal(err)
		}
		if e := refused(t, 401, nil, string(body)); strings.Contains(chain(e), "SECRET") {
			t.Errorf("%s: %s", said, chain(e))
		}
	}
	if e := refused(t, 400, nil, `{"error":{"message":"sk-learn is no key, and neither are max_tokens: 4096 and key: value"}}`); !strings.HasSuffix(e.Message, "max_tokens: 4096 and key: value") {
		t.Error(e.Message)
	}
}
