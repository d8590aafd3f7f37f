package openai

import (
	"context"
	"errors"

	"chat"
	"chat/daemon/model"
)

// Models returns the server's list, which is kept for a while. A server that has no such
// list has an empty one.
func (p *Provider) Models(ctx context.Context) (model.List, error) {
	return p.lister.List(ctx, p.to.Host, p.fetch)
}

func (p *Provider) fetch(ctx context.Context) (model.List, error) {
	given, err := p.to.models(ctx)
	if err != nil && !errors.Is(err, errNoList) {
		return model.List{}, err
	}
	list := model.List{Host: p.to.Host, IDs: usable(given.entries), Info: metadataOf(given.entries), NoList: err != nil}
	switch {
	case p.to.deployment != "":
		list.IDs = []string{p.to.deployment}
	case len(list.IDs) > 0:
	case list.NoList:
		list.Empty = chat.Errorf(chat.CodeProviderModel, "%s does not list its models: name one with --model, or check %s", p.to.Host, p.to.BaseSetting())
	default:
		list.Empty = p.to.noModels()
	}
	for _, m := range given.entries {
		list.All = append(list.All, string(m.ID))
	}
	return list, nil
}

// DefaultModel is the model that answers when none is named, "" for the first of the list.
func (p *Provider) DefaultModel() string { return p.defaultModel }

// Detect asks whether a model server answers, with a list as OpenAI's servers send it.
// Another program that listens there has an empty list. empty is the error of a server
// that is there and has no models.
func (p *Provider) Detect(ctx context.Context) (list model.List, empty, err error) {
	given, err := p.to.models(ctx)
	if err != nil {
		return model.List{}, nil, err
	}
	if given.proper && len(given.entries) == 0 {
		empty = p.to.noModels()
	}
	ids := genuine(given.entries)
	return model.List{Host: p.to.Host, IDs: ids, All: ids, Info: metadataOf(given.entries)}, empty, nil
}
