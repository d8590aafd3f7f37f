package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"chat"
	"chat/internal/cli/exit"
	"chat/internal/cli/foreign"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/term/sanitize"
	"chat/internal/transcript"
)

// importReport is the output of --json.
type importReport struct {
	V             int             `json:"v"`
	DryRun        bool            `json:"dry_run,omitempty"`
	Created       int             `json:"created"`
	Extended      int             `json:"extended"`
	Unchanged     int             `json:"unchanged"`
	Skipped       int             `json:"skipped"` // conversations without messages
	Failed        int             `json:"failed"`
	Added         int             `json:"messages_added"`
	LeftOut       foreign.LeftOut `json:"left_out,omitempty"`
	Conversations []importedItem  `json:"conversations"`
	SkippedFiles  []importedFile  `json:"skipped_files,omitempty"` // without conversations
	FailedFiles   []importedFile  `json:"failed_files,omitempty"`
	OtherFiles    int             `json:"other_files,omitempty"` // files in archives and folders that are not JSON
}

// importedItem is one conversation of a file.
type importedItem struct {
	File   string `json:"file"`
	Number int    `json:"number"` // in the file, from 1
	Title  string `json:"title"`
	*transcript.Imported
	Skipped string          `json:"skipped,omitempty"` // why
	LeftOut foreign.LeftOut `json:"left_out,omitempty"`
	Error   *chat.Error     `json:"error,omitempty"`
}

// importedFile is a file that was not imported, or not completely.
type importedFile struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// Import is one run of import.
type Import struct {
	p      *output.Console
	names  []string
	report importReport
	asJSON bool
	begun  bool // the import started
	many   bool // several texts are read, so messages name them
}

// NewImport returns an import of the named files.
func NewImport(con *output.Console, names []string, dryRun, asJSON bool) *Import {
	return &Import{
		p: con, names: names, asJSON: asJSON,
		report: importReport{V: 1, DryRun: dryRun, Conversations: []importedItem{}, LeftOut: foreign.LeftOut{}},
	}
}

// importer stores a conversation.
type importer = func(context.Context, transcript.Transcript) (transcript.Imported, error)

// CheckReadable refuses a file that does not start like an export, before a daemon is
// started.
func (i *Import) CheckReadable() error {
	if len(i.names) > 1 || i.names[0] == "-" {
		return nil
	}
	if info, err := os.Stat(i.names[0]); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // a pipe can be read only once
	}
	s := sources{
		visit: func(from source) error {
			a, err := openArchive(from.text, from.name)
			if err == nil {
				_, _, err = a.next()
			}
			if err == nil || from.member || errors.Is(err, io.EOF) || errors.As(err, new(foreign.ConversationError)) || errors.As(err, new(foreign.EmptyError)) {
				return errSeen
			}
			return err
		},
		fail:  func(_ string, why error) error { return why },
		other: func(string) {},
	}
	if err := s.path(i.names[0], false); !errors.Is(err, errSeen) {
		return err
	}
	return nil
}

// errSeen ends the check of a file.
var errSeen = errors.New("seen")

// All imports all files. An error in a conversation or a file does not affect the others;
// an error of the server ends the import.
func (i *Import) All(ctx context.Context, store importer) error {
	i.begun = true
	i.many = len(i.names) > 1
	s := sources{
		visit: func(from source) error { return i.text(ctx, from, store) },
		fail: func(name string, why error) error {
			i.report.FailedFiles = append(i.report.FailedFiles, importedFile{name, why.Error()})
			i.p.Warnf("%s", why)
			return nil
		},
		other: func(name string) {
			i.report.OtherFiles++
			i.p.Debugf("skipped %s: it is not JSON", name)
		},
	}
	for _, name := range i.names {
		var err error
		if name == "-" {
			err = s.file(i.p.In, "stdin", false)
		} else {
			err = s.path(name, false)
		}
		if err != nil {
			return err
		}
	}
	r := &i.report
	if r.Created+r.Extended+r.Unchanged+r.Skipped+r.Failed == 0 && len(r.SkippedFiles) > 0 && len(r.FailedFiles) == 0 {
		i.p.Warnf("there are no conversations in the files")
		return exit.With(exit.Usage)
	}
	if r.Failed > 0 || len(r.FailedFiles) > 0 {
		return exit.With(exit.Usage) // already reported
	}
	return nil
}

// text imports the conversations of one text one by one.
func (i *Import) text(ctx context.Context, from source, store importer) error {
	i.many = i.many || from.member
	a, err := openArchive(from.text, from.name)
	if err != nil {
		return i.fileProblem(from, err)
	}
	var unknown []importedItem // reported only if the text has conversations, too
	known := 0
	for {
		t, left, err := a.next()
		bad, nothing := foreign.ConversationError{}, foreign.EmptyError("")
		item := importedItem{File: from.name, Number: a.number, Title: t.Title, LeftOut: left}
		switch {
		case errors.Is(err, io.EOF):
			return i.finish(from, unknown, known)
		case errors.As(err, &bad) && bad.Unknown:
			item.Error = bad.Why
			unknown = append(unknown, item)
			continue
		case errors.As(err, &nothing):
			known++
			item.Skipped = string(nothing)
			i.addSkipped(item)
			continue
		case err != nil && !errors.As(err, &bad):
			if told := i.finish(source{name: from.name}, unknown, known+1); told != nil {
				return told
			}
			return i.addFailedFile(from, err)
		}
		known++
		if err == nil {
			err = t.Check()
		}
		if err == nil {
			var done transcript.Imported
			done, err = store(ctx, t)
			item.Imported = &done
		}
		if err != nil && !isConversationError(err) {
			i.p.Warnf("the import stopped at conversation %d of %s; earlier conversations are imported: run the import again to continue", a.number, from.name)
			return err
		}
		i.add(item, t.ID, err)
	}
}

