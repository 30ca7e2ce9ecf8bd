// What all kernels share. This file stands in front of each of them when they are compiled.
//
// Three names come from the compiler's options (see loader.py):
//     ELEMENT  what arrays hold: float, double or __half
//     SUM      what is calculated in: ELEMENT itself, but float for __half
//     INDEX    what counts elements: int if all arrays are small enough for it (dividing 64-bit
//              numbers takes a GPU several times longer), long long otherwise
//
// Every kernel is right for any number of blocks and of threads up to MAX_THREADS: what a thread
// does is always a loop that strides over the work by the number of threads there are.
#include <cuda_fp16.h>

typedef ELEMENT T;
typedef SUM A;
typedef INDEX Index;

constexpr int MAX_THREADS = 256;

#ifndef INFINITY  // NVRTC has no <math.h>
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif

// for (i = number of this thread among all; i < count; i += number of all threads)
#define GRID_STRIDE(i, count)                                             \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (count); \
         i += (Index)blockDim.x * gridDim.x)

// How windows (of a convolution or of pooling) lie over images that are (N, H, W, C) in memory:
// KH x KW positions, OH x OW windows; each step pixels apart, its positions `spread` pixels.
// loader.WINDOWS is the same in Python.
struct Windows {
    int N, C, H, W;
    int OH, OW;
    int KH, KW;
    int stride_h, stride_w;
    int padding_h, padding_w;
    int dilation_h, dilation_w;
    int groups;
};

// The window along one axis whose position k lies on pixel i: true if there is one of `count`.
__device__ inline bool window_at(int i, int k, int step, int pad, int spread, int count, int *out) {
    int start = i + pad - k * spread;  // in the padded image
    if (start < 0 || start % step != 0) return false;
    *out = start / step;
    return *out < count;
}

// x / y, rounded up
__device__ inline int divide_up(int x, int y) { return (x + y - 1) / y; }

// The larger number; NaN counts as larger than any.
__device__ inline A nan_max(A x, A y) { return (x > y || x != x) ? x : y; }

// Random numbers: four of 32 bits for each counter; see ../array/dropout.py.
struct Counter {
    unsigned int c[4];
};

__device__ inline Counter philox(Counter n, unsigned int low, unsigned int high) {
    for (int round = 0; round < 10; round++) {
        unsigned long long first = n.c[0] * 0xD2511F53ull, second = n.c[2] * 0xCD9E8D57ull;
        n.c[0] = (unsigned int)(second >> 32) ^ n.c[1] ^ low;
        n.c[1] = (unsigned int)second;
        n.c[2] = (unsigned int)(first >> 32) ^ n.c[3] ^ high;
        n.c[3] = (unsigned int)first;
        low += 0x9E3779B9u;
        high += 0xBB67AE85u;
    }
    return n;
}
