#!/usr/bin/env node
// Loads the command. Its files are compiled with V8's code cache, which halves the command's own share of its start. A cache
// is good for one version of Node: the first run of another makes its own, where this folder may be written to. Without one,
// or when V8 refuses it, the files are compiled as usual.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const DIST = path.join(__dirname, "../dist");
const CACHES = path.join(DIST, "cache", `${process.version}-${process.arch}`);
const MODULES = ["core", "remote", "work"]; // of the library
const loaded = new Map();
const scripts = new Map();

/** What each source in a file of dist/ exports, by the source's name. */
function chunk(name) {
  const before = loaded.get(name);
  if (before) return before.sources;
  const isModule = MODULES.includes(name);
  const file = path.join(DIST, isModule ? `${name}.js` : `cli/${name}.cjs`);
  const code = fs.readFileSync(file, "latin1");
  const text = `(function(exports,require,chunk,later){${isModule ? scriptOf(code) : code}\n})`;
  const script = new vm.Script(text, { filename: file, cachedData: cacheOf(name) });
  const exported = {};
  loaded.set(name, exported);
  script.runInThisContext()(exported, require, chunk, later);
  scripts.set(name, script);
  return exported.sources;
}

async function later(name) {
  return chunk(name);
}

/** A module of the library, without its first line, which imports, and its last, which exports. */
function scriptOf(code) {
  const end = code.lastIndexOf("\nexport{");
  const name = /([\w$]+) as sources\b/.exec(code.slice(end))[1];
  return `${code.slice(code.indexOf("\n"), end)}\nexports.sources=${name}`;
}

function cacheOf(name) {
  try {
    return fs.readFileSync(path.join(CACHES, name));
  } catch {
    return undefined;
  }
}

/** Makes the caches, in a process of its own, if nobody has begun to. */
function makeCaches() {
  try {
    if (fs.existsSync(CACHES)) return;
    fs.mkdirSync(path.dirname(CACHES), { recursive: true });
    fs.mkdirSync(CACHES);
  } catch {
    return; // it is another user's, or another run was faster
  }
  const options = { cwd: DIST, detached: true, stdio: "ignore", windowsHide: true };
  const { spawn } = require("node:child_process");
  spawn(process.execPath, [path.join(DIST, "cli/warm.cjs")], options)
    .on("error", () => {})
    .unref();
}

function start() {
  const { start: run } = chunk("command")["src/cli/entry.ts"];
  makeCaches();
  run();
}

if (require.main === module) start();
else module.exports = { CACHES, chunk, scripts };
