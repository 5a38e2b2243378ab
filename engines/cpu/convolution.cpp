// Convolutions of small maps, float32 or bfloat16, in the channels-last layout.
//
// For maps of a few kilobytes a library's set-up takes longer than the arithmetic. These loops have none: a group of
// images is copied into a padded float32 scratch, and blocks of output pixels by output channels stay in registers.
// Weights are float32 [to, kernel, kernel, from]; where maps are bfloat16 they are rounded to that before use.

#include <cstring>
#include <vector>

#include "vectors.h"

namespace {

// Multiply-adds that one thread does at least.
const long SHARE = 1 << 20;

// From `inputs` [images, height, width, from] to `outputs` [images, ceil(height / stride), ceil(width / stride), to].
struct Convolution {
    long images, height, width, from, to, kernel, stride;
    long out_height() const { return (height + stride - 1) / stride; }
    long out_width() const { return (width + stride - 1) / stride; }
    long taps() const { return kernel * kernel; }
    long border() const { return kernel / 2; }
    int threads(int most) const {
        return useful(most, images * out_height() * out_width() * taps() * from * to, SHARE);
    }
};

const int PIXELS = 8;

inline void copy(const float* from, float* to, long count) { std::memcpy(to, from, count * sizeof(float)); }

inline void copy(const half* from, float* to, long count) {
    for (long i = 0; i < count; i++) to[i] = widened(from[i]);
}

// Images padded with zeros, and where the first tap of each output pixel lies in them.
struct Scratch {
    long group, height, width, channels, row, image;
    std::vector<float> values;
    std::vector<int> offsets;

    Scratch(long images, long height, long width, long channels, long border, long spread, long out_height,
            long out_width, long stride, long extra = 0)
        : height(height), width(width), channels(channels) {
        long pixels = out_height * out_width;
        group = pixels >= 64 ? 1 : (64 + pixels - 1) / pixels;
        if (group > images) group = images;
        long padded_height = (height - 1) * spread + 1 + 2 * border + extra;
        long padded_width = (width - 1) * spread + 1 + 2 * border + extra;
        row = padded_width * channels;
        image = padded_height * row;
        values.assign(group * image, 0.0f);
        start = border * row + border * channels;
        this->spread = spread;
        for (long g = 0; g < group; g++)
            for (long r = 0; r < out_height; r++)
                for (long c = 0; c < out_width; c++)
                    offsets.push_back(g * image + r * stride * row + c * stride * channels);
    }

    template <class T> void fill(const T* from, long images) {
        for (long g = 0; g < images; g++)
            for (long r = 0; r < height; r++) {
                float* to = values.data() + g * image + start + r * spread * row;
                if (spread == 1) {
                    copy(from, to, width * channels);
                    from += width * channels;
                } else
                    for (long c = 0; c < width; c++, from += channels) copy(from, to + c * spread * channels, channels);
            }
    }

