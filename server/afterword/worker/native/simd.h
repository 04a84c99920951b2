// Vectors of floats, as wide as the processor has them, and the few functions of them that a decoder needs.
//
// What lives here: everything that depends on the instruction set, once for AVX-512, once for AVX2, and once in plain
// C++ for all others. What is computed with them is in the other headers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace afterword {

inline int round_up(int count, int step) { return (count + step - 1) / step * step; }

// A float of 16 bits, IEEE 754 binary16.
struct Half {
    uint16_t bits;
};

#if defined(__AVX512F__)

constexpr int LANES = 16;
// Rows that one pass over a panel of weights takes: as many as there are registers for their sums.
constexpr int MOST_ROWS = 12;
using Vec = __m512;

inline Vec load(const float* from) { return _mm512_loadu_ps(from); }
inline Vec load(const Half* from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from)); }
inline Vec load(const int8_t* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)from)));
}
inline void store(float* to, Vec a) { _mm512_storeu_ps(to, a); }
inline void store(Half* to, Vec a) {
    _mm256_storeu_si256((__m256i*)to, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec all(float a) { return _mm512_set1_ps(a); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec least(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec most(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline float sum(Vec a) { return _mm512_reduce_add_ps(a); }
inline float most(Vec a) { return _mm512_reduce_max_ps(a); }
// 2 to the power of whole numbers that were added to SHIFT.
inline Vec power_of_two(Vec shifted) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127)), 23));
}

#if defined(__AVX512BW__)
#define AFTERWORD_PAIRS 1
// Sums of products, one of 32 bits in each lane, and pairs of 16 bits to be multiplied.
using Whole = __m512i;
inline Whole no_whole() { return _mm512_setzero_si512(); }
inline Whole load_pairs(const int8_t* from) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i*)from)); }
inline Whole all_pairs(int32_t pair) { return _mm512_set1_epi32(pair); }
#if defined(__AVX512VNNI__)
inline Whole add_pairs(Whole sum, Whole a, Whole b) { return _mm512_dpwssd_epi32(sum, a, b); }
#else
inline Whole add_pairs(Whole sum, Whole a, Whole b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#endif
inline Vec to_floats(Whole a) { return _mm512_cvtepi32_ps(a); }
inline void store(int16_t* to, Vec a) { _mm256_storeu_si256((__m256i*)to, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(a))); }
#endif

#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

constexpr int LANES = 8;
constexpr int MOST_ROWS = 6;
using Vec = __m256;

inline Vec load(const float* from) { return _mm256_loadu_ps(from); }
inline Vec load(const Half* from) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from)); }
inline Vec load(const int8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)from)));
}
inline void store(float* to, Vec a) { _mm256_storeu_ps(to, a); }
inline void store(Half* to, Vec a) {
    _mm_storeu_si128((__m128i*)to, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline Vec all(float a) { return _mm256_set1_ps(a); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec least(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec most(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline float sum(Vec a) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
inline float most(Vec a) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
inline Vec power_of_two(Vec shifted) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127)), 23));
}

