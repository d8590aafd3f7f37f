package charset

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

type unicodeText struct{ data, want string }

func unicodeTexts() []unicodeText {
	return []unicodeText{
		{"\xff\xfeh\x00\xe9\x00\x0a\x00", "hé\n"},                                 // utf-16
		{"h\x00\xe9\x00\x0a\x00", "hé\n"},                                         // utf-16-le
		{"\x00h\x00\xe9\x00\x0a", "hé\n"},                                         // utf-16-be
		{"\xff\xfe\x00\x00h\x00\x00\x00\xe9\x00\x00\x00\x0a\x00\x00\x00", "hé\n"}, // utf-32
		{"h\x00\x00\x00\xe9\x00\x00\x00\x0a\x00\x00\x00", "hé\n"},                 // utf-32-le
		{"\x00\x00\x00h\x00\x00\x00\xe9\x00\x00\x00\x0a", "hé\n"},                 // utf-32-be
		{"\xef\xbb\xbfh\xc3\xa9\x0a", "hé\n"},                                     // utf-8-sig
		{"h\xc3\xa9\x0a", "hé\n"},                                                 // utf-8
		{"\xfe\xff\x00h\x00\xe9\x00\x0a", "hé\n"},                                 // utf-16-be with its mark
		{"\xff\xfe\xe5e,g\x9e\x8a\x0a\x00\x00NL\x88\x0a\x00", "日本語\n一行\n"},        // utf-16
		{"\xe5e,g\x9e\x8a\x0a\x00\x00NL\x88\x0a\x00", "日本語\n一行\n"},                // utf-16-le
		{"e\xe5g,\x8a\x9e\x00\x0aN\x00\x88L\x00\x0a", "日本語\n一行\n"},                // utf-16-be
		{"\xff\xfe\x00\x00\xe5e\x00\x00,g\x00\x00\x9e\x8a\x00\x00\x0a\x00\x00\x00\x00N\x00\x00L\x88\x00\x00\x0a\x00\x00\x00", "日本語\n一行\n"}, // utf-32
		{"\xe5e\x00\x00,g\x00\x00\x9e\x8a\x00\x00\x0a\x00\x00\x00\x00N\x00\x00L\x88\x00\x00\x0a\x00\x00\x00", "日本語\n一行\n"},                 // utf-32-le
		{"\x00\x00e\xe5\x00\x00g,\x00\x00\x8a\x9e\x00\x00\x00\x0a\x00\x00N\x00\x00\x00\x88L\x00\x00\x00\x0a", "日本語\n一行\n"},                 // utf-32-be
		{"\xef\xbb\xbf\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\x0a\xe4\xb8\x80\xe8\xa1\x8c\x0a", "日本語\n一行\n"},                                  // utf-8-sig
		{"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\x0a\xe4\xb8\x80\xe8\xa1\x8c\x0a", "日本語\n一行\n"},                                              // utf-8
		{"\xfe\xffe\xe5g,\x8a\x9e\x00\x0aN\x00\x88L\x00\x0a", "日本語\n一行\n"},                                                                 // utf-16-be with its mark
		{"\xff\xfea\x00=\xd8\x00\xdeb\x00\x0a\x00", "a😀b\n"},                                                                               // utf-16
		{"a\x00=\xd8\x00\xdeb\x00\x0a\x00", "a😀b\n"},                                                                                       // utf-16-le
		{"\x00a\xd8=\xde\x00\x00b\x00\x0a", "a😀b\n"},                                                                                       // utf-16-be
		{"\xff\xfe\x00\x00a\x00\x00\x00\x00\xf6\x01\x00b\x00\x00\x00\x0a\x00\x00\x00", "a😀b\n"},                                            // utf-32
		{"a\x00\x00\x00\x00\xf6\x01\x00b\x00\x00\x00\x0a\x00\x00\x00", "a😀b\n"},                                                            // utf-32-le
		{"\x00\x00\x00a\x00\x01\xf6\x00\x00\x00\x00b\x00\x00\x00\x0a", "a😀b\n"},                                                            // utf-32-be
		{"\xef\xbb\xbfa\xf0\x9f\x98\x80b\x0a", "a😀b\n"},                                                                                    // utf-8-sig
		{"a\xf0\x9f\x98\x80b\x0a", "a😀b\n"},                                                                                                // utf-8
		{"\xfe\xff\x00a\xd8=\xde\x00\x00b\x00\x0a", "a😀b\n"},                                                                               // utf-16-be with its mark
		{"\xff\xfex\x00", "x"},                 // utf-16
		{"x\x00", "x"},                         // utf-16-le
		{"\x00x", "x"},                         // utf-16-be
		{"\xff\xfe\x00\x00x\x00\x00\x00", "x"}, // utf-32
		{"x\x00\x00\x00", "x"},                 // utf-32-le
		{"\x00\x00\x00x", "x"},                 // utf-32-be
		{"\xef\xbb\xbfx", "x"},                 // utf-8-sig
		{"x", "x"},                             // utf-8
		{"\xfe\xff\x00x", "x"},                 // utf-16-be with its mark
		{"\xff\xfep\x00l\x00a\x00i\x00n\x00 \x00A\x00S\x00C\x00I\x00I\x00,\x00 \x00t\x00w\x00o\x00 \x00l\x00i\x00n\x00e\x00s\x00\x0a\x00o\x00f\x00 \x00i\x00t\x00\x0a\x00", "plain ASCII, two lines\nof it\n"},                                                                                                                                                                                                                                                 // utf-16
		{"p\x00l\x00a\x00i\x00n\x00 \x00A\x00S\x00C\x00I\x00I\x00,\x00 \x00t\x00w\x00o\x00 \x00l\x00i\x00n\x00e\x00s\x00\x0a\x00o\x00f\x00 \x00i\x00t\x00\x0a\x00", "plain ASCII, two lines\nof it\n"},                                                                                                                                                                                                                                                         // utf-16-le
		{"\x00p\x00l\x00a\x00i\x00n\x00 \x00A\x00S\x00C\x00I\x00I\x00,\x00 \x00t\x00w\x00o\x00 \x00l\x00i\x00n\x00e\x00s\x00\x0a\x00o\x00f\x00 \x00i\x00t\x00\x0a", "plain ASCII, two lines\nof it\n"},                                                                                                                                                                                                                                                         // utf-16-be
		{"\xff\xfe\x00\x00p\x00\x00\x00l\x00\x00\x00a\x00\x00\x00i\x00\x00\x00n\x00\x00\x00 \x00\x00\x00A\x00\x00\x00S\x00\x00\x00C\x00\x00\x00I\x00\x00\x00I\x00\x00\x00,\x00\x00\x00 \x00\x00\x00t\x00\x00\x00w\x00\x00\x00o\x00\x00\x00 \x00\x00\x00l\x00\x00\x00i\x00\x00\x00n\x00\x00\x00e\x00\x00\x00s\x00\x00\x00\x0a\x00\x00\x00o\x00\x00\x00f\x00\x00\x00 \x00\x00\x00i\x00\x00\x00t\x00\x00\x00\x0a\x00\x00\x00", "plain ASCII, two lines\nof it\n"}, // utf-32
		{"p\x00\x00\x00l\x00\x00\x00a\x00\x00\x00i\x00\x00\x00n\x00\x00\x00 \x00\x00\x00A\x00\x00\x00S\x00\x00\x00C\x00\x00\x00I\x00\x00\x00I\x00\x00\x00,\x00\x00\x00 \x00\x00\x00t\x00\x00\x00w\x00\x00\x00o\x00\x00\x00 \x00\x00\x00l\x00\x00\x00i\x00\x00\x00n\x00\x00\x00e\x00\x00\x00s\x00\x00\x00\x0a\x00\x00\x00o\x00\x00\x00f\x00\x00\x00 \x00\x00\x00i\x00\x00\x00t\x00\x00\x00\x0a\x00\x00\x00", "plain ASCII, two lines\nof it\n"},                 // utf-32-le
		{"\x00\x00\x00p\x00\x00\x00l\x00\x00\x00a\x00\x00\x00i\x00\x00\x00n\x00\x00\x00 \x00\x00\x00A\x00\x00\x00S\x00\x00\x00C\x00\x00\x00I\x00\x00\x00I\x00\x00\x00,\x00\x00\x00 \x00\x00\x00t\x00\x00\x00w\x00\x00\x00o\x00\x00\x00 \x00\x00\x00l\x00\x00\x00i\x00\x00\x00n\x00\x00\x00e\x00\x00\x00s\x00\x00\x00\x0a\x00\x00\x00o\x00\x00\x00f\x00\x00\x00 \x00\x00\x00i\x00\x00\x00t\x00\x00\x00\x0a", "plain ASCII, two lines\nof it\n"},                 // utf-32-be
		{"\xef\xbb\xbfplain ASCII, two lines\x0aof it\x0a", "plain ASCII, two lines\nof it\n"},                                                                                                                 // utf-8-sig
		{"plain ASCII, two lines\x0aof it\x0a", "plain ASCII, two lines\nof it\n"},                                                                                                                             // utf-8
		{"\xfe\xff\x00p\x00l\x00a\x00i\x00n\x00 \x00A\x00S\x00C\x00I\x00I\x00,\x00 \x00t\x00w\x00o\x00 \x00l\x00i\x00n\x00e\x00s\x00\x0a\x00o\x00f\x00 \x00i\x00t\x00\x0a", "plain ASCII, two lines\nof it\n"}, // utf-16-be with its mark
		{"\xff\xfe\x1f\x04@\x048\x042\x045\x04B\x04 \x00<\x048\x04@\x04\x0a\x00", "Привет мир\n"},                                                                                                              // utf-16
		{"\x1f\x04@\x048\x042\x045\x04B\x04 \x00<\x048\x04@\x04\x0a\x00", "Привет мир\n"},                                                                                                                      // utf-16-le
		{"\x04\x1f\x04@\x048\x042\x045\x04B\x00 \x04<\x048\x04@\x00\x0a", "Привет мир\n"},                                                                                                                      // utf-16-be
		{"\xff\xfe\x00\x00\x1f\x04\x00\x00@\x04\x00\x008\x04\x00\x002\x04\x00\x005\x04\x00\x00B\x04\x00\x00 \x00\x00\x00<\x04\x00\x008\x04\x00\x00@\x04\x00\x00\x0a\x00\x00\x00", "Привет мир\n"},              // utf-32
		{"\x1f\x04\x00\x00@\x04\x00\x008\x04\x00\x002\x04\x00\x005\x04\x00\x00B\x04\x00\x00 \x00\x00\x00<\x04\x00\x008\x04\x00\x00@\x04\x00\x00\x0a\x00\x00\x00", "Привет мир\n"},                              // utf-32-le
		{"\x00\x00\x04\x1f\x00\x00\x04@\x00\x00\x048\x00\x00\x042\x00\x00\x045\x00\x00\x04B\x00\x00\x00 \x00\x00\x04<\x00\x00\x048\x00\x00\x04@\x00\x00\x00\x0a", "Привет мир\n"},                              // utf-32-be
		{"\xef\xbb\xbf\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80\x0a", "Привет мир\n"},                                                                                          // utf-8-sig
		{"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80\x0a", "Привет мир\n"},                                                                                                      // utf-8
		{"\xfe\xff\x04\x1f\x04@\x048\x042\x045\x04B\x00 \x04<\x048\x04@\x00\x0a", "Привет мир\n"},                                                                                                              // utf-16-be with its mark
		{"", ""}, {"\xef\xbb\xbf", ""}, {"\xff\xfe", ""},
	}
}

