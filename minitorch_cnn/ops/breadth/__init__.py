"""What a CNN does not need: torch's other functions, filed by the sections of its documentation.

A file is called as the section is; what its name begins with tells the namespace.

    pointwise_*, reduction, comparison, indexing_*, random_sampling, blas, other_*
                torch ("Pointwise Ops", "Random sampling", ...)
    linalg_*    torch.linalg ("Decompositions", "Solvers", ...)
    nn_*        torch.nn.functional ("Loss functions", "Vision functions", ...)
"""
