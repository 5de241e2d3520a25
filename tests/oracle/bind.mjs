// Microsoft's own parser and binder of the Kusto Query Language as a judge: reads JSON lines {"query": ...}, writes for each a line
// {"columns": [[name, type], ...]} or {"error": [message, ...]}, plus "open": true where the columns depend on rows.
//
//   node bind.mjs SCHEMA.json [PACKAGE_FOLDER] < queries.jsonl > verdicts.jsonl

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const [schemaPath, folder] = process.argv.slice(2);
const home = folder ?? dirname(createRequire(import.meta.url).resolve("@kusto/language-service-next/package.json"));
// The package is a script for browsers: it wants a global scope, not a module.
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) (0, eval)(readFileSync(join(home, file), "utf8"));

const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;
const { TableSymbol, FunctionSymbol, DatabaseSymbol, ColumnSymbol, ScalarTypes } = Symbols;
const Bridge = globalThis.Bridge;

const schema = JSON.parse(readFileSync(schemaPath, "utf8"));
const members = [];
for (const [name, columns] of Object.entries(schema.tables)) {
  const symbols = Object.entries(columns).map(([column, type]) => new ColumnSymbol.ctor(column, ScalarTypes.GetSymbol(type), null, null, null, null));
  members.push(new TableSymbol.$ctor4(name, symbols));
}

// What Defender adds to the language. The profile's column is written bare or quoted: see `quoted`.
const added = schema.functions.FileProfile.adds.map(({ name, type }) => `['${name}'] = ${type}(null)`.replace("string(null)", "''"));
const functions = [
  ["FileProfile", "(T:(*), x:string='SHA1', y:long=100)", `{ T | extend ${added.join(", ")} }`],
  ["SeenBy", "(T:(*))", "{ T | project DeviceId = '' }"],
];
for (const [name, parameters, body] of functions) members.push(new FunctionSymbol.$ctor16(name, parameters, body, null));

const database = new DatabaseSymbol.$ctor1("db", members);
const globals = GlobalState.Default.WithDatabase(database);

// `FileProfile(SHA1)` names a column where the function above takes a string.
const quoted = (query) => query.replace(/\b(FileProfile\s*\(\s*)(\[?["']?)([A-Za-z]\w*)(["']?\]?)/g, (_, head, open, name, close) => head + (open || close ? open + name + close : `"${name}"`));

const judge = (query) => {
  const code = KustoCode.ParseAndAnalyze(quoted(query), globals, null, null);
  const errors = Bridge.toArray(code.GetDiagnostics()).filter((d) => d.Severity === "Error");
  if (errors.length) return { error: errors.map((d) => d.Message) };
  const type = code.ResultType;
  if (!(type instanceof TableSymbol)) return { error: ["the answer is no table"] };
  const columns = Bridge.toArray(type.Columns).map((c) => [c.Name, c.Type.Name.startsWith("dynamic") ? "dynamic" : c.Type.Name]);
  return type.IsOpen ? { columns, open: true } : { columns };
};

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  let verdict;
  try {
    verdict = judge(JSON.parse(line).query);
  } catch (error) {
    verdict = { error: [`the judge failed: ${error.message}`] };
  }
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}
