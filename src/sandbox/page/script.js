"use strict";
// Everything that comes from the sandbox is written as text: nothing in it can become part of the page.
const $ = (id) => document.getElementById(id);
const LINES = 500; // requests that are shown

function make(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function row(...cells) {
  const line = make("tr");
  line.append(...cells);
  return line;
}

function say(text) {
  $("state").textContent = text;
}

async function ask(path, options) {
  const answer = await fetch("/_sandbox/" + path, { cache: "no-store", ...options });
  const text = await answer.text();
  const body = text ? JSON.parse(text) : null;
  if (!answer.ok && path !== "query") throw new Error((body && body.error) || "HTTP " + answer.status);
  return { ok: answer.ok, body };
}

const post = (path, value) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: value === undefined ? undefined : JSON.stringify(value) });

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the clipboard's permission the old way is left: a selection.
    const box = make("textarea", text);
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1200);
}

// ---- who is there, and how other programs get in --------------------------------------------------

let operations = [];
let snippets = [];

function showIdentity(pairs) {
  for (const { name, value } of pairs) {
    const button = make("button", "Copy");
    button.type = "button";
    button.setAttribute("aria-label", "Copy " + name);
    button.addEventListener("click", () => copy(value, button));
    $("identity").append(make("dt", name), make("dd", value, "value"), button);
  }
}

function choose(index, focus) {
  [...$("tabs").children].forEach((tab, at) => {
    tab.setAttribute("aria-selected", at === index);
    tab.tabIndex = at === index ? 0 : -1;
    if (at === index && focus) tab.focus();
  });
  $("panel").setAttribute("aria-labelledby", "tab-" + snippets[index].name);
  $("snippet").textContent = snippets[index].text;
}

function showSnippets() {
  snippets.forEach(({ name, label }, at) => {
    const tab = make("button", label);
    tab.type = "button";
    tab.id = "tab-" + name;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => choose(at));
    $("tabs").append(tab);
  });
  $("tabs").addEventListener("keydown", (event) => {
    const all = [...$("tabs").children];
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    choose((next + all.length) % all.length, true);
  });
  $("copy-snippet").addEventListener("click", () => copy($("snippet").textContent, $("copy-snippet")));
  choose(0);
}

// ---- operations and how often each was called -----------------------------------------------------

let calls = {};

function showOperations() {
  const wanted = $("find").value.trim().toLowerCase();
  const lines = [];
  for (const op of operations) {
    const count = calls[op.id] || 0;
    const permission = op.application || op.delegated || "";
    const text = [op.id, op.method, op.path, permission, op.service, op.summary].join(" ").toLowerCase();
    if (!text.includes(wanted) || ($("called").checked && !count)) continue;
    const name = make("td", op.id);
    name.title = op.summary;
    lines.push(row(make("td", count || "", "number"), name, make("td", op.method + " " + op.path, "path"), make("td", permission, "path")));
  }
  $("operations").replaceChildren(...lines);
  const met = operations.filter((op) => calls[op.id]).length;
  $("coverage").textContent = met + " of " + operations.length + " called";
}

// ---- requests, as they come -----------------------------------------------------------------------

let read = 0; // so many requests have been read
let kept = []; // the last of them, the newest first

function shade(status) {
  return status === 0 || status >= 500 ? "bad" : status >= 400 ? "warn" : "good";
}

function showRequests() {
  const wanted = $("seek").value.trim().toLowerCase();
  const lines = [];
  for (const { record } of kept) {
    const target = record.path + (record.query ? "?" + record.query : "");
    const user = record.user || (record.authorization ? "app" : "");
    const text = [record.status, record.method, target, record.operation, user, record.fault].join(" ").toLowerCase();
    if (!text.includes(wanted)) continue;
    const status = make("td", record.status || "none", shade(record.status));
    if (record.fault) status.append(make("div", "fault " + record.fault, "warn"));
    const took = make("td", (record.duration_us / 1000).toFixed(1), "number");
    lines.push(row(status, make("td", record.method + " " + target, "path"), make("td", record.operation), make("td", user), took));
  }
  $("requests").replaceChildren(...lines);
  $("silence").hidden = kept.length > 0;
}

async function poll() {
  if (!document.hidden && !$("pause").checked) {
    try {
      const { body } = await ask("live?since=" + read);
      $("now").textContent = body.now.slice(0, 19).replace("T", " ") + "Z";
      const gone = kept.length;
      kept = kept.filter((one) => one.number >= body.first);
      body.requests.forEach((record, at) => kept.unshift({ number: body.from + at, record }));
      const changed = body.requests.length > 0 || kept.length !== gone;
      kept.length = Math.min(kept.length, LINES);
      read = body.total;
      $("total").textContent = (body.total - body.first).toLocaleString();
      if (body.calls) calls = body.calls;
      else if (body.total === body.first) calls = {};
      if (changed) {
        showRequests();
        showOperations();
        await showFaults();
      }
      if ($("state").classList.contains("bad")) {
        $("state").classList.remove("bad");
        say("");
      }
    } catch {
      $("state").classList.add("bad");
      say("The sandbox does not answer.");
    }
  }
}

// ---- faults ---------------------------------------------------------------------------------------

