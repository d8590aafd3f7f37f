package draft

import (
	"context"

	"chat"
	"chat/daemon/model/apierror"
	"chat/internal/lazyregexp"
)

// references are the copies at the provider to which a request refers.
type references struct {
	used   map[string]string // ids by digest
	lost   []string          // ids that the provider does not know any more
	inline bool              // data are sent
}

// References reports whether the last request referred to copies at the provider.
func (d *Draft[F]) References() bool { return len(d.references.used) > 0 }

// reference returns the id of the provider's copy of an attachment, "" to send its data.
func (d *Draft[F]) reference(ctx context.Context, p *chat.Part, a *chat.Attachment, err error) string {
	if err != nil || d.Keeper == nil || d.references.inline || a.MediaType == chat.TextType || !d.Copied(a) {
		return ""
	}
	for _, id := range d.references.lost {
		if d.Request.Copies.DropCopy(ctx, d.Keeper.Account(), id) != nil {
			return "" // the data are sent
		}
	}
	d.references.lost = nil
	id, known := d.references.used[a.Digest]
	if !known {
		if id = d.Keeper.Reference(ctx, d.Request.Copies, p.Name, a); id == "" {
			return ""
		}
	}
	if d.references.used == nil {
		d.references.used = map[string]string{}
	}
	d.references.used[a.Digest] = id
	return id
}

// referenceWords are the wordings of servers about a copy that they do not have, or not for this
// model.
var referenceWords = lazyregexp.New(`file[_ -]?ids?\b|no such file|\bfiles? .{0,80}(not found|n.t exist|not exist|expired|deleted)|(not find|unknown|invalid) file\b|\bfile[-_][a-z0-9]{8,}`)

func ofReference(r *apierror.RefusalError) bool {
	return r.OfRequest() && r.Find(referenceWords) != nil
}

// renewReferences forgets the copies, so that the next request has new ones.
func (d *Draft[F]) renewReferences() bool {
	if !d.References() {
		return false
	}
	for _, id := range d.references.used {
		d.references.lost = append(d.references.lost, id)
	}
	d.references.used = nil
	return true
}

// sendInline sends the data instead of references.
func (d *Draft[F]) sendInline() bool {
	if !d.References() {
		return false
	}
	d.references.used, d.references.inline = nil, true
	d.Keeper.Pause()
	return true
}
