import { Dictionary, NIL_LIST, Struct } from "./value.ts";

/** An image as docker's client gets it to inspect. */
const tags = ["busybox:latest", "localhost:5000/app:1"];
const env = ["PATH=/bin", "X=é"];
const labels = { b: "2", "a.b": "1" };
const layers = ["sha256:aa", "sha256:bb"];

export const EXAMPLE_JSON: Readonly<Record<string, unknown>> = {
  Id: "sha256:0123456789abcdef",
  RepoTags: tags,
  RepoDigests: null,
  Created: "2024-01-02T03:04:05Z",
  Author: "a <b> & c",
  Config: { User: "", Env: env, Cmd: ["sh"], Labels: labels, Volumes: { "/data": {} }, WorkingDir: "/w" },
  Architecture: "amd64",
  Os: "linux",
  Size: 1_234_567,
  RootFS: { Type: "layers", Layers: layers },
};

const config = new Struct([
  { name: "User", value: "" },
  { name: "Env", value: env },
  { name: "Cmd", value: ["sh"] },
  { name: "Entrypoint", value: NIL_LIST },
  { name: "Labels", value: new Dictionary(Object.entries(labels), "") },
  { name: "Volumes", value: new Dictionary([["/data", new Struct([])]], new Struct([])) },
  { name: "WorkingDir", value: "/w" },
]);

/** The same for templates. */
export const EXAMPLE: Struct = new Struct([
  { name: "ID", jsonName: "Id", value: "sha256:0123456789abcdef" },
  { name: "RepoTags", value: tags },
  { name: "RepoDigests", value: NIL_LIST },
  { name: "Created", value: "2024-01-02T03:04:05Z" },
  { name: "Author", value: "a <b> & c", omitEmpty: true },
  { name: "Config", value: config },
  { name: "Architecture", value: "amd64" },
  { name: "Os", value: "linux" },
  { name: "Size", value: 1_234_567 },
  {
    name: "RootFS",
    value: new Struct([
      { name: "Type", value: "layers" },
      { name: "Layers", value: layers },
    ]),
  },
]);

