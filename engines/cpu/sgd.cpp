// Stochastic gradient descent over many small float32 tensors in one call.

#include <cmath>

// Rounds as PyTorch does, which fuses the multiplications by weight decay, momentum and rate into additions.
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

namespace {

template <bool NESTEROV>
void update(long size, float* weight, const float* gradient, float* momentum, bool first, float rate, float decay,
            float keep) {
    for (long i = 0; i < size; i++) {
        float slope = std::fma(weight[i], decay, gradient[i]);
        float velocity = first ? slope : momentum[i] * keep + slope;
        momentum[i] = velocity;
        weight[i] = std::fma(NESTEROV ? std::fma(velocity, keep, slope) : velocity, -rate, weight[i]);
    }
}

}  // namespace

extern "C" int supernet_sgd(int tensors, const long* sizes, float** weights, const float** gradients, float** momenta,
                            const int* first, float rate, float decay, float momentum, int nesterov) {
    for (int n = 0; n < tensors; n++)
        (nesterov ? update<true> : update<false>)(sizes[n], weights[n], gradients[n], momenta[n], first[n] != 0, rate,
                                                  decay, momentum);
    return 0;
}
