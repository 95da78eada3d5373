"""The text about a cluster for torch-mlir's tracker, in Markdown, and the index of many such texts.

A tracker takes texts of limited length, so IR is cut where a text would be longer, and a script that does not fit is
left out of it. Nothing in a text names a folder of this machine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.records.frontend import FRONTEND
from harness.records.journal import Record
from harness.records.opinion import MEANS
from harness.records.outcome import Crashed, FirstWrongPass, Invalid, Outcome, TimedOut, Unsupported, Wrong
from harness.text import clean, clip_middle, plural, portable
from reports.answers.issue import Issue
from reports.answers.titles import short
from reports.fold.reason import diagnostic

from .bounds import bound_in_words

LONGEST = 65_000
"""The most characters of a text: GitHub takes 65,536."""
LIMITS = (8000, 3000, 1000)
"""The most characters of one IR; the first that keeps the text short enough is taken."""
_DIAGNOSTIC = 3000
_OPS = 60
"""The most ops that a text names."""
WHO: Mapping[str, str] = {
    "llvm-jit": "MLIR's own conversions to LLVM, run by its ExecutionEngine",
    "llvm-jit-fused": "the same after elementwise fusion on linalg",
    "llvm-jit-checked": "the same with runtime verification",
    "tosa-reference": "Arm's TOSA reference model",
    "stablehlo-interpreter": "StableHLO's reference interpreter",
    "xla": "XLA on the CPU",
    "iree": "IREE on the CPU",
    "torch-dialect": "an interpreter of torch-dialect IR that calls eager",
}
"""What executors are, in words for readers who do not know opcov."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was written, or run, for a text; what is empty is not there.

    - `program`: the smallest torch program. `script`: the whole script that exits with 0 if nothing fails any more.
    - `float64`: what eager computes for the worst element in float64.
    - `contract`, `before`, `after`: the IR in the backend contract, and around the first wrong pass.
    - `command`: how `torch-mlir-opt` lowers the file `ir_file`, which has the IR in the contract.
    - `first_wrong_pass`, `cause`: what running the example once more has shown.
    - `script_file`: the name of the file that has the script; `needs`: an executor that it needs beside torch-mlir.
    - `notes`: further sentences on what happens.
    """

    program: str = ""
    script: str = ""
    float64: str = ""
    contract: str = ""
    before: str = ""
    after: str = ""
    command: str = ""
    ir_file: str = ""
    script_file: str = ""
    needs: str = ""
    first_wrong_pass: FirstWrongPass | None = None
    cause: str = ""
    notes: tuple[str, ...] = field(default=())


def as_markdown(issue: Issue, evidence: Evidence) -> str:
    """Write the text: at most `LONGEST` characters."""
    for limit in LIMITS:
        text = _text(issue, evidence, limit, with_script=True)
        if len(text) <= LONGEST:
            return text
    return clip_middle(_text(issue, evidence, LIMITS[-1], with_script=False), LONGEST)


def _text(issue: Issue, evidence: Evidence, limit: int, *, with_script: bool) -> str:
    sections = [
        ("Reported already", _list(map(portable, issue.known))),
        ("What happens", _happens(issue, evidence)),
        ("What is right, and why", _right(issue, evidence)),
        ("Versions", _list(issue.versions)),
        ("The smallest program", _fenced(evidence.program, "python")),
        ("Where it goes wrong", _where(issue, evidence, limit)),
        ("The culprit alone", _alone(issue, limit)),
        ("Lower it", _lower(evidence, limit)),
        ("Ops affected", _affected(issue)),
        ("Other backends and executors", _list(_others(issue))),
        ("Since when", _list(issue.since)),
        ("A script that shows it", _script(evidence, with_script)),
    ]
    blocks = [f"# {portable(clean(issue.cluster.title))}"]
    blocks += [f"## {head}\n\n{body.strip()}" for head, body in sections if body.strip()]
    blocks += [_origin(issue)]
    return "\n\n".join(blocks) + "\n"


def _fenced(text: str, language: str = "") -> str:
    return f"```{language}\n{text.strip()}\n```" if text.strip() else ""


def _folded(summary: str, text: str, language: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{_fenced(text, language)}\n\n</details>"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


# what happens, and what is right --------------------------------------------------------------------------------------


def _happens(issue: Issue, evidence: Evidence) -> str:
    cluster, record = issue.cluster, issue.record
    way = "torch-mlir's frontend" if cluster.backend == FRONTEND else f"torch-mlir's {cluster.backend} lowering"
    if record is None:
        return f"Through {way}: {cluster.says}."
    sizes = "with static sizes" if record.mode == "static" else "with dynamic sizes"
    ends = _INVALID if isinstance(record.outcome, Invalid) and record.backend == FRONTEND else _ends(record.outcome)
    lines = [f"`{record.op}` in {record.dtype}, {sizes}, through {way}: {ends}."]
    lines += [_fenced(_message(record.outcome))]
    if isinstance(record.outcome, Wrong) and record.outcome.sizes and record.mode == "dynamic":
        sizes = ", ".join(f"{dim}={size}" for dim, size in record.outcome.sizes.items())
        lines.append(f"That is at the sizes {sizes}.")
    if seen := evidence.cause or record.cause:
        lines.append(f"Runtime verification says: {portable(clean(seen))}")
    if issue.cluster.rule and issue.cluster.rule.text:
        rule = issue.cluster.rule
        lines.append(f"Of the {plural(rule.failing + rule.others, 'sample')} looked at, those with `{rule.text}` fail.")
    return "\n\n".join([*lines, *evidence.notes])


def _ends(outcome: Outcome) -> str:
    """What becomes of the program, as the end of a sentence."""
    match outcome:
        case Wrong():
            return "it compiles and runs without an error, and the result is silently wrong"
        case Crashed(stage="execute", signal=signal):
            return f"it compiles, and the compiled code dies of {signal}"
        case Crashed(signal=signal):
            return f"the compiler dies of {signal} ({_STAGES.get(outcome.stage, outcome.stage)})"
        case TimedOut(seconds=seconds):
            return f"no end after {seconds:g} s ({_STAGES.get(outcome.stage, outcome.stage)})"
        case Invalid():
            return "the lowering succeeds, and its output is not valid"
        case _:
            return f"it is refused ({_STAGES.get(outcome.stage, outcome.stage)})"


_INVALID = "the frontend makes IR that is not valid"
_EAGER = "PyTorch eager computes the call"
_STAGES: Mapping[str, str] = {
    "import": "in the importer",
    "contract": "in the pipeline to the backend contract",
    "lower": "in the lowering",
    "verify": "in the verification of the lowered module",
    "execute": "when it runs",
}


def _message(outcome: Outcome) -> str:
    text = outcome.message if isinstance(outcome, Wrong) else diagnostic(outcome)
    return clip_middle(portable(clean(text)).strip(), _DIAGNOSTIC)


def _right(issue: Issue, evidence: Evidence) -> str:
    record = issue.record
    if record is None:
        return ""
    match record.outcome:
        case Wrong():
            return "\n\n".join(_of_wrong(record, record.outcome, evidence))
        case Crashed(stage="execute"):
            return f"{_EAGER}. Compiled code may not access memory out of bounds, nor end the process."
        case Crashed():
            return f"{_EAGER}. A program that cannot be lowered is to be refused with a diagnostic."
        case TimedOut():
            return f"{_EAGER} at once."
        case Invalid() if record.backend == FRONTEND:
            return f"{_EAGER}. MLIR's verifier rejects the IR."
        case Invalid(finding=finding):
            ran = f" Run all the same: {finding}." if finding else ""
            return f"{_EAGER}. The dialect's verifier or specification rejects the output.{ran}"
        case Unsupported() if record.backend == FRONTEND:
            return f"{_EAGER}, and `torch.export` exports it."
        case _:
            return f"{_EAGER}, and the program is in the backend contract."


def _of_wrong(record: Record, wrong: Wrong, evidence: Evidence) -> Iterator[str]:
    if wrong.kind in ("value", "non-finite") and wrong.expected:
        place = f"out[{wrong.output}]{list(wrong.element) if wrong.element else ''}"
        float64 = f", in float64 {evidence.float64}" if evidence.float64 else ""
        yield f"PyTorch eager computes `{place}` = {wrong.expected}{float64}. The compiled program has {wrong.actual}."
        if wrong.error is not None and wrong.bound is not None:
            allowed = bound_in_words(record.numeric)
            yield f"The error is {wrong.error:.3g}, and at most {wrong.bound:.3g} is allowed: {allowed}."
        else:
            yield f"How results are compared: {bound_in_words(record.numeric)}."
    else:
        yield "PyTorch eager has another result: the line above says which."


# where ----------------------------------------------------------------------------------------------------------------


_PYTORCHS = (
    "`decompositions` is `ExportedProgram.run_decompositions`: that is PyTorch's own step, with torch-mlir's table of "
    "decompositions, and comes before the importer."
)


def _where(issue: Issue, evidence: Evidence, limit: int) -> str:
    found = evidence.first_wrong_pass or (issue.record.first_wrong_pass if issue.record else None)
    if found is None:
        key = issue.cluster.key
        known = key.outcome == "Wrong" and key.where != "compare"
        return f"The results of another sample that fails so part from eager's after `{key.where}`." if known else ""
    if found.wrong is None:
        return f"The results are {found}."
    right = f"; they are right until `{found.right}`" if found.right else ""
    between = f" (what lies between cannot be run: {', '.join(found.between)})" if found.between else ""
    blocks = [f"The results part from eager's after `{found.wrong}`{right}{between}."]
    blocks += [_PYTORCHS] if found.wrong == "decompositions" else []
    for when, text in (("before", evidence.before), ("after", evidence.after)):
        if text.strip():
            blocks.append(_folded(f"IR {when} it", clip_middle(text.strip(), limit), "mlir"))
    return "\n\n".join(blocks)


def _alone(issue: Issue, limit: int) -> str:
    cut = issue.cut
    if cut is None:
        return ""
    names = " with ".join(f"`{short(name)}`" for name in cut.ops)
    fed = "cut out of the program, and fed with what the program computes at that point"
    blocks = [f"{names}, {fed}, fails in the same way:", _fenced(_message(cut.outcome))]
    blocks += [f"Its results are held to this: {bound_in_words(cut.numeric)}."] if cut.numeric else []
    return "\n\n".join([*blocks, _folded("its IR", clip_middle(cut.ir.strip(), limit), "mlir")])


def _lower(evidence: Evidence, limit: int) -> str:
    if not evidence.command:
        return ""
    command = _fenced(evidence.command, "sh")
    if not evidence.contract:
        return f"With the IR of the culprit alone, which is above, in `{evidence.ir_file}`:\n\n{command}"
    folded = _folded(evidence.ir_file, clip_middle(evidence.contract.strip(), limit), "mlir")
    return f"With the IR in the backend contract in `{evidence.ir_file}`:\n\n{command}\n\n{folded}"


# how far it reaches ---------------------------------------------------------------------------------------------------


def _affected(issue: Issue) -> str:
    cluster = issue.cluster
    cells: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in cluster.cells:
        cells[cell.op][f"{cell.mode} {cell.dtype}"] += cell.samples
    shown = [f"`{op}`: {', '.join(of)}" for op, of in list(cells.items())[:_OPS]]
    more = [f"and {plural(len(cells) - _OPS, 'more op')}"] if len(cells) > _OPS else []
    head = f"{plural(len(cells), 'op')}, {plural(len(cluster.cells), 'combination')} of op, mode and dtype"
    head += f", {plural(cluster.samples, 'sample')}"
    head += f", {plural(len(cluster.plain), 'most ordinary call')} of an op among them" if cluster.plain else ""
    return f"{head}.\n\n{_list([*shown, *more])}"


def _others(issue: Issue) -> Iterator[str]:
    record = issue.record
    if record and isinstance(record.outcome, Wrong):
        confirmed = record.outcome.confirmed or (record.outcome.executor,)
        yield f"executors with this wrong result: {', '.join(map(_who, confirmed))}"
        for name, said in record.outcome.others.items():
            yield f"{_who(name)}: {portable(clean(said))}"
    if record and record.opinion:
        opinion = record.opinion
        why = f": {portable(clean(opinion.why))}" if opinion.why else ""
        yield f"{_who(opinion.executor)} {MEANS[opinion.says]}{why}"
    for line in issue.elsewhere:
        yield portable(clean(line))


def _who(name: str) -> str:
    return f"{name} ({WHO[name]})" if name in WHO else name


def _script(evidence: Evidence, with_script: bool) -> str:
    if not evidence.script:
        return ""
    needs = f"torch, torch-mlir and what {evidence.needs} needs" if evidence.needs else "torch and torch-mlir alone"
    said = f"It needs {needs}. Its exit status is 0 if nothing fails any more."
    if not with_script:
        return f"{said} It is too long for this text: attach {evidence.script_file}."
    return f"{said}\n\n{_folded(evidence.script_file or 'repro.py', evidence.script, 'python')}"


def _origin(issue: Issue) -> str:
    return f"Found with opcov, which measures op coverage of torch-mlir; it calls this {issue.cluster.id}."


def index_page(issues: Sequence[tuple[Issue, str]]) -> str:
    """The index in Markdown: one line for each issue, with the name of its file, by backend, in the order given."""
    by_backend: dict[str, list[tuple[Issue, str]]] = defaultdict(list)
    for one, name in issues:
        by_backend[one.cluster.backend].append((one, name))
    lines = [f"# {plural(len(issues), 'issue')}", ""]
    for backend, of in by_backend.items():
        lines += [f"## {backend}", "", "| issue | outcome | ops | cells | plain calls |", "|---|---|---|---|---|"]
        for one, name in of:
            c = one.cluster
            title = portable(clean(c.says)).replace("|", "\\|")
            known = "".join(f"; {said}" for said in one.known)
            lines.append(
                f"| [{title}]({name}){known} | {c.status.name} | {len(c.ops):,} | {len(c.cells):,} | {len(c.plain):,} |"
            )
        lines.append("")
    return "\n".join(lines)
