// Package completion reads the JSON of one event of an answer: a chat completion chunk, a
// whole completion, or what servers send instead of one. It accepts the many names and
// forms under which servers send text, reasoning and tool calls, and is strict only
// about the JSON itself.
//
//	Frame     one chunk: Decode reads the common form in one pass, any other with encoding/json
//	Delta     the text, the reasoning and the tool calls of a chunk
//	Classify  whether an event that is no chunk is harmless, a failure, or unknown
package completion
