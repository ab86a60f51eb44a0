// Which names are those of files, by their spelling alone: what a claim means must not change when the file is made.

const EXTENSIONS = new Set(
  `adoc astro avif bash bat bazel bib bmp bzl c cc cfg cjs clj cljs cmake cmd coffee conf config cpp cs csproj css csv cts cu cxx
   dart db diff dockerfile ejs elm env erl ex exs fish fs fsx gif go gql gradle graphql groovy h haml hbs hcl hpp hrl hs htm html
   hxx ico inc ini ino ipynb java jpeg jpg js json json5 jsonc jsonl jsx kt kts less lhs liquid lock log lua m makefile map md
   mdx mjs mk ml mli mm mts nim nix odt org parquet patch pdf php pl plist png po proto ps1 psd1 psm1 py pyi pyx r rake rb
   rs rst sass scala scm scss sh slim sln snap sol sql sqlite sum sv svelte svg swift tcl tex tf tfvars toml ts tsv tsx twig txt
   v vb vhd vhdl vim vue wasm wat webp xhtml xlsx xml xsd xsl yaml yml zig zsh`.split(/\s+/),
);
const NAMES = new Set(
  `brewfile build caddyfile changelog codeowners containerfile copying dockerfile gemfile gnumakefile jenkinsfile justfile
   licence license makefile notice podfile procfile rakefile readme vagrantfile workspace`.split(/\s+/),
);

/** Whether nothing lies below what has such a name, such as `parser.ts`, `*.md` or `Makefile`; not `v1.2` or `MyApp.Core`. */
export function isNameOfFile(name: string): boolean {
  const lower = name.toLowerCase();
  const dot = lower.lastIndexOf(".");
  return dot > 0 ? EXTENSIONS.has(lower.slice(dot + 1)) : NAMES.has(lower);
}
