// ReLU. All arrays lie in memory in the same order, so that an element is a place and no more.

extern "C" __global__ void relu(const T *x, T *y, long long count) {
    GRID_STRIDE(i, count) {
        A value = x[i];
        y[i] = T(value < A(0) ? A(0) : value);  // this way around, NaN stays NaN
    }
}

extern "C" __global__ void relu_backward(const T *gy, const T *y, T *gx, long long count) {
    GRID_STRIDE(i, count) gx[i] = A(y[i]) <= A(0) ? T(A(0)) : gy[i];  // gy at NaN
}