func TestUnicodeIsDecoded(t *testing.T) {
	for _, c := range unicodeTexts() {
		if got, err := Decode([]byte(c.data)); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.data, got, err, c.want)
		}
		r, err := NewReader(iotest.OneByteReader(strings.NewReader(c.data)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != c.want {
			t.Errorf("read %q: %q, %v; want %q", c.data, got, err, c.want)
		}
	}
}

func TestOtherEncodingsAreNamed(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"caf\xe9\x0a", "-f latin1 -t utf8"},                                                                                                                           // café
		{"Die Gr\xf6\xdfe der \xdcbung, \xfcber alles gesch\xe4tzt.\x0a", "-f latin1 -t utf8"},                                                                         // Die Größe der Übung, über alles geschätzt.
		{"\xe9t\xe9 \xe0 la for\xeat, na\xefvet\xe9 d\xe9j\xe0 vu\x0a", "-f latin1 -t utf8"},                                                                           // été à la forêt, naïveté déjà vu
		{"# comentario en espa\xf1ol\x0aint a\xf1o = 1; // ma\xf1ana\x0a", "-f latin1 -t utf8"},                                                                        // # comentario en español
		{"\x93It\x92s\x94 \x96 don\x92t\x85 \x80 5\x0a", "-f windows-1252 -t utf8"},                                                                                    // “It’s” – don’t… € 5
		{"l\x92\xe9t\xe9\x0a", "-f windows-1252 -t utf8"},                                                                                                              // l’été
		{"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0! \xca\xe0\xea \xe4\xe5\xeb\xe0 \xf1\xe5\xe3\xee\xe4\xed\xff?\x0a", "-f windows-1251 -t utf8"},                         // Привет, мир! Как дела сегодня?
		{"# \xd4\xf3\xed\xea\xf6\xe8\xff\x0ax = 1\x0a", "-f windows-1251 -t utf8"},                                                                                     // # Функция
		{"\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2! \xeb\xc1\xcb \xc4\xc5\xcc\xc1 \xd3\xc5\xc7\xcf\xc4\xce\xd1?\x0a", "-f koi8-r -t utf8"},                               // Привет, мир! Как дела сегодня?
		{"\x82\xb1\x82\xea\x82\xcd\x93\xfa\x96{\x8c\xea\x82\xcc\x83e\x83L\x83X\x83g\x82\xc5\x82\xb7\x81B\x0a", "-f shift_jis -t utf8"},                                 // これは日本語のテキストです。
		{"\x93\xfa\x96{\x8c\xea\x82\xcc\x90\xe0\x96\xbe\x0afunc main() {}\x0a", "-f shift_jis -t utf8"},                                                                // 日本語の説明
		{"\xca\xdd\xb6\xb8 \x93\xfa\x96{\x8c\xea\x83e\x83X\x83g\x0a", "-f shift_jis -t utf8"},                                                                          // ﾊﾝｶｸ 日本語テスト
		{"\xa4\xb3\xa4\xec\xa4\xcf\xc6\xfc\xcb\xdc\xb8\xec\xa4\xce\xa5\xc6\xa5\xad\xa5\xb9\xa5\xc8\xa4\xc7\xa4\xb9\xa1\xa3\x0a", "-f euc-jp -t utf8"},                  // これは日本語のテキストです。
		{"\xa5\xc6\xa5\xb9\xa5\xc8 test \xa5\xc6\xa5\xb9\xa5\xc8\x0a", "-f euc-jp -t utf8"},                                                                            // テスト test テスト
		{"\xd5\xe2\xca\xc7\xd2\xbb\xb8\xf6\xd6\xd0\xce\xc4\xce\xc4\xb1\xbe\xa3\xac\xd3\xc3\xc0\xb4\xb2\xe2\xca\xd4\xb1\xe0\xc2\xeb\xa1\xa3\x0a", "-f gb18030 -t utf8"}, // 这是一个中文文本，用来测试编码。
		{"// \xb6\xc1\xc8\xa1\xce\xc4\xbc\xfe\x0aint main() { return 0; }\x0a", "-f gb18030 -t utf8"},                                                                  // // 读取文件
		{"\xd5\xe2\xca\xc7\xd2\xbb\xb8\xf6\xb2\xe2\xca\xd4\x949\xfc6\xce\xc4\xb1\xbe\x0a", "-f gb18030 -t utf8"},                                                       // 这是一个测试😀文本
		{"\xb3o\xacO\xa4@\xad\xd3\xa4\xa4\xa4\xe5\xa4\xe5\xa5\xbb\xa1A\xa5\xce\xa8\xd3\xb4\xfa\xb8\xd5\xbds\xbdX\xa1C\x0a", "-f big5 -t utf8"},                         // 這是一個中文文本，用來測試編碼。
		{"\xa4\xa4\xa4\xe5\xb4\xfa\xb8\xd5\xaa\xba\xbb\xa1\xa9\xfa\xa4\xe5\xa5\xf3\x0a", "-f big5 -t utf8"},                                                            // 中文測試的說明文件
		{"\xbe\xc8\xb3\xe7\xc7\xcf\xbc\xbc\xbf\xe4 \xbc\xbc\xb0\xe8 \xbf\xa9\xb7\xaf\xba\xd0 \xb9\xdd\xb0\xa9\xbd\xc0\xb4\xcf\xb4\xd9\x0a", "-f euc-kr -t utf8"},       // 안녕하세요 세계 여러분 반갑습니다
		{"// \xc6\xc4\xc0\xcf\xc0\xbb \xc0\xd0\xb4\xc2 \xc7\xd4\xbc\xf6 \xc0\xd4\xb4\xcf\xb4\xd9\x0aint x;\x0a", "-f euc-kr -t utf8"},                                  // // 파일을 읽는 함수 입니다
		{"\x1b$B$3$l$OF|K\x5c8l$G$9\x1b(B\x0a", "-f iso-2022-jp -t utf8"},                                                                                              // これは日本語です
	} {
		text, err := Decode([]byte(c.data))
		p := (*DecodeError)(nil)
		if !errors.As(err, &p) || !strings.Contains(p.Sentence("f.txt", "f.txt"), "iconv "+c.want+" f.txt") {
			t.Errorf("%q: %q, %v; want %s", c.data, text, err, c.want)
		}
	}
}

