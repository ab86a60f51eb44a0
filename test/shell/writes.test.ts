import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plainWrites } from "../../src/shell/writes.ts";
import { tempDir } from "../support/cli.ts";
import { processorTime } from "../support/cpu-time.ts";
import { rounds } from "../support/scale.ts";

const pathsIn = (command: string) => plainWrites(command).map((write) => write.path);
const NOTHING: string[] = [];
const SIZE = rounds(1_000_000);

const FOUND: Readonly<Record<string, readonly (readonly [command: string, writes: readonly string[]])[]>> = {
  redirections: [
    ["echo x > a", ["a"]],
    ["echo x>a", ["a"]],
    ["> a", ["a"]],
    ["echo x >> a; cat x 2>> b", ["a", "b"]],
    ["echo x >| a", ["a"]],
    ["echo x &> a; echo x &>> b; echo x >& c", ["a", "b", "c"]],
    ["> a echo x", ["a"]],
    ["echo x 2> a 1> b", ["a", "b"]],
    ["echo x > 2", ["2"]],
    ["{ echo x; echo y; } > a", ["a"]],
    ["for i in 1 2; do echo $i; done > a", ["a"]],
    ["(echo x) > a", ["a"]],
    ["echo x > /w/a", ["/w/a"]],
    ["cat < a", NOTHING],
    ["cat <> a", NOTHING],
    ["echo x >&2", NOTHING],
    ["echo x 2>&1 >&-", NOTHING],
    ["echo x > /dev/null 2> /dev/stderr", NOTHING],
    ["echo x '>' a", NOTHING],
    ["echo 'x > a' \"> b\"", NOTHING],
    ["echo x \\> a", NOTHING],
    ["cat <<< 'x > a'", NOTHING],
  ],
  tee: [
    ["echo x | tee a b", ["a", "b"]],
    ["echo x | tee -a a > b", ["b", "a"]],
    ["echo x | tee --append -- -b", ["-b"]],
    ["echo x | sudo tee a", ["a"]],
    ["echo x | tee -", NOTHING],
    ["tee >(cat > a) b", ["b"]],
  ],
  "sed -i": [
    ["sed -i s/p/y/ a b", ["a", "b"]],
    ["sed -i.bak s/x/y/ a", ["a"]],
    ["sed --in-place=.bak s/x/y/ a", ["a"]],
    ["sed -ni p a", ["a"]],
    ["sed -i -n 5p a", ["a"]],
    ["sed s/x/y/ a -i", ["a"]],
    ["sed -i '' s/x/y/ a", ["a"]],
    ["sed -i -e s/x/y/ -e s/y/z/ a", ["a"]],
    ["sed -i -es/x/y/ a", ["a"]],
    ["sed -ie s/x/y/ a", ["a"]],
    ["sed -i -f script a", ["a"]],
    ["sed -i --expression=p a; sed -i --expression p b", ["a", "b"]],
    ["sed -i s/[xy].*/z/ a", ["a"]],
    ['sed -i "s/x/$y/" a', ["a"]],
    ["sed -i -- s/x/y/ -a", ["-a"]],
    ["sed s/x/y/ a", NOTHING],
    ["sed -n p a", NOTHING],
    ["sed -i $script a", NOTHING],
    ["sed -i $(cat script) a b", NOTHING],
    ["sed -i -e $script a", NOTHING],
  ],
  "mv and cp": [
    ["mv a b", ["a", "b"]],
    ["cp a b", ["b"]],
    ["cp -r a b c", ["c"]],
    ["cp -a -- -a b", ["b"]],
    ["cp -t d a b", ["d"]],
    ["cp -vt d a", ["d"]],
    ["mv --target-directory=d a", ["a", "d"]],
    ["mv --target-directory d a", ["a", "d"]],
    ["cp -S .old a b", ["b"]],
    ["cp *.c d", ["d"]],
    ["mv $x b", ["b"]],
    ["mv a $x", ["a"]],
    ["cp a", NOTHING],
    ["cp a $x", NOTHING],
    ["cp -n a b; mv -u a b; cp --no-clobber a b; cp --parents a/b c", NOTHING],
    ["cp -t $d a", NOTHING],
  ],
  rm: [
    ["rm -rf a b/", ["a", "b/"]],
    ["rm -- -a", ["-a"]],
    ["rm --help a; tee --version b; rm -Z c", NOTHING],
    ["rm a; exit 0; rm b", ["a"]],
    ["test -e a || exit 1; rm b", ["b"]],
    ["(exit 1); rm b", ["b"]],
    ["if x; then exit 1; fi; rm b", ["b"]],
    ["rm a $b *.c ~/d {e,f} g?", ["a"]],
    ["\\rm a; /bin/rm b; command rm c; A=1 env B=2 rm d; ! rm e; time rm f", ["a", "b", "c", "d", "e", "f"]],
    ["if rm a; then rm b; else rm c; fi; while rm d; do rm e; done", ["a", "b", "c", "d", "e"]],
    ["echo rm a; git rm a; ./rm a; 'rm a'; \"!\" rm a; xrm a; $rm a", NOTHING],
  ],
  "names in quotes": [
    ["rm 'a b' \"c d\" e\\ f g'h i'\"j\"", ["a b", "c d", "e f", "gh ij"]],
    ['rm \'a$b\' \'c*\' \\$d \\* "e\\$f" "g\\\\h" "i\\j"', ["a$b", "c*", "$d", "*", "e$f", "g\\h", "i\\j"]],
    ["rm a~ b#c d=e f!", ["a~", "b#c", "d=e", "f!"]],
    ['rm "$a" "`b`" "c$(d)" $\'e\\n\' $"f"', NOTHING],
    ["rm a\\\nb \\\nc", ["ab", "c"]],
    ['rm "a\\\nb"', ["ab"]],
    ["rm a\u00a0b c\fd 日本", ["a\u00a0b", "c\fd", "日本"]],
    ["echo $'it\\'s > a' > b", ["b"]],
    ["rm a'b", NOTHING],
    ['rm "a', NOTHING],
    ["rm a; echo 'x\nrm b", ["a"]],
    ["rm a\\", NOTHING],
  ],
  "what is run, or reckoned, in place of a word": [
    ["echo $(rm a) rm b > c", ["c"]],
    ["echo `rm a` rm b", NOTHING],
    ['echo "$(echo ")" > a)" > b', ["b"]],
    ["echo $((1 > 0)) > a; ((x > 3)) && rm b; for ((i = 0; i > 5; i++)); do rm c; done", ["a", "b", "c"]],
    ["echo $[x > 3] > a", ["a"]],
    ["[[ x > a && (b < c) ]] && rm d", ["d"]],
    ["[ x > a ]", ["a"]],
    [`echo $\{x:->a} $\{y%)} $\{z:-'> b}'} > c`, ["c"]],
    [`echo "$\{x:-it's}" > a`, ["a"]],
    ["diff <(sort a) <(rm b) rm c > d", ["d"]],
    ["x=$(cat a) rm b", ["b"]],
    ["list=(rm a); rm b", NOTHING],
    ["rm @(a|b); rm c", NOTHING],
    [`git commit -m "$(cat <<'EOF'\nSay "x > a and it's (b\nrm c\nEOF\n)" && rm d`, ["d"]],
    ["echo $(case x in x) rm a;; esac) ; rm b", NOTHING],
  ],
  "here-documents": [
    ["cat > a <<EOF\nrm b\n> c\nEOF\nrm d", ["a", "d"]],
    ["cat <<'E F' > a\nrm b\nE F\nrm c", ["a", "c"]],
    ["cat <<EOF\n  EOF\nrm a\nEOF\nrm b", ["b"]],
    ["cat <<-EOF\nrm a\n\t\tEOF\nrm b", ["b"]],
    ["cat <<A <<B\nrm a\nA\nrm b\nB\nrm c", ["c"]],
    ["cat <<EOF\nx\\\nEOF\nrm a\nEOF\nrm b", ["b"]],
    ["cat <<'EOF'\nx\\\nEOF\nrm a", ["a"]],
    ["cat <<$(x)\nrm a\n$(x)\nrm b", ["b"]],
    ["cat <<EOF\nrm a", NOTHING],
    ["cat <<EOF | tee a\nrm b\nEOF", ["a"]],
    ["cat > a <<EOF\r\nrm b\r\nEOF\r\nrm c\r\n", ["a", "c"]],
  ],
  "commands in a row": [
    ["rm a && rm b || rm c; rm d & rm e | rm f |& rm g\nrm h\r\nrm i", [..."abcdefghi"]],
    ["# rm a\nrm b # rm c > d\nrm e", ["b", "e"]],
    ["{ rm a; }; (rm b; (rm c)); rm d", [..."abcd"]],
    ["f() { rm a; }; rm b", NOTHING],
    ["function f { rm a; }; rm b", NOTHING],
    ["rm a; case $x in (b) rm c;; esac", ["a"]],
    ["rm a; case $x in b) rm c;; esac", ["a"]],
    ["coproc rm a", NOTHING],
    ["rm a )\nrm b", ["a"]],
  ],
  folders: [
    ["cd s && rm a /b", ["s/a", "/b"]],
    ["cd s; rm a; cd ../t; rm b", ["s/a", "s/../t/b"]],
    ["cd /s && rm a", ["/s/a"]],
    ["cd -- s && cd -P t && rm a", ["s/t/a"]],
    ["(cd s && rm a); rm b", ["s/a", "b"]],
    ["(cd s; (cd t; rm a); rm b); rm c", ["s/t/a", "s/b", "c"]],
    ["cd s > a", ["a"]],
    ["cd s | rm a; rm b", ["a", "b"]],
    ["cd s && make & rm a", ["a"]],
    ["cd s && if true; then rm a\nfi & rm b", ["s/a", "b"]],
    ["cd s || { make; rm a; }; rm b", ["s/b"]],
    ["{ cd s && rm a; } & rm b", ["s/a", "b"]],
    ["cd s; { cd t && rm a & rm b; }; rm c", ["s/t/a", "s/b", "s/c"]],
    ["cd s &&\n\nrm a", ["s/a"]],
    ["cd s || exit 1\nrm a", ["s/a"]],
    ["cd s && (make)\nrm a", ["s/a"]],
    ["mkdir -p s && cd s && rm a", ["s/a"]],
    ["cd s && cp a . && rm -r .", ["s/.", "s/."]],
    ["cd s || rm a", NOTHING],
    ["! cd s && rm a", NOTHING],
    ["test -d s && cd s; rm a", NOTHING],
    ["if x; then cd s; fi; rm a", NOTHING],
    ["{ cd s; }; rm a /b", ["/b"]],
    ["while cd s; do rm a; done; rm b", NOTHING],
    ["echo | cd s; rm a", NOTHING],
    ["cd; rm a", NOTHING],
    ["cd -; rm a", NOTHING],
    ["cd $s && rm a > b; rm /c", ["/c"]],
    ["cd s t; rm a", NOTHING],
    ["pushd s; rm a; popd; rm b", NOTHING],
    [". ./x; rm a; eval cd s; rm b", NOTHING],
  ],
  patches: [
    [
      "cd s && apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a b\n*** Move to: c\n@@\n-x\n*** End Patch\nEOF\n",
      ["s/a b", "s/c"],
    ],
    ["apply_patch '*** Begin Patch\n*** Add File: a\n+x\n*** Delete File: b\n*** End Patch'", ["a", "b"]],
    ["cat > doc <<'EOF'\n*** Begin Patch\n*** Add File: a\n*** End Patch\nEOF", ["doc"]],
    ["apply_patch < file", NOTHING],
  ],
};

