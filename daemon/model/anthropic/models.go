package anthropic

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/transport"
	"chat/internal/lazyregexp"
)

// facts are what is known of a model.
type facts struct {
	maxTokens int // of an answer; 0 if unknown
	way       way
	efforts   []string // the values of the field effort; nil if unknown
}

// entry is one model of GET /v1/models. Servers other than Anthropic's have the id only.
type entry struct {
	ID        string `json:"id"`
	Lifecycle string `json:"lifecycle"`
	MaxInput  int    `json:"max_input_tokens"`
	MaxTokens int    `json:"max_tokens"`
	Can       *struct {
		Effort   map[string]json.RawMessage `json:"effort"`
		Thinking struct {
			Types struct {
				Adaptive, Enabled supported
			} `json:"types"`
		} `json:"thinking"`
	} `json:"capabilities"`
}

// supported says whether a model has a capability.
type supported struct {
	Supported bool `json:"supported"`
}

// facts returns what the entry says, and for the rest what the model's name says.
func (e *entry) facts() facts {
	out := factsOf(e.ID)
	if e.MaxTokens > 0 {
		out.maxTokens = e.MaxTokens
	}
	if e.Can == nil {
		return out
	}
	switch types := e.Can.Thinking.Types; {
	case types.Adaptive.Supported:
		out.way = adaptive
	case types.Enabled.Supported:
		out.way = budgeted
	default:
		out.way = unasked
	}
	for _, l := range levels() {
		var s supported
		if json.Unmarshal(e.Can.Effort[l], &s) == nil && s.Supported {
			out.efforts = append(out.efforts, l)
		}
	}
	return out
}

// facts returns what is known of a model.
func (p *Provider) facts(id string) facts {
	if known := p.known.Load(); known != nil {
		if f, ok := (*known)[id]; ok {
			return f
		}
	}
	return factsOf(id)
}

var versionInName = lazyregexp.New(`claude-(?:[a-z]+-)*(\d+)(?:[-.](\d{1,2}))?(?:\D|$)`)

// factsOf returns what a model's name says.
func factsOf(id string) facts {
	m := versionInName.FindStringSubmatch(strings.ToLower(id))
	if m == nil {
		if strings.Contains(strings.ToLower(id), "claude") {
			return facts{way: adaptive}
		}
		return facts{way: budgeted} // of another server, of which most know the older way
	}
	major, _ := strconv.Atoi(m[1]) // digits
	minor, _ := strconv.Atoi(m[2]) // digits, or none: 0
	switch v := 100*major + minor; {
	case v < 305:
		return facts{maxTokens: 4096, way: unasked}
	case v < 307:
		return facts{maxTokens: 8192, way: unasked}
	case v < 405 && strings.Contains(id, "opus"):
		return facts{maxTokens: 32_000, way: budgeted}
	case v < 406:
		return facts{maxTokens: 64_000, way: budgeted}
	}
	return facts{way: adaptive}
}

// page is the greatest number of models that one response lists.
const page = 1000

// Models returns the server's list, which is kept for a while. A server that has no such
// list has an empty one.
func (p *Provider) Models(ctx context.Context) (model.List, error) {
	return p.lister.List(ctx, p.to.Host, p.fetch)
}

func (p *Provider) fetch(ctx context.Context) (model.List, error) {
	out := model.List{Host: p.to.Host, Info: map[string]chat.ModelInfo{}}
	known := map[string]facts{}
	for after := ""; ; {
		list, more, err := p.page(ctx, after)
		if err != nil {
			return model.List{}, err
		}
		if list == nil {
			out.NoList = true
			break
		}
		for i := range list {
			if e := &list[i]; len(out.IDs) < transport.MaxModels && e.ID == model.OneLine(e.ID, model.MaxID) && e.ID != "" && e.Lifecycle != "retired" && !slices.Contains(out.IDs, e.ID) {
				out.IDs = append(out.IDs, e.ID)
				out.All = append(append(out.All, e.ID), aliases(e.ID)...)
				for _, name := range append(aliases(e.ID), e.ID) {
					known[name] = e.facts()
				}
				if e.MaxInput > 0 {
					out.Info[e.ID] = chat.ModelInfo{Context: e.MaxInput}
				}
			}
		}
		if more == "" || more == after || len(out.IDs) >= transport.MaxModels {
			break
		}
		after = more
	}
	p.known.Store(&known)
	switch {
	case len(out.IDs) > 0:
	case out.NoList:
		out.Empty = chat.Errorf(chat.CodeProviderModel, "%s does not list its models: name one with --model, or check %s", p.to.Host, p.to.BaseSetting())
	default:
		out.Empty = chat.Errorf(chat.CodeProviderModel, "%s lists no models: name one with --model, or see what the key may use", p.to.Host)
	}
	return out, nil
}

var dated = lazyregexp.New(`-\d{8}$`)

// aliases are other names of a model with a date, which are not listed.
func aliases(id string) []string {
	base := dated.ReplaceAllString(id, "")
	if base == id {
		return nil
	}
	return []string{base, base + "-0", base + "-latest"}
}

// page asks for the models after one, or for the first ones. more is the id to go on after, "" at
// the end. The list is nil if the server has none.
func (p *Provider) page(ctx context.Context, after string) (list []entry, more string, err error) {
	req, err := p.to.NewRequest(ctx, http.MethodGet, "/v1/models", nil, false)
	if err != nil {
		return nil, "", p.to.ConnectError(err)
	}
	query := url.Values{"limit": {strconv.Itoa(page)}}
	if after != "" {
		query.Set("after_id", after)
	}
	req.URL.RawQuery = query.Encode()
	resp, err := p.send(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or not wanted
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		return nil, "", nil
	}
	if err := p.to.Check(resp, ""); err != nil {
		return nil, "", err
	}
	body, err := p.to.ReadList(ctx, resp)
	if err != nil {
		return nil, "", err
	}
	var in struct {
		Data []entry `json:"data"`
		More bool    `json:"has_more"`
		Last string  `json:"last_id"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Data == nil {
		return nil, "", p.to.ProtocolError("sent a list of models that is not one", err)
	}
	if !in.More {
		in.Last = ""
	}
	return in.Data, in.Last, nil
}