#define AFTERWORD_PAIRS 1
using Whole = __m256i;
inline Whole no_whole() { return _mm256_setzero_si256(); }
inline Whole load_pairs(const int8_t* from) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)from)); }
inline Whole all_pairs(int32_t pair) { return _mm256_set1_epi32(pair); }
inline Whole add_pairs(Whole sum, Whole a, Whole b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
inline Vec to_floats(Whole a) { return _mm256_cvtepi32_ps(a); }
inline void store(int16_t* to, Vec a) {
    __m256i whole = _mm256_cvtps_epi32(a);
    _mm_storeu_si128((__m128i*)to, _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
}

#else

constexpr int LANES = 4;
constexpr int MOST_ROWS = 2;
struct Vec {
    float at[LANES];
};

template <class Make>
inline Vec each(Make make) {
    Vec made;
    for (int lane = 0; lane < LANES; lane++) made.at[lane] = make(lane);
    return made;
}
inline float widen(Half from) {
    uint32_t sign = (uint32_t)(from.bits & 0x8000) << 16, rest = (uint32_t)(from.bits & 0x7fff) << 13;
    // Multiplying by 2 to the power of 112 moves the exponent's bias, and makes small numbers normal ones.
    float scale, value;
    uint32_t scale_bits = 0x77800000;
    std::memcpy(&scale, &scale_bits, 4);
    std::memcpy(&value, &rest, 4);
    value *= scale;
    std::memcpy(&rest, &value, 4);
    if ((from.bits & 0x7c00) == 0x7c00) rest |= 0x7f800000;
    rest |= sign;
    std::memcpy(&value, &rest, 4);
    return value;
}
inline Half narrow(float from) {
    uint32_t bits;
    std::memcpy(&bits, &from, 4);
    uint32_t sign = (bits >> 16) & 0x8000, rest = bits & 0x7fffffff;
    if (rest > 0x7f800000) return Half{(uint16_t)(sign | 0x7e00)};
    if (rest >= 0x477ff000) return Half{(uint16_t)(sign | 0x7c00)};
    if (rest < 0x38800000) {  // too small for a normal half: let the addition of floats do the rounding
        float value, half = 0.5f;
        std::memcpy(&value, &rest, 4);
        value += half;
        std::memcpy(&rest, &value, 4);
        return Half{(uint16_t)(sign | (rest - 0x3f000000))};
    }
    rest += 0xc8000fff + ((rest >> 13) & 1);  // the bias of the exponent, and rounding to even
    return Half{(uint16_t)(sign | (rest >> 13))};
}
inline Vec load(const float* from) { return each([=](int lane) { return from[lane]; }); }
inline Vec load(const Half* from) { return each([=](int lane) { return widen(from[lane]); }); }
inline Vec load(const int8_t* from) { return each([=](int lane) { return (float)from[lane]; }); }
inline void store(float* to, Vec a) { std::memcpy(to, a.at, sizeof a.at); }
inline void store(Half* to, Vec a) {
    for (int lane = 0; lane < LANES; lane++) to[lane] = narrow(a.at[lane]);
}
inline Vec all(float a) { return each([=](int) { return a; }); }
inline Vec add(Vec a, Vec b) { return each([&](int lane) { return a.at[lane] + b.at[lane]; }); }
inline Vec sub(Vec a, Vec b) { return each([&](int lane) { return a.at[lane] - b.at[lane]; }); }
inline Vec mul(Vec a, Vec b) { return each([&](int lane) { return a.at[lane] * b.at[lane]; }); }
inline Vec div(Vec a, Vec b) { return each([&](int lane) { return a.at[lane] / b.at[lane]; }); }
inline Vec fma(Vec a, Vec b, Vec c) { return each([&](int lane) { return a.at[lane] * b.at[lane] + c.at[lane]; }); }
inline Vec least(Vec a, Vec b) { return each([&](int lane) { return std::min(a.at[lane], b.at[lane]); }); }
inline Vec most(Vec a, Vec b) { return each([&](int lane) { return std::max(a.at[lane], b.at[lane]); }); }
inline float sum(Vec a) { return (a.at[0] + a.at[2]) + (a.at[1] + a.at[3]); }
inline float most(Vec a) { return std::max(std::max(a.at[0], a.at[2]), std::max(a.at[1], a.at[3])); }
inline Vec power_of_two(Vec shifted) {
    return each([&](int lane) {
        uint32_t bits;
        std::memcpy(&bits, &shifted.at[lane], 4);
        bits = (bits + 127) << 23;
        float value;
        std::memcpy(&value, &bits, 4);
        return value;
    });
}

#endif

// One and a half times 2 to the power of 23: floats of this size are whole numbers, so adding it rounds.
constexpr float SHIFT = 12582912.0f;
// Beyond these the power of two would leave the floats.
constexpr float LEAST_EXPONENT = -87.0f, MOST_EXPONENT = 88.0f;

// e to the power of a, to about one unit in the last place. The argument is reduced by multiples of ln 2 (in two parts,
// after Cody and Waite) and the rest is taken by the polynomial of Cephes' expf.
inline Vec exponential(Vec a) {
    a = least(most(a, all(LEAST_EXPONENT)), all(MOST_EXPONENT));
    Vec shifted = fma(a, all(1.44269504f), all(SHIFT));
    Vec whole = sub(shifted, all(SHIFT));
    Vec rest = fma(whole, all(-0.693359375f), a);
    rest = fma(whole, all(2.12194440e-4f), rest);
    Vec power = all(1.9875691500e-4f);
    power = fma(power, rest, all(1.3981999507e-3f));
    power = fma(power, rest, all(8.3334519073e-3f));
    power = fma(power, rest, all(4.1665795894e-2f));
    power = fma(power, rest, all(1.6666665459e-1f));
    power = fma(power, rest, all(5.0000001201e-1f));
    power = fma(power, mul(rest, rest), add(rest, all(1.0f)));
    return mul(power, power_of_two(shifted));
}

inline Vec sigmoid(Vec a) { return div(all(1.0f), add(all(1.0f), exponential(sub(all(0.0f), a)))); }

}  // namespace afterword
