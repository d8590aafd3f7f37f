package answer

import (
	"chat"
	"chat/internal/cli/codeblock"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
)

// textPrinter writes only the text of an answer.
type textPrinter struct {
	connNotices
	attempt   int // of the last chunk
	out       output.Sink
	reasoning *output.ReasoningSink // for the reasoning; nil drops it
	mode      string
	block     codeblock.Choice // the code block to write; "" writes the whole text
	pretty    bool             // out formats Markdown
}

func (t *textPrinter) chunk(a *answer, c chat.Chunk) error {
	ofAnswer, ofReasoning := output.Restarted, output.Restarted // the reasons for a reset
	if c.Retypes(t.attempt) {
		ofAnswer, ofReasoning = output.WasReasoning, output.WasAnswer
	}
	t.attempt = c.Attempt
	switch c.Type {
	case chat.ChunkContent:
		if t.mode == "only" {
			return nil
		}
		if t.reasoning != nil {
			if err := t.reasoning.Pause(); err != nil {
				return err
			}
		}
		if t.block != "" || a.structured {
			return nil // the block, or the JSON value, is found at the end
		}
		return t.out.Write(c.Content)
	case chat.ChunkReasoning:
		if t.mode == "only" {
			return t.out.Write(c.Content)
		}
		if t.reasoning != nil {
			return t.reasoning.Write(c.Content)
		}
	case chat.ChunkReset:
		if t.reasoning != nil {
			if err := t.reasoning.Reset(ofReasoning); err != nil {
				return err
			}
		}
		if t.mode == "only" {
			ofAnswer = ofReasoning
		}
		return t.out.Reset(ofAnswer)
	default: // not text
	}
	return nil
}

func (t *textPrinter) end(a *answer) error {
	if t.reasoning != nil {
		if err := t.reasoning.Close(); err != nil {
			return err
		}
	}
	if t.block != "" {
		code, err := t.block.From(a.parts.Text())
		if err != nil && a.ExitCode() != exit.OK {
			return nil // the failure explains more
		}
		if err == nil {
			err = t.out.Write(code)
		}
		if err != nil {
			return err
		}
	}
	if a.structured && t.block == "" && t.mode != "only" {
		if err := t.out.Write(a.structuredText(t.pretty)); err != nil {
			return err
		}
	}
	err := t.out.Close()
	if err == nil {
		t.showNotices(a)
	}
	return err
}
