#!/usr/bin/env node
// Loads the command. Its files are compiled with the code cache that the build made for this version of Node, if it made
// one: that halves the command's own share of its start. Without it, or when V8 refuses it, they are compiled as usual.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const loaded = new Map();

function load(file) {
  const before = loaded.get(file);
  if (before) return before.exports;
  const source = fs.readFileSync(file, "utf8");
  const cache = `${file}.${process.version}.cache`;
  const cachedData = fs.existsSync(cache) ? fs.readFileSync(cache) : undefined;
  const script = new vm.Script(`(function (exports, require, module) {${source}\n})`, { filename: file, cachedData });
  const folder = path.dirname(file);
  const module = { exports: {} };
  loaded.set(file, module);
  const requireHere = (id) => (id.startsWith("./") ? load(path.join(folder, id)) : require(id));
  script.runInThisContext()(module.exports, requireHere, module);
  load.scripts?.set(cache, script);
  return module.exports;
}

if (require.main === module) load(path.join(__dirname, "../dist/cli/entry.cjs")).start();
else module.exports = load; // the build loads the command so, to make the cache
