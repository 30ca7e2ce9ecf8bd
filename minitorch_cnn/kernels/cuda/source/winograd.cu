// The transforms of Winograd's convolution F(4x4, 3x3); see ../array/winograd.py for how it works.
//
// Images and their tiles have channels last: tiles (36, N*TH*TW, C), kernels (36, C, K) in memory.
// A thread transforms one tile of one channel in its registers; the 36 matrix products between the
// transforms are cuBLAS's. struct Windows tells where the tiles are: OH x OW of them, `step` pixels
// apart.

// The points besides 0 and infinity: p and -p for P1 = sqrt(1/2) and P2 = sqrt(2).
constexpr double P1 = 0.70710678118654752440, P2 = 1.41421356237309504880;
constexpr double S1 = 0.5, S2 = 2;  // their squares
// A polynomial's share in interpolation: 1 / the product of (point - other) over all others.
constexpr double F1 = -1 / 1.5, F2 = 1 / 6.0;

// In the points p and -p, even powers have the same value and odd ones opposite values.
struct Pairs {
    A sum1, difference1, sum2, difference2;
    __device__ Pairs(const A *v)
        : sum1(v[1] + v[2]), difference1(v[1] - v[2]),
          sum2(v[3] + v[4]), difference2(v[3] - v[4]) {}
};

__device__ inline void split(A even1, A odd1, A even2, A odd2, A *v) {
    v[1] = even1 + odd1, v[2] = even1 - odd1;
    v[3] = even2 + odd2, v[4] = even2 - odd2;
}

// The six numbers of each transform, in place. B': six pixels, weighted so that the interpolation
// below gives four outputs.
struct Pixels {
    __device__ static void transform(A *v) {
        A first = v[0] - A(S1 + S2) * v[2] + v[4], last = v[1] - A(S1 + S2) * v[3] + v[5];
        split(
            v[4] - A(S2) * v[2], A(P1) * (v[3] - A(S2) * v[1]),
            v[4] - A(S1) * v[2], A(P2) * (v[3] - A(S1) * v[1]), v);
        v[0] = first, v[5] = last;
    }
};

// G: three numbers of a kernel -> its values in the points
struct Kernel {
    __device__ static void transform(A *v) {
        A k0 = v[0], k1 = v[1], k2 = v[2];
        split(
            A(F1) * (k0 + A(S1) * k2), A(F1 * P1) * k1,
            A(F2) * (k0 + A(S2) * k2), A(F2 * P2) * k1, v);
        v[5] = k2;
    }
};

// G', the gradient of Kernel: six numbers -> three
struct KernelGradient {
    __device__ static void transform(A *v) {
        Pairs p(v);
        v[0] += A(F1) * p.sum1 + A(F2) * p.sum2;
        v[1] = A(F1 * P1) * p.difference1 + A(F2 * P2) * p.difference2;
        v[2] = A(F1 * S1) * p.sum1 + A(F2 * S2) * p.sum2 + v[5];
    }
};

// A': values in the points -> four outputs
struct Outputs {
    __device__ static void transform(A *v) {
        Pairs p(v);
        v[0] += p.sum1 + p.sum2;
        v[1] = A(P1) * p.difference1 + A(P2) * p.difference2;
        v[2] = A(S1) * p.sum1 + A(S2) * p.sum2;
        v[3] = A(P1 * S1) * p.difference1 + A(P2 * S2) * p.difference2 + v[5];
    }
};

// A, the gradient of Outputs: four numbers -> six
struct OutputsGradient {
    __device__ static void transform(A *v) {
        A g0 = v[0], g1 = v[1], g2 = v[2], g3 = v[3];
        split(
            g0 + A(S1) * g2, A(P1) * (g1 + A(S1) * g3),
            g0 + A(S2) * g2, A(P2) * (g1 + A(S2) * g3), v);
        v[5] = g3;
    }
};

// Transforms the columns of a tile and then its rows. from: how many of them hold numbers at first.
template <class Which>
__device__ inline void both_ways(A (&tile)[6][6], int from) {
    for (int j = 0; j < from; j++) {
        A column[6];
        for (int i = 0; i < 6; i++) column[i] = tile[i][j];
        Which::transform(column);
        for (int i = 0; i < 6; i++) tile[i][j] = column[i];
    }
    for (int i = 0; i < 6; i++) Which::transform(tile[i]);
}

