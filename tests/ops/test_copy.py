"""clone, contiguous, to: against torch."""

from tables import A, against_torch, case

CASES = [
    case("clone", lambda lib, x: x.clone() ** 2, A),
    case("contiguous", lambda lib, x: x.permute(1, 2, 0).contiguous() ** 2, A),
    case("to", lambda lib, x: x.to(lib.float64) ** 2, A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)
