// Convolutions of small float32 maps in the channels-last layout.
//
// For maps of a few kilobytes a library's set-up takes longer than the arithmetic. These loops have none: a group of
// images is copied into a padded scratch, and blocks of output pixels by output channels stay in registers.

#include <cstring>
#include <vector>

#include "vectors.h"

namespace {

// From `inputs` [images, height, width, from] to `outputs` [images, ceil(height / stride), ceil(width / stride), to].
struct Convolution {
    long images, height, width, from, to, kernel, stride;
    long out_height() const { return (height + stride - 1) / stride; }
    long out_width() const { return (width + stride - 1) / stride; }
    long taps() const { return kernel * kernel; }
    long border() const { return kernel / 2; }
};

const int PIXELS = 8;

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

    void fill(const float* from, long images) {
        for (long g = 0; g < images; g++)
            for (long r = 0; r < height; r++) {
                float* to = values.data() + g * image + start + r * spread * row;
                if (spread == 1) {
                    std::memcpy(to, from, width * channels * sizeof(float));
                    from += width * channels;
                } else
                    for (long c = 0; c < width; c++, from += channels)
                        std::memcpy(to + c * spread * channels, from, channels * sizeof(float));
            }
    }

  private:
    long start, spread;
};

// weights [taps, from, to]; one block of pixels and of `L` * `V` output channels.
template <int L, int V>
inline void block(const float* values, const int* offsets, int count, long row, long channels, long kernel,
                  const float* weights, long to, float* out) {
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

template <int L>
void correlate(Scratch& scratch, const float* inputs, long begin, long end, long in_size, long out_pixels, long kernel,
               const float* weights, long to, float* outputs) {
    for (long first = begin; first < end; first += scratch.group) {
        long images = first + scratch.group < end ? scratch.group : end - first;
        scratch.fill(inputs + first * in_size, images);
        long pixels = images * out_pixels;
        float* out = outputs + first * out_pixels * to;
        for (long c = 0; c < to;) {
            int vectors = c + 2 * L <= to ? 2 : 1;
            for (long p = 0; p < pixels; p += PIXELS) {
                int count = pixels - p < PIXELS ? pixels - p : PIXELS;
                if (vectors == 2)
                    block<L, 2>(scratch.values.data(), &scratch.offsets[p], count, scratch.row, scratch.channels, kernel,
                                weights + c, to, out + p * to + c);
                else
                    block<L, 1>(scratch.values.data(), &scratch.offsets[p], count, scratch.row, scratch.channels, kernel,
                                weights + c, to, out + p * to + c);
            }
            c += vectors * L;
        }
    }
}

template <int L>
void forward(const Convolution& c, int threads, const float* inputs, const float* weights, float* outputs) {
    std::vector<float> packed(c.taps() * c.from * c.to);
    for (long o = 0; o < c.to; o++)
        for (long t = 0; t < c.taps() * c.from; t++) packed[t * c.to + o] = weights[o * c.taps() * c.from + t];
    in_parts(c.images, threads, [&](int, long begin, long end) {
        Scratch scratch(c.images, c.height, c.width, c.from, c.border(), 1, c.out_height(), c.out_width(), c.stride);
        correlate<L>(scratch, inputs, begin, end, c.height * c.width * c.from, c.out_height() * c.out_width(), c.kernel,
                     packed.data(), c.to, outputs);
    });
}

template <int L>
void backward_inputs(const Convolution& c, int threads, const float* gradient, const float* weights, float* result) {
    long taps = c.taps();
    std::vector<float> packed(taps * c.from * c.to);
    for (long o = 0; o < c.to; o++)
        for (long t = 0; t < taps; t++)
            for (long i = 0; i < c.from; i++)
                packed[((taps - 1 - t) * c.to + o) * c.from + i] = weights[(o * taps + t) * c.from + i];
    in_parts(c.images, threads, [&](int, long begin, long end) {
        Scratch scratch(c.images, c.out_height(), c.out_width(), c.to, c.border(), c.stride, c.height, c.width, 1,
                        c.stride - 1);
        correlate<L>(scratch, gradient, begin, end, c.out_height() * c.out_width() * c.to, c.height * c.width, c.kernel,
                     packed.data(), c.from, result);
    });
}

// sums[channels c ... c + B, outputs o ... o + L * V] of one tap over the pixels of a group.
template <int L, int V, int B>
inline void outer(const float* values, const int* offsets, long pixels, const float* gradient, long to, float* sums) {
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

template <int L, int V>
inline void outers(const float* values, const int* offsets, long pixels, long channels, const float* gradient, long to,
                   float* sums) {
    long c = 0;
    for (; c + 8 <= channels; c += 8) outer<L, V, 8>(values + c, offsets, pixels, gradient, to, sums + c * to);
    for (; c < channels; c++) outer<L, V, 1>(values + c, offsets, pixels, gradient, to, sums + c * to);
}

template <int L>
void backward_weights(const Convolution& c, int threads, const float* inputs, const float* gradient, float* result) {
    long taps = c.taps(), size = taps * c.from * c.to, out_pixels = c.out_height() * c.out_width();
    std::vector<float> partial(threads * size);
    in_parts(c.images, threads, [&](int part, long begin, long end) {
        Scratch scratch(c.images, c.height, c.width, c.from, c.border(), 1, c.out_height(), c.out_width(), c.stride);
        float* sums = partial.data() + part * size;
        for (long first = begin; first < end; first += scratch.group) {
            long images = first + scratch.group < end ? scratch.group : end - first;
            scratch.fill(inputs + first * c.height * c.width * c.from, images);
            const float* g = gradient + first * out_pixels * c.to;
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

#define FOR_LANES(channels, call)                       \
    if ((channels) % 16 == 0) { enum { L = 16 }; call; } \
    else if ((channels) % 8 == 0) { enum { L = 8 }; call; } \
    else return 1;                                      \
    return 0;

extern "C" {

int supernet_convolve(const Convolution* c, int threads, const float* inputs, const float* weights, float* outputs) {
    FOR_LANES(c->to, (forward<L>(*c, threads, inputs, weights, outputs)))
}

int supernet_convolve_backward_inputs(const Convolution* c, int threads, const float* gradient, const float* weights,
                                      float* result) {
    FOR_LANES(c->from, (backward_inputs<L>(*c, threads, gradient, weights, result)))
}

int supernet_convolve_backward_weights(const Convolution* c, int threads, const float* inputs, const float* gradient,
                                       float* result) {
    FOR_LANES(c->to, (backward_weights<L>(*c, threads, inputs, gradient, result)))
}
}
