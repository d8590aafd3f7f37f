// Package answer assembles the frames of one answer into model.Events: valid UTF-8 in
// bounded pieces, reasoning apart from content and never twice, tool calls one after the
// other, and the finish.
package answer
