// Pooling. Images are (N, H, W, C), results (N, OH, OW, C) in memory: neighbouring threads work
// on neighbouring channels. Gradients are collected by a thread for each pixel (see col2im).

struct Output {
    int n, oh, ow, c;
};

__device__ inline Output output_at(Index i, const Windows &w) {
    Output o;
    o.c = i % w.C, i /= w.C;
    o.ow = i % w.OW, i /= w.OW;
    o.oh = i % w.OH;
    o.n = i / w.OH;
    return o;
}

// The first position of a window that does not lie before the image.
__device__ inline int first_inside(int start, int spread, int size) {
    return start >= 0 ? 0 : min(divide_up(-start, spread), size - 1);
}

// The largest number of each window and (unless position is null) where in the window it was:
// kh * KW + kw, the first one of equals. NaN counts as larger than any number, and of several the
// last one counts, as in torch.
extern "C" __global__ void max_pool(
    const T *x, T *y, unsigned char *position, Windows w, long long count) {
    GRID_STRIDE(i, count) {
        Output o = output_at(i, w);
        int top = o.oh * w.stride_h - w.padding_h, left = o.ow * w.stride_w - w.padding_w;
        int first_h = first_inside(top, w.dilation_h, w.KH);
        int first_w = first_inside(left, w.dilation_w, w.KW);
        A best = -INFINITY;
        int place = first_h * w.KW + first_w;
        for (int kh = first_h; kh < w.KH; kh++) {
            int row = top + kh * w.dilation_h;
            if (row < 0 || row >= w.H) break;
            for (int kw = first_w; kw < w.KW; kw++) {
                int column = left + kw * w.dilation_w;
                if (column < 0 || column >= w.W) break;
                A value = x[(((Index)o.n * w.H + row) * w.W + column) * w.C + o.c];
                if (value > best || value != value) {
                    best = value;
                    place = kh * w.KW + kw;
                }
            }
        }
        y[i] = T(best);
        if (position != nullptr) position[i] = place;
    }
}

// gx: each pixel adds up the gy of the windows whose maximum it was.
extern "C" __global__ void max_pool_scatter(
    const T *gy, const unsigned char *position, T *gx, Windows w, long long count) {
    GRID_STRIDE(i, count) {
        int c = i % w.C;
        Index pixel = i / w.C;
        int column = pixel % w.W, row = (pixel / w.W) % w.H, n = pixel / w.W / w.H;
        A sum = 0;
        for (int kh = 0; kh < w.KH; kh++) {
            int oh;
            if (!window_at(row, kh, w.stride_h, w.padding_h, w.dilation_h, w.OH, &oh)) continue;
            for (int kw = 0; kw < w.KW; kw++) {
                int ow;
                if (!window_at(column, kw, w.stride_w, w.padding_w, w.dilation_w, w.OW, &ow)) continue;
                Index o = (((Index)n * w.OH + oh) * w.OW + ow) * w.C + c;
                if (position[o] == kh * w.KW + kw) sum += A(gy[o]);
            }
        }
        gx[i] = T(sum);
    }
}

// y: the number at `position` of each window of x, 0 in the border.
extern "C" __global__ void max_pool_gather(
    const T *x, const unsigned char *position, T *y, Windows w, long long count) {
    GRID_STRIDE(i, count) {
        Output o = output_at(i, w);
        int row = o.oh * w.stride_h - w.padding_h + position[i] / w.KW * w.dilation_h;
        int column = o.ow * w.stride_w - w.padding_w + position[i] % w.KW * w.dilation_w;
        bool inside = 0 <= row && row < w.H && 0 <= column && column < w.W;
        Index pixel = ((Index)o.n * w.H + row) * w.W + column;
        y[i] = inside ? x[pixel * w.C + o.c] : T(A(0));
    }
}

// What a window of average pooling is divided by: `divisor` if that is not 0, otherwise the number
// of its pixels, those of the border among them or not.
__device__ inline A window_divisor(int oh, int ow, const Windows &w, bool with_border, A divisor) {
    if (divisor != A(0)) return divisor;
    int border_h = with_border ? w.padding_h : 0, border_w = with_border ? w.padding_w : 0;
    int top = oh * w.stride_h - w.padding_h, left = ow * w.stride_w - w.padding_w;
    int rows = min(top + w.KH, w.H + border_h) - max(top, -border_h);
    int columns = min(left + w.KW, w.W + border_w) - max(left, -border_w);
    return A(rows) * A(columns);
}

extern "C" __global__ void avg_pool(
    const T *x, T *y, Windows w, long long with_border, double divisor, long long count) {
    GRID_STRIDE(i, count) {
        Output o = output_at(i, w);
        int top = o.oh * w.stride_h - w.padding_h, left = o.ow * w.stride_w - w.padding_w;
        A sum = 0;
        for (int row = max(top, 0); row < min(top + w.KH, w.H); row++)
            for (int column = max(left, 0); column < min(left + w.KW, w.W); column++)
                sum += A(x[(((Index)o.n * w.H + row) * w.W + column) * w.C + o.c]);
        y[i] = T(sum / window_divisor(o.oh, o.ow, w, with_border, A(divisor)));
    }
}

extern "C" __global__ void avg_pool_backward(
    const T *gy, T *gx, Windows w, long long with_border, double divisor, long long count) {
    GRID_STRIDE(i, count) {
        int c = i % w.C;
        Index pixel = i / w.C;
        int column = pixel % w.W, row = (pixel / w.W) % w.H, n = pixel / w.W / w.H;
        A sum = 0;
        for (int kh = 0; kh < w.KH; kh++) {
            int oh;
            if (!window_at(row, kh, w.stride_h, w.padding_h, 1, w.OH, &oh)) continue;
            for (int kw = 0; kw < w.KW; kw++) {
                int ow;
                if (!window_at(column, kw, w.stride_w, w.padding_w, 1, w.OW, &ow)) continue;
                Index o = (((Index)n * w.OH + oh) * w.OW + ow) * w.C + c;
                sum += A(gy[o]) / window_divisor(oh, ow, w, with_border, A(divisor));
            }
        }
        gx[i] = T(sum);
    }
}