describe.each(Object.entries(FOUND))("%s", (_, cases) => {
  test.each(cases)("%j writes %j", (command, writes) => {
    expect(pathsIn(command)).toEqual(writes);
  });
});

describe("what is put into a folder", () => {
  test.each([
    ["cp x/a b/ d", ["a", "b"]],
    ["mv -t d x/a b", ["a", "b"]],
    ["cp -r . d", ["."]],
    ["cp -r x/.. d", ["."]],
    ["cp *.c $x d", []],
    ["cp a $x d", ["a"]],
  ])("%j puts there %j", (command, names) => {
    expect(plainWrites(command).find((write) => write.path === "d")?.names).toEqual(names);
  });

  test("is not so where the target is said to be no folder", () => {
    expect(plainWrites("cp -T a d")).toEqual([{ path: "d" }]);
  });
});

const OLD = new Date(1000);

/** Which of these files bash really writes: changes, or takes away. They are there before, for it to act on. */
function reallyWritten(command: string, files: readonly string[], within = "."): string[] {
  const dir = tempDir();
  const cwd = path.join(dir, within);
  fs.mkdirSync(cwd, { recursive: true });
  for (const file of [...files, "script"].map((each) => path.join(cwd, each))) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, "p\n");
    fs.utimesSync(file, OLD, OLD);
  }
  spawnSync("bash", ["-c", `${command}\nwait`], {
    cwd,
    stdio: "ignore",
    env: { PATH: process.env.PATH, HOME: cwd, OLDPWD: cwd },
  });
  const stat = (file: string) => fs.statSync(path.join(cwd, file), { throwIfNoEntry: false });
  return files.filter((file) => stat(file)?.mtimeMs !== OLD.getTime());
}

