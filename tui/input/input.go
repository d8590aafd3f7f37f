// Package input is where the user writes the next message: the text box, the
// completion of file names, the history of prompts, and the files that a message
// mentions.
package input

import (
	"context"

	"chat"
	"chat/internal/term/attach"
	"chat/tui/composer"
	"chat/tui/drafts"
	"chat/tui/jobs"
)

// TooLong says that a text does not fit into a message.
const TooLong = "the text is too long for a message"

// Input is the input of the screen.
type Input struct {
	composer.Composer

	jobs             *jobs.Runner
	server           Uploader
	dirs             attach.Dirs
	files            completion
	history          history
	attaching        bool   // files are being read for a message
	confirmedMissing string // the draft that is sent even if files are missing
}

// Uploader stores the data of an attachment on the server.
type Uploader interface {
	Upload(ctx context.Context, data []byte) (chat.Attachment, error)
}

// New returns an empty Input. dirs are where the paths of attached files begin.
func New(j *jobs.Runner, server Uploader, dirs attach.Dirs, prompts *drafts.History) *Input {
	return &Input{jobs: j, server: server, dirs: dirs, files: completion{closed: -1}, history: history{file: prompts}}
}
