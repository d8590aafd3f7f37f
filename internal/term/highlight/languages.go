package highlight

import (
	"strings"
	"sync"
)

// aliases are other names used after code fences.
var aliases = map[string]string{ //nolint:gochecknoglobals // constant
	"golang": "go", "py": "python", "python3": "python", "javascript": "js", "jsx": "js", "mjs": "js", "node": "js",
	"typescript": "js", "ts": "js", "tsx": "js", "bash": "sh", "shell": "sh", "zsh": "sh", "console": "sh", "shell-session": "sh",
	"c++": "c", "cpp": "c", "h": "c", "hpp": "c", "cc": "c", "objc": "c", "c#": "cs", "csharp": "cs", "rs": "rust", "rb": "ruby",
	"kt": "kotlin", "yml": "yaml", "ini": "toml", "conf": "toml", "cfg": "toml", "xml": "html", "svg": "html", "vue": "html",
	"scss": "css", "less": "css", "patch": "diff", "postgresql": "sql", "mysql": "sql", "sqlite": "sql", "plsql": "sql",
	"jsonc": "json", "json5": "json", "jsonl": "json", "docker": "dockerfile", "make": "makefile", "env": "sh", "fish": "sh",
	"hs": "haskell", "ex": "elixir", "exs": "elixir", "pl": "perl", "tf": "hcl", "terraform": "hcl", "protobuf": "proto",
	"cxx": "c", "hxx": "c", "objective-c": "c", "cts": "js", "mts": "js", "cjs": "js", "kts": "kotlin", "sc": "scala", "shellscript": "sh", "ksh": "sh", "dotenv": "sh",
	"ps": "powershell", "ps1": "powershell", "pwsh": "powershell", "properties": "toml", "xhtml": "html", "rss": "html", "xsd": "html", "xslt": "html", "plist": "html", "svelte": "html",
	"sass": "css", "mariadb": "sql", "tsql": "sql", "postgres": "sql", "geojson": "json", "ndjson": "json", "containerfile": "dockerfile", "mk": "makefile", "opentofu": "hcl",
	"viml": "vim", "vimscript": "vim", "gql": "graphql", "md": "markdown", "mdx": "markdown",
}

//nolint:gochecknoglobals // constants
var (
	doubleQuoted = delimiter{open: `"`, close: `"`, kind: String, escape: true}
	singleQuoted = delimiter{open: `'`, close: `'`, kind: String, escape: true}
	slashes      = delimiter{open: "//", kind: Comment}
	starred      = delimiter{open: "/*", close: "*/", kind: Comment, lines: true}
	hash         = delimiter{open: "#", kind: Comment, atWord: true}
	backtick     = delimiter{open: "`", close: "`", kind: String, lines: true}
)

// triples are strings of several lines in three quotes.
func triples() []delimiter {
	return []delimiter{{open: `"""`, close: `"""`, kind: String, lines: true}, {open: "'''", close: "'''", kind: String, lines: true}}
}

func words(keywords, types string) map[string]Kind {
	all := map[string]Kind{}
	for _, w := range strings.Fields(keywords) {
		all[w] = Keyword
	}
	for _, w := range strings.Fields(types) {
		all[w] = Type
	}
	return all
}

func lines(d delimiter) delimiter  { d.lines = true; return d }
func apart(d delimiter) delimiter  { d.apart = true; return d }
func escape(d delimiter) delimiter { d.escape = true; return d }

// languages builds the table of languages at its first use.
var languages = sync.OnceValue(func() map[string]*Language { //nolint:gochecknoglobals // made once, constant from then on
	cLike := []delimiter{slashes, starred, doubleQuoted}
	all := systems(cLike)
	for _, more := range []map[string]*Language{scripts(cLike), data()} {
		for name, l := range more {
			all[name] = l
		}
	}
	return all
})

