// Choosing a token from a row of logits.
//
// What lives here: the likeliest token, and its natural-log probability at temperature 1. One thread does it in less time
// than others take to wake.
#pragma once

#include <cstdint>

#include "simd.h"

namespace afterword {

// Logits that are looked through at once.
constexpr int64_t BLOCK = 16 * LANES;

struct Peak {
    int64_t at;
    float value;
};

// The first of the greatest of `count` logits, at least one.
inline Peak peak(const float* row, int64_t count) {
    float biggest = row[0];
    int64_t start = 0;
    for (int64_t block = 0; block + BLOCK <= count; block += BLOCK) {
        Vec most_here = load(row + block);
        for (int64_t at = LANES; at < BLOCK; at += LANES) most_here = most(most_here, load(row + block + at));
        float here = most(most_here);
        if (here > biggest) biggest = here, start = block;
    }
    for (int64_t at = count / BLOCK * BLOCK; at < count; at++)
        if (row[at] > biggest) biggest = row[at], start = at;
    while (row[start] != biggest && start + 1 < count) start++;
    return Peak{start, biggest};
}

// The same of those logits that `allowed` points at, at least one.
inline Peak peak(const float* row, const int64_t* allowed, int64_t count) {
    Peak found{allowed[0], row[allowed[0]]};
    for (int64_t at = 1; at < count; at++) {
        float value = row[allowed[at]];
        if (value > found.value) found = Peak{allowed[at], value};
    }
    return found;
}

// Natural logarithm of the sum of e to the power of each logit, none of which is greater than `biggest`.
inline float log_sum(const float* row, int64_t count, float biggest) {
    double total = 0;
    int64_t done = 0;
    for (; done + BLOCK <= count; done += BLOCK) {
        Vec part = all(0.0f);
        for (int64_t at = 0; at < BLOCK; at += LANES)
            part = add(part, exponential(sub(load(row + done + at), all(biggest))));
        total += sum(part);
    }
    for (; done < count; done++) total += std::exp(row[done] - biggest);
    return biggest + (float)std::log(total);
}

}  // namespace afterword
