package chat

import "slices"

// Failover says which models answer if that of a task does not. The Model of the task is the one
// that is asked now.
type Failover struct {
	Models []string `json:"models"` // in the order in which they are asked
	// AfterText allows another model after a part of the answer, which is dropped.
	AfterText bool `json:"after_text,omitempty"`
	// Failed are the models that did not answer, in order, the task's own first.
	Failed []ModelFailure `json:"failed,omitempty"`
}

// ModelFailure is a model that did not answer, and why, such as "503". Partial says that it had
// begun.
type ModelFailure struct {
	Model   string `json:"model"`
	Reason  string `json:"reason"`
	Partial bool   `json:"partial,omitempty"`
}

// MaxFallbacks is the maximum number of Failover.Models.
const MaxFallbacks = 8

// Validate returns CodeInvalid if a client cannot ask for this.
func (f *Failover) Validate() error {
	switch {
	case f == nil:
		return nil
	case len(f.Failed) > 0 || len(f.Models) == 0 || len(f.Models) > MaxFallbacks:
		return Errorf(CodeInvalid, "failover needs 1 to %d models, and nothing that failed", MaxFallbacks)
	case slices.ContainsFunc(f.Models, func(m string) bool { return m == "" || len(m) > MaxModel }):
		return Errorf(CodeInvalid, "the models of failover must not be empty or longer than %d bytes", MaxModel)
	}
	return nil
}
