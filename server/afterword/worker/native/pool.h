// Threads that share out the tasks of one phase after another.
//
// What lives here: handing out tasks and waiting for them. Which thread does a task never changes what comes of it. A
// phase lasts microseconds, so threads wait for the next one by spinning, and go to sleep when none comes for a while.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace afterword {

inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

class Pool {
   public:
    // How often a thread looks for the next phase before it sleeps: some tens of microseconds, longer than the gaps
    // within a step.
    static constexpr int SPINS = 2000;
    // How often the caller looks whether the last tasks are done before it lets others have its processor.
    static constexpr int SPINS_BEFORE_YIELD = 10000;

    explicit Pool(int threads) {
        for (int at = 1; at < threads; at++) workers_.emplace_back([this] { work(); });
    }

    ~Pool() {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            leaving_ = true;
        }
        wake_.notify_all();
        for (std::thread& worker : workers_) worker.join();
    }

    int threads() const { return (int)workers_.size() + 1; }

    // Calls task(0) to task(count - 1), each once, on any thread; returns when all are done.
    template <class Task>
    void run(int count, Task&& task) {
        if (count <= 1 || workers_.empty()) {
            for (int at = 0; at < count; at++) task(at);
            return;
        }
        call_ = [](void* given, int at) { (*static_cast<std::remove_reference_t<Task>*>(given))(at); };
        given_ = const_cast<void*>(static_cast<const void*>(&task));
        count_ = count;
        next_.store(0, std::memory_order_relaxed);
        phase_.fetch_add(1);  // odd: open
        if (sleeping_.load() > 0) {
            std::lock_guard<std::mutex> guard(mutex_);
            wake_.notify_all();
        }
        take();
        phase_.fetch_add(1);  // even: closed; who is not in by now stays out
        for (int spins = 0; joined_.load() != 0; spins++) {
            if (spins < SPINS_BEFORE_YIELD) pause_briefly();
            else std::this_thread::yield();
        }
    }

   private:
    void take() {
        for (int at; (at = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) call_(given_, at);
    }

    void work() {
        for (uint32_t last = 0;;) {
            uint32_t phase = await(last);
            if (phase == 0) return;
            last = phase;
            joined_.fetch_add(1);
            if (phase_.load() == phase) take();
            joined_.fetch_sub(1);
        }
    }

    // The number of an open phase other than `last`; 0 when the pool is going.
    uint32_t await(uint32_t last) {
        auto open = [&](uint32_t phase) { return phase % 2 == 1 && phase != last; };
        for (int spins = 0; spins < SPINS; spins++) {
            uint32_t phase = phase_.load();
            if (open(phase)) return phase;
            pause_briefly();
        }
        std::unique_lock<std::mutex> guard(mutex_);
        sleeping_.fetch_add(1);
        uint32_t phase = 0;
        wake_.wait(guard, [&] { return leaving_ || open(phase = phase_.load()); });
        sleeping_.fetch_sub(1);
        return leaving_ ? 0 : phase;
    }

    std::vector<std::thread> workers_;
    std::atomic<uint32_t> phase_{0};  // odd while a phase is open
    std::atomic<int> joined_{0};      // workers inside the phase
    std::atomic<int> sleeping_{0};
    std::atomic<int> next_{0};  // first task that nobody has
    int count_ = 0;
    void (*call_)(void*, int) = nullptr;
    void* given_ = nullptr;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool leaving_ = false;
};

}  // namespace afterword