describe("bash", () => {
  const real = ["redirections", "sed -i", "rm", "names in quotes", "here-documents", "folders"].flatMap((group) =>
    (FOUND[group] ?? []).filter(
      ([command, writes]) =>
        writes.length > 0 && !/\b(make|exit|time|if|while)\b|(^| )\/\w|rm -r|\r|echo 'x/.test(command),
    ),
  );

  test.each(real)("really writes by %j what is found: %j", (command, writes) => {
    expect(reallyWritten(command, writes)).toEqual(writes);
  });
});

// In each of these folders are files a, b and c; commands begin in the fifth, and none goes further than 5 up or 10 down.
const LEVELS = Array.from({ length: 17 }, (_, level) => path.join(...Array<string>(level).fill("s"), "."));
const file = fc.constantFrom("a", "'b'", '"c"', "\\a", "s/a", "s/../b", "./s/s/c");
const simple = fc.oneof(
  file.map((name) => `echo y > ${name}`),
  file.map((name) => `printf %s "$(echo 'y > a')" >> ${name}`),
  file.map((name) => `rm -f ${name}`),
  file.map((name) => `echo y | tee -a ${name}`),
  file.map((name) => `echo y > ${name} && sed -i s/y/z/ ${name}`),
  file.map((name) => `cat > ${name} <<'E'\nrm a\n E\nE\n`),
  fc.constantFrom("cd s", "cd s/s", "cd ..", "cd $OLDPWD", "cd .", "false || true"),
  fc.constantFrom(
    "true",
    "echo 'rm a > b'",
    "[[ x > a ]]",
    "echo $((2>1))",
    "x=$(echo rm a)",
    "# rm a\n:",
    "f() { rm a; }",
  ),
);
const join = fc.constantFrom(" && ", "; ", "\n", " & wait; "); // else two jobs may take away what the other writes
const grouped = fc.oneof(
  { weight: 4, arbitrary: simple },
  simple.map((one) => `(${one}\n)`),
  simple.map((one) => `{ ${one}\n}`),
  simple.map((one) => `if true; then ${one}\nfi`),
  fc.tuple(simple, join, simple).map(([one, between, two]) => `{ ${one}${one.endsWith("\n") ? "" : between}${two}\n}`),
);
const script = fc
  .array(fc.tuple(grouped, join), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.map(([part, join]) => (part.endsWith("\n") ? part : part + join)).join(""))
  .map((text) => `${text} true`);

