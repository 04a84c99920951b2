// Matrices of weights, packed so that they are read once from front to back, and their products with rows of a step.
//
// What lives here: how weights lie in memory, and one product for any number of rows. Each output of each row is summed
// in the same order, whatever else is computed beside it: a row's result never depends on the other rows of a step.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "pool.h"
#include "simd.h"

namespace afterword {

// Outputs that lie side by side in memory.
constexpr int PANEL = 16;
// Tasks per thread of a product: enough that a thread which is held up does not hold up the others.
constexpr int TASKS_PER_THREAD = 8;
// The greatest number that an input becomes where it is made a whole one.
constexpr float MOST_WHOLE = 32767.0f;
// Weights are fetched so far ahead of their use.
constexpr int PREFETCHED_BYTES = 2048;

// Inputs of an output whose bytes lie side by side, because they are multiplied at once.
#if defined(AFTERWORD_PAIRS)
constexpr int TOGETHER = 2;
#else
constexpr int TOGETHER = 1;
#endif

enum Kind : int32_t { FLOAT32 = 0, INT8 = 1 };

// `outputs` times `inputs` weights. FLOAT32: panels `[inputs][PANEL]`. INT8: panels `[inputs / TOGETHER][PANEL]
// [TOGETHER]` of bytes. Both are padded with zeros. A weight is its byte times the scale of its output. `bias` may be
// missing.
struct Matrix {
    int32_t outputs, inputs;
    int32_t kind, unused;
    const void* data;
    const float* scales;
    const float* bias;
};

inline int panels(const Matrix& matrix) { return round_up(matrix.outputs, PANEL) / PANEL; }
inline int padded_inputs(int inputs) { return round_up(inputs, TOGETHER); }
inline size_t panel_items(const Matrix& matrix) { return (size_t)padded_inputs(matrix.inputs) * PANEL; }

// Where the weight from an input to an output lies, in items.
inline size_t place(const Matrix& matrix, int output, int input) {
    const int together = matrix.kind == INT8 ? TOGETHER : 1;
    return output / PANEL * panel_items(matrix) + (size_t)(input / together) * PANEL * together +
           output % PANEL * together + input % together;
}

inline float weight(const Matrix& matrix, int output, int input) {
    size_t at = place(matrix, output, input);
    if (matrix.kind == FLOAT32) return static_cast<const float*>(matrix.data)[at];
    return (float)static_cast<const int8_t*>(matrix.data)[at] * matrix.scales[output];
}

// Rows to be multiplied, `stride` floats apart. Where bytes are multiplied in pairs, `take` also writes each row as numbers
// of 16 bits, `whole`, in units of its `scales`.
struct Rows {
    int count = 0, stride = 0;
    std::vector<float> values;
    std::vector<int16_t> whole;
    std::vector<float> scales;

    void size(int rows, int width) {
        count = rows;
        stride = round_up(width, PANEL);
        size_t items = (size_t)rows * stride;
        if (values.size() < items) values.resize(items);
        if (TOGETHER > 1 && whole.size() < items) whole.resize(items);
        if (scales.size() < (size_t)rows) scales.resize(rows);
    }
    float* row(int at) { return values.data() + (size_t)at * stride; }
    const float* row(int at) const { return values.data() + (size_t)at * stride; }

