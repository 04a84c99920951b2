// A decoder-only transformer, run layer by layer over the rows of a step.
//
// What lives here: the order of things in a layer, and the functions that Python calls. Matrices are multiplied in
// matrix.h, attention is in attention.h, threads are in pool.h. Rows of many documents go through together; each row's
// result is the same bit for bit whatever else the step holds and however many threads there are.

#include <cmath>
#include <cstdint>
#include <vector>

#include "attention.h"
#include "matrix.h"
#include "pool.h"
#include "sampling.h"
#include "simd.h"

namespace afterword {

enum Activation : int32_t { SILU = 0, GELU_TANH = 1 };
enum Number : int32_t { FLOATS = 0, HALVES = 1 };

// One layer. Of the norms, those that a model does not have are missing. `cosines` and `sines` are
// `[positions][rotary]`, missing where a layer does not rotate; `window` is 0 where it sees everything.
struct Layer {
    Matrix qkv, out, gate, up, down;
    const float *attention_norm, *after_attention_norm, *mlp_norm, *after_mlp_norm;
    const float *query_norm, *key_norm;
    const float *cosines, *sines;
    int64_t window;
};

struct Model {
    int32_t hidden, heads, kv_heads, width, intermediate, layers, rotary, activation;
    float epsilon, attention_scale, embedding_scale, unused;
    const float* final_norm;
    Matrix embedding, head;
    const Layer* layer;
};

// Rows of a step, one entry each: see `Span` in model/step.py. Row `at` sees rows of its slot below `ends[at]`, and of
// `others` those from `starts[at]` to `starts[at + 1]`, whose positions in the text are `other_places`.
struct Packed {
    int32_t rows, number;
    int64_t cache_rows;
    const int32_t *tokens, *positions, *slots, *places, *ends, *starts, *others, *other_places;
    void* const* keys;    // of each layer, `[slots][kv_heads][cache_rows][width]` of `number`
    void* const* values;
};

namespace {

// Rows from which it pays to share out what is done row by row.
constexpr int ROWS_WORTH_SHARING = 4;
constexpr float GELU_FACTOR = 1.5957691216f;  // twice the square root of 2 / pi, after Hendrycks and Gimpel
constexpr float GELU_CUBE = 0.044715f;

void normalise(const float* from, const float* weights, int width, float epsilon, float* to) {
    Vec squares = all(0.0f);
    for (int at = 0; at < width; at += LANES) squares = fma(load(from + at), load(from + at), squares);
    Vec scale = all(1.0f / std::sqrt(sum(squares) / (float)width + epsilon));
    for (int at = 0; at < width; at += LANES) store(to + at, mul(mul(load(from + at), scale), load(weights + at)));
}

// Turns pairs that lie half a head apart, as transformers' `rotate_half` does.
void rotate(float* head, const float* cosines, const float* sines, int rotary) {
    for (int at = 0; at < rotary / 2; at++) {
        float low = head[at], high = head[at + rotary / 2];
        head[at] = low * cosines[at] - high * sines[at];
        head[at + rotary / 2] = high * cosines[at + rotary / 2] + low * sines[at + rotary / 2];
    }
}

}  // namespace

class Decoder {
   public:
    Decoder(const Model& model, int threads) : model_(model), pool_(threads) {}

    void begin(const Packed& packed) {
        step_ = packed;
        stream_.size(step_.rows, model_.hidden);
        each_row([&](int row) {
            float* to = stream_.row(row);
            for (int at = 0; at < model_.hidden; at++)
                to[at] = weight(model_.embedding, step_.tokens[row], at) * model_.embedding_scale;
        });
    }

    // `skipped[row]`: nobody wants the row any more, so its attention is left out.
    void layer(int index, const uint8_t* skipped) {
        const Layer& layer = model_.layer[index];
        prepare(layer.attention_norm);
        mixed_.size(step_.rows, layer.qkv.outputs);
        multiply(pool_, layer.qkv, input_, [&](int row, int panel, const float* sums) {
            std::memcpy(mixed_.row(row) + panel * PANEL, sums, sizeof(float) * PANEL);
        });
        if (step_.number == HALVES) attention<Half>(layer, index, skipped);
        else attention<float>(layer, index, skipped);
        project(layer.out, layer.after_attention_norm);
        prepare(layer.mlp_norm);
        feed_forward(layer);
        project(layer.down, layer.after_mlp_norm);
    }

