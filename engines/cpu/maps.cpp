// Fused loops over feature maps that lie in memory as [images, height, width, channels] ("channels last").
//
// A feature map holds float32 or bfloat16; arithmetic and everything per channel is float32. One call of PyTorch per
// elementary operation would read and write every feature map several times, and cost more than the arithmetic where
// maps are small. Every function returns 0, or 1 if the channels do not fill vectors; nothing is written then.

#include <cmath>
#include <cstring>

#include "vectors.h"

namespace {

// Values that one thread works on at least.
const long SHARE = 1 << 15;

// Pixels whose sums are kept in float32 before they are added in float64.
const long BLOCK = 64;

struct Shape {
    long images, height, width, channels;
    long pixels() const { return images * height * width; }
    int threads(int most) const { return useful(most, pixels() * channels, SHARE); }
};

// What normalises a map: per channel mean, variance, and the scale and shift that follow from them.
enum Statistic { MEAN, VARIANCE, SCALE, SHIFT };

// Per channel, adds up what `terms` returns for each pixel, for `N` sums at once.
template <int L, int N, class Terms>
inline void total(long pixels, int threads, double (&sums)[N][L], Terms terms) {
    static thread_local double partial[MOST_THREADS][N][L];
    double(*shared)[N][L] = partial;
    in_parts(pixels, threads, [&](int part, long begin, long end) {
        std::memset(shared[part], 0, sizeof shared[part]);
        for (long start = begin; start < end; start += BLOCK) {
            long stop = start + BLOCK < end ? start + BLOCK : end;
            Floats<L> block[N] = {};
            for (long pixel = start; pixel < stop; pixel++) terms(pixel, block);
            for (int n = 0; n < N; n++)
                for (int lane = 0; lane < L; lane++) shared[part][n][lane] += block[n][lane];
        }
    });
    std::memset(sums, 0, sizeof sums);
    for (int part = 0; part < threads; part++)
        for (int n = 0; n < N; n++)
            for (int lane = 0; lane < L; lane++) sums[n][lane] += shared[part][n][lane];
}

const long WIDEST = 256;

inline float share(long position, long length) { return 1.0f / (1 + (position > 0) + (position + 1 < length)); }

// Some pixels of a map under construction, for `L` of its channels: one line of an image where means over neighbours
// are added, else any.
template <int L> struct Line {
    Floats<L> sums[WIDEST];
    Floats<L> across[WIDEST + 2];
    float shares[WIDEST];
    long width, channels;

    Line(const Shape& shape, bool averaging) : width(shape.width), channels(shape.channels) {
        if (!averaging) return;
        across[0] = across[width + 1] = Floats<L>{};
        for (long column = 0; column < width; column++) shares[column] = share(column, width);
    }

    void fill(Floats<L> value) {
        for (long column = 0; column < width; column++) sums[column] = value;
    }

    template <class T> void add(const T* from) {
        for (long column = 0; column < width; column++) sums[column] += load<L>(from + column * channels);
    }

    template <class T> void add(const T* from, Floats<L> scale) {
        for (long column = 0; column < width; column++) sums[column] += scale * load<L>(from + column * channels);
    }

    // Adds the mean of the 3 x 3 neighbours, of which there are fewer at the border.
    template <class T> void add_mean(const T* from, long row, long height) {
        add_rows(from, row, height, [](long) { return 1.0f; });
        float share_of_row = share(row, height);
        for (long column = 0; column < width; column++)
            sums[column] += share_of_row * shares[column] * (across[column] + across[column + 1] + across[column + 2]);
    }

    // Adds the gradient of that: each neighbour counts with the share that it gave to this pixel.
    template <class T> void add_mean_gradient(const T* from, long row, long height) {
        add_rows(from, row, height, [&](long other) { return share(other, height); });
        for (long column = 0; column < width; column++) across[column + 1] *= shares[column];
        for (long column = 0; column < width; column++)
            sums[column] += across[column] + across[column + 1] + across[column + 2];
    }

    template <class T> void stop_where_rectified(const T* rectified) {
        for (long column = 0; column < width; column++)
            sums[column] = load<L>(rectified + column * channels) <= 0.0f ? Floats<L>{} : sums[column];
    }

    template <class T, class Map> void put(T* to, Map map) const {
        for (long column = 0; column < width; column++) store<L>(to + column * channels, map(sums[column]));
    }

  private:
    template <class T, class Weight> void add_rows(const T* from, long row, long height, Weight weight) {
        for (long column = 0; column < width; column++)
            across[column + 1] = weight(row) * load<L>(from + column * channels);
        for (long step = -1; step <= 1; step += 2) {
            if (row + step < 0 || row + step >= height) continue;
            const T* other = from + step * width * channels;
            float factor = weight(row + step);
            for (long column = 0; column < width; column++)
                across[column + 1] += factor * load<L>(other + column * channels);
        }
    }
};

// Runs body(line, first pixel, row) for all pixels.
template <int L, class Body> inline void over_lines(const Shape& shape, int threads, bool averaging, Body body) {
    long length = averaging ? shape.width : BLOCK, pixels = shape.pixels();
    in_parts((pixels + length - 1) / length, threads, [&](int, long begin, long end) {
        Line<L> line(shape, averaging);
        for (long number = begin; number < end; number++) {
            line.width = number * length + length < pixels ? length : pixels - number * length;
            body(line, number * length, number % shape.height);
        }
    });
}

template <int L, class T>
void statistics(const Shape& shape, int threads, const T* map, const float* weight, const float* bias, float epsilon,
                float* result) {
    long channels = shape.channels, count = shape.pixels();
    for (long c = 0; c < channels; c += L) {
        Floats<L> origin = load<L>(map + c);  // Any value near the mean keeps the difference of squares accurate.
        double sums[2][L];
        total<L, 2>(count, threads, sums, [&](long pixel, Floats<L>(&block)[2]) {
            Floats<L> value = load<L>(map + pixel * channels + c) - origin;
            block[0] += value;
            block[1] += value * value;
        });
        for (int lane = 0; lane < L; lane++) {
            double offset = sums[0][lane] / count, variance = sums[1][lane] / count - offset * offset;
            if (variance < 0) variance = 0;  // By rounding; not-a-number stays.
            double mean = origin[lane] + offset, scale = 1 / std::sqrt(variance + epsilon);
            if (weight) scale *= weight[c + lane];
            result[MEAN * channels + c + lane] = mean;
            result[VARIANCE * channels + c + lane] = variance;
            result[SCALE * channels + c + lane] = scale;
            result[SHIFT * channels + c + lane] = (bias ? bias[c + lane] : 0) - mean * scale;
        }
    }
}

template <int L, class T>
void combine(const Shape& shape, int threads, int normed, const T** maps, const float** norms, int kept,
             const T** plain, int averaged, const T** pools, T* sum, T* rectified) {
    long channels = shape.channels;
    for (long c = 0; c < channels; c += L) {
        Floats<L> constant = {};
        for (int n = 0; n < normed; n++) constant += load<L>(norms[n] + SHIFT * channels + c);
        over_lines<L>(shape, threads, averaged > 0, [&](Line<L>& line, long pixel, long row) {
            long at = pixel * channels + c;
            line.fill(constant);
            for (int n = 0; n < normed; n++)
                if (maps[n]) line.add(maps[n] + at, load<L>(norms[n] + SCALE * channels + c));
            for (int n = 0; n < kept; n++) line.add(plain[n] + at);
            for (int n = 0; n < averaged; n++) line.add_mean(pools[n] + at, row, shape.height);
            if (sum) line.put(sum + at, [](Floats<L> value) { return value; });
            if (rectified)
                line.put(rectified + at, [](Floats<L> value) { return value < 0.0f ? Floats<L>{} : value; });
        });
    }
}

template <int L, class T>
void norm_backward(const Shape& shape, int threads, const T* gradient, const T* map, const float* norm, float epsilon,
                   T* result, float* affine) {
    long channels = shape.channels, count = shape.pixels();
    for (long c = 0; c < channels; c += L) {
        Floats<L> mean = load<L>(norm + MEAN * channels + c), factor = load<L>(norm + SCALE * channels + c);
        Floats<L> slope, rest;
        double sums[2][L];
        total<L, 2>(count, threads, sums, [&](long pixel, Floats<L>(&block)[2]) {
            Floats<L> value = load<L>(gradient + pixel * channels + c);
            block[0] += value;
            if (map) block[1] += value * (load<L>(map + pixel * channels + c) - mean);
        });
        for (int lane = 0; lane < L; lane++) {
            double inverse = 1 / std::sqrt((double)norm[VARIANCE * channels + c + lane] + epsilon);
            affine[c + lane] = sums[1][lane] * inverse;
            affine[channels + c + lane] = sums[0][lane];
            slope[lane] = -factor[lane] * sums[1][lane] * inverse * inverse / count;
            rest[lane] = -factor[lane] * sums[0][lane] / count - slope[lane] * mean[lane];
        }
        if (!map) continue;
        in_parts(count, threads, [&](int, long begin, long end) {
            for (long pixel = begin; pixel < end; pixel++) {
                long at = pixel * channels + c;
                store<L>(result + at, factor * load<L>(gradient + at) + slope * load<L>(map + at) + rest);
            }
        });
    }
}

template <int L, class T>
void gather(const Shape& shape, int threads, int rectifying, const T** convolved, const T* rectified, int kept,
            const T** plain, int averaged, const T** pools, T* sum) {
    long channels = shape.channels;
    for (long c = 0; c < channels; c += L)
        over_lines<L>(shape, threads, averaged > 0, [&](Line<L>& line, long pixel, long row) {
            long at = pixel * channels + c;
            line.fill(Floats<L>{});
            for (int n = 0; n < rectifying; n++) line.add(convolved[n] + at);
            if (rectifying) line.stop_where_rectified(rectified + at);
            for (int n = 0; n < kept; n++) line.add(plain[n] + at);
            for (int n = 0; n < averaged; n++) line.add_mean_gradient(pools[n] + at, row, shape.height);
            line.put(sum + at, [](Floats<L> value) { return value; });
        });
}

}  // namespace

