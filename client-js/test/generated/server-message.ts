/**
 * Generated from the message types; PROTOCOL.md is the specification. Fields not named here are allowed and ignored. JSON Schema counts the length of a string in code points and takes 1.0 for an integer; the protocol counts UTF-16 code units and does not. So every message that is right passes, and a few that are wrong pass too.
 */
export type AMessageFromAnAfterwordServer = (Welcome | Token | Done | Error | Notice | Pong)
/**
 * The end of a `suggest` or `extend`; `text` and `boundaries` when one text was asked for, else `alternatives`.
 */
export type Done = (Done1 & Done2)
export type Done1 = {
[k: string]: unknown
}

/**
 * Answers `hello`.
 */
export interface Welcome {
/**
 * Says which message this is.
 */
type: "welcome"
/**
 * Version of the protocol: 1.
 */
protocol: number
/**
 * Name of this connection in the server's log, for bug reports.
 */
session: string
/**
 * The server program.
 */
server: {
/**
 * Its name. At most 128 UTF-16 code units.
 */
name: string
/**
 * Its version. At most 64 UTF-16 code units.
 */
version: string
}
/**
 * The model that writes.
 */
model: string
/**
 * What lengths and offsets count: `utf-16`.
 */
offsets: string
/**
 * What one connection may ask for.
 */
limits: {
/**
 * Documents open at once.
 */
docs: number
/**
 * Bytes of one message from the client.
 */
message_bytes: number
/**
 * Units of `before`, `after` and `preface` together.
 */
context: number
/**
 * The most `max_tokens` may be.
 */
max_tokens: number
/**
 * The most `alternatives` may be.
 */
alternatives: number
}
/**
 * Time between the server's WebSocket pings; a good interval for a client's, too.
 */
heartbeat_ms: number
/**
 * Names of abilities beyond this page; a client ignores those it does not know.
 */
features: string[]
/**
 * What the server recommends.
 */
advice: {
/**
 * How long to wait after a keystroke before `suggest`; 0 means to ask at once.
 */
debounce_ms: number
}
}
/**
 * A piece of a suggestion; append-only.
 */
export interface Token {
/**
 * Says which message this is.
 */
type: "token"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The suggestion.
 */
id: number
/**
 * Where in the suggestion the piece begins, in units from the anchor.
 */
pos: number
/**
 * The piece.
 */
text: string
/**
 * Which alternative it belongs to.
 */
alternative?: number
/**
 * Natural logarithm of the probability that the model gave the piece: the sum over its tokens.
 */
logprob?: number
}
export interface Done2 {
/**
 * Says which message this is.
 */
type: "done"
/**
 * The document. At most 64 UTF-16 code units.
 */
doc: string
/**
 * The suggestion.
 */
id: number
/**
 * Why it is over; see Reasons. With alternatives, that of the first.
 */
reason: ("end" | "stop" | "length" | "time" | "suffix" | "quiet" | "repetition" | "cancelled" | "superseded" | "diverged" | "stale" | "busy" | "error")
/**
 * The whole suggestion from its anchor, when one text was asked for.
 */
text?: string
/**
 * Where parts of `text` end, for accepting it piece by piece.
 */
boundaries?: {
/**
 * Offsets at which a word has ended, rising. The space or punctuation before a word belongs to it; signs behind the last word have no offset of their own.
 */
words: number[]
/**
 * Offsets at which a phrase has ended, rising.
 */
phrases: number[]
/**
 * Offsets at which a sentence has ended, rising.
 */
sentences: number[]
}
/**
 * In place of `text` and `boundaries` when more than one text was asked for: one object for each, in order.
 */
alternatives?: {
/**
 * The whole text of this alternative.
 */
text: string
/**
 * Why this alternative ended.
 */
reason: ("end" | "stop" | "length" | "time" | "suffix" | "quiet" | "repetition" | "cancelled" | "superseded" | "diverged" | "stale" | "busy" | "error")
/**
 * As above, for this alternative.
 */
boundaries: {
/**
 * Offsets at which a word has ended, rising. The space or punctuation before a word belongs to it; signs behind the last word have no offset of their own.
 */
words: number[]
/**
 * Offsets at which a phrase has ended, rising.
 */
phrases: number[]
/**
 * Offsets at which a sentence has ended, rising.
 */
sentences: number[]
}
}[]
/**
 * How many of the model's tokens it took.
 */
usage: {
/**
 * Tokens of text that the model saw before the suggestion.
 */
context: number
/**
 * How many of these were known from before.
 */
reused: number
/**
 * How many of these had to be computed.
 */
computed: number
/**
 * Tokens written.
 */
generated: number
}
/**
 * How long it took, counted from when the server read the `suggest` or `extend`.
 */
timing: {
/**
 * Time that it waited for its turn.
 */
queue_ms: number
/**
 * Time until its first text was there. Absent: there was none.
 */
first_token_ms?: number
/**
 * Time until this `done`.
 */
total_ms: number
}
}
/**
 * Something the client sent could not be honoured; the connection goes on unless a close follows.
 */
export interface Error {
/**
 * Says which message this is.
 */
type: "error"
/**
 * What kind of error; see Error codes.
 */
code: ("bad_message" | "unknown_type" | "unknown_doc" | "unknown_suggestion" | "resync" | "stale_rev" | "too_many_docs" | "context_too_long" | "busy" | "unsupported" | "internal")
/**
 * What is wrong, in a sentence for the client's author.
 */
message: string
/**
 * The document that it is about. At most 64 UTF-16 code units.
 */
doc?: string
/**
 * The suggestion that it is about.
 */
id?: number
/**
 * The field that does not fit; inside an object, with the object's name and a dot before it.
 */
field?: string
/**
 * With `busy`: how long to wait before asking again.
 */
retry_after_ms?: number
}
/**
 * News about the server; `grace_ms` with `draining` says how long live suggestions may still run.
 */
export interface Notice {
/**
 * Says which message this is.
 */
type: "notice"
/**
 * What happened.
 */
kind: ("draining" | "engine_lost" | "engine_restarted")
/**
 * With `draining`: how long live suggestions may still run.
 */
grace_ms?: number
}
/**
 * Answers `ping`.
 */
export interface Pong {
/**
 * Says which message this is.
 */
type: "pong"
/**
 * What the `ping` had.
 */
t: (string | number | boolean | {

} | unknown[])
}
