// Package apierror reads error responses. Servers and the gateways before them have as
// many forms of errors as there are frameworks, and the same error under many statuses.
//
//	Read         the innermost sentence of a body of any form, with codes and delays
//	Classify     what the error is about: the key, the model, the length, the rate …
//	RefusalError which part of the request a model refused, so that it can be left out
//	Quote        text of a server as part of a message: one line, without secrets
package apierror
