// The patches of an image as rows of a matrix, and the way back.
//
// cols is (G, N, OH, OW, KH, KW, C/G) in memory: for each group, a row for each window.

struct Place {
    int n, oh, ow, kh, kw, c;  // c counts through all groups
};

// The place in the image and in its windows that element i of cols belongs to.
__device__ inline Place place_in_cols(Index i, const Windows &w) {
    Place p;
    int group_size = w.C / w.groups;
    p.c = i % group_size, i /= group_size;
    p.kw = i % w.KW, i /= w.KW;
    p.kh = i % w.KH, i /= w.KH;
    p.ow = i % w.OW, i /= w.OW;
    p.oh = i % w.OH, i /= w.OH;
    p.n = i % w.N, i /= w.N;
    p.c += (int)i * group_size;
    return p;
}

// x (N, H, W, C) -> cols. Neighbouring threads read neighbouring channels.
extern "C" __global__ void im2col(const T *x, T *cols, Windows w, long long count) {
    GRID_STRIDE(i, count) {
        Place p = place_in_cols(i, w);
        int row = p.oh * w.stride_h - w.padding_h + p.kh * w.dilation_h;
        int column = p.ow * w.stride_w - w.padding_w + p.kw * w.dilation_w;
        bool inside = 0 <= row && row < w.H && 0 <= column && column < w.W;
        Index pixel = ((Index)p.n * w.H + row) * w.W + column;
        cols[i] = inside ? x[pixel * w.C + p.c] : T(A(0));
    }
}

// gcols -> gx (N, H, W, C). Where patches overlap, their values add up. A thread for each pixel
// collects from the windows that hold it: nothing is added atomically, so the order of the
// additions, and with it the last bit of the result, is always the same.
extern "C" __global__ void col2im(const T *gcols, T *gx, Windows w, long long count) {
    int group_size = w.C / w.groups;
    GRID_STRIDE(i, count) {
        int c = i % w.C;
        Index pixel = i / w.C;
        int column = pixel % w.W, row = (pixel / w.W) % w.H, n = pixel / w.W / w.H;
        int group = c / group_size;
        A sum = 0;
        for (int kh = 0; kh < w.KH; kh++) {
            int oh;
            if (!window_at(row, kh, w.stride_h, w.padding_h, w.dilation_h, w.OH, &oh)) continue;
            for (int kw = 0; kw < w.KW; kw++) {
                int ow;
                if (!window_at(column, kw, w.stride_w, w.padding_w, w.dilation_w, w.OW, &ow)) continue;
                Index window = (((Index)group * w.N + n) * w.OH + oh) * w.OW + ow;
                Index patch = (window * w.KH + kh) * w.KW + kw;
                sum += A(gcols[patch * group_size + c % group_size]);
            }
        }
        gx[i] = T(sum);
    }
}
