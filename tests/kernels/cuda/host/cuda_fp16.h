// Stands in for CUDA's header of this name: cuda_on_host.h has what the kernels need of it.
#pragma once
