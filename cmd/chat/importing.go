package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"chat"
	"chat/internal/term/sanitize"
)

// importReport is what --json prints.
type importReport struct {
	V             int            `json:"v"`
	DryRun        bool           `json:"dry_run,omitempty"`
	Created       int            `json:"created"`
	Extended      int            `json:"extended"`
	Unchanged     int            `json:"unchanged"`
	Skipped       int            `json:"skipped"` // conversations without messages
	Failed        int            `json:"failed"`
	Added         int            `json:"messages_added"`
	LeftOut       leftOut        `json:"left_out,omitempty"`
	Conversations []importedItem `json:"conversations"`
	SkippedFiles  []importedFile `json:"skipped_files,omitempty"` // they have no conversations
	FailedFiles   []importedFile `json:"failed_files,omitempty"`
	OtherFiles    int            `json:"other_files,omitempty"` // of archives and folders: no JSON
}

// importedItem is one conversation of a file.
type importedItem struct {
	File   string `json:"file"`
	Number int    `json:"number"` // in the file, from 1
	Title  string `json:"title"`
	*chat.Imported
	Skipped string      `json:"skipped,omitempty"` // why
	LeftOut leftOut     `json:"left_out,omitempty"`
	Error   *chat.Error `json:"error,omitempty"`
}

// importedFile is a file of which nothing was imported.
type importedFile struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// importing is one run of import.
type importing struct {
	p      *program
	names  []string
	report importReport
	asJSON bool
	begun  bool // something was read
	many   bool // more than one text was read, so that each is named
}

type importer = func(context.Context, chat.Transcript) (chat.Imported, error)

