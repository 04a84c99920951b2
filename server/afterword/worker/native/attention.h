// Attention of one row over what its slot holds.
//
// What lives here: which rows of a slot a row of the step may look at, and the weighted sum over their values. What is
// computed for a row does not depend on the other rows of the step.
#pragma once

#include <vector>

#include "simd.h"

namespace afterword {

// Keys and values of one layer: `[slots][kv_heads][rows][width]` each.
template <class Number>
struct Cache {
    Number* keys;
    Number* values;
    int64_t kv_heads, rows, width;

    size_t at(int slot, int head, int row) const { return ((slot * kv_heads + head) * rows + row) * width; }
};

// Rows of a slot: `first` to `end`, in order, then `others`.
struct Sight {
    int first, end;
    const int32_t* others;
    int other_count;

    int count() const { return end - first + other_count; }
    int row(int at) const { return at < end - first ? first + at : others[at - (end - first)]; }
};

// `scores[query * stride + at]`: each query times each key in sight. A key is loaded once for all queries of its group.
template <class Number, int VECS>
inline void score(const Cache<Number>& cache, int slot, int head, const Sight& sight, const float* queries, int group,
                  float scale, float* scores, int stride) {
    const Number* keys = cache.keys + cache.at(slot, head, 0);
    const int count = sight.count();
    for (int at = 0; at < count; at++) {
        const Number* key = keys + (size_t)sight.row(at) * cache.width;
        Vec parts[VECS];
#pragma GCC unroll 16
        for (int part = 0; part < VECS; part++) parts[part] = load(key + part * LANES);
        for (int query = 0; query < group; query++) {
            const float* from = queries + query * cache.width;
            Vec total = mul(parts[0], load(from));
#pragma GCC unroll 16
            for (int part = 1; part < VECS; part++) total = fma(parts[part], load(from + part * LANES), total);
            scores[query * stride + at] = sum(total) * scale;
        }
    }
}

// Scores become weights; returns their sum, by which the result is still to be divided. `scores` is padded to LANES.
inline float soften(float* scores, int count) {
    const int padded = round_up(count, LANES);
    float biggest = scores[0];
    for (int at = 1; at < count; at++) biggest = std::max(biggest, scores[at]);
    for (int at = count; at < padded; at++) scores[at] = -INFINITY;
    Vec total = all(0.0f);
    for (int at = 0; at < padded; at += LANES) {
        Vec weights = exponential(sub(load(scores + at), all(biggest)));
        store(scores + at, weights);
        if (at + LANES <= count) total = add(total, weights);
    }
    float rest = sum(total);
    for (int at = count / LANES * LANES; at < count; at++) rest += scores[at];
    return rest;
}

template <class Number, int VECS>
inline void mix(const Cache<Number>& cache, int slot, int head, const Sight& sight, const float* weights, float divisor,
                float* out) {
    const Number* values = cache.values + cache.at(slot, head, 0);
    Vec parts[VECS];
    for (Vec& part : parts) part = all(0.0f);
    const int count = sight.count();
    for (int at = 0; at < count; at++) {
        const Number* value = values + (size_t)sight.row(at) * cache.width;
        Vec weight = all(weights[at]);
#pragma GCC unroll 16
        for (int part = 0; part < VECS; part++) parts[part] = fma(weight, load(value + part * LANES), parts[part]);
    }
    Vec times = all(1.0f / divisor);
    for (int part = 0; part < VECS; part++) store(out + part * LANES, mul(parts[part], times));
}

// The query heads `[group][width]` that share one key head; `out` is alike. `scores` is room to work in.
template <class Number, int VECS>
inline void attend_of_width(const Cache<Number>& cache, int slot, int head, const Sight& sight, const float* queries,
                            int group, float scale, std::vector<float>& scores, float* out) {
    const int stride = round_up(sight.count(), LANES);
    if (scores.size() < (size_t)stride * group) scores.resize((size_t)stride * group * 2);
    score<Number, VECS>(cache, slot, head, sight, queries, group, scale, scores.data(), stride);
    for (int query = 0; query < group; query++) {
        float* weights = scores.data() + query * stride;
        float divisor = soften(weights, sight.count());
        mix<Number, VECS>(cache, slot, head, sight, weights, divisor, out + query * cache.width);
    }
}

// Heads of other widths are not served.
template <class Number>
inline void attend(const Cache<Number>& cache, int slot, int head, const Sight& sight, const float* queries, int group,
                   float scale, std::vector<float>& scores, float* out) {
    auto with = [&](auto vecs) {
        attend_of_width<Number, decltype(vecs)::value>(cache, slot, head, sight, queries, group, scale, scores, out);
    };
    switch (cache.width) {
        case 16: return with(std::integral_constant<int, 16 / LANES>());
        case 32: return with(std::integral_constant<int, 32 / LANES>());
        case 64: return with(std::integral_constant<int, 64 / LANES>());
        case 80: return with(std::integral_constant<int, 80 / LANES>());
        case 96: return with(std::integral_constant<int, 96 / LANES>());
        case 128: return with(std::integral_constant<int, 128 / LANES>());
        case 256: return with(std::integral_constant<int, 256 / LANES>());
    }
}

}  // namespace afterword