    // To be called for each row once its `width` values are there.
    void take(int at, int width) {
        float* from = row(at);
        std::memset(from + width, 0, sizeof(float) * (stride - width));
#if defined(AFTERWORD_PAIRS)
        Vec biggest = all(0.0f);
        for (int input = 0; input < stride; input += LANES) {
            Vec value = load(from + input);
            biggest = most(biggest, most(value, sub(all(0.0f), value)));
        }
        const float scale = most(biggest) / MOST_WHOLE;
        const float times = scale > 0 ? 1.0f / scale : 0.0f;
        scales[at] = scale;
        int16_t* to = whole.data() + (size_t)at * stride;
        for (int input = 0; input < stride; input += LANES) store(to + input, mul(load(from + input), all(times)));
#endif
    }
};

// Products of COUNT rows, from `first` on, with PANELS panels, from `panel` on: `out[row][panel][PANEL]`.
template <int COUNT, int PANELS, class Weight>
inline void sum_floats(const Matrix& matrix, const Rows& rows, int first, int panel, float* out) {
    constexpr int VECS = PANEL / LANES;
    const size_t items = panel_items(matrix);
    const Weight* weights = static_cast<const Weight*>(matrix.data) + panel * items;
    const float* values = rows.row(first);
    Vec sums[COUNT][PANELS * VECS];
    for (auto& row : sums)
        for (Vec& part : row) part = all(0.0f);
    for (int input = 0; input < matrix.inputs; input++) {
        Vec columns[PANELS * VECS];
#pragma GCC unroll 16
        for (int part = 0; part < PANELS * VECS; part++) {
            const Weight* from = weights + part / VECS * items + (size_t)input * PANEL + part % VECS * LANES;
            if (part % VECS == 0) __builtin_prefetch((const char*)from + PREFETCHED_BYTES);
            columns[part] = load(from);
        }
#pragma GCC unroll 16
        for (int row = 0; row < COUNT; row++) {
            Vec value = all(values[(size_t)row * rows.stride + input]);
#pragma GCC unroll 16
            for (int part = 0; part < PANELS * VECS; part++) sums[row][part] = fma(value, columns[part], sums[row][part]);
        }
    }
    for (int row = 0; row < COUNT; row++)
        for (int part = 0; part < PANELS * VECS; part++) {
            Vec done = sums[row][part];
            if (std::is_same_v<Weight, int8_t>)
                done = mul(done, load(matrix.scales + panel * PANEL + part * LANES));
            store(out + (row * PANELS * VECS + part) * LANES, done);
        }
}

#if defined(AFTERWORD_PAIRS)
// Pairs of inputs whose products, each at most 2 * 127 * MOST_WHOLE, can be summed in 32 bits.
constexpr int MOST_PAIRS = 256;

// The same in whole numbers of 16 bits, summed in 32 for as long as they fit and in floats from there on.
template <int COUNT, int PANELS>
inline void sum_pairs(const Matrix& matrix, const Rows& rows, int first, int panel, float* out) {
    constexpr int VECS = PANEL / LANES, PARTS = PANELS * VECS;
    const size_t items = panel_items(matrix);
    const int8_t* weights = static_cast<const int8_t*>(matrix.data) + panel * items;
    const int16_t* values = rows.whole.data() + (size_t)first * rows.stride;
    for (int start = 0; start < matrix.inputs; start += 2 * MOST_PAIRS) {
        Whole sums[COUNT][PARTS];
        for (auto& row : sums)
            for (Whole& part : row) part = no_whole();
        const int end = std::min(matrix.inputs, start + 2 * MOST_PAIRS);
        for (int input = start; input < end; input += 2) {
            Whole columns[PARTS];
#pragma GCC unroll 16
            for (int part = 0; part < PARTS; part++) {
                const int8_t* from = weights + part / VECS * items + (size_t)input * PANEL + part % VECS * LANES * 2;
                if (part % VECS == 0) __builtin_prefetch((const char*)from + PREFETCHED_BYTES);
                columns[part] = load_pairs(from);
            }
#pragma GCC unroll 16
            for (int row = 0; row < COUNT; row++) {
                int32_t pair;
                std::memcpy(&pair, values + (size_t)row * rows.stride + input, sizeof pair);
                Whole both = all_pairs(pair);
#pragma GCC unroll 16
                for (int part = 0; part < PARTS; part++) sums[row][part] = add_pairs(sums[row][part], columns[part], both);
            }
        }
        for (int row = 0; row < COUNT; row++)
            for (int part = 0; part < PARTS; part++) {
                float* to = out + (row * PARTS + part) * LANES;
                Vec done = to_floats(sums[row][part]);
                store(to, start == 0 ? done : add(load(to), done));
            }
    }
    for (int row = 0; row < COUNT; row++)
        for (int part = 0; part < PARTS; part++) {
            float* to = out + (row * PARTS + part) * LANES;
            Vec scale = mul(load(matrix.scales + panel * PANEL + part * LANES), all(rows.scales[first + row]));
            store(to, mul(load(to), scale));
        }
}
#endif

template <int COUNT, int PANELS>
inline void sum_rows(const Matrix& matrix, const Rows& rows, int first, int panel, float* out) {
    if (matrix.kind == FLOAT32) return sum_floats<COUNT, PANELS, float>(matrix, rows, first, panel, out);
#if defined(AFTERWORD_PAIRS)
    return sum_pairs<COUNT, PANELS>(matrix, rows, first, panel, out);
#else
    return sum_floats<COUNT, PANELS, int8_t>(matrix, rows, first, panel, out);
#endif
}

// Panels that one row goes through side by side, so that one sum need not wait for the other.
constexpr int PANELS_OF_ONE = 4;

// Calls `sum_rows<count, 1>` for a count of 1 to COUNT.
template <int COUNT = MOST_ROWS>
inline void sum_some_rows(int count, const Matrix& matrix, const Rows& rows, int first, int panel, float* out) {
    if (count == COUNT) return sum_rows<COUNT, 1>(matrix, rows, first, panel, out);
    if constexpr (COUNT > 1) sum_some_rows<COUNT - 1>(count, matrix, rows, first, panel, out);
}

// Multiplies all rows with panels `from` to `to`, and calls `finish(row, panel, float[PANEL])` for each row and panel.
template <class Finish>
inline void multiply_panels(const Matrix& matrix, const Rows& rows, int from, int to, const Finish& finish) {
    alignas(64) float out[MOST_ROWS * PANELS_OF_ONE * PANEL];
    auto give = [&](int row, int panel, float* sums) {
        if (matrix.bias != nullptr)
            for (int at = 0; at < PANEL; at += LANES)
                store(sums + at, add(load(sums + at), load(matrix.bias + panel * PANEL + at)));
        finish(row, panel, sums);
    };
    int panel = from;
    if (rows.count == 1)
        for (; panel + PANELS_OF_ONE <= to; panel += PANELS_OF_ONE) {
            sum_rows<1, PANELS_OF_ONE>(matrix, rows, 0, panel, out);
            for (int part = 0; part < PANELS_OF_ONE; part++) give(0, panel + part, out + part * PANEL);
        }
    const int passes = (rows.count + MOST_ROWS - 1) / MOST_ROWS;
    for (; panel < to; panel++)
        for (int pass = 0, first = 0; pass < passes; pass++) {
            int count = (rows.count - first) / (passes - pass);
            sum_some_rows(count, matrix, rows, first, panel, out);
            for (int row = 0; row < count; row++) give(first + row, panel, out + row * PANEL);
            first += count;
        }
}

// Multiplies all rows with the whole matrix; `finish` as above, on any thread.
template <class Finish>
inline void multiply(Pool& pool, const Matrix& matrix, const Rows& rows, const Finish& finish) {
    const int all_panels = panels(matrix);
    const int wanted = std::max(1, all_panels / (pool.threads() * TASKS_PER_THREAD));
    const int each = rows.count == 1 && wanted > PANELS_OF_ONE ? wanted / PANELS_OF_ONE * PANELS_OF_ONE : wanted;
    pool.run((all_panels + each - 1) / each, [&](int task) {
        multiply_panels(matrix, rows, task * each, std::min(all_panels, (task + 1) * each), finish);
    });
}

}  // namespace afterword