func systems(cLike []delimiter) map[string]*Language {
	return map[string]*Language{
		"go": {
			delimiters: append([]delimiter{backtick}, cLike...), quote: true,
			words: words("break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var nil true false iota",
				"any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr"),
		},
		"c": {
			delimiters: append([]delimiter{{open: "#", kind: Comment, atWord: true}}, cLike...), quote: true,
			words: words("alignas alignof asm auto break case catch class const consteval constexpr continue co_await co_return co_yield decltype default delete do else enum explicit export extern false final for friend goto if inline mutable namespace new noexcept nullptr NULL operator override private protected public register requires return sizeof static static_assert struct switch template this throw true try typedef typeid typename union using virtual volatile while concept",
				"bool char char16_t char32_t double float int int8_t int16_t int32_t int64_t long short signed size_t ssize_t string uint8_t uint16_t uint32_t uint64_t unsigned void vector wchar_t"),
		},
		"rust": {
			delimiters: []delimiter{slashes, starred, lines(doubleQuoted)}, quote: true,
			words: words("as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while",
				"bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize String Vec Option Result Box"),
		},
		"java": {
			delimiters: append([]delimiter{{open: `"""`, close: `"""`, kind: String, lines: true}}, cLike...), quote: true, variable: '@',
			words: words("abstract assert break case catch class const continue default do else enum extends final finally for goto if implements import instanceof interface native new null package private protected public record return static strictfp super switch synchronized this throw throws transient true false try var volatile while yield sealed permits",
				"boolean byte char double float int long short void String Integer Long Object List Map"),
		},
		"kotlin": {
			delimiters: append([]delimiter{{open: `"""`, close: `"""`, kind: String, lines: true}}, cLike...), quote: true, variable: '@',
			words: words("abstract as break by catch class companion const constructor continue data do else enum false final finally for fun if import in inline interface internal is lateinit null object open operator override package private protected public return sealed super suspend this throw true try typealias val var when while",
				"Any Boolean Byte Char Double Float Int List Long Map Short String Unit"),
		},
		"cs": {
			delimiters: append([]delimiter{{open: `"""`, close: `"""`, kind: String, lines: true}, {open: `@"`, close: `"`, kind: String, lines: true}}, cLike...), quote: true,
			words: words("abstract as async await base break case catch checked class const continue default delegate do else enum event explicit extern false finally fixed for foreach get goto if implicit in interface internal is lock namespace new null operator out override params private protected public readonly record ref return sealed set sizeof static struct switch this throw true try typeof unchecked unsafe using var virtual volatile when where while yield",
				"bool byte char decimal double dynamic float int long object sbyte short string uint ulong ushort void Task List"),
		},
		"swift": {
			delimiters: append([]delimiter{{open: `"""`, close: `"""`, kind: String, lines: true}}, cLike...), variable: '@',
			words: words("actor as associatedtype async await break case catch class continue default defer deinit do else enum extension fallthrough false fileprivate final for func guard if import in init inout internal is let nil open operator override private protocol public repeat rethrows return self Self some static struct subscript super switch throw throws true try typealias var where while",
				"Any Array Bool Character Dictionary Double Float Int Int64 Optional Set String UInt Void"),
		},
		"scala": {
			delimiters: append(triples()[:1:1], cLike...), quote: true, variable: '@',
			words: words("abstract case catch class def do else enum export extends extension false final finally for given if implicit import lazy match new null object override package private protected return sealed super then this throw trait true try type using val var while with yield",
				"Any Boolean Byte Char Double Either Float Future Int List Long Map Option Seq Set String Unit Vector"),
		},
		"dart": {
			delimiters: append(append(triples(), singleQuoted), cLike...), variable: '@',
			words: words("abstract as assert async await base break case catch class const continue covariant default deferred do else enum export extends extension external factory false final finally for get hide if implements import in interface is late library mixin new null on operator part required rethrow return sealed set show static super switch sync this throw true try typedef var when while with yield",
				"bool double dynamic int num void DateTime Future Iterable List Map Object Set Stream String Widget"),
		},
		"zig": {
			delimiters: []delimiter{slashes, {open: `\\`, kind: String}, doubleQuoted}, quote: true, variable: '@',
			words: words("addrspace align allowzero and anyframe anytype asm async await break callconv catch comptime const continue defer else enum errdefer error export extern false fn for if inline linksection noalias nosuspend null opaque or orelse packed pub resume return struct suspend switch test threadlocal true try undefined union unreachable usingnamespace var volatile while",
				"anyerror bool c_int comptime_float comptime_int f32 f64 i16 i32 i64 i8 isize noreturn type u16 u32 u64 u8 usize void"),
		},
		"proto": {
			delimiters: cLike,
			words: words("enum extend extensions import message oneof option optional package repeated required reserved returns rpc service stream syntax true false map",
				"bool bytes double fixed32 fixed64 float int32 int64 sint32 sint64 string uint32 uint64"),
		},
	}
}