extern "C" {

int supernet_statistics(const Shape* shape, int is_half, int most, const void* map, const float* weight,
                        const float* bias, float epsilon, float* result) {
    int threads = shape->threads(most);
    FOR_LANES_AND_TYPE(shape->channels,
                       (statistics<L, T>(*shape, threads, (const T*)map, weight, bias, epsilon, result)))
}

// `maps` are first those to be normalised, then their statistics, then those kept, then those averaged.
int supernet_combine(const Shape* shape, int is_half, int most, int normed, int kept, int averaged, const void** maps,
                     void* sum, void* rectified) {
    int threads = shape->threads(most);
    const float** norms = (const float**)(maps + normed);
    const void** rest = maps + 2 * normed;
    FOR_LANES_AND_TYPE(shape->channels,
                       (combine<L, T>(*shape, threads, normed, (const T**)maps, norms, kept, (const T**)rest, averaged,
                                      (const T**)(rest + kept), (T*)sum, (T*)rectified)))
}

int supernet_norm_backward(const Shape* shape, int is_half, int most, const void* gradient, const void* map,
                           const float* norm, float epsilon, void* result, float* affine) {
    int threads = shape->threads(most);
    FOR_LANES_AND_TYPE(shape->channels, (norm_backward<L, T>(*shape, threads, (const T*)gradient, (const T*)map, norm,
                                                             epsilon, (T*)result, affine)))
}

// `gradients` are first those of convolutions, then those of maps kept, then those of maps averaged.
int supernet_gather(const Shape* shape, int is_half, int most, int convolved, int kept, int averaged,
                    const void** gradients, const void* rectified, void* sum) {
    int threads = shape->threads(most);
    const void** rest = gradients + convolved;
    FOR_LANES_AND_TYPE(shape->channels,
                       (gather<L, T>(*shape, threads, convolved, (const T**)gradients, (const T*)rectified, kept,
                                     (const T**)rest, averaged, (const T**)(rest + kept), (T*)sum)))
}
}
