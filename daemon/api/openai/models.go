package openai

import (
	"net/http"
	"strings"
	"time"

	"chat"
)

// model is an object of the list of models.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func asModel(m chat.Model) model { return model{m.ID, "model", time.Unix(0, 0).Unix(), m.Provider} }

func (a *API) listModels(w http.ResponseWriter, r *http.Request) error {
	list, err := a.backend.ListModels(r)
	if err != nil {
		return err
	}
	out := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", []model{}}
	for _, m := range list {
		out.Data = append(out.Data, asModel(m))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (a *API) getModel(w http.ResponseWriter, r *http.Request) error {
	list, err := a.backend.ListModels(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	for _, m := range list {
		if m.ID == id || strings.TrimPrefix(m.ID, m.Provider+"/") == id {
			writeJSON(w, http.StatusOK, asModel(m))
			return nil
		}
	}
	return chat.Errorf(chat.CodeNotFound, "no provider lists the model %q: GET /v1/models lists all", id)
}