func scripts(cLike []delimiter) map[string]*Language {
	triple := triples()
	hashed := []delimiter{hash, doubleQuoted, singleQuoted}
	return map[string]*Language{
		"python": {
			delimiters: append(triple, hash, doubleQuoted, singleQuoted), variable: '@',
			words: words("and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield",
				"bool bytes dict float int list object set str tuple"),
		},
		"js": {
			delimiters: append([]delimiter{escape(backtick), singleQuoted}, cLike...), ident: "$",
			words: words("abstract as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function get if implements import in instanceof interface keyof let namespace new null of private protected public readonly return satisfies set static super switch this throw true try type typeof undefined var void while with yield",
				"any bigint boolean never number object string symbol unknown Array Map Promise Record Set"),
		},
		"ruby": {
			delimiters: hashed, variable: '@', ident: "?!",
			words: words("alias and begin break case class def defined? do else elsif end ensure extend false for if in include module next nil not or private protected public raise redo require require_relative rescue retry return self super then true undef unless until when while yield attr_accessor attr_reader", ""),
		},
		"php": {
			delimiters: append([]delimiter{singleQuoted, hash}, cLike...), variable: '$',
			words: words("abstract and array as break case catch class clone const continue declare default do echo else elseif empty extends false final finally fn for foreach function global if implements include instanceof insteadof interface isset list match namespace new null or print private protected public readonly require require_once return static switch this throw trait true try unset use var while yield",
				"bool float int iterable mixed object string void"),
		},
		"sh": {
			delimiters: []delimiter{hash, lines(apart(doubleQuoted)), {open: "'", close: "'", kind: String, lines: true, apart: true}}, variable: '$', ident: "-",
			words: words("alias break case cd continue do done echo elif else esac eval exec exit export fi for function if in local printf read readonly return set shift source sudo test then trap unset until while", ""),
		},
		"perl": {
			delimiters: hashed, variable: '$',
			words: words("and bless cmp die do else elsif eq eval for foreach given if last local my ne next no or our package print redo require return say sub undef unless until use when while", ""),
		},
		"powershell": {
			delimiters: []delimiter{{open: "<#", close: "#>", kind: Comment, lines: true}, hash, {open: `@"`, close: `"@`, kind: String, lines: true}, {open: "@'", close: "'@", kind: String, lines: true}, {open: `"`, close: `"`, kind: String}, {open: "'", close: "'", kind: String}},
			variable:   '$', ident: "-", fold: true,
			words: words("begin break catch class continue data do dynamicparam else elseif end enum exit filter finally for foreach from function hidden if in param process return static switch throw trap try until using while -and -or -not -eq -ne -gt -ge -lt -le -like -notlike -match -notmatch -contains -notcontains -in -notin -replace -split -join -is -as",
				"array bool datetime hashtable int pscustomobject string switch"),
		},
		"r": {
			delimiters: hashed, ident: ".",
			words: words("break else FALSE for function if in Inf library NA NaN next NULL repeat require return source TRUE while", "character data.frame double factor integer list logical matrix numeric vector"),
		},
		"vim": {
			delimiters: []delimiter{{open: `"`, kind: Comment, first: true}, {open: `"`, kind: Comment, atWord: true, last: true}, doubleQuoted, {open: "'", close: "'", kind: String, apart: true}}, ident: "#:",
			words: words("abort augroup autocmd break call catch colorscheme command continue def echo echom else elseif end enddef endfor endfun endfunction endif endtry endwhile execute export finally finish for fun function highlight if import in inoremap let map nmap nnoremap noremap normal return runtime set setlocal silent source syntax throw try unlet var vim9script vmap vnoremap while", ""),
		},
		"lua": {
			delimiters: []delimiter{{open: "--[[", close: "]]", kind: Comment, lines: true}, {open: "--", kind: Comment}, {open: "[[", close: "]]", kind: String, lines: true}, doubleQuoted, singleQuoted},
			words:      words("and break do else elseif end false for function goto if in local nil not or repeat return then true until while", ""),
		},
		"elixir": {
			delimiters: append(triple[:1:1], hash, doubleQuoted, singleQuoted), variable: '@', ident: "?!",
			words: words("after alias and case catch cond def defmodule defp defstruct defmacro do else end false fn for if import in nil not or quote raise receive require rescue true try unless unquote use when with", ""),
		},
		"haskell": {
			delimiters: []delimiter{{open: "{-", close: "-}", kind: Comment, lines: true}, {open: "--", kind: Comment}, doubleQuoted}, quote: true, ident: "'",
			words: words("as case class data deriving do else forall foreign hiding if import in infix infixl infixr instance let module newtype of qualified then type where",
				"Bool Char Double Either Float IO Int Integer Maybe String"),
		},
	}
}

