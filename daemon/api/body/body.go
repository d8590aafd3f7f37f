// Package body reads the bodies of requests: one JSON object, whose member names occur once and
// whose strings are valid Unicode (RFC 7493, I-JSON). Other bodies are refused and never
// repaired, because a repaired message is not what the user wrote.
package body

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"chat"
)

// Decode reads the body of a call of this server's own protocol, whose members are all known.
// If optional is set, an empty body means an empty object.
func Decode(r *http.Request, into any, optional bool) error {
	body := jsontext.NewDecoder(r.Body)
	if optional && r.ContentLength <= 0 && empty(body) {
		return nil
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/json" {
		return chat.Errorf(chat.CodeUnsupported, "the body must be JSON: Content-Type: application/json")
	}
	return object(body, into, json.RejectUnknownMembers(true))
}

// Known is Decode for a body of any origin.
func Known(body io.Reader, into any) error {
	return object(jsontext.NewDecoder(body), into, json.RejectUnknownMembers(true))
}

// Any reads a body in the format of other clients, which send members that this server does
// not know; these have no effect.
func Any(body io.Reader, into any) error { return object(jsontext.NewDecoder(body), into) }

func object(body *jsontext.Decoder, into any, opts ...json.Options) error {
	if kind := body.PeekKind(); kind != jsontext.KindBeginObject && kind != jsontext.KindInvalid {
		return errNotOneObject()
	}
	if err := json.UnmarshalDecode(body, into, opts...); err != nil {
		return Error(err)
	}
	switch _, err := body.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errNotOneObject()
	default:
		return Error(err)
	}
}

// empty reports whether a body of unknown length is empty.
func empty(body *jsontext.Decoder) bool {
	if body.PeekKind() != jsontext.KindInvalid {
		return false
	}
	_, err := body.ReadToken()
	return errors.Is(err, io.EOF)
}

func errNotOneObject() error {
	return chat.Errorf(chat.CodeInvalid, "the body must be one JSON object and nothing more")
}

// Error returns the error of a request with an invalid body. It names the field.
func Error(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return chat.Errorf(chat.CodeTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return chat.Errorf(chat.CodeInvalid, "the body is not the JSON object that this call takes: %s%w", in(e.JSONPointer), e.Err)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok && errors.Is(err, io.EOF):
		return chat.Errorf(chat.CodeInvalid, "the body is empty: this call takes a JSON object")
	case !ok:
		return chat.Errorf(chat.CodeInvalid, "the body cannot be read: %w", err)
	case errors.Is(e.Err, json.ErrUnknownName):
		return chat.Errorf(chat.CodeInvalid, "this call has no field %q: docs/protocol.md lists the fields; names are case-sensitive", field(e.JSONPointer))
	case e.Err != nil:
		return chat.Errorf(chat.CodeInvalid, "%s%w", in(e.JSONPointer), e.Err)
	case e.JSONKind == jsontext.KindNumber && len(e.JSONValue) > 0 && e.GoType != nil && strings.HasPrefix(e.GoType.Kind().String(), "int"):
		return chat.Errorf(chat.CodeInvalid, "%sit must be a whole number, not %s", in(e.JSONPointer), e.JSONValue)
	}
	return chat.Errorf(chat.CodeInvalid, "%sit must not be %s", in(e.JSONPointer), kindName(e.JSONKind))
}

// in returns the name of a field as the beginning of an error message.
func in(p jsontext.Pointer) string {
	if p == "" {
		return ""
	}
	return field(p) + ": "
}

// field returns the path of a field with dots: messages.3.content.
func field(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "a list"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	default:
		return "a " + k.String()
	}
}
