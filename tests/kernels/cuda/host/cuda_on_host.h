// CUDA C++ for g++: enough for the kernels of minitorch_cnn, so that they run without a GPU.
//
// Every CUDA thread is a fiber with a stack of its own. The fibers of a block take turns on one
// thread of the processor: each runs until the next __syncthreads() or its end. Blocks are threads
// of the processor if more than one is allowed at a time.
//
// Under ThreadSanitizer every fiber counts as a thread, and only __syncthreads() orders what
// fibers do: two fibers, of one block or of two, that touch the same place without it, and one of
// them writing, are reported as a data race although they never run at the same time.
#pragma once

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <math.h>  // exp, log, sqrt of float by these names, as in CUDA
#include <ucontext.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#define __global__
#define __device__
#define __grid_constant__
// A block runs on one thread of the processor, so this is one copy for each running block.
#define __shared__ static thread_local

using std::max;
using std::min;

struct Index3 {
    unsigned int x = 0, y = 0, z = 0;
};
inline thread_local Index3 threadIdx, blockIdx, blockDim, gridDim;

// float16 for storing only, as in <cuda_fp16.h>
struct __half {
    _Float16 value;
    __half() = default;
    explicit __half(float x) : value(x) {}
    operator float() const { return value; }
};

// ------------------------------------------------------------------------------ order

// What a thread did before `before(place)` is seen by whoever comes to `after(place)` later.
// Without ThreadSanitizer there is nothing to do: what runs on one thread is in order.
#ifdef __SANITIZE_THREAD__
inline void before(char *place) { __tsan_release(place); }
inline void after(char *place) { __tsan_acquire(place); }
#else
inline void before(char *) {}
inline void after(char *) {}
#endif

// ------------------------------------------------------------------------------ one block

struct Launch {
    void (*kernel)(void *);
    void *arguments;
    bool reversed;
    char start = 0, end = 0;  // places for before() and after()
};

struct Fiber {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(64 << 10);
    bool running = false;
    void *sanitizer = nullptr;
};

struct Block {
    std::vector<Fiber> fibers;
    ucontext_t scheduler;
    unsigned int current = 0;
    char barrier = 0;  // a place for before() and after()
    Launch *launch = nullptr;
};
inline thread_local Block *block = nullptr;
#ifdef __SANITIZE_THREAD__
inline thread_local void *scheduler_fiber = nullptr;
#endif

// What the scheduler does is no business of the threads that it schedules.
#define SCHEDULER __attribute__((no_sanitize_thread)) inline

SCHEDULER void back_to_scheduler() {
    Block *mine = block;
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(scheduler_fiber, __tsan_switch_to_fiber_no_sync);
#endif
    swapcontext(&mine->fibers[mine->current].context, &mine->scheduler);
}

inline void __syncthreads() {
    Block *mine = block;
    before(&mine->barrier);
    back_to_scheduler();
    after(&mine->barrier);
}

SCHEDULER void fiber_main() {
    Launch *launch = block->launch;
    after(&launch->start);
    launch->kernel(launch->arguments);
    before(&launch->end);
    block->fibers[block->current].running = false;
    back_to_scheduler();
}

SCHEDULER void switch_to(unsigned int thread) {
    Fiber &fiber = block->fibers[thread];
    block->current = thread;
    threadIdx = {thread};
#ifdef __SANITIZE_THREAD__
    scheduler_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber.sanitizer, __tsan_switch_to_fiber_no_sync);
#endif
    swapcontext(&block->scheduler, &fiber.context);
}

// True unless some threads ended while others waited at a barrier.
SCHEDULER bool run_block(unsigned int threads, Launch *launch) {
    static thread_local Block mine;
    block = &mine;
    if (mine.fibers.size() < threads) mine.fibers.resize(threads);
    mine.launch = launch;
    for (unsigned int t = 0; t < threads; ++t) {
        Fiber &fiber = mine.fibers[t];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
        fiber.running = true;
#ifdef __SANITIZE_THREAD__
        fiber.sanitizer = __tsan_create_fiber(0);
#endif
    }
    bool in_step = true;
    for (unsigned int running = threads; running > 0;) {
        unsigned int ended = 0;
        for (unsigned int i = 0; i < threads; ++i) {
            unsigned int t = launch->reversed ? threads - 1 - i : i;
            if (!mine.fibers[t].running) continue;
            switch_to(t);
            ended += !mine.fibers[t].running;
        }
        in_step = in_step && (ended == 0 || ended == running);
        running -= ended;
    }
#ifdef __SANITIZE_THREAD__
    for (unsigned int t = 0; t < threads; ++t) __tsan_destroy_fiber(mine.fibers[t].sanitizer);
#endif
    return in_step;
}

// ------------------------------------------------------------------------------ a launch

// together: all blocks at once, as threads of the processor; otherwise one after another.
inline bool run_grid(
    unsigned int blocks, unsigned int threads, bool together, Launch launch) {
    std::atomic<bool> in_step{true};
    auto one = [&](unsigned int b) {
        blockIdx = {b}, blockDim = {threads}, gridDim = {blocks};
        if (!run_block(threads, &launch)) in_step = false;
    };
    before(&launch.start);
    if (together) {
        std::vector<std::thread> all;
        for (unsigned int b = 0; b < blocks; ++b) all.emplace_back(one, b);
        for (std::thread &each : all) each.join();
    } else {
        for (unsigned int b = 0; b < blocks; ++b) one(launch.reversed ? blocks - 1 - b : b);
    }
    after(&launch.end);
    return in_step;
}

// Calls a kernel with arguments as cuLaunchKernel takes them: an array of pointers to the values.
template <auto kernel, class... P, std::size_t... I>
void call_with(void (*)(P...), void **arguments, std::index_sequence<I...>) {
    kernel(*static_cast<P *>(arguments[I])...);
}
template <auto kernel, class... P>
void call(void *arguments) {
    call_with<kernel>(kernel, static_cast<void **>(arguments), std::index_sequence_for<P...>());
}
template <auto kernel, class... P>
auto caller(void (*)(P...)) { return &call<kernel, P...>; }

// What a launch has to pass for one parameter: 'p' a pointer, 'i' an integer, 'f' a floating number
// or 's' a struct; its bytes; and the bytes of what a pointer points at.
struct Parameter {
    int kind, bytes, pointee;
};
template <class P>
constexpr Parameter parameter() {
    if constexpr (std::is_pointer_v<P>)
        return {'p', sizeof(P), sizeof(std::remove_pointer_t<P>)};
    else
        return {
            std::is_integral_v<P> ? 'i' : std::is_floating_point_v<P> ? 'f' : 's', sizeof(P), 0};
}
template <class... P>
int describe(void (*)(P...), Parameter *parameters) {
    ((*parameters++ = parameter<P>()), ...);
    return sizeof...(P);
}

#define HOST_ENTRY(name)                                                                       \
    extern "C" bool host_##name(                                                               \
        unsigned int blocks, unsigned int threads, bool reversed, bool together, void **args) { \
        return run_grid(blocks, threads, together, {caller<name>(name), args, reversed});      \
    }                                                                                          \
    extern "C" int describe_##name(Parameter *parameters) { return describe(name, parameters); }