func data() map[string]*Language {
	return map[string]*Language{
		"json":     {delimiters: []delimiter{slashes, starred, doubleQuoted}, keys: ":", words: words("true false null", "")},
		"yaml":     {delimiters: []delimiter{hash, apart(doubleQuoted), apart(singleQuoted)}, keys: ":", ident: "-./", words: words("true false null yes no on off", "")},
		"toml":     {delimiters: append(triples(), hash, delimiter{open: ";", kind: Comment, atWord: true}, apart(doubleQuoted), apart(singleQuoted)), keys: "=", ident: "-.", words: words("true false", "")},
		"hcl":      {delimiters: []delimiter{hash, slashes, starred, doubleQuoted}, keys: "=", ident: "-", words: words("true false null resource variable output module provider data locals terraform for in if", "string number bool list map object any")},
		"html":     {delimiters: []delimiter{{open: "<!--", close: "-->", kind: Comment, lines: true}, lines(doubleQuoted), {open: "'", close: "'", kind: String, lines: true}}, markup: true, ident: "-:"},
		"css":      {delimiters: []delimiter{starred, {open: "//", kind: Comment, atWord: true}, doubleQuoted, singleQuoted}, keys: ":", ident: "-$", variable: '@', words: words("important inherit initial none auto", "")},
		"diff":     {whole: diffLine},
		"markdown": {whole: markdownLine},
		"graphql": {
			delimiters: append(triples()[:1:1], hash, doubleQuoted), keys: ":", variable: '$',
			words: words("directive enum extend false fragment implements input interface mutation null on query scalar schema subscription true type union", "Boolean Float ID Int String"),
		},
		"nginx": {
			delimiters: []delimiter{hash, apart(doubleQuoted), apart(singleQuoted)}, variable: '$',
			words: words("access_log add_header alias allow auth_basic break client_max_body_size default default_type deny error_log error_page events expires gzip gzip_types http if include index keepalive_timeout limit_req listen location log_format map off on proxy_buffering proxy_cache proxy_http_version proxy_pass proxy_read_timeout proxy_set_header resolver return rewrite root sendfile server server_name set ssl_certificate ssl_certificate_key ssl_protocols stream try_files types upstream user worker_connections worker_processes", ""),
		},
		"sql": {
			delimiters: []delimiter{{open: "--", kind: Comment}, starred, {open: "'", close: "'", kind: String, lines: true}, {open: `"`, close: `"`, kind: String}}, fold: true,
			words: words("add all alter and any as asc begin between by cascade case check column commit conflict constraint create cross database default delete desc distinct do drop else end except exists explain false filter for foreign from full function grant group having if ilike in index inner insert intersect into is join key lateral left like limit materialized natural not nothing null nulls offset on or order outer over partition primary procedure references replace returning revoke right rollback row rows select set table then trigger true truncate union unique update using values view when where window with recursive",
				"bigint blob boolean bytea char date decimal double float int integer interval json jsonb numeric real serial smallint text time timestamp timestamptz uuid varchar"),
		},
		"makefile":   {delimiters: []delimiter{hash, apart(doubleQuoted), apart(singleQuoted)}, keys: ":=", variable: '$', ident: "-.%", words: words("define else endef endif export ifdef ifeq ifndef ifneq include override", "")},
		"dockerfile": {delimiters: []delimiter{hash, doubleQuoted, apart(singleQuoted)}, variable: '$', words: words("ADD ARG AS CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR", "")},
	}
}
