// Dropout by Philox4x32-10; see kernels/dropout.py for what it is. Each thread makes the four
// numbers of one counter and treats the four elements that belong to them.

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

// y = x times scale, or times 0 where the element's number is below the threshold
extern "C" __global__ void dropout(
    const T *x, T *y, long long key_low, long long key_high, long long threshold, double scale,
    long long size, long long count) {
    GRID_STRIDE(i, count) {
        unsigned long long number = i;
        Counter n = {{(unsigned int)number, (unsigned int)(number >> 32), 0, 0}};
        n = philox(n, (unsigned int)key_low, (unsigned int)key_high);
        for (int word = 0; word < 4; word++) {
            long long place = 4 * (long long)i + word;
            if (place < size)
                y[place] = T(A(x[place]) * (n.c[word] < threshold ? A(0) : A(scale)));
        }
    }
}