    // Logits `[count][stride]` of the rows `wanted`; `stride` is a multiple of PANEL, and what pads it means nothing.
    void head(const int32_t* wanted, int count, float* logits, int64_t stride) {
        input_.size(count, model_.hidden);
        each(count, [&](int at) {
            normalise(stream_.row(wanted[at]), model_.final_norm, model_.hidden, model_.epsilon, input_.row(at));
            input_.take(at, model_.hidden);
        });
        multiply(pool_, model_.head, input_, [&](int row, int panel, const float* sums) {
            std::memcpy(logits + row * stride + panel * PANEL, sums, sizeof(float) * PANEL);
        });
    }

   private:
    template <class Do>
    void each(int count, const Do& act) {
        if (count >= ROWS_WORTH_SHARING) return pool_.run(count, act);
        for (int at = 0; at < count; at++) act(at);
    }

    template <class Do>
    void each_row(const Do& act) {
        each(step_.rows, act);
    }

    // The stream, normalised, becomes what the next matrix multiplies.
    void prepare(const float* norm) {
        input_.size(step_.rows, model_.hidden);
        each_row([&](int row) {
            normalise(stream_.row(row), norm, model_.hidden, model_.epsilon, input_.row(row));
            input_.take(row, model_.hidden);
        });
    }

    template <class Number>
    void attention(const Layer& layer, int index, const uint8_t* skipped) {
        const int width = model_.width, group = model_.heads / model_.kv_heads;
        Cache<Number> cache{static_cast<Number*>(step_.keys[index]), static_cast<Number*>(step_.values[index]),
                            model_.kv_heads, step_.cache_rows, width};
        // A row may look at rows of the same step, so all keys and values are put down first.
        each_row([&](int row) { put(layer, cache, row); });
        input_.size(step_.rows, model_.heads * width);
        pool_.run(step_.rows * model_.kv_heads, [&](int task) {
            static thread_local std::vector<float> scores;
            static thread_local std::vector<int32_t> others;
            const int row = task / model_.kv_heads, head = task % model_.kv_heads;
            float* to = input_.row(row) + head * group * width;
            if (skipped[row]) {
                std::memset(to, 0, sizeof(float) * group * width);
                return;
            }
            const float* queries = mixed_.row(row) + head * group * width;
            Sight sight = look(layer, row, others);
            attend(cache, step_.slots[row], head, sight, queries, group, model_.attention_scale, scores, to);
        });
        each_row([&](int row) { input_.take(row, model_.heads * width); });
    }

    template <class Number>
    void put(const Layer& layer, const Cache<Number>& cache, int row) {
        const int width = model_.width, position = step_.positions[row];
        float* heads = mixed_.row(row);
        for (int head = 0; head < model_.heads + model_.kv_heads; head++) {
            float* at = heads + head * width;
            const float* norm = head < model_.heads ? layer.query_norm : layer.key_norm;
            if (norm != nullptr) normalise(at, norm, width, model_.epsilon, at);
            if (layer.cosines != nullptr)
                rotate(at, layer.cosines + (int64_t)position * model_.rotary,
                       layer.sines + (int64_t)position * model_.rotary, model_.rotary);
        }
        const float* keys = heads + model_.heads * width;
        const float* values = keys + model_.kv_heads * width;
        for (int head = 0; head < model_.kv_heads; head++) {
            size_t to = cache.at(step_.slots[row], head, step_.places[row]);
            for (int at = 0; at < width; at += LANES) {
                store(cache.keys + to + at, load(keys + head * width + at));
                store(cache.values + to + at, load(values + head * width + at));
            }
        }
    }

    Sight look(const Layer& layer, int row, std::vector<int32_t>& others) const {
        const int oldest = layer.window > 0 ? step_.positions[row] - (int)layer.window + 1 : 0;
        others.clear();
        for (int at = step_.starts[row]; at < step_.starts[row + 1]; at++)
            if (step_.other_places[at] >= oldest) others.push_back(step_.others[at]);
        const int end = step_.ends[row];
        return Sight{std::min(end, std::max(0, oldest)), end, others.data(), (int)others.size()};
    }

    // Adds what a matrix makes of the input to the stream; a norm, if there is one, comes before the addition.
    void project(const Matrix& matrix, const float* norm) {
        if (norm == nullptr) {
            multiply(pool_, matrix, input_, [&](int row, int panel, const float* sums) {
                float* to = stream_.row(row) + panel * PANEL;
                for (int at = 0; at < PANEL; at += LANES) store(to + at, add(load(to + at), load(sums + at)));
            });
            return;
        }
        mixed_.size(step_.rows, model_.hidden);
        multiply(pool_, matrix, input_, [&](int row, int panel, const float* sums) {
            std::memcpy(mixed_.row(row) + panel * PANEL, sums, sizeof(float) * PANEL);
        });
        each_row([&](int row) {
            float *from = mixed_.row(row), *to = stream_.row(row);
            normalise(from, norm, model_.hidden, model_.epsilon, from);
            for (int at = 0; at < model_.hidden; at += LANES) store(to + at, add(load(to + at), load(from + at)));
        });
    }

