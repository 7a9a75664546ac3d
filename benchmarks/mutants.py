"""Which small faults in the code do the tests not notice? Mutation testing of what must be right.

    python -m benchmarks.mutants [MODULE ...]      for instance: distance verdict

Each module of ``TESTS`` is changed in one place at a time: a comparison, an operator, a number, a
truth value, an operand of ``and`` or ``or``, ``min`` for ``max``. Its tests then run against the
changed copy and must fail, or use up their processor time. Prints a table; the exit code is 1 when
a mutant survives. Mutants that no test could kill stand in ``EQUIVALENT`` with the reason.

The package is copied to a temporary folder and changed there. Each run of the tests is a fork of
one process that has imported torch and the rest, but nothing of angen: 3 s a mutant less.

Not mutmut 3, which leaves constants of modules alone, nor cosmic-ray, which starts a process anew.
"""

import argparse
import ast
import compileall
import importlib
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "angen"
WARM = ("torch", "peft", "scipy.signal", "soundfile", "soxr", "matplotlib.pyplot")

CPU_S = 90  # a mutant that goes on for ever is killed by it
PLAIN = ("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", "--assert=plain")

TRAINING, DIFFRHYTHM = "tests/training/test_", "tests/diffrhythm/test_"
TESTS = {  # quickest first
    "training/distance": [TRAINING + "distance.py"],
    "training/verdict": [TRAINING + "verdict.py"],
    "training/memorisation": [TRAINING + "memorisation.py"],
    "training/step": [TRAINING + "step.py"],
    "training/checkpoint": [TRAINING + "checkpoint.py"],
    "diffrhythm/objective": [DIFFRHYTHM + "objective.py", DIFFRHYTHM + "one_pass.py"],
    "diffrhythm/sampling": [DIFFRHYTHM + "one_pass.py", DIFFRHYTHM + "sampling.py"],
}
EQUIVALENT = {  # what no test could kill -> why
    "diffrhythm/sampling.sample: zip(parts, block, strict=True) -> "
    "zip(parts, block, strict=False)": "both have one item a song",
    "diffrhythm/sampling._timeline: zip(timelines, songs, strict=True) -> "
    "zip(timelines, songs, strict=False)": "both have one item a song",
    "diffrhythm/sampling.sample_blocks: len(rows) < len(running) -> len(rows) <= len(running)": (
        "to go on with all songs changes nothing"
    ),
    "diffrhythm/objective.dropped_conditions: torch.rand(clips, generator=generator) < "
    "probability -> torch.rand(clips, generator=generator) <= probability": (
        "one random number in 2^24 is equal to the probability"
    ),
    "diffrhythm/objective.mean_loss: batch.latents.shape[1] // losses.shape[1] -> "
    "batch.latents.shape[1] / losses.shape[1]": "clips are whole blocks",
    "training/step._backward: int(batch.frames.sum()) // bundle.block -> "
    "int(batch.frames.sum()) / bundle.block": "clips are whole blocks",
    "training/checkpoint.save_checkpoint: json.dumps(state | {'digest': _digest(state)}, "
    "indent=2) -> json.dumps(state | {'digest': _digest(state)}, indent=3)": "white space",
}

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.Mult, ast.FloorDiv),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
NAMES = {
    "min": ["max"],
    "max": ["min"],
    "minimum": ["maximum"],
    "maximum": ["minimum"],
    "any": ["all"],
    "all": ["any"],
    "argmax": ["argmin"],
}
FUNCTIONS = (ast.FunctionDef, ast.ClassDef)
TOLD = (ast.Compare, ast.BinOp, ast.BoolOp, ast.Call, ast.Subscript, ast.stmt, ast.arguments)


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    line: int
    change: str  # also its name in ``EQUIVALENT``
    source: str


def others(node: ast.AST) -> list[ast.AST]:
    """What could stand in the place of ``node`` by mistake."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            return [ast.Compare(left, changed, right) for changed in other_ops(ops)]
        case ast.BinOp(left=left, op=op, right=right):
            return [ast.BinOp(left, new(), right) for new in OPERATORS.get(type(op), ())]
        case ast.BoolOp(op=op, values=values):
            swapped = ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            fewer = [ast.BoolOp(op, [v for v in values if v is not left]) for left in values]
            return [swapped, *fewer]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Constant(value=value):
            return [ast.Constant(new) for new in other_values(value)]
        case ast.Name(id=name):
            return [ast.Name(new) for new in NAMES.get(name, ())]
        case ast.Attribute(value=owner, attr=name):
            return [ast.Attribute(owner, new) for new in NAMES.get(name, ())]
    return []


def other_ops(ops: list[ast.cmpop]) -> Iterator[list[ast.cmpop]]:
    for i, op in enumerate(ops):
        for new in COMPARISONS[type(op)]:
            yield [*ops[:i], new(), *ops[i + 1 :]]


def other_values(value: object) -> tuple[float, ...]:
    """For a truth value the other, for a number larger ones, for 1 also 0."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, 0) if value == 1 else (value + 1,)
    if isinstance(value, float):
        return tuple({value + 1, value * 2} - {value})
    return ()