func TestDataThatIsNotText(t *testing.T) {
	for data, want := range map[string]string{
		"a\x00b":                                   "byte 2 is NUL",
		"\x7fELF\x02\x01\x01\x00\x00":              "a program",
		"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n":            "pdftotext",
		"%PDF-1.4\nall of ASCII":                   "pdftotext",
		"PK\x03\x04\x14\x00\x08\x00":               "an archive or an office document",
		"\x1f\x8b\x08\x00\x00":                     "gunzip",
		"SQLite format 3\x00":                      ".dump",
		"\x00\x01\x02\x03\xff":                     "binary",
		"\x01\x02\xff\x03\x04\xfe\x05\x06":         "binary",
		"\xff\xfea":                                "UTF-16",
		"\xff\xfe\x00\xd8a\x00":                    "UTF-16: byte 1 is invalid",
		"\xff\xfea\x00\x00\x00":                    "byte 3 is NUL",
		"\xff\xfe\x00\x00\x00\x00\x11\x00":         "UTF-32: byte 1 is invalid",
		"gr\xc3\xb6\xc3\x9fer\nund \xc3\xa4\xff":   "in line 2, is invalid",
		"\xed\xa0\x80\xed\xb0\x80":                 "is not a text in UTF-8",
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00": "convert it to PNG or JPEG",
		"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00": "sound or video",
		"II*\x00\x08\x00\x00\x00":                  "convert it to PNG",
		"\x80":                                     "is not a text in UTF-8",
	} {
		text, err := Decode([]byte(data))
		p := (*DecodeError)(nil)
		if !errors.As(err, &p) || !strings.Contains(p.Sentence("f.txt", ""), want) {
			t.Errorf("%q: %q, %v; want %s", data, text, err, want)
		}
	}
}

func TestPathsAreQuotedForTheShell(t *testing.T) {
	p := &DecodeError{Encoding: "Latin-1", Iconv: "latin1"}
	for path, want := range map[string]string{"a b.txt": "'a b.txt'", "it's": `'it'\''s'`, "-n": "'-n'", "a/b.c": "a/b.c", "$(x)": "'$(x)'"} {
		if got := p.Sentence("it", path); !strings.HasSuffix(got, "-t utf8 "+want) {
			t.Errorf("%q: %s", path, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"a", "\xff\xfea\x00", "caf\xe9", "\x93\xfa\x96\x7b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Decode(data)
		if err == nil && strings.ContainsRune(text, 0) {
			t.Fatalf("%q became %q", data, text)
		}
		if err != nil && err.Error() == "" {
			t.Fatal("no reason")
		}
	})
}
