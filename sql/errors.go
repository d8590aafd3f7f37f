package sql

import (
	"errors"

	"chat"
	"chat/sql/database"
)

func failure(code chat.Code, cause error, message string) *chat.Error {
	return &chat.Error{Code: code, Message: message, Cause: cause}
}

// notFound turns database.ErrNoRow into not_found and returns other errors unchanged.
func notFound(err error, what string) error {
	if errors.Is(err, database.ErrNoRow) {
		return chat.Errorf(chat.CodeNotFound, "no such %s", what)
	}
	return err
}
