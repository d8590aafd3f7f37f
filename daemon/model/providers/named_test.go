package providers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

const otherList = `{"object":"list","data":[{"id":"large","object":"model"},{"id":"lying","object":"model"}]}`

func TestModelsOfNamedProvidersAreNamedWithThem(t *testing.T) {
	first, second := modeltest.New(t), modeltest.New(t)
	r := newRegistry(t, providers.Config{
		BaseURL: first.URL, Key: modeltest.Key, DefaultModel: "lying",
		Named: []providers.Named{{Name: "work", BaseURL: second.URL, Key: modeltest.Key, DefaultModel: "lying-too", Headers: map[string]string{"X-Team": "search"}}},
	})
	host := strings.TrimSuffix(strings.TrimPrefix(first.URL, "http://"), "/v1")
	list, err := r.Models(t.Context(), nil)
	if want := host + ":" + host + "/lying* " + host + ":" + host + "/lying-too work:work/lying work:work/lying-too demo:demo"; err != nil || modeltest.FormatModels(list) != want {
		t.Errorf("%s, %v\nwant %s", modeltest.FormatModels(list), err, want)
	}
	for name, want := range map[string]string{"": "lying", "lying": "lying", "work/lying": "lying", "work/lying-too": "lying-too"} {
		req := modeltest.Ask("lie: chunks=1")
		req.Model = name
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || g.Finish.Model != want {
			t.Errorf("%q: %+v", name, g)
		}
	}
	req := modeltest.Ask("hello")
	req.Model = "lying-too"
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeProviderModel, false)
}

func TestANamedProviderStandsBesideAClientsOwn(t *testing.T) {
	own, named := modeltest.New(t), modeltest.New(t)
	r := newRegistry(t, providers.Config{Named: []providers.Named{{Name: "work", BaseURL: named.URL, Key: modeltest.Key}}})
	for name, at := range map[string]*modeltest.Server{"lying": own, "work/lying": named} {
		before := len(at.Calls())
		req := modeltest.Ask("lie: chunks=1")
		req.Model, req.Credentials = name, &model.Credentials{BaseURL: own.URL, Key: modeltest.Key}
		if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || len(at.Calls()) == before {
			t.Errorf("%q: %+v", name, g)
		}
	}
}

func TestEachProviderThatDoesNotAnswerIsNamed(t *testing.T) {
	good := modeltest.ListServer(t, otherList, nil)
	gone := modeltest.ClosedURL(t)
	strict := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(strict.Close)
	broken := chat.Errorf(chat.CodeNotConfigured, "the key of broken is in the variable K")
	r := newRegistry(t, providers.Config{Named: []providers.Named{
		{Name: "gone", BaseURL: gone}, {Name: "good", BaseURL: good}, {Name: "strict", BaseURL: strict.URL, Key: "sk-wrong"}, {Name: "broken", BaseURL: good, Unusable: broken},
	}})
	list, notice, err := r.ModelsOrNotice(t.Context(), nil)
	if err != nil || notice == nil || modeltest.FormatModels(list) != "good:large good:lying demo:demo" && !strings.Contains(modeltest.FormatModels(list), "good:large") {
		t.Fatalf("%s, %v, %v", modeltest.FormatModels(list), notice, err)
	}
	for _, want := range []string{strings.TrimSuffix(strings.TrimPrefix(gone, "http://"), "/v1"), strings.TrimPrefix(strict.URL, "http://"), "variable K"} {
		if !strings.Contains(notice.Message, want) {
			t.Errorf("%q is not in %q", want, notice.Message)
		}
	}
	req := modeltest.Ask("hello")
	req.Model = "broken/large"
	if g := modeltest.Collect(t.Context(), t, r, req); !chat.IsCode(g.Err, chat.CodeNotConfigured) {
		t.Errorf("%+v", g)
	}
	req.Model = "large" // one provider alone has it
	modeltest.WantCode(t, modeltest.Collect(t.Context(), t, r, req).Err, chat.CodeProviderProtocol, false)
	checks := r.CheckNamed(t.Context())
	if len(checks) != 4 || checks[0].Outcome == nil || checks[1].Outcome != nil || checks[1].Models != 2 || checks[2].Outcome.Code != chat.CodeProviderAuth || checks[3].Outcome == nil {
		t.Errorf("%+v", checks)
	}
}

func TestHeadersOfAProviderAreSentToItAlone(t *testing.T) {
	seen := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("X-Team") + " " + r.Header.Get("Authorization")
		_, _ = w.Write([]byte(otherList))
	}))
	t.Cleanup(server.Close)
	r := newRegistry(t, providers.Config{Named: []providers.Named{
		{Name: "a", BaseURL: server.URL, Key: "sk-a", Headers: map[string]string{"X-Team": "search"}}, {Name: "b", BaseURL: server.URL, Key: "sk-b"},
	}})
	if _, err := r.Models(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{<-seen: true, <-seen: true}
	if !got["search Bearer sk-a"] || !got[" Bearer sk-b"] {
		t.Errorf("%v", got)
	}
}