/** Templates, and what docker's client (28.2, Go 1.24) prints for them with the image above. */
export const TEMPLATE_CASES: readonly (readonly [template: string, printed: string])[] = [
  ["{{.ID}}", "sha256:0123456789abcdef"],

  ["{{ .Os }}/{{ .Architecture }}", "linux/amd64"],
  ["{{json .RepoTags}}", '["busybox:latest","localhost:5000/app:1"]'],
  [
    "{{json .RepoDigests}} {{json .Config.Labels}} {{json .Author}} {{json .Size}}",
    'null {"a.b":"1","b":"2"} "a <b> & c" 1234567',
  ],
  [
    "{{.RepoDigests}}|{{.RepoTags}}|{{.Config.Labels}}|{{.RootFS}}",
    "[]|[busybox:latest localhost:5000/app:1]|map[a.b:1 b:2]|{layers [sha256:aa sha256:bb]}",
  ],
  ["{{len .RepoTags}} {{len .ID}} {{len .Config.Labels}} {{len .RepoDigests}}", "2 23 2 0"],
  [
    '{{index .RepoTags 0}} {{index .Config.Labels "a.b"}} [{{index .Config.Labels "none"}}] {{index .ID 0}}',
    "busybox:latest 1 [] 115",
  ],
  ["{{.Config.Labels.b}} {{.Config.Labels.none}}", "2 <no value>"],
  ['{{join .RepoTags ", "}} [{{join .RepoDigests ","}}]', "busybox:latest, localhost:5000/app:1 []"],
  ["{{range .RepoTags}}<{{.}}>{{end}}", "<busybox:latest><localhost:5000/app:1>"],
  ["{{range $i, $t := .RepoTags}}{{if $i}}, {{end}}{{$i}}={{$t}}{{end}}", "0=busybox:latest, 1=localhost:5000/app:1"],
  ["{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a.b=1;b=2;"],
  ["{{range .Config.Labels}}{{.}};{{end}}", "1;2;"],
  ["{{range .RepoDigests}}x{{else}}none{{end}}", "none"],
  ["{{range $i, $t := .RepoTags}}{{if eq $i 1}}{{break}}{{end}}{{$t}}{{end}}", "busybox:latest"],
  ['{{range .RepoTags}}{{if eq . "busybox:latest"}}{{continue}}{{end}}{{.}}{{end}}', "localhost:5000/app:1"],
  ["{{range 3}}{{.}}{{end}}", "012"],
  ["{{range $i := 2}}{{$i}};{{end}}", "0;1;"],
  ["{{if .RepoDigests}}yes{{else if .Size}}size{{else}}no{{end}}", "size"],
  ["{{with .Config}}{{.WorkingDir}}{{$.Os}}{{end}}", "/wlinux"],
  ["{{with .RepoDigests}}x{{else}}{{.Os}}{{end}}", "linux"],
  ["{{with .RepoDigests}}x{{else with .Config}}{{.WorkingDir}}{{else}}n{{end}}", "/w"],
  ["{{with $x := .Size}}{{$x}} {{.}}{{end}}", "1234567 1234567"],
  ['{{$x := 1}}{{$y := "a"}}{{$x = 2}}{{$x}}{{$y}}', "2a"],
  ["{{$x := 1}}{{if true}}{{$x = 5}}{{$x := 9}}{{end}}{{$x}}", "5"],
  ["{{$x := 0}}{{range .RepoTags}}{{$x = .}}{{end}}{{$x}}", "localhost:5000/app:1"],
  ["a {{- .Os -}}  b", "alinuxb"],
  ["a {{- /* comment */ -}}  b", "ab"],
  ["a{{/* c */}}b", "ab"],
  ['{{"a\\tb\\"\\x41\\u00e9\\101"}} {{`raw \\t`}}', 'a\tb"AéA raw \\t'],
  [
    "{{1}} {{-5}} {{0x1F}} {{1_000}} {{1.5}} {{1e3}} {{017}} {{0b11}} {{1e21}} {{1e-5}} {{0.000123}} {{100000000.5}}",
    "1 -5 31 1000 1.5 1000 15 3 1e+21 1e-05 0.000123 1.000000005e+08",
  ],
  [
    '{{eq 1 1}} {{eq .Os "a" "linux"}} {{ne .Os "a"}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
    "true true true true true true false",
  ],
  [
    '{{and 1 0 2}} {{or 0 "" "x"}} {{not .RepoDigests}} {{and .Os .Size}} {{or .RepoDigests "dflt"}}',
    "0 x true 1234567 dflt",
  ],
  ['{{lower "ABC"}} {{upper .Os}} {{title "hello wORLD_x foo-bar 1a"}}', "abc LINUX Hello WORLD_x Foo-Bar 1a"],
  [
    '{{split .ID ":"}} {{index (split .ID ":") 1}} {{len (split "" ",")}} {{split "abc" ""}}',
    "[sha256 0123456789abcdef] 0123456789abcdef 1 [a b c]",
  ],
  ['{{pad .Os 1 2}}| {{pad "" 1 2}}| {{truncate .ID 9}} {{truncate "ab" 9}}', " linux  | | sha256:01 ab"],
  ['{{printf "%s-%d-%v" .Os .Size .RepoTags}}', "linux-1234567-[busybox:latest localhost:5000/app:1]"],
  [
    '{{printf "%q %x %X %5s|%-5s|%05d|%+d|%.2s|%t" "a\\"b" "hi" 255 "ab" "cd" 42 7 "xyz" true}}',
    '"a\\"b" 6869 FF    ab|cd   |00042|+7|xy|true',
  ],
  [
    '{{printf "%d" "x"}} {{printf "%s" 1}} {{printf "%d"}} {{printf "x" 1}} {{printf "%z" 1}} {{printf "%"}} {{printf "100%%"}}',
    "%!d(string=x) %!s(int=1) %!d(MISSING) x%!(EXTRA int=1) %!z(int=1) %!(NOVERB) 100%",
  ],
  [
    '{{printf "%f %.2f %e %g %8.3f|%c %U %b %o %#x" 1.5 2.345 123456.789 1e10 3.14159 65 9731 5 8 255}}',
    "1.500000 2.35 1.234568e+05 1e+10    3.142|A U+2603 101 10 0xff",
  ],
  ['{{printf "%T %T %T" 1 "a" true}} {{printf "%v %v" true 1.0}}', "int string bool true 1"],
  ['{{printf "%6.2f|%-8d|%x" 3.14159 42 "é"}}', "  3.14|42      |c3a9"],
  ['{{println "a" 1 2 "b"}}', "a 1 2 b\n"],
  ['{{print "a" 1 2 "b" 3}} {{print 1 2}} {{print}}', "a1 2b3 1 2 "],
  ['{{.Os | upper | printf "%s-%s" "x"}}', "x-LINUX"],
  [
    '{{.RepoTags | json}} {{"," | join .RepoTags}}',
    '["busybox:latest","localhost:5000/app:1"] busybox:latest,localhost:5000/app:1',
  ],
  ["{{(index .RepoTags 0) | upper}}", "BUSYBOX:LATEST"],
  ["{{slice .ID 0 6}} {{slice .RepoTags 1}} {{slice .ID 7 10}}", "sha256 [localhost:5000/app:1] 012"],
  ['{{len "é"}} {{truncate "éa" 2}} {{slice "abc" 1 2}}', "2 é b"],
  ["{{.Config.Env}} {{index .Config.Env 1}}", "[PATH=/bin X=é] X=é"],
  ["{{json .Config.Volumes}} {{range $k, $v := .Config.Volumes}}{{$k}}{{end}}", '{"/data":{}} /data'],
  ["{{json .RootFS}}", '{"Type":"layers","Layers":["sha256:aa","sha256:bb"]}'],
  ['{{if and (eq .Os "linux") (gt .Size 1000)}}big{{end}}', "big"],
  ['{{if not (eq .Os "linux")}}a{{else}}b{{end}}', "b"],
  ["{{$t := index .RepoTags 1}}{{$t}}", "localhost:5000/app:1"],
  ["{{range $i, $e := .Config.Env}}{{if $i}}\n{{end}}{{$e}}{{end}}", "PATH=/bin\nX=é"],
  ["x\n{{- range .RepoTags}}\n{{.}}\n{{- end}}\n", "x\nbusybox:latest\nlocalhost:5000/app:1\n"],
  ["{{true}} {{false}} {{if false}}x{{end}}", "true false "],
  ["plain text } }} %", "plain text } }} %"],
  ["{{print nil}}", "<nil>"],
  ['{{printf "%v %s %d" nil nil nil}}', "<nil> %!s(<nil>) %!d(<nil>)"],
  ['{{json "a<b>&c\\u2028\\n\\t\\x01"}}', '"a<b>&c\\u2028\\n\\t\\u0001"'],
  ["{{eq .Size 1234567}} {{lt .Size 10}}", "true false"],
  ["{{.Config.Cmd}} {{.Config.Entrypoint}} {{json .Config.Entrypoint}} {{len .Config.Entrypoint}}", "[sh] [] null 0"],
  ["{{range $.RepoTags}}{{$.Os}}{{end}}", "linuxlinux"],
  ['{{index .RootFS.Layers 0 | printf "%.9s"}}', "sha256:aa"],
  ["{{$a := .RootFS}}{{$a.Type}} {{(print $a.Type) | upper}}", "layers LAYERS"],
  ["{{/* a */ -}}   x", "x"],
  ['{{- "x" -}}', "x"],
  ['{{index .Config.Volumes "/none"}} {{index .RepoTags 1 0}}', "{} 108"],
  [
    '{{eq "a" "b" "c"}} {{printf "%5t|%-6t|" true false}} {{printf "%3c|%-3c|" 65 66}} {{printf "%08.3f|%+.1e|% d" 3.14159 12345.678 5}} {{printf "%q" 65}} {{printf "%x" "hello"}} {{printf "%#q" "a"}}',
    "false  true|false |   A|B  | 0003.142|+1.2e+04| 5 'A' 68656c6c6f `a`",
  ],
  [
    '{{printf "%q" "\\x07\\v\\x01\\x7f\\u00e9\\n"}} {{printf "%s|%q" .RepoTags .RepoTags}}',
    '"\\a\\v\\x01\\x7fé\\n" [busybox:latest localhost:5000/app:1]|["busybox:latest" "localhost:5000/app:1"]',
  ],
  [
    '{{printf "%g %g %G %.3g %.3g %g" 1e21 1e-7 1e-7 1234.5 0.00001234 100000.0}}',
    "1e+21 1e-07 1E-07 1.23e+03 1.23e-05 100000",
  ],
];
