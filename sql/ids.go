package sql

import (
	"github.com/google/uuid"

	"chat"
)

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", failure(chat.CodeInternal, err, "no random number is available for an id: "+err.Error())
	}
	return id.String(), nil
}

// isID reports whether id has the form of an id. Others cannot exist, and PostgreSQL
// refuses a statement with a NUL in a text.
func isID(id string) bool { return len(id) == 36 && uuid.Validate(id) == nil }
