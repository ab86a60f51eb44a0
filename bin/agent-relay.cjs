#!/usr/bin/env node
// Loads the command. Its files are compiled with V8's code cache, which halves the command's own share of its start. A cache
// is good for one version of Node: the first run of another makes its own, where this folder may be written to. Without one,
// or when V8 refuses it, the files are compiled as usual. The verbs that are run most have caches of their own, without what
// only others call: a third less to read.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const DIST = path.join(__dirname, "../dist");
const CACHES = path.join(DIST, "cache", `${process.version}-${process.arch}`);
const OFTEN = ["send", "inbox", "unread", "hook", "claim", "check", "release", "task", "agents", "status"];
const cachesOf = (verb) => path.join(CACHES, `of-${verb}`);
const OWN = OFTEN.includes(process.argv[2]) ? cachesOf(process.argv[2]) : undefined;
const MODULES = ["core", "remote", "work"]; // of the library
const isMaker = require.main?.filename === path.join(DIST, "cli/warm.cjs"); // with a cache, it would make that one again
const loaded = new Map();
const scripts = new Map();
let isCached = true;

/** What each source in a file of dist/ exports, by the source's name. */
function chunk(name) {
  const before = loaded.get(name);
  if (before) return before.sources;
  const isModule = MODULES.includes(name);
  const file = path.join(DIST, isModule ? `${name}.js` : `cli/${name}.cjs`);
  const code = fs.readFileSync(file, "latin1");
  const text = `(function(exports,require,chunk,later){${isModule ? scriptOf(code) : code}\n})`;
  const cachedData = isMaker ? undefined : cacheOf(name);
  if (cachedData === undefined) isCached = false;
  const script = new vm.Script(text, { filename: file, cachedData });
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
  return (OWN && contentOf(path.join(OWN, name))) ?? contentOf(path.join(CACHES, name));
}

function contentOf(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Makes the caches, in a process of its own, unless another has begun to within the last minute. */
function makeCaches() {
  try {
    if (!isOurs()) return;
  } catch {
    return; // the folder is another user's, or cannot be written to
  }
  const options = { cwd: DIST, detached: true, stdio: "ignore", windowsHide: true };
  const { spawn } = require("node:child_process");
  spawn(process.execPath, [path.join(DIST, "cli/warm.cjs")], options)
    .on("error", () => {})
    .unref();
}

/** Whether it is for this run to make the caches: the first one, or where one that began to was killed. */
function isOurs() {
  if (fs.mkdirSync(CACHES, { recursive: true }) !== undefined) return true;
  const isOld = Date.now() - fs.statSync(CACHES).mtimeMs > 60_000;
  if (isOld) fs.utimesSync(CACHES, new Date(), new Date());
  return isOld;
}

function start() {
  const { start: run } = chunk("command")["src/cli/entry.ts"];
  if (!isCached) makeCaches();
  run();
}

if (require.main === module) start();
else module.exports = { CACHES, OFTEN, cachesOf, chunk, scripts };