// readable refuses a file that is no export from the beginning, before a daemon is
// started for it.
func (i *importing) readable() error {
	if len(i.names) > 1 || i.names[0] == "-" {
		return nil
	}
	if info, err := os.Stat(i.names[0]); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // a pipe can be read once only
	}
	s := sources{
		visit: func(from source) error {
			a, err := openArchive(from.text, from.name)
			if err == nil {
				_, _, err = a.next()
			}
			if err == nil || from.member || errors.Is(err, io.EOF) || errors.As(err, new(conversationError)) || errors.As(err, new(nothingError)) {
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

// errSeen ends a look at a file.
var errSeen = errors.New("seen")

// all imports everything that the names mean. What is wrong with a conversation or a
// file keeps none of the others; what is wrong with the server ends it.
func (i *importing) all(ctx context.Context, store importer) error {
	i.begun = true
	i.many = len(i.names) > 1
	s := sources{
		visit: func(from source) error { return i.text(ctx, from, store) },
		fail: func(name string, why error) error {
			i.report.FailedFiles = append(i.report.FailedFiles, importedFile{name, why.Error()})
			i.p.warnf("%s", why)
			return nil
		},
		other: func(name string) {
			i.report.OtherFiles++
			i.p.debugf("%s is passed over: it is no JSON", name)
		},
	}
	for _, name := range i.names {
		var err error
		if name == "-" {
			err = s.file(i.p.in, "stdin", false)
		} else {
			err = s.path(name, false)
		}
		if err != nil {
			return err
		}
	}
	r := &i.report
	if r.Created+r.Extended+r.Unchanged+r.Skipped+r.Failed == 0 && len(r.SkippedFiles) > 0 && len(r.FailedFiles) == 0 {
		i.p.warnf("there are no conversations in any of the files")
		return exitWith(exitUsage)
	}
	if r.Failed > 0 || len(r.FailedFiles) > 0 {
		return exitWith(exitUsage) // each was reported
	}
	return nil
}

// text imports the conversations of one text one by one.
func (i *importing) text(ctx context.Context, from source, store importer) error {
	i.many = i.many || from.member
	a, err := openArchive(from.text, from.name)
	if err != nil {
		return i.fileProblem(from, err)
	}
	var unknown []importedItem // said only if there are conversations among them
	known := 0
	for {
		t, left, err := a.next()
		bad, nothing := conversationError{}, nothingError("")
		item := importedItem{File: from.name, Number: a.number, Title: t.Title, LeftOut: left}
		switch {
		case errors.Is(err, io.EOF):
			return i.finish(from, unknown, known)
		case errors.As(err, &bad) && bad.unknown:
			item.Error = bad.why
			unknown = append(unknown, item)
			continue
		case errors.As(err, &nothing):
			known++
			item.Skipped = string(nothing)
			i.skipped(item)
			continue
		case err != nil && !errors.As(err, &bad):
			if told := i.finish(source{name: from.name}, unknown, known+1); told != nil {
				return told
			}
			return i.broken(from, err)
		}
		known++
		if err == nil {
			err = t.Check()
		}
		if err == nil {
			var done chat.Imported
			done, err = store(ctx, t)
			item.Imported = &done
		}
		if err != nil && !ofOne(err) {
			i.p.warnf("the import ended at conversation %d of %s: what was imported before it stays, and importing it again goes on there", a.number, from.name)
			return err
		}
		i.add(item, t.ID, err)
	}
}

// finish is the end of a text: entries of it that are no conversations are mistakes
// if there were others that are.
func (i *importing) finish(from source, unknown []importedItem, known int) error {
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

// fileProblem says that nothing of a text could be imported. Exports have files of
// other kinds beside the conversations, which is no mistake.
func (i *importing) fileProblem(from source, why error) error {
	if from.member && errors.Is(why, errNotExport) {
		i.report.SkippedFiles = append(i.report.SkippedFiles, importedFile{from.name, why.Error()})
		i.p.infof("passed over: %s", why)
		return nil
	}
	return i.broken(from, why)
}

// broken says that a text could not be read, or not to its end.
func (i *importing) broken(from source, why error) error {
	i.report.FailedFiles = append(i.report.FailedFiles, importedFile{from.name, why.Error()})
	i.p.warnf("%s", why)
	return nil
}

// ofOne reports whether err is about a conversation, not about the server.
func ofOne(err error) bool {
	switch chat.CodeOf(err) {
	case chat.CodeInvalid, chat.CodeTooLarge, chat.CodeConflict:
		return true
	default:
		return false
	}
}

// about names a conversation of a file.
func (i *importing) about(item importedItem, id string) string {
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

// skipped counts a conversation of which there is nothing to import.
func (i *importing) skipped(item importedItem) {
	i.report.Skipped++
	i.report.LeftOut.merge(item.LeftOut)
	i.p.warnf("%s is passed over: %s", i.about(item, ""), item.Skipped)
	if i.asJSON {
		i.report.Conversations = append(i.report.Conversations, item)
	}
}

func (i *importing) add(item importedItem, id string, err error) {
	r := &i.report
	if err != nil {
		item.Imported, item.Error = nil, chat.AsError(err)
		r.Failed++
		i.p.warnf("%s: %s", i.about(item, id), err)
	} else {
		r.Added += item.Added
		r.LeftOut.merge(item.LeftOut)
		switch item.Status {
		case chat.ImportCreated:
			r.Created++
		case chat.ImportExtended:
			r.Extended++
		case chat.ImportUnchanged:
			r.Unchanged++
		}
		left := item.LeftOut.list()
		if left != "" {
			left = "; left out: " + left
		}
		i.p.debugf("%s: %s %s, %s of %d new%s", i.about(importedItem{File: item.File, Number: item.Number}, ""), short(item.ConversationID), item.Status, plural(item.Added, "message"), item.Messages, left)
	}
	if i.asJSON {
		r.Conversations = append(r.Conversations, item)
	}
}

// tell says what was done, in one line or as JSON.
func (i *importing) tell() error {
	r := i.report
	if i.asJSON {
		return writeJSON(i.p.out, r)
	}
	verb := "imported"
	if r.DryRun {
		verb = "would import"
	}
	line := fmt.Sprintf("%s %s with %s", verb, plural(r.Created, "conversation"), plural(r.Added, "message"))
	if r.Extended > 0 {
		line += fmt.Sprintf(", some of them for %s that %s there", plural(r.Extended, "conversation"), map[bool]string{true: "was", false: "were"}[r.Extended == 1])
	}
	for _, part := range []struct {
		n    int
		what string
	}{{r.Unchanged, "there already"}, {r.Skipped, "without messages"}, {r.Failed, "failed"}} {
		if part.n > 0 {
			line += fmt.Sprintf("; %d %s", part.n, part.what)
		}
	}
	if _, err := fmt.Fprintln(i.p.out, line); err != nil {
		return err
	}
	if left := r.LeftOut.list(); left != "" {
		i.p.infof("left out: %s (-v says of which conversations)", left)
	}
	if r.OtherFiles > 0 {
		i.p.infof("passed over: %s (-v names them)", plural(r.OtherFiles, "file")+" that "+map[bool]string{true: "is", false: "are"}[r.OtherFiles == 1]+" no JSON")
	}
	return nil
}