    // Gate and up side by side; what comes of them replaces the input.
    void feed_forward(const Layer& layer) {
        gated_.size(step_.rows, model_.intermediate);
        multiply(pool_, layer.gate, input_, [&](int row, int panel, const float* sums) {
            float* to = gated_.row(row) + panel * PANEL;
            for (int at = 0; at < PANEL; at += LANES) store(to + at, activate(load(sums + at)));
        });
        multiply(pool_, layer.up, input_, [&](int row, int panel, const float* sums) {
            float* to = gated_.row(row) + panel * PANEL;
            for (int at = 0; at < PANEL; at += LANES) store(to + at, mul(load(to + at), load(sums + at)));
        });
        std::swap(gated_, input_);
        each_row([&](int row) { input_.take(row, model_.intermediate); });
    }

    Vec activate(Vec a) const {
        if (model_.activation == SILU) return mul(a, sigmoid(a));
        Vec inner = fma(mul(mul(a, a), a), all(GELU_CUBE), a);
        return mul(a, sigmoid(mul(inner, all(GELU_FACTOR))));
    }

    Model model_;
    Pool pool_;
    Packed step_{};
    Rows stream_, input_, mixed_, gated_;
};

}  // namespace afterword

using namespace afterword;

extern "C" {

int64_t afterword_packed_items(int32_t outputs, int32_t inputs) {
    return (int64_t)round_up(outputs, PANEL) * padded_inputs(inputs);
}

// Packs `[outputs][inputs]` floats. `matrix` has its sizes and kind; `scales` (padded to PANEL) is filled for INT8.
void afterword_pack(const float* from, const Matrix* matrix, void* to, float* scales) {
    std::memset(to, 0, panels(*matrix) * panel_items(*matrix) * (matrix->kind == FLOAT32 ? sizeof(float) : 1));
    for (int output = 0; output < matrix->outputs; output++) {
        const float* weights = from + (size_t)output * matrix->inputs;
        if (matrix->kind == FLOAT32) {
            for (int input = 0; input < matrix->inputs; input++)
                static_cast<float*>(to)[place(*matrix, output, input)] = weights[input];
            continue;
        }
        float biggest = 0;
        for (int input = 0; input < matrix->inputs; input++) biggest = std::max(biggest, std::fabs(weights[input]));
        scales[output] = biggest / 127;
        const float times = biggest > 0 ? 127 / biggest : 0;
        for (int input = 0; input < matrix->inputs; input++) {
            int whole = (int)std::nearbyintf(weights[input] * times);
            static_cast<int8_t*>(to)[place(*matrix, output, input)] = (int8_t)whole;
        }
    }
}

// The likeliest token of a row of logits, out of the `allowed` if there are any, and its natural-log probability.
int64_t afterword_choose(const float* row, int64_t count, const int64_t* allowed, int64_t allowed_count, float* logprob) {
    const Peak found = allowed != nullptr ? peak(row, allowed, allowed_count) : peak(row, count);
    const float biggest = allowed != nullptr ? peak(row, count).value : found.value;
    *logprob = found.value - log_sum(row, count, biggest);
    return found.at;
}

// Puts the logits of some tokens at minus infinity, in each of `rows` rows that lie `stride` floats apart.
void afterword_ban(float* logits, int64_t rows, int64_t stride, const int64_t* tokens, int64_t count) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t at = 0; at < count; at++) logits[row * stride + tokens[at]] = -INFINITY;
}

void* afterword_new(const Model* model, int32_t threads) { return new Decoder(*model, threads); }
void afterword_free(void* decoder) { delete static_cast<Decoder*>(decoder); }
void afterword_begin(void* decoder, const Packed* packed) { static_cast<Decoder*>(decoder)->begin(*packed); }
void afterword_layer(void* decoder, int32_t index, const uint8_t* skipped) {
    static_cast<Decoder*>(decoder)->layer(index, skipped);
}
void afterword_head(void* decoder, const int32_t* wanted, int32_t count, float* logits, int64_t stride) {
    static_cast<Decoder*>(decoder)->head(wanted, count, logits, stride);
}

}  // extern "C"
