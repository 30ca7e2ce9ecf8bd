"""Runs any of the tests on another array library: ``pytest --backend standin tests/ops``.

    numpy     (default) as users without a GPU have it
    cupy      the installed CuPy, on a GPU or on an emulated one
    standin   tests/standin: CuPy's rules, computed by NumPy; for machines with neither

The tests themselves do not know. New tensors land on the chosen backend, and where a test takes
numbers out of a tensor they are fetched from it, which a user has to ask for with `.cpu()`.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn import backend
from minitorch_cnn.kernels import dispatch
from minitorch_cnn.tensor import wrap

# What is about the host itself, or cannot be so on a GPU: test -> why.
SHARED = "compares or shares memory with NumPy"
TEXT = "the text of a tensor on a GPU names its device"
UNCHECKED = "checking values on a GPU would make the host wait for it"
DIGITS = "expects the last digit of NumPy's functions"
ROWS = "CuPy's elementwise functions give row-major results, whatever their inputs"
CPU = "asks for the CPU by name"
DIGAMMA = "g++, which compiles for the emulated GPU, does not compile CuPy's digamma"
HOST_ONLY = {
    "test_deepcopy_keeps_views_of_one_memory_and_no_gradient_of_a_parameter": SHARED,
    "test_tensor_copies_and_as_tensor_shares": SHARED,
    "test_views_share_memory": SHARED,
    "test_numpy_shares_memory_both_ways": SHARED,
    "test_memory_that_numpy_shares_does_not_grow": SHARED,
    "test_dlpack_both_ways_shares_memory": SHARED,
    "test_dlpack_with_torch": SHARED,
    "test_two_types_in_one_memory_are_refused": SHARED,
    "test_from_dlpack_shares_both_ways": SHARED,
    "test_arrays_outside_may_be_overwritten_at_any_time": SHARED,
    "test_inputs_may_be_overwritten_afterwards[conv-shared": SHARED,
    "test_inputs_may_be_overwritten_afterwards[linear-shared": SHARED,
    "test_inputs_may_be_overwritten_afterwards[norm-shared": SHARED,
    "test_inputs_may_be_overwritten_afterwards[sum-shared": SHARED,
    "test_inputs_may_be_overwritten_afterwards[mask-shared": SHARED,
    "test_nothing_is_kept_alive_longer_than_needed": "watches NumPy's arrays",
    "test_dropping_the_loss_frees_the_graph": "watches NumPy's arrays",
    "test_saved_values_are_freed_by_backward_though_the_loss_lives_on": "watches NumPy's arrays",
    "test_what_was_packed_is_all_that_is_kept": "watches NumPy's arrays",
    "test_what_a_node_holds_is_not_looked_at_by_the_garbage_collector": "counts objects of NumPy",
    "test_elements_with_gaps_can_be_written_and_read": "CuPy's strided arrays own no gaps",
    "test_strides_over_the_memory_of_views": "CuPy's strided arrays do not know whose memory it is",
    "test_as_in_torch[lib.zeros(2, 3).index": UNCHECKED,
    "test_as_in_torch[lib.zeros(2).index_add(0": UNCHECKED,
    "test_index_add_to_a_number_names_both_shapes": UNCHECKED,
    "test_selecting_from_what_has_no_elements": UNCHECKED,
    "test_writing_by_an_index_into_an_expanded_tensor": "NumPy guards what stands in for CuPy's",
    "test_as_in_torch[lib.ones(2).storage().is_shared": "the memory of a GPU is shared",
    "test_as_in_torch[lib.ones(2).map_": "calls Python for each element",
    "test_texts_are_torchs": TEXT,
    "test_basic_attributes": CPU,
    "test_a_constructor_gives_a_view_of_a_tensor": CPU,
    "test_gather_is_the_way_back_with_its_gradient": CPU,
    "test_small_questions": CPU,
    "test_to_and_conversions": CPU,
    "test_repr[": TEXT,
    "test_parameter_list": TEXT,
    "test_parameter_dict": TEXT,
    "test_error[<lambda>-IndexError-": UNCHECKED,
    "test_error[<lambda>-RuntimeError-index ": UNCHECKED,
    "test_what_does_not_fit_is_refused[index0-table0-": UNCHECKED,
    "test_what_does_not_fit_is_refused[index1-": UNCHECKED,
    "test_what_does_not_fit_is_refused_as_by_torch[multi": UNCHECKED,
    "test_odd_operands": CPU,
    "test_arguments.py::test_the_same_is_accepted": "a number names a GPU",
    "test_layer_arguments.py": UNCHECKED,
    "test_a_negative_variance_is_refused": UNCHECKED,
    "test_an_out_of_range_target_is_quoted_with_its_place": UNCHECKED,
    "test_binary_cross_entropy_at_its_ends_is_cut_as_torchs": UNCHECKED,
    "test_gelu_with_tanh": DIGITS,
    "test_channels_last_memory": ROWS,
    "test_complex_numbers.py::test_what_it_looks_like": TEXT,
    "test_attributes_are_torchs": CPU,
    "test_the_types_are_torchs": CPU,
    "test_apply_and_map": "calls Python for each element",
    "test_apply_on_a_part": "calls Python for each element",
    "test_a_forked_process_writes_into_shared_memory": SHARED,
    "test_nearly_all_operations_are_tried": DIGAMMA,
    "test_nodes_have_torchs_names": "kernels of a GPU record other steps",
    "[lgamma": DIGAMMA,
    "[digamma": DIGAMMA,
    "[trigamma": DIGAMMA,
    "[polygamma": DIGAMMA,
    "[mvlgamma": DIGAMMA,
    "test_values_of_gamma_functions_at_known_places": DIGAMMA,
    "test_special_functions.py::test_poles": DIGAMMA,
    "test_the_memory_stays_the_same": SHARED,
    "test_settings_of_torchs_top": CPU,
    "test_pivots_that_cannot_be": UNCHECKED,
    "test_asarray_of_buffers_and_capsules": SHARED,
    "test_a_read_only_array_warns": SHARED,
}


def add_option(parser):
    parser.addoption(
        "--backend", choices=["numpy", "cupy", "standin"], default="numpy", help="see backends.py"
    )


def use(config):
    """Switches the whole session to the backend of the option."""
    chosen = config.getoption("--backend")
    if chosen == "numpy":
        return
    if chosen == "standin":
        sys.path.insert(0, str(Path(__file__).parent / "standin"))
        # A stand-in runs no CUDA kernels: not in any thread, nor where a test asks for "auto".
        dispatch._State.tier = "array"
        mt.kernel_tier = lambda choice: dispatch.kernel_tier("array")
    mt.Tensor.numpy = fetched
    mt.from_numpy = functools.partial(laid_out_as, mt.from_numpy)
    hypothesis.settings.register_profile("device", parent=hypothesis.settings(), max_examples=2)
    hypothesis.settings.load_profile("device")
    mt.set_backend("cupy")


def report(config, write_line):
    """Says how much of the session went over the stand-in: a run that missed it proves nothing."""
    if config.getoption("--backend") == "standin":
        from cupy._rules import counters

        assert counters["h2d"] > 0 and counters["d2h"] > 0
        write_line(f"on the stand-in for CuPy: {counters}")


def skip_host_only(config, items):
    if config.getoption("--backend") == "numpy":
        return
    for item in items:
        for name, reason in HOST_ONLY.items():
            if name in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=f"on the host only: {reason}"))


def fetched(self, *, force=False):
    """Tensor.numpy, from whichever memory."""
    if self.requires_grad and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy()."
        )
    return backend.to_numpy(self.array)


def laid_out_as(original, array):
    """mt.from_numpy, but on the backend, in the same memory layout: order, direction, gaps."""
    if not isinstance(array, np.ndarray):
        return original(array)
    backwards = tuple(slice(None, None, -1 if step < 0 else 1) for step in array.strides)
    forwards = array[backwards]
    order = sorted(range(array.ndim), key=lambda axis: -forwards.strides[axis])
    packed = forwards.transpose(order)
    if array.ndim and array.size and packed.strides[-1] > array.itemsize:
        wide = np.zeros((*packed.shape, 2), array.dtype)
        wide[..., 0] = packed
        moved = backend.to_device(wide, None)[..., 0]
    else:
        moved = backend.to_device(np.ascontiguousarray(packed).reshape(packed.shape), None)
    inverse = [order.index(axis) for axis in range(array.ndim)]
    return wrap(moved.transpose(inverse)[backwards])
