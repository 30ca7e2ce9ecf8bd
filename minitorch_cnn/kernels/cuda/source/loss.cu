// Cross entropy of rows of C scores: a block for each row.

// The combination of every thread's value, for all threads of the block.
template <class Combine>
__device__ inline A of_block(A value, A *parts, Combine combine) {
    int t = threadIdx.x;
    __syncthreads();  // whoever still reads the result before this one
    parts[t] = value;
    __syncthreads();
    for (int count = blockDim.x; count > 1;) {
        int half = (count + 1) / 2;  // of an odd number, the middle one waits
        if (t < count - half) parts[t] = combine(parts[t], parts[t + half]);
        count = half;
        __syncthreads();
    }
    return parts[0];
}

// A class that does not exist gives NaN: to report it, the host would have to wait.
__device__ inline bool exists(long long target, long long C) { return 0 <= target && target < C; }

// losses (R): log(sum_c exp(x_c)) - x_target. softmax (R, C)
extern "C" __global__ void cross_entropy(
    const T *x, const long long *target, T *losses, T *softmax, long long R, long long C) {
    __shared__ A parts[MAX_THREADS];
    for (Index row = blockIdx.x; row < R; row += gridDim.x) {
        const T *scores = x + row * C;
        A largest = -INFINITY;
        for (int c = threadIdx.x; c < C; c += blockDim.x) largest = nan_max(largest, A(scores[c]));
        largest = of_block(largest, parts, [](A a, A b) { return nan_max(a, b); });

        A total = 0;  // exponents of at most 0 do not overflow
        for (int c = threadIdx.x; c < C; c += blockDim.x) total += exp(A(scores[c]) - largest);
        total = of_block(total, parts, [](A a, A b) { return a + b; });

        for (int c = threadIdx.x; c < C; c += blockDim.x)
            softmax[row * C + c] = T(exp(A(scores[c]) - largest) / total);
        if (threadIdx.x != 0) continue;
        long long t = target[row];
        losses[row] = T(exists(t, C) ? log(total) - (A(scores[t]) - largest) : A(NAN));
    }
}

// gx = gy (softmax - onehot(target))
extern "C" __global__ void cross_entropy_backward(
    const T *gy, const T *softmax, const long long *target, T *gx, long long C, long long count) {
    GRID_STRIDE(i, count) {
        Index row = i / (Index)C;
        A p = softmax[i], g = gy[row];
        A value = i % (Index)C == target[row] ? g * p - g : g * p;
        gx[i] = T(exists(target[row], C) ? value : A(NAN));
    }
}
