// Batch normalisation. An image batch is (M, C) in memory: M pixels of all images, C channels side
// by side, so neighbouring threads work on neighbouring channels.
//
// A sum over all pixels goes in two steps: each block adds up some of the rows ("a chunk") and
// writes one partial result for each channel; then a second kernel adds up the chunks. Who adds
// what in which order is fixed by the shape, so that the result is the same every time.

// Mean and sum of squared deviations of the numbers seen so far (Welford, "Note on a method for
// calculating corrected sums of squares and products", 1962): unlike E[x^2] - E[x]^2, it loses no
// digits where the mean is large compared with the deviation.
struct Moments {
    A count, mean, squares;

    __device__ void clear() { count = 0, mean = 0, squares = 0; }

    __device__ void add(A value) {
        count += 1;
        A deviation = value - mean;
        mean += isinf(mean) ? value : deviation / count;  // infinity stays: inf - inf is NaN
        squares += deviation * (value - mean);
    }

    // Both halves together (Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for
    // computing sample variances", 1979).
    __device__ void merge(const Moments &other) {
        if (other.count == A(0)) return;
        A total = count + other.count;
        A deviation = other.mean - mean;
        mean += isinf(mean) ? other.mean : deviation * (other.count / total);
        squares += other.squares + deviation * deviation * (count * (other.count / total));
        count = total;
    }
};

// The two sums that the gradient needs: of g, and of g (x - mean).
struct Products {
    A sum, product;

    __device__ void clear() { sum = 0, product = 0; }

    __device__ void merge(const Products &other) {
        sum += other.sum;
        product += other.product;
    }
};

// Adds up what the threads of a block have: their `parts` in shared memory, those of thread
// t, t + step, t + 2 step, ... belong together, `rows` of them. Afterwards the first `step`
// threads hold the results, each its own: it may use `parts` for the next sum without a barrier.
// Every thread of the block must come here.
template <class Part>
__device__ inline void merge_rows(Part *parts, int step, int rows) {
    int t = threadIdx.x;
    __syncthreads();
    while (rows > 1) {
        int half = (rows + 1) / 2;  // with an odd number of rows, the middle one waits
        if (t < (rows - half) * step) parts[t].merge(parts[t + half * step]);
        rows = half;
        __syncthreads();
    }
}

// Step one. Work item b = (chunk, tile): the rows chunk * length ... of `columns` channels. Within
// a block, thread t works on channel t % columns and on every rows-th row from t / columns.
// read(part, row, channel) takes one number in. partial: (chunks, C)
template <class Part, class Read>
__device__ inline void reduce_chunks(
    Part *parts, Part *partial, Index M, int C, int chunks, Read read) {
    int columns = min(C, (int)blockDim.x), rows = blockDim.x / columns;
    int tiles = divide_up(C, columns);
    Index length = (M + chunks - 1) / chunks;
    int t = threadIdx.x, row_of_thread = t / columns;
    for (int item = blockIdx.x; item < chunks * tiles; item += gridDim.x) {
        int chunk = item / tiles, channel = item % tiles * columns + t % columns;
        bool busy = row_of_thread < rows && channel < C;
        Part mine;
        mine.clear();
        if (busy) {
            Index end = min((chunk + 1) * length, M);
            for (Index row = chunk * length + row_of_thread; row < end; row += rows)
                read(mine, row, channel);
        }
        parts[t] = mine;
        merge_rows(parts, columns, rows);
        if (t < columns && channel < C) partial[(Index)chunk * C + channel] = parts[t];
    }
}

// Step two for one channel: all threads of a block add up its chunks. The result is parts[0].
template <class Part>
__device__ inline void merge_chunks(Part *parts, const Part *partial, int C, int chunks, int c) {
    int t = threadIdx.x;
    Part mine;
    mine.clear();
    for (int chunk = t; chunk < chunks; chunk += blockDim.x)
        mine.merge(partial[(Index)chunk * C + c]);
    parts[t] = mine;
    merge_rows(parts, 1, blockDim.x);
}

