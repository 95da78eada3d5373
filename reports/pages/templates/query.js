"use strict";
// The language of --where (docs/queries.md), with the grammar of harness/records/query.py:
//
//     query    = all {"or" all}
//     all      = one {["and"] one}
//     one      = "not" one | "(" query ")" | FIELD ":" GLOB {"," GLOB}
//
// tests/pure/records/queries.json has examples that both parsers pass. What the filter takes beside it is given to
// `parse`: more fields, and the field that a word without a colon asks for as *word*.
const opcovQuery = (() => {
  const FIELDS = ["op", "family", "backend", "mode", "dtype", "frontend", "transform", "level", "legal", "plain", "id",
    "outcome", "stage", "culprit", "trait", "severity", "status", "executor", "cause"];
  const TOKEN = /\s*(?:([()])|((?:[^\s()"]|"[^"]*")+)|(\S))/g;
  const GLOB = /(?:[^,"]|"[^"]*")+/g;
  const MARKS = /[\\^$.+()[\]{}|/]/g;

  function tokens(text) {
    return [...text.trimEnd().matchAll(TOKEN)].map(([, mark, word, odd]) => {
      if (odd) throw new Error('a double quote has no second one; write a value with spaces as field:"two words"');
      return mark || word;
    });
  }

  // How alike two names are, from 0 to 1, by their longest common subsequence.
  function likeness(a, b) {
    let last = new Array(b.length + 1).fill(0);
    for (const one of a) {
      const next = [0];
      for (let i = 0; i < b.length; i++) next.push(one === b[i] ? last[i] + 1 : Math.max(last[i + 1], next[i]));
      last = next;
    }
    return 2 * last[b.length] / (a.length + b.length || 1);
  }

  function unknown(kind, name, known) {
    const word = name.toLowerCase().replace(/[*?]/g, "");
    const near = known.map((k) => [likeness(word, k.toLowerCase()), k]).filter(([alike]) => alike >= 0.5)
      .sort(([a], [b]) => b - a).slice(0, 3).map(([, k]) => k);
    return new Error(`unknown ${kind} “${name}”; ${near.length ? `did you mean ${near.join(", ")}?` : `known: ${[...known].sort().slice(0, 16).join(", ")}`}`);
  }

  // A function that says whether a value is like a glob; it remembers what it was asked.
  function matcher(glob) {
    const pattern = new RegExp(`^${glob.replace(MARKS, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".")}$`, "isu");
    const seen = new Map();
    return (value) => {
      let found = seen.get(value);
      if (found === undefined) seen.set(value, found = pattern.test(value));
      return found;
    };
  }

  // Conditions give true or false, or null where they hinge on a field that the facts do not have.
  const any = (parts) => parts.length === 1 ? parts[0] : (facts) => {
    let found = false;
    for (const part of parts) {
      const verdict = part(facts);
      if (verdict) return true;
      if (verdict === null) found = null;
    }
    return found;
  };
  const not = (part) => (facts) => { const verdict = part(facts); return verdict === null ? null : !verdict; };
  const holds = (field, matchers) => (facts) => {
    const values = facts[field];
    return values === undefined ? null : values.some((value) => matchers.some((matches) => matches(value)));
  };

  // Parse a query: its fields, and its verdict of facts, which have a list of values by field. `names` are the names by
  // field that there are; a field without has any. `more` are fields beside those of --where, `word` is the field of words.
  function parse(text, names, more = [], word = null) {
    const fields = [...FIELDS, ...more], asked = new Set(), left = tokens(text).reverse();
    const token = () => left[left.length - 1] || "";
    const keyword = () => (["and", "or", "not"].includes(token().toLowerCase()) ? token().toLowerCase() : "");

    function query() {
      const parts = [all()];
      while (keyword() === "or") { left.pop(); parts.push(all()); }
      return any(parts);
    }

    function all() {
      const parts = [one()];
      while (token() && token() !== ")" && keyword() !== "or") {
        if (keyword() === "and") left.pop();
        parts.push(one());
      }
      return parts.length === 1 ? parts[0] : not(any(parts.map(not)));
    }

    function one() {
      if (keyword() === "not") { left.pop(); return not(one()); }
      if (token() === "(") {
        left.pop();
        const inside = query();
        if (left.pop() !== ")") throw new Error("a '(' has no ')'");
        return inside;
      }
      if (!token() || token() === ")" || keyword()) {
        throw new Error(token() ? `there is no condition before '${token()}'` : "a condition is missing");
      }
      return term(left.pop());
    }

    function term(text) {
      const at = text.indexOf(":"), field = text.slice(0, Math.max(at, 0)).toLowerCase();
      if (at < 0 || field.includes('"')) {
        if (!word) throw new Error(`${text} names no field; write field:value, such as op:*${text}*`);
        asked.add(word);
        return holds(word, [matcher(`*${text.replaceAll('"', "")}*`)]);
      }
      if (!fields.includes(field)) throw unknown("field", field, fields);
      const globs = (text.slice(at + 1).match(GLOB) || []).map((glob) => glob.replaceAll('"', ""));
      if (!globs.some(Boolean)) throw new Error(`${field}: has no value; write no space behind the colon: ${field}:value`);
      const matchers = globs.map(matcher), known = names[field];
      matchers.forEach((matches, i) => { if (known && !known.some(matches)) throw unknown(field, globs[i], known); });
      asked.add(field);
      return holds(field, matchers);
    }

    const verdict = query();
    if (token()) throw new Error(`'${token()}' has no '(' before it`);
    return { fields: asked, verdict };
  }

  return { parse };
})();