struct Corner {
    Index image;  // which
    int row, column;
};

__device__ inline Corner corner_of(Index tile, const Windows &w) {
    int tw = tile % w.OW, th = tile / w.OW % w.OH;
    return {tile / w.OW / w.OH, th * w.stride_h - w.padding_h, tw * w.stride_w - w.padding_w};
}

// Reads the tile of `side` x `side` pixels of image (N, H, W, C), 0 outside; writes the transform.
template <class Which, int side>
__device__ inline void into_tiles(const T *image, T *tiles, const Windows &w, Index count) {
    GRID_STRIDE(i, count) {
        Corner corner = corner_of(i / w.C, w);
        int c = i % w.C;
        A tile[6][6];
        for (int r = 0; r < 6; r++)
            for (int s = 0; s < 6; s++) {
                int row = corner.row + r, column = corner.column + s;
                bool inside = r < side && s < side && 0 <= row && row < w.H && 0 <= column
                    && column < w.W;
                Index pixel = (corner.image * w.H + row) * w.W + column;
                tile[r][s] = inside ? A(image[pixel * w.C + c]) : A(0);
            }
        both_ways<Which>(tile, side);
        for (int p = 0; p < 36; p++) tiles[p * count + i] = T(tile[p / 6][p % 6]);
    }
}

// V = B' d B of all tiles d of x
extern "C" __global__ void winograd_pixels(const T *x, T *V, Windows w, long long count) {
    into_tiles<Pixels, 6>(x, V, w, count);
}

// dM = A gy A'
extern "C" __global__ void winograd_outputs_gradient(
    const T *gy, T *dM, Windows w, long long count) {
    into_tiles<OutputsGradient, 4>(gy, dM, w, count);
}

// y = A' M A + bias
extern "C" __global__ void winograd_outputs(
    const T *M, const T *bias, T *y, Windows w, long long count) {
    GRID_STRIDE(i, (Index)count) {
        Corner corner = corner_of(i / w.C, w);
        int k = i % w.C;
        A tile[6][6];
        for (int p = 0; p < 36; p++) tile[p / 6][p % 6] = M[p * (Index)count + i];
        both_ways<Outputs>(tile, 6);
        A shift = bias == nullptr ? A(0) : A(bias[k]);
        for (int r = 0; r < 4 && corner.row + r < w.H; r++)
            for (int s = 0; s < 4 && corner.column + s < w.W; s++) {
                Index pixel = (corner.image * w.H + corner.row + r) * w.W + corner.column + s;
                y[pixel * w.C + k] = T(tile[r][s] + shift);
            }
    }
}

// U (36, C, K) = G w G' of w (K, C, 3, 3); turned: (36, K, C) of the kernels turned by 180 degrees
extern "C" __global__ void winograd_kernel(
    const T *w, T *U, long long K, long long C, long long turned, long long count) {
    GRID_STRIDE(i, (Index)count) {
        Index inner = turned ? C : K;
        Index k = turned ? i / inner : i % inner, c = turned ? i % inner : i / inner;
        A tile[6][6];
        for (int p = 0; p < 36; p++) {
            int r = p / 6, s = p % 6, place = r * 3 + s;
            bool inside = r < 3 && s < 3;
            tile[r][s] = inside ? A(w[(k * C + c) * 9 + (turned ? 8 - place : place)]) : A(0);
        }
        both_ways<Kernel>(tile, 3);
        for (int p = 0; p < 36; p++) U[p * (Index)count + i] = T(tile[p / 6][p % 6]);
    }
}

// gw (K, C, 3, 3) = G' dU G of dU (36, C, K)
extern "C" __global__ void winograd_kernel_gradient(
    const T *dU, T *gw, long long K, long long C, long long count) {
    GRID_STRIDE(i, (Index)count) {
        Index k = i % (Index)K, c = i / (Index)K;
        A tile[6][6];
        for (int p = 0; p < 36; p++) tile[p / 6][p % 6] = dU[p * (Index)count + i];
        both_ways<KernelGradient>(tile, 6);
        for (int p = 0; p < 9; p++) gw[(k * C + c) * 9 + p] = T(tile[p / 3][p % 3]);
    }
}