async function showFaults() {
  const { body } = await ask("faults");
  const lines = (Array.isArray(body) ? body : body.faults || []).map((fault) => {
    const target = fault.operation || fault.match || fault.path || "any request";
    const what = fault.kind === "answer" || !fault.kind ? fault.status : fault.kind;
    return row(make("td", target), make("td", what), make("td", fault.times === null ? "always" : fault.times - (fault.used || 0), "number"));
  });
  $("faults").replaceChildren(...lines);
}

async function addFault(event) {
  event.preventDefault();
  const what = $("fault-what").value;
  const fault = /^\d+$/.test(what) ? { status: Number(what) } : { kind: what };
  if ($("fault-operation").value.trim()) fault.operation = $("fault-operation").value.trim();
  fault.times = Number($("fault-times").value) || 1;
  if (fault.status === 429) fault.retry_after = 1;
  await post("faults", fault);
  await showFaults();
  say("Fault added.");
}

// ---- queries --------------------------------------------------------------------------------------

let table = null;

function showRows(body) {
  const head = row(...body.columns.map(({ name, type }) => {
    const cell = make("th", name);
    cell.scope = "col";
    cell.title = type;
    return cell;
  }));
  const lines = body.rows.map((cells) => row(...cells.map((text) => make("td", text, text === null ? "none" : ""))));
  const shown = make("table");
  const top = make("thead");
  const rest = make("tbody");
  top.append(head);
  rest.append(...lines);
  shown.append(top, rest);
  $("rows").replaceChildren(shown);
  $("rows").scrollTop = 0;
}

function counted(body) {
  const all = body.total.toLocaleString() + (body.total === 1 ? " row" : " rows");
  const some = body.rows.length < body.total ? "the first " + body.rows.length.toLocaleString() + " of " : "";
  const limit = body.truncated ? " (the service's limit; there are more)" : "";
  return some + all + limit + ", " + body.ms.toFixed(1) + " ms";
}

async function run() {
  const query = $("query").value;
  $("run").disabled = true;
  $("trouble").hidden = true;
  $("result").textContent = "…";
  try {
    const { ok, body } = await post("query", { query });
    table = ok ? body : null;
    if (ok) {
      showRows(body);
      $("result").textContent = counted(body);
    } else {
      showTrouble(query, body);
    }
  } catch (error) {
    table = null;
    $("result").textContent = "";
    showTrouble(query, { error: error.message });
  }
  $("csv").disabled = !table;
  $("run").disabled = false;
}

function showTrouble(query, body) {
  $("rows").replaceChildren();
  $("result").textContent = body.unsupported ? "not supported by the sandbox: " + body.unsupported : "";
  let text = body.error;
  if (body.line) {
    const line = query.split("\n")[body.line - 1] || "";
    const before = [...line].slice(0, body.column - 1).map((c) => (c === "\t" ? "\t" : " ")).join("");
    text += "\nline " + body.line + ", column " + body.column + "\n\n" + line + "\n" + before + "^";
    $("query").focus();
    $("query").setSelectionRange(body.start, body.end);
  }
  $("trouble").textContent = text;
  $("trouble").hidden = false;
}

function csv({ columns, rows }) {
  // A spreadsheet takes a cell that begins so for a formula: it is kept a text.
  const safe = (text) => (/^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.]+$/.test(text) ? "'" + text : text);
  const cell = (text) => (text === null ? "" : /[",\r\n]/.test(safe(text)) || text === "" ? '"' + safe(text).replaceAll('"', '""') + '"' : safe(text));
  return [columns.map((c) => c.name), ...rows].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

// ---- the page -------------------------------------------------------------------------------------

function guarded(work) {
  return (event) => Promise.resolve(work(event)).catch((error) => say(error.message));
}

async function start() {
  const { body } = await ask("page");
  document.title = body.tenant + " · xdrkit sandbox";
  $("tenant").textContent = body.tenant;
  operations = body.operations;
  snippets = body.snippets;
  showIdentity(body.identity);
  showSnippets();
  $("ids").append(...operations.map(({ id }) => { const one = make("option"); one.value = id; return one; }));
  $("sample").append(...body.samples.map(({ title }) => make("option", title)));
  $("query").value = body.samples[0].query;
  $("sample").addEventListener("change", () => { $("query").value = body.samples[$("sample").selectedIndex].query; });
  $("run").addEventListener("click", run);
  $("query").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!$("run").disabled) run();
  });
  $("csv").addEventListener("click", () => copy(csv(table), $("csv")));
  $("find").addEventListener("input", showOperations);
  $("called").addEventListener("change", showOperations);
  $("seek").addEventListener("input", showRequests);
  $("fault").addEventListener("submit", guarded(addFault));
  $("clear-faults").addEventListener("click", guarded(async () => {
    await ask("faults", { method: "DELETE" });
    await showFaults();
    say("No faults.");
  }));
  $("reset").addEventListener("click", guarded(async () => {
    await post("reset");
    await poll();
    await showFaults();
    say("As at the start.");
  }));
  $("advance").addEventListener("click", guarded(async () => {
    await post("advance?seconds=300");
    await poll();
    say("Five minutes have passed.");
  }));
  showOperations();
  await showFaults();
  document.body.dataset.ready = "yes";
  for (;;) {
    await poll();
    await new Promise((done) => setTimeout(done, 1000));
  }
}

guarded(start)();
