// Random crop, mirror and normalise; see ../array/augment.py.

constexpr int MOST_CHANNELS = 8;

// The same in Python: augment.CHANNELS.
struct Channels {
    double scale[MOST_CHANNELS], shift[MOST_CHANNELS];
};

// One of `count` places, from a 32-bit random number.
__device__ inline int place_of(unsigned int number, int count) {
    return (int)(number * (unsigned long long)count >> 32);
}

// Pixel i of a row that goes on mirrored at both ends, as in 3 2 1 [0 1 2 3] 2 1 0
__device__ inline int reflected(int i, int length) {
    if (i < 0) i = -i;
    return i < length ? i : 2 * (length - 1) - i;
}

extern "C" __global__ void augment(
    const unsigned char *images, T *out, const __grid_constant__ Channels channels,
    long long key_low, long long key_high, long long padding, long long flip, long long reflect,
    long long H, long long W, long long C, long long count) {
    int h = H, w = W, size = C, frame = padding;
    GRID_STRIDE(i, count) {
        int c = i % size;
        Index pixel = i / size;
        int column = pixel % w, row = pixel / w % h, n = pixel / w / h;
        Counter draws = {{(unsigned int)n, 0, 0, 0}};
        draws = philox(draws, (unsigned int)key_low, (unsigned int)key_high);
        if (flip && draws.c[2] >= 0x80000000u) column = w - 1 - column;
        // where this is in the image, whose frame begins `frame` pixels before it
        row += place_of(draws.c[0], 2 * frame + 1) - frame;
        column += place_of(draws.c[1], 2 * frame + 1) - frame;
        if (reflect) {
            row = reflected(row, h);
            column = reflected(column, w);
        }
        bool inside = 0 <= row && row < h && 0 <= column && column < w;
        A value = inside ? A(images[(((Index)n * h + row) * w + column) * size + c]) : A(0);
        out[i] = T(value * A(channels.scale[c]) + A(channels.shift[c]));
    }
}
