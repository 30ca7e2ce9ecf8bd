"""The register tile in machine code of several processors, also of those that are not here.

LLVM writes code for any processor. What it writes tells whether the sums stay in registers: a loop
that keeps some of them on the stack runs at half its speed, and no result would show it.
"""

import re

import pytest

pytest.importorskip("numba", reason="the compiled kernels need Numba")

import llvmlite.binding as llvm
from llvmlite import ir

from minitorch_cnn.kernels.cpu.jit import tile, vector

# For each processor: (triple, name), floats in a register, registers, a * b + c in its language,
# and how a vector looks that comes from the stack or goes there.
LINUX, MAC = "aarch64-unknown-linux-gnu", "arm64-apple-macosx11.0"
X86 = "x86_64-unknown-linux-gnu"
ON_ARM = r"\b[qdsv]\d.*\[sp"
ON_X86 = r"mm\d.*\(%rsp|\(%rsp.*mm\d"
PROCESSORS = {
    "ARM": ((LINUX, "generic"), 4, 32, "fmla", ON_ARM),
    "Raspberry Pi": ((LINUX, "cortex-a72"), 4, 32, "fmla", ON_ARM),
    "Apple": ((MAC, "apple-m1"), 4, 32, "fmla", r"\b[qdsv]\d.*\[(sp|x29)"),
    "AVX-512": ((X86, "x86-64-v4"), 16, 32, "vfmadd", ON_X86),
    "AVX2": ((X86, "x86-64-v3"), 8, 16, "vfmadd", ON_X86),
    "SSE": ((X86, "x86-64"), 4, 16, "mulps", ON_X86),
}
TILES = [
    pytest.param(name, vectors, masked, id=f"{name}, {vectors} wide" + ", masked" * masked)
    for name, (_, lanes, registers, *_) in PROCESSORS.items()
    for vectors in tile.HEIGHTS_FOR[registers]
    for masked in ([False, True] if lanes == 16 else [False])  # others have no masks to spare
]


def machine_code(processor, heights, vectors, lanes, masked):
    """Assembly of `tile._rows_code` for a processor; masked: how it reads b."""
    triple, name = processor
    module = ir.Module()
    module.triple = triple
    arguments = [vector.I64] * len(tile._Arguments._fields)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "rows_product")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    args = tile._Arguments(*function.args)
    tile._rows_code(builder, args, heights, vectors, lanes, masked)
    builder.ret_void()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=name, opt=3)
    parsed = llvm.parse_assembly(str(module))
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(parsed, passes)
    return machine.emit_assembly(parsed)


def innermost_loops(code):
    """The instructions from each label to a jump back to it, without another label in between."""
    blocks = re.split(r"^(\.?LBB\w+):", code, flags=re.MULTILINE)[1:]
    for label, block in zip(blocks[::2], blocks[1::2], strict=True):
        lines = re.findall(r"^\t(?![.#/]).*", block, flags=re.MULTILINE)
        jumps = [n for n, line in enumerate(lines) if line.endswith(f"\t{label}")]
        if jumps:
            yield lines[: jumps[-1] + 1]


@pytest.mark.skipif(
    llvm.llvm_version_info[0] < 20,
    reason="LLVM 15, which Numba 0.61 has, runs out of registers in ARM's tile 2 vectors wide",
)
@pytest.mark.parametrize("name, vectors, masked", TILES)
def test_the_sums_of_a_tile_stay_in_registers(name, vectors, masked, monkeypatch):
    processor, lanes, registers, multiply_add, stack = PROCESSORS[name]
    for module in (vector, tile):
        monkeypatch.setattr(module, "AVX512", lanes == 16)
    heights = (6, 2, 1) if masked else tile.HEIGHTS_FOR[registers][vectors]
    loops = list(innermost_loops(machine_code(processor, heights, vectors, lanes, masked)))
    counts = [sum(multiply_add in line for line in loop) for loop in loops]
    # LLVM may write the loop of a single row twice.
    assert set(counts) == {height * vectors for height in heights}
    for loop in loops:
        moves = [line for line in loop if re.search(stack, line)]
        assert not moves, "\n".join(loop)
        # A load through a mask takes the place of a multiply-add on Intel's processors.
        assert any("{%k" in line for line in loop) == masked, "\n".join(loop)