  private:
    long start, spread;
};

// weights [taps, from, to]; one block of pixels and of `L` * `V` output channels.
template <int L, int V, class T>
inline void block(const float* values, const int* offsets, int count, long row, long channels, long kernel,
                  const float* weights, long to, T* out) {
    Floats<L> sums[PIXELS][V] = {};
    const float* at[PIXELS];
    for (int p = 0; p < PIXELS; p++) at[p] = values + offsets[p < count ? p : count - 1];
    for (long y = 0; y < kernel; y++)
        for (long x = 0; x < kernel; x++) {
            const float* weight = weights + (y * kernel + x) * channels * to;
            long shift = y * row + x * channels;
            for (long c = 0; c < channels; c++, weight += to) {
                Floats<L> w[V];
                for (int v = 0; v < V; v++) w[v] = load<L>(weight + v * L);
                for (int p = 0; p < PIXELS; p++)
                    for (int v = 0; v < V; v++) sums[p][v] += at[p][shift + c] * w[v];
            }
        }
    for (int p = 0; p < count; p++)
        for (int v = 0; v < V; v++) store<L>(out + p * to + v * L, sums[p][v]);
}

template <int L, class T>
void correlate(Scratch& scratch, const T* inputs, long begin, long end, long in_size, long out_pixels, long kernel,
               const float* weights, long to, T* outputs) {
    for (long first = begin; first < end; first += scratch.group) {
        long images = first + scratch.group < end ? scratch.group : end - first;
        scratch.fill(inputs + first * in_size, images);
        long pixels = images * out_pixels;
        T* out = outputs + first * out_pixels * to;
        for (long c = 0; c < to;) {
            int vectors = c + 2 * L <= to ? 2 : 1;
            for (long p = 0; p < pixels; p += PIXELS) {
                int count = pixels - p < PIXELS ? pixels - p : PIXELS;
                const float* values = scratch.values.data();
                const int* offsets = &scratch.offsets[p];
                T* at = out + p * to + c;
                if (vectors == 2)
                    block<L, 2>(values, offsets, count, scratch.row, scratch.channels, kernel, weights + c, to, at);
                else
                    block<L, 1>(values, offsets, count, scratch.row, scratch.channels, kernel, weights + c, to, at);
            }
            c += vectors * L;
        }
    }
}

// A weight as it is used beside maps of type T.
template <class T> inline float as_used(float weight);
template <> inline float as_used<float>(float weight) { return weight; }
template <> inline float as_used<half>(float weight) { return widened(rounded(weight)); }

template <int L, class T>
void forward(const Convolution& c, int threads, const T* inputs, const float* weights, T* outputs) {
    long size = c.taps() * c.from;
    std::vector<float> packed(size * c.to);
    for (long t = 0; t < size; t++)
        for (long o = 0; o < c.to; o++) packed[t * c.to + o] = as_used<T>(weights[o * size + t]);
    in_parts(c.images, threads, [&](int, long begin, long end) {
        Scratch scratch(c.images, c.height, c.width, c.from, c.border(), 1, c.out_height(), c.out_width(), c.stride);
        correlate<L>(scratch, inputs, begin, end, c.height * c.width * c.from, c.out_height() * c.out_width(), c.kernel,
                     packed.data(), c.to, outputs);
    });
}

template <int L, class T>
void backward_inputs(const Convolution& c, int threads, const T* gradient, const float* weights, T* result) {
    long taps = c.taps();
    std::vector<float> packed(taps * c.from * c.to);
    for (long o = 0; o < c.to; o++)
        for (long t = 0; t < taps; t++)
            for (long i = 0; i < c.from; i++)
                packed[((taps - 1 - t) * c.to + o) * c.from + i] = as_used<T>(weights[(o * taps + t) * c.from + i]);
    in_parts(c.images, threads, [&](int, long begin, long end) {
        Scratch scratch(c.images, c.out_height(), c.out_width(), c.to, c.border(), c.stride, c.height, c.width, 1,
                        c.stride - 1);
        correlate<L>(scratch, gradient, begin, end, c.out_height() * c.out_width() * c.to, c.height * c.width, c.kernel,
                     packed.data(), c.from, result);
    });
}

// sums[channels c ... c + B, outputs o ... o + L * V] of one tap over the pixels of a group.
template <int L, int V, int B, class T>
inline void outer(const float* values, const int* offsets, long pixels, const T* gradient, long to, float* sums) {
    Floats<L> total[B][V];
    for (int b = 0; b < B; b++)
        for (int v = 0; v < V; v++) total[b][v] = load<L>(sums + b * to + v * L);
    for (long p = 0; p < pixels; p++) {
        const float* value = values + offsets[p];
        Floats<L> g[V];
        for (int v = 0; v < V; v++) g[v] = load<L>(gradient + p * to + v * L);
        for (int b = 0; b < B; b++)
            for (int v = 0; v < V; v++) total[b][v] += value[b] * g[v];
    }
    for (int b = 0; b < B; b++)
        for (int v = 0; v < V; v++) store<L>(sums + b * to + v * L, total[b][v]);
}

template <int L, int V, class T>
inline void outers(const float* values, const int* offsets, long pixels, long channels, const T* gradient, long to,
                   float* sums) {
    long c = 0;
    for (; c + 8 <= channels; c += 8) outer<L, V, 8>(values + c, offsets, pixels, gradient, to, sums + c * to);
    for (; c < channels; c++) outer<L, V, 1>(values + c, offsets, pixels, gradient, to, sums + c * to);
}

template <int L, class T>
void backward_weights(const Convolution& c, int threads, const T* inputs, const T* gradient, float* result) {
    long taps = c.taps(), size = taps * c.from * c.to, out_pixels = c.out_height() * c.out_width();
    std::vector<float> partial(threads * size);
    in_parts(c.images, threads, [&](int part, long begin, long end) {
        Scratch scratch(c.images, c.height, c.width, c.from, c.border(), 1, c.out_height(), c.out_width(), c.stride);
        float* sums = partial.data() + part * size;
        for (long first = begin; first < end; first += scratch.group) {
            long images = first + scratch.group < end ? scratch.group : end - first;
            scratch.fill(inputs + first * c.height * c.width * c.from, images);
            const T* g = gradient + first * out_pixels * c.to;
            for (long t = 0; t < taps; t++) {
                const float* values = scratch.values.data() + t / c.kernel * scratch.row + t % c.kernel * c.from;
                for (long o = 0; o < c.to;) {
                    bool two = o + 2 * L <= c.to;
                    float* at = sums + t * c.from * c.to + o;
                    if (two)
                        outers<L, 2>(values, scratch.offsets.data(), images * out_pixels, c.from, g + o, c.to, at);
                    else
                        outers<L, 1>(values, scratch.offsets.data(), images * out_pixels, c.from, g + o, c.to, at);
                    o += two ? 2 * L : L;
                }
            }
        }
    });
    for (int part = 1; part < threads; part++)
        for (long i = 0; i < size; i++) partial[i] += partial[part * size + i];
    for (long o = 0; o < c.to; o++)
        for (long t = 0; t < taps * c.from; t++) result[o * taps * c.from + t] = partial[t * c.to + o];
}

}  // namespace

extern "C" {

int supernet_convolve(const Convolution* c, int is_half, int most, const void* inputs, const float* weights,
                      void* outputs) {
    int threads = c->threads(most);
    FOR_LANES_AND_TYPE(c->to, (forward<L, T>(*c, threads, (const T*)inputs, weights, (T*)outputs)))
}

int supernet_convolve_backward_inputs(const Convolution* c, int is_half, int most, const void* gradient,
                                      const float* weights, void* result) {
    int threads = c->threads(most);
    FOR_LANES_AND_TYPE(c->from, (backward_inputs<L, T>(*c, threads, (const T*)gradient, weights, (T*)result)))
}

int supernet_convolve_backward_weights(const Convolution* c, int is_half, int most, const void* inputs,
                                       const void* gradient, float* result) {
    int threads = c->threads(most);
    FOR_LANES_AND_TYPE(c->to,
                       (backward_weights<L, T>(*c, threads, (const T*)inputs, (const T*)gradient, result)))
}
}