// ------------------------------------------------------------------------------ statistics

extern "C" __global__ void moments_of_chunks(
    const T *x, Moments *partial, long long M, long long C, long long chunks) {
    __shared__ Moments parts[MAX_THREADS];
    reduce_chunks(parts, partial, M, C, chunks, [=](Moments &mine, Index row, int channel) {
        mine.add(x[row * C + channel]);
    });
}

extern "C" __global__ void mean_and_variance(
    const Moments *partial, A *mean, A *variance, long long C, long long chunks) {
    __shared__ Moments parts[MAX_THREADS];
    for (int c = blockIdx.x; c < C; c += gridDim.x) {
        merge_chunks(parts, partial, C, chunks, c);
        if (threadIdx.x == 0) {
            mean[c] = parts[0].mean;
            variance[c] = parts[0].squares / parts[0].count;
        }
    }
}

// ------------------------------------------------------------------------------ forward

// y = x scale + shift [+ residual], at least 0 with relu
extern "C" __global__ void normalize(
    const T *x, const A *scale, const A *shift, const T *residual, T *y, long long relu,
    long long C, long long count) {
    GRID_STRIDE(i, count) {
        int c = i % (Index)C;
        A value = A(x[i]) * scale[c] + shift[c];
        if (residual != nullptr) value += A(residual[i]);
        if (relu && value < A(0)) value = 0;
        y[i] = T(value);
    }
}

// ------------------------------------------------------------------------------ backward

// With relu after the batch norm, its output y tells which gradients come through.
__device__ inline A through_relu(const T *gy, const T *y, Index i) {
    return y != nullptr && A(y[i]) <= A(0) ? A(0) : A(gy[i]);
}

extern "C" __global__ void products_of_chunks(
    const T *gy, const T *y, const T *x, const A *mean, Products *partial, long long M,
    long long C, long long chunks) {
    __shared__ Products parts[MAX_THREADS];
    reduce_chunks(parts, partial, M, C, chunks, [=](Products &mine, Index row, int channel) {
        Index i = row * C + channel;
        A g = through_relu(gy, y, i);
        mine.sum += g;
        mine.product += g * (A(x[i]) - mean[channel]);
    });
}

// The gradients of weight and bias, and the numbers a, b, c of each channel with
// gx = a g + b x + c; see ../array/norm.py for the formulas.
extern "C" __global__ void gradient_coefficients(
    const Products *partial, const A *weight, const A *mean, const A *invstd, A *gweight,
    A *gbias, A *a, A *b, A *c, long long batch_statistics, long long M, long long C,
    long long chunks) {
    __shared__ Products parts[MAX_THREADS];
    for (int channel = blockIdx.x; channel < C; channel += gridDim.x) {
        merge_chunks(parts, partial, C, chunks, channel);
        if (threadIdx.x != 0) continue;
        A gb = parts[0].sum, gw = parts[0].product * invstd[channel];
        A factor = (weight == nullptr ? A(1) : weight[channel]) * invstd[channel];
        A slope = batch_statistics ? -factor * invstd[channel] * gw / A(M) : A(0);
        gbias[channel] = gb;
        gweight[channel] = gw;
        a[channel] = factor;
        b[channel] = slope;
        c[channel] = batch_statistics ? -factor * gb / A(M) - slope * mean[channel] : A(0);
    }
}

// gx = a g + b x + c
extern "C" __global__ void normalize_backward(
    const T *gy, const T *y, const T *x, const A *a, const A *b, const A *c, T *gx,
    long long batch_statistics, long long C, long long count) {
    GRID_STRIDE(i, count) {
        int channel = i % (Index)C;
        A g = through_relu(gy, y, i);
        A value = a[channel] * g;
        // Not b x with b = 0: x may be infinite.
        if (batch_statistics) value += b[channel] * A(x[i]) + c[channel];
        gx[i] = T(value);
    }
}
