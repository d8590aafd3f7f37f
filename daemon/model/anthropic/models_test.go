package anthropic_test

import (
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

func withoutKey(c *providers.Config) { c.Named[0].Key = "" }

func TestTheListOfModelsIsReadInPages(t *testing.T) {
	for _, size := range []int{1, 2, 1000} {
		server := modeltest.NewAnthropic(t, said("yes"))
		server.Models, server.PageSize = listed(), size
		r := newRegistry(t, server.URL)
		list, err := r.Models(t.Context(), nil)
		if want := "anthropic:claude-new-6 anthropic:claude-small-4-5-20251001 anthropic:claude-test* demo:demo"; err != nil || modeltest.FormatModels(list) != want {
			t.Errorf("%s, %v", modeltest.FormatModels(list), err)
		}
		if list[0].Context != 1_000_000 || list[2].Context != 0 {
			t.Errorf("%+v", list)
		}
		if n := server.Lists(); n != (len(listed())+size-1)/size {
			t.Errorf("%d pages of %d", n, size)
		}
		for name, known := range map[string]bool{"claude-small-4-5": true, "anthropic/claude-small-4-5-latest": true, "claude-tset": false, "claude-old-3-20240307": false} {
			if err := r.CheckModel(t.Context(), name, nil); (err == nil) != known {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestListsThatAreNone(t *testing.T) {
	for body, code := range map[string]chat.Code{`{"data":[]}`: chat.CodeProviderModel, `{"object":"x"}`: chat.CodeProviderProtocol, `[]`: chat.CodeProviderProtocol, `<html>`: chat.CodeProviderProtocol} {
		r := newRegistry(t, strings.TrimSuffix(modeltest.ListServer(t, body, nil), "/v1"))
		if _, err := r.Models(t.Context(), nil); !chat.IsCode(err, code) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTheCheckOfAKey(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	for key, code := range map[string]chat.Code{modeltest.Key: "", "sk-ant-wrong": chat.CodeProviderAuth, "": chat.CodeProviderAuth} {
		r := newRegistry(t, server.URL, func(c *providers.Config) {
			c.Named[0].Key, c.Named[0].Sources = key, transport.Sources{Key: "api_key of [providers.anthropic]", BaseURL: "base_url of [providers.anthropic]"}
		})
		checks := r.CheckNamed(t.Context())
		if len(checks) != 1 || checks[0].Outcome == nil != (code == "") || code != "" && checks[0].Outcome.Code != code || checks[0].URL != server.URL {
			t.Fatalf("%q: %+v", key, checks)
		}
		if key == "sk-ant-wrong" && (!strings.Contains(checks[0].Outcome.Message, "api_key of [providers.anthropic]") || strings.Contains(checks[0].Outcome.Message, key)) {
			t.Error(checks[0].Outcome.Message)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	for _, url := range []string{server.URL, server.URL + "/", server.URL + "/v1", server.URL + "/v1/", server.URL + "/v1/messages"} {
		if g := stream(t, newRegistry(t, url), thread(text("hello"))); g.Err != nil {
			t.Errorf("%s: %v", url, g.Err)
		}
	}
	client := anthropic.New(transport.NewClient(transport.Options{}))
	p, err := client.Provider(anthropic.Settings{Key: "k"})
	if err != nil || p.Name() != "anthropic" || p.DefaultModel() != anthropic.DefaultModel {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = client.Provider(anthropic.Settings{BaseURL: "https://llm.example.com/anthropic", Key: "k"})
	if err != nil || p.Name() != "llm.example.com" || p.DefaultModel() != "" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err = client.Provider(anthropic.Settings{BaseURL: "ftp://h"}); !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), "ANTHROPIC_BASE_URL") {
		t.Error(err)
	}
}

func TestAClientsOwnProviderCanHaveThisDialect(t *testing.T) {
	server := modeltest.NewAnthropic(t, said("yes"))
	r := providers.New(providers.Config{})
	t.Cleanup(r.Close)
	own := model.Credentials{Kind: providers.Anthropic, BaseURL: server.URL, Key: modeltest.Key}
	list, err := r.Models(t.Context(), &own)
	if err != nil || len(list) != 2 || list[0].ID != "claude-test" {
		t.Errorf("%+v, %v", list, err)
	}
	named := newRegistry(t, server.URL)
	other := own
	other.Kind = ""
	if !named.Configured(own) || named.Configured(other) {
		t.Error("only the same dialect is the same provider")
	}
}
