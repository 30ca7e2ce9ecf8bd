// One step of an optimizer for many parameters in one launch. A network has dozens of small
// parameters; with a launch for each, the GPU would mostly wait for the next one.
//
// Where the arrays are comes as a kernel argument (4 KB at most), so that nothing has to be copied
// to the GPU. Each parameter is cut into chunks of CHUNK elements; a block takes a chunk at a time.

constexpr int CHUNK = 2048, MOST = 72, ROLES = 5;

// The same in Python: optim.TENSORS.
struct Tensors {
    T *arrays[ROLES][MOST];      // the parameter, its gradient, and up to three arrays of state
    long long sizes[MOST];
    int first_chunk[MOST + 1];   // of each parameter, among the chunks of all
    int count;
};

// Calls step(k, i) for every element i of every parameter k.
template <class Step>
__device__ inline void for_each(const Tensors &tensors, Step step) {
    int chunks = tensors.first_chunk[tensors.count];
    for (int chunk = blockIdx.x; chunk < chunks; chunk += gridDim.x) {
        int k = 0;
        while (tensors.first_chunk[k + 1] <= chunk) k++;
        long long start = (long long)(chunk - tensors.first_chunk[k]) * CHUNK;
        long long end = min(start + CHUNK, tensors.sizes[k]);
        for (long long i = start + threadIdx.x; i < end; i += blockDim.x) step(k, i);
    }
}

// v = momentum v + gain g (or g, at first); p -= lr v
extern "C" __global__ void sgd(
    Tensors tensors, long long first, double lr, double momentum, double gain,
    double weight_decay, long long nesterov) {
    for_each(tensors, [&](int k, long long i) {
        T *parameter = tensors.arrays[0][k] + i, *velocity = tensors.arrays[2][k];
        A p = *parameter, g = tensors.arrays[1][k][i];
        if (weight_decay != 0) g += A(weight_decay) * p;
        if (velocity != nullptr) {
            A v = first ? g : A(velocity[i]) * A(momentum) + A(gain) * g;
            velocity[i] = T(v);
            g = nesterov ? g + A(momentum) * v : v;
        }
        *parameter = T(p - A(lr) * g);
    });
}

// m += gain1 (g - m); s = beta2 s + gain2 g^2; p -= step_size m / (sqrt(s) / correction + eps)
extern "C" __global__ void adam(
    Tensors tensors, double shrink, double weight_decay, double gain1, double beta2, double gain2,
    double step_size, double correction, double eps) {
    for_each(tensors, [&](int k, long long i) {
        T *parameter = tensors.arrays[0][k] + i;
        T *mean = tensors.arrays[2][k] + i, *square = tensors.arrays[3][k] + i;
        T *largest = tensors.arrays[4][k];
        A p = A(*parameter) * A(shrink), g = tensors.arrays[1][k][i];
        if (weight_decay != 0) g += A(weight_decay) * p;
        A m = *mean, s = *square;
        m += A(gain1) * (g - m);
        s = s * A(beta2) + A(gain2) * g * g;
        *mean = T(m);
        *square = T(s);
        if (largest != nullptr) {
            s = nan_max(largest[i], s);
            largest[i] = T(s);
        }
        *parameter = T(p - A(step_size) * (m / (sqrt(s) / A(correction) + A(eps))));
    });
}
