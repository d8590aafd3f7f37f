// Package modeltest is a model provider that lies on command: a server with OpenAI's API, and
// with Anthropic's Messages API, for tests and end-to-end scripts, whose answers can be
// slow, cut, reset, malformed, endless, or simply right.
//
// What a call gets is said by a directive, which is either the first line of the
// last user message, the last paragraph there that begins with "lie:", or the name of
// the model:
//
//	lie: chunks=200 pace=10ms reasoning=5 cut=50
//	lie:chunks=3,finish=length
//
// Words are separated by spaces or commas. Without a directive the answer has
// ten tokens and is honest; or it is a call of the first function of the request, if
// there are any. A request that ends with the result of a call gets no other call. The
// words, with their defaults:
//
//	chunks=10        tokens of the answer
//	reasoning=0      tokens of reasoning before it
//	pace=0           pause before each token but the first
//	gate             wait for Server.Step before each token
//	text=…           what each token is, instead of its name (see Token); URL-escaped
//	tag=…            put in front of each token, to tell tasks apart
//	mark=NAME        tokens that name task, call and place, with a checksum (see Marked)
//	names=both       reasoning as reasoning_content | reasoning | both | parts, or in the content:
//	                 between tags, or unopened, without the tag that opens it
//	usage=N          completion tokens reported, or the whole object, URL-escaped; nousage: none;
//	                 usage=absurd: nonsense
//	finish=stop      finish_reason; nofinish: none; nodone: no [DONE]
//	extra=TEXT       a token after [DONE]
//	then …           the words after it are for the next request in which this directive is an
//	                 earlier message of the user, such as a request to correct the answer; a mark
//	                 there is for both
//	formats=loose    400 unless response_format is at most loose | object | none: a schema without
//	                 strict mode, a JSON object, nothing
//	tool=NAME        a call of that function after the tokens, with args=JSON ({} by default), URL-escaped
//
//	cut=K            a clean end of the response after K tokens, without a proper end
//	abort=K, rst=K   the same, torn: chunked encoding unfinished, or a TCP reset
//	hang=K           silence after K tokens, until the client leaves
//	error=K          an error object after K tokens; style=plain|chunk|event|comment|space|string,
//	                 or, followed by [DONE], style=object|typed|detail|code|nested
//	malformed=K      something that is not JSON after K tokens
//	huge=N           one token of N bytes; endless: tokens without end
//	noheaders        no response at all; nofirst: headers, then silence
//
//	status=S         an error response; retry=V is its Retry-After, message=T its text,
//	                 kind=K its type and code, shape=openai|string|detail|message|text|html|array|empty
//	fail=N           with status (503 if unset), abort, cut, rst or hang: lie only on the first N
//	                 calls with this directive, then be honest
//	redirect=URL     307 to URL
//	strict           400 if the request asks for stream_options
//
//	html, json       200 with a web page; with a whole completion instead of a stream
//	eol=lf           lf | crlf | cr
//	bom, comments=N  a byte order mark; N comments before each token
//	oneline          everything that is to be sent at once, in one write
//	bytes            one byte a write
//	split            characters split over tokens as raw bytes; surrogates: as \u escapes
//	invalid, nul     tokens with invalid UTF-8, or with NUL
//	empty            a proper end without text
//	type=…           the Content-Type
//	gzip             compressed, if the client accepts that; bomb: then comments without end
package modeltest
