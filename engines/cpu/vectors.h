// Vectors of float32 that fill a register or two, loaded from and stored as float32 or bfloat16.

#pragma once

#include <cstdint>
#include <cstring>

namespace {

typedef std::uint16_t half;  // the upper half of a float32

template <int L> struct Lanes {
    typedef float floats __attribute__((vector_size(4 * L), aligned(4), may_alias));
    typedef std::uint32_t words __attribute__((vector_size(4 * L), aligned(4), may_alias));
    typedef half halves __attribute__((vector_size(2 * L), aligned(2), may_alias));
};

template <int L> using Floats = typename Lanes<L>::floats;

template <int L> inline Floats<L> load(const float* from) { return *reinterpret_cast<const Floats<L>*>(from); }

template <int L> inline void store(float* to, Floats<L> value) { *reinterpret_cast<Floats<L>*>(to) = value; }

template <int L> inline Floats<L> load(const half* from) {
    typedef typename Lanes<L>::words Words;
    Words wide = __builtin_convertvector(*reinterpret_cast<const typename Lanes<L>::halves*>(from), Words) << 16;
    return reinterpret_cast<Floats<L>>(wide);
}

template <int L> inline void store(half* to, Floats<L> value) {
    typedef typename Lanes<L>::words Words;
    typedef typename Lanes<L>::halves Halves;
    Words bits = reinterpret_cast<Words>(value);
    Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;  // to nearest, ties to even
    Words quiet = (bits >> 16) | 0x40;                           // rounding could carry a NaN into infinity
    Words is_nan = reinterpret_cast<Words>(value != value);
    *reinterpret_cast<Halves*>(to) = __builtin_convertvector((rounded & ~is_nan) | (quiet & is_nan), Halves);
}

inline float widened(half value) {
    std::uint32_t bits = (std::uint32_t)value << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

inline half rounded(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return value != value ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

const int MOST_THREADS = 256;

// Threads that have enough to do to be worth waking.
inline int useful(int threads, long work, long each) {
    long most = work / each < MOST_THREADS ? work / each : MOST_THREADS;
    return threads < most ? threads : most < 1 ? 1 : (int)most;
}

// Runs body(part, begin, end) for equal parts of `count` pieces of work, one part per thread.
template <class Body> inline void in_parts(long count, int threads, Body body) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int part = 0; part < threads; part++) body(part, count * part / threads, count * (part + 1) / threads);
}

}  // namespace

// Ends a function: makes a call with `L` lanes for so many channels, and with maps of type `T`.
#define FOR_LANES_AND_TYPE(channels, call)                      \
    if ((channels) % 16 == 0) {                                 \
        if (is_half) { typedef half T; enum { L = 16 }; call; } \
        else { typedef float T; enum { L = 16 }; call; }        \
    } else if ((channels) % 8 == 0) {                           \
        if (is_half) { typedef half T; enum { L = 8 }; call; }  \
        else { typedef float T; enum { L = 8 }; call; }         \
    } else return 1;                                            \
    return 0;
