package markdown

import (
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize"
	"chat/internal/term/sanitize/hostile"
)

const hostileWidth = 40

// harmlessRows checks rows without a style.
func harmlessRows(t *testing.T, name string, rows []string) {
	t.Helper()
	for i, row := range rows {
		if err := hostile.Check(row, hostile.NoSGR); err != nil {
			t.Fatalf("%s, row %d: %v", name, i, err)
		}
		if strings.ContainsAny(row, "\n\t") {
			t.Fatalf("%s, row %d is not one row: %q", name, i, row)
		}
		if w := ansi.StringWidth(row); w > hostileWidth {
			t.Fatalf("%s, row %d is %d wide: %q", name, i, w, row)
		}
	}
}

// inTwo sanitizes and lays out a text that arrives in two pieces.
func inTwo(t *testing.T, name, text string, cut int) []string {
	t.Helper()
	var clean sanitize.Stream
	s := NewStream(hostileWidth, Style{})
	s.Append(clean.Append(text[:cut]))
	harmlessRows(t, name, s.Lines())
	s.Append(clean.Append(text[cut:]))
	return s.Lines()
}

func TestHostileTextSplitAnywhereIsRowsOfText(t *testing.T) {
	for _, p := range hostile.Payloads() {
		text := "before " + p.Text + " _behind_\n"
		want := Render(sanitize.String(text), hostileWidth, Style{})
		harmlessRows(t, p.Name(), want)
		for _, cut := range hostile.Splits(text, 60) {
			if got := inTwo(t, p.Name(), text, cut); !slices.Equal(got, want) {
				t.Fatalf("%s cut at %d: %q, want %q", p.Name(), cut, got, want)
			}
		}
	}
}

func TestHostileTextInAnyConstructIsRowsOfText(t *testing.T) {
	if !hostile.All() {
		t.Log("each construct is cut at three offsets; CHAT_TEST_ALL_SPLITS=1 cuts it everywhere")
	}
	wellFormed := func(string) bool { return true }
	for _, c := range hostile.Constructs() {
		t.Run(c.Name, func(t *testing.T) {
			for _, p := range hostile.Payloads() {
				text := c.With(p.Text)
				want := Render(sanitize.String(text), hostileWidth, Style{})
				harmlessRows(t, p.Name(), want)
				for _, cut := range hostile.Splits(text, 1) {
					// The stream ends here, so a character cut at the end is never shown.
					if got := inTwo(t, p.Name(), text, cut); strings.HasSuffix(text, "\n") && !slices.Equal(got, want) {
						t.Fatalf("%s cut at %d: %q, want %q", p.Name(), cut, got, want)
					}
				}
				for _, row := range Render(sanitize.String(text), hostileWidth, ANSI16()) {
					if err := hostile.Check(row, wellFormed); err != nil {
						t.Fatalf("%s in colour: %v", p.Name(), err)
					}
				}
			}
		})
	}
}

func TestHostileTextIsAppendedToATerminalAsText(t *testing.T) {
	for _, p := range hostile.Payloads() {
		text := "before\n\n" + p.Text + "\n\nbehind"
		for _, cut := range hostile.Splits(text, 8) {
			var out strings.Builder
			w := NewWriter(&out, hostileWidth, Style{})
			for _, piece := range []string{text[:cut], text[cut:]} {
				if err := w.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := hostile.Check(out.String(), hostile.NoSGR); err != nil {
				t.Fatalf("%s cut at %d: %v", p.Name(), cut, err)
			}
			if !strings.HasPrefix(out.String(), "before\n") || !strings.HasSuffix(out.String(), "behind\n") {
				t.Fatalf("%s cut at %d: the text around it is lost: %q", p.Name(), cut, out.String())
			}
		}
	}
}

func TestHostilePlainTextIsRowsOfText(t *testing.T) {
	for _, p := range hostile.Payloads() {
		harmlessRows(t, p.Name(), Plain(sanitize.String("before "+p.Text+"\n\tbehind"), hostileWidth, ""))
	}
}
