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
