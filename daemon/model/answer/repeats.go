package answer

// origin is the name under which reasoning came. Servers that know several names send the
// same reasoning under each of them, together or one after the other.
type origin int

const (
	fromReasoningContent origin = iota
	fromReasoning
	fromOther
	fromContent // between tags
	origins
)

// repeats finds the reasoning that has not come under another name.
type repeats struct {
	text []byte       // all of it
	at   [origins]int // how far each origin has come in it
	last origin       // what text ends with
}

// fresh returns the part of s that is new.
func (r *repeats) fresh(from origin, s string) string {
	if from != r.last && len(r.text) > 0 && s == string(r.text) {
		r.at[from] = len(r.text)
		return "" // all of it again
	}
	ahead := r.text[r.at[from]:]
	if n := min(len(ahead), len(s)); string(ahead[:n]) == s[:n] {
		r.at[from] += n
		s = s[n:]
	}
	if s != "" {
		r.text = append(r.text, s...)
		r.at[from], r.last = len(r.text), from
	}
	return s
}

// level says that from has repeated everything so far.
func (r *repeats) level(from origin) { r.at[from] = len(r.text) }
