/** The clock and timers of a connection and its documents, so that tests can bring their own. */

export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls back after `ms`; the function returned cancels that. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