@dataclass(frozen=True)
class Slot:
    """Where a node stands: in the function or class ``place``, within the code ``whole``."""

    node: ast.AST
    put: Callable[[ast.AST], None]
    place: str
    whole: ast.AST


def slots(parent: ast.AST, place: str, whole: ast.AST) -> Iterator[Slot]:
    """Every place in ``parent`` where a node stands, but not in types and decorators."""
    place = f"{place}.{parent.name}" if isinstance(parent, FUNCTIONS) else place
    for name, value in ast.iter_fields(parent):
        if name in ("decorator_list", "annotation", "returns"):
            continue
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST):
                put = (
                    partial(value.__setitem__, i)
                    if isinstance(value, list)
                    else partial(setattr, parent, name)
                )
                around = node if isinstance(node, TOLD) else whole
                yield Slot(node, put, place, around)
                yield from slots(node, place, around)


def mutants(module: str) -> list[Mutant]:
    """All mutants of a module, from its top down."""
    tree = ast.parse((SOURCE / f"{module}.py").read_text("utf-8"))
    found = []
    for slot in slots(tree, module, tree):
        for other in others(slot.node):
            before = ast.unparse(slot.whole)
            slot.put(other)
            after = ast.unparse(other if slot.whole is slot.node else slot.whole)
            change = f"{slot.place}: {before} -> {after}"
            found.append(Mutant(getattr(slot.node, "lineno", 0), change, ast.unparse(tree)))
            slot.put(slot.node)
    return found


def fails(tests: Sequence[str]) -> bool:
    """Whether ``tests`` fail, in a process of their own."""
    child = multiprocessing.get_context("fork").Process(target=run_tests, args=(tests,))
    child.start()
    child.join()
    return child.exitcode != 0


def run_tests(tests: Sequence[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(pytest.main([*PLAIN, *tests]))


def survivors(module: str, candidates: Sequence[Mutant], package: Path) -> list[Mutant]:
    """Those of the mutants that no test kills."""
    file = package / f"{module}.py"
    if fails(TESTS[module]):
        sys.exit(f"{module}: without any mutant, these fail: {' '.join(TESTS[module])}")
    alive = []
    for mutant in candidates:
        file.write_text(mutant.source, "utf-8")
        if not fails(TESTS[module]):
            alive.append(mutant)
            print(f"{module}.py:{mutant.line} {mutant.change}", file=sys.stderr, flush=True)
    shutil.copy(SOURCE / f"{module}.py", file)
    return alive


def prepared(folder: str) -> Path:
    """A copy of the package that imports find first, here and in what the tests start."""
    package = Path(shutil.copytree(SOURCE, Path(folder) / "angen"))
    compileall.compile_dir(package, quiet=1)
    for module in TESTS:  # compiled anew each time: a mutant may have its elder's size and age
        for compiled in (package / module).parent.glob(f"__pycache__/{Path(module).name}.*"):
            compiled.unlink()
    sys.dont_write_bytecode = True
    os.environ |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": folder,
        "OMP_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    sys.path.insert(0, folder)
    for name in WARM:
        importlib.import_module(name)
    return package


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="default: all")
    wanted = parser.parse_args().modules or [Path(module).name for module in TESTS]
    made = {module: mutants(module) for module in TESTS}
    stale = set(EQUIVALENT) - {mutant.change for found in made.values() for mutant in found}
    if stale:
        sys.exit("No such mutants any more:\n" + "\n".join(sorted(stale)))
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        package = prepared(folder)
        print("| module | mutants | killed | equivalent | survivors |\n|---|---|---|---|---|")
        for module in (module for module in TESTS if Path(module).name in wanted):
            tried = [mutant for mutant in made[module] if mutant.change not in EQUIVALENT]
            alive = len(survivors(module, tried, package))
            found, killed = len(made[module]), len(tried) - alive
            print(f"| {module} | {found} | {killed} | {found - len(tried)} | {alive} |", flush=True)
            total += alive
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