describe("whatever the command", () => {
  test("nothing is found that bash does not write", () => {
    let total = 0;
    fc.assert(
      fc.property(script, (command) => {
        const begin = LEVELS[5] ?? "";
        const paths = pathsIn(command).map((each) => path.relative(begin, path.join(begin, each)));
        const found = [...new Set(paths)];
        total += found.length;
        const all = LEVELS.flatMap((level) => ["a", "b", "c"].map((name) => path.join(level, name)));
        const written = reallyWritten(
          command,
          all.map((each) => path.relative(begin, each)),
          begin,
        );
        expect(
          found.filter((each) => !written.includes(each)),
          command,
        ).toEqual([]);
      }),
      { numRuns: 100 },
    );
    expect(total, "and something is found at all").toBeGreaterThan(50);
  });

  test("it never throws", () => {
    const bits = fc.constantFrom(
      ..."'\"`$(){}[]<>&|;\\#~\n\r\t -=!*?",
      "<<",
      "$(",
      "${",
      "$((",
      "cd ",
      "rm ",
      "sed -i ",
      "cp ",
      "EOF",
      "a",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(bits, { maxLength: 40 }).map((all) => all.join("")),
        ),
        (command) => {
          expect(plainWrites(command).every((write) => write.path !== "")).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test.each([
    ...[
      "a",
      " ",
      "\n",
      "'",
      '"',
      "`",
      "$",
      "(",
      "((",
      ")",
      "{",
      "[[ ",
      "<",
      ">",
      "<<a ",
      "<<a\n",
      "\\",
      "#",
      "&",
      "|",
      ";",
      "-a ",
    ],
    ...[
      "$(",
      "${",
      "$((",
      "$[",
      "$'",
      '"$(',
      '"${a:-',
      '`"',
      "<(",
      "a=(",
      "f()",
      "cd a && ",
      "cd a;",
      "(cd a;",
      "{ ",
      "if ",
    ],
    ...[
      "rm a ",
      "rm -a ",
      "rm a;",
      "sed -i -e a ",
      "cp -t a ",
      "cp a -- ",
      "mv a/ ",
      "//",
      "[[ a ",
      "x [[ ",
      "A=1 ",
      "\t",
      "\r\n",
      "日",
    ],
  ])(`${SIZE} bytes of %j are read in one go`, (bit) => {
    for (const begin of ["", 'cat > a <<E\nE\nrm "']) {
      const { ms } = processorTime(() => plainWrites(begin + bit.repeat(SIZE / bit.length)));
      expect(ms).toBeLessThan(SIZE / 100); // 1 MB takes 1 s; what looks back at each step, minutes
    }
  });
});
