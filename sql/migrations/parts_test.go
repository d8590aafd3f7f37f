package migrations

import (
	"bytes"
	stdsql "database/sql"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"

	"chat"
	"chat/internal/blocks"
	"chat/internal/services"
	"chat/sql/database"
)

// attachments are a file and an image.
func attachments() (file, image chat.Attachment) {
	file, _ = chat.NewAttachment([]byte("package a // unusual"))
	image, _ = chat.NewAttachment([]byte("\x89PNG\r\n\x1a\n\x00"))
	return file, image
}

// textMessage is a message as version 7 stores it, and its parts in version 8.
type textMessage struct {
	id, role, content, reasoning string
	ms                           int
	want                         chat.Parts
}

func textMessages() []textMessage {
	file, image := attachments()
	return []textMessage{
		{"0", "user", "compare\n\n" + blocks.Write("a.go", file) + "\n\n" + blocks.Write("sky.png", image) + "\n\nand say", "", 0, chat.Parts{
			{Type: chat.PartText, Text: "compare"}, file.Part("a.go"), image.Part("sky.png"), {Type: chat.PartText, Text: "\n\nand say"},
		}},
		{"6", "user", "an <image name=\"x\"> that is none", "", 0, chat.TextParts("an <image name=\"x\"> that is none")},
		{"7", "user", blocks.Write("a \"b\".go", file), "", 0, chat.Parts{file.Part("a \"b\".go")}},
		{"8", "assistant", blocks.Write("a.go", file), "", 0, chat.TextParts(blocks.Write("a.go", file))},
		{"1", "user", "why \"so\"?\r\n\t\\ 🙂 \u2028 <b>&", "", 0, chat.TextParts("why \"so\"?\r\n\t\\ 🙂 \u2028 <b>&")},
		{"2", "assistant", "because", "hm\x1b[1m", 1234, chat.AnswerParts("hm\x1b[1m", 1234, "because")},
		{"3", "assistant", "", "hm", 0, chat.AnswerParts("hm", 0, "")},
		{"4", "assistant", "", "", 0, nil},
		{"5", "assistant", "so", "", 0, chat.TextParts("so")},
	}
}

// storeTexts makes a database of version 7 with these messages.
func storeTexts(t *testing.T, engine, dsn string, list []textMessage) {
	t.Helper()
	db, err := stdsql.Open(engine, dsn)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProvider(engine, db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	const conversation = "019b7ca9-8f2e-7ce8-8d41-80a04c788b7f"
	exec(`INSERT INTO conversations (id, owner, title, folded, model, system, next_seq, created_at, updated_at) VALUES ($1, 'ada', 'T', 't', '', '', 9, 1, 2)`, conversation)
	for i, m := range list {
		exec(`INSERT INTO messages (id, conversation_id, seq, parent_id, role, model, created_at, updated_at, content, reasoning, reasoning_ms, folded)
			VALUES ($1, $2, $3, '', $4, '', 1, 2, $5, $6, $7, '')`, m.id, conversation, i+1, m.role, m.content, m.reasoning, m.ms)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTextsBecomePartsAndAttachments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chat.db")
	t.Run("sqlite", func(t *testing.T) { migrateTexts(t, "sqlite", path, "sqlite://"+path) })
	url := services.Postgres(t)
	t.Run("postgres", func(t *testing.T) { migrateTexts(t, "postgres", url, url) })
}

func migrateTexts(t *testing.T, engine, dsn, url string) {
	list := textMessages()
	storeTexts(t, engine, dsn, list)
	db, err := database.Open(t.Context(), url, database.Options{Inspect: InspectSQLite})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := Up(t.Context(), db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	checkAttachments(t, db)
	rows, err := database.List[struct {
		ID, Parts string
		Size      int
	}](t.Context(), db, `SELECT id, parts, size FROM messages ORDER BY seq`)
	if err != nil || len(rows) != len(list) {
		t.Fatalf("%d messages, %v", len(rows), err)
	}
	for i, m := range list {
		var parts chat.Parts
		if rows[i].Parts != "" {
			if err := json.Unmarshal([]byte(rows[i].Parts), &parts); err != nil {
				t.Errorf("message %s: %v", m.id, err)
			}
		}
		if rows[i].ID != m.id || !parts.Equal(m.want) || rows[i].Size != m.want.Len() {
			t.Errorf("message %s is %+v, want %+v", m.id, rows[i], m.want)
		}
	}
}

func checkAttachments(t *testing.T, db *database.DB) {
	t.Helper()
	type row struct {
		Digest string
		Data   []byte
		Used   int
	}
	rows, err := database.List[row](t.Context(), db, `SELECT digest, data, (SELECT count(*) FROM message_attachments r WHERE r.digest = a.digest AND r.owner = 'ada') AS used
		FROM attachments a WHERE owner = 'ada'`)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d attachments, %v", len(rows), err)
	}
	file, image := attachments()
	used := map[string]int{file.Digest: 2, image.Digest: 1}
	data := map[string][]byte{file.Digest: file.Data, image.Digest: image.Data}
	for _, r := range rows {
		if r.Used != used[r.Digest] || !bytes.Equal(r.Data, data[r.Digest]) {
			t.Errorf("%+v", r)
		}
	}
	found, err := database.List[string](t.Context(), db, `SELECT id FROM messages WHERE folded LIKE '%unusual%' AND role = 'user' ORDER BY id`)
	if err != nil || len(found) != 2 || found[0] != "0" || found[1] != "7" {
		t.Errorf("the text of the file is found in %q, %v", found, err)
	}
}
