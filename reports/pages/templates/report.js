"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { statuses, grades, outcomes, columns, rows, texts, kinds } = data;
  const PASS = statuses.findIndex((s) => s.name === "pass");
  const PARTIAL = statuses.findIndex((s) => s.name === "partial");
  const NEVER = statuses.findIndex((s) => s.name === "never");
  const text = (index) => (index === null ? null : texts[index]);
  const $ = (id) => document.getElementById(id);
  const unique = (list) => [...new Set(list)];

  const backends = unique(columns.map((c) => c[0]));
  const modes = unique(columns.map((c) => c[1]));
  const roadsOf = columns.map(([b, m, road]) => ({
    backend: [b], mode: [m], frontend: ["export"], transform: ["none"], level: ["torch-mlir"], legal: [], ...road,
  }));
  const families = unique(rows.map((r) => r.family));
  const dtypes = unique(rows.flatMap((r) => r.cells.flatMap((c) => (c ? c.d.map((d) => text(d[0])) : []))));

  const table = $("matrix"), main = $("main"), panel = $("panel"), filter = $("filter");
  const trs = [...table.querySelectorAll("tr[data-row]")];
  const tds = trs.map((tr) => [...tr.querySelectorAll("td")]);
  const bodies = [...table.tBodies];
  const modeHeads = [...table.querySelectorAll("th[data-column]")];
  const backendHeads = [...table.querySelectorAll("th[data-backend]")];

  let view = { shown: rows.map(() => true), visible: columns.map(() => true), wanted: null };
  let open = null;   // [row, column] of the cell that the panel shows, null if the panel is closed
  let current = [0, 0];  // [row, column] of the one cell that the Tab key reaches

  // filter ----------------------------------------------------------------------------------------------------------

  // The filter takes the language of --where (query.js). Beside its fields there are some of whole cells, as they are shown.
  const MORE = ["is", "only", "grade", "change"];
  const WORD = "word";
  const causeIds = unique(rows.flatMap((row) => row.cells.flatMap((c) => (c && c.y ? c.y.map(([id]) => text(id)) : []))));
  const names = {
    ...data.names, cause: causeIds, op: rows.map((row) => row.op), family: families, backend: backends, only: backends,
    plain: [...data.names.plain, ...statuses.map((s) => s.name), "right", "fails"],
    is: [...statuses.map((s) => s.name), "fails", "decomposed"], grade: grades.map((g) => g.name), change: kinds,
  };
  const results = data.results.map((result) => result.map((values) => values.map(text)));
  const traits = data.traits.map((values) => values.map(text));

  // What a cell shows of these dtypes (null for all): [index of the status, passed, total, severity].
  function shownOf(cell, wanted) {
    if (!cell) return [NEVER, 0, 0, null];
    if (!wanted) return [cell.s, cell.n, cell.m, cell.g];
    const parts = cell.d.filter((d) => wanted.includes(text(d[0])));
    const status = parts.length === 1 ? parts[0][1] : joined(parts);
    const worst = parts.filter((d) => d[5] !== null && (d[1] === status || statuses[status].name === "wrong")).map((d) => d[5]);
    const sum = (i) => parts.reduce((total, d) => total + d[i], 0);
    return [status, sum(2), sum(3), worst.length ? Math.min(...worst) : null];
  }

  // The status of several dtypes together, as reports/fold/status.py decides it.
  function joined(parts) {
    const { grave, good, free, of } = data.decide;
    const seen = new Set(parts.flatMap((d) => d[4].map(([outcome]) => outcome)));
    for (const outcome of grave) if (parts.some((d) => d[1] === of[outcome])) seen.add(outcome);
    if (!seen.size) return NEVER;
    const passes = good.some((outcome) => seen.has(outcome));
    const worst = outcomes.findIndex((_, outcome) => seen.has(outcome) && (!passes || grave.includes(outcome)));
    if (worst >= 0) return of[worst];
    return [...seen].every((outcome) => good.includes(outcome) || free.includes(outcome)) ? PASS : PARTIAL;
  }

  function onlyFails(row, backend, wanted, visible) {
    return modes.some((mode) => {
      if (!columns.some((column, c) => column[1] === mode && visible[c])) return false;
      let short = false, others = 0;
      for (let c = 0; c < columns.length; c++) {
        if (columns[c][1] !== mode) continue;
        if (["frontend", "control"].includes(columns[c][0]) && columns[c][0] !== backend) continue;
        const status = shownOf(row.cells[c], wanted)[0];
        if (columns[c][0] === backend) short = statuses[status].fails;
        else if (status === PASS) others += 1;
        else return false;
      }
      return short && others > 0;
    });
  }

  // Whether a query holds for a sample of a cell. Cells are asked before their samples: most queries need no more.
  function holds(asked, row, cell, facts) {
    const verdict = asked.verdict(facts);
    if (verdict !== null || !cell) return verdict === true;
    return cell.d.some((part, i) => {
      facts.dtype = [text(part[0])];
      facts.status = [statuses[part[1]].name];
      const verdict = asked.verdict(facts);
      if (verdict !== null) return verdict;
      const [group, found] = cell.f[i], [, , ids, plain, traitsOf] = row.g[group];
      const id = asked.fields.has("id") ? ids.split(" ") : [];
      return traitsOf.some((trait, sample) => {
        const result = typeof found === "number" ? found : found[sample];
        if (result < 0) return false;
        const [outcome, stage, culprit, severity, executor] = results[result];
        const of = sample === plain ? ["yes", ...plainIs(cell)] : ["no"];
        return asked.verdict({ ...facts, id: [id[sample]], plain: of, trait: traits[trait], outcome, stage, culprit, severity, executor });
      });
    });
  }

  // What became of the plain call of a cell, in the words that the filter takes.
  function plainIs(cell) {
    const status = cell.p === null ? null : statuses[cell.p];
    return status ? [status.name, ...(status.name === "pass" ? ["right"] : []), ...(status.fails ? ["fails"] : [])] : [];
  }

  // For each column whether a query holds for a sample in its cell.
  function matches(row, asked, visible, wanted) {
    const facts = { op: [row.op], family: [row.family], [WORD]: [`${row.op} ${row.family}`] };
    if (asked.fields.has("only")) facts.only = backends.filter((backend) => onlyFails(row, backend, wanted, visible));
    return row.cells.map((cell, c) => {
      if (!visible[c]) return false;
      const [status, , , grade] = shownOf(cell, wanted), s = statuses[status];
      return holds(asked, row, cell, {
        ...facts, ...roadsOf[c],
        is: [s.name, ...(s.fails ? ["fails"] : []), ...(row.gone ? ["decomposed"] : [])],
        grade: grade === null ? [] : [grades[grade].name], cause: cell && cell.y ? cell.y.map(([id]) => text(id)) : [], change: cell && cell.v ? [kinds[cell.v[0]]] : [],
      });
    });
  }

  const EVERYTHING = { fields: new Set(), verdict: () => true };

  function ask(query) {
    try { return [query.trim() ? opcovQuery.parse(query, names, kinds.length ? MORE : MORE.slice(0, -1), WORD) : EVERYTHING, ""]; }
    catch (error) { return [EVERYTHING, error.message]; }
  }

  // Show what a query selects; where it is none, say why and hide nothing.
  function apply(query) {
    const [asked, error] = ask(query);
    $("error").textContent = error;
    if (error) filter.setAttribute("aria-invalid", "true");
    else filter.removeAttribute("aria-invalid");
    const mayHold = (facts) => asked.verdict(facts) !== false;
    const visible = roadsOf.map(mayHold);
    const within = dtypes.filter((dtype) => mayHold({ dtype: [dtype] }));
    const wanted = within.length === dtypes.length ? null : within;
    const changed = String(wanted) !== String(view.wanted);
    const hits = rows.map((row) => matches(row, asked, visible, wanted));
    view = { shown: hits.map((row) => row.some(Boolean)), visible, wanted };
    if (changed) rows.forEach((row, r) => row.cells.forEach((cell, c) => repaint(tds[r][c], shownOf(cell, wanted))));
    tds.forEach((line, r) => line.forEach((td, c) => td.classList.toggle("miss", !hits[r][c])));
    show(asked !== EVERYTHING);
    measure();
  }

  function repaint(td, [status, passed, total, grade]) {
    const s = statuses[status], g = grade === null ? null : grades[grade];
    td.className = `s-${s.name}${g ? ` g-${g.name}` : ""}`;
    td.firstChild.textContent = s.symbol + (g ? g.symbol : "");
    while (td.childNodes.length > 1) td.lastChild.remove();
    if (total) td.append(`${passed}/${total}`);
    td.setAttribute("aria-label", s.name + (g ? `, fails ${g.words}` : "") + (total ? `, ${passed} of ${total} passed` : ""));
  }

  function show(filtering) {
    table.classList.toggle("filtering", filtering);
    trs.forEach((tr, r) => { tr.hidden = !view.shown[r]; });
    modeHeads.forEach((th, c) => { th.hidden = !view.visible[c]; });
    backendHeads.forEach((th) => {
      const span = columns.filter(([b], c) => b === th.dataset.backend && view.visible[c]).length;
      th.hidden = !span;
      th.colSpan = span || 1;
    });
    tds.forEach((line) => line.forEach((td, c) => { td.hidden = !view.visible[c]; }));
    bodies.forEach((body) => {
      const own = rows.flatMap((row, r) => (row.family === body.dataset.family && view.shown[r] ? [row] : []));
      body.hidden = !own.length;
      if (filtering) unfold(body, true);
      [...body.rows[0].querySelectorAll("td")].forEach((td, c) => {
        td.hidden = !view.visible[c];
        const good = own.filter((row) => shownOf(row.cells[c], view.wanted)[0] === PASS).length;
        td.textContent = `${good}/${own.length}`;
        td.title = `${good} of ${own.length} ops pass`;
      });
    });
    const count = view.shown.filter(Boolean).length;
    const dtype = view.wanted ? `, ${view.wanted.join(", ")} alone` : "";
    $("count").textContent = (count === rows.length ? `${count} ops` : `${count} of ${rows.length} ops`) + dtype;
    $("none").hidden = count > 0;
    mark();
    reachable();
  }

  // the view in the page's address ----------------------------------------------------------------------------------

  let written = null;

  function address() {
    const parts = new URLSearchParams();
    if (filter.value.trim()) parts.set("q", filter.value.trim());
    if (open) parts.set("cell", [rows[open[0]].op, ...columns[open[1]]].join(","));
    written = parts.toString() ? `#${parts}` : "";
    const url = location.href.split("#")[0] + written;
    try { history.replaceState(null, "", url); } catch { location.hash = written; }
  }

  function follow() {
    if (location.hash === written) return;
    const parts = new URLSearchParams(location.hash.slice(1));
    filter.value = parts.get("q") || "";
    apply(filter.value);
    const [op, backend, mode] = (parts.get("cell") || "").split(",");
    const r = rows.findIndex((row) => row.op === op);
    const c = columns.findIndex(([b, m]) => b === backend && m === mode);
    if (r >= 0 && c >= 0) { reveal(r, c); show_panel(r, c); }
    else {
      if (op) $("error").textContent = `no such cell: ${parts.get("cell")}`;
      hide_panel();
    }
    if (parts.get("cause")) show_cause(parts.get("cause"));
    written = location.hash;
  }

  // causes ----------------------------------------------------------------------------------------------------------

  function show_cause(id) {
    const line = document.getElementById(id);
    if (!line || !line.closest(".causes")) { $("error").textContent = `no such cause: ${id}`; return; }
    document.querySelectorAll("tr.found").forEach((tr) => tr.classList.remove("found"));
    line.classList.add("found");
    $("causes").open = true;
    line.closest("details").open = true;
    line.scrollIntoView({ block: "center" });
    measure();
  }

  // Sort a table by a column: numbers the largest first, a second time the smallest; the causes in their own order.
  function sort(button) {
    const head = button.closest("th"), body = button.closest("table").tBodies[0], column = Number(button.dataset.column);
    const down = column > 0 && head.getAttribute("aria-sort") !== "descending";
    const key = (tr) => Number(tr.cells[column].dataset.sort);
    const sorted = [...body.rows].sort((a, b) => (down ? key(b) - key(a) : key(a) - key(b)) || Number(a.cells[0].dataset.sort) - Number(b.cells[0].dataset.sort));
    head.parentNode.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...sorted);
  }

  $("causes").addEventListener("click", (event) => {
    const button = event.target.closest("th button");
    if (button) sort(button);
    if (event.target.closest("tr a[href^='#q']")) addEventListener("hashchange", () => $("filter").scrollIntoView(), { once: true });
  });

  // keys and focus --------------------------------------------------------------------------------------------------

  const usable = (r, c) => view.shown[r] && view.visible[c] && !trs[r].closest("tbody").classList.contains("folded");

  function reachable() {
    let [r, c] = current;
    if (!usable(r, c)) {
      r = rows.findIndex((_, i) => view.visible.some((_, j) => usable(i, j)));
      c = view.visible.indexOf(true);
    }
    if (r < 0 || c < 0) return;
    tds[current[0]][current[1]].tabIndex = -1;
    current = [r, c];
    tds[r][c].tabIndex = 0;
  }

  function focus(r, c) {
    tds[current[0]][current[1]].tabIndex = -1;
    current = [r, c];
    tds[r][c].tabIndex = 0;
    tds[r][c].focus();
  }

  function reveal(r, c) {
    unfold(trs[r].closest("tbody"), true);
    if (!usable(r, c)) { filter.value = ""; apply(""); }
    tds[current[0]][current[1]].tabIndex = -1;
    current = [r, c];
    tds[r][c].tabIndex = 0;
    tds[r][c].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function step([r, c], dr, dc) {
    do { r += dr; c += dc; } while (r >= 0 && r < rows.length && c >= 0 && c < columns.length && !usable(r, c));
    return r >= 0 && r < rows.length && c >= 0 && c < columns.length ? [r, c] : null;
  }

  function edge(r, last) {
    const found = columns.map((_, c) => c).filter((c) => usable(r, c));
    return [r, last ? found[found.length - 1] : found[0]];
  }

  table.addEventListener("keydown", (event) => {
    const td = event.target.closest("tr[data-row] td");
    if (!td || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = place(td);
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    let next = null;
    if (event.key in moves) next = step(at, ...moves[event.key]);
    else if (event.key === "Home") next = edge(at[0], false);
    else if (event.key === "End") next = edge(at[0], true);
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(...at); return; }
    else return;
    event.preventDefault();
    if (!next) return;
    focus(...next);
    if (open) choose(...next);
  });

  const place = (td) => {
    const r = Number(td.parentNode.dataset.row);
    return [r, tds[r].indexOf(td)];
  };

  table.addEventListener("click", (event) => {
    const fold = event.target.closest(".family button");
    if (fold) {
      const body = fold.closest("tbody");
      unfold(body, body.classList.contains("folded"));
      reachable();
      return;
    }
    const td = event.target.closest("tr[data-row] td");
    if (td) { focus(...place(td)); choose(...place(td)); }
  });

  function unfold(body, yes) {
    body.classList.toggle("folded", !yes);
    body.querySelector("button").setAttribute("aria-expanded", String(yes));
  }

  $("fold").addEventListener("click", () => {
    const fold = $("fold").getAttribute("aria-pressed") !== "true";
    $("fold").setAttribute("aria-pressed", String(fold));
    $("fold").textContent = fold ? "Unfold families" : "Fold families";
    bodies.forEach((body) => unfold(body, !fold));
    reachable();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      filter.focus();
      filter.select();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      leave();
    }
  });

  // panel -----------------------------------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "onclick") node.addEventListener("click", value);
      else if (value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function copied(button, done) {
    button.textContent = done ? "Copied" : "Select it";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  async function copy(value, button) {
    try { await navigator.clipboard.writeText(value); copied(button, true); } catch {
      const area = make("textarea", { class: "hidden" });
      area.value = value;
      document.body.append(area);
      area.select();
      let done = false;
      try { done = document.execCommand("copy"); } catch { done = false; }
      area.remove();
      button.focus();
      copied(button, done);
    }
  }

  const command = (value, label) => make("div", { class: "command" }, make("code", null, value),
    make("button", { type: "button", "aria-label": `Copy ${label}`, onclick: (event) => copy(value, event.currentTarget) }, "Copy"));

  const tally = (counts) => counts.map(([o, n]) => `${n} ${outcomes[o]}`).join(", ");
  const chip = (s, more) => make("span", { class: `chip s-${s.name}` }, `${s.symbol} ${s.name}${more || ""}`);

  function strip(r, c) {
    const buttons = columns.map(([backend, mode], i) => {
      const cell = rows[r].cells[i];
      const s = statuses[cell ? cell.s : NEVER];
      return make("button", { type: "button", class: `s-${s.name}`, "aria-current": i === c ? "true" : null,
        "aria-label": `${backend} ${mode}: ${s.name}`, onclick: () => { reveal(r, i); choose(r, i); } }, `${s.symbol} ${backend} ${mode}`);
    });
    return make("div", { class: "strip" }, ...buttons);
  }

  function reason(w, number) {
    const [outcome, stage, culprit, count, line, diagnostic, call, sample, run, dtype, from, dynamism, cause, firstWrongPass, when, opinion] = w;
    const head = `${outcomes[outcome]} at ${text(stage)}, ${count ? `${count} sample${count > 1 ? "s" : ""}` : "seen while minimising"}`;
    const parts = [make("p", null, head), make("p", null, text(line))];
    if (culprit !== null) parts.push(make("p", null, make("span", { class: "muted" }, "culprit "), make("code", null, text(culprit))));
    if (when !== null) parts.push(make("p", { class: "when" }, text(when)));
    if (dynamism !== null) parts.push(make("p", { class: "dynamism" }, text(dynamism)));
    if (cause !== null) parts.push(make("p", { class: "cause" }, text(cause)));
    if (opinion !== null) parts.push(make("p", { class: "opinion" }, text(opinion)));
    if (firstWrongPass !== null) parts.push(make("p", { class: "first-wrong-pass" }, text(firstWrongPass)));
    if (call !== null) {
      parts.push(make("p", { class: "muted" }, from === null ? "smallest such sample" : `smallest such sample, minimised from ${text(from)}`));
      parts.push(make("pre", { class: "call" }, text(call)));
    } else parts.push(make("p", { class: "muted" }, `dtype ${text(dtype)}, nothing was run`));
    if (run !== null) parts.push(command(text(run), "command"));
    if (text(diagnostic).trim() && text(diagnostic).trim() !== text(line)) {
      parts.push(make("details", number ? null : { open: "" }, make("summary", null, "Diagnostic"), make("pre", { class: "diagnostic", tabindex: "0" }, text(diagnostic))));
    }
    if (sample !== null) {
      const pretty = JSON.stringify(JSON.parse(text(sample)), null, 1);
      parts.push(make("details", null, make("summary", null, "Sample as JSON"), command(text(sample), "sample"), make("pre", { tabindex: "0" }, pretty)));
    }
    return make("article", null, ...parts);
  }

  const shown = (nodes) => nodes.filter((node) => node !== null);

  // The plain call, the most ordinary invocation: what became of it, how it reads and how to run it.
  function plain_call(cell) {
    if (cell.l === null) return [];
    const [line, call, run] = cell.l, s = statuses[cell.p];
    const parts = [make("h3", null, "Plain call"), make("p", { class: "plaincall" }, chip(s), ` ${text(line)}`), make("pre", { class: "call" }, text(call))];
    return run === null || s.name === "pass" ? parts : [...parts, command(text(run), "command")];
  }

  function by_dtype(cell) {
    const lines = cell.d.map(([dtype, s, n, m, counts]) => make("tr", null, make("th", { scope: "row" }, text(dtype)),
      make("td", null, chip(statuses[s])), make("td", { class: "number" }, `${n}/${m}`), make("td", { class: "muted" }, tally(counts))));
    const head = make("tr", null, ...["dtype", "status", "passed", "outcomes"].map((name, i) => make("th", { scope: "col", class: i === 2 ? "number" : null }, name)));
    return make("table", null, make("thead", null, head), make("tbody", null, ...lines));
  }

  function by_trait(cell) {
    const of = (keep, show) => cell.t.filter(([, n, m]) => keep(n, m)).map(([t, n, m]) => show ? `${text(t)} ${n}/${m}` : text(t)).join(", ");
    const groups = [
      ["always fail", of((n) => n === 0, true)],
      ["sometimes", of((n, m) => n > 0 && n < m, true)],
      ["always pass", of((n, m) => n === m, false)],
    ].filter(([, names]) => names);
    return make("table", { class: "traits" }, make("tbody", null, ...groups.map(([title, names]) => make("tr", null,
      make("th", { scope: "row", class: "group" }, title), make("td", null, make("code", null, names))))));
  }

  function fill(r, c) {
    const row = rows[r], cell = row.cells[c], [backend, mode] = columns[c];
    const s = statuses[cell ? cell.s : NEVER];
    const head = [
      make("button", { type: "button", class: "close", "aria-label": "Close", onclick: leave }, "×"),
      make("h2", { class: "name" }, row.op),
      make("p", null, chip(s, cell ? ` ${cell.n}/${cell.m}` : ""), ` ${backend} ${mode} `, make("span", { class: "muted" }, `· ${row.family}`)),
      make("p", { class: "muted" }, cell ? `${s.meaning}: ${tally(cell.k)}` : s.meaning),
      cell && cell.g !== null ? make("p", { class: "severity" }, `${grades[cell.g].symbol} fails ${text(cell.q)}`) : null,
      cell && cell.v ? make("p", { class: "change" }, `since run A: ${text(cell.v[1])}`) : null,
      strip(r, c),
    ];
    if (!cell) { panel.replaceChildren(...shown(head)); return; }
    const rest = plain_call(cell);
    if (cell.u !== null) rest.push(make("p", { class: "rule" }, text(cell.u)));
    if (cell.o !== null) rest.push(make("p", { class: "opinion" }, text(cell.o)));
    if (cell.r !== null) {
      rest.push(make("p", null, make("span", { class: "muted" }, cell.z ? "decomposed away; the backend sees " : "reaches the backend as "), make("code", null, text(cell.r))));
    }
    rest.push(command(text(cell.c), "explain command"));
    if (cell.y) {
      const links = cell.y.map(([id, title]) => make("li", null, make("a", { href: `#cause=${text(id)}` }, text(title))));
      rest.push(make("h3", null, cell.y.length > 1 ? `Causes, ${cell.y.length}` : "Cause"), make("ul", { class: "of-causes" }, ...links));
    }
    if (cell.w.length) {
      rest.push(make("h3", null, cell.w.length + cell.x > 1 ? `Why, ${cell.w.length + cell.x} distinct reasons` : "Why"));
      rest.push(...cell.w.map(reason));
      if (cell.x) rest.push(make("p", { class: "muted" }, `${cell.x} more: the explain command lists them`));
    }
    rest.push(make("h3", null, "By dtype"), by_dtype(cell));
    if (cell.t.length) rest.push(make("h3", null, "By trait, of the samples that passed or failed"), by_trait(cell));
    panel.replaceChildren(...shown(head), ...rest);
  }

  function mark() {
    table.querySelectorAll("td.open").forEach((td) => td.classList.remove("open"));
    if (open) tds[open[0]][open[1]].classList.add("open");
  }

  function show_panel(r, c) {
    open = [r, c];
    fill(r, c);
    panel.hidden = false;
    panel.scrollTop = 0;
    mark();
  }

  function hide_panel() {
    open = null;
    panel.hidden = true;
    mark();
  }

  function choose(r, c) {
    const covers = matchMedia("(max-width: 900px)").matches;
    show_panel(r, c);
    address();
    if (covers) panel.focus();
  }

  function leave() {
    const [r, c] = open;
    hide_panel();
    address();
    if (usable(r, c)) focus(r, c);
  }

  // start -----------------------------------------------------------------------------------------------------------

  function measure() {
    table.style.setProperty("--tools", `${document.querySelector(".tools").offsetHeight}px`);
  }

  let waiting = 0;
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { apply(filter.value); address(); }, 80);
  });
  addEventListener("hashchange", follow);
  addEventListener("resize", measure);
  tds.forEach((line) => line.forEach((td) => { td.tabIndex = -1; }));
  rows.forEach((row, r) => row.cells.forEach((cell, c) => { if (cell && cell.v) tds[r][c].dataset.change = kinds[cell.v[0]]; }));
  apply("");
  if (location.hash) follow();
  if (!open) main.focus();
})();