// finish ends a text. Entries that are not conversations are errors if the text has
// conversations, too.
func (i *Import) finish(from source, unknown []importedItem, known int) error {
	if known > 0 || !from.member && len(unknown) == 1 {
		for _, item := range unknown {
			i.add(item, "", item.Error)
		}
		return nil
	}
	if len(unknown) == 0 {
		return nil
	}
	return i.fileProblem(from, notExport("%s has no conversations: %s", from.name, unknown[0].Error.Message))
}

// fileProblem reports a text without conversations. In an archive or a folder this is not
// an error, because exports contain other files, too.
func (i *Import) fileProblem(from source, why error) error {
	if from.member && errors.Is(why, errNotExport) {
		i.report.SkippedFiles = append(i.report.SkippedFiles, importedFile{from.name, why.Error()})
		i.p.Infof("skipped: %s", why)
		return nil
	}
	return i.addFailedFile(from, why)
}

// addFailedFile reports a text that could not be read completely.
func (i *Import) addFailedFile(from source, why error) error {
	i.report.FailedFiles = append(i.report.FailedFiles, importedFile{from.name, why.Error()})
	i.p.Warnf("%s", why)
	return nil
}

// isConversationError reports whether err concerns one conversation and not the server.
func isConversationError(err error) bool {
	switch chat.CodeOf(err) {
	case chat.CodeInvalid, chat.CodeTooLarge, chat.CodeConflict:
		return true
	default:
		return false
	}
}

// describe describes a conversation of a file.
func (i *Import) describe(item importedItem, id string) string {
	about := fmt.Sprintf("conversation %d", item.Number)
	if i.many {
		about = item.File + ": " + about
	}
	if item.Title != "" {
		about += fmt.Sprintf(" %q", sanitize.Line(item.Title))
	}
	if id != "" {
		about += " (" + id + ")"
	}
	return about
}

// addSkipped counts a conversation without anything to import.
func (i *Import) addSkipped(item importedItem) {
	i.report.Skipped++
	i.report.LeftOut.Merge(item.LeftOut)
	i.p.Warnf("skipped %s: %s", i.describe(item, ""), item.Skipped)
	if i.asJSON {
		i.report.Conversations = append(i.report.Conversations, item)
	}
}

func (i *Import) add(item importedItem, id string, err error) {
	r := &i.report
	if err != nil {
		item.Imported, item.Error = nil, chat.AsError(err)
		r.Failed++
		i.p.Warnf("%s: %s", i.describe(item, id), err)
	} else {
		r.Added += item.Added
		r.LeftOut.Merge(item.LeftOut)
		switch item.Status {
		case transcript.ImportCreated:
			r.Created++
		case transcript.ImportExtended:
			r.Extended++
		case transcript.ImportUnchanged:
			r.Unchanged++
		}
		left := item.LeftOut.List()
		if left != "" {
			left = "; left out: " + left
		}
		i.p.Debugf("%s: %s %s, %s of %d new%s", i.describe(importedItem{File: item.File, Number: item.Number}, ""), ids.Short(item.ConversationID), item.Status, output.Plural(item.Added, "message"), item.Messages, left)
	}
	if i.asJSON {
		r.Conversations = append(r.Conversations, item)
	}
}

// Report prints the result in one line or as JSON.
func (i *Import) Report() error {
	if !i.begun {
		return nil
	}
	r := i.report
	if i.asJSON {
		return output.WriteJSON(i.p.Out, r)
	}
	verb := "imported"
	if r.DryRun {
		verb = "would import"
	}
	line := fmt.Sprintf("%s %s with %s", verb, output.Plural(r.Created, "conversation"), output.Plural(r.Added, "message"))
	if r.Extended > 0 {
		line += ", including messages for " + output.Plural(r.Extended, "existing conversation")
	}
	for _, part := range []struct {
		n    int
		what string
	}{{r.Unchanged, "unchanged"}, {r.Skipped, "without messages"}, {r.Failed, "failed"}} {
		if part.n > 0 {
			line += fmt.Sprintf("; %d %s", part.n, part.what)
		}
	}
	if _, err := fmt.Fprintln(i.p.Out, line); err != nil {
		return err
	}
	if left := r.LeftOut.List(); left != "" {
		i.p.Infof("left out: %s (-v lists them by conversation)", left)
	}
	if r.OtherFiles > 0 {
		i.p.Infof("skipped: %s (-v lists them)", output.Plural(r.OtherFiles, "file")+" that "+map[bool]string{true: "is", false: "are"}[r.OtherFiles == 1]+" not JSON")
	}
	return nil
}
