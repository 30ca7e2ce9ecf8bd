// Depthwise convolution: every channel has M = K / C filters of its own. As matrix products these
// would be C products with almost nothing in each, so the sums are taken one by one.
// Images (N, H, W, C), results (N, OH, OW, K), kernels (K, KH, KW) in memory; K of gy and y is
// given beside struct Windows, whose C is that of the images.

extern "C" __global__ void depthwise(
    const T *x, const T *kernel, const T *bias, T *y, Windows w, long long filters,
    long long count) {
    int K = filters, M = K / w.C;
    GRID_STRIDE(i, count) {
        int k = i % K;
        Index place = i / K;
        int ow = place % w.OW, oh = place / w.OW % w.OH, n = place / w.OW / w.OH;
        A sum = bias == nullptr ? A(0) : A(bias[k]);
        for (int kh = 0; kh < w.KH; kh++) {
            int row = oh * w.stride_h - w.padding_h + kh * w.dilation_h;
            if (row < 0 || row >= w.H) continue;
            for (int kw = 0; kw < w.KW; kw++) {
                int column = ow * w.stride_w - w.padding_w + kw * w.dilation_w;
                if (column < 0 || column >= w.W) continue;
                Index pixel = ((Index)n * w.H + row) * w.W + column;
                sum += A(x[pixel * w.C + k / M]) * A(kernel[(k * w.KH + kh) * w.KW + kw]);
            }
        }
        y[i] = T(sum);
    }
}

// gx: each pixel collects from the windows that hold it (see col2im).
extern "C" __global__ void depthwise_input_grad(
    const T *gy, const T *kernel, T *gx, Windows w, long long filters, long long count) {
    int K = filters, M = K / w.C;
    GRID_STRIDE(i, count) {
        int c = i % w.C;
        Index pixel = i / w.C;
        int column = pixel % w.W, row = pixel / w.W % w.H, n = pixel / w.W / w.H;
        A sum = 0;
        for (int kh = 0; kh < w.KH; kh++) {
            int oh;
            if (!window_at(row, kh, w.stride_h, w.padding_h, w.dilation_h, w.OH, &oh)) continue;
            for (int kw = 0; kw < w.KW; kw++) {
                int ow;
                if (!window_at(column, kw, w.stride_w, w.padding_w, w.dilation_w, w.OW, &ow)) continue;
                Index window = ((Index)n * w.OH + oh) * w.OW + ow;
                for (int k = c * M; k < (c + 1) * M; k++)
                    sum += A(gy[window * K + k]) * A(kernel[(k * w.KH + kh) * w.KW + kw]);
            }
        }
        gx[i] = T(sum);
    }
}

// partial (chunks, KH * KW, K): the gradients of the kernels from each chunk of the windows. Adding
// up the chunks is left to the caller.
extern "C" __global__ void depthwise_weight_grad(
    const T *x, const T *gy, A *partial, Windows w, long long filters, long long chunks,
    long long count) {
    int K = filters, M = K / w.C;
    Index windows = (Index)w.N * w.OH * w.OW;
    Index length = (windows + (Index)chunks - 1) / (Index)chunks;
    GRID_STRIDE(i, count) {
        int k = i % K;
        int kw = i / K % w.KW, kh = i / K / w.KW % w.KH;
        Index chunk = i / K / w.KW / w.KH;
        Index end = min((chunk + 1) * length, windows);
        A sum = 0;
        for (Index window = chunk * length; window < end; window++) {
            int ow = window % w.OW, oh = window / w.OW % w.OH;
            int row = oh * w.stride_h - w.padding_h + kh * w.dilation_h;
            int column = ow * w.stride_w - w.padding_w + kw * w.dilation_w;
            if (row < 0 || row >= w.H || column < 0 || column >= w.W) continue;
            Index pixel = (window / w.OW / w.OH * w.H + row) * w.W + column;
            sum += A(x[pixel * w.C + k / M]) * A(gy[window * K + k]);
        }
        partial[i] = sum;
    }
}
