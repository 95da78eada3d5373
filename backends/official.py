"""The official frontend: `torch_mlir.fx.export_and_import` as it is, in place of the fast one where that differs.

The official path is one call. A subclass of its importer, which the call takes as an argument, tells where it stands:
what fails before the import is export or decomposition, what fails after it is the pipeline to the backend contract.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch.export import ExportedProgram
from torch_mlir import fx
from torch_mlir import ir as mlir
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.extras.fx_importer import FxImporter

from harness.cases.road import EXPORT, Level
from harness.programs.protocols import Contract, Enter, NotExpressible, Program
from harness.records.outcome import Stage

from . import frontend, ir
from .decompositions import table
from .frontend import reason

PATH = "fx.export_and_import"
"""How reports name the official path."""


class Official:
    """The users' path into torch-mlir in one piece; about 130 ms for a small op."""

    name = EXPORT

    def run(self, program: Program, enter: Enter) -> Contract:
        """Export, import and legalize; raises NotExpressible with the stage and a reason of one line."""
        enter("export")
        exported, held = frontend.export_guarded(program)
        rerun = frontend.Rerun(program, decomposed_officially)
        contract = frontend.contract_without_ir(exported, held, rerun)  # first: decomposing edits the graph in place
        context = mlir.Context()
        torch_dialect.register_dialect(context)
        importer = _Importer(context, enter)
        try:
            text, ops = _imported(exported, program, importer)
        except NotExpressible as refusal:
            refusal.exported = contract
            raise
        rerun.decomposed = decomposed = importer.program
        decomposes = frontend.overloads(decomposed) != contract.exported
        reached = tuple(sorted(set(ir.computing(ops))))
        dtypes = frontend.result_dtypes(decomposed)
        return replace(contract, ir=text, reached=reached, decomposes=decomposes, dtypes=dtypes)

    def export(self, program: Program, enter: Enter) -> Contract:
        """Export only: return a contract without IR, for a backend that starts there; raises NotExpressible."""
        enter("export")
        return frontend.contract_without_ir(
            *frontend.export_guarded(program), frontend.Rerun(program, decomposed_officially)
        )


def decomposed_officially(exported: ExportedProgram, level: Level) -> ExportedProgram:
    """Decompose as the official path does."""
    found: ExportedProgram = exported.run_decompositions(table(level))
    return found


class _Importer(FxImporter):  # type: ignore[misc] # the wheel has no types
    """Notes the decomposed program that it imports, and at which stage the official path is."""

    def __init__(self, context: mlir.Context, enter: Enter) -> None:
        super().__init__(context=context)
        self.stage: Stage = "export"
        self.program: Any = None
        self._enter = enter

    def import_frozen_program(self, prog: ExportedProgram, **options: Any) -> Any:
        """Import the program, with the stage told before and after."""
        self.program = prog
        frontend.refuse_mutation(prog)
        self._to("import")
        operation = super().import_frozen_program(prog, **options)
        self._to("contract")
        return operation

    def _to(self, stage: Stage) -> None:
        self.stage = stage
        self._enter(stage)


def _imported(exported: ExportedProgram, program: Program, importer: _Importer) -> tuple[str, list[str]]:
    """The IR in the backend contract and the names of its ops; raises NotExpressible with what the compiler says.

    Where pipelines run through a binary, the official path ends with the import.
    """
    if program.level == "none":
        exported = decomposed_officially(exported, "none")  # which makes it functional; the call skips an empty table
    asked: dict[str, Any] = {"fx_importer": importer, "decomposition_table": table(program.level)}
    with ir.session() as session, ir.diagnosed(importer.module.context) as diagnostics:
        try:
            if ir.tool():
                module = fx.export_and_import(exported, output_type="raw", **asked)
                return ir.legalized(module, frontend.contract_pipeline(program.legal), session)
            module = fx.export_and_import(exported, output_type="torch", backend_legal_ops=list(program.legal), **asked)
        except NotExpressible:
            raise
        except ir.PassFailed as failure:
            raise NotExpressible("contract", failure.reason) from None
        except Exception as error:  # it raises nearly every exception type there is
            said = ir.PassFailed(diagnostics, reason(error)).reason
            raise NotExpressible(importer.stage, said) from error
        if any(d.severity == "error" for d in diagnostics):
            raise NotExpressible("contract", ir.PassFailed(diagnostics).reason)
        return ir.printed(module), ir.ops(module)
