// Dropout by Philox4x32-10; see ../array/dropout.py for what it is. Each thread makes the four
// numbers of one counter and treats the four elements that belong to them.

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
